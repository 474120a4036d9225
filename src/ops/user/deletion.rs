//! Deleting users.

use crate::domain::{AuditKind, Code, Context, Error, Result, UserId};
use crate::ops::audit::Trail;
use crate::ops::{Authority, Sso};
use crate::store;
use crate::store::user::account::Removed;

/// Whom to delete, as the caller names them.
#[derive(Clone, Copy)]
enum Target<'a> {
    Id(&'a str),
    Username(&'a str),
}

impl Sso {
    /// Deletes a user, and with them their sessions, attributes, links and reset tokens. Nobody deletes oneself.
    ///
    /// # Errors
    /// E005001 without the right to, E008001 for oneself, E001100 if there is no such user.
    pub async fn delete_user_by_id(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<()> {
        self.delete(ctx, "user.delete_by_id", authority, Target::Id(user_id)).await
    }

    /// The same, by name.
    ///
    /// # Errors
    /// As [`Sso::delete_user_by_id`], but E001001 if there is no such user.
    pub async fn delete_user_by_username(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        username: &str,
    ) -> Result<()> {
        self.delete(ctx, "user.delete_by_username", authority, Target::Username(username)).await
    }

    async fn delete(
        &self,
        ctx: &Context,
        op: &'static str,
        authority: Authority<'_>,
        target: Target<'_>,
    ) -> Result<()> {
        let mut trail = self.trail(ctx, op, AuditKind::Change);
        let outcome = self.remove_user(ctx, &mut trail, authority, target).await;
        self.conclude(trail, outcome).await
    }

    async fn remove_user(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        target: Target<'_>,
    ) -> Result<()> {
        let by = self.check_authority(ctx, authority).await?;
        if let Some(by) = &by {
            trail.by(by);
        }
        let mut tx = self.db().write().await?;
        let removed = match target {
            Target::Id(user_id) => {
                let user_id = UserId::parse(user_id).ok_or(Code::UserIdInvalid)?;
                trail.on(&user_id);
                store::user::account::delete_by_id(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?
            }
            // What no username can look like is not asked for: PostgreSQL knows no NUL in text.
            Target::Username(username) if username.contains('\0') => {
                return Err(Code::UsernameInvalid.into());
            }
            Target::Username(username) => store::user::account::delete_by_username(&mut tx, username)
                .await?
                .ok_or(Code::UsernameInvalid)?,
        };
        let Removed { user_id, username } = removed;
        trail.on(&user_id);
        trail.note("username", username);
        if by.as_ref() == Some(&user_id) {
            // The transaction ends here, and with it the deletion never was.
            return Err(Error::refused(Code::CommonInvalidOperation, "a user cannot delete oneself"));
        }
        self.commit(tx, trail).await
    }
}
