//! Logging in with a passkey: without a username, or after the password.

use serde_json::Value;

use crate::domain::{Code, Context, Operation, Password, Result, SessionInfo};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::methods;
use crate::ops::access::throttle::Origin;
use crate::ops::credential::passkey::ceremony::Purpose;
use crate::ops::session::login::{Authenticated, LoginRequest};
use crate::ops::session::ticket::{Proved, Steps};
use crate::store;

/// A login with a passkey.
#[derive(Clone, Debug, Default)]
pub struct PasskeyLogin {
    /// What the browser answers: what `toJSON()` of its credential says.
    pub response: String,
    /// With what the user logs in.
    pub user_agent: Option<String>,
    /// For how many minutes the session lasts at least, as far as `session.max_lifetime` allows.
    pub keep_for: Option<u32>,
    /// Where the login leaves what it has proved.
    pub steps: Steps,
}

impl Sso {
    /// Begins a login with a passkey: what a browser is to be asked, as `PublicKeyCredential.parseRequestOptionsFromJSON` takes
    /// it. It names no passkeys, whoever asks: which ones a user has, and whether there is such a user, is told nobody who has
    /// proved nothing. With a username, only that user's passkeys log in.
    ///
    /// # Errors
    /// E008001 where passkeys are not configured, E004001 for an application without logins, E005009 while a delay after
    /// failures lasts.
    pub async fn begin_passkey_login(&self, ctx: &Context, username: Option<&str>) -> Result<Value> {
        self.run(ctx, Operation::PasskeyBeginLogin, Actor::Anonymous, async |_call| {
            self.check_login_app(ctx)?;
            self.check_throttle(&mut self.key_attempt(&ctx.remote_addr)).await?;
            self.login_options(Purpose::Login(username.filter(|username| !username.is_empty())), &[])
        })
        .await
    }

    /// Begins the second step of a login whose ticket says that the password was right; None if it does not, or the user has
    /// no passkey. What the browser answers goes to [`LoginRequest::passkey`].
    ///
    /// # Errors
    /// E008001 where passkeys are not configured.
    pub async fn begin_passkey_step(
        &self,
        ctx: &Context,
        username: &str,
        ticket: &Password,
    ) -> Result<Option<Value>> {
        self.run(ctx, Operation::PasskeyBeginLogin, Actor::Anonymous, async |call| {
            self.passkey_party()?;
            let Some(row) = self.row_by_username(username).await? else { return Ok(None) };
            if self.open_ticket(ticket, &row) != Some(Proved::Password) {
                return Ok(None);
            }
            call.trail.on(&row.user_id);
            let mut conn = self.db().read().await?;
            let kept = store::credential::passkey::list_of_user(&mut conn, &row.user_id).await?;
            drop(conn);
            if kept.is_empty() {
                return Ok(None);
            }
            self.login_options(Purpose::SecondFactor(&row.user_id), &kept).map(Some)
        })
        .await
    }

    /// Whether the second step of a login may be a passkey: its ticket says that the password was right, and the user has one.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn may_step_by_passkey(&self, username: &str, ticket: &Password) -> Result<bool> {
        if self.config().passkey_party().is_none() {
            return Ok(false);
        }
        let Some(row) = self.row_by_username(username).await? else { return Ok(false) };
        if self.open_ticket(ticket, &row) != Some(Proved::Password) {
            return Ok(false);
        }
        let mut conn = self.db().read().await?;
        Ok(!store::credential::passkey::list_of_user(&mut conn, &row.user_id).await?.is_empty())
    }

    /// Opens a session for whose passkey has answered. A passkey that has verified its owner counts as two factors. What
    /// strangers do to the user's name has nothing to do with it.
    ///
    /// # Errors
    /// E005001 for an answer that is not right, E012002 if nothing like it was asked for, or too long ago; E005008 for a user
    /// with TOTP whose authenticator has not verified its owner; else as [`Sso::login`].
    pub async fn finish_passkey_login(&self, ctx: &Context, request: PasskeyLogin) -> Result<SessionInfo> {
        self.to_the_end(ctx, |sso, ctx| async move { sso.log_in_with_passkey(&ctx, request).await }).await
    }

    async fn log_in_with_passkey(&self, ctx: &Context, request: PasskeyLogin) -> Result<SessionInfo> {
        self.run(ctx, Operation::PasskeyFinishLogin, Actor::Anonymous, async |call| {
            let purpose = Purpose::Login(None);
            let found = self.prove_by_passkey(ctx, &mut call.trail, &request.response, purpose).await?;
            let row = found.row;
            call.trail.note("auth_method", "passkey");
            if row.is_totp_enabled && !found.is_user_verified {
                self.leave_ticket(&request.steps, &row, Proved::Passkey)?;
                // Who has the key is told: there was no password to guess.
                return Err(Code::AuthTotpMissing.into());
            }
            let origin = Origin::Address(&ctx.remote_addr);
            let attempt = self.password_attempt(&row.username, Some(&row.user_id), origin);
            let methods = Some(methods::passkey(found.is_user_verified));
            let authenticated =
                Authenticated { row, is_outdated: false, attempt, has_failures: Some(false), methods };
            let request = LoginRequest {
                user_agent: request.user_agent,
                keep_for: request.keep_for,
                steps: request.steps,
                ..LoginRequest::default()
            };
            self.open_session(ctx, call, request, authenticated).await
        })
        .await
    }
}
