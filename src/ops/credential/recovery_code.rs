//! Recovery codes: each takes the place of a TOTP code once, for who has lost the authenticator.

use crate::crypto::recovery_code;
use crate::domain::{Code, Context, EmailKind, Operation, Password, Result, UserId, time_ordered_uuid};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::throttle::Attempt;
use crate::ops::audit::Trail;
use crate::ops::credential::totp::TotpVerdict;
use crate::ops::mail::message::About;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::UserRow;

/// The note in an audit entry where a recovery code was used.
pub(in crate::ops) const RECOVERY_CODE: &str = "recovery_code";

impl Sso {
    /// Gives a user ten new recovery codes, in place of all that there were: one's own, or for super-users anybody's. They
    /// are shown this once.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E001100 if there is no such user.
    pub async fn generate_recovery_codes(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
    ) -> Result<Vec<Password>> {
        self.run(ctx, Operation::RecoveryCodeGenerate, actor, async |call| {
            let user_id = call.target(user_id)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let mut tx = self.db().write().await?;
            // Of two who generate at the same time, the codes of one count.
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::UserIdInvalid)?;
            let codes = self.replace_recovery_codes(&mut tx, &user_id).await?;
            self.tell_of_second_factor(&mut tx, call.ctx, &mut call.trail, &row, "recovery-codes").await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(codes)
        })
        .await
    }

    /// How many recovery codes a user has left: oneself, or for super-users anybody.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn count_recovery_codes(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
    ) -> Result<i64> {
        self.run(ctx, Operation::RecoveryCodeCount, actor, async |call| {
            let user_id = call.target(user_id)?;
            if call.user_id() == Some(&user_id) {
                call.trail.is_of_oneself();
            }
            let mut conn = self.db().read().await?;
            store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            store::credential::recovery_code::count(&mut conn, &user_id).await
        })
        .await
    }

    /// Ends the codes of a user, and makes new ones.
    pub(in crate::ops) async fn replace_recovery_codes(
        &self,
        tx: &mut Tx,
        user_id: &UserId,
    ) -> Result<Vec<Password>> {
        store::credential::recovery_code::delete_of_user(tx, user_id).await?;
        let (now, mut codes) = (self.now(), Vec::with_capacity(recovery_code::COUNT));
        for _ in 0..recovery_code::COUNT {
            let code = recovery_code::new_code(&*self.core.random)?;
            let code_id = time_ordered_uuid(now, &*self.core.random)?;
            let digests = self.recovery_code_digests(user_id, &code);
            if let Some(digest) = digests.first() {
                store::credential::recovery_code::insert(tx, code_id, user_id, digest, now).await?;
            }
            codes.push(code);
        }
        Ok(codes)
    }

    /// What may be stored of a code; nothing of what cannot be one.
    fn recovery_code_digests(&self, user_id: &UserId, code: &Password) -> Vec<[u8; 32]> {
        let code = recovery_code::normalise(code.expose());
        code.map(|code| self.core.keyring.recovery_code_digests(user_id.as_str(), code.expose()))
            .unwrap_or_default()
    }

    /// Accepts the TOTP code of a login, or a recovery code in its place, which is used up by that. That a code is missing is no failure where it is said,
    /// and that one was used before is none either: it was not guessed.
    pub(in crate::ops) async fn check_totp_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        code: Option<&Password>,
        attempt: &Attempt,
    ) -> Result<()> {
        let verdict = match code.filter(|code| !code.is_empty()) {
            Some(code) if recovery_code::normalise(code.expose()).is_some() => {
                if self.use_recovery_code(ctx, trail, row, code).await? {
                    TotpVerdict::Right
                } else {
                    TotpVerdict::Wrong
                }
            }
            Some(code) => self.use_totp_code(row, code).await?,
            None if self.config().login.inform_if_totp_missing => return Err(Code::AuthTotpMissing.into()),
            None => TotpVerdict::Wrong,
        };
        match verdict {
            TotpVerdict::Right => Ok(()),
            TotpVerdict::Used => Err(Code::AuthNotAllowed.into()),
            TotpVerdict::Wrong => {
                self.record_failure(attempt).await?;
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// Uses a recovery code up, in a transaction of its own: it is gone whatever becomes of the login, as a TOTP code is.
    /// Its user is told.
    pub(in crate::ops) async fn use_recovery_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        code: &Password,
    ) -> Result<bool> {
        let mut tx = self.db().write().await?;
        for digest in self.recovery_code_digests(&row.user_id, code) {
            if !store::credential::recovery_code::use_up(&mut tx, &row.user_id, &digest, self.now()).await? {
                continue;
            }
            let left = store::credential::recovery_code::count(&mut tx, &row.user_id).await?.to_string();
            trail.note(RECOVERY_CODE, "used");
            trail.note("recovery_codes_left", left.clone());
            let details = [("left", left.as_str())];
            let about = About { details: &details, ..About::plain(EmailKind::RecoveryCodeUsed) };
            self.tell_of_change(&mut tx, ctx, trail, row, about).await?;
            tx.commit().await?;
            self.core.mailer.wake();
            return Ok(true);
        }
        Ok(false)
    }
}
