//! Where the two databases differ, all of it.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// How long a writer waits for other processes that write to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite takes the write lock when the transaction begins: a lock taken later, by upgrading, could fail half-way.
pub const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";
pub const BEGIN_POSTGRES: &str = "BEGIN";

/// A SQLite file: write-ahead log, so that readers and the writer do not wait for each other; NORMAL, which with a
/// write-ahead log loses nothing that was acknowledged when the process dies.
pub fn sqlite_file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .statement_cache_capacity(256)
}

/// A database in memory: it lives as long as its one connection.
pub fn sqlite_memory() -> SqliteConnectOptions {
    SqliteConnectOptions::new().in_memory(true).foreign_keys(true).statement_cache_capacity(256)
}

/// A PostgreSQL URL.
pub fn postgres(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.application_name("zato-sso").statement_cache_capacity(256))
}

/// What a query of PostgreSQL ends with whose rows nobody else is to change until the transaction ends. An SQLite
/// transaction keeps everybody out already.
macro_rules! for_update_postgres {
    () => {
        " FOR UPDATE"
    };
}
pub(super) use for_update_postgres;

/// Keeps others from changing a user until the transaction ends. An SQLite transaction keeps everybody out already.
pub const LOCK_USER_SQLITE: &str = "SELECT password_last_set FROM sso_user WHERE user_id = $1";
pub const LOCK_USER_POSTGRES: &str = "SELECT password_last_set FROM sso_user WHERE user_id = $1 FOR SHARE";
