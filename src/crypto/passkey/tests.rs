//! Nothing that a stranger sends makes the parsers panic, take memory without bound, or accept what they should not.

use coset::cbor::into_writer;
use coset::cbor::value::Value;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;

use super::authenticator::AuthenticatorData;
use super::ceremony::{Proof, RelyingParty, verify_login, verify_registration};
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
        is_discoverable: None,
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

/// One vector of the specification (level 3, section 16), in hexadecimal.
#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    credential_id: String,
    attestation_object: String,
    create: String,
    authenticator_data: String,
    get: String,
    signature: String,
}

#[test]
fn the_vectors_of_the_specification_are_accepted() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../tests/data/webauthn-vectors.json")).unwrap();
    let bytes = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let own =
        RelyingParty { id: "example.org", has_origin: &|origin| origin == "https://example.org", ..PARTY };
    // Backup eligible, backed up, user verified: at the registration and at the login.
    let expected = [
        ("none.ES256", [true, true, false], [true, true, false]),
        ("packed-self.ES256", [true, true, true], [true, false, false]),
        ("packed.ES256", [true, false, true], [true, false, true]),
    ];
    assert_eq!(vectors.len(), expected.len());
    for (vector, (name, at_registration, at_login)) in vectors.iter().zip(expected) {
        assert_eq!(vector.name, name);
        let flags = |proof: Proof| [proof.is_backup_eligible, proof.is_backed_up, proof.is_user_verified];
        let mut made = RegistrationResponse {
            credential_id: bytes(&vector.credential_id),
            client_data: ClientData::read(&bytes(&vector.create)).unwrap(),
            attestation_object: bytes(&vector.attestation_object),
            transports: Vec::new(),
            is_discoverable: None,
        };
        let new = verify_registration(own, &made).unwrap();
        assert_eq!(flags(new.proof), at_registration, "{name}");
        let mut used = LoginResponse {
            credential_id: bytes(&vector.credential_id),
            client_data: ClientData::read(&bytes(&vector.get)).unwrap(),
            authenticator_data: bytes(&vector.authenticator_data),
            signature: bytes(&vector.signature),
            user_handle: None,
        };
        let proof = verify_login(own, &used, &new.public_key).unwrap();
        assert_eq!((flags(proof), proof.counter), (at_login, 0), "{name}");
        let elsewhere = RelyingParty { has_origin: &|_| false, ..own };
        assert_eq!(verify_login(elsewhere, &used, &new.public_key), Err(Refusal::Origin));
        used.signature[20] ^= 1;
        assert_eq!(verify_login(own, &used, &new.public_key), Err(Refusal::Signature));
        // Its own statement is verified: it signs the client data.
        made.client_data = ClientData::read(&bytes(&vectors[0].create)).unwrap();
        let is_own = name == "packed-self.ES256";
        let outcome = verify_registration(own, &made).err();
        assert_eq!(outcome, is_own.then_some(Refusal::SelfAttestation), "{name}");
    }
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
        "{\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"http://localhost\"}",
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
