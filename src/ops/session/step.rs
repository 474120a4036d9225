//! Logging in step by step.
//!
//! ```text
//! password ──> a code is needed ──> a new password is needed ──> session
//!     └──────────────┴─────────────────────────────────────────────┘
//! ```

use std::sync::Arc;

use crate::domain::{Code, Context, Error, Password, Result, SessionInfo};
use crate::ops::Sso;
use crate::ops::session::login::LoginRequest;
use crate::ops::session::ticket::{Slot, Steps};

/// What a step of a login comes to.
#[derive(Clone, Debug)]
pub enum LoginStep {
    /// Logged in.
    Done(SessionInfo),
    /// The password is right. The next step takes the ticket in its place, and a TOTP or recovery code.
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
        match (self.login(ctx, LoginRequest { steps, ..request }).await, slot.get()) {
            (Ok(session), _) => Ok(LoginStep::Done(session)),
            (Err(Error::Refused { code: Code::AuthTotpMissing, .. }), Some(ticket)) => {
                Ok(LoginStep::CodeNeeded(ticket.clone()))
            }
            (
                Err(Error::Refused {
                    code:
                        code @ (Code::PasswordExpired | Code::PasswordAboutToExpire | Code::PasswordMustSendNew),
                    ..
                }),
                Some(ticket),
            ) => Ok(LoginStep::NewPasswordNeeded(ticket.clone(), code)),
            (Err(error), _) => Err(error),
        }
    }
}
