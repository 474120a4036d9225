//! The names of users: the form in which they are unique, and what they look like.
//!
//! Whether the case of letters matters is a property of the database, since the keys in it were made that way. Configuration
//! says what new databases do, and what `zato-sso migrate --usernames` makes of others.

use std::sync::atomic::Ordering;

use crate::config::Config;
use crate::domain::{Code, Error, Result, looks, skeleton, username_key};
use crate::ops::Sso;
use crate::ops::keyring::OpenError;
use crate::store::user::account::UserRow;
use crate::store::{self, Conn, Db, Tx};

/// The setting that says whether the case of letters matters in the keys of names.
pub(in crate::ops) const USERNAME_CASE: &str = "username_case";
pub(in crate::ops) const INSENSITIVE: &[u8] = b"insensitive";
pub(in crate::ops) const SENSITIVE: &[u8] = b"sensitive";

impl Sso {
    /// Whether usernames are the same in any case of letters.
    #[must_use]
    pub fn is_case_insensitive(&self) -> bool {
        self.core.is_case_insensitive.load(Ordering::Relaxed)
    }

    /// The form of a name in which it is unique.
    pub(in crate::ops) fn username_key(&self, username: &str) -> String {
        username_key(username, self.is_case_insensitive())
    }

    /// What a name looks like, as the table has it.
    pub(in crate::ops) fn username_skeleton(&self, username: &str) -> String {
        skeleton(&username_key(username, true))
    }

    /// Gives a user another name.
    pub(in crate::ops) fn rename(&self, row: &mut UserRow, username: String) {
        row.username_key = Some(self.username_key(&username));
        row.username_skeleton = Some(self.username_skeleton(&username));
        row.username = username;
    }

    /// Refuses to store a key of another kind than the database has, since another process has changed them all meanwhile.
    /// The next try makes the right one.
    pub(in crate::ops) async fn check_case(&self, conn: &mut Conn) -> Result<()> {
        let is_case_insensitive = known_case(conn).await?.unwrap_or_else(|| self.is_case_insensitive());
        if self.core.is_case_insensitive.swap(is_case_insensitive, Ordering::Relaxed) == is_case_insensitive {
            return Ok(());
        }
        Err(Error::refused(Code::CommonInvalidOperation, "username: the names have changed, try again"))
    }

    /// Refuses a new name that looks like that of another user. Of two at once, the second waits for the first.
    pub(in crate::ops) async fn check_look_alikes(&self, tx: &mut Tx, row: &UserRow) -> Result<()> {
        if !self.config().user_validation.reject_look_alikes {
            return Ok(());
        }
        let mut all = looks(&row.username).to_vec();
        all.extend(row.username_skeleton.clone());
        all.sort();
        all.dedup();
        for look in &all {
            store::user::name::hold_skeleton(tx, look).await?;
        }
        for look in &all {
            if store::user::name::is_skeleton_of_another(tx, &row.user_id, look).await? {
                return Err(Code::UsernameExists.into());
            }
        }
        Ok(())
    }
}

/// What the database says about the case of letters; a new one remembers what configuration says.
pub(in crate::ops) async fn case_of_names(db: &Db, config: &Config) -> std::result::Result<bool, OpenError> {
    let mut conn = db.read().await?;
    if let Some(known) = known_case(&mut conn).await? {
        return Ok(known);
    }
    drop(conn);
    let is_case_insensitive = config.user_validation.case_insensitive;
    let value = if is_case_insensitive { INSENSITIVE } else { SENSITIVE };
    let mut tx = db.write().await?;
    // Another process may have been first.
    store::db::setting::insert(&mut tx, USERNAME_CASE, value).await?;
    let known = known_case(&mut tx).await?;
    tx.commit().await?;
    Ok(known.unwrap_or(is_case_insensitive))
}

/// What to say where configuration and database differ.
pub(in crate::ops) fn case_warning(config: &Config, is_case_insensitive: bool) -> Option<String> {
    let wanted = config.user_validation.case_insensitive;
    let has = |insensitive: bool| if insensitive { "does not matter" } else { "matters" };
    (wanted != is_case_insensitive).then(|| {
        format!(
            "the case of letters in usernames {} in this database, and {} by user_validation.case_insensitive: zato-sso \
             migrate --usernames changes the database, or tells which names clash",
            has(is_case_insensitive),
            has(wanted)
        )
    })
}

async fn known_case(conn: &mut Conn) -> Result<Option<bool>> {
    let value = store::db::setting::get(conn, USERNAME_CASE).await?;
    Ok(value.map(|value| value == INSENSITIVE))
}
