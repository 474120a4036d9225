//! What the database says about itself.

use crate::domain::Result;
use crate::store::Conn;

sql! {
    GET = "SELECT value FROM sso_setting WHERE name = $1";
    INSERT = "INSERT INTO sso_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    PUT = "INSERT INTO sso_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    DELETE = "DELETE FROM sso_setting WHERE name = $1";
    REPLACE = "UPDATE sso_setting SET value = $3 WHERE name = $1 AND value = $2";
}

/// A setting's value, if there is one.
///
/// # Errors
/// When the database cannot answer.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = fetch_optional!(conn, (Vec<u8>,), GET, name)?;
    Ok(row.map(|(value,)| value))
}

/// Makes a setting unless there is one; whether it was made.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(conn: &mut Conn, name: &str, value: &[u8]) -> Result<bool> {
    Ok(execute!(conn, INSERT, name, value)? == 1)
}

/// Gives a setting a value, whatever it had before.
///
/// # Errors
/// When the database cannot answer.
pub async fn put(conn: &mut Conn, name: &str, value: &[u8]) -> Result<()> {
    execute!(conn, PUT, name, value)?;
    Ok(())
}

/// Removes a setting.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(conn: &mut Conn, name: &str) -> Result<()> {
    execute!(conn, DELETE, name)?;
    Ok(())
}

/// Gives a setting a new value unless it changed since it had the old one, None being none at all; whether
/// it was given.
///
/// # Errors
/// When the database cannot answer.
pub async fn replace(conn: &mut Conn, name: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool> {
    match old {
        None => insert(conn, name, new).await,
        Some(old) => Ok(execute!(conn, REPLACE, name, old, new)? == 1),
    }
}
