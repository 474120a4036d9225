//! What a database tells about its health. Nothing here changes one.

use crate::domain::{Error, Result, Timestamp, one_line};
use crate::store::db::pool::Db;

sql! {
    QUICK_CHECK_SQLITE = "PRAGMA quick_check(1)";
    JOURNAL_MODE_SQLITE = "PRAGMA journal_mode";
    SERVER_POSTGRES = "SELECT current_setting('server_version'), \
        (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT, \
        pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    READY_POSTGRES = "SELECT value, current_setting('transaction_read_only') = 'on' FROM sso_setting WHERE name = $1";
}

/// The state of a database beside its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// An SQLite file.
    Sqlite {
        /// The first thing that is wrong inside the file, if anything is.
        damage: Option<String>,
        /// How it keeps changes, which is `wal` for a database that this product has opened.
        journal_mode: String,
    },
    /// A PostgreSQL server.
    Postgres {
        /// Its version.
        version: String,
        /// What time it is there.
        now: Timestamp,
        /// Why nothing can be written, if nothing can be.
        read_only: Option<ReadOnly>,
    },
}

/// Why a PostgreSQL server takes no changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// It is a standby.
    Standby,
    /// `default_transaction_read_only` is on.
    Fenced,
}

/// Whether the database can do its work: read, and, on PostgreSQL, write. The value of this setting.
///
/// # Errors
/// [`Error::Unavailable`] when it cannot.
pub async fn check_ready(db: &Db, setting: &str) -> Result<Option<Vec<u8>>> {
    let mut conn = db.read().await?;
    if conn.is_sqlite() {
        return crate::store::db::setting::get(&mut conn, setting).await;
    }
    let found: Option<(Vec<u8>, bool)> = fetch_optional!(conn, (Vec<u8>, bool), READY_POSTGRES, setting)?;
    match found {
        Some((_, true)) => Err(Error::unavailable("the database is read-only: a standby, or fenced")),
        found => Ok(found.map(|(value, _)| value)),
    }
}

/// How the database is.
///
/// # Errors
/// When it cannot answer.
pub async fn health(db: &Db) -> Result<Health> {
    let mut conn = db.read().await?;
    if conn.is_sqlite() {
        let damage: Option<(String,)> = fetch_optional!(conn, (String,), QUICK_CHECK_SQLITE)?;
        let mode: Option<(String,)> = fetch_optional!(conn, (String,), JOURNAL_MODE_SQLITE)?;
        return Ok(Health::Sqlite {
            damage: damage.map(|(text,)| one_line(&text)).filter(|text| text != "ok"),
            journal_mode: mode.map(|(text,)| text).unwrap_or_default(),
        });
    }
    let server = fetch_optional!(conn, (String, i64, bool, bool), SERVER_POSTGRES)?;
    let (version, now, is_standby, is_read_only) = server.unwrap_or_default();
    let read_only = match (is_standby, is_read_only) {
        (true, _) => Some(ReadOnly::Standby),
        (false, true) => Some(ReadOnly::Fenced),
        (false, false) => None,
    };
    Ok(Health::Postgres { version, now: Timestamp::from_micros(now), read_only })
}
