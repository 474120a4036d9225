//! Links between users and security definitions: requests that use the definition act as the user.

use crate::domain::{Code, Context, Error, LinkedAuth, Operation, Result, SecType, UserId, UserView};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::audit::Trail;
use crate::store;
use crate::store::linked_auth::link::Linked;

/// A definition as callers name it.
#[derive(Clone, Copy, Debug)]
pub struct SecDefName<'a> {
    /// Its kind: `basic_auth` or `jwt`.
    pub auth_type: &'a str,
    /// Its username.
    pub auth_username: &'a str,
}

impl<'a> SecDefName<'a> {
    /// The kind, if it is one, and the username, if there can be one like it: PostgreSQL knows no NUL in text.
    fn read(self) -> Result<(SecType, &'a str)> {
        let sec_type = SecType::parse(self.auth_type).ok_or_else(|| {
            Error::refused(Code::CommonInvalidInput, "auth_type: expected basic_auth or jwt")
        })?;
        if self.auth_username.contains('\0') {
            return Err(unknown_definition());
        }
        Ok((sec_type, self.auth_username))
    }
}

impl Sso {
    /// Links a definition to a user; the definition's id. For super-users.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E001100 if there is no such user, E008002
    /// if there is no such definition, E008001 if it is linked already, be it to this user or to another.
    pub async fn create_linked_auth(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
        definition: SecDefName<'_>,
        is_active: bool,
    ) -> Result<(UserId, i64)> {
        self.run(ctx, Operation::UserCreateLinkedAuth, actor, async |call| {
            let user_id = call.target(Some(user_id))?;
            self.require_fresh_login(call.caller().ok())?;
            let mut tx = self.db().write().await?;
            // The user's row is held: it must be there when the link is.
            store::user::account::lock_row(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            let (sec_type, username) = definition.read()?;
            let found = store::linked_auth::sec_def::by_username(&mut tx, sec_type, username).await?;
            let id = found.ok_or_else(unknown_definition)?.sec_def_id;
            match store::linked_auth::link::insert(&mut tx, id, &user_id, is_active, self.now()).await? {
                Linked::Yes => {}
                Linked::Already => {
                    let detail = "the definition is linked already";
                    return Err(Error::refused(Code::CommonInvalidOperation, detail));
                }
                // The user's row is held: it is the definition that was deleted meanwhile.
                Linked::Gone => return Err(unknown_definition()),
            }
            note(&mut call.trail, sec_type, id);
            self.commit(tx, &mut call.trail).await?;
            Ok((user_id, id))
        })
        .await
    }

    /// The links of a user: one's own, or anybody's for super-users.
    ///
    /// # Errors
    /// A code of the session; E005001 without the right to, E001100 if there is no such user.
    pub async fn get_linked_auth_list(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
    ) -> Result<Vec<LinkedAuth>> {
        self.run(ctx, Operation::UserGetLinkedAuthList, actor, async |call| {
            let user_id = call.target(user_id)?;
            let mut conn = self.db().read().await?;
            let links = store::linked_auth::link::list_of_user(&mut conn, &user_id).await?;
            if links.is_empty() {
                store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            }
            Ok(links)
        })
        .await
    }

    /// Removes a link and ends the sessions that it opened; the definition's id. For super-users.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E001100 if there is no such user, E008002 if
    /// there is no such definition, or it is not linked to this user, E012003 if the user could not log in any more.
    pub async fn delete_linked_auth(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
        definition: SecDefName<'_>,
    ) -> Result<i64> {
        self.run(ctx, Operation::UserDeleteLinkedAuth, actor, async |call| {
            let user_id = call.target(Some(user_id))?;
            self.require_fresh_login(call.caller().ok())?;
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::UserIdInvalid)?;
            let could_log_in = self.can_log_in(&mut tx, &row).await?;
            let (sec_type, username) = definition.read()?;
            let deleted = store::linked_auth::link::delete(&mut tx, &user_id, sec_type, username).await?;
            let sec_def_id = deleted.ok_or_else(unknown_definition)?;
            self.check_still_can_log_in(&mut tx, &row, could_log_in).await?;
            note(&mut call.trail, sec_type, sec_def_id);
            let ended = self.end_sessions_of_definition(&mut tx, sec_type, sec_def_id).await?;
            call.trail.note("sessions_ended", ended.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(sec_def_id)
        })
        .await
    }

    /// The user that a definition is linked to: any for super-users, oneself for everybody.
    ///
    /// # Errors
    /// E005001 without the right to; for super-users E008002 if there is no such definition, or it is not linked.
    pub async fn get_user_by_linked_auth(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        definition: SecDefName<'_>,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        self.run(ctx, Operation::UserGetByLinkedAuth, actor, async |call| {
            let found = self.user_of(definition).await;
            let caller = call.caller()?.clone();
            // Which definitions exist, and whose they are, is not disclosed.
            let is_own = found.as_ref().is_ok_and(|user_id| user_id == caller.user_id());
            if !is_own {
                caller.require_super_user()?;
            }
            let user_id = found?;
            call.trail.on(&user_id);
            self.shown_to(&caller, &user_id, return_all_attrs).await
        })
        .await
    }

    async fn user_of(&self, definition: SecDefName<'_>) -> Result<UserId> {
        let (sec_type, username) = definition.read()?;
        let mut conn = self.db().read().await?;
        let found = store::linked_auth::sec_def::by_username(&mut conn, sec_type, username).await?;
        found.and_then(|row| row.user_id).ok_or_else(unknown_definition)
    }
}

fn unknown_definition() -> Error {
    Error::refused(Code::CommonInvalidInput, "auth_username: there is no such definition or link")
}

fn note(trail: &mut Trail, sec_type: SecType, sec_def_id: i64) {
    trail.note("auth_type", sec_type.as_str());
    trail.note("auth_id", sec_def_id.to_string());
}
