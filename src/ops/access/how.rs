//! How somebody acts, as the audit has it: by what who acts has shown who they are.

use crate::domain::{AuthType, Session};

/// By a command.
pub(in crate::ops) const COMMAND: &str = "command";
/// By a program that holds the object, and skips the checks.
pub(in crate::ops) const SKIP_SEC: &str = "skip_sec";
/// By the keys of a site.
pub(in crate::ops) const SITE: &str = "site";
/// By the credentials of a client of the OpenID Provider.
pub(in crate::ops) const CLIENT: &str = "client";
/// Nobody has asked for it.
pub(in crate::ops) const SYSTEM: &str = "system";

/// How the user of a session has proved who they are.
pub(in crate::ops) fn how_of_session(session: &Session) -> &'static str {
    match session.auth_type {
        AuthType::Default => how_of(session.auth_methods.as_deref()),
        AuthType::BasicAuth => "basic_auth",
        AuthType::Jwt => "jwt",
        AuthType::Site => SITE,
    }
}

/// The same of methods, where None is a password alone.
pub(in crate::ops) fn how_of(methods: Option<&str>) -> &'static str {
    let Some(methods) = methods else { return "password" };
    let has = |name: &str| methods.split(' ').any(|method| method == name);
    match (has("pwd"), has("pop"), has("otp"), has("recovery_code")) {
        _ if has(SKIP_SEC) => SKIP_SEC,
        (true, true, ..) => "password passkey",
        (true, false, _, true) => "password recovery_code",
        (true, false, true, false) => "password totp",
        (true, false, false, false) => "password",
        (false, true, _, true) => "passkey recovery_code",
        (false, true, true, false) => "passkey totp",
        (false, ..) => "passkey",
    }
}
