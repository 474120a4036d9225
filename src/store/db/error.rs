//! From errors of the drivers to errors of the product.

use std::borrow::Cow;
use std::io::ErrorKind;

use crate::domain::{Error, one_line};

/// Why a database could not be opened. Each is one line that says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be reached or opened at all.
    #[error("cannot open the database {url}: {reason}")]
    Connect {
        /// Where, without a password.
        url: String,
        /// What the driver says, and what to do about it.
        reason: String,
    },
    /// A later version of the product has upgraded it.
    #[error(
        "the database {url} has schema version {found}, which is newer than version {known} that this zato-sso knows: \
         upgrade zato-sso to use it"
    )]
    Newer {
        /// Where, without a password.
        url: String,
        /// The version it has.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// Its schema could not be created or upgraded.
    #[error("cannot upgrade the schema of the database {url}: {reason}")]
    Migrate {
        /// Where, without a password.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

/// What a driver's error means to a caller: whether trying again can help.
pub fn map_error(error: sqlx::Error) -> Error {
    if is_of_other_session(&error) {
        return Error::unavailable(format!("{}; {POOLER}", one_line(&error.to_string())));
    }
    if is_away(&error) { Error::unavailable(error) } else { Error::internal(error) }
}

const POOLER: &str =
    "does a pooler give each transaction another connection? Then set database.pooler to \"transaction\"";

/// Whether PostgreSQL knows statements of another session, or not those of this one.
fn is_of_other_session(error: &sqlx::Error) -> bool {
    matches!(postgres_code(error).as_deref(), Some("42P05" | "26000"))
}

/// The five characters by which PostgreSQL calls an error.
fn postgres_code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    let sqlx::Error::Database(database) = error else { return None };
    database.code().filter(|code| code.len() == 5)
}

/// Whether the connection is of no use any more: it has ended, its session is another one's, or the server became
/// read-only.
pub(in crate::store) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => {
            postgres_code(error).is_some_and(|code| {
                matches!(&*code, READ_ONLY | "25P03" | "25P04")
                    || code.starts_with("57P")
                    || code.starts_with("08")
            }) || is_of_other_session(error)
        }
    }
}

/// PostgreSQL is a standby, or fenced.
const READ_ONLY: &str = "25006";

/// Whether PostgreSQL, or a pooler, has no place for another connection.
pub(in crate::store) fn is_full(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    postgres_code(error).as_deref() == Some("53300")
        || database.message().contains("no more connections allowed")
}

/// Whether a server that cannot be connected to may be just starting, or another about to take its place. Balancers
/// that have no server behind them close a connection at its first byte.
pub(in crate::store) fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
                | ErrorKind::NotFound
                | ErrorKind::ReadOnlyFilesystem
        ),
        sqlx::Error::Protocol(_) => true,
        _ => postgres_code(error).is_some_and(|code| code.starts_with("57P")),
    }
}

/// The same error once more, for each of those whom it concerns.
pub(in crate::store) fn again(error: &Error) -> Error {
    match error {
        Error::Unavailable(source) => Error::unavailable(source.to_string()),
        other => Error::internal(other.to_string()),
    }
}

/// What two rows would have in common if this is the error of a unique index: the name of the index (PostgreSQL), or a
/// text with the names of its columns (SQLite).
pub(in crate::store) fn unique_violation(error: &Error) -> Option<&str> {
    let Error::Internal(source) = error else { return None };
    let sqlx::Error::Database(database) = source.downcast_ref::<sqlx::Error>()? else { return None };
    if !database.is_unique_violation() {
        return None;
    }
    Some(database.constraint().unwrap_or_else(|| database.message()))
}

/// Whether this is the error of a row that refers to another one, which is not there.
pub(in crate::store) fn is_dangling(error: &Error) -> bool {
    let Error::Internal(source) = error else { return false };
    let Some(sqlx::Error::Database(database)) = source.downcast_ref() else { return false };
    database.is_foreign_key_violation()
}

/// Whether an SQLite file is in use by another connection: the primary result code BUSY is the low byte.
pub(in crate::store) fn is_locked(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    database.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|number| number & 0xff == 5)
}

/// Whether the database is unreachable, busy or out of space, as opposed to being used wrongly.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>() {
                // SQLite: the primary result code is the low byte. BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14),
                // PostgreSQL: connection exceptions, out of resources, operator intervention, system error,
                // transactions that lost to another one, and a server that is read-only.
                _ => {
                    code == READ_ONLY
                        || ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                }
            }
        }
        _ => false,
    }
}
