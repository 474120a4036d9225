//! The keys of the audit trail: random, sealed by the keyring in the database, and known to every process that has opened it.

use std::sync::{PoisonError, RwLock};

use crate::crypto::audit::{AuditKey, AuditKeys};
use crate::crypto::{Keyring, Place};
use crate::domain::{Error, Random, Result, Timestamp};
use crate::store::{self, Conn, Db};

/// The keys as they were last read.
#[derive(Debug, Default)]
pub(in crate::ops) struct KnownAuditKeys(RwLock<AuditKeys>);

impl KnownAuditKeys {
    pub fn new(keys: AuditKeys) -> Self {
        Self(RwLock::new(keys))
    }

    pub fn get(&self) -> AuditKeys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, keys: AuditKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// Reads the keys.
///
/// # Errors
/// When the database cannot answer, or a key does not open.
pub(in crate::ops) async fn read(conn: &mut Conn, keyring: &Keyring) -> Result<AuditKeys> {
    let stored = store::audit::chain::keys(conn).await?;
    let open = |(number, sealed): (i64, Vec<u8>)| {
        let opened = keyring.open(place(&number.to_be_bytes()), &sealed)?;
        let short = u32::try_from(number).map_err(Error::internal)?;
        AuditKey::from_bytes(short, &opened)
            .ok_or_else(|| Error::internal("a value of sso_audit_key.sealed_key is no key"))
    };
    Ok(AuditKeys::new(stored.into_iter().map(open).collect::<Result<_>>()?))
}

/// Reads the keys, and makes the first one if there is none. Of several processes that do, one succeeds, and all have its key.
/// What is not sealed with the active key of the keyring is sealed anew.
///
/// # Errors
/// As [`read`].
pub(in crate::ops) async fn read_or_make(
    db: &Db,
    keyring: &Keyring,
    random: &dyn Random,
    now: Timestamp,
) -> Result<AuditKeys> {
    let mut conn = db.read().await?;
    let known = read(&mut conn, keyring).await?;
    let stored = store::audit::chain::keys(&mut conn).await?;
    drop(conn);
    if known.newest().is_some() {
        reseal(db, keyring, random, &stored).await?;
        return Ok(known);
    }
    let mut tx = db.write().await?;
    add(&mut tx, keyring, random, 1, now).await?;
    tx.commit().await?;
    let mut conn = db.read().await?;
    read(&mut conn, keyring).await
}

async fn reseal(db: &Db, keyring: &Keyring, random: &dyn Random, stored: &[(i64, Vec<u8>)]) -> Result<()> {
    let old: Vec<_> = stored.iter().filter(|(_, sealed)| keyring.needs_reseal(sealed)).collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut tx = db.write().await?;
    for (number, sealed) in old {
        let row = number.to_be_bytes();
        let opened = keyring.open(place(&row), sealed)?;
        store::audit::chain::reseal_key(&mut tx, *number, &keyring.seal(place(&row), &opened, random)?)
            .await?;
    }
    tx.commit().await
}

/// Adds a key; false if there is one of this number.
///
/// # Errors
/// When the database cannot answer.
pub(in crate::ops) async fn add(
    conn: &mut Conn,
    keyring: &Keyring,
    random: &dyn Random,
    number: u32,
    now: Timestamp,
) -> Result<bool> {
    let key = AuditKey::generate(number, random)?;
    let number = i64::from(number);
    let sealed = keyring.seal(place(&number.to_be_bytes()), key.expose(), random)?;
    store::audit::chain::add_key(conn, number, &sealed, now).await
}

/// Where a key is sealed.
pub(in crate::ops) const fn place(row: &[u8]) -> Place<'_> {
    Place { table: "sso_audit_key", column: "sealed_key", row }
}
