//! Passkeys that there are: lists, names, and their end.

use crate::domain::{Code, Context, Error, Operation, Passkey, PasskeyId, Result, check_passkey_name};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;

impl Sso {
    /// The passkeys of a user, the oldest first: one's own, or those of whom one may manage.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn list_passkeys(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
    ) -> Result<Vec<Passkey>> {
        self.run(ctx, Operation::PasskeyGetList, actor, async |call| {
            let user_id = call.target_to_manage(user_id)?;
            if call.user_id() == Some(&user_id) {
                call.trail.is_of_oneself();
            }
            let mut conn = self.db().read().await?;
            let row = store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            self.check_may_manage(call, &mut conn, &row).await?;
            let kept = store::credential::passkey::list_of_user(&mut conn, &user_id).await?;
            Ok(kept.into_iter().map(|kept| kept.passkey).collect())
        })
        .await
    }

    /// Gives a passkey of the user of the session that acts another name.
    ///
    /// # Errors
    /// A code of the session; E008002 if there is no such passkey, or for a name that is none.
    pub async fn rename_passkey(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        passkey_id: &str,
        name: String,
    ) -> Result<()> {
        self.run(ctx, Operation::PasskeyRename, actor, async |call| {
            let user_id = call.target(None)?;
            let passkey_id = parse(passkey_id)?;
            let name = check_passkey_name(Some(name))?;
            let mut tx = self.db().write().await?;
            if !store::credential::passkey::rename(&mut tx, &passkey_id, &user_id, &name).await? {
                return Err(unknown());
            }
            call.trail.note("passkey_id", passkey_id.as_str());
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Deletes a passkey of a user, or without an id all of them: one's own, or those of whom one may manage. The user is
    /// emailed. How many there were.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E001100 if there is no such user, E008002 if
    /// there is no such passkey, E012003 if the user could not log in any more.
    pub async fn delete_passkeys(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
        passkey_id: Option<&str>,
    ) -> Result<u64> {
        self.run(ctx, Operation::PasskeyDelete, actor, async |call| {
            let user_id = call.target_to_manage(user_id)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let passkey_id = passkey_id.map(parse).transpose()?;
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::UserIdInvalid)?;
            self.check_may_manage(call, &mut tx, &row).await?;
            let could_log_in = self.can_log_in(&mut tx, &row).await?;
            let deleted = match &passkey_id {
                Some(passkey_id) => {
                    if !store::credential::passkey::delete(&mut tx, passkey_id, &user_id).await? {
                        return Err(unknown());
                    }
                    call.trail.note("passkey_id", passkey_id.as_str());
                    1
                }
                None => store::credential::passkey::delete_of_user(&mut tx, &user_id).await?,
            };
            if deleted > 0 {
                self.check_still_can_log_in(&mut tx, &row, could_log_in).await?;
                call.trail.note("passkeys_deleted", deleted.to_string());
                self.tell_of_second_factor(&mut tx, call.ctx, &mut call.trail, &row, "passkey-removed")
                    .await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(deleted)
        })
        .await
    }
}

fn parse(passkey_id: &str) -> Result<PasskeyId> {
    PasskeyId::parse(passkey_id).ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::refused(Code::CommonInvalidInput, "passkey_id: there is no such passkey")
}
