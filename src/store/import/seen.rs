//! What a long run has seen already, however much that is: in a temporary file of SQLite, which no other process sees and which is
//! gone with the connection. What is in memory of it does not grow.

use std::collections::HashSet;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::domain::{Error, Result};
use crate::store::map_error;

const CREATE: &str = "CREATE TEMP TABLE seen (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID";
const ADD: &str =
    "INSERT INTO seen SELECT value FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING RETURNING name";

/// Names that have been seen.
#[derive(Debug)]
pub struct Seen(SqliteConnection);

impl Seen {
    /// None yet.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub async fn new() -> Result<Self> {
        let options = SqliteConnectOptions::new().in_memory(true).pragma("temp_store", "FILE");
        let mut conn = SqliteConnection::connect_with(&options).await.map_err(map_error)?;
        sqlx::query(CREATE).execute(&mut conn).await.map_err(map_error)?;
        Ok(Self(conn))
    }

    /// Sees these names, of which none stands there twice; those that had not been seen before.
    ///
    /// # Errors
    /// When there is no place left.
    pub async fn add(&mut self, names: &[&str]) -> Result<HashSet<String>> {
        let names = serde_json::to_string(names).map_err(Error::internal)?;
        let added = sqlx::query_as(ADD).bind(&names).fetch_all(&mut self.0).await;
        let added: Vec<(String,)> = added.map_err(map_error)?;
        Ok(added.into_iter().map(|(name,)| name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_been_seen_is_not_new() {
        let mut seen = Seen::new().await.unwrap();
        assert_eq!(seen.add(&["a", "b"]).await.unwrap().len(), 2);
        assert_eq!(seen.add(&["b", "c"]).await.unwrap(), HashSet::from(["c".to_owned()]));
    }
}
