//! What a client knows a user by.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::domain::{Client, Result, UserId};
use crate::ops::Sso;
use crate::store;

/// The setting that holds what pairwise subjects are computed with.
const SALT: &str = "pairwise_salt";

impl Sso {
    /// The `sub` of a user for a client: the user_id, or what all clients of the same sector know the user by and no other does
    /// (OpenID Connect Core, section 8.1).
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn subject_of(&self, client: &Client, user_id: &UserId) -> Result<String> {
        let Some(sector) = &client.pairwise_sector else { return Ok(user_id.to_string()) };
        let salt = self.pairwise_salt().await?;
        let mut hash = Sha256::new();
        // Neither a host name nor an id has a zero byte: no two pairs give the same bytes.
        for part in [sector.as_bytes(), b"\0", user_id.as_str().as_bytes(), b"\0", &salt] {
            hash.update(part);
        }
        Ok(BASE64URL_NOPAD.encode(&hash.finalize()))
    }

    /// Made once for all nodes, and never changed: clients would take their users for strangers.
    async fn pairwise_salt(&self) -> Result<Vec<u8>> {
        let mut conn = self.db().read().await?;
        if let Some(salt) = store::db::setting::get(&mut conn, SALT).await? {
            return Ok(salt);
        }
        drop(conn);
        let salt: [u8; 32] = self.random().bytes()?;
        let mut tx = self.db().write().await?;
        store::db::setting::insert(&mut tx, SALT, &salt).await?;
        let kept = store::db::setting::get(&mut tx, SALT).await?;
        tx.commit().await?;
        Ok(kept.unwrap_or_else(|| salt.to_vec()))
    }
}
