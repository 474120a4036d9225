//! Users: their attributes, their states, and who may see what of them.

use std::sync::Arc;

use crate::domain::{Password, Timestamp, UserId};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Its name in APIs and storage.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// From its name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

pub(in crate::domain) use named;

named! {
    /// How far a user's sign-up has come.
    SignUpStatus {
        /// Signed up, not confirmed yet.
        BeforeConfirmation = "before_confirmation",
        /// Confirmed, waiting for approval.
        ToApprove = "to_approve",
        /// Done.
        Final = "final",
    }
}

named! {
    /// What a super-user has decided about a user.
    ApprovalStatus {
        /// Nothing yet.
        BeforeDecision = "before_decision",
        /// May log in.
        Approved = "approved",
        /// May not log in.
        Rejected = "rejected",
    }
}

/// A user with everything but the password. Secrets among it do not print.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the documented ones of the concepts page")]
pub struct User {
    pub user_id: UserId,
    pub username: String,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub is_active: bool,
    pub is_internal: bool,
    pub is_super_user: bool,
    pub is_locked: bool,
    pub locked_time: Option<Timestamp>,
    pub locked_by: Option<String>,
    pub sign_up_status: SignUpStatus,
    pub sign_up_time: Timestamp,
    pub sign_up_confirm_time: Option<Timestamp>,
    pub approval_status: ApprovalStatus,
    pub approval_status_mod_time: Timestamp,
    pub approval_status_mod_by: Option<String>,
    pub password_is_set: bool,
    pub password_last_set: Option<Timestamp>,
    pub password_expiry: Option<Timestamp>,
    pub password_must_change: bool,
    pub is_totp_enabled: bool,
    pub totp_key: Option<Password>,
    pub totp_label: Option<String>,
    pub is_rate_limit_active: bool,
    pub rate_limit_type: Option<String>,
    pub rate_limit_def: Option<String>,
    pub rate_limit_check_parent_def: bool,
    pub creation_ctx: Option<String>,
    /// The names of the user's groups, in order.
    pub groups: Vec<String>,
}

/// What a new user is to be made of. None means: not given.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the documented ones of the concepts page")]
pub struct NewUser {
    pub username: Option<String>,
    pub password: Option<Password>,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub is_locked: Option<bool>,
    pub sign_up_status: Option<SignUpStatus>,
    pub password_must_change: Option<bool>,
    pub is_totp_enabled: Option<bool>,
    pub totp_key: Option<Password>,
    pub totp_label: Option<String>,
    pub is_rate_limit_active: Option<bool>,
    pub rate_limit_def: Option<String>,
    pub creation_ctx: Option<String>,
}

/// A user whose password expires soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringPassword {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub username: String,
    /// When it expires.
    pub password_expiry: Timestamp,
}

/// How much of a user a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// A regular user's own view.
    Own,
    /// The view of who may manage users: what their decisions are about.
    UserManager,
    /// A super-user's view: everything but secrets.
    SuperUser,
    /// Everything, the TOTP key included: for trusted, in-process callers.
    All,
}

/// A user as one caller may see it.
#[derive(Clone, Debug)]
pub struct UserView {
    /// The user.
    pub user: Arc<User>,
    /// How much of it may be seen.
    pub visibility: Visibility,
    /// Whether the caller is a super-user.
    pub is_current_super_user: bool,
}

/// One value of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Field<'a> {
    None,
    Bool(bool),
    Text(&'a str),
    Time(Timestamp),
    List(&'a [String]),
}

impl<'a> Field<'a> {
    fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::None, Self::Text)
    }

    fn time(value: Option<Timestamp>) -> Self {
        value.map_or(Self::None, Self::Time)
    }
}

impl UserView {
    /// Name and value of all that may be seen, in the order of the documentation.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        let user = &self.user;
        let mut fields = vec![
            ("user_id", Field::Text(user.user_id.as_str())),
            ("username", Field::Text(&user.username)),
            ("email", Field::text(user.email.as_deref())),
            ("display_name", Field::text(user.display_name.as_deref())),
            ("first_name", Field::text(user.first_name.as_deref())),
            ("middle_name", Field::text(user.middle_name.as_deref())),
            ("last_name", Field::text(user.last_name.as_deref())),
            ("is_totp_enabled", Field::Bool(user.is_totp_enabled)),
            ("totp_label", Field::text(user.totp_label.as_deref())),
            ("groups", Field::List(&user.groups)),
        ];
        if self.visibility == Visibility::Own {
            return fields;
        }
        if self.visibility == Visibility::UserManager {
            fields.extend([
                ("is_locked", Field::Bool(user.is_locked)),
                ("locked_time", Field::time(user.locked_time)),
                ("sign_up_status", Field::Text(user.sign_up_status.as_str())),
                ("sign_up_time", Field::Time(user.sign_up_time)),
                ("approval_status", Field::Text(user.approval_status.as_str())),
                ("approval_status_mod_time", Field::Time(user.approval_status_mod_time)),
            ]);
            return fields;
        }
        let is_approval_needed = user.approval_status == ApprovalStatus::BeforeDecision;
        fields.extend([
            ("is_active", Field::Bool(user.is_active)),
            ("is_internal", Field::Bool(user.is_internal)),
            ("is_super_user", Field::Bool(user.is_super_user)),
            ("is_locked", Field::Bool(user.is_locked)),
            ("locked_time", Field::time(user.locked_time)),
            ("locked_by", Field::text(user.locked_by.as_deref())),
            ("sign_up_status", Field::Text(user.sign_up_status.as_str())),
            ("sign_up_time", Field::Time(user.sign_up_time)),
            ("sign_up_confirm_time", Field::time(user.sign_up_confirm_time)),
            ("approval_status", Field::Text(user.approval_status.as_str())),
            ("approval_status_mod_time", Field::Time(user.approval_status_mod_time)),
            ("approval_status_mod_by", Field::text(user.approval_status_mod_by.as_deref())),
            ("is_approval_needed", Field::Bool(is_approval_needed)),
            ("password_is_set", Field::Bool(user.password_is_set)),
            ("password_last_set", Field::time(user.password_last_set)),
            ("password_expiry", Field::time(user.password_expiry)),
            ("password_must_change", Field::Bool(user.password_must_change)),
            ("is_rate_limit_active", Field::Bool(user.is_rate_limit_active)),
            ("rate_limit_type", Field::text(user.rate_limit_type.as_deref())),
            ("rate_limit_def", Field::text(user.rate_limit_def.as_deref())),
            ("rate_limit_check_parent_def", Field::Bool(user.rate_limit_check_parent_def)),
            ("creation_ctx", Field::text(user.creation_ctx.as_deref())),
        ]);
        if self.visibility == Visibility::All {
            fields.push(("totp_key", Field::text(user.totp_key.as_ref().map(Password::expose))));
        }
        fields
    }
}
