//! How somebody has signed in, as clients are told.

use crate::domain::{Result, SessionId};
use crate::ops::Sso;
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

/// Of one by a passkey, whether or not that has verified its user.
pub(in crate::ops) const fn passkey(is_user_verified: bool) -> &'static str {
    if is_user_verified { "pop user mfa" } else { "pop" }
}

/// The methods that are called like this, if a sign-in can have been by them.
pub(in crate::ops) fn known(methods: &str) -> Option<&'static str> {
    let all = [PASSWORD_AND_CODE, PASSWORD_AND_PASSKEY, PASSKEY_AND_CODE, passkey(true), passkey(false)];
    all.into_iter().find(|known| *known == methods)
}

impl Sso {
    /// Notes that the user of a session has shown a code of TOTP as well.
    pub(in crate::ops) async fn note_code(&self, tx: &mut Tx, session_id: SessionId) -> Result<()> {
        let methods = store::session::proof::methods(tx, session_id).await?;
        store::session::proof::set_methods(tx, session_id, Some(with_code(methods.as_deref()))).await
    }
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

    #[test]
    fn two_factors_and_verified_passkeys_prove_more() {
        assert_eq!(acr_of("pwd"), Acr::One);
        assert_eq!(acr_of(PASSWORD_AND_CODE), Acr::Two);
        assert_eq!(acr_of(passkey(true)), Acr::Two);
        assert_eq!(acr_of(passkey(false)), Acr::One);
        assert_eq!(with_code(None), PASSWORD_AND_CODE);
        assert_eq!(with_code(Some(passkey(false))), PASSKEY_AND_CODE);
        assert_eq!(with_code(Some(passkey(true))), passkey(true));
        assert_eq!(known(passkey(true)), Some(passkey(true)));
        assert_eq!(known("pwd"), None);
        assert!(Acr::Two.satisfies("urn:zato-sso:1") && !Acr::One.satisfies("urn:zato-sso:2"));
        assert!(!Acr::Two.satisfies("urn:other"));
    }
}
