//! What a database tells about its health. Nothing here changes one.

use crate::domain::{Result, Timestamp, one_line};
use crate::store::db::pool::Db;

sql! {
    QUICK_CHECK_SQLITE = "PRAGMA quick_check(1)";
    JOURNAL_MODE_SQLITE = "PRAGMA journal_mode";
    SERVER_POSTGRES = "SELECT current_setting('server_version'), \
        (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
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
    },
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
    let server: Option<(String, i64)> = fetch_optional!(conn, (String, i64), SERVER_POSTGRES)?;
    let (version, now) = server.unwrap_or_default();
    Ok(Health::Postgres { version, now: Timestamp::from_micros(now) })
}
