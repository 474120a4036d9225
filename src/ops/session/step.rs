//! Logging in step by step.
//!
//! ```text
//! password ──> a code, or a passkey, is needed ──> a new password is needed ──> session
//!     └──────────────────────┴────────────────────────────────────────────────────┘
//! ```
//!
//! A passkey that has verified its owner takes the place of both, password and code; one that has not, of the password.

use std::sync::Arc;

use crate::domain::{Code, Context, Error, Password, Result, SessionInfo};
use crate::ops::Sso;
use crate::ops::session::login::LoginRequest;
use crate::ops::session::passkey::PasskeyLogin;
use crate::ops::session::ticket::{Left, Slot, Steps};

/// What a step of a login comes to.
#[derive(Clone, Debug)]
pub enum LoginStep {
    /// Logged in.
    Done(SessionInfo),
    /// The password is right, or a passkey. The next step takes the ticket in its place, and a TOTP or recovery code; after a
    /// password, a passkey as well.
    CodeNeeded(Password),
    /// Password and code are right. The next step takes the ticket in their place, and a new password. The code says why:
    /// the password has expired, or must be changed.
    NewPasswordNeeded(Password, Code),
}

impl Sso {
    /// Takes one step of a login: the first with a password, each other with the ticket of the one before.
    ///
    /// # Errors
    /// As [`Sso::login`]; a ticket that is not good, or not any more, is refused as a wrong password is.
    pub async fn log_in_by_steps(
        &self,
        ctx: &Context,
        request: LoginRequest,
        ticket: Option<Password>,
    ) -> Result<LoginStep> {
        let slot = Slot::default();
        let steps = Steps { ticket, slot: Some(Arc::clone(&slot)) };
        step(self.login(ctx, LoginRequest { steps, ..request }).await, &slot)
    }

    /// Takes the first step with a passkey, and tells the username. Where the passkey has not verified its owner and the user
    /// has TOTP switched on, a code is needed after it.
    ///
    /// # Errors
    /// As [`Sso::finish_passkey_login`].
    pub async fn log_in_by_passkey(
        &self,
        ctx: &Context,
        request: PasskeyLogin,
    ) -> Result<(LoginStep, String)> {
        let slot = Slot::default();
        let steps = Steps { ticket: None, slot: Some(Arc::clone(&slot)) };
        let outcome = self.finish_passkey_login(ctx, PasskeyLogin { steps, ..request }).await;
        let left = slot.get().map(|Left { username, .. }| username.clone());
        Ok((step(outcome, &slot)?, left.unwrap_or_default()))
    }
}

fn step(outcome: Result<SessionInfo>, slot: &Slot) -> Result<LoginStep> {
    match (outcome, slot.get()) {
        (Ok(session), _) => Ok(LoginStep::Done(session)),
        (Err(Error::Refused { code: Code::AuthTotpMissing, .. }), Some(left)) => {
            Ok(LoginStep::CodeNeeded(left.ticket.clone()))
        }
        (
            Err(Error::Refused {
                code: code @ (Code::PasswordExpired | Code::PasswordAboutToExpire | Code::PasswordMustSendNew),
                ..
            }),
            Some(left),
        ) => Ok(LoginStep::NewPasswordNeeded(left.ticket.clone(), code)),
        (Err(error), _) => Err(error),
    }
}
