//! What proves who somebody is changes only soon after a login: a stolen session does not become a stolen account.
//!
//! | | needs a fresh login |
//! |---|---|
//! | one's own username, email, TOTP, passkeys, recovery codes | yes, and with the second factor of who has one |
//! | to read a TOTP key | yes: who has it has the second factor |
//! | one's own password | no, it needs the old one |
//! | the same of others, and their passwords, as a super-user | yes |
//! | to make super-users, to take the role away, and to link definitions, as a super-user | yes: these make a way to log in, or take one |
//! | to delete, as a super-user | yes: the name is free afterwards |
//! | to give rights by a group, as a super-user | yes |
//! | to lock, approve, end sessions, as a super-user | no |
//! | the process itself, and the command | no |

use crate::domain::{Code, Error, Result, Session, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Caller;
use crate::ops::access::methods::{Acr, acr_of};
use crate::store::{self, Conn};

/// What a refusal says where the login is fresh enough, but was by one factor of a user who has two.
const STEP_UP: &str = "show the second factor: log in again with it";

/// What a login lacks for a change of what proves who the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginLack {
    /// It is too long ago.
    Freshness,
    /// It was without the second factor that the user has.
    SecondFactor,
}

impl LoginLack {
    /// What a refusal says of it.
    #[must_use]
    pub fn of_refusal(detail: Option<&str>) -> Self {
        if detail == Some(STEP_UP) { Self::SecondFactor } else { Self::Freshness }
    }
}

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

    /// The same for a change of what proves who this user is. For one's own, who has a second factor has shown it in this
    /// session: a password that was stolen is not enough to get rid of the factor that it lacks, or to add another one.
    ///
    /// # Errors
    /// E005010 where that was too long ago, or without the second factor.
    pub(in crate::ops) async fn require_own_login(
        &self,
        caller: Option<&Caller>,
        user_id: &UserId,
    ) -> Result<()> {
        if let Some(caller) = caller
            && caller.user_id() == user_id
            && self.lacks_second_factor(caller.session()).await?
        {
            return Err(Error::refused(Code::AuthFreshLoginNeeded, STEP_UP));
        }
        self.require_fresh_login(caller)
    }

    /// What a session lacks for a change of what proves who its user is.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn login_lack(&self, session: &Session) -> Result<Option<LoginLack>> {
        if self.lacks_second_factor(session).await? {
            return Ok(Some(LoginLack::SecondFactor));
        }
        Ok((!self.is_fresh(session)).then_some(LoginLack::Freshness))
    }

    /// Whether a session was opened without the second factor that its user has.
    async fn lacks_second_factor(&self, session: &Session) -> Result<bool> {
        let mut conn = self.db().read().await?;
        let methods = store::session::proof::methods(&mut conn, session.session_id).await?;
        if acr_of(methods.as_deref().unwrap_or_default()) == Acr::Two {
            return Ok(false);
        }
        let row = store::user::account::by_id(&mut conn, &session.user_id).await?;
        match row {
            Some(row) => self.has_second_factor(&mut conn, &row.user_id, row.is_totp_enabled).await,
            None => Ok(false),
        }
    }

    /// Whether a user has a second factor: TOTP, or a passkey.
    pub(in crate::ops) async fn has_second_factor(
        &self,
        conn: &mut Conn,
        user_id: &UserId,
        is_totp_enabled: bool,
    ) -> Result<bool> {
        if is_totp_enabled || self.config().passkey_party().is_none() {
            return Ok(is_totp_enabled);
        }
        Ok(!store::credential::passkey::list_of_user(conn, user_id).await?.is_empty())
    }
}
