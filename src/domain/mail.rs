//! Emails: what they are about, and one that is ready to be sent.

use std::fmt;

use uuid::Uuid;

use super::{Timestamp, UserId};

/// What an email is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmailKind {
    /// Asks a new user to confirm the sign-up.
    SignupConfirm,
    /// Tells the owner of an address that somebody has tried to sign up with it.
    SignupExists,
    /// Welcomes a user who has confirmed.
    SignupWelcome,
    /// Lets a user choose a new password.
    PasswordReset,
    /// Asks a user to confirm a new address, which it is sent to.
    EmailConfirm,
    /// Tells a user at the former address that there is to be another one.
    EmailChanged,
    /// Tells a user that the password was changed.
    PasswordChanged,
    /// Tells a user that TOTP was switched on or off or has another key, or that there are new recovery codes.
    SecondFactorChanged,
    /// Tells a user that a recovery code was used.
    RecoveryCodeUsed,
    /// Tells a user of a login from a device or network that is new.
    NewDevice,
}

impl EmailKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::SignupConfirm,
        Self::SignupExists,
        Self::SignupWelcome,
        Self::PasswordReset,
        Self::EmailConfirm,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::SecondFactorChanged,
        Self::RecoveryCodeUsed,
        Self::NewDevice,
    ];

    /// Whether it tells its reader of what somebody has done, who may be somebody else.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        match self {
            Self::EmailChanged
            | Self::PasswordChanged
            | Self::SecondFactorChanged
            | Self::RecoveryCodeUsed
            | Self::NewDevice => true,
            Self::SignupConfirm
            | Self::SignupExists
            | Self::SignupWelcome
            | Self::PasswordReset
            | Self::EmailConfirm => false,
        }
    }

    /// The name of its template.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignupConfirm => "signup-confirm",
            Self::SignupExists => "signup-exists",
            Self::SignupWelcome => "signup-welcome",
            Self::PasswordReset => "password-reset-link",
            Self::EmailConfirm => "email-confirm",
            Self::EmailChanged => "email-changed",
            Self::PasswordChanged => "password-changed",
            Self::SecondFactorChanged => "second-factor-changed",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::NewDevice => "new-device",
        }
    }
}

/// An email, ready to be sent. It may hold a token, so that it does not print.
#[derive(Clone)]
pub struct Email {
    /// Its own id, the same however often it is tried.
    pub id: Uuid,
    /// When it was written.
    pub date: Timestamp,
    /// What it is about.
    pub kind: EmailKind,
    /// Whom it is for.
    pub user_id: UserId,
    /// Their name.
    pub username: String,
    /// Their address.
    pub to: String,
    /// The sender; empty where configuration does not tell.
    pub from: String,
    /// One line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same as HTML, where there is a template for that.
    pub html: Option<String>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("kind", &self.kind)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
