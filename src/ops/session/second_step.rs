//! The second step of a login, after a password or a passkey that has not verified its user.
//!
//! | the user has | after the password | after such a passkey |
//! |---|---|---|
//! | TOTP | a code, a recovery code or a passkey | a code or a recovery code |
//! | a passkey that is good for nothing else (`passkey.second_factor` has more) | that passkey or a recovery code | nothing |
//! | neither | nothing | nothing |

use crate::crypto::recovery_code;
use crate::domain::{Code, Context, Password, Result};
use crate::ops::Sso;
use crate::ops::access::methods::{
    PASSKEY_AND_CODE, PASSKEY_AND_RECOVERY_CODE, PASSWORD_AND_CODE, PASSWORD_AND_PASSKEY,
    PASSWORD_AND_RECOVERY_CODE,
};
use crate::ops::access::throttle::Attempt;
use crate::ops::audit::Trail;
use crate::ops::credential::passkey::ceremony::Purpose;
use crate::ops::credential::recovery_code::RECOVERY_CODE;
use crate::ops::session::ticket::{Proved, Steps};
use crate::store;
use crate::store::user::account::UserRow;

/// What is shown in a second step.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Shown<'a> {
    /// A TOTP code, or a recovery code.
    pub code: Option<&'a Password>,
    /// What a browser answers of a passkey.
    pub passkey: Option<&'a str>,
    /// Whether a second step is asked for wherever the user has something for it.
    pub asks_two: bool,
    /// Where the login leaves what it has proved.
    pub steps: &'a Steps,
}

impl Sso {
    /// Whether a login goes on with a second step.
    pub(in crate::ops) async fn asks_second_step(
        &self,
        row: &UserRow,
        proved: Option<Proved>,
        shown: Shown<'_>,
    ) -> Result<bool> {
        if row.is_totp_enabled {
            return Ok(true);
        }
        // What is shown counts, whether or not it was asked for.
        if proved == Some(Proved::Passkey) {
            return Ok(false);
        }
        Ok(shown.passkey.is_some() || self.asks_passkey(row, shown.asks_two).await?)
    }

    /// Whether a passkey is asked for after the password of a user without TOTP.
    async fn asks_passkey(&self, row: &UserRow, asks_two: bool) -> Result<bool> {
        let config = self.config();
        if config.passkey_party().is_none() || (config.passkey.second_factor == Some(false) && !asks_two) {
            return Ok(false);
        }
        let mut conn = self.db().read().await?;
        let all = store::credential::passkey::list_of_user(&mut conn, &row.user_id).await?;
        let asks_any = asks_two || config.passkey.second_factor == Some(true);
        Ok(all.iter().any(|kept| asks_any || kept.passkey.is_second_factor_only()))
    }

    /// Takes what is shown in a second step; the methods of the whole login.
    ///
    /// # Errors
    /// E005008 if nothing is shown, as far as that may be told, E005001 for what is wrong; else as [`Sso::prove_by_passkey`].
    pub(in crate::ops) async fn take_second_step(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        (row, proved): (&UserRow, Option<Proved>),
        shown: Shown<'_>,
        attempt: &Attempt,
    ) -> Result<&'static str> {
        let is_passkey_shown = proved == Some(Proved::Passkey);
        if let Some(response) = shown.passkey {
            // A passkey is one factor, however often it is shown.
            if is_passkey_shown {
                self.record_failure(attempt).await?;
                return Err(Code::AuthNotAllowed.into());
            }
            self.prove_by_passkey(ctx, trail, response, Purpose::SecondFactor(&row.user_id)).await?;
            trail.note("second_factor", "passkey");
            return Ok(PASSWORD_AND_PASSKEY);
        }
        let code = shown.code.filter(|code| !code.is_empty());
        if code.is_none() {
            self.leave_ticket(shown.steps, row, proved.unwrap_or(Proved::Password))?;
            // Who has shown a passkey is the user, and a passkey is asked for in a step of its own: there is no code to guess.
            if is_passkey_shown || !row.is_totp_enabled {
                return Err(Code::AuthTotpMissing.into());
            }
        }
        // The codes of a key that is not switched on are nobody's: the user may never have seen it.
        let is_recovery = |code: &&Password| recovery_code::normalise(code.expose()).is_some();
        if !row.is_totp_enabled && code.filter(is_recovery).is_none() {
            self.record_failure(attempt).await?;
            return Err(Code::AuthNotAllowed.into());
        }
        self.check_totp_code(ctx, trail, row, code, attempt).await?;
        Ok(match (is_passkey_shown, trail.has(RECOVERY_CODE)) {
            (true, true) => PASSKEY_AND_RECOVERY_CODE,
            (true, false) => PASSKEY_AND_CODE,
            (false, true) => PASSWORD_AND_RECOVERY_CODE,
            (false, false) => PASSWORD_AND_CODE,
        })
    }
}
