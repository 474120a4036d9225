//! What super-users decide about users: approve and reject, lock and unlock. Who may not log in any more has no
//! sessions either: those that were open end, and do not come back with the right to log in.

use crate::domain::{ApprovalStatus, Code, Context, Error, Operation, Result, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::store;
use crate::store::Tx;

impl Sso {
    /// Approves an account: its user may log in, once sign-up is confirmed.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn approve_user(&self, ctx: &Context, actor: impl Into<Actor>, user_id: &str) -> Result<()> {
        self.run(ctx, Operation::UserApprove, actor, async |call| {
            self.set_approval(call, user_id, ApprovalStatus::Approved).await
        })
        .await
    }

    /// Rejects an account: its user cannot log in, and open sessions end.
    ///
    /// # Errors
    /// As [`Sso::approve_user`]; E008002 for the last super-user who can log in.
    pub async fn reject_user(&self, ctx: &Context, actor: impl Into<Actor>, user_id: &str) -> Result<()> {
        self.run(ctx, Operation::UserReject, actor, async |call| {
            self.set_approval(call, user_id, ApprovalStatus::Rejected).await
        })
        .await
    }

    async fn set_approval(&self, call: &mut Call<'_>, user_id: &str, status: ApprovalStatus) -> Result<()> {
        let user_id = call.target_to_manage(Some(user_id))?;
        let mut tx = self.db().write().await?;
        self.hold_to_manage(call, &mut tx, &user_id).await?;
        if status != ApprovalStatus::Approved && call.user_id().is_some() {
            self.check_another_super_user(&mut tx, &user_id).await?;
        }
        let now = self.now();
        if !store::user::account::set_approval(&mut tx, &user_id, status, now, call.changed_by()).await? {
            return Err(Code::UserIdInvalid.into());
        }
        if status != ApprovalStatus::Approved {
            self.end_sessions_on_lock(call, &mut tx, &user_id).await?;
        }
        self.commit(tx, &mut call.trail).await
    }

    /// Before somebody is deleted, loses the role or the right to log in: if that is a super-user, another one must be left
    /// who can log in. It comes before the row of the user is locked: two who do it to each other wait here. Only users are
    /// kept from shutting out and deleting: the process itself and the command can make another super-user at any time.
    ///
    /// # Errors
    /// E008002 where there is no other one.
    pub(in crate::ops) async fn check_another_super_user(&self, tx: &mut Tx, user_id: &UserId) -> Result<()> {
        // Most are none, and the others need not be looked for.
        if !store::user::account::by_id(tx, user_id).await?.is_some_and(|row| row.is_super_user) {
            return Ok(());
        }
        let all = store::user::account::super_users_for_update(tx).await?;
        if all.iter().any(|one| one.user_id != *user_id && one.held.may_have_sessions()) {
            return Ok(());
        }
        let detail = "user_id: there is no other super-user who can log in";
        Err(Error::refused(Code::CommonInvalidInput, detail))
    }

    /// Ends the sessions of a user who may not log in any more, those of sites and of linked definitions included, where
    /// configuration says so.
    pub(in crate::ops) async fn end_sessions_on_lock(
        &self,
        call: &mut Call<'_>,
        tx: &mut Tx,
        user_id: &UserId,
    ) -> Result<()> {
        self.give_up_email_change(tx, user_id).await?;
        if self.config().session.end_on_lock {
            let ended = store::session::record::delete_of_user(tx, user_id, None).await?;
            if ended > 0 {
                call.trail.note("sessions_ended", ended.to_string());
            }
        }
        Ok(())
    }

    /// Locks an account: its user cannot log in, and open sessions end.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user, E008002 for the last super-user who can log in.
    pub async fn lock_user(&self, ctx: &Context, actor: impl Into<Actor>, user_id: &str) -> Result<()> {
        self.run(ctx, Operation::UserLock, actor, async |call| self.set_lock(call, user_id, true).await).await
    }

    /// Unlocks an account, and forgets its failed logins: the next attempt need not wait. Who did it, and when, is kept
    /// as for a lock.
    ///
    /// # Errors
    /// As [`Sso::lock_user`].
    pub async fn unlock_user(&self, ctx: &Context, actor: impl Into<Actor>, user_id: &str) -> Result<()> {
        self.run(ctx, Operation::UserUnlock, actor, async |call| self.set_lock(call, user_id, false).await)
            .await
    }

    async fn set_lock(&self, call: &mut Call<'_>, user_id: &str, locked: bool) -> Result<()> {
        let user_id = call.target_to_manage(Some(user_id))?;
        let mut tx = self.db().write().await?;
        self.hold_to_manage(call, &mut tx, &user_id).await?;
        if locked && call.user_id().is_some() {
            self.check_another_super_user(&mut tx, &user_id).await?;
        }
        let now = self.now();
        if !store::user::account::set_lock(&mut tx, &user_id, locked, now, call.changed_by()).await? {
            return Err(Code::UserIdInvalid.into());
        }
        if locked {
            self.end_sessions_on_lock(call, &mut tx, &user_id).await?;
        } else if let Some(row) = store::user::account::by_id(&mut tx, &user_id).await? {
            self.forgive(&mut tx, &user_id, &row.username).await?;
        }
        self.commit(tx, &mut call.trail).await
    }
}
