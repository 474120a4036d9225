//! The table of status codes.

macro_rules! codes {
    ($($variant:ident = $code:literal, $group:literal, $label:literal;)*) => {
        /// A status code: `E` is an error, `W` a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(
                #[doc = concat!("`", $code, "`, ", $group, ".", $label)]
                $variant,
            )*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as callers see it, for instance `E005001`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The group of its label, for instance `auth`.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self { $(Self::$variant => $group,)* }
            }

            /// Its label within the group, for instance `not_allowed`.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

codes! {
    UsernameInvalid = "E001001", "username", "invalid";
    UsernameExists = "E001002", "username", "exists";
    UsernameTooLong = "E001003", "username", "too_long";
    UsernameHasWhitespace = "E001004", "username", "has_whitespace";
    UserIdInvalid = "E001100", "user_id", "invalid";
    EmailInvalid = "E002001", "email", "invalid";
    EmailExists = "E002002", "email", "exists";
    EmailTooLong = "E002003", "email", "too_long";
    EmailHasWhitespace = "E002004", "email", "has_whitespace";
    EmailMissing = "E002005", "email", "missing";
    PasswordInvalid = "E003001", "password", "invalid";
    PasswordTooShort = "E003002", "password", "too_short";
    PasswordTooLong = "E003003", "password", "too_long";
    PasswordExpired = "E003004", "password", "expired";
    PasswordWarnAboutToExpire = "W003005", "password", "w_about_to_exp";
    PasswordAboutToExpire = "E003006", "password", "e_about_to_exp";
    PasswordMustSendNew = "E003007", "password", "must_send_new";
    PasswordNotComplexEnough = "E003008", "password", "not_complex_enough";
    AppListInvalid = "E004001", "app_list", "invalid";
    AppListNoSignup = "E004002", "app_list", "no_signup";
    AuthNotAllowed = "E005001", "auth", "not_allowed";
    AuthLocked = "E005002", "auth", "locked";
    AuthInvalidSignupStatus = "E005003", "auth", "invalid_signup_status";
    AuthNotApproved = "E005004", "auth", "not_approved";
    AuthSuperUserRequired = "E005005", "auth", "super_user_required";
    AuthNoSuchSignUpToken = "E005006", "auth", "no_such_sign_up_token";
    AuthSignUpConfirmed = "E005007", "auth", "sign_up_confirmed";
    AuthTotpMissing = "E005008", "auth", "totp_missing";
    AuthRateLimited = "E005009", "auth", "rate_limited";
    AuthFreshLoginNeeded = "E005010", "auth", "fresh_login_needed";
    MetadataNotAllowed = "E006001", "metadata", "not_allowed";
    SessionNoSuchSession = "E007001", "session", "no_such_session";
    SessionExpired = "E007002", "session", "expired";
    CommonInvalidOperation = "E008001", "common", "invalid_operation";
    CommonInvalidInput = "E008002", "common", "invalid_input";
    CommonMissingInput = "E008003", "common", "missing_input";
    CommonInternalError = "E008004", "common", "internal_error";
    CommonOverloaded = "E008005", "common", "overloaded";
    CommonUnavailable = "E008006", "common", "unavailable";
    AttrAlreadyExists = "E009001", "attr", "already_exists";
    AttrNoSuchAttr = "E009002", "attr", "no_such_attr";
    PasswordResetCouldNotAccess = "E010001", "password_reset", "could_not_access";
    PasskeyNotAcceptable = "E012001", "passkey", "not_acceptable";
    PasskeyNoSuchCeremony = "E012002", "passkey", "no_such_ceremony";
    PasskeyLastWayToLogIn = "E012003", "passkey", "last_way_to_log_in";
    GroupNoSuchGroup = "E013001", "group", "no_such_group";
    GroupExists = "E013002", "group", "exists";
    ClientNoSuchClient = "E014001", "client", "no_such_client";
    ClientInvalid = "E014002", "client", "invalid";
    ClientRequestRefused = "E014003", "client", "request_refused";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_and_label_stands_once() {
        let codes: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let labels: HashSet<_> = Code::ALL.iter().map(|code| (code.group(), code.label())).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        assert_eq!(labels.len(), Code::ALL.len());
        assert_eq!(Code::ALL.len(), 50);
    }
}
