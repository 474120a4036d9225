//! What a client knows a user by.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::domain::{Client, Result, SessionId, UserId};
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
        match &client.pairwise_sector {
            None => Ok(user_id.to_string()),
            Some(sector) => self.pairwise(&[sector, user_id.as_str()]).await,
        }
    }

    /// The `sid` of a session for a client: its id, or what no client of another sector knows it by, who could tell by it that two
    /// subjects are one user.
    pub(in crate::ops) async fn sid_of(&self, client: &Client, session_id: SessionId) -> Result<String> {
        match &client.pairwise_sector {
            None => Ok(session_id.to_string()),
            Some(sector) => self.pairwise(&["sid", sector, &session_id.to_string()]).await,
        }
    }

    async fn pairwise(&self, parts: &[&str]) -> Result<String> {
        let salt = self.pairwise_salt().await?;
        let mut hash = Sha256::new();
        // Neither a host name nor an id has a zero byte: no two lists give the same bytes.
        for part in parts {
            hash.update(part.as_bytes());
            hash.update(b"\0");
        }
        hash.update(&salt);
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
