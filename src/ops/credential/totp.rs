//! TOTP keys and codes. A code belongs to a user's key whether or not a login asks for one (`is_totp_enabled`): that is how
//! a new key is tried out before it is switched on.

use crate::crypto::totp;
use crate::domain::{AuditKind, Code, Context, Edit, Error, Password, Result, UserId, Ust};
use crate::ops::access::check::PasswordAge;
use crate::ops::audit::Trail;
use crate::ops::user::account::{Column, check_name};
use crate::ops::{Authority, Sso};
use crate::store;
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
    /// Gives a user a new TOTP key; the key. Whether logins ask for a code stays as it is.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user, E008002 for a key that is none.
    pub async fn reset_totp_key(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        request: ResetTotpKey,
    ) -> Result<Password> {
        let mut trail = self.trail(ctx, "user.reset_totp_key", AuditKind::Change);
        let outcome = self.replace_totp_key(ctx, &mut trail, authority, request).await;
        self.conclude(trail, outcome).await
    }

    async fn replace_totp_key(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        request: ResetTotpKey,
    ) -> Result<Password> {
        let user_id = match authority {
            Authority::Ust(ust) => {
                let caller = self.check_ust(ctx, ust, PasswordAge::Checked).await?;
                trail.by(caller.user_id());
                caller.target(request.user_id.as_deref())?
            }
            Authority::Trusted(by) => {
                self.check_app(ctx)?;
                if let Some(by) = by {
                    trail.by(by);
                }
                request.user_id.as_deref().and_then(UserId::parse).ok_or(Code::UserIdInvalid)?
            }
        };
        trail.on(&user_id);
        let key = self.check_totp_key(request.key)?;
        let mut tx = self.db().write().await?;
        let mut row =
            store::user::account::by_id_for_update(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
        self.put_totp_key(&mut row, &user_id, &key)?;
        if let Some(label) = request.label.given() {
            let label = check_name("totp_label", label)?;
            row.totp_label = label.map(|label| self.seal(Column::TotpLabel, &user_id, &label)).transpose()?;
        }
        store::user::account::set_totp(&mut tx, &row).await?;
        self.commit(tx, trail).await?;
        Ok(key)
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
    /// Nobody has a code that is right for a name that nobody has.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E005009 while the delay after wrong codes lasts.
    pub async fn validate_totp_code(
        &self,
        ctx: &Context,
        owner: &TotpOwner,
        code: &Password,
    ) -> Result<bool> {
        let mut trail = self.trail(ctx, "totp.validate_code", AuditKind::Change);
        let outcome = self.check_code(ctx, &mut trail, owner, code).await;
        let is_wrong = matches!(outcome, Ok(false));
        let refused =
            outcome.and_then(|is_right| if is_right { Ok(()) } else { Err(Code::AuthNotAllowed.into()) });
        match self.conclude(trail, refused).await {
            Ok(()) => Ok(true),
            Err(_) if is_wrong => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn check_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        owner: &TotpOwner,
        code: &Password,
    ) -> Result<bool> {
        let row = match owner {
            TotpOwner::Ust(ust) => {
                let caller = self.check_ust(ctx, ust, PasswordAge::Checked).await?;
                trail.by(caller.user_id());
                let mut conn = self.db().read().await?;
                store::user::account::by_id(&mut conn, caller.user_id()).await?
            }
            TotpOwner::Username(username) => {
                self.check_app(ctx)?;
                self.row_by_username(username).await?
            }
        };
        let username = row.as_ref().map(|row| row.username.as_str()).or(owner.username()).unwrap_or_default();
        let attempt = self.totp_attempt(username);
        self.check_throttle(&attempt).await?;
        let verdict = match &row {
            Some(row) => {
                trail.on(&row.user_id);
                self.use_totp_code(row, code).await?
            }
            None => TotpVerdict::Wrong,
        };
        if verdict == TotpVerdict::Wrong {
            self.record_failure(&attempt).await?;
        } else if self.check_throttle(&attempt).await? && verdict == TotpVerdict::Right {
            let mut tx = self.db().write().await?;
            self.clear_failures(&mut tx, &attempt).await?;
            tx.commit().await?;
        }
        Ok(verdict == TotpVerdict::Right)
    }

    /// What a TOTP code is worth. One that is right is used up by this, where configuration asks for that.
    pub(in crate::ops) async fn use_totp_code(&self, row: &UserRow, code: &Password) -> Result<TotpVerdict> {
        let Some(step) = totp::matching_step(&self.totp_key(row)?, code, self.now())? else {
            return Ok(TotpVerdict::Wrong);
        };
        if !self.config().login.totp_single_use {
            return Ok(TotpVerdict::Right);
        }
        let mut tx = self.db().write().await?;
        let is_first_use = store::user::account::use_totp_step(&mut tx, &row.user_id, step).await?;
        tx.commit().await?;
        Ok(if is_first_use { TotpVerdict::Right } else { TotpVerdict::Used })
    }

    /// The `otpauth://` URI of the caller's own key, for authenticator apps. It contains the key.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn totp_provisioning_uri(&self, ctx: &Context, current_ust: &Ust) -> Result<Password> {
        let mut trail = self.trail(ctx, "totp.provisioning_uri", AuditKind::Disclosure);
        let outcome = self.own_totp_uri(ctx, &mut trail, current_ust).await;
        self.conclude(trail, outcome).await
    }

    async fn own_totp_uri(&self, ctx: &Context, trail: &mut Trail, current_ust: &Ust) -> Result<Password> {
        let caller = self.check_ust(ctx, current_ust, PasswordAge::Checked).await?;
        trail.by(caller.user_id());
        trail.on(caller.user_id());
        let mut conn = self.db().read().await?;
        let row = store::user::account::by_id(&mut conn, caller.user_id())
            .await?
            .ok_or(Code::SessionNoSuchSession)?;
        drop(conn);
        totp::provisioning_uri(&self.totp_key(&row)?, &row.username, &self.config().main.site_name)
    }

    fn totp_key(&self, row: &UserRow) -> Result<Password> {
        let sealed = row.totp_key.as_deref().ok_or_else(|| Error::internal("a user without a TOTP key"))?;
        self.unseal(Column::TotpKey, &row.user_id, sealed)
    }
}
