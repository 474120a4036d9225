//! Password hashes of Firebase Authentication, which are scrypt and then AES.
//!
//! Firebase derives a key from a password by scrypt, with the salt of the user and the separator of the project behind
//! it, and encrypts the signer key of the project by AES-256 in counter mode. What that comes to is the password hash.
//! Counter mode adds a keystream to the signer key. So we store the keystream, which is the hash less the signer key, and
//! the separator as part of the salt: a stored hash can be verified without the project's secret, which is not kept.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use data_encoding::BASE64_NOPAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::crypto::password::text::{malformed, number, padded_base64};
use crate::domain::{Error, Password, Result};

/// How many bytes AES encrypts at a time.
const BLOCK: usize = 16;

/// The hash parameters of a project, as the Firebase console shows them. The signer key among them is a secret: it does
/// not print, and is wiped when dropped.
pub struct FirebaseParams {
    signer_key: Zeroizing<Vec<u8>>,
    salt_separator: Vec<u8>,
    rounds: u32,
    mem_cost: u8,
}

impl std::fmt::Debug for FirebaseParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, mem_cost, .. } = self;
        f.debug_struct("FirebaseParams")
            .field("rounds", rounds)
            .field("mem_cost", mem_cost)
            .finish_non_exhaustive()
    }
}

impl FirebaseParams {
    /// Reads the parameters as the console shows them (`hash_config { base64_signer_key: …, … }`), or as a JSON object.
    ///
    /// # Errors
    /// Which one is missing or wrong. Values are not quoted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut signer_key, mut salt_separator, mut rounds, mut mem_cost) = (None, None, None, None);
        for entry in text.split(['{', '}', ',', '\n', '\r']) {
            let Some((name, value)) = entry.split_once([':', '=']) else { continue };
            let (name, value) = (unquoted(name), Zeroizing::new(unquoted(value).to_owned()));
            match name.strip_prefix("base64_").unwrap_or(name) {
                "signer_key" => signer_key = Some(value),
                "salt_separator" => salt_separator = Some(value),
                "rounds" => rounds = Some(value),
                "mem_cost" => mem_cost = Some(value),
                "algorithm" if !value.eq_ignore_ascii_case("scrypt") => {
                    return Err("algorithm: only SCRYPT is Firebase's own".to_owned());
                }
                _ => {}
            }
        }
        let missing = |name: &str| format!("{name}: needed");
        let key = signer_key.ok_or_else(|| missing("base64_signer_key"))?;
        let signer_key =
            either_base64(&key).map(Zeroizing::new).map_err(|_| "base64_signer_key: not base64")?;
        if !(BLOCK..=128).contains(&signer_key.len()) {
            return Err("base64_signer_key: 16 to 128 bytes, as base64".to_owned());
        }
        let salt_separator = either_base64(&salt_separator.unwrap_or_default())
            .map_err(|_| "base64_salt_separator: not base64")?;
        let rounds = number(&rounds.ok_or_else(|| missing("rounds"))?).map_err(|_| "rounds: a number")?;
        let mem_cost =
            number(&mem_cost.ok_or_else(|| missing("mem_cost"))?).map_err(|_| "mem_cost: a number")?;
        Ok(Self { signer_key, salt_separator, rounds, mem_cost })
    }

    /// The form in which a hash is stored.
    fn stored(&self, hash: &str, salt: &str) -> Result<Password> {
        let hash = Zeroizing::new(either_base64(hash)?);
        if hash.len() != self.signer_key.len() {
            return Err(Error::internal("a Firebase hash is not as long as the signer key"));
        }
        let keystream: Zeroizing<Vec<u8>> =
            Zeroizing::new(hash.iter().zip(self.signer_key.iter()).map(|(hash, key)| hash ^ key).collect());
        let mut salt = either_base64(salt)?;
        salt.extend(&self.salt_separator);
        let Self { rounds, mem_cost, .. } = self;
        let (salt, keystream) = (BASE64_NOPAD.encode(&salt), Zeroizing::new(BASE64_NOPAD.encode(&keystream)));
        Ok(Password::from(format!("$firebase-scrypt$ln={mem_cost},r={rounds}${salt}${}", &*keystream)))
    }
}

/// What `firebase auth:export` has of a user's password.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    password_hash: String,
    salt: String,
}

/// The hash of an object with `passwordHash` and `salt`, in the form in which it is stored.
///
/// # Errors
/// [`Error::Internal`] when it is malformed, or the parameters are not given.
pub fn firebase_hash(object: &str, params: Option<&FirebaseParams>) -> Result<Password> {
    let Exported { password_hash, salt } = serde_json::from_str(object).map_err(|_| {
        Error::internal("a Firebase hash is an object of `passwordHash` and `salt`, both of them text")
    })?;
    params.ok_or_else(needs_params)?.stored(&password_hash, &salt)
}

/// The hash in `$fbscrypt$v=1,n=mem_cost,r=rounds,p=1,ss=separator,sk=key$salt$hash`, Supabase's notation of it, in the form
/// in which it is stored. What it does not say is taken from the parameters.
///
/// # Errors
/// As [`firebase_hash`].
pub fn fbscrypt_hash(stored: &str, params: Option<&FirebaseParams>) -> Result<Password> {
    let ["", "fbscrypt", declared, salt, hash] = stored.split('$').collect::<Vec<_>>()[..] else {
        return Err(malformed());
    };
    let value = |name: &str| {
        let mut declared = declared.split(',').filter_map(|entry| entry.split_once('='));
        declared.find(|(its, _)| *its == name).map(|(_, value)| value)
    };
    let is_known = value("v").is_none_or(|version| version == "1") && value("p").is_none_or(|p| p == "1");
    if !is_known {
        return Err(malformed());
    }
    let own = match value("sk") {
        None => None,
        Some(signer_key) => Some(FirebaseParams {
            signer_key: Zeroizing::new(either_base64(signer_key)?),
            salt_separator: either_base64(value("ss").unwrap_or_default())?,
            rounds: number(value("r").ok_or_else(malformed)?)?,
            mem_cost: number(value("n").ok_or_else(malformed)?)?,
        }),
    };
    own.as_ref().or(params).ok_or_else(needs_params)?.stored(hash, salt)
}

fn needs_params() -> Error {
    Error::internal(
        "a Firebase hash cannot be verified without the hash parameters of its project: give --firebase-params (Python: \
         firebase)",
    )
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'')
}

/// Base64 of either alphabet.
fn either_base64(text: &str) -> Result<Vec<u8>> {
    padded_base64(&text.replace('-', "+").replace('_', "/"))
}

/// The keystream of AES-256 in counter mode, from zero on.
pub fn keystream(key: &[u8; 32], output: &mut [u8]) {
    let cipher = Aes256::new(key.into());
    for (counter, part) in (0_u128..).zip(output.chunks_mut(BLOCK)) {
        let mut block = counter.to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        for (to, from) in part.iter_mut().zip(block) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{HashParams, Hasher, Verdict};

    /// From the README of firebase/scrypt.
    const CONSOLE: &str = "hash_config {
        algorithm: SCRYPT,
        base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
        base64_salt_separator: Bw==,
        rounds: 8,
        mem_cost: 14,
    }";
    const USER: &str = r#"{"passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==", "salt": "42xEC+ixf3L2lw=="}"#;

    fn verify(stored: &Password, password: &str) -> Verdict {
        let mut hasher = Hasher::new(HashParams::new(16, 1, 1).unwrap());
        hasher.verify(stored.expose(), &password.into()).unwrap()
    }

    #[test]
    fn the_published_hash_is_verified_and_the_signer_key_is_not_stored() {
        let params = FirebaseParams::parse(CONSOLE).unwrap();
        for user in [USER.to_owned(), USER.replace('/', "_").replace('+', "-")] {
            let stored = firebase_hash(&user, Some(&params)).unwrap();
            assert!(stored.expose().starts_with("$firebase-scrypt$ln=14,r=8$"));
            assert!(!stored.expose().contains("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH"));
            assert_eq!(verify(&stored, "user1password"), Verdict::RightButOutdated);
            assert_eq!(verify(&stored, "user1passwore"), Verdict::Wrong);
        }
        assert!(!format!("{params:?}").contains("jxsp"));
    }

    #[test]
    fn parameters_are_read_as_the_console_and_json_have_them() {
        let json = r#"{"base64_signer_key":"jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==","salt_separator":"Bw==","rounds":8,"mem_cost":14}"#;
        let params = FirebaseParams::parse(json).unwrap();
        let stored = firebase_hash(USER, Some(&params)).unwrap();
        assert_eq!(verify(&stored, "user1password"), Verdict::RightButOutdated);
        for (wrong, reason) in [
            ("", "base64_signer_key: needed"),
            (&CONSOLE.replace("jxspr8", "!!!!!!"), "base64_signer_key: not base64"),
            (&CONSOLE.replace("rounds: 8", "rounds: many"), "rounds: a number"),
            (&CONSOLE.replace("mem_cost", "memory"), "mem_cost: needed"),
            (&CONSOLE.replace("Bw==", "!"), "base64_salt_separator: not base64"),
            (&CONSOLE.replace("SCRYPT", "BCRYPT"), "algorithm: only SCRYPT is Firebase's own"),
        ] {
            assert_eq!(FirebaseParams::parse(wrong).unwrap_err(), reason);
        }
    }

    /// Made by Python's hashlib and cryptography.
    #[test]
    fn the_notation_of_supabase_says_the_parameters_itself() {
        let hash = "mbwkDbCOQSXHLM5binNt70vzxK4o2VXCAlV9M/fu/1Edt8rGzrKDS5fnrjNrsKR3hZU/jjaQxQPXxKxB3nfp3Q==";
        let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
        let text = format!("$fbscrypt$v=1,n=5,r=2,p=1,ss=Bw==,sk={key}$42xEC+ixf3L2lw==${hash}");
        let stored = fbscrypt_hash(&text, None).unwrap();
        assert_eq!(verify(&stored, "p\u{e4}ssw\u{f6}rd"), Verdict::RightButOutdated);
        for wrong in [
            text.replace("v=1", "v=2"),
            text.replace("r=2,", ""),
            text.replace("p=1", "p=2"),
            format!("{text}$"),
            text.replace("ss=Bw==", "ss=!"),
        ] {
            assert!(fbscrypt_hash(&wrong, None).unwrap_err().to_string().contains("malformed"), "{wrong}");
        }
        let without = fbscrypt_hash(&text.replace("sk=", "xx="), None).unwrap_err().to_string();
        assert!(without.contains("--firebase-params"), "{without}");
    }

    #[test]
    fn what_is_missing_is_said_and_nothing_is_quoted() {
        let said = |user: &str, params| firebase_hash(user, params).unwrap_err().to_string();
        assert!(said(USER, None).contains("--firebase-params"));
        let params = FirebaseParams::parse(CONSOLE).unwrap();
        for user in [
            USER.replace("lSrf", ""),
            USER.replace("lSrf", "!!!!"),
            r#"{"passwordHash": "hunter2"}"#.to_owned(),
            r#"{"passwordHash": 5511223344, "salt": "42xEC+ixf3L2lw=="}"#.to_owned(),
        ] {
            let said = said(&user, Some(&params));
            assert!(
                !said.contains("hunter2") && !said.contains("5511") && !said.contains("95/sZS"),
                "{said}"
            );
        }
    }
}
