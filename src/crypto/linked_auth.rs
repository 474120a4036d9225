//! Tokens of the sessions that linked definitions open.
//!
//! Every request of such a definition goes on in the session that an earlier one opened, so its token must be known again,
//! and the database keeps only digests. It is therefore not random but computed: HMAC-SHA256 (RFC 2104), under a sub-key of
//! the keyring that serves nothing else, over what names the session. That is a pseudo-random function: to who lacks the key
//! the 256 bits cannot be told from random ones, though all of its input may be known.

use zeroize::Zeroizing;

use super::token;
use crate::crypto::keyring::ring::{Keyring, hmac};
use crate::domain::{SessionId, Ust};

impl Keyring {
    /// The tokens that a session may have that a linked definition opened, the active key's first: keys that are not
    /// active any more have made those of sessions from before.
    #[must_use]
    pub fn external_session_tokens(&self, session_id: SessionId, ext_session_id: &str) -> Vec<Ust> {
        // The part of fixed length comes first: no two pairs give the same bytes.
        let message = [session_id.0.as_bytes().as_slice(), ext_session_id.as_bytes()].concat();
        self.keys().map(|key| token::ust_of(&Zeroizing::new(hmac(&key.external_session, &message)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SystemRandom, Timestamp};

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    fn tokens(keys: &str, session_id: SessionId, ext_session_id: &str) -> Vec<String> {
        let tokens = Keyring::parse(keys).unwrap().external_session_tokens(session_id, ext_session_id);
        tokens.iter().map(|ust| ust.expose().to_owned()).collect()
    }

    #[test]
    fn a_session_has_the_same_token_again_and_no_other_session_has_it() {
        let now = Timestamp::from_micros(1_772_034_712_000_000);
        let [one, two] = [(), ()].map(|()| SessionId::random(now, &SystemRandom).unwrap());
        let first = tokens(ONE, one, "basic_auth.1");
        assert_eq!(tokens(ONE, one, "basic_auth.1"), first);
        assert_eq!(first[0].len(), 4 + 43);
        assert!(first[0].starts_with("zust") && !first[0].contains('.'));
        for other in [
            tokens(ONE, two, "basic_auth.1"),
            tokens(ONE, one, "basic_auth.2"),
            tokens(TWO, one, "basic_auth.1"),
        ] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn a_rotation_finds_what_either_key_has_made() {
        let session_id = SessionId::random(Timestamp::from_micros(0), &SystemRandom).unwrap();
        let [one, two] = [ONE, TWO].map(|key| tokens(key, session_id, "jwt.1.a").remove(0));
        assert_eq!(tokens(&format!("{TWO},{ONE}"), session_id, "jwt.1.a"), [two, one]);
    }
}
