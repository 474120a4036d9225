//! How long PostgreSQL may take for a statement, and what is known of a connection whose statement did not end.

use std::io;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::timeout;

use crate::domain::Result;
use crate::store::db::error::{is_broken, map_error};
use crate::store::db::owner::Owner;

/// How much longer than the server an answer is waited for: its own limit ends a statement and keeps the connection.
const GRACE: Duration = Duration::from_secs(1);

/// What is known of a connection in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its last statement has ended.
    Ready,
    /// A statement is under way, or its caller has gone away.
    Busy,
    /// It is of no use any more.
    Broken,
    /// It has not answered in time.
    Silent,
}

/// How long a statement is waited for, and in which process.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    time: Duration,
    owner: Owner,
}

impl Limit {
    /// So long, in this process.
    pub fn of(time: Duration) -> Self {
        Self { time, owner: Owner::this() }
    }

    /// Another time, in the same process.
    #[must_use]
    pub const fn with(self, time: Duration) -> Self {
        Self { time, ..self }
    }
}

/// What is known of a connection in use, and how long its statements may take.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub state: State,
    limit: Limit,
}

impl Usage {
    /// Statements may take so long on the server.
    pub const fn within(limit: Duration, owner: Owner) -> Self {
        Self { state: State::Ready, limit: Limit { time: limit.saturating_add(GRACE), owner } }
    }

    /// The same from now on.
    pub const fn allow(&mut self, limit: Duration) {
        self.limit = self.limit.with(limit.saturating_add(GRACE));
    }
}

/// A connection for one statement. It counts as given up until its [`End`] is told.
pub struct Use<'c> {
    conn: &'c mut PgConnection,
    usage: &'c mut Usage,
}

impl<'c> Use<'c> {
    /// For one statement on this connection.
    pub const fn new(conn: &'c mut PgConnection, usage: &'c mut Usage) -> Self {
        Self { conn, usage }
    }

    /// The connection, what to tell when the statement has ended, and how long it may take.
    pub const fn parts(self) -> (&'c mut PgConnection, End<'c>, Limit) {
        let Self { conn, usage } = self;
        let limit = usage.limit;
        usage.state = State::Busy;
        (conn, End(usage), limit)
    }
}

/// What to tell when a statement has ended.
pub struct End<'c>(&'c mut Usage);

impl End<'_> {
    /// It has ended so.
    pub fn with<T>(self, outcome: Result<T, sqlx::Error>) -> Result<T> {
        self.note(&outcome);
        outcome.map_err(map_error)
    }

    /// The same, for those who want the driver's error.
    pub fn note<T>(self, outcome: &Result<T, sqlx::Error>) {
        self.0.state = match outcome {
            Err(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut => State::Silent,
            Err(error) if is_broken(error) => State::Broken,
            _ => State::Ready,
        };
    }
}

/// Waits no longer than this for PostgreSQL, and nowhere but in the process that has opened the connection.
pub async fn limited<T>(
    limit: Limit,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    limit.owner.check()?;
    match timeout(limit.time, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(silent(limit.time, "statement_timeout")),
    }
}

/// The error of a server that does not answer.
pub fn silent(limit: Duration, key: &str) -> sqlx::Error {
    let seconds = limit.as_secs_f32();
    let text = format!("PostgreSQL did not answer within {seconds:.1} s (database.{key})");
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Runs a statement without arguments, in the simple protocol.
pub async fn run(conn: &mut PgConnection, statement: &'static str, limit: Limit) -> Result<(), sqlx::Error> {
    limited(limit, async { sqlx::raw_sql(statement).execute(conn).await.map(drop) }).await
}
