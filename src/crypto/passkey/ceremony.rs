//! The two ceremonies: what must hold of a new credential (section 7.1), and of a login (section 7.2).
//!
//! Attestation is not asked for. A statement in any format but `none` and the credential's own proves nothing that would be
//! relied on, and is not looked at.

use coset::cbor::value::Value;
use sha2::{Digest as _, Sha256};

use crate::crypto::passkey::authenticator::{AuthenticatorData, cbor};
use crate::crypto::passkey::client_data::{ClientData, Kind};
use crate::crypto::passkey::key::PublicKey;
use crate::crypto::passkey::refusal::Refusal;
use crate::crypto::passkey::response::{LoginResponse, RegistrationResponse};

/// Whom credentials are for.
#[derive(Clone, Copy)]
pub struct RelyingParty<'a> {
    /// The RP ID: a domain.
    pub id: &'a str,
    /// Whether a web site with this origin belongs to it.
    pub has_origin: &'a dyn Fn(&str) -> bool,
    /// Whether the authenticator must have verified its owner.
    pub asks_verification: bool,
}

/// A new credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as `Proof` has them")]
pub struct NewCredential {
    pub credential_id: Vec<u8>,
    /// A COSE key.
    pub public_key: Vec<u8>,
    /// The model of the authenticator; zeros where it does not tell.
    pub aaguid: [u8; 16],
    pub proof: Proof,
}

/// What an authenticator says of itself and its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How many signatures there were; 0 for who does not count.
    pub counter: u32,
    /// Whether its owner was there, and not just somebody.
    pub is_user_verified: bool,
    /// Whether the credential may be on several devices.
    pub is_backup_eligible: bool,
    /// Whether it is.
    pub is_backed_up: bool,
}

/// Verifies a new credential. That the challenge is one that was given is for the caller to know.
///
/// # Errors
/// Why it is not accepted.
pub fn verify_registration(
    party: RelyingParty<'_>,
    response: &RegistrationResponse,
) -> Result<NewCredential, Refusal> {
    check_client_data(party, &response.client_data, Kind::Create)?;
    let Attestation { format, statement, data: bytes } = Attestation::read(&response.attestation_object)?;
    let data = AuthenticatorData::read(&bytes)?;
    let proof = check_authenticator(party, &data)?;
    let credential = data.credential.ok_or(Refusal::AuthenticatorData)?;
    if credential.id != response.credential_id {
        return Err(Refusal::CredentialId);
    }
    let key = PublicKey::read(credential.key)?;
    check_statement(&format, &statement, &key, &[&bytes, &response.client_data.hash()[..]].concat())?;
    Ok(NewCredential {
        credential_id: credential.id.to_vec(),
        public_key: credential.key.to_vec(),
        aaguid: credential.aaguid,
        proof,
    })
}

/// Verifies a login by the key of its credential. That the challenge is one that was given, and whose the credential is, is for
/// the caller to know.
///
/// # Errors
/// Why it is not accepted.
pub fn verify_login(
    party: RelyingParty<'_>,
    response: &LoginResponse,
    public_key: &[u8],
) -> Result<Proof, Refusal> {
    check_client_data(party, &response.client_data, Kind::Get)?;
    let data = AuthenticatorData::read(&response.authenticator_data)?;
    let proof = check_authenticator(party, &data)?;
    let signed = [&response.authenticator_data, &response.client_data.hash()[..]].concat();
    PublicKey::read(public_key)?.verify(&signed, &response.signature)?;
    Ok(proof)
}

fn check_client_data(party: RelyingParty<'_>, client_data: &ClientData, kind: Kind) -> Result<(), Refusal> {
    if client_data.kind != kind {
        return Err(Refusal::Kind);
    }
    if !(party.has_origin)(&client_data.origin) {
        return Err(Refusal::Origin);
    }
    if client_data.is_cross_origin { Err(Refusal::CrossOrigin) } else { Ok(()) }
}

fn check_authenticator(party: RelyingParty<'_>, data: &AuthenticatorData<'_>) -> Result<Proof, Refusal> {
    if data.rp_id_hash != Sha256::digest(party.id.as_bytes()).as_slice() {
        return Err(Refusal::RpId);
    }
    if !data.is_user_present() {
        return Err(Refusal::UserNotPresent);
    }
    if party.asks_verification && !data.is_user_verified() {
        return Err(Refusal::UserNotVerified);
    }
    Ok(Proof {
        counter: data.counter,
        is_user_verified: data.is_user_verified(),
        is_backup_eligible: data.is_backup_eligible(),
        is_backed_up: data.is_backed_up(),
    })
}

/// An attestation object (section 6.5.4).
struct Attestation {
    format: String,
    statement: Vec<(Value, Value)>,
    data: Vec<u8>,
}

impl Attestation {
    fn read(mut bytes: &[u8]) -> Result<Self, Refusal> {
        let value = cbor(&mut bytes).map_err(|()| Refusal::Attestation)?;
        let members = value.into_map().map_err(|_| Refusal::Attestation)?;
        if !bytes.is_empty() {
            return Err(Refusal::Attestation);
        }
        let (mut format, mut statement, mut data) = (None, None, None);
        for (name, value) in members {
            let is_first = match (name.as_text(), value) {
                (Some("fmt"), Value::Text(text)) => format.replace(text).is_none(),
                (Some("attStmt"), Value::Map(map)) => statement.replace(map).is_none(),
                (Some("authData"), Value::Bytes(bytes)) => data.replace(bytes).is_none(),
                _ => false,
            };
            if !is_first {
                return Err(Refusal::Attestation);
            }
        }
        match (format, statement, data) {
            (Some(format), Some(statement), Some(data)) => Ok(Self { format, statement, data }),
            _ => Err(Refusal::Attestation),
        }
    }
}

fn check_statement(
    format: &str,
    statement: &[(Value, Value)],
    key: &PublicKey,
    signed: &[u8],
) -> Result<(), Refusal> {
    let member = |name: &str| {
        let mut found = statement.iter().filter(|(given, _)| given.as_text() == Some(name));
        found.next().map(|(_, value)| value)
    };
    match format {
        "none" if statement.is_empty() => Ok(()),
        "none" => Err(Refusal::Attestation),
        // The credential attests itself (section 8.2).
        "packed" if member("x5c").is_none() => {
            let algorithm = member("alg").and_then(Value::as_integer).map(i128::from);
            let signature = member("sig").and_then(Value::as_bytes);
            match signature {
                Some(signature) if algorithm == Some(i128::from(key.algorithm())) => {
                    key.verify(signed, signature).map_err(|_| Refusal::SelfAttestation)
                }
                _ => Err(Refusal::SelfAttestation),
            }
        }
        _ => Ok(()),
    }
}
