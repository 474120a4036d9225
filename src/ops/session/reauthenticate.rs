//! Proving once more who one is: a session becomes as fresh as one that was just opened.

use serde_json::Value;

use crate::domain::{AuthType, Code, Context, Error, Operation, Password, Result, SessionId, Ust};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::how::how_of;
use crate::ops::access::methods;
use crate::ops::access::throttle::Origin;
use crate::ops::call::Call;
use crate::ops::credential::passkey::ceremony::Purpose;
use crate::ops::session::login::{Authenticated, LoginRequest};
use crate::store;
use crate::store::Tx;
use crate::store::user::account::{HeldUser, UserRow};

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
            if has_failures {
                self.clear_failures(&mut tx, &attempt).await?;
            }
            self.make_fresh(call, tx, (session.session_id, &row), methods).await
        })
        .await
    }

    /// Begins to prove by a passkey who has the session that acts: what a browser is to be asked, as
    /// `PublicKeyCredential.parseRequestOptionsFromJSON` takes it. It names the user's passkeys.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E008001 where passkeys are not configured, or the user has none.
    pub async fn begin_passkey_reauthentication(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
    ) -> Result<Value> {
        self.run(ctx, Operation::PasskeyBeginReauthentication, actor, async |call| {
            let user_id = call.target(None)?;
            let session_id = call.caller()?.session().session_id;
            let mut conn = self.db().read().await?;
            let kept = store::credential::passkey::list_of_user(&mut conn, &user_id).await?;
            drop(conn);
            if kept.is_empty() {
                return Err(Error::refused(Code::CommonInvalidOperation, "the user has no passkeys"));
            }
            self.login_options(Purpose::Again(session_id, &user_id), &kept)
        })
        .await
    }

    /// Notes that the user of the session that acts has proved who they are by a passkey, by what the browser answers. One that
    /// has verified its owner is two factors; one that has not is one, which is enough only for those who have no TOTP.
    ///
    /// # Errors
    /// A code of the session or of the common checks; E005001 for an answer that is not right, E012002 if nothing like it was
    /// asked for in this session, or too long ago; E005008 for a user with TOTP whose authenticator has not verified its owner,
    /// E005009 while the delay after failures lasts.
    pub async fn finish_passkey_reauthentication(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        response: &str,
    ) -> Result<()> {
        let (actor, response) = (actor.into(), response.to_owned());
        self.to_the_end(
            ctx,
            |sso, ctx| async move { sso.prove_again_by_passkey(&ctx, actor, &response).await },
        )
        .await
    }

    async fn prove_again_by_passkey(&self, ctx: &Context, actor: Actor, response: &str) -> Result<()> {
        self.run(ctx, Operation::PasskeyFinishReauthentication, actor, async |call| {
            let user_id = call.target(None)?;
            let session_id = call.caller()?.session().session_id;
            let purpose = Purpose::Again(session_id, &user_id);
            let found = self.prove_by_passkey(ctx, &mut call.trail, response, purpose).await?;
            if found.row.is_totp_enabled && !found.is_user_verified {
                return Err(Code::AuthTotpMissing.into());
            }
            let tx = self.db().write().await?;
            let methods = Some(methods::passkey(found.is_user_verified));
            self.make_fresh(call, tx, (session_id, &found.row), methods).await
        })
        .await
    }

    /// The session is as one that was just opened by these methods, if what they were checked against still holds.
    async fn make_fresh(
        &self,
        call: &mut Call<'_>,
        mut tx: Tx,
        (session_id, row): (SessionId, &UserRow),
        methods: Option<&str>,
    ) -> Result<()> {
        if store::user::account::lock_row(&mut tx, &row.user_id).await? != Some(HeldUser::from(row)) {
            return Err(Code::AuthNotAllowed.into());
        }
        if !store::session::record::set_auth_time(&mut tx, session_id, self.now()).await? {
            return Err(Code::SessionNoSuchSession.into());
        }
        store::session::proof::set_methods(&mut tx, session_id, methods).await?;
        call.trail.event.how = Some(how_of(methods));
        call.trail.note("session_id", session_id.to_string());
        self.commit(tx, &mut call.trail).await
    }

    /// Makes one of the session that a browser had and the one that its user has just opened: the former goes on, as fresh as the
    /// new one and with its token, so that clients where the user is signed in still know it. False where they cannot be one:
    /// another user has logged in, or the former has ended.
    ///
    /// # Errors
    /// When the database cannot answer, or the new one has ended.
    pub async fn continue_session(&self, ctx: &Context, former: &Ust, new: Ust) -> Result<bool> {
        let former = match self.valid_session(former).await {
            Ok(known) => known,
            Err(Error::Refused { .. }) => return Ok(false),
            Err(other) => return Err(other),
        };
        self.run(ctx, Operation::SessionReauthenticate, new, async |call| {
            let caller = call.caller()?.clone();
            let (old, new) = (&former.session, caller.session());
            let is_plain = old.auth_type == AuthType::Default && new.auth_type == AuthType::Default;
            if old.user_id != new.user_id || old.session_id == new.session_id || !is_plain {
                call.trail.leave_out();
                return Ok(false);
            }
            let mut tx = self.db().write().await?;
            // The user's row before those of sessions, as whatever ends sessions takes them.
            store::user::account::lock_row(&mut tx, &old.user_id).await?;
            if !store::session::proof::take_over(&mut tx, old.session_id, new.session_id).await? {
                call.trail.leave_out();
                return Ok(false);
            }
            call.trail.note("session_id", old.session_id.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(true)
        })
        .await
    }
}
