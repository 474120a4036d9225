//! How somebody has signed in, as clients are told.

use crate::domain::{Result, SessionId};
use crate::ops::Sso;
use crate::ops::access::how::SKIP_SEC;
use crate::store::{self, Tx};

/// How much a sign-in proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ops) enum Acr {
    /// A password.
    One,
    /// Two factors, or a passkey that has verified its user.
    Two,
}

impl Acr {
    /// Its name in ID tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "urn:zato-sso:1",
            Self::Two => "urn:zato-sso:2",
        }
    }

    /// Whether it is as much as the one with this name.
    pub fn satisfies(self, wanted: &str) -> bool {
        [Self::One, Self::Two].into_iter().any(|acr| acr.as_str() == wanted && self >= acr)
    }
}

/// How much these methods prove, which stand between blanks by their names (RFC 8176).
pub(in crate::ops) fn acr_of(methods: &str) -> Acr {
    let has = |name: &str| methods.split(' ').any(|method| method == name);
    if has("mfa") { Acr::Two } else { Acr::One }
}

/// The methods of a sign-in by a password and a code.
pub(in crate::ops) const PASSWORD_AND_CODE: &str = "pwd otp mfa";

/// Of one by a password and a passkey.
pub(in crate::ops) const PASSWORD_AND_PASSKEY: &str = "pwd pop mfa";

/// Of one by a passkey that has not verified its user, and a code.
pub(in crate::ops) const PASSKEY_AND_CODE: &str = "pop otp mfa";

/// Of one by a password and a recovery code. That it was one is no name of RFC 8176, and stays here: see [`amr_of`].
pub(in crate::ops) const PASSWORD_AND_RECOVERY_CODE: &str = "pwd otp mfa recovery_code";

/// Of one by a passkey that has not verified its user, and a recovery code.
pub(in crate::ops) const PASSKEY_AND_RECOVERY_CODE: &str = "pop otp mfa recovery_code";

/// Of one for which the process itself asked for nothing.
pub(in crate::ops) const SKIPPED: &str = SKIP_SEC;

/// Words of methods that clients are not told.
const INTERNAL: [&str; 2] = ["recovery_code", SKIPPED];

/// The names of methods that clients are told (RFC 8176).
pub(in crate::ops) fn amr_of(methods: &str) -> Vec<&str> {
    methods.split(' ').filter(|method| !method.is_empty() && !INTERNAL.contains(method)).collect()
}

/// Of one by a passkey, whether or not that has verified its user.
pub(in crate::ops) const fn passkey(is_user_verified: bool) -> &'static str {
    if is_user_verified { "pop user mfa" } else { "pop" }
}

/// The methods that are called like this, if a sign-in can have been by them.
pub(in crate::ops) fn known(methods: &str) -> Option<&'static str> {
    let all = [
        PASSWORD_AND_CODE,
        PASSWORD_AND_PASSKEY,
        PASSKEY_AND_CODE,
        PASSWORD_AND_RECOVERY_CODE,
        PASSKEY_AND_RECOVERY_CODE,
        passkey(true),
        passkey(false),
    ];
    all.into_iter().find(|known| *known == methods)
}

impl Sso {
    /// Notes that the user of a session has shown a code of TOTP as well.
    pub(in crate::ops) async fn note_code(&self, tx: &mut Tx, session_id: SessionId) -> Result<()> {
        let methods = store::session::proof::methods(tx, session_id).await?;
        store::session::proof::set_methods(tx, session_id, Some(with_code(methods.as_deref()))).await
    }

    /// Notes that the user of a session has shown a passkey as well.
    pub(in crate::ops) async fn note_passkey(&self, tx: &mut Tx, session_id: SessionId) -> Result<()> {
        let methods = store::session::proof::methods(tx, session_id).await?;
        store::session::proof::set_methods(tx, session_id, Some(with_passkey(methods.as_deref()))).await
    }
}

/// The methods of a session whose user has shown a passkey as well. A passkey is one factor, however often it is shown.
fn with_passkey(methods: Option<&str>) -> &'static str {
    methods.and_then(known).unwrap_or(PASSWORD_AND_PASSKEY)
}

/// The methods of a session whose user has shown a code as well.
fn with_code(methods: Option<&str>) -> &'static str {
    match methods {
        None => PASSWORD_AND_CODE,
        Some(methods) => match known(methods) {
            Some(known) if acr_of(known) == Acr::Two => known,
            Some(_) => PASSKEY_AND_CODE,
            None => PASSWORD_AND_CODE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::access::how::how_of;

    #[test]
    fn two_factors_and_verified_passkeys_prove_more() {
        assert_eq!(acr_of("pwd"), Acr::One);
        assert_eq!(acr_of(PASSWORD_AND_CODE), Acr::Two);
        assert_eq!(acr_of(passkey(true)), Acr::Two);
        assert_eq!(acr_of(passkey(false)), Acr::One);
        assert_eq!(acr_of(PASSWORD_AND_RECOVERY_CODE), Acr::Two);
        assert_eq!(acr_of(SKIPPED), Acr::One);
        assert_eq!(with_code(None), PASSWORD_AND_CODE);
        assert_eq!(with_code(Some(passkey(false))), PASSKEY_AND_CODE);
        assert_eq!(with_code(Some(passkey(true))), passkey(true));
        assert_eq!(known(passkey(true)), Some(passkey(true)));
        assert_eq!(known("pwd"), None);
        assert!(Acr::Two.satisfies("urn:zato-sso:1") && !Acr::One.satisfies("urn:zato-sso:2"));
        assert!(!Acr::Two.satisfies("urn:other"));
    }

    #[test]
    fn clients_are_told_names_of_the_standard_and_the_audit_says_it_in_words() {
        let all = [
            (None, "password"),
            (Some(PASSWORD_AND_CODE), "password totp"),
            (Some(PASSWORD_AND_RECOVERY_CODE), "password recovery_code"),
            (Some(PASSWORD_AND_PASSKEY), "password passkey"),
            (Some(PASSKEY_AND_CODE), "passkey totp"),
            (Some(PASSKEY_AND_RECOVERY_CODE), "passkey recovery_code"),
            (Some(passkey(true)), "passkey"),
            (Some(passkey(false)), "passkey"),
            (Some(SKIPPED), "skip_sec"),
        ];
        for (methods, words) in all {
            assert_eq!(how_of(methods), words);
        }
        assert_eq!(amr_of(PASSWORD_AND_RECOVERY_CODE), ["pwd", "otp", "mfa"]);
        assert!(amr_of(SKIPPED).is_empty());
    }
}
