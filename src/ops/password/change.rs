//! Changing passwords.

use crate::crypto::Verdict;
use crate::domain::{Code, Context, Error, Operation, Password, Result, SessionId, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::throttle::Origin;
use crate::ops::call::Call;
use crate::ops::password::accept::{NewPassword, Terms, is_same_password};
use crate::store;
use crate::store::user::account::UserRow;

/// The longest details that an audit entry takes along, in bytes.
const MAX_DETAILS_LENGTH: usize = 4096;

/// A password change as asked for.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// The current password; needed to change one's own.
    pub old_password: Option<Password>,
    /// The new one.
    pub new_password: Password,
    /// Whose; None is oneself. Others' only for super-users, and members of groups that may manage users.
    pub user_id: Option<String>,
    /// In how many days it expires; None or negative is the default. Only for super-users.
    pub password_expiry: Option<i64>,
    /// Whether it must be changed at the next login. Only for super-users: one that a member of a group has set must be.
    pub must_change: Option<bool>,
}

/// A password that a trusted caller sets.
#[derive(Clone, Debug)]
pub struct SetPassword {
    /// The new password.
    pub password: Password,
    /// Whether it must be changed at the next login.
    pub must_change: bool,
    /// In how many days it expires; None or negative is the default.
    pub password_expiry: Option<i64>,
    /// What the audit entry is to hold about it beside the usual, as JSON. The caller sees to it that no secret is among it.
    pub details: Option<String>,
}

impl Sso {
    /// Changes a password: one's own with the old one, anybody's as a super-user, and by the right of a group those of others
    /// who are no super-users; such a password must be changed at the next login.
    ///
    /// # Errors
    /// E005001 without the right to or with a wrong old password, E005010 for somebody else's if the caller's login is not
    /// fresh, E008003 where the old one is missing, E001100 if
    /// there is no such user, a code of [`Sso::validate_password`], E003001 for a password used before, E008002 for an
    /// expiry out of range.
    pub async fn change_password(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: ChangePassword,
    ) -> Result<()> {
        let actor = actor.into();
        self.to_the_end(ctx, |sso, ctx| async move { sso.change(&ctx, actor, request).await }).await
    }

    async fn change(&self, ctx: &Context, actor: Actor, request: ChangePassword) -> Result<()> {
        self.run(ctx, Operation::UserChangePassword, actor, async |call| {
            let user_id = call.target_to_manage(request.user_id.as_deref())?;
            let mut conn = self.db().read().await?;
            let row = store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            self.check_may_manage(call, &mut conn, &row).await?;
            drop(conn);
            let (may_set_terms, is_own) = (call.may_act_on_all(), call.user_id() == Some(&user_id));
            // By the right of a group nobody is given a password that somebody else goes on knowing.
            let must_change = !may_set_terms && !is_own;
            let is_must_refused = request.must_change.is_some_and(|asked| is_own || !asked);
            if !may_set_terms && (request.password_expiry.is_some() || is_must_refused) {
                return Err(Code::AuthNotAllowed.into());
            }
            // One's own session stays open.
            let keep = call.session_to_keep(&user_id);
            if keep.is_none() {
                self.require_fresh_login(call.caller().ok())?;
            } else {
                self.check_old_password(ctx, &row, request.old_password, &request.new_password).await?;
            }
            let terms = Terms {
                expiry_days: request.password_expiry,
                must_change: request.must_change.unwrap_or(must_change),
            };
            let new = self.accept_password(&row, request.new_password, terms).await?;
            self.replace_password(call, &row, &new, keep).await
        })
        .await
    }

    /// Who changes their own password knows it, and changes it to another one.
    async fn check_old_password(
        &self,
        ctx: &Context,
        row: &UserRow,
        old: Option<Password>,
        new: &Password,
    ) -> Result<()> {
        let missing = || Error::refused(Code::CommonMissingInput, "old_password: needed to change one's own");
        let old = old.filter(|old| !old.is_empty()).ok_or_else(missing)?;
        let is_same = is_same_password(&old, new);
        let mut attempt =
            self.password_attempt(&row.username, Some(&row.user_id), Origin::Session(&ctx.remote_addr));
        self.check_throttle(&mut attempt).await?;
        if self.verify_password(Some(row), old).await? == Verdict::Wrong {
            self.record_failure(&attempt).await?;
            return Err(Code::AuthNotAllowed.into());
        }
        self.check_throttle(&mut attempt).await?;
        if is_same {
            return Err(Error::refused(Code::PasswordInvalid, "new_password: same as the old one"));
        }
        Ok(())
    }

    /// Sets a user's password, for trusted callers in the same process.
    ///
    /// # Errors
    /// E004001 for an unknown application, E001100 if there is no such user, and as [`Sso::change_password`] for the
    /// password; E008002 for details that are too long.
    pub async fn set_password(&self, ctx: &Context, user_id: &str, request: SetPassword) -> Result<()> {
        self.run(ctx, Operation::UserSetPassword, Actor::Trusted(None), async |call| {
            let user_id = call.target(Some(user_id))?;
            if let Some(details) = request.details {
                if details.len() > MAX_DETAILS_LENGTH {
                    let detail = format!("details: at most {MAX_DETAILS_LENGTH} bytes as JSON");
                    return Err(Error::refused(Code::CommonInvalidInput, detail));
                }
                call.trail.note("details", details);
            }
            let row = self.row_to_change(&user_id).await?;
            let terms = Terms { expiry_days: request.password_expiry, must_change: request.must_change };
            let new = self.accept_password(&row, request.password, terms).await?;
            self.replace_password(call, &row, &new, None).await
        })
        .await
    }

    async fn row_to_change(&self, user_id: &UserId) -> Result<UserRow> {
        let mut conn = self.db().read().await?;
        store::user::account::by_id(&mut conn, user_id).await?.ok_or_else(|| Code::UserIdInvalid.into())
    }

    /// Puts a new password in the place of the one that the row has, unless another one has come there meanwhile.
    async fn replace_password(
        &self,
        call: &mut Call<'_>,
        row: &UserRow,
        new: &NewPassword,
        keep: Option<SessionId>,
    ) -> Result<()> {
        let mut tx = self.db().write().await?;
        self.hold_to_manage(call, &mut tx, &row.user_id).await?;
        let held = store::user::account::lock_row(&mut tx, &row.user_id).await?;
        if held.map(|held| held.password_last_set) != Some(row.password_last_set) {
            return Err(Error::refused(Code::AuthNotAllowed, "the password was changed meanwhile"));
        }
        self.store_password(&mut tx, call, row, new, keep).await?;
        self.commit(tx, &mut call.trail).await
    }
}
