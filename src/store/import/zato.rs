//! The database of a Zato 3.x server, read and never written.
//!
//! Its tables are not ours, so its statements are prepared against such a database, and not with the others. Texts may
//! stand there as bytes (SQLite), and are read as bytes: one that is not UTF-8 is to be no more than the user's it is.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Connection as _, Decode, FromRow, PgConnection, Row, SqliteConnection, Type};
use tokio::time::timeout;

use crate::domain::Result;
use crate::domain::one_line;
use crate::store::db::dialect;
use crate::store::db::owner::Owner;
use crate::store::db::pool::Raw;
use crate::store::db::postgres::limit::{Usage, Use};
use crate::store::db::statement::Rows;
use crate::store::{Options, map_error};

/// How long a server may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a statement may take: a page of a table that has no index for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(600);

const USERS: &str = "zato_sso_user";
const ATTRS: &str = "zato_sso_attr";
const LINKS: &str = "zato_sso_linked_auth";
const SESSIONS: &str = "zato_sso_session";

/// What such a database always has.
const TABLES: [&str; 4] = [USERS, ATTRS, LINKS, SESSIONS];

/// Columns that earlier versions may not have: they are empty then.
const LATER_COLUMNS: [&str; 8] = [
    "is_totp_enabled",
    "totp_key",
    "totp_label",
    "is_rate_limit_active",
    "rate_limit_type",
    "rate_limit_def",
    "rate_limit_check_parent_def",
    "opaque1",
];

const COLUMNS_SQLITE: &str = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
    WHERE m.type = 'table' AND m.name LIKE 'zato!_sso!_%' ESCAPE '!'";
// Also of tables that may not be read: that is told when one is.
const COLUMNS_POSTGRES: &str = "SELECT c.relname::text, a.attname::text FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(c.oid) \
    AND c.relname LIKE 'zato!_sso!_%' ESCAPE '!'";
const QUICK_CHECK_SQLITE: &str = "PRAGMA quick_check(1)";

/// Why a database cannot be read as that of a Zato server. Each is one line that says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ZatoError {
    /// It could not be reached or opened.
    #[error("cannot read the database {url}: {reason}")]
    Connect {
        /// Where, without a password.
        url: String,
        /// What the driver says, and what to do about it.
        reason: String,
    },
    /// It is whole, and has nothing of Zato's.
    #[error(
        "the database {url} is not that of a Zato server: it has no table zato_sso_user; give the URL of its SQL \
         database, which its server.conf names"
    )]
    Other {
        /// Where, without a password.
        url: String,
    },
    /// It lacks a part, or is damaged.
    #[error("the database {url} is not whole: {problem}; copy it again, while Zato does not write to it")]
    Broken {
        /// Where, without a password.
        url: String,
        /// What is missing or wrong.
        problem: String,
    },
}

/// A row with texts, which are read as bytes, and truths: its struct, its columns, and how it is read.
macro_rules! rows {
    ($(
        $(#[$doc:meta])*
        $name:ident { $(numbers: $($number:ident)*;)? texts: $($text:ident)*; truths: $($truth:ident)*; }
    )*) => {$(
        $(#[$doc])*
        #[expect(missing_docs, reason = "the names are the columns'")]
        pub struct $name {
            $($(pub $number: Option<i64>,)*)?
            $(pub $text: Option<Vec<u8>>,)*
            $(pub $truth: bool,)*
        }

        impl $name {
            const COLUMNS: &[&str] = &[$($(stringify!($number),)*)? $(stringify!($text),)* $(stringify!($truth),)*];

            /// The columns of a query, of which those are empty that the table does not have.
            fn select(has: impl Fn(&str) -> bool) -> String {
                let mut parts = Vec::new();
                $($(parts.push(format!("CAST({0} AS BIGINT) AS {0}", stringify!($number)));)*)?
                $(parts.push(match has(stringify!($text)) {
                    true => format!("CAST({0} AS TEXT) AS {0}", stringify!($text)),
                    false => format!("CAST(NULL AS TEXT) AS {}", stringify!($text)),
                });)*
                $(parts.push(match has(stringify!($truth)) {
                    true => format!("COALESCE({0}, FALSE) AS {0}", stringify!($truth)),
                    false => format!("FALSE AS {}", stringify!($truth)),
                });)*
                parts.join(", ")
            }
        }

        impl<'r, R: Row> FromRow<'r, R> for $name
        where
            &'static str: ColumnIndex<R>,
            i64: Decode<'r, R::Database> + Type<R::Database>,
            bool: Decode<'r, R::Database> + Type<R::Database>,
            Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($($number: row.try_get(stringify!($number))?,)*)?
                    // Not checked to be of a type of bytes: the bytes of a text are what is wanted.
                    $($text: row.try_get_unchecked(stringify!($text))?,)*
                    $($truth: row.try_get(stringify!($truth))?,)*
                })
            }
        }
    )*};
}

rows! {
    /// A user as Zato keeps it. `email`, `password`, `totp_key` and `totp_label` may be encrypted.
    ZatoUser {
        numbers: id;
        texts: user_id username password email display_name first_name middle_name last_name locked_time locked_by
            creation_ctx approval_status approval_status_mod_time approval_status_mod_by password_last_set
            password_expiry sign_up_status sign_up_time sign_up_confirm_time sign_up_confirm_token totp_key totp_label
            rate_limit_type rate_limit_def opaque1;
        truths: is_active is_internal is_super_user is_locked password_is_set password_must_change is_totp_enabled
            is_rate_limit_active rate_limit_check_parent_def;
    }

    /// An attribute of a user.
    ZatoAttr {
        texts: user_id name value serial_method creation_time last_modified expiration_time;
        truths: is_encrypted;
    }

    /// A link of a user to a security definition.
    ZatoLink {
        numbers: auth_id;
        texts: user_id auth_type auth_principal creation_time;
        truths: is_active;
    }
}

/// Some users, with all that belongs to them.
#[derive(Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ZatoPage {
    pub users: Vec<ZatoUser>,
    pub attrs: Vec<ZatoAttr>,
    pub links: Vec<ZatoLink>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZatoTotals {
    /// Users.
    pub users: i64,
    /// Sessions, open or expired.
    pub sessions: i64,
    /// Attributes of sessions.
    pub session_attrs: i64,
    /// Password resets.
    pub password_resets: i64,
    /// Groups, and who is in them.
    pub groups: i64,
    /// Attributes and links of users who are not there.
    pub orphans: i64,
}

/// The statements that read one database.
struct Statements {
    users: String,
    attrs: String,
    links: String,
}

/// An open database of a Zato server.
pub struct ZatoDb {
    conn: Source,
    url: String,
    tables: BTreeSet<String>,
    statements: Statements,
    last_id: i64,
}

enum Source {
    Sqlite(SqliteConnection),
    Postgres(PgConnection, Usage),
}

impl ZatoDb {
    /// Opens a database for reading, and looks whether it is whole.
    ///
    /// # Errors
    /// [`ZatoError`].
    pub async fn connect(options: &Options) -> Result<Self, ZatoError> {
        let url = options.display();
        let mut conn = Source::connect(options)
            .await
            .map_err(|reason| ZatoError::Connect { url: url.clone(), reason })?;
        let broken = |problem: String| ZatoError::Broken { url: url.clone(), problem };
        let columns = conn.columns().await.map_err(|error| broken(one_line(&error.to_string())))?;
        let mut tables = BTreeSet::new();
        tables.extend(columns.iter().map(|(table, _)| table.clone()));
        if tables.is_empty() {
            return Err(ZatoError::Other { url });
        }
        if let Some(table) = TABLES.into_iter().find(|table| !tables.contains(*table)) {
            return Err(broken(format!("the table {table} is missing")));
        }
        let has = |table: &str, column: &str| columns.contains(&(table.to_owned(), column.to_owned()));
        for (table, wanted) in
            [(USERS, ZatoUser::COLUMNS), (ATTRS, ZatoAttr::COLUMNS), (LINKS, ZatoLink::COLUMNS)]
        {
            let missing = |column: &&&str| !has(table, column) && !LATER_COLUMNS.contains(*column);
            if let Some(column) = wanted.iter().find(missing) {
                return Err(broken(format!("the column {column} of {table} is missing")));
            }
        }
        let statements = Statements::new(has);
        Ok(Self { conn, url, tables, statements, last_id: i64::MIN })
    }

    /// Where it is, without a password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How much there is.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn totals(&mut self) -> Result<ZatoTotals> {
        let not_there = |table| format!("{table} WHERE user_id NOT IN (SELECT user_id FROM {USERS})");
        Ok(ZatoTotals {
            users: self.count(USERS, USERS).await?,
            sessions: self.count(SESSIONS, SESSIONS).await?,
            session_attrs: self.count(ATTRS, &format!("{ATTRS} WHERE is_session_attr")).await?,
            password_resets: self.count("zato_sso_password_reset", "zato_sso_password_reset").await?,
            groups: self.count("zato_sso_group", "zato_sso_group").await?
                + self.count("zato_sso_user_group", "zato_sso_user_group").await?,
            orphans: self.count(ATTRS, &format!("{} AND NOT is_session_attr", not_there(ATTRS))).await?
                + self.count(LINKS, &not_there(LINKS)).await?,
        })
    }

    /// The next users, by the order of their rows; none at the end. PostgreSQL shows the database as it was at the
    /// beginning. An SQLite file shows each page as it is then: Zato, which may still run, is not kept from writing.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn next_page(&mut self, limit: i64) -> Result<ZatoPage> {
        let page = self.page(limit).await?;
        if let Some(last) = page.users.last() {
            self.last_id = last.id.unwrap_or(i64::MAX);
        }
        Ok(page)
    }

    /// Goes back to the first user.
    pub const fn rewind(&mut self) {
        self.last_id = i64::MIN;
    }

    async fn page(&mut self, limit: i64) -> Result<ZatoPage> {
        // Users and what is theirs as of one moment. On PostgreSQL a transaction is open already.
        if let Source::Sqlite(conn) = &mut self.conn {
            sqlx::query("BEGIN").execute(conn).await.map_err(map_error)?;
        }
        let page = self.read_page(limit).await;
        if let Source::Sqlite(conn) = &mut self.conn {
            sqlx::query("ROLLBACK").execute(conn).await.map_err(map_error)?;
        }
        page
    }

    async fn read_page(&mut self, limit: i64) -> Result<ZatoPage> {
        let after = self.last_id;
        let users: Vec<ZatoUser> = self.rows(self.statements.users.clone(), &[after, limit]).await?.read()?;
        let Some(last) = users.last().and_then(|user| user.id) else { return Ok(ZatoPage::default()) };
        let attrs = self.rows(self.statements.attrs.clone(), &[after, last]).await?.read()?;
        let links = self.rows(self.statements.links.clone(), &[after, last]).await?.read()?;
        Ok(ZatoPage { users, attrs, links })
    }

    /// How many rows there are; none of a table that is not there.
    async fn count(&mut self, table: &str, rows: &str) -> Result<i64> {
        if !self.tables.contains(table) {
            return Ok(0);
        }
        let counted: Vec<(i64,)> = self.rows(format!("SELECT COUNT(*) FROM {rows}"), &[]).await?.read()?;
        Ok(counted.first().map_or(0, |(count,)| *count))
    }

    /// What was read so far belongs to one transaction: a connection that is lost cannot be replaced.
    async fn rows(&mut self, text: String, arguments: &[i64]) -> Result<Rows> {
        let raw = self.raw();
        let mut statement = raw.statement(sqlx::AssertSqlSafe(text));
        for argument in arguments {
            statement.bind(*argument);
        }
        raw.rows(statement).await
    }

    fn raw(&mut self) -> Raw<'_> {
        match &mut self.conn {
            Source::Sqlite(conn) => Raw::Sqlite(conn),
            Source::Postgres(conn, usage) => Raw::Postgres(Use::new(conn, usage)),
        }
    }
}

impl Statements {
    fn new(has: impl Fn(&str, &str) -> bool) -> Self {
        let of_page = format!("user_id IN (SELECT user_id FROM {USERS} WHERE id > $1 AND id <= $2)");
        Self {
            users: format!(
                "SELECT {} FROM {USERS} WHERE id > $1 ORDER BY id LIMIT $2",
                ZatoUser::select(|column| has(USERS, column))
            ),
            attrs: format!(
                "SELECT {} FROM {ATTRS} WHERE NOT is_session_attr AND {of_page} ORDER BY id",
                ZatoAttr::select(|column| has(ATTRS, column))
            ),
            links: format!(
                "SELECT {} FROM {LINKS} WHERE {of_page} ORDER BY id",
                ZatoLink::select(|column| has(LINKS, column))
            ),
        }
    }
}

/// Every statement that reads a database which has all columns: name and text. They are not of
/// [`statements`](crate::store::statements), for the tables are not ours.
#[must_use]
pub fn statements() -> Vec<(&'static str, String)> {
    let Statements { users, attrs, links } = Statements::new(|_, _| true);
    vec![("users", users), ("attrs", attrs), ("links", links)]
}

impl Source {
    /// What is wrong is told without the URL.
    async fn connect(options: &Options) -> Result<Self, String> {
        match options {
            Options::SqliteFile(path) if !path.is_file() => Err(
                "there is no such file; correct the path, which begins with four slashes if it is absolute"
                    .into(),
            ),
            Options::SqliteFile(path) => {
                let conn = SqliteConnection::connect_with(&dialect::sqlite_file_to_read(path)).await;
                conn.map(Self::Sqlite).map_err(|error| {
                    format!(
                        "{}; check that it can be read, and is an SQLite database",
                        one_line(&error.to_string())
                    )
                })
            }
            Options::SqliteMemory => Err("a database in memory is empty; give the file of Zato's".into()),
            Options::Postgres(server) => {
                let hint =
                    "check the URL postgresql://user:password@host:5432/database and that the server runs";
                let hosts = server.hosts().map_err(|reason| format!("{reason}; {hint}"))?;
                let connected = async {
                    let mut last = sqlx::Error::PoolClosed;
                    for host in &hosts.all {
                        match PgConnection::connect_with(host).await {
                            Ok(mut conn) => {
                                sqlx::query(dialect::BEGIN_TO_READ_POSTGRES).execute(&mut conn).await?;
                                return Ok(conn);
                            }
                            Err(error) => last = error,
                        }
                    }
                    Err(last)
                };
                match timeout(PATIENCE, connected).await {
                    Ok(Ok(conn)) => Ok(Self::Postgres(conn, Usage::within(STATEMENT_TIMEOUT, Owner::this()))),
                    Ok(Err(error)) => Err(format!("{}; {hint}", one_line(&error.to_string()))),
                    Err(_) => Err(format!("no answer within {} s; {hint}", PATIENCE.as_secs())),
                }
            }
        }
    }

    /// Table and column of all that is Zato's. An SQLite file is looked through first: a part that is damaged need not be
    /// one that is read.
    async fn columns(&mut self) -> Result<BTreeSet<(String, String)>, sqlx::Error> {
        let rows = match self {
            Self::Sqlite(conn) => {
                let damage: SqliteRow = sqlx::query(QUICK_CHECK_SQLITE).fetch_one(&mut *conn).await?;
                let damage: String = damage.try_get(0)?;
                if damage != "ok" {
                    return Err(sqlx::Error::Protocol(damage));
                }
                sqlx::query_as(COLUMNS_SQLITE).fetch_all(conn).await?
            }
            Self::Postgres(conn, _) => sqlx::query_as(COLUMNS_POSTGRES).fetch_all(conn).await?,
        };
        Ok(rows.into_iter().collect())
    }
}
