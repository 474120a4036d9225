//! Whether a sign-in at a client, and what came of it, still holds; and what a client may ask for.

use crate::domain::{ApprovalStatus, Client, Context, Grant, OAuthError, Result, SignUpStatus, Timestamp};
use crate::ops::Sso;
use crate::store::client::authorization::Held;

impl Sso {
    /// The same context, with the application that the logins of a client count as.
    pub(in crate::ops) fn context_of(&self, ctx: &Context, client: &Client) -> Context {
        let current_app = client.app.clone().unwrap_or_else(|| self.config().apps.default.clone());
        Context { current_app, ..ctx.clone() }
    }

    /// Why a sign-in does not hold any more; None while it does. It is the client's server that asks, so that the address says nothing
    /// about the user.
    pub(in crate::ops) fn why_over(&self, held: &Held, now: Timestamp) -> Option<&'static str> {
        if held.end_time <= now {
            return Some("it has expired");
        }
        let is_in_standing = !held.is_locked
            && held.sign_up_status == SignUpStatus::Final
            && held.approval_status == ApprovalStatus::Approved;
        if !is_in_standing {
            return Some("the user may not sign in any more");
        }
        if held.password_expiry.is_some_and(|expiry| expiry <= now) {
            return Some("the user has to choose a new password first");
        }
        // It goes on without a session where the user has allowed that.
        held.session_id?;
        let (Some(creation), Some(expiration), Some(last_use)) =
            (held.session_creation, held.session_expiration, held.session_last_use)
        else {
            return Some("the session has ended");
        };
        let is_in_force =
            expiration > now && self.lifetime_limit(creation) > now && !self.is_idle(last_use, now);
        (!is_in_force).then_some("the session has ended")
    }

    /// The client may ask for all of these scopes.
    pub(in crate::ops) fn check_scopes_of(&self, client: &Client, scopes: &[String]) -> Result<()> {
        let wrong: Vec<&str> = scopes
            .iter()
            .filter(|scope| !client.may_ask_for(scope) && !is_refreshing(client, scope))
            .map(String::as_str)
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let why = format!(
            "this client may ask for {}, not for {}",
            if client.scopes.is_empty() { "no scope".to_owned() } else { client.scopes.join(" ") },
            wrong.join(" ")
        );
        Err(OAuthError::InvalidScope.because(why))
    }

    /// The client may have tokens for all of these.
    pub(in crate::ops) fn check_resources_of(&self, client: &Client, resources: &[String]) -> Result<()> {
        if resources.iter().all(|resource| client.may_address(resource)) {
            return Ok(());
        }
        let mut allowed: Vec<&str> = client.default_audience.iter().map(String::as_str).collect();
        allowed.extend(client.audiences.iter().map(String::as_str));
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(" ") };
        Err(OAuthError::InvalidTarget
            .because(format!("resource has to be one that is registered: {allowed}")))
    }

    /// For whom access tokens are: whom the client names, or else its default, or else the issuer.
    pub(in crate::ops) fn audiences_of(&self, client: &Client, resources: &[String]) -> Vec<String> {
        if !resources.is_empty() {
            return resources.to_vec();
        }
        vec![client.default_audience.clone().unwrap_or_else(|| self.issuer().to_owned())]
    }

    /// How long access tokens of a client are valid, in seconds.
    pub(in crate::ops) fn access_seconds(&self, client: &Client) -> i64 {
        client.access_token_lifetime.unwrap_or_else(|| i64::from(self.config().oidc.access_token_lifetime))
    }

    /// How long refresh tokens of a client are valid, in seconds: at most, and without use.
    pub(in crate::ops) fn refresh_seconds(&self, client: &Client) -> (i64, i64) {
        let oidc = &self.config().oidc;
        let days = |days: u32| i64::from(days).saturating_mul(86_400);
        let most = client.refresh_token_lifetime.unwrap_or_else(|| days(oidc.refresh_token_lifetime));
        let idle = client.refresh_token_idle.unwrap_or_else(|| days(oidc.refresh_token_idle));
        (most, idle)
    }
}

/// Who may refresh tokens may ask to go on without a session. Who may not asks in vain, which is no mistake.
fn is_refreshing(client: &Client, scope: &str) -> bool {
    scope == "offline_access" && !client.may_use(Grant::RefreshToken)
}
