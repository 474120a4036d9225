//! TOTP keys and codes. A code belongs to a user's key whether or not a login asks for one (`is_totp_enabled`): that is how
//! a new key is tried out before it is switched on.

use crate::crypto::totp;
use crate::domain::{
    Code, Context, Edit, Error, Operation, Password, Result, UserId, UserUpdate, Ust, WRONG_TOTP_CODE, Who,
    check_name,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::PasswordAge;
use crate::ops::access::throttle::Attempt;
use crate::ops::access::user_row::Column;
use crate::ops::call::Call;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::UserRow;

/// A new TOTP key as asked for.
#[derive(Clone, Debug, Default)]
pub struct ResetTotpKey {
    /// Whose; None is oneself. Others' only for super-users.
    pub user_id: Option<String>,
    /// The key, in base32; None has one made.
    pub key: Option<Password>,
    /// What the key is called.
    pub label: Edit<String>,
}

/// Whose code it is.
#[derive(Clone, Debug)]
pub enum TotpOwner {
    /// The user whose session it is.
    Ust(Ust),
    /// The user with this name.
    Username(String),
}

impl TotpOwner {
    fn username(&self) -> Option<&str> {
        match self {
            Self::Ust(_) => None,
            Self::Username(username) => Some(username),
        }
    }
}

/// That a user has a key: a code of it was shown.
#[derive(Debug)]
pub(in crate::ops) struct TotpProof {
    key: Password,
    /// The time step of the code, where codes are good for one use.
    step: Option<i64>,
    /// The failures that it makes forgotten, if there were any.
    attempt: Option<Attempt>,
}

pub(in crate::ops) fn wrong_code() -> Error {
    Error::refused(Code::AuthNotAllowed, WRONG_TOTP_CODE)
}

/// What a TOTP code turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum TotpVerdict {
    /// None of the user's.
    Wrong,
    /// The user's, but it, or a later one, was used before.
    Used,
    /// The user's.
    Right,
}

impl Sso {
    /// Gives a user a new TOTP key; the key. Whether logins ask for a code stays as it is. The user's other sessions end.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E001100 if there is no such user, E008002
    /// for a key that is none.
    pub async fn reset_totp_key(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: ResetTotpKey,
    ) -> Result<Password> {
        self.run(ctx, Operation::UserResetTotpKey, actor, async |call| {
            let user_id = call.target_to_manage(request.user_id.as_deref())?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let key = self.check_totp_key(request.key)?;
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let mut row = row.ok_or(Code::UserIdInvalid)?;
            self.check_may_manage(call, &mut tx, &row).await?;
            let former = row.totp_key.clone();
            self.put_totp_key(&mut row, &user_id, &key)?;
            if let Some(label) = request.label.given() {
                let label = check_name("totp_label", label)?;
                let sealed = label.map(|label| self.seal(Column::TotpLabel, &user_id, &label));
                row.totp_label = sealed.transpose()?;
            }
            store::user::account::set_totp(&mut tx, &row).await?;
            if row.totp_key != former {
                self.end_sessions_on_totp_change(call, &mut tx, &user_id).await?;
                self.tell_of_second_factor(&mut tx, call.ctx, &mut call.trail, &row, "totp-key").await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(key)
        })
        .await
    }

    /// Ends the sessions of a user whose second factor has changed, but for the one that has changed it, where
    /// configuration says so.
    pub(in crate::ops) async fn end_sessions_on_totp_change(
        &self,
        call: &mut Call<'_>,
        tx: &mut Tx,
        user_id: &UserId,
    ) -> Result<()> {
        if self.config().session.end_on_totp_change {
            let keep = call.session_to_keep(user_id);
            let ended = store::session::record::delete_of_user(tx, user_id, keep).await?;
            if ended > 0 {
                call.trail.note("sessions_ended", ended.to_string());
            }
        }
        Ok(())
    }

    /// Who switches TOTP on for oneself, or gives it another key by the same change, shows by a code that they have the
    /// key: it may be somebody else who acts in the session, or the authenticator may have another key. None where
    /// nothing has to be shown.
    ///
    /// # Errors
    /// E005008 without a code, E005001 for a wrong one and one that was used before, E008002 where the key is not known
    /// to the user; E005009 while the delay after wrong codes lasts.
    pub(in crate::ops) async fn check_totp_proof(
        &self,
        user_id: &UserId,
        update: &UserUpdate,
    ) -> Result<Option<TotpProof>> {
        if update.is_totp_enabled != Edit::Set(true) {
            return Ok(None);
        }
        let mut conn = self.db().read().await?;
        let row = store::user::account::by_id(&mut conn, user_id).await?.ok_or(Code::UserIdInvalid)?;
        drop(conn);
        let current = self.totp_key(&row)?;
        let key = match &update.totp_key {
            Edit::Keep => current.clone(),
            Edit::Set(key) if !key.is_empty() => self.check_totp_key(Some(key.clone()))?,
            Edit::Set(_) | Edit::Clear => {
                let detail = "totp_key: needed to switch TOTP on with another key";
                return Err(Error::refused(Code::CommonInvalidInput, detail));
            }
        };
        let is_current = key.expose() == current.expose();
        if row.is_totp_enabled && is_current {
            return Ok(None);
        }
        let code = update.totp_code.as_ref().filter(|code| !code.is_empty()).ok_or(Code::AuthTotpMissing)?;
        let mut attempt = self.own_totp_attempt(&row.user_id, "session");
        self.check_throttle(&mut attempt).await?;
        let Some(step) = totp::matching_step(&key, code, self.system_time())? else {
            self.record_failure(&attempt).await?;
            return Err(wrong_code());
        };
        let has_failures = self.check_throttle(&mut attempt).await?;
        let step = self.config().login.totp_single_use.then_some(step);
        Ok(Some(TotpProof { key, step, attempt: has_failures.then_some(attempt) }))
    }

    /// Makes sure, in the transaction of the change, that the code which was shown is of the key that the row has now, and
    /// uses it up.
    pub(in crate::ops) async fn use_totp_proof(
        &self,
        tx: &mut Tx,
        row: &mut UserRow,
        proof: TotpProof,
    ) -> Result<()> {
        if self.totp_key(row)?.expose() != proof.key.expose() {
            return Err(wrong_code());
        }
        if let Some(step) = proof.step {
            let last = totp::last_step(self.system_time());
            // Of a new key no code was used yet.
            let is_first = row.totp_last_step == 0;
            if !is_first && !store::user::account::use_totp_step(tx, &row.user_id, step, last).await? {
                return Err(wrong_code());
            }
            row.totp_last_step = step;
        }
        if let Some(attempt) = &proof.attempt {
            self.clear_failures(tx, attempt).await?;
        }
        Ok(())
    }

    /// A key as it is kept: the one that was given, or a new one.
    pub(in crate::ops) fn check_totp_key(&self, key: Option<Password>) -> Result<Password> {
        match key.filter(|key| !key.is_empty()) {
            None => totp::new_key(&*self.core.random),
            Some(key) => totp::validate_key(key.expose())
                .map_err(|error| Error::refused(Code::CommonInvalidInput, format!("totp_key: {error}"))),
        }
    }

    /// Puts a key into a row. The codes of another key have not been used yet, whatever time steps those of the former one
    /// were used in; the same key given once more starts nothing anew.
    pub(in crate::ops) fn put_totp_key(
        &self,
        row: &mut UserRow,
        user_id: &UserId,
        key: &Password,
    ) -> Result<()> {
        let former = row.totp_key.as_deref().map(|sealed| self.unseal(Column::TotpKey, user_id, sealed));
        if former.transpose()?.is_some_and(|former| former.expose() == key.expose()) {
            return Ok(());
        }
        row.totp_key = Some(self.seal(Column::TotpKey, user_id, key.expose())?);
        row.totp_last_step = 0;
        Ok(())
    }

    /// Whether this is a TOTP code of the user's, which is used up by that: at login, too, it is good for nothing more.
    /// No code is right for an unknown name.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E005009 while the delay after wrong codes lasts.
    pub async fn validate_totp_code(
        &self,
        ctx: &Context,
        owner: &TotpOwner,
        code: &Password,
    ) -> Result<bool> {
        let (owner, code) = (owner.clone(), code.clone());
        self.to_the_end(ctx, |sso, ctx| async move { sso.try_totp_code(&ctx, &owner, &code).await }).await
    }

    async fn try_totp_code(&self, ctx: &Context, owner: &TotpOwner, code: &Password) -> Result<bool> {
        let mut is_wrong = false;
        let outcome = self.record(ctx, Operation::TotpValidateCode, async |call| {
            is_wrong = !self.is_code_of(call, owner, code).await?;
            if is_wrong { Err(Code::AuthNotAllowed.into()) } else { Ok(()) }
        });
        match outcome.await {
            Ok(()) => Ok(true),
            Err(_) if is_wrong => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn is_code_of(&self, call: &mut Call<'_>, owner: &TotpOwner, code: &Password) -> Result<bool> {
        let row = match owner {
            TotpOwner::Ust(ust) => {
                self.admit(call, Who::Oneself, &Actor::from(ust), PasswordAge::Checked).await?;
                let mut conn = self.db().read().await?;
                store::user::account::by_id(&mut conn, call.caller()?.user_id()).await?
            }
            TotpOwner::Username(username) => {
                self.admit(call, Who::Anyone, &Actor::Anonymous, PasswordAge::Checked).await?;
                self.row_by_username(username).await?
            }
        };
        let mut attempt = match (&row, owner) {
            (Some(row), TotpOwner::Ust(_)) => self.own_totp_attempt(&row.user_id, "session"),
            (Some(row), TotpOwner::Username(_)) => {
                self.totp_attempt(&row.username, Some(&row.user_id), &call.ctx.remote_addr)
            }
            (None, owner) => {
                self.totp_attempt(owner.username().unwrap_or_default(), None, &call.ctx.remote_addr)
            }
        };
        self.check_throttle(&mut attempt).await?;
        let verdict = match &row {
            Some(row) => {
                call.trail.on(&row.user_id);
                self.use_totp_code(row, code).await?
            }
            None => TotpVerdict::Wrong,
        };
        if verdict == TotpVerdict::Wrong {
            self.record_failure(&attempt).await?;
        } else if self.check_throttle(&mut attempt).await? && verdict == TotpVerdict::Right {
            let mut tx = self.db().write().await?;
            self.clear_failures(&mut tx, &attempt).await?;
            tx.commit().await?;
        }
        Ok(verdict == TotpVerdict::Right)
    }

    /// What a TOTP code is worth. One that is right is used up by this, where configuration asks for that.
    pub(in crate::ops) async fn use_totp_code(&self, row: &UserRow, code: &Password) -> Result<TotpVerdict> {
        let now = self.system_time();
        let Some(step) = totp::matching_step(&self.totp_key(row)?, code, now)? else {
            return Ok(TotpVerdict::Wrong);
        };
        if !self.config().login.totp_single_use {
            return Ok(TotpVerdict::Right);
        }
        let mut tx = self.db().write().await?;
        let is_first_use =
            store::user::account::use_totp_step(&mut tx, &row.user_id, step, totp::last_step(now)).await?;
        tx.commit().await?;
        Ok(if is_first_use { TotpVerdict::Right } else { TotpVerdict::Used })
    }

    /// The `otpauth://` URI of the caller's own key, for authenticator apps. It contains the key.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E005010 if the login is not fresh.
    pub async fn totp_provisioning_uri(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Password> {
        self.run(ctx, Operation::TotpProvisioningUri, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let mut conn = self.db().read().await?;
            let row = store::user::account::by_id(&mut conn, &user_id).await?;
            drop(conn);
            let row = row.ok_or(Code::SessionNoSuchSession)?;
            totp::provisioning_uri(&self.totp_key(&row)?, &row.username, &self.config().main.site_name)
        })
        .await
    }

    fn totp_key(&self, row: &UserRow) -> Result<Password> {
        let sealed = row.totp_key.as_deref().ok_or_else(|| Error::internal("a user without a TOTP key"))?;
        self.unseal(Column::TotpKey, &row.user_id, sealed)
    }
}
