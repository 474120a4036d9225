//! A software authenticator, and the browser around it: it answers as `toJSON()` writes it, and lies where it is told to.

use coset::cbor::into_writer;
use coset::cbor::value::Value as Cbor;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub const ORIGIN: &str = "http://localhost:17010";

pub const PRESENT: u8 = 0x01;
pub const VERIFIED: u8 = 0x04;
pub const ELIGIBLE: u8 = 0x08;
pub const BACKED_UP: u8 = 0x10;

/// Made for these tests alone.
const RSA_KEY: &str = "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCS7sjXzWpGLtXPdA8fplz275CdObStk4Yys3B00HC1ZSMX0cQcGQDaxMTn/w\
    80a98vTrD0nhG9SOJ+nI3mheMc9J8edsJ/+UaKxghcYjJ9ATc3mGA+DkW6Pulry/R3XOkrzsu1+roBYNXgksYLZyComekDgbfZhFnk5AzPCw+B\
    90bYXcIwY7xLjfSb8W87hvfXfSUENco8Lipf4A1YTwNpW6ljcTGTgI4zKEDMmFHuoCHqDhWJisn0GGyTkeiiBbWRZY6Ow20xlqiY6oxgJoEa7b\
    k4jrYoKIW2MeA/IDNxsz2WqDCvuAdBZHVnEi2x9c2XSrPI8liaP+RlrIhxzY1ZAgMBAAECggEADCbLXW2TmHJPJHUIuylbDuEJKLeZBbHpq0/D\
    wSVr7NSMbm/etCQtOeqEDlu9uiwhrRvo7pIUDX91m9r+sU3pVn+0mSRhOYw4FUoDbwCABG6RTnu/meI8Sgbh7xRTB3wbnI/hsQ8nSu3jQkthLZ\
    g9zzPLXYrg1ZBojtF9bbIQekME9LM1WDkB8Q5tUJfND7cq/b1q3cKvUv81iTi6eWc3yJq5fwQBXqwZ01/K+jcPzRDDaBAZBCMJpQY+nZMSKGFV\
    qVcKwt+rHsxK/Ii6oJDkQlKkMRz6nHqzn22XsM+Eh22Ezq+1r4S1HTKa26nFYA+9LoDHBCIBp1v8eZwBMghbMQKBgQDH9oKAAV4SmZV/0BnINR\
    K6+qk8jWsGH6z/NVyWIxMwDzfPJSECMa3vAwtKl4mxK/bq8JQzPj9ebZGpoNwV8bKKYywq3N/sR/moNHczlRxSjNbbV1mEqiCOdT1/ELLKp1YV\
    s5v2orIFGlR63cwT5rxcmSAgJffvOl6hxdd3jiyfgwKBgQC8G9mmiEZdFMNxoXgqKlcDw02M3zJv9UbDnLWL47mYytAOrwiP/N1eCCwnbFE5mU\
    I5xPody8OvKNKKFrdY2turJhEkgHaV9Mmxkc6jvLQuBn1WPVmreN41H0SHCvIp7TgdTBF/zW4UMyrN13YKNwz78HiIcl/4tTLiwvNZ6KgM8wKB\
    gQCl5Zp3YKsPe2RQ2fHJ7F5RykxF9H3qYrVANqFN3mO456dBsGgmTdkkBr6DcB3IY9VDLb2Glgo06WqD9PUjL5cUwRqPpRgSC9TQ/FY48WjCBB\
    7tcxbNveesyQ/wL4ZmI1aEQrMOeASBv0p/dSwvBqsXl+LTSSzdyOtiA6Wzhrz2yQKBgQC0RpyYlRGaM0P7qpvXDSzHVm0EDQPxeEeRQKZcoqpE\
    XFp5OBYkqFoevAZU4eIWKWLmqnhqBdZMD/t2i767UUQlCh5ztQnxPN/vZaV8FmU3ltCXzcQaKYQLtSOfqEXdGJMmwLgkm2Rbx43GKC/gKlIvQY\
    7CdZq0aDOUTvGZwPcNMQKBgQDC5U25+pbWVSnMELMfAKRbOQuGAD8Ti2pXL8IEw+CxhTJbHvJRaX4RxfmLWDeMTZb8aP2APa5Ykc/DN5LLYoL3\
    d9K7HJKZl2zd2VZCx4TOC91AWbx3BrUvD532sjYL+q6USxpmGHRU8W1hFl2QeqgaWlbMYyisuY9GptLp7IZTBw==";

enum Key {
    Ecdsa(EcdsaKeyPair, i64),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// An authenticator with one credential.
pub struct Authenticator {
    key: Key,
    pub id: Vec<u8>,
    /// None for one that does not count.
    pub counter: Option<u32>,
    pub flags: u8,
    pub origin: String,
    pub rp_id: String,
    pub cross_origin: bool,
    /// Whether it attests itself.
    pub attests: bool,
    /// What it says its algorithm is.
    pub algorithm: i64,
    /// What the browser says about whether the authenticator finds its credential by itself.
    pub discoverable: Option<bool>,
    user_handle: String,
}

fn ecdsa(kind: &'static EcdsaSigningAlgorithm, algorithm: i64) -> Key {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    Key::Ecdsa(EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap(), algorithm)
}

impl Authenticator {
    pub fn new(algorithm: i64) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            -7 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, -7),
            -35 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, -35),
            -8 => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Key::EdDsa(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            _ => Key::Rs256(RsaKeyPair::from_pkcs8(&BASE64.decode(RSA_KEY.as_bytes()).unwrap()).unwrap()),
        };
        let id: [u8; 32] = ring::rand::generate(&random).unwrap().expose();
        Self {
            key,
            id: id.to_vec(),
            counter: Some(0),
            flags: PRESENT | VERIFIED,
            origin: ORIGIN.to_owned(),
            rp_id: "localhost".to_owned(),
            cross_origin: false,
            attests: false,
            algorithm,
            discoverable: None,
            user_handle: String::new(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Ecdsa(key, _) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    fn cose(&self) -> Vec<u8> {
        let number = |number: i64| Cbor::Integer(number.into());
        let members = match &self.key {
            Key::Ecdsa(key, kind) => {
                let (length, curve) = if *kind == -7 { (32, 1) } else { (48, 2) };
                let point = key.public_key().as_ref();
                vec![
                    (1, number(2)),
                    (3, number(self.algorithm)),
                    (-1, number(curve)),
                    (-2, Cbor::Bytes(point[1..=length].to_vec())),
                    (-3, Cbor::Bytes(point[length + 1..].to_vec())),
                ]
            }
            Key::EdDsa(key) => vec![
                (1, number(1)),
                (3, number(self.algorithm)),
                (-1, number(6)),
                (-2, Cbor::Bytes(key.public_key().as_ref().to_vec())),
            ],
            Key::Rs256(key) => {
                let public = ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                vec![
                    (1, number(3)),
                    (3, number(self.algorithm)),
                    (-1, Cbor::Bytes(public.n)),
                    (-2, Cbor::Bytes(public.e)),
                ]
            }
        };
        cbor(&Cbor::Map(members.into_iter().map(|(label, value)| (number(label), value)).collect()))
    }

    fn data(&mut self, has_credential: bool) -> Vec<u8> {
        if let Some(counter) = &mut self.counter {
            *counter += 1;
        }
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(self.flags | if has_credential { 0x40 } else { 0 });
        data.extend(self.counter.unwrap_or(0).to_be_bytes());
        if has_credential {
            data.extend([7; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(self.cose());
        }
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
            "something_new": {"a": [1]},
        });
        data.to_string().into_bytes()
    }

    /// Makes a credential.
    pub fn register(&mut self, options: &Value) -> Value {
        self.user_handle = options["user"]["id"].as_str().unwrap().to_owned();
        let client_data = self.client_data("webauthn.create", options);
        let data = self.data(true);
        let statement = if self.attests {
            let signature = self.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
            let algorithm = Cbor::Integer(self.algorithm.into());
            vec![(text("alg"), algorithm), (text("sig"), Cbor::Bytes(signature))]
        } else {
            Vec::new()
        };
        let extensions = match self.discoverable {
            Some(rk) => json!({"credProps": {"rk": rk}}),
            None => json!({}),
        };
        let object = Cbor::Map(vec![
            (text("fmt"), text(if self.attests { "packed" } else { "none" })),
            (text("attStmt"), Cbor::Map(statement)),
            (text("authData"), Cbor::Bytes(data)),
        ]);
        json!({
            "id": BASE64URL_NOPAD.encode(&self.id),
            "rawId": BASE64URL_NOPAD.encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": extensions,
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(&client_data),
                "attestationObject": BASE64URL_NOPAD.encode(&cbor(&object)),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// Uses it.
    pub fn login(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(false);
        let signature = self.sign(&[&data[..], &Sha256::digest(&client_data)].concat());
        json!({
            "id": BASE64URL_NOPAD.encode(&self.id),
            "rawId": BASE64URL_NOPAD.encode(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(&client_data),
                "authenticatorData": BASE64URL_NOPAD.encode(&data),
                "signature": BASE64URL_NOPAD.encode(&signature),
                "userHandle": self.user_handle,
            },
        })
    }
}

fn text(text: &str) -> Cbor {
    Cbor::Text(text.to_owned())
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    into_writer(value, &mut bytes).unwrap();
    bytes
}
