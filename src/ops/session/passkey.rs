//! Logging in with a passkey: without a username, or after the password.

use serde_json::Value;

use crate::domain::{Code, Context, Operation, PasskeyCeremony, Password, Result, SessionInfo};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::informed;
use crate::ops::access::throttle::Origin;
use crate::ops::credential::passkey::ceremony::{decoy, descriptor};
use crate::ops::session::login::{Authenticated, LoginRequest};
use crate::ops::session::methods;
use crate::ops::session::ticket::{Proved, Steps};
use crate::store;
use crate::store::credential::passkey_ceremony::Asker;

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
    /// it. With a username it names that user's passkeys, for authenticators that keep no list of their own; somebody without
    /// a passkey, or who does not exist, has one that nobody has.
    ///
    /// # Errors
    /// E008001 where passkeys are not configured, E004001 for an application without logins, E005009 while a delay after
    /// failures lasts, or too many logins were begun.
    pub async fn begin_passkey_login(&self, ctx: &Context, username: Option<&str>) -> Result<Value> {
        self.run(ctx, Operation::PasskeyBeginLogin, Actor::Anonymous, async |_call| {
            self.check_login_app(ctx)?;
            let party = self.passkey_party()?;
            self.check_throttle(&mut self.key_attempt(&ctx.remote_addr)).await?;
            let allowed = match username.filter(|username| !username.is_empty()) {
                Some(username) => self.passkeys_of_name(username).await?,
                None => Vec::new(),
            };
            let place = self.place_digest(&ctx.remote_addr);
            let mut tx = self.db().write().await?;
            let asker = Asker::Stranger(&place);
            let challenge = self.begin_ceremony(&mut tx, PasskeyCeremony::Login, asker, None).await?;
            tx.commit().await?;
            Ok(self.login_options(&party, &challenge, allowed))
        })
        .await
    }

    async fn passkeys_of_name(&self, username: &str) -> Result<Vec<Value>> {
        let key = self.username_key(username);
        let mut conn = self.db().read().await?;
        let row = store::user::account::by_username(&mut conn, username, &key).await?;
        let kept = match &row {
            Some(row) => store::credential::passkey::list_of_user(&mut conn, &row.user_id).await?,
            None => Vec::new(),
        };
        if kept.is_empty() {
            let name = row.map_or(key, |row| self.username_key(&row.username));
            return Ok(vec![decoy(&self.core.keyring.subject_digest(&format!("passkey\n{name}")))]);
        }
        Ok(kept.iter().map(descriptor).collect())
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
            let party = self.passkey_party()?;
            let Some(row) = self.row_by_username(username).await? else { return Ok(None) };
            if self.open_ticket(ticket, &row) != Some(Proved::Password) {
                return Ok(None);
            }
            call.trail.on(&row.user_id);
            let mut tx = self.db().write().await?;
            let kept = store::credential::passkey::list_of_user(&mut tx, &row.user_id).await?;
            if kept.is_empty() {
                return Ok(None);
            }
            let (kind, asker) = (PasskeyCeremony::SecondFactor, Asker::User(&row.user_id));
            let challenge = self.begin_ceremony(&mut tx, kind, asker, None).await?;
            tx.commit().await?;
            Ok(Some(self.login_options(&party, &challenge, kept.iter().map(descriptor).collect())))
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
            let kind = PasskeyCeremony::Login;
            let found = self.prove_by_passkey(ctx, &mut call.trail, &request.response, kind, None).await?;
            let row = found.row;
            call.trail.note("auth_method", "passkey");
            if row.is_totp_enabled && !found.is_user_verified {
                self.leave_ticket(&request.steps, &row, Proved::Passkey)?;
                return Err(informed(self.config().login.inform_if_totp_missing, Code::AuthTotpMissing));
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
