//! What super-users decide about users: approve and reject, lock and unlock.

use super::{Authority, Sso};
use crate::domain::{ApprovalStatus, AuditKind, Code, Context, Result, UserId, Ust};
use crate::ops::audit::Trail;
use crate::store;

/// Who acts where no user does: the command line, sign-up.
pub(super) const AUTO: &str = "auto";

impl Sso {
    /// Lets a user log in. May be called any number of times, after a rejection too.
    ///
    /// # Errors
    /// E005001 unless the token is a super-user's, E001100 if there is no such user.
    pub async fn approve_user(&self, ctx: &Context, current_ust: &Ust, user_id: &str) -> Result<()> {
        self.decide(ctx, "user.approve", current_ust, user_id, ApprovalStatus::Approved).await
    }

    /// Keeps a user from logging in, and ends the validity of sessions that are open.
    ///
    /// # Errors
    /// As [`Sso::approve_user`].
    pub async fn reject_user(&self, ctx: &Context, current_ust: &Ust, user_id: &str) -> Result<()> {
        self.decide(ctx, "user.reject", current_ust, user_id, ApprovalStatus::Rejected).await
    }

    async fn decide(
        &self,
        ctx: &Context,
        op: &'static str,
        current_ust: &Ust,
        user_id: &str,
        status: ApprovalStatus,
    ) -> Result<()> {
        let mut trail = self.trail(ctx, op, AuditKind::Change);
        let outcome = self.set_approval(ctx, &mut trail, current_ust, user_id, status).await;
        self.conclude(trail, outcome).await
    }

    async fn set_approval(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        current_ust: &Ust,
        user_id: &str,
        status: ApprovalStatus,
    ) -> Result<()> {
        let caller = self.check_super_user(ctx, current_ust).await?;
        trail.by(caller.user_id());
        let user_id = UserId::parse(user_id).ok_or(Code::UserIdInvalid)?;
        trail.on(&user_id);
        let mut tx = self.db().write().await?;
        let now = self.now().as_micros();
        let by = caller.user_id().as_str();
        if !store::user::set_approval(&mut tx, &user_id, status.as_str(), now, by).await? {
            return Err(Code::UserIdInvalid.into());
        }
        self.commit(tx, trail).await
    }

    /// Locks an account: its user cannot log in, and open sessions are refused.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn lock_user(&self, ctx: &Context, authority: Authority<'_>, user_id: &str) -> Result<()> {
        self.change_lock(ctx, "user.lock", authority, user_id, true).await
    }

    /// Unlocks an account, and forgets its failed logins: the next attempt need not wait. Who did it, and when, is kept as
    /// for a lock.
    ///
    /// # Errors
    /// As [`Sso::lock_user`].
    pub async fn unlock_user(&self, ctx: &Context, authority: Authority<'_>, user_id: &str) -> Result<()> {
        self.change_lock(ctx, "user.unlock", authority, user_id, false).await
    }

    async fn change_lock(
        &self,
        ctx: &Context,
        op: &'static str,
        authority: Authority<'_>,
        user_id: &str,
        locked: bool,
    ) -> Result<()> {
        let mut trail = self.trail(ctx, op, AuditKind::Change);
        let outcome = self.set_lock(ctx, &mut trail, authority, user_id, locked).await;
        self.conclude(trail, outcome).await
    }

    async fn set_lock(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        user_id: &str,
        locked: bool,
    ) -> Result<()> {
        let by = self.check_authority(ctx, authority).await?;
        if let Some(by) = &by {
            trail.by(by);
        }
        let user_id = UserId::parse(user_id).ok_or(Code::UserIdInvalid)?;
        trail.on(&user_id);
        let by = by.as_ref().map_or(AUTO, UserId::as_str);
        let mut tx = self.db().write().await?;
        if !store::user::set_lock(&mut tx, &user_id, locked, self.now().as_micros(), by).await? {
            return Err(Code::UserIdInvalid.into());
        }
        if !locked && let Some(row) = store::user::by_id(&mut tx, &user_id).await? {
            self.clear_failures_of(&mut tx, &row.username).await?;
        }
        self.commit(tx, trail).await
    }
}
