//! Copies of an SQLite database: made while others use it, and put back while others use it.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use crate::domain::{Error, Result};
use crate::store::db::error::map_error;
use crate::store::db::pool::{Db, Raw};

/// How long others who write are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tables with data of ours; those of the migrations stay as they are.
const TABLES: &str = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// What the next ids of some tables are.
const SEQUENCES: &str = "SELECT name FROM main.sqlite_master WHERE name = 'sqlite_sequence'";

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

const COLUMNS: &str = "SELECT name FROM pragma_table_info(?, 'main')";

/// Writes a copy into an empty file, as the database is at one moment. Others may read and write meanwhile.
///
/// # Errors
/// When the database cannot be read, or the copy not be written.
pub async fn write_copy(from: &Path, to: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(from)
        .create_if_missing(false)
        .busy_timeout(PATIENCE)
        .disable_statement_logging();
    let mut conn = SqliteConnection::connect_with(&options).await.map_err(map_error)?;
    let path = to.to_str().ok_or_else(|| Error::unavailable("the path of the copy is not UTF-8"))?;
    let outcome = sqlx::query("VACUUM INTO ?").bind(path).execute(&mut conn).await;
    conn.close().await.map_err(map_error)?;
    outcome.map(|_done| ()).map_err(map_error)
}

/// Replaces all data by that of a copy with the same schema, in one transaction: others see all of it or nothing, and
/// what they have cached is not believed any more.
///
/// # Errors
/// When either cannot be read, or the database not be written; nothing has changed then.
pub async fn replace_data(db: &Db, copy: &Path) -> Result<()> {
    let path = copy.to_str().ok_or_else(|| Error::unavailable("the path of the copy is not UTF-8"))?;
    let mut tx = db.write_much().await?;
    tx.touch_everybody();
    let Raw::Sqlite(conn) = tx.raw() else {
        return Err(Error::internal("only an SQLite database is replaced"));
    };
    sqlx::query("ATTACH DATABASE ? AS copy").bind(path).execute(&mut *conn).await.map_err(map_error)?;
    sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut *conn).await.map_err(map_error)?;
    let mut tables: Vec<(String,)> = sqlx::query_as(TABLES).fetch_all(&mut *conn).await.map_err(map_error)?;
    tables.extend(sqlx::query_as(SEQUENCES).fetch_all(&mut *conn).await.map_err(map_error)?);
    // All of them first: rows go with those that they refer to.
    for (table,) in &tables {
        let sql = AssertSqlSafe(format!("DELETE FROM main.\"{table}\""));
        sqlx::query(sql).execute(&mut *conn).await.map_err(map_error)?;
    }
    for (table,) in &tables {
        let columns: Vec<(String,)> =
            sqlx::query_as(COLUMNS).bind(table).fetch_all(&mut *conn).await.map_err(map_error)?;
        let columns: Vec<_> = columns.iter().map(|(column,)| format!("\"{column}\"")).collect();
        let columns = columns.join(", ");
        let sql = format!("INSERT INTO main.\"{table}\" ({columns}) SELECT {columns} FROM copy.\"{table}\"");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await.map_err(map_error)?;
    }
    tx.commit().await?;
    // A commit alone may be lost with the power.
    let mut conn = db.read().await?;
    if let Raw::Sqlite(conn) = conn.raw() {
        sqlx::query(CHECKPOINT).execute(conn).await.map_err(map_error)?;
    }
    Ok(())
}
