//! Nothing that a stranger sends makes the parsers panic, take memory without bound, or accept what they should not.

use coset::cbor::into_writer;
use coset::cbor::value::Value;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;

use super::authenticator::AuthenticatorData;
use super::ceremony::{RelyingParty, verify_login, verify_registration};
use super::client_data::{ClientData, Kind};
use super::key::PublicKey;
use super::refusal::Refusal;
use super::response::{LoginResponse, MAX_RESPONSE, RegistrationResponse};

const PARTY: RelyingParty<'_> = RelyingParty {
    id: "localhost",
    has_origin: &|origin| origin == "http://localhost",
    asks_verification: false,
};

fn client_data(kind: &str) -> Vec<u8> {
    let challenge = BASE64URL_NOPAD.encode(&[3; 32]);
    format!("{{\"type\":\"{kind}\",\"challenge\":\"{challenge}\",\"origin\":\"http://localhost\"}}")
        .into_bytes()
}

fn registration(attestation_object: Vec<u8>) -> RegistrationResponse {
    RegistrationResponse {
        credential_id: vec![1; 16],
        client_data: ClientData::read(&client_data("webauthn.create")).unwrap(),
        attestation_object,
        transports: Vec::new(),
    }
}

fn login(authenticator_data: Vec<u8>, signature: Vec<u8>) -> LoginResponse {
    LoginResponse {
        credential_id: vec![1; 16],
        client_data: ClientData::read(&client_data("webauthn.get")).unwrap(),
        authenticator_data,
        signature,
        user_handle: None,
    }
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    into_writer(value, &mut bytes).unwrap();
    bytes
}

fn key() -> Value {
    let number = |number: i64| Value::Integer(number.into());
    Value::Map(vec![
        (number(1), number(2)),
        (number(3), number(-7)),
        (number(-1), number(1)),
        (number(-2), Value::Bytes(vec![1; 32])),
        (number(-3), Value::Bytes(vec![2; 32])),
    ])
}

fn authenticator_data() -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut data = Sha256::digest(b"localhost").to_vec();
    data.push(0x41);
    data.extend([0, 0, 0, 1]);
    data.extend([0; 16]);
    data.extend([0, 16]);
    data.extend([1; 16]);
    data.extend(cbor(&key()));
    data
}

fn object(data: Vec<u8>) -> Vec<u8> {
    let text = |text: &str| Value::Text(text.to_owned());
    cbor(&Value::Map(vec![
        (text("fmt"), text("none")),
        (text("attStmt"), Value::Map(Vec::new())),
        (text("authData"), Value::Bytes(data)),
    ]))
}

/// The vectors of the specification: level 3, section 16.2, a credential of ES256 without attestation.
mod vector {
    pub const CREDENTIAL_ID: &str = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
    pub const ATTESTATION_OBJECT: &str = "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5\
        e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94\
        ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56\
        b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
    pub const CREATE: &str = "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e6364\
        7134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e\
        6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d61\
        7920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c20737563\
        6820617320746869733a20426b5165446a646354427258426941774a544c453551227d";
    pub const AUTHENTICATOR_DATA: &str =
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
    pub const GET: &str = "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a555854\
        3049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267\
        222c2263726f73734f726967696e223a66616c73657d";
    pub const SIGNATURE: &str = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd\
        5d78c6e486013f937295ea13653e331e87";
}
#[test]
fn the_vectors_of_the_specification_are_accepted() {
    let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let own =
        RelyingParty { id: "example.org", has_origin: &|origin| origin == "https://example.org", ..PARTY };
    let made = RegistrationResponse {
        credential_id: bytes(vector::CREDENTIAL_ID),
        client_data: ClientData::read(&bytes(vector::CREATE)).unwrap(),
        attestation_object: bytes(vector::ATTESTATION_OBJECT),
        transports: Vec::new(),
    };
    let made = verify_registration(own, &made).unwrap();
    assert_eq!(made.aaguid[..4], [0x84, 0x46, 0xcc, 0xb9]);
    assert!(made.proof.is_backup_eligible && made.proof.is_backed_up && !made.proof.is_user_verified);
    let mut used = LoginResponse {
        credential_id: bytes(vector::CREDENTIAL_ID),
        client_data: ClientData::read(&bytes(vector::GET)).unwrap(),
        authenticator_data: bytes(vector::AUTHENTICATOR_DATA),
        signature: bytes(vector::SIGNATURE),
        user_handle: None,
    };
    assert_eq!(verify_login(own, &used, &made.public_key).unwrap().counter, 0);
    assert_eq!(
        verify_login(RelyingParty { has_origin: &|_| false, ..own }, &used, &made.public_key),
        Err(Refusal::Origin)
    );
    used.signature[20] ^= 1;
    assert_eq!(verify_login(own, &used, &made.public_key), Err(Refusal::Signature));
}

#[test]
fn what_is_right_is_accepted_and_no_prefix_of_it() {
    let whole = object(authenticator_data());
    let made = verify_registration(PARTY, &registration(whole.clone())).unwrap();
    assert_eq!((made.credential_id, made.proof.counter), (vec![1; 16], 1));
    for length in 0..whole.len() {
        assert!(verify_registration(PARTY, &registration(whole[..length].to_vec())).is_err(), "{length}");
    }
    let mut longer = whole;
    longer.push(0);
    assert_eq!(verify_registration(PARTY, &registration(longer)), Err(Refusal::Attestation));
    let mut longer = authenticator_data();
    longer.push(0);
    assert_eq!(verify_registration(PARTY, &registration(object(longer))), Err(Refusal::AuthenticatorData));
}

#[test]
fn lengths_that_lie_and_nesting_cost_nothing() {
    // An array, a map, bytes and text that say they are as long as can be, and 60,000 arrays in each other.
    for head in [0x9b, 0xbb, 0x5b, 0x7b] {
        let mut bytes = vec![head];
        bytes.extend([0xff; 8]);
        assert_eq!(verify_registration(PARTY, &registration(bytes)), Err(Refusal::Attestation), "{head}");
    }
    for nested in [0x81, 0xa1, 0xc1, 0x9f, 0xbf, 0x5f] {
        let bytes = vec![nested; 60_000];
        assert_eq!(verify_registration(PARTY, &registration(bytes)), Err(Refusal::Attestation), "{nested}");
    }
}

#[test]
fn an_attestation_object_has_each_member_once_and_no_other() {
    let text = |text: &str| Value::Text(text.to_owned());
    let member = |name: &str, value| (text(name), value);
    let data = || member("authData", Value::Bytes(authenticator_data()));
    let (format, statement) = (member("fmt", text("none")), member("attStmt", Value::Map(Vec::new())));
    let sets = [
        vec![format.clone(), data()],
        vec![format.clone(), statement.clone(), data(), data()],
        vec![format.clone(), statement.clone(), data(), member("more", Value::Null)],
        vec![format.clone(), member("attStmt", Value::Null), data()],
        vec![format, member("attStmt", Value::Map(vec![member("sig", Value::Null)])), data()],
    ];
    for (index, members) in sets.into_iter().enumerate() {
        let outcome = verify_registration(PARTY, &registration(cbor(&Value::Map(members))));
        assert_eq!(outcome, Err(Refusal::Attestation), "{index}");
    }
    // What was not asked for is not looked at.
    let other = vec![member("fmt", text("tpm")), statement, data()];
    assert!(verify_registration(PARTY, &registration(cbor(&Value::Map(other)))).is_ok());
}

#[test]
fn client_data_are_those_of_one_ceremony() {
    assert_eq!(ClientData::read(&client_data("webauthn.get")).unwrap().kind, Kind::Get);
    assert_eq!(ClientData::read(&client_data("payment.get")), Err(Refusal::Kind));
    let long = client_data("webauthn.get").into_iter().chain(vec![b' '; 9_000]).collect::<Vec<u8>>();
    assert_eq!(ClientData::read(&long), Err(Refusal::ClientData));
    for json in [
        "{}",
        "[]",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AAAA\",\"origin\":\"http://localhost\"}",
        "{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"AAAA\",\"origin\":\"\"}",
        "\u{feff}{}",
    ] {
        assert_eq!(ClientData::read(json.as_bytes()), Err(Refusal::ClientData), "{json}");
    }
    let top = client_data("webauthn.get");
    let top = String::from_utf8(top).unwrap().replace('}', ",\"topOrigin\":\"http://evil.test\"}");
    assert!(ClientData::read(top.as_bytes()).unwrap().is_cross_origin);
}

#[test]
fn a_response_is_a_credential_of_bounded_size() {
    let response = |id: &str| {
        let client_data = BASE64URL_NOPAD.encode(&client_data("webauthn.get"));
        format!(
            "{{\"id\":\"{id}\",\"type\":\"public-key\",\"response\":{{\"clientDataJSON\":\"{client_data}==\",\
             \"authenticatorData\":\"AAAA\",\"signature\":\"AAAA\",\"userHandle\":null}}}}"
        )
    };
    assert_eq!(LoginResponse::read(&response("AAAA")).unwrap().credential_id, [0, 0, 0]);
    for id in ["", "A+/=", "A", &"A".repeat(1_400)] {
        assert!(LoginResponse::read(&response(id)).is_err(), "{id}");
    }
    let padded = format!("{}{}", response("AAAA"), " ".repeat(MAX_RESPONSE));
    assert_eq!(LoginResponse::read(&padded).unwrap_err(), Refusal::NotACredential);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(AuthenticatorData::read(&bytes));
        drop(PublicKey::read(&bytes));
        drop(ClientData::read(&bytes));
        prop_assert!(verify_registration(PARTY, &registration(bytes.clone())).is_err());
        prop_assert!(verify_registration(PARTY, &registration(object(bytes.clone()))).is_err());
        let key = cbor(&key());
        prop_assert!(verify_login(PARTY, &login(bytes.clone(), bytes.clone()), &key).is_err());
        prop_assert!(verify_login(PARTY, &login(authenticator_data(), bytes.clone()), &key).is_err());
        prop_assert!(verify_login(PARTY, &login(authenticator_data(), Vec::new()), &bytes).is_err());
    }

    #[test]
    fn changed_bytes_never_panic(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = object(authenticator_data());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        drop(verify_registration(PARTY, &registration(bytes)));
    }

    #[test]
    fn random_text_never_panics(text in ".{0,300}") {
        prop_assert!(RegistrationResponse::read(&text).is_err());
        prop_assert!(LoginResponse::read(&text).is_err());
    }
}
