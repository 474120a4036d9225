//! Proofs of possession (RFC 9449): tokens that are of no use without a key.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use zato_sso::crypto::jose::signing_key::{SigningKey, generate};
use zato_sso::domain::{Edit, SigningAlg, SystemRandom};

use crate::openid::{
    CALLBACK, ISSUER, Provider, Registered, VERIFIER, answer_of, authorize, error_of, refusal,
};
use crate::page::encoded;
use crate::rest::Answer;
use crate::support::Kind;

on_both_databases! {
    tokens_are_bound_to_the_key_of_the_proof;
    a_proof_is_for_one_request_of_its_maker;
    a_code_is_bound_before_there_are_tokens;
    a_server_may_want_its_nonce;
}

const TOKEN: &str = "https://sso.example/oauth2/token";
const USERINFO: &str = "https://sso.example/oauth2/userinfo";

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

/// A key of a client, and the proofs that it makes.
struct Prover {
    key: SigningKey,
    now: i64,
    count: std::cell::Cell<u32>,
}

impl Prover {
    fn new(provider: &Provider) -> Self {
        let pkcs8 = generate(SigningAlg::Es256, &SystemRandom).unwrap();
        let now = provider.browser.server.world.sso.now().as_micros() / 1_000_000;
        let key = SigningKey::from_pkcs8(SigningAlg::Es256, &pkcs8).unwrap();
        Self { key, now, count: 0.into() }
    }

    fn claims(&self, method: &str, uri: &str, access_token: Option<&str>) -> Value {
        self.count.set(self.count.get() + 1);
        let mut claims =
            json!({"htm": method, "htu": uri, "iat": self.now, "jti": format!("j{}", self.count.get())});
        if let Some(access_token) = access_token {
            claims["ath"] = BASE64URL_NOPAD.encode(&Sha256::digest(access_token.as_bytes())).into();
        }
        claims
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.public().to_jwk("k")})
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("DPoP: {signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    fn proof(&self, method: &str, uri: &str, access_token: Option<&str>) -> String {
        self.signed(&self.header(), &self.claims(method, uri, access_token))
    }
}

fn token(provider: &Provider, client: &Registered, proof: &[&str], fields: &[(&str, &str)]) -> Answer {
    let header = client.header();
    match client.secret {
        Some(_) => provider.post("token", &[&[header.as_str()], proof].concat(), fields),
        None => {
            provider.post("token", proof, &[&[("client_id", client.client_id.as_str())], fields].concat())
        }
    }
}

fn redeem(provider: &Provider, client: &Registered, proof: &[&str], code: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(provider, client, proof, &fields)
}

fn refresh(provider: &Provider, client: &Registered, proof: &[&str], refresh_token: &str) -> Answer {
    token(provider, client, proof, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
}

fn userinfo(provider: &Provider, access_token: &str, proof: &[&str]) -> Answer {
    let header = format!("Authorization: DPoP {access_token}");
    provider.browser.server.ask("GET root:/oauth2/userinfo", &[&[header.as_str()], proof].concat(), "")
}

async fn tokens_are_bound_to_the_key_of_the_proof(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    for (kind_of, format) in [("spa", "jwt"), ("spa", "opaque"), ("web", "jwt")] {
        let client = provider
            .client(kind_of, |new| {
                new.access_token_format = Edit::Set(format.to_owned());
                new.is_trusted = Edit::Set(true);
            })
            .await;
        let (owner, thief) = (Prover::new(&provider), Prover::new(&provider));
        let thumbprint = owner.key.public().thumbprint();
        let code = provider.code(&client, &[]);
        let tokens = redeem(&provider, &client, &[&owner.proof("POST", TOKEN, None)], &code);
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let tokens = tokens.json();
        assert_eq!(tokens["token_type"], "DPoP");
        let access = text(&tokens, "access_token");
        if format == "jwt" {
            assert_eq!(provider.verified(access)["cnf"], json!({"jkt": thumbprint}));
        }
        if kind_of == "web" {
            let told = provider.introspect(&client, access);
            assert_eq!((&told["cnf"], &told["token_type"]), (&json!({"jkt": thumbprint}), &json!("DPoP")));
        }
        let good = owner.proof("GET", USERINFO, Some(access));
        assert_eq!(userinfo(&provider, access, &[&good]).status, 200);
        // Again, without one, of another key, for another token, by another method, and as a bearer's.
        for (proof, error) in [
            (vec![good], "invalid_dpop_proof"),
            (vec![], "invalid_dpop_proof"),
            (vec![thief.proof("GET", USERINFO, Some(access))], "invalid_token"),
            (vec![owner.proof("GET", USERINFO, Some("another"))], "invalid_dpop_proof"),
            (vec![owner.proof("GET", USERINFO, None)], "invalid_dpop_proof"),
            (vec![owner.proof("POST", USERINFO, Some(access))], "invalid_dpop_proof"),
            (vec![owner.proof("GET", TOKEN, Some(access))], "invalid_dpop_proof"),
        ] {
            let proof: Vec<&str> = proof.iter().map(String::as_str).collect();
            let answer = userinfo(&provider, access, &proof);
            assert_eq!((answer.status, refusal(&answer)), (401, error.to_owned()), "{}", answer.body);
            assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "));
        }
        assert_eq!(refusal(&provider.userinfo(access)), "invalid_token");

        let token = text(&tokens, "refresh_token");
        let bare = refresh(&provider, &client, &[], token);
        let by_thief = refresh(&provider, &client, &[&thief.proof("POST", TOKEN, None)], token);
        if kind_of == "spa" {
            assert_eq!(refusal(&bare), "invalid_dpop_proof");
            assert_eq!(refusal(&by_thief), "invalid_grant");
            let again = refresh(&provider, &client, &[&owner.proof("POST", TOKEN, None)], token);
            assert_eq!(again.status, 200, "who has no key has ended nothing: {}", again.body);
        } else {
            // It proves who it is by its secret, and may change its key.
            assert_eq!(bare.json()["token_type"], "Bearer");
            assert_eq!(by_thief.json()["token_type"], "DPoP");
        }
    }
    // One that is bound to nothing is not shown as if it were.
    let client = provider.web(|_| {}).await;
    let tokens = provider.tokens(&client, &[]);
    let access = text(&tokens, "access_token");
    let prover = Prover::new(&provider);
    let answer = userinfo(&provider, access, &[&prover.proof("GET", USERINFO, Some(access))]);
    assert_eq!(refusal(&answer), "invalid_token");
}

async fn a_proof_is_for_one_request_of_its_maker(kind: Kind) {
    let provider = Provider::new(kind).await;
    let client = provider.client("service", |_| {}).await;
    let prover = Prover::new(&provider);
    let ask = |proof: &[&str]| token(&provider, &client, proof, &[("grant_type", "client_credentials")]);
    let (header, claims) = (prover.header(), prover.claims("POST", TOKEN, None));
    let with = |of: &Value, name: &str, value: Value| {
        let mut changed: Map<String, Value> = of.as_object().unwrap().clone();
        if value.is_null() {
            changed.remove(name)
        } else {
            changed.insert(name.to_owned(), value)
        };
        Value::Object(changed)
    };
    let private = with(&header["jwk"], "d", json!("AAAA"));
    let other = Prover::new(&provider).key.public().to_jwk("k");
    for (header, claims, why) in [
        (with(&header, "typ", json!("JWT")), claims.clone(), "typ has to be dpop+jwt, not JWT"),
        (with(&header, "typ", Value::Null), claims.clone(), "typ has to be"),
        (with(&header, "alg", json!("none")), claims.clone(), "alg has to be ES256, and it says none"),
        (with(&header, "alg", json!("HS256")), claims.clone(), "not signed"),
        (with(&header, "jwk", Value::Null), claims.clone(), "jwk"),
        (with(&header, "jwk", private), claims.clone(), "jwk"),
        (with(&header, "jwk", other), claims.clone(), "not signed"),
        (header.clone(), with(&claims, "htm", json!("GET")), "htm has to be POST, not GET"),
        (
            header.clone(),
            with(&claims, "htu", json!("https://evil.example/oauth2/token")),
            "not https://evil",
        ),
        (header.clone(), with(&claims, "htu", json!(ISSUER)), "htu"),
        (header.clone(), with(&claims, "jti", json!("")), "jti"),
        (header.clone(), with(&claims, "jti", Value::Null), "jti"),
        (header.clone(), with(&claims, "iat", json!(prover.now - 91)), "91 seconds ago"),
        (header.clone(), with(&claims, "iat", json!(prover.now + 61)), "iat"),
        (header.clone(), with(&claims, "iat", json!("now")), "iat"),
    ] {
        let answer = ask(&[&prover.signed(&header, &claims)]);
        assert_eq!((answer.status, refusal(&answer)), (400, "invalid_dpop_proof".to_owned()), "{why}");
        assert!(answer.body.contains(why), "{why}: {}", answer.body);
    }
    let good = prover.signed(&header, &claims);
    for wrong in [vec!["DPoP: x"], vec!["DPoP: "], vec![&good, &good], vec![&good[..good.len() - 4]]] {
        assert_eq!(refusal(&ask(&wrong)), "invalid_dpop_proof", "{wrong:?}");
    }
    let by_query = prover.signed(&header, &with(&claims, "htu", json!(format!("{TOKEN}?x=1#y"))));
    assert_eq!(ask(&[&by_query]).json()["token_type"], "DPoP");
    assert_eq!(refusal(&ask(&[&by_query])), "invalid_dpop_proof", "it is good once");
    assert_eq!(refusal(&ask(&[&good])), "invalid_dpop_proof", "so is its jti");
}

async fn a_code_is_bound_before_there_are_tokens(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.client("spa", |new| new.is_trusted = Edit::Set(true)).await;
    let (owner, thief) = (Prover::new(&provider), Prover::new(&provider));
    let thumbprint = owner.key.public().thumbprint();
    let code = provider.code(&client, &[("dpop_jkt", &thumbprint)]);
    assert_eq!(refusal(&redeem(&provider, &client, &[], &code)), "invalid_dpop_proof");
    let by_thief = redeem(&provider, &client, &[&thief.proof("POST", TOKEN, None)], &code);
    assert_eq!(refusal(&by_thief), "invalid_grant");
    let proof = owner.proof("POST", TOKEN, None);
    assert_eq!(redeem(&provider, &client, &[&proof], &code).status, 200, "it was not used up by those");
    let place = provider.walk(&authorize(&client, &[("dpop_jkt", "short")]));
    assert_eq!(error_of(&place).0, "invalid_request");

    // A pushed request is bound by its own proof.
    let challenge = crate::openid::challenge();
    let fields = [
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let push = |more: &[(&str, &str)]| {
        let proof = owner.proof("POST", "https://sso.example/oauth2/par", None);
        provider.post("par", &[&proof], &[fields.as_slice(), more].concat())
    };
    assert_eq!(refusal(&push(&[("dpop_jkt", &thief.key.public().thumbprint())])), "invalid_grant");
    let pushed = push(&[]);
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let pushed = pushed.json();
    let pairs = [("client_id", client.client_id.as_str()), ("request_uri", text(&pushed, "request_uri"))];
    let path = format!("/oauth2/authorize?{}", encoded(pairs.into_iter()));
    let code = answer_of(&provider.walk(&path), "code").unwrap();
    assert_eq!(refusal(&redeem(&provider, &client, &[], &code)), "invalid_dpop_proof");
    assert_eq!(redeem(&provider, &client, &[&owner.proof("POST", TOKEN, None)], &code).status, 200);
}

async fn a_server_may_want_its_nonce(kind: Kind) {
    let provider = Provider::with(kind, json!({"oidc.dpop_nonce": true})).await;
    let client = provider.client("service", |_| {}).await;
    let prover = Prover::new(&provider);
    let ask = |nonce: Option<&str>| {
        let mut claims = prover.claims("POST", TOKEN, None);
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let proof = prover.signed(&prover.header(), &claims);
        token(&provider, &client, &[&proof], &[("grant_type", "client_credentials")])
    };
    let first = ask(None);
    assert_eq!((first.status, refusal(&first)), (400, "use_dpop_nonce".to_owned()));
    let nonce = first.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(refusal(&ask(Some("made-up"))), "use_dpop_nonce");
    assert_eq!(ask(Some(&nonce)).json()["token_type"], "DPoP");
    provider.browser.server.world.clock.advance_seconds(601);
    let prover = Prover::new(&provider);
    let mut claims = prover.claims("POST", TOKEN, None);
    claims["nonce"] = nonce.as_str().into();
    let proof = prover.signed(&prover.header(), &claims);
    let answer = token(&provider, &client, &[&proof], &[("grant_type", "client_credentials")]);
    assert_eq!(refusal(&answer), "use_dpop_nonce", "it is good for some minutes");
    assert_ne!(answer.header("dpop-nonce"), Some(nonce.as_str()));
    // Who has no proof needs none.
    let bearer = token(&provider, &client, &[], &[("grant_type", "client_credentials")]);
    assert_eq!(bearer.json()["token_type"], "Bearer");
}
