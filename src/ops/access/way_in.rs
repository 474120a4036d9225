//! The ways in which a user can log in. Whatever takes one away asks here: the last one stays, for the process itself too.

use crate::domain::{Code, Error, Result};
use crate::ops::Sso;
use crate::store::user::account::UserRow;
use crate::store::{self, Conn};

impl Sso {
    /// Whether there is a way for a user to log in: a password that somebody has chosen, a passkey that needs nothing beside it,
    /// a linked definition. Who is locked has none: what others may know can be taken from such a user.
    pub(in crate::ops) async fn can_log_in(&self, conn: &mut Conn, row: &UserRow) -> Result<bool> {
        if row.is_locked {
            return Ok(false);
        }
        // One that was made up, and told nobody, was set by nobody.
        if row.password_hash.is_some() && row.password_last_set.is_some() {
            return Ok(true);
        }
        let links = store::linked_auth::link::list_of_user(conn, &row.user_id).await?;
        if links.iter().any(|link| link.is_active) {
            return Ok(true);
        }
        if self.config().passkey_party().is_none() {
            return Ok(false);
        }
        let passkeys = store::credential::passkey::list_of_user(conn, &row.user_id).await?;
        Ok(passkeys.iter().any(|kept| !kept.passkey.is_second_factor_only()))
    }

    /// What was just taken away from a user, who could log in before it or not, was not the last way to do so.
    ///
    /// # Errors
    /// E012003.
    pub(in crate::ops) async fn check_still_can_log_in(
        &self,
        conn: &mut Conn,
        row: &UserRow,
        could_before: bool,
    ) -> Result<()> {
        if !could_before || self.can_log_in(conn, row).await? {
            return Ok(());
        }
        let detail = "the user could not log in any more: set a password, or lock the user, first";
        Err(Error::refused(Code::PasskeyLastWayToLogIn, detail))
    }
}
