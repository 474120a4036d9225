//! Blind index: how an encrypted email is found and kept unique without being readable.

use zeroize::Zeroizing;

use crate::crypto::keyring::ring::{Keyring, hmac};
use crate::domain::canonical_email;

/// The form in which earlier versions compared emails: without white space around it, in lower case.
fn former_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// HMAC-SHA256 over the normalised email: who reads the database sees which rows share an email, and cannot try
/// emails one by one without the key.
impl Keyring {
    /// What to store for an email.
    #[must_use]
    pub fn blind_index(&self, email: &str) -> [u8; 32] {
        hmac(&self.active.blind_index, Zeroizing::new(canonical_email(email)).as_bytes())
    }

    /// What counters know a name or an address by: who reads the database cannot try names one by one without the key.
    #[must_use]
    pub fn subject_digest(&self, name: &str) -> [u8; 32] {
        hmac(&self.active.subject, name.as_bytes())
    }

    /// What may be stored of a user's recovery code, the active key's first: 80 bits are too many to try, and without the
    /// key nobody can begin.
    #[must_use]
    pub fn recovery_code_digests(&self, user_id: &str, code: &str) -> Vec<[u8; 32]> {
        let bound = Zeroizing::new(format!("{user_id}\n{code}"));
        self.keys().map(|key| hmac(&key.recovery_code, bound.as_bytes())).collect()
    }

    /// All that may be stored for an email, the active key's first: during a rotation some rows have one of before, and
    /// what earlier versions stored of an email that is not ASCII has another form.
    #[must_use]
    pub fn blind_index_candidates(&self, email: &str) -> Vec<[u8; 32]> {
        let mut forms = vec![Zeroizing::new(canonical_email(email)), Zeroizing::new(former_email(email))];
        forms.dedup();
        let of_form = |form: &Zeroizing<String>| {
            let form = form.clone();
            self.keys().map(move |key| hmac(&key.blind_index, form.as_bytes()))
        };
        forms.iter().flat_map(of_form).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn case_and_white_space_do_not_matter() {
        let keyring = Keyring::parse(ONE).unwrap();
        let index = keyring.blind_index("josé@example.com");
        assert_eq!(keyring.blind_index("  JOSÉ@Example.COM\n"), index);
        assert_ne!(keyring.blind_index("jose@example.com"), index);
    }

    #[test]
    fn an_email_of_an_earlier_version_is_found() {
        let keyring = Keyring::parse(ONE).unwrap();
        let former = hmac(&keyring.active.blind_index, "ann@bücher.example".as_bytes());
        let candidates = keyring.blind_index_candidates("Ann@BÜCHER.example");
        assert_eq!(candidates, [keyring.blind_index("ann@xn--bcher-kva.example"), former]);
        assert_eq!(keyring.blind_index_candidates("ann@example.com").len(), 1);
    }

    #[test]
    fn a_recovery_code_is_bound_to_its_user_and_to_a_key() {
        let before = Keyring::parse(ONE).unwrap();
        let during = Keyring::parse(&format!("{TWO},{ONE}")).unwrap();
        let [former] = before.recovery_code_digests("zusr1", "0000000000000000")[..] else { panic!() };
        assert_eq!(during.recovery_code_digests("zusr1", "0000000000000000")[1], former);
        assert!(!during.recovery_code_digests("zusr2", "0000000000000000").contains(&former));
    }

    #[test]
    fn a_rotation_finds_what_either_key_stored() {
        let before = Keyring::parse(ONE).unwrap();
        let during = Keyring::parse(&format!("{TWO},{ONE}")).unwrap();
        let candidates = during.blind_index_candidates("a@example.com");
        assert_eq!(candidates, [during.blind_index("a@example.com"), before.blind_index("a@example.com")]);
        assert_ne!(candidates[0], candidates[1]);
    }
}
