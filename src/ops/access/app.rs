//! Through which application a call comes, and what shows it: anybody can say a name.

use crate::domain::Context;
use crate::ops::Sso;

/// What shows that a call comes from the application that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppProof {
    /// It is a call of this process, which is trusted.
    #[default]
    SameProcess,
    /// It has authenticated with a security definition that is bound to the application (`apps.credentials`).
    Credential,
    /// It comes through a proxy in `http.trusted_proxies`.
    Proxy,
    /// Nothing but its name.
    Named,
}

impl Sso {
    /// Whether calls over REST must prove that they come from this application.
    #[must_use]
    pub fn is_app_bound(&self, app: &str) -> bool {
        self.config().apps.credentials.contains_key(app)
    }

    /// Whether a login may say where its user is, and with what.
    pub(in crate::ops) fn may_send_metadata(&self, ctx: &Context, proof: AppProof) -> bool {
        let apps = &self.config().apps;
        let is_shown = match proof {
            AppProof::SameProcess | AppProof::Credential | AppProof::Proxy => true,
            AppProof::Named => apps.login_metadata_from_anybody,
        };
        is_shown && apps.login_metadata_allowed.contains(&ctx.current_app)
    }
}
