//! What a browser answers: JSON, client data, CBOR, keys and authenticator data. What the authenticator has signed is accepted as it is
//! and in no other form.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use zato_sso::crypto::passkey::ceremony::{RelyingParty, verify_login, verify_registration};
use zato_sso::crypto::passkey::client_data::ClientData;
use zato_sso::crypto::passkey::key::is_public_key;
use zato_sso::crypto::passkey::response::{LoginResponse, RegistrationResponse};

use super::{run, text};
use crate::authenticator::{Authenticator, ELIGIBLE, ORIGIN, PRESENT};

const WORDS: [&str; 14] = [
    "fmt",
    "attStmt",
    "authData",
    "none",
    "packed",
    "x5c",
    "sig",
    "alg",
    "webauthn.create",
    "webauthn.get",
    "credProps",
    "challenge",
    "origin",
    "crossOrigin",
];

const PARTY: RelyingParty<'_> =
    RelyingParty { id: "localhost", has_origin: &|origin| origin == ORIGIN, asks_verification: false };

const OF_THE_SPECIFICATION: RelyingParty<'_> = RelyingParty {
    id: "example.org",
    has_origin: &|origin| origin == "https://example.org",
    asks_verification: false,
};

/// Authenticators of each kind, with an answer to a registration and one to a login.
fn answers() -> Vec<(Authenticator, Value, Value)> {
    let options = json!({"user": {"id": "enVzcjE"}, "challenge": BASE64URL_NOPAD.encode(&[3; 32])});
    let answer = |(index, algorithm): (usize, i64)| {
        let mut key = Authenticator::new(algorithm);
        key.attests = index % 2 == 0;
        key.flags = if index % 2 == 0 { key.flags } else { PRESENT | ELIGIBLE };
        key.discoverable = [None, Some(true), Some(false)][index % 3];
        let (made, used) = (key.register(&options), key.login(&options));
        (key, made, used)
    };
    [-7, -8, -35, -257].into_iter().enumerate().map(answer).collect()
}

fn part(answer: &Value, name: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(answer["response"][name].as_str().unwrap().as_bytes()).unwrap()
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/webauthn-vectors.json")).unwrap()
}

fn hex(vector: &Value, name: &str) -> Vec<u8> {
    HEXLOWER.decode(vector[name].as_str().unwrap().as_bytes()).unwrap()
}

#[test]
fn registration_responses() {
    let seeds = answers().into_iter().map(|(_, made, _)| made.to_string().into_bytes()).collect();
    run("registration_responses", seeds, &WORDS, |input| {
        let read = RegistrationResponse::read(&text(input));
        read.map(|response| verify_registration(PARTY, &response).map(drop))
    });
}

#[test]
fn login_responses() {
    let answers = answers();
    let keys: Vec<Vec<u8>> = answers
        .iter()
        .map(|(_, made, _)| {
            let response = RegistrationResponse::read(&made.to_string()).unwrap();
            verify_registration(PARTY, &response).unwrap().public_key
        })
        .collect();
    let seeds = answers.into_iter().map(|(_, _, used)| used.to_string().into_bytes()).collect();
    run("login_responses", seeds, &WORDS, |input| {
        let response = LoginResponse::read(&text(input))?;
        keys.iter()
            .map(|key| verify_login(PARTY, &response, key).map(drop))
            .max_by_key(Result::is_ok)
            .unwrap()
    });
}

#[test]
fn attestation_objects() {
    let mut seeds: Vec<Vec<u8>> =
        answers().iter().map(|(_, made, _)| part(made, "attestationObject")).collect();
    seeds.extend(vectors().iter().map(|vector| hex(vector, "attestation_object")));
    let vector = &vectors()[1];
    let (id, client_data) = (hex(vector, "credential_id"), ClientData::read(&hex(vector, "create")).unwrap());
    let right = hex(vector, "attestation_object");
    run("attestation_objects", seeds, &WORDS, |input| {
        let response = RegistrationResponse {
            credential_id: id.clone(),
            client_data: client_data.clone(),
            attestation_object: input.to_vec(),
            transports: Vec::new(),
            is_discoverable: None,
        };
        let made = verify_registration(OF_THE_SPECIFICATION, &response);
        // A key that was changed is not the one that has signed.
        if let Ok(made) = &made {
            let is_self = input.windows(6).any(|part| part == b"packed")
                && !input.windows(3).any(|part| part == b"x5c");
            let holds = |part: &[u8]| right.windows(part.len()).any(|known| known == part);
            assert!(!is_self || holds(&made.public_key), "{}", HEXLOWER.encode(input));
        }
        made.map(drop)
    });
}

#[test]
fn what_is_signed_is_accepted_in_no_other_form() {
    let answers = answers();
    let mut cases = Vec::new();
    for (_, made, used) in &answers {
        let response = RegistrationResponse::read(&made.to_string()).unwrap();
        let key = verify_registration(PARTY, &response).unwrap().public_key;
        cases.push((key, LoginResponse::read(&used.to_string()).unwrap(), part(used, "clientDataJSON")));
    }
    // An input is the number of a case, the length of the authenticator data, these, and client data.
    let mut seeds = Vec::new();
    for (index, (_, used, client_data)) in cases.iter().enumerate() {
        let length = u8::try_from(used.authenticator_data.len()).unwrap();
        let head = [u8::try_from(index).unwrap(), length];
        seeds.push([&head[..], &used.authenticator_data, client_data].concat());
    }
    run("what_is_signed", seeds, &WORDS, |input| {
        let [index, length, rest @ ..] = input else { return None };
        let (key, used, right) = &cases[usize::from(*index) % cases.len()];
        let (data, client_data) = rest.split_at_checked(usize::from(*length))?;
        let response = LoginResponse {
            client_data: ClientData::read(client_data).ok()?,
            authenticator_data: data.to_vec(),
            ..used.clone()
        };
        let outcome = verify_login(PARTY, &response, key);
        let is_right = data == used.authenticator_data && client_data == right;
        assert_eq!(outcome.is_ok(), is_right, "{}", HEXLOWER.encode(input));
        Some(outcome.map(drop))
    });
}

#[test]
fn client_data() {
    let mut seeds: Vec<Vec<u8>> = answers().iter().map(|(_, made, _)| part(made, "clientDataJSON")).collect();
    seeds.extend(vectors().iter().flat_map(|vector| [hex(vector, "create"), hex(vector, "get")]));
    run("client_data", seeds, &WORDS, |input| {
        ClientData::read(input).map(|data| (data.kind, data.is_cross_origin))
    });
}

#[test]
fn public_keys() {
    let key = |(_, made, _): (Authenticator, Value, Value)| {
        let response = RegistrationResponse::read(&made.to_string()).unwrap();
        verify_registration(PARTY, &response).unwrap().public_key
    };
    run("public_keys", answers().into_iter().map(key).collect(), &[], is_public_key);
}
