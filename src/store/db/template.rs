//! The schema of databases in memory: migrations make it once in a process, and from then on it is copied, which is twenty
//! times as fast. Tests have a new database each.

use std::sync::OnceLock;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteOwnedBuf;

/// A database with the latest schema and nothing else, as SQLite writes it into a file.
static TEMPLATE: OnceLock<Box<[u8]>> = OnceLock::new();

/// Makes an empty database in memory a copy of the template; false where there is none yet.
///
/// # Errors
/// When SQLite does not take it.
pub(in crate::store) async fn copy_into(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let copied = TEMPLATE.get().map(|template| SqliteOwnedBuf::try_from(&**template)).transpose()?;
    let Some(copied) = copied else { return Ok(false) };
    conn.deserialize(None, copied, false).await?;
    Ok(true)
}

/// Keeps a database in memory as the template, which has just got its schema. Where that fails, the next one is migrated, too.
pub(in crate::store) async fn keep(conn: &mut SqliteConnection) {
    if TEMPLATE.get().is_none()
        && let Ok(made) = conn.serialize(None).await
    {
        TEMPLATE.get_or_init(|| made.as_ref().into());
    }
}
