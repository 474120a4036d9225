//! What is to be changed about a user.

use crate::domain::{ApprovalStatus, Password, SignUpStatus, Timestamp};

/// What becomes of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is: nothing was said about it.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// This takes its place.
    Set(T),
}

impl<T> Edit<T> {
    /// The new value, None inside for none; the outer None: it stays.
    pub fn given(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// The same with another type of value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Clear => Edit::Clear,
            Self::Set(value) => Edit::Set(convert(value)),
        }
    }

    const fn is_given(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// Changes of a user.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the documented ones of the concepts page")]
pub struct UserUpdate {
    pub username: Edit<String>,
    pub email: Edit<String>,
    pub display_name: Edit<String>,
    pub first_name: Edit<String>,
    pub middle_name: Edit<String>,
    pub last_name: Edit<String>,
    pub is_totp_enabled: Edit<bool>,
    pub totp_key: Edit<Password>,
    pub totp_label: Edit<String>,
    /// A code of the key that is to be asked for, with which users show that they have it when they switch TOTP on.
    pub totp_code: Option<Password>,
    pub is_locked: Edit<bool>,
    /// Makes a super-user of a user, or takes the role away.
    pub is_super_user: Edit<bool>,
    pub password_expiry: Edit<Timestamp>,
    pub password_must_change: Edit<bool>,
    pub sign_up_status: Edit<SignUpStatus>,
    pub approval_status: Edit<ApprovalStatus>,
    pub is_rate_limit_active: Edit<bool>,
    pub rate_limit_def: Edit<String>,
}

impl UserUpdate {
    /// Whether it changes what proves who the user is, or gives or takes the role that may do everything.
    #[must_use]
    pub const fn changes_proof(&self) -> bool {
        self.username.is_given()
            || self.email.is_given()
            || self.is_totp_enabled.is_given()
            || self.totp_key.is_given()
            || self.is_super_user.is_given()
    }

    /// Whether a user may be unable to log in after it.
    #[must_use]
    pub fn may_shut_out(&self) -> bool {
        self.is_locked == Edit::Set(true)
            || matches!(self.sign_up_status, Edit::Set(status) if status != SignUpStatus::Final)
            || matches!(self.approval_status, Edit::Set(status) if status != ApprovalStatus::Approved)
    }

    /// The names of what users may change about themselves, and is to be changed.
    #[must_use]
    pub fn personal(&self) -> Vec<&'static str> {
        given([
            ("username", self.username.is_given()),
            ("email", self.email.is_given()),
            ("display_name", self.display_name.is_given()),
            ("first_name", self.first_name.is_given()),
            ("middle_name", self.middle_name.is_given()),
            ("last_name", self.last_name.is_given()),
            ("is_totp_enabled", self.is_totp_enabled.is_given()),
            ("totp_key", self.totp_key.is_given()),
            ("totp_label", self.totp_label.is_given()),
        ])
    }

    /// The names of what only super-users may change, and is to be changed.
    #[must_use]
    pub fn administrative(&self) -> Vec<&'static str> {
        given([
            ("is_locked", self.is_locked.is_given()),
            ("is_super_user", self.is_super_user.is_given()),
            ("password_expiry", self.password_expiry.is_given()),
            ("password_must_change", self.password_must_change.is_given()),
            ("sign_up_status", self.sign_up_status.is_given()),
            ("approval_status", self.approval_status.is_given()),
            ("is_rate_limit_active", self.is_rate_limit_active.is_given()),
            ("rate_limit_def", self.rate_limit_def.is_given()),
        ])
    }
}

fn given<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}
