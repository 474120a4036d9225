//! Passwords as Keycloak exports them: a JSON object with two more in it, which becomes one line of text.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64_NOPAD};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::crypto::password::unknown::is_known_name;
use crate::domain::{Error, Password, Result};

/// One member of `credentials` of a user. What else there is of it (an id, a label, a time) says nothing about the hash.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(rename = "type")]
    kind: Option<String>,
    secret_data: Value,
    credential_data: Value,
}

#[derive(Deserialize)]
struct SecretData {
    value: String,
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialData {
    hash_iterations: u32,
    algorithm: String,
    #[serde(default)]
    additional_parameters: Option<AdditionalParameters>,
}

/// Each is a list of one text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AdditionalParameters {
    memory: Vec<String>,
    parallelism: Vec<String>,
    #[serde(rename = "type")]
    kind: Vec<String>,
    version: Vec<String>,
}

/// The hash of a credential, in the form in which hashes are stored.
///
/// # Errors
/// [`Error::Internal`] for what is no such credential, or of an algorithm that Keycloak does not come with. Nothing of it
/// is quoted.
pub fn keycloak_hash(credential: &str) -> Result<Password> {
    let credential: Credential = serde_json::from_str(credential).map_err(|_| malformed())?;
    if credential.kind.is_some_and(|kind| kind != "password") {
        return Err(Error::internal("a Keycloak credential is not of the type `password`"));
    }
    let secret: SecretData = inner(credential.secret_data)?;
    let data: CredentialData = inner(credential.credential_data)?;
    let (salt, hash) = (unpadded(&secret.salt)?, unpadded(&secret.value)?);
    let rounds = data.hash_iterations;
    let mut text = Zeroizing::new(String::with_capacity(256));
    let written = match data.algorithm.as_str() {
        "pbkdf2" => write!(text, "$pbkdf2-sha1${rounds}"),
        algorithm @ ("pbkdf2-sha256" | "pbkdf2-sha512") => write!(text, "${algorithm}${rounds}"),
        "argon2" => {
            let more = data.additional_parameters.unwrap_or_default();
            let (kind, version) = (only(&more.kind)?, only(&more.version)?);
            let version = match version {
                "1.3" => 19,
                "1.0" => 16,
                _ => return Err(malformed()),
            };
            let (memory, lanes) = (only(&more.memory)?, only(&more.parallelism)?);
            write!(text, "$argon2{kind}$v={version}$m={memory},t={rounds},p={lanes}")
        }
        other if is_known_name(other) => {
            let reason = format!("a Keycloak credential is of an unknown algorithm: {other}");
            return Err(Error::internal(reason));
        }
        _ => return Err(Error::internal("a Keycloak credential is of an unknown algorithm")),
    };
    written.and_then(|()| write!(text, "${}${}", &*salt, &*hash)).map_err(Error::internal)?;
    Ok(Password::from(text.as_str()))
}

/// An object that may be written as text.
fn inner<T: for<'a> Deserialize<'a>>(value: Value) -> Result<T> {
    let object = match value {
        Value::String(text) => serde_json::from_str(&Zeroizing::new(text)),
        other => serde_json::from_value(other),
    };
    object.map_err(|_| malformed())
}

fn unpadded(text: &str) -> Result<Zeroizing<String>> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| malformed())?;
    Ok(Zeroizing::new(BASE64_NOPAD.encode(&Zeroizing::new(bytes))))
}

fn only(list: &[String]) -> Result<&str> {
    match list {
        [one] => Ok(one),
        _ => Err(malformed()),
    }
}

/// Without the parser's own words: they may quote the hash.
fn malformed() -> Error {
    Error::internal("a Keycloak credential is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{HashParams, Hasher, Verdict, recognise_hash};
    use serde_json::json;

    /// The PBKDF2 vectors of RFC 7914, section 11, and of RFC 6070; the Argon2 one is that of Django's test suite.
    #[test]
    fn credentials_become_hashes_that_are_verified() {
        let hex = |text: &str| BASE64.encode(&data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap());
        let cases = [
            (
                "pbkdf2-sha256",
                hex(
                    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
                ),
                "passwd",
                "salt",
                1,
            ),
            ("pbkdf2", hex("4b007901b765489abead49d926f721d065a429c1"), "password", "salt", 4096),
        ];
        for (algorithm, value, password, salt, rounds) in cases {
            let secret =
                json!({"value": value, "salt": BASE64.encode(salt.as_bytes()), "additionalParameters": {}});
            let data = json!({"hashIterations": rounds, "algorithm": algorithm, "additionalParameters": {}});
            let as_objects = json!({"type": "password", "secretData": secret, "credentialData": data});
            let as_text = json!({"secretData": secret.to_string(), "credentialData": data.to_string()});
            for credential in [as_objects, as_text] {
                let stored = keycloak_hash(&credential.to_string()).unwrap();
                let mut hasher = Hasher::new(HashParams::new(16, 1, 1).unwrap());
                let verdict = hasher.verify(stored.expose(), &password.into()).unwrap();
                assert_eq!(verdict, Verdict::RightButOutdated, "{algorithm}");
            }
        }
    }

    #[test]
    fn argon2_as_newer_ones_have_it() {
        let credential = json!({
            "type": "password",
            "secretData": r#"{"value":"AJFIsNZTMKTAewB4+ETN1A==","salt":"c29tZXNhbHQ=","additionalParameters":{}}"#,
            "credentialData": {"hashIterations": 1, "algorithm": "argon2", "additionalParameters": {
                "hashLength": ["16"], "memory": ["256"], "type": ["i"], "version": ["1.3"], "parallelism": ["1"],
            }},
        });
        let stored = keycloak_hash(&credential.to_string()).unwrap();
        assert_eq!(stored.expose(), "$argon2i$v=19$m=256,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A");
        assert_eq!(recognise_hash(stored.expose()).unwrap(), "argon2i");
    }

    #[test]
    fn anything_else_is_refused_and_not_quoted() {
        let secret = json!({"value": "c2VjcmV0c2VjcmV0c2VjcmV0", "salt": "c2FsdA=="});
        let data = json!({"hashIterations": 1, "algorithm": "pbkdf2-sha256"});
        let otp = json!({"type": "otp", "secretData": secret, "credentialData": data});
        let unknown =
            json!({"secretData": secret, "credentialData": {"hashIterations": 1, "algorithm": "hunter2"}});
        let bcrypt =
            json!({"secretData": secret, "credentialData": {"hashIterations": 1, "algorithm": "bcrypt"}});
        let said = keycloak_hash(&bcrypt.to_string()).unwrap_err().to_string();
        assert!(said.ends_with("of an unknown algorithm: bcrypt"), "{said}");
        let unsalted = json!({"secretData": {"value": "hunter2"}, "credentialData": data});
        let bare =
            json!({"secretData": secret, "credentialData": {"hashIterations": 1, "algorithm": "argon2"}});
        for credential in [otp, unknown, unsalted, bare, json!({}), json!("hunter2")] {
            let error = keycloak_hash(&credential.to_string()).unwrap_err().to_string();
            assert!(error.contains("a Keycloak credential is") && !error.contains("hunter2"), "{error}");
        }
    }
}
