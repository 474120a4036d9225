//! Sites, and where they may have browsers sent back to.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::{Result, Site, Timestamp};
use crate::store::db::error::unique_violation;
use crate::store::{Conn, Tx};

macro_rules! columns {
    () => {
        "site_id, subdomain, public_key, is_active, is_trusted, creation_time"
    };
}

macro_rules! site {
    ($more:literal) => {
        concat!("SELECT ", columns!(), ", old_key_digest IS NOT NULL AS has_old_key", $more, " FROM sso_site")
    };
}

sql! {
    INSERT = concat!(
        "INSERT INTO sso_site (", columns!(), ", private_key_digest) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (subdomain) DO NOTHING"
    );
    INSERT_CALLBACK = "INSERT INTO sso_site_callback (site_id, callback_uri) VALUES ($1, $2)";
    SET_TRUSTED = "UPDATE sso_site SET is_trusted = $2 WHERE site_id = $1";
    SET_KEY = "UPDATE sso_site SET private_key_digest = $2, old_key_digest = NULL WHERE site_id = $1";
    SET_KEY_AND_KEEP_OLD = "UPDATE sso_site SET private_key_digest = $2, old_key_digest = private_key_digest \
        WHERE site_id = $1";
    END_OLD_KEY = "UPDATE sso_site SET old_key_digest = NULL WHERE site_id = $1";
    DELETE_CALLBACKS = "DELETE FROM sso_site_callback WHERE site_id = $1";
    ALL = concat!(site!(""), " ORDER BY subdomain");
    BY_SUBDOMAIN = concat!(site!(""), " WHERE subdomain = $1");
    BY_PUBLIC_KEY = concat!(site!(", private_key_digest, old_key_digest"), " WHERE public_key = $1");
    ALL_CALLBACKS = "SELECT site_id, callback_uri FROM sso_site_callback ORDER BY callback_uri";
    CALLBACKS = "SELECT callback_uri FROM sso_site_callback WHERE site_id = $1 ORDER BY callback_uri";
    /// Callback URIs are kept in their normal form: an origin with a slash behind it is what all that lead to it begin with.
    HAS_ORIGIN = "SELECT c.callback_uri FROM sso_site_callback c JOIN sso_site s ON s.site_id = c.site_id \
        WHERE s.is_active AND substr(c.callback_uri, 1, length($1)) = $1 LIMIT 1";
    SESSIONS = "DELETE FROM sso_session WHERE site_id = $1 RETURNING user_id";
    DELETE = "DELETE FROM sso_site WHERE site_id = $1";
}

row! {
    struct SiteRow {
        site_id: Uuid,
        subdomain: String,
        public_key: Uuid,
        is_active: bool,
        is_trusted: bool,
        creation_time: Timestamp,
        has_old_key: bool,
    }
}

impl SiteRow {
    fn into_site(self, callback_uris: Vec<String>) -> Site {
        Site {
            site_id: self.site_id,
            subdomain: self.subdomain,
            public_key: self.public_key,
            is_active: self.is_active,
            is_trusted: self.is_trusted,
            creation_time: self.creation_time,
            has_old_key: self.has_old_key,
            callback_uris,
        }
    }
}

row! {
    struct KeyRow {
        private_key_digest: Vec<u8>,
        old_key_digest: Option<Vec<u8>>,
    } with {
        site: SiteRow,
    }
}

/// How an insertion went. After anything but a success the transaction is good for nothing but its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is there now.
    Yes,
    /// Another site has that subdomain.
    SubdomainTaken,
    /// Another site has one of the callback URIs.
    CallbackTaken,
}

/// Adds a site with its callback URIs.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, site: &Site, private_key_digest: &[u8]) -> Result<Inserted> {
    let inserted = execute!(
        tx,
        INSERT,
        site.site_id,
        &site.subdomain,
        site.public_key,
        site.is_active,
        site.is_trusted,
        site.creation_time,
        private_key_digest,
    )?;
    if inserted == 0 {
        return Ok(Inserted::SubdomainTaken);
    }
    insert_callbacks(tx, site).await
}

async fn insert_callbacks(tx: &mut Tx, site: &Site) -> Result<Inserted> {
    for callback_uri in &site.callback_uris {
        match execute!(tx, INSERT_CALLBACK, site.site_id, callback_uri) {
            Ok(_) => {}
            Err(error) if unique_violation(&error).is_some() => return Ok(Inserted::CallbackTaken),
            Err(error) => return Err(error),
        }
    }
    Ok(Inserted::Yes)
}

/// Puts other callback URIs in the place of those that a site has.
///
/// # Errors
/// When the database cannot answer.
pub async fn replace_callbacks(tx: &mut Tx, site: &Site) -> Result<Inserted> {
    execute!(tx, DELETE_CALLBACKS, site.site_id)?;
    insert_callbacks(tx, site).await
}

/// Has a site speak for all users, or no longer.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_trusted(tx: &mut Tx, site: &Site) -> Result<()> {
    execute!(tx, SET_TRUSTED, site.site_id, site.is_trusted).map(drop)
}

/// Gives a site another private key. The one that it had goes on being one of its keys, or does not.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_key(tx: &mut Tx, site: &Site, private_key_digest: &[u8]) -> Result<()> {
    let sql = if site.has_old_key { SET_KEY_AND_KEEP_OLD } else { SET_KEY };
    execute!(tx, sql, site.site_id, private_key_digest).map(drop)
}

/// The key that a site had before is none any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn end_old_key(tx: &mut Tx, site: &Site) -> Result<()> {
    execute!(tx, END_OLD_KEY, site.site_id).map(drop)
}

/// All sites, by subdomain.
///
/// # Errors
/// When the database cannot answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<Site>> {
    let rows = fetch_all!(conn, SiteRow, ALL)?;
    let callbacks = fetch_all!(conn, (Uuid, String), ALL_CALLBACKS)?;
    let mut of_site = HashMap::<Uuid, Vec<String>>::new();
    for (site_id, callback_uri) in callbacks {
        of_site.entry(site_id).or_default().push(callback_uri);
    }
    let with_callbacks = |row: SiteRow| {
        let callback_uris = of_site.remove(&row.site_id).unwrap_or_default();
        row.into_site(callback_uris)
    };
    Ok(rows.into_iter().map(with_callbacks).collect())
}

/// The site with this subdomain.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_subdomain(conn: &mut Conn, subdomain: &str) -> Result<Option<Site>> {
    let Some(row) = fetch_optional!(conn, SiteRow, BY_SUBDOMAIN, subdomain)? else { return Ok(None) };
    let callbacks = fetch_all!(conn, (String,), CALLBACKS, row.site_id)?;
    Ok(Some(row.into_site(callbacks.into_iter().map(|(callback_uri,)| callback_uri).collect())))
}

/// Whether an active site has a callback URI that begins with this: an origin and a slash.
///
/// # Errors
/// When the database cannot answer.
pub async fn has_origin(conn: &mut Conn, origin: &str) -> Result<bool> {
    Ok(fetch_optional!(conn, (String,), HAS_ORIGIN, origin)?.is_some())
}

/// The digests of the private keys of a site.
#[derive(Debug)]
pub struct KeyDigests {
    /// Of its key.
    pub current: Vec<u8>,
    /// Of the one that it had before, where that still counts.
    pub old: Option<Vec<u8>>,
}

/// The site with this public key, without its callback URIs, and the digests of its private keys.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_public_key(conn: &mut Conn, public_key: Uuid) -> Result<Option<(Site, KeyDigests)>> {
    let row: Option<KeyRow> = fetch_optional!(conn, KeyRow, BY_PUBLIC_KEY, public_key)?;
    Ok(row.map(|row| {
        let digests = KeyDigests { current: row.private_key_digest, old: row.old_key_digest };
        (row.site.into_site(Vec::new()), digests)
    }))
}

/// Deletes a site and ends its sessions; how many there were, None if the site was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, site_id: Uuid) -> Result<Option<u64>> {
    let owners = fetch_all!(tx, (String,), SESSIONS, site_id)?;
    tx.touch_all(&owners);
    Ok((execute!(tx, DELETE, site_id)? == 1).then_some(owners.len() as u64))
}
