//! A statement with its arguments, and the rows that come of it, whichever of the two databases it is for.
//!
//! Only how a value is written and read depends on its type. All that waits for a database is here, and compiled once.

use std::pin::Pin;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Encode, FromRow, SqlSafeStr, SqlStr, Sqlite, Type};

use crate::domain::trace::OpenSpan;
use crate::domain::{Error, Result};
use crate::store::db::pool::{Conn, Raw};
use crate::store::db::postgres::limit::limited;
use crate::store::db::span::ended;
use crate::store::map_error;

/// What a statement answers, once it has.
type Pending<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// A statement with its arguments.
pub(in crate::store) struct Statement {
    text: SqlStr,
    arguments: Arguments,
    /// The first argument that cannot be written, and why.
    wrong: Option<BoxDynError>,
}

#[derive(Clone)]
enum Arguments {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Statement {
    fn new(text: impl SqlSafeStr, is_sqlite: bool) -> Self {
        let arguments = if is_sqlite {
            Arguments::Sqlite(SqliteArguments::default())
        } else {
            Arguments::Postgres(PgArguments::default())
        };
        Self { text: text.into_sql_str(), arguments, wrong: None }
    }

    /// Adds an argument.
    pub fn bind<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres>,
    {
        let outcome = match &mut self.arguments {
            Arguments::Sqlite(arguments) => arguments.add(value),
            Arguments::Postgres(arguments) => arguments.add(value),
        };
        if let Err(error) = outcome {
            self.wrong.get_or_insert(error);
        }
        self
    }

    /// The same, to be run once more.
    fn again(&self) -> Self {
        Self { text: self.text.clone(), arguments: self.arguments.clone(), wrong: None }
    }
}

/// All rows of a query.
pub(in crate::store) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    /// Their values.
    ///
    /// # Errors
    /// When a column is missing or holds something else.
    pub fn read<T>(self) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        match self {
            Self::Sqlite(rows) => rows.iter().map(T::from_row).collect::<Result<_, _>>(),
            Self::Postgres(rows) => rows.iter().map(T::from_row).collect::<Result<_, _>>(),
        }
        .map_err(map_error)
    }
}

/// The first row of a query, if there is one.
pub(in crate::store) enum FirstRow {
    Sqlite(Option<SqliteRow>),
    Postgres(Option<PgRow>),
}

impl FirstRow {
    /// Its values.
    ///
    /// # Errors
    /// As [`Rows::read`].
    pub fn read<T>(self) -> Result<Option<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.map(|row| T::from_row(&row)).transpose(),
            Self::Postgres(row) => row.map(|row| T::from_row(&row)).transpose(),
        }
        .map_err(map_error)
    }
}

/// Has the driver's own connection run a statement, by this method of its own. PostgreSQL has a time limit. The last two
/// arguments make of what comes out what both drivers have.
macro_rules! on_driver {
    ($raw:expr, $statement:expr, $is_named:expr, $method:ident, $sqlite:expr, $postgres:expr) => {{
        let Statement { text, arguments, wrong } = $statement;
        if let Some(error) = wrong {
            return Err(map_error(sqlx::Error::Encode(error)));
        }
        match ($raw, arguments) {
            (Raw::Sqlite(conn), Arguments::Sqlite(arguments)) => {
                let query: Query<'_, Sqlite, _> = sqlx::query_with(text, arguments);
                query.$method(conn).await.map($sqlite).map_err(map_error)
            }
            (Raw::Postgres(used), Arguments::Postgres(arguments)) => {
                let query: Query<'_, Postgres, _> = sqlx::query_with(text, arguments);
                let (conn, end, limit) = used.parts();
                let work = query.persistent($is_named).$method(conn);
                end.with(limited(limit, work).await.map($postgres))
            }
            _ => Err(Error::internal("the statement was made for another connection")),
        }
    }};
}

impl<'c> Raw<'c> {
    /// Begins a statement.
    pub fn statement(&self, text: impl SqlSafeStr) -> Statement {
        Statement::new(text, matches!(self, Self::Sqlite(_)))
    }

    /// Runs a statement; the number of rows that it touched.
    async fn execute(self, statement: Statement, is_named: bool) -> Result<u64> {
        on_driver!(self, statement, is_named, execute, |done| done.rows_affected(), |done| done
            .rows_affected())
    }

    /// Runs a query.
    async fn fetch_all(self, statement: Statement, is_named: bool) -> Result<Rows> {
        on_driver!(self, statement, is_named, fetch_all, Rows::Sqlite, Rows::Postgres)
    }

    /// Runs a query, and leaves all rows but the first.
    async fn fetch_first(self, statement: Statement, is_named: bool) -> Result<FirstRow> {
        on_driver!(self, statement, is_named, fetch_optional, FirstRow::Sqlite, FirstRow::Postgres)
    }

    /// Runs a query once, and whatever else its session of the server knows.
    pub fn rows(self, statement: Statement) -> Pending<'c, Rows> {
        Box::pin(self.fetch_all(statement, true))
    }
}

/// Runs a query that only reads. It is run once more where the connection was lost on the way to PostgreSQL, or back.
macro_rules! reading {
    ($conn:expr, $statement:expr, $method:ident) => {{
        let (conn, statement) = ($conn, $statement);
        let is_named = conn.has_named_statements();
        if !conn.can_be_renewed() {
            return conn.raw().$method(statement, is_named).await;
        }
        let again = statement.again();
        let outcome = conn.raw().$method(statement, is_named).await;
        if outcome.is_ok() || !conn.renew().await {
            return outcome;
        }
        conn.raw().$method(again, is_named).await
    }};
}

impl Conn {
    /// Begins a statement.
    pub(in crate::store) fn statement(&self, text: impl SqlSafeStr) -> Statement {
        Statement::new(text, self.is_sqlite())
    }

    /// Runs a statement; the number of rows that it touched.
    pub(in crate::store) fn execute(&mut self, statement: Statement) -> Pending<'_, u64> {
        let is_named = self.has_named_statements();
        let span = self.span(statement.text.as_str());
        timed(span, Box::pin(self.raw().execute(statement, is_named)))
    }

    /// The rows of a query.
    pub(in crate::store) fn rows(&mut self, statement: Statement) -> Pending<'_, Rows> {
        let span = self.span(statement.text.as_str());
        timed(span, Box::pin(async move { reading!(self, statement, fetch_all) }))
    }

    /// The first row of a query, if there is one.
    pub(in crate::store) fn first_row(&mut self, statement: Statement) -> Pending<'_, FirstRow> {
        let span = self.span(statement.text.as_str());
        timed(span, Box::pin(async move { reading!(self, statement, fetch_first) }))
    }
}

/// What a statement answers, with its span ended by then.
fn timed<'c, T: Send + 'c>(span: Option<OpenSpan>, pending: Pending<'c, T>) -> Pending<'c, T> {
    if span.is_none() {
        return pending;
    }
    Box::pin(async move {
        let outcome = pending.await;
        ended(span, &outcome);
        outcome
    })
}
