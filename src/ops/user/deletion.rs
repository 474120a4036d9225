//! Deleting users.

use crate::domain::{Code, Context, Error, Operation, Result, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::Removed;

impl Sso {
    /// Deletes a user, and with them their sessions, attributes, links and reset tokens. A user cannot delete oneself.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 where the login is too long ago, E008001 for oneself, E008002 for the last
    /// super-user who can log in, E001100 if there is no such user.
    pub async fn delete_user_by_id(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::UserDeleteById, actor, async |call| {
            let user_id = call.target(Some(user_id))?;
            // The name is free afterwards, for somebody else to take.
            self.require_fresh_login(call.caller().ok())?;
            let tx = self.db().write().await?;
            self.delete_user(call, tx, &user_id, Code::UserIdInvalid).await
        })
        .await
    }

    /// Deletes the account of the caller, who types its name to show that this is meant.
    ///
    /// # Errors
    /// E008001 where `pages.allow_account_deletion` does not allow it, E005010 where the login is too long ago, E001001 for
    /// another name, E008002 for the last super-user who can log in.
    pub async fn delete_current_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        username: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::UserDeleteCurrent, actor, async |call| {
            let user_id = call.target(None)?;
            if !self.config().pages.allow_account_deletion {
                let detail = "pages.allow_account_deletion does not allow it";
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            let caller = call.caller()?.clone();
            self.require_own_login(Some(&caller), &user_id).await?;
            if self.username_key(username.trim()) != self.username_key(caller.username()) {
                let detail = "username: not the name of this account";
                return Err(Error::refused(Code::UsernameInvalid, detail));
            }
            let mut tx = self.db().write().await?;
            self.check_another_super_user(&mut tx, &user_id).await?;
            let removed = store::user::account::delete_by_id(&mut tx, &user_id).await?;
            let Removed { username, .. } = removed.ok_or(Code::UserIdInvalid)?;
            call.trail.note("username", username);
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Deletes a user, found by name.
    ///
    /// # Errors
    /// As [`Sso::delete_user_by_id`], but E001001 if there is no such user.
    pub async fn delete_user_by_username(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        username: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::UserDeleteByUsername, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            let mut tx = self.db().write().await?;
            let key = self.username_key(username);
            let row = store::user::account::by_username(&mut tx, username, &key).await?;
            let user_id = row.ok_or(Code::UsernameInvalid)?.user_id;
            self.delete_user(call, tx, &user_id, Code::UsernameInvalid).await
        })
        .await
    }

    async fn delete_user(
        &self,
        call: &mut Call<'_>,
        mut tx: Tx,
        user_id: &UserId,
        not_found: Code,
    ) -> Result<()> {
        if call.user_id() == Some(user_id) {
            call.trail.on(user_id);
            return Err(Error::refused(Code::CommonInvalidOperation, "a user cannot delete oneself"));
        }
        if call.user_id().is_some() {
            self.check_another_super_user(&mut tx, user_id).await?;
        }
        let Removed { user_id, username } =
            store::user::account::delete_by_id(&mut tx, user_id).await?.ok_or(not_found)?;
        call.trail.on(&user_id);
        call.trail.note("username", username);
        self.commit(tx, &mut call.trail).await
    }
}
