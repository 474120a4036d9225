//! Whether a sign-in at a client, and what came of it, still holds; and what a client may ask for.

use crate::domain::{
    ApprovalStatus, Client, Context, Error, Grant, OAuthError, Result, SignUpStatus, Timestamp,
};
use crate::ops::Sso;
use crate::ops::client::scope::words;
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

    /// Of the scopes that a client asks for, those that it may have, and those that are ignored: they are unknown, or not for it
    /// (OpenID Connect Core, section 3.1.2.1). What is granted is told with the tokens (RFC 6749, section 3.3).
    ///
    /// # Errors
    /// `invalid_scope` where nothing remains.
    pub(in crate::ops) fn scopes_for(
        &self,
        client: &Client,
        asked: Vec<String>,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let (scopes, ignored): (Vec<String>, Vec<String>) =
            asked.into_iter().partition(|scope| client.may_ask_for(scope) || is_refreshing(client, scope));
        if scopes.is_empty() && !ignored.is_empty() {
            return Err(wrong_scopes(client, &ignored));
        }
        Ok((scopes, ignored))
    }

    /// The client may ask for all of these scopes.
    pub(in crate::ops) fn check_scopes_of(&self, client: &Client, scopes: &[String]) -> Result<()> {
        let wrong: Vec<String> = scopes.iter().filter(|scope| !client.may_ask_for(scope)).cloned().collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong_scopes(client, &wrong)) }
    }

    /// The client may have tokens for all of these: those that it is registered for, and the issuer, whose userinfo endpoint it asks.
    pub(in crate::ops) fn check_resources_of(&self, client: &Client, resources: &[String]) -> Result<()> {
        let is_its = |resource: &String| client.may_address(resource) || resource == self.issuer();
        let Some(wrong) = resources.iter().find(|resource| !is_its(resource)) else { return Ok(()) };
        let mut allowed = vec![self.issuer()];
        allowed.extend(client.default_audience.as_deref());
        allowed.extend(client.audiences.iter().map(String::as_str));
        let allowed = allowed.join(" ");
        Err(OAuthError::InvalidTarget
            .because(format!("resource has to be one that is registered, {allowed}, not {wrong}")))
    }

    /// For whom access tokens are: whom the client names; or else its default, and with the scope openid the userinfo endpoint, whose
    /// audience is the issuer; or else that alone.
    pub(in crate::ops) fn audiences_of(
        &self,
        client: &Client,
        scopes: &[String],
        resources: &[String],
    ) -> Vec<String> {
        if !resources.is_empty() {
            return resources.to_vec();
        }
        let mut audiences: Vec<String> = client.default_audience.iter().cloned().collect();
        if audiences.is_empty() || scopes.iter().any(|scope| scope == "openid") {
            audiences.push(self.issuer().to_owned());
        }
        audiences
    }

    /// Leaves of a sign-in what its client may still have: it may have been registered for more when its user consented.
    ///
    /// # Errors
    /// Why nothing is left, in words.
    pub(in crate::ops) fn narrow(&self, client: &Client, held: &mut Held) -> Result<(), String> {
        match &held.sent_to {
            Some(uri) if !client.has_redirect_uri(uri) => {
                return Err(format!("the redirect URI of its sign-in, {uri}, is registered no longer"));
            }
            Some(_) if !client.may_use(Grant::AuthorizationCode) => {
                return Err("the client is registered for authorization_code no longer".to_owned());
            }
            None if !client.may_use(Grant::DeviceCode) => {
                return Err("the client is registered for the device flow no longer".to_owned());
            }
            _ => {}
        }
        let is_left = |scope: &&str| client.may_ask_for(scope) || is_refreshing(client, scope);
        let granted = words(&held.granted_scopes);
        let (left, gone): (Vec<&str>, Vec<&str>) = granted.into_iter().partition(is_left);
        let needs_offline = held.session_id.is_none() && !left.contains(&"offline_access");
        if needs_offline || (left.is_empty() && !gone.is_empty()) {
            return Err(format!("the client may have {} no longer", gone.join(" ")));
        }
        let left = left.join(" ");
        let is_its = |audience: &&str| client.may_address(audience) || *audience == self.issuer();
        let audiences: Vec<&str> = held.granted_audiences.lines().filter(is_its).collect();
        if audiences.is_empty() {
            let whom = held.granted_audiences.lines().collect::<Vec<_>>().join(" ");
            return Err(format!("the client may have tokens for {whom} no longer"));
        }
        held.granted_audiences = audiences.join("\n");
        held.granted_scopes = left;
        Ok(())
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

fn wrong_scopes(client: &Client, wrong: &[String]) -> Error {
    let may = if client.scopes.is_empty() { "no scope".to_owned() } else { client.scopes.join(" ") };
    OAuthError::InvalidScope.because(format!("this client may ask for {may}, not for {}", wrong.join(" ")))
}

/// Who may refresh tokens may ask to go on without a session. Who may not asks in vain, which is no mistake.
fn is_refreshing(client: &Client, scope: &str) -> bool {
    scope == "offline_access" && !client.may_use(Grant::RefreshToken)
}
