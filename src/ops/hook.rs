//! Hooks: code of the embedding application that takes part in operations.
//!
//! No hook runs inside a database transaction, or while a connection is held: a hook may call operations itself.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;

use serde_json::{Map, Value};

use crate::domain::{ClaimsWanted, Email, ExpiringPassword, SignUpDetails, SignUpVerdict, UserId};
use crate::ops::audit::Trail;

/// The note of an audit entry that says that a hook has failed.
pub(in crate::ops) const HOOK_ERROR: &str = "hook_error";

/// What a hook comes to.
pub type HookFuture<T> = Pin<Box<dyn Future<Output = Result<T, HookError>> + Send>>;

/// Why a hook has no answer. The text is written to the log: it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HookError(Cow<'static, str>);

impl HookError {
    /// An error with this text.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }
}

/// The hooks there are. Each method is asked whenever its hook would have a say, and gives None, as all do unless they
/// are written otherwise, where there is no such hook.
///
/// A hook that fails is noted in the audit log. What that means for the operation stands with each.
#[expect(unused_variables, reason = "a hook that is not there looks at nothing")]
pub trait Hooks: fmt::Debug + Send + Sync {
    /// How many minutes a session that is opened or renewed now is to live: from 1 to a hundred years' worth. Where the
    /// hook fails, or gives another number, it is `default_expiry`, which is `session.expiry`. `session.max_lifetime`
    /// limits both.
    fn session_expiry(
        &self,
        username: &str,
        current_app: &str,
        default_expiry: u32,
    ) -> Option<HookFuture<i64>> {
        None
    }

    /// Whether a user may sign up, in addition to the built-in rules, which are checked before. Where the hook fails
    /// the sign-up is refused.
    fn validate_signup(&self, details: &SignUpDetails) -> Option<HookFuture<SignUpVerdict>> {
        None
    }

    /// A user has signed up and is stored, also if the hook fails.
    fn on_signup(&self, user_id: &UserId, details: &SignUpDetails) -> Option<HookFuture<()>> {
        None
    }

    /// Whether there is a hook that sends emails. Only where there is one, or an SMTP server, are emails written.
    fn sends_email(&self) -> bool {
        true
    }

    /// Sends an email, in place of the SMTP server of the configuration. The text of the message may hold a token.
    fn send_email(&self, message: &Email) -> Option<HookFuture<()>> {
        None
    }

    /// Further claims of a user, for an ID token or the userinfo endpoint: they take the place of others with the same name, but of none
    /// of the provider's own. Where the hook fails there are none, and the log says so.
    fn claims(&self, wanted: &ClaimsWanted) -> Option<HookFuture<Map<String, Value>>> {
        None
    }

    /// Passwords that expire soon.
    fn on_password_expiring(&self, users: &[ExpiringPassword]) -> Option<HookFuture<()>> {
        None
    }
}

/// No hooks at all.
#[derive(Clone, Copy, Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn sends_email(&self) -> bool {
        false
    }
}

impl Trail {
    /// Notes that a hook has failed.
    pub fn hook_failed(&mut self, hook: &str, error: &HookError) {
        self.note(HOOK_ERROR, format!("{hook}: {error}"));
    }
}
