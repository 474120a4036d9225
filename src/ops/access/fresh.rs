//! What proves who somebody is changes only soon after a login: a stolen session does not become a stolen account.
//!
//! | | needs a fresh login |
//! |---|---|
//! | one's own username, email, TOTP, passkeys, recovery codes | yes |
//! | to read a TOTP key | yes: who has it has the second factor |
//! | one's own password | no, it needs the old one |
//! | the same of others, and their passwords, as a super-user | yes |
//! | to make super-users, to take the role away, and to link definitions, as a super-user | yes: these make a way to log in, or take one |
//! | to delete, as a super-user | yes: the name is free afterwards |
//! | to give rights by a group, as a super-user | yes |
//! | to lock, approve, end sessions, as a super-user | no |
//! | the process itself, and the command | no |

use crate::domain::{Code, Error, Result, Session};
use crate::ops::Sso;
use crate::ops::access::actor::Caller;

impl Sso {
    /// Whether who has this session has logged in, or proved who they are again, not too long ago.
    #[must_use]
    pub fn is_fresh(&self, session: &Session) -> bool {
        let minutes = i64::from(self.config().login.fresh_for);
        minutes == 0 || session.auth_time.plus_minutes(minutes) > self.now()
    }

    /// The caller has logged in, or proved who they are again, not too long ago. The process itself, which is None, need
    /// not.
    ///
    /// # Errors
    /// E005010 where that was too long ago.
    pub(in crate::ops) fn require_fresh_login(&self, caller: Option<&Caller>) -> Result<()> {
        if caller.is_none_or(|caller| self.is_fresh(caller.session())) {
            return Ok(());
        }
        let detail = "the login is too long ago for this: log in again, or call session.reauthenticate";
        Err(Error::refused(Code::AuthFreshLoginNeeded, detail))
    }
}
