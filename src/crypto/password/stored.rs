//! What a stored password hash says: the scheme that made it, its parameters, the salt and the hash itself.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params, Version};
use data_encoding::BASE64;

use crate::crypto::password::foreign::{Before, Digest, OlderHash};
use crate::crypto::password::notation::{self, Parts, bcrypt};
use crate::crypto::password::params::HashParams;
use crate::crypto::password::text::{
    adapted_base64, decode, exactly, fields, log_of, malformed, number, output, parameter, without,
};
use crate::crypto::password::unknown::unknown;
use crate::domain::{Error, Result};

/// A stored hash, taken apart. Its parameters are within bounds: it can be computed.
pub struct StoredHash {
    /// How it was computed.
    pub computation: Computation,
    /// With which salt.
    pub salt: Vec<u8>,
    /// And what came out.
    pub expected: Vec<u8>,
}

/// How a stored hash was computed.
#[derive(Clone, Copy)]
pub enum Computation {
    /// By Argon2, whichever of its kinds.
    Argon2(Algorithm, Version, HashParams),
    /// By something else.
    Older(OlderHash),
}

impl StoredHash {
    /// Understands a stored hash.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is malformed, of an unknown scheme, or too costly to compute. The text is not quoted.
    pub fn parse(stored: &str) -> Result<Self> {
        match notation::without_scheme(stored) {
            Some(hash) => Self::bare(&hash),
            None => Self::bare(stored),
        }
    }

    /// What has nothing in front that says no more than the hash itself does.
    fn bare(stored: &str) -> Result<Self> {
        match scheme(stored) {
            "argon2id" | "argon2i" | "argon2d" => Self::argon2(stored),
            // Django writes the name of its own class before what is complete without it.
            "argon2" => Self::argon2(without("argon2", stored)?),
            "bcrypt" => bcrypt(without("bcrypt$", stored)?, Before::Nothing).map(Self::of),
            "bcrypt_sha256" => bcrypt(without("bcrypt_sha256$", stored)?, Before::HexSha256).map(Self::of),
            "2a" | "2b" | "2y" => bcrypt(stored, Before::Nothing).map(Self::of),
            "pbkdf2" | "pbkdf2-sha1" => Self::pbkdf2(Digest::Sha1, stored),
            "pbkdf2-sha256" => Self::pbkdf2(Digest::Sha256, stored),
            "pbkdf2-sha512" => Self::pbkdf2(Digest::Sha512, stored),
            "pbkdf2_sha1" => Self::django_pbkdf2(Digest::Sha1, stored),
            "pbkdf2_sha256" => Self::django_pbkdf2(Digest::Sha256, stored),
            "scrypt" if stored.starts_with('$') => Self::scrypt(stored),
            "scrypt" => Self::django_scrypt(stored),
            _ => notation::parse(stored).unwrap_or_else(|| Err(unknown(stored))).map(Self::of),
        }
    }

    /// The name of its scheme.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self.computation {
            Computation::Argon2(Algorithm::Argon2id, ..) => "argon2id",
            Computation::Argon2(Algorithm::Argon2i, ..) => "argon2i",
            Computation::Argon2(Algorithm::Argon2d, ..) => "argon2d",
            Computation::Older(older) => older.name(),
        }
    }

    /// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    fn argon2(stored: &str) -> Result<Self> {
        let stored = PasswordHash::new(stored).map_err(|_| malformed())?;
        let algorithm = Algorithm::new(stored.algorithm).map_err(|_| malformed())?;
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Err(malformed()) };
        // What is missing would be taken for the default, and a key or data be left out of the computation.
        if ["m", "t", "p"].iter().any(|name| stored.params.get(*name).is_none()) {
            return Err(malformed());
        }
        let declared = Params::try_from(&stored.params).map_err(|_| malformed())?;
        if !declared.keyid().is_empty() || !declared.data().is_empty() {
            return Err(malformed());
        }
        let params = HashParams::new(declared.m_cost(), declared.t_cost(), declared.p_cost())
            .map_err(|error| Error::internal(format!("a stored password hash is out of bounds: {error}")))?;
        // The reference implementation reads a missing version as the one before versions were stored.
        let version = stored.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).map_err(|_| malformed())?;
        let computation = Computation::Argon2(algorithm, version, params);
        Ok(Self { computation, salt: salt.to_vec(), expected: expected.as_bytes().to_vec() })
    }

    /// `$pbkdf2-sha512$rounds$salt$hash` of passlib, or `$pbkdf2-sha512$i=rounds,l=length$salt$hash` in the PHC format.
    fn pbkdf2(digest: Digest, stored: &str) -> Result<Self> {
        let [params, salt, expected] = fields(without("$", stored)?)?;
        let (salt, expected) = (adapted_base64(salt)?, output(adapted_base64(expected)?)?);
        let rounds = if params.starts_with("i=") {
            let (rounds, length) = params.split_once(',').map_or((params, None), |(i, l)| (i, Some(l)));
            let declared = length.map(|length| parameter::<usize>("l=", length)).transpose()?;
            if declared.is_some_and(|declared| declared != expected.len()) {
                return Err(malformed());
            }
            parameter("i=", rounds)?
        } else {
            number(params)?
        };
        Self::older(OlderHash::pbkdf2(digest, rounds, expected.len()), salt, expected)
    }

    /// `pbkdf2_sha256$rounds$salt$hash`, the salt as it stands.
    fn django_pbkdf2(digest: Digest, stored: &str) -> Result<Self> {
        let [rounds, salt, expected] = fields(stored)?;
        let expected = output(decode(BASE64.decode(expected.as_bytes()))?)?;
        Self::older(OlderHash::pbkdf2(digest, number(rounds)?, expected.len()), salt.into(), expected)
    }

    /// `$scrypt$ln=…,r=…,p=…$salt$hash`, of passlib and in the PHC format.
    fn scrypt(stored: &str) -> Result<Self> {
        let [params, salt, expected] = fields(without("$", stored)?)?;
        let [log_n, r, p] = exactly(params.split(','))?;
        let older = OlderHash::scrypt(parameter("ln=", log_n)?, parameter("r=", r)?, parameter("p=", p)?);
        Self::older(older, adapted_base64(salt)?, output(adapted_base64(expected)?)?)
    }

    /// `scrypt$N$salt$r$p$hash`, the salt as it stands.
    fn django_scrypt(stored: &str) -> Result<Self> {
        let [n, salt, r, p, expected] = fields(stored)?;
        let older = OlderHash::scrypt(log_of(number(n)?)?, number(r)?, number(p)?);
        Self::older(older, salt.into(), output(decode(BASE64.decode(expected.as_bytes()))?)?)
    }

    fn older(older: Result<OlderHash>, salt: Vec<u8>, expected: Vec<u8>) -> Result<Self> {
        Ok(Self::of((older?, salt, expected)))
    }

    fn of((older, salt, expected): Parts) -> Self {
        Self { computation: Computation::Older(older), salt, expected }
    }
}

/// The name of the scheme of a stored hash, if a password can be compared with it.
///
/// # Errors
/// [`Error::Internal`], which says why it cannot.
pub fn recognise_hash(stored: &str) -> Result<&'static str> {
    StoredHash::parse(stored).map(|stored| stored.scheme())
}

/// The name that a stored hash begins with: `$name$…`, or `name$…` as Django writes it.
fn scheme(stored: &str) -> &str {
    let stored = stored.strip_prefix('$').unwrap_or(stored);
    stored.split_once('$').map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Hasher, Verdict};
    use data_encoding::BASE64_NOPAD;
    use proptest::prelude::*;

    fn verify(stored: &str, password: &str) -> Result<Verdict> {
        Hasher::new(HashParams::new(16, 1, 1).unwrap()).verify(stored, &password.into())
    }

    /// Each is of the password that it is known to be of, and of no other.
    #[track_caller]
    fn assert_verified(cases: &[(&str, &str, &str)]) {
        for (stored, password, scheme) in cases {
            assert_eq!(recognise_hash(stored).unwrap(), *scheme, "{stored}");
            assert_eq!(verify(stored, password).unwrap(), Verdict::RightButOutdated, "{stored}");
            for wrong in [format!("{password}x"), format!("x{password}"), "wrong".to_owned()] {
                assert_eq!(verify(stored, &wrong).unwrap(), Verdict::Wrong, "{stored} {wrong}");
            }
        }
    }

    /// From the test suites of passlib and hashcat; the third was made by passlib.
    #[test]
    fn hashes_of_passlib_are_verified() {
        assert_verified(&[
            (
                "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww",
                "password",
                "pbkdf2-sha512",
            ),
            (
                "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ$1vC5Ohk2mCS9b6akqsEfgeb4l74SF8XjH.SljXf3dMLHdlY1GK9ojcCKts6/asR4aPqBmk74nCDddU3tvSCJvw",
                "hashcat",
                "pbkdf2-sha512",
            ),
            ("$pbkdf2$1212$c29tZXNhbHQ$l3Y1cNPn56BwbwAZLpNdwdYLfPU", "password", "pbkdf2-sha1"),
            (
                "$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE",
                "password",
                "pbkdf2-sha256",
            ),
            (
                "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
                "password",
                "pbkdf2-sha256",
            ),
            (
                "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
                "password",
                "scrypt",
            ),
        ]);
    }

    /// From the test suites of Django and of passlib; the SHA-1 one was made by passlib.
    #[test]
    fn hashes_of_django_are_verified() {
        assert_verified(&[
            (
                "pbkdf2_sha256$30000$seasalt$VrX+V8drCGo68wlvy6rfu8i1d1pfkdeXA4LJkRGJodY=",
                "l\u{e8}tmein",
                "pbkdf2-sha256",
            ),
            ("pbkdf2_sha1$30000$seasalt2$pMzU1zNPcydf6wjnJFbiVKwgULc=", "l\u{e8}tmein", "pbkdf2-sha1"),
            (
                "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
                "l\u{e8}tmein",
                "scrypt",
            ),
            ("argon2$argon2i$v=19$m=256,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A", "password", "argon2i"),
            (
                "bcrypt_sha256$$2a$08$NDjSAIcas.EcoxCRiArvT.MkNiPYVhrsrnJsRkLueZOoV1bsQqlmC",
                "l\u{e8}tmein",
                "bcrypt-sha256",
            ),
            (
                "bcrypt_sha256$$2a$06$/3OeRpbOf8/l6nPPRdZPp.nRiyYqPobEZGdNRBWihQhiFDh1ws1tu",
                "",
                "bcrypt-sha256",
            ),
            ("bcrypt$$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a", "bcrypt"),
        ]);
    }

    /// From the test suites of jBCrypt and of crypt_blowfish.
    #[test]
    fn hashes_of_bcrypt_are_verified() {
        assert_verified(&[
            ("$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a", "bcrypt"),
            (
                "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC",
                "abcdefghijklmnopqrstuvwxyz",
                "bcrypt",
            ),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "bcrypt"),
            ("$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", "bcrypt"),
            ("$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", "bcrypt"),
            // The last character of the salt has bits to spare.
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "bcrypt"),
        ]);
    }

    /// The third vector of crypt_blowfish.
    #[test]
    fn bcrypt_looks_at_72_bytes_and_with_a_digest_at_all_of_them() {
        let stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
        let first = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        assert_eq!(first.len(), 72);
        for password in [first.to_owned(), format!("{first}chars after 72 are ignored")] {
            assert_eq!(verify(stored, &password).unwrap(), Verdict::RightButOutdated, "{password}");
            assert_eq!(verify(&format!("bcrypt_sha256${stored}"), &password).unwrap(), Verdict::Wrong);
        }
        assert_eq!(verify(stored, &first[..71]).unwrap(), Verdict::Wrong);
    }

    /// Argon2i from the test suite of the reference implementation; Argon2d made by it.
    #[test]
    fn the_other_kinds_of_argon2_are_verified() {
        assert_verified(&[
            (
                "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
                "password",
                "argon2i",
            ),
            (
                "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
                "password",
                "argon2i",
            ),
            (
                "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8",
                "password",
                "argon2d",
            ),
            (
                "$argon2d$v=16$m=256,t=2,p=1$c29tZXNhbHQ$vUBIaP8AxS51Q8gzLmp3KlckiS1+Mo1c8lO7yOcms3E",
                "password",
                "argon2d",
            ),
        ]);
    }

    /// Made by Python's hashlib: 64 bytes of either digest, as Keycloak stores them.
    #[test]
    fn hashes_of_keycloak_are_verified_in_the_phc_format() {
        let sha256 = "$pbkdf2-sha256$i=27500,l=64$AAECAwQFBgcICQoLDA0ODw$ug8YdgAbOzgj90wnNU8ChpOQjAb8FN/cv2OhNM7b919SLTUjl31I6MDG3EHoNCdY2fq12oIKz2Z3V9pzHl4qsQ";
        let sha1 = "$pbkdf2-sha1$i=20000,l=64$AAECAwQFBgcICQoLDA0ODw$pL0m9DiYypHm3qgDGmB2NSH2oQS/R3NrlNqh/COKjvgKgfZD1KfKgJIIrgBuwuAlC4bVSHZmZdqtE6uVEUfaSw";
        assert_verified(&[
            (sha256, "keycloak password", "pbkdf2-sha256"),
            (&sha256.replace(",l=64", ""), "keycloak password", "pbkdf2-sha256"),
            (sha1, "keycloak password", "pbkdf2-sha1"),
        ]);
        assert!(recognise_hash(&sha256.replace("l=64", "l=32")).is_err());
    }

    #[test]
    fn what_a_stored_hash_may_cost_is_bounded() {
        let pbkdf2 = "YRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE";
        let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for stored in [
            format!("$pbkdf2-sha256$10000001$c2FsdA${pbkdf2}"),
            format!("$pbkdf2-sha256$0$c2FsdA${pbkdf2}"),
            format!("$pbkdf2-sha256$i=4294967295,l=32$c2FsdA${pbkdf2}"),
            format!("pbkdf2_sha256$10000001$salt${pbkdf2}="),
            format!("$scrypt$ln=20,r=8,p=1$c2FsdA${pbkdf2}"),
            format!("$scrypt$ln=255,r=4294967295,p=4294967295$c2FsdA${pbkdf2}"),
            format!("scrypt$2147483648$salt$8$1${pbkdf2}="),
            format!("$2b$17${bcrypt}"),
            format!("$2b$99${bcrypt}"),
            format!("$2b$03${bcrypt}"),
            format!("bcrypt_sha256$$2b$31${bcrypt}"),
            "$argon2d$v=19$m=104857600,t=1,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8"
                .into(),
        ] {
            let error = recognise_hash(&stored).unwrap_err().to_string();
            assert!(error.contains("out of bounds"), "{stored} {error}");
        }
    }

    #[test]
    fn what_is_malformed_is_an_error_that_does_not_quote_it() {
        let hash = "tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE";
        let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for stored in [
            format!("$pbkdf2-sha256$x$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$+1$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$4294967296$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$i=1,l=31$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$i=1,l=32,x=1$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$l=32,i=1$c2FsdA${hash}"),
            format!("$pbkdf2-sha256$1$c2FsdA==${hash}"),
            format!("$pbkdf2-sha256$1$c2FsdA${hash}="),
            format!("$pbkdf2-sha256$1$c2FsdA${hash}$"),
            format!("$pbkdf2-sha256$1$c2FsdA${hash} "),
            format!("pbkdf2-sha256$1$c2FsdA${hash}"),
            "$pbkdf2-sha256$1$c2FsdA$".into(),
            "$pbkdf2-sha256$1$c2FsdA$tRRlz8hY".into(),
            "$pbkdf2-sha256$1$c2FsdA".into(),
            format!("$pbkdf2-sha256$1$c2FsdA${}", "A".repeat(172)),
            format!("pbkdf2_sha256$1$salt${hash}"),
            "pbkdf2_sha256$1$salt$".into(),
            format!("$scrypt$ln=4,r=1$c2FsdA${hash}"),
            format!("$scrypt$r=1,ln=4,p=1$c2FsdA${hash}"),
            format!("$scrypt$ln=256,r=1,p=1$c2FsdA${hash}"),
            format!("scrypt$15$salt$8$1${hash}="),
            format!("scrypt$0$salt$8$1${hash}="),
            format!("scrypt$16$salt$8${hash}="),
            format!("$2b$5${bcrypt}"),
            format!("$2b$+5${bcrypt}"),
            format!("$2b$05${bcrypt}x"),
            format!("$2b$05${}", &bcrypt[1..]),
            format!("$2b$05${}\u{e8}", &bcrypt[2..]),
            format!("$2b$05$CCCCCCCCCCCCCCCCCCCCC\u{e8}{}", &bcrypt[23..]),
            format!("$2b$05$!{}", &bcrypt[1..]),
            format!("2b$05${bcrypt}"),
            format!("bcrypt_sha256$2b$05${bcrypt}"),
            format!("$bcrypt_sha256$$2b$05${bcrypt}"),
            format!("bcrypt$2b$05${bcrypt}"),
            "argon2$argon2$argon2i$v=19$m=256,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A".into(),
            "$argon2$v=19$m=256,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A".into(),
        ] {
            let error = recognise_hash(&stored).unwrap_err();
            assert!(matches!(error, Error::Internal(_)), "{stored}");
            assert_eq!(error.to_string(), malformed().to_string(), "{stored}");
            assert_eq!(verify(&stored, "password").unwrap_err().to_string(), error.to_string());
        }
        for stored in [&format!("$2x$05${bcrypt}"), &format!("$2$05${bcrypt}"), "md5$salt$x", "!"] {
            assert!(recognise_hash(stored).unwrap_err().to_string().contains("unknown scheme"), "{stored}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(
            name in "|\\$pbkdf2-sha256|pbkdf2_sha1|\\$?scrypt|\\$2b|bcrypt_sha256\\$|bcrypt\\$|argon2\\$argon2i|\\PC{0,9}",
            rest in "[$]?([i=0-9,lnrp]{0,12}\\$){0,3}(\\PC|[A-Za-z0-9./+=$]){0,70}",
        ) {
            let _ = recognise_hash(&format!("{name}${rest}"));
        }

        #[test]
        fn what_is_written_is_read(
            rounds in 1..50_u32,
            salt in prop::collection::vec(any::<u8>(), 0..40),
            expected in prop::collection::vec(any::<u8>(), 16..=128),
        ) {
            let (coded_salt, coded) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&expected));
            let dotted = |text: &str| text.replace('+', ".");
            let length = expected.len();
            for stored in [
                format!("$pbkdf2-sha512${rounds}${}${}", dotted(&coded_salt), dotted(&coded)),
                format!("$pbkdf2-sha512$i={rounds},l={length}${coded_salt}${coded}"),
                format!("$scrypt$ln=5,r=2,p={rounds}${coded_salt}${coded}"),
                format!("$pbkdf2-sha1${rounds}${coded_salt}${coded}"),
            ] {
                let parsed = StoredHash::parse(&stored).unwrap();
                prop_assert_eq!((&parsed.salt, &parsed.expected), (&salt, &expected));
            }
        }
    }
}
