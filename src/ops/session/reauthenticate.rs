//! Proving once more who one is: a session becomes as fresh as one that was just opened.

use crate::domain::{Code, Context, Operation, Password, Result};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::throttle::Origin;
use crate::ops::session::login::{Authenticated, LoginRequest};
use crate::store;
use crate::store::user::account::HeldUser;

impl Sso {
    /// Notes that the user of the session that acts has proved who they are, by the password, and by a code where TOTP is
    /// enabled. It is throttled as a login is, but what others
    /// do to the name has nothing to do with it.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E005001 for a wrong password or code, E005008 for a missing code
    /// where that may be told, E005009 while the delay after failures lasts.
    pub async fn reauthenticate(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        password: Password,
        totp_code: Option<Password>,
    ) -> Result<()> {
        let actor = actor.into();
        self.to_the_end(
            ctx,
            |sso, ctx| async move { sso.prove_again(&ctx, actor, password, totp_code).await },
        )
        .await
    }

    async fn prove_again(
        &self,
        ctx: &Context,
        actor: Actor,
        password: Password,
        totp_code: Option<Password>,
    ) -> Result<()> {
        self.run(ctx, Operation::SessionReauthenticate, actor, async |call| {
            let caller = call.caller()?.clone();
            let session = caller.session();
            let request = LoginRequest {
                username: caller.username().to_owned(),
                password: Some(password),
                totp_code,
                ..LoginRequest::default()
            };
            let origin = Origin::Session(&ctx.remote_addr);
            let found = self.authenticate(ctx, &mut call.trail, &request, origin).await?;
            let Authenticated { row, mut attempt, has_failures, methods, .. } = found;
            // The name may have become somebody else's since the session was read.
            if row.user_id != session.user_id {
                return Err(Code::AuthNotAllowed.into());
            }
            let mut tx = self.db().write().await?;
            let has_failures = match has_failures {
                Some(has_failures) => has_failures,
                None => self.check_throttle_on(&mut tx, &mut attempt).await?,
            };
            if store::user::account::lock_row(&mut tx, &row.user_id).await? != Some(HeldUser::from(&row)) {
                return Err(Code::AuthNotAllowed.into());
            }
            if has_failures {
                self.clear_failures(&mut tx, &attempt).await?;
            }
            let session_id = session.session_id;
            if !store::session::record::set_auth_time(&mut tx, session_id, self.now()).await? {
                return Err(Code::SessionNoSuchSession.into());
            }
            store::session::proof::set_methods(&mut tx, session_id, methods).await?;
            call.trail.note("session_id", session_id.to_string());
            self.commit(tx, &mut call.trail).await
        })
        .await
    }
}
