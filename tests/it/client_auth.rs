//! How clients of the OpenID Provider prove who they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zato_sso::crypto::jose::jws::sign;
use zato_sso::crypto::jose::signing_key::{SigningKey, generate};
use zato_sso::domain::{Client, ClientUpdate, Code, Edit, Error, Password, SigningAlg, SystemRandom};
use zato_sso::ops::{Actor, ClientCredential};

use crate::client::{create, named, set, text, web};
use crate::support::{Kind, START, World, ctx, ctx_of};

on_both_databases! {
    a_client_proves_itself_in_the_way_that_it_is_registered_with;
    two_secrets_are_valid_while_one_takes_the_others_place;
    who_guesses_secrets_waits_and_who_has_one_does_not;
    a_client_proves_itself_by_a_jwt_of_its_own;
    keys_that_a_client_publishes_are_fetched_with_bounds;
}

const ISSUER: &str = "https://login.example.com";

fn basic(client: &Client, secret: &Password) -> ClientCredential {
    ClientCredential::Basic(client.client_id.as_str().to_owned(), secret.clone())
}

fn post(client: &Client, secret: &Password) -> ClientCredential {
    ClientCredential::Post(client.client_id.as_str().to_owned(), secret.clone())
}

fn id(client: &Client) -> ClientCredential {
    ClientCredential::Id(client.client_id.as_str().to_owned())
}

async fn outcome(world: &World, given: &ClientCredential) -> Result<String, String> {
    let outcome = world.sso.authenticate_client(&ctx(), given, &[ISSUER]).await;
    match outcome {
        Ok(known) => Ok(known.client.name.clone()),
        Err(Error::Refused { code: Code::AuthNotAllowed, detail }) => Err(detail.unwrap().into_owned()),
        Err(other) => Err(other.code().as_str().to_owned()),
    }
}

async fn a_client_proves_itself_in_the_way_that_it_is_registered_with(kind: Kind) {
    let world = World::new(kind).await;
    let one = create(&world.sso, "web", web("one")).await;
    let posting = ClientUpdate { auth_method: text("client_secret_post"), ..web("two") };
    let two = create(&world.sso, "web", posting).await;
    let spa = create(&world.sso, "spa", web("spa")).await;
    let (secret, other) = (one.client_secret.unwrap(), two.client_secret.unwrap());
    assert!(spa.client_secret.is_none());
    assert_eq!(outcome(&world, &basic(&one.client, &secret)).await.as_deref(), Ok("one"));
    assert_eq!(outcome(&world, &post(&two.client, &other)).await.as_deref(), Ok("two"));
    assert_eq!(outcome(&world, &id(&spa.client)).await.as_deref(), Ok("spa"));
    for (given, part) in [
        (
            post(&one.client, &secret),
            "registered to send the header Authorization: Basic (client_secret_basic)",
        ),
        (basic(&two.client, &other), "it sent the header Authorization: Basic (client_secret_basic)"),
        (id(&one.client), "it sent client_id alone (none)"),
        (basic(&spa.client, &secret), "registered to send client_id alone (none)"),
        (basic(&one.client, &other), "there is no active client with this client_id, or its secret is wrong"),
        (basic(&one.client, &Password::from("")), "or its secret is wrong"),
        (ClientCredential::Basic("zcli0".to_owned(), secret.clone()), "there is no active client"),
        (ClientCredential::Id("nobody".to_owned()), "there is no active client"),
    ] {
        let why = outcome(&world, &given).await.unwrap_err();
        assert!(why.contains(part), "{part}: {why}");
        assert!(!why.contains(secret.expose()) && !why.contains(other.expose()));
    }
    let off = ClientUpdate { is_active: Edit::Set(false), ..ClientUpdate::default() };
    let by = || Actor::Trusted(None);
    world.sso.update_client(&ctx(), by(), one.client.client_id.as_str(), off).await.unwrap();
    assert!(outcome(&world, &basic(&one.client, &secret)).await.is_err());
    // Who proves itself otherwise has no secret any more, also when it comes back to one.
    let keyless = |method: &str| ClientUpdate { auth_method: text(method), ..ClientUpdate::default() };
    let two_id = two.client.client_id.as_str();
    let key = SigningKey::from_pkcs8(SigningAlg::EdDsa, &generate(SigningAlg::EdDsa, &SystemRandom).unwrap())
        .unwrap();
    let jwks = json!({"keys": [key.public().to_jwk("1")]}).to_string();
    let by_key = ClientUpdate { jwks: text(&jwks), ..keyless("private_key_jwt") };
    world.sso.update_client(&ctx(), by(), two_id, by_key).await.unwrap();
    world.sso.update_client(&ctx(), by(), two_id, keyless("client_secret_post")).await.unwrap();
    assert!(outcome(&world, &post(&two.client, &other)).await.is_err());
    let rotated = world.sso.rotate_client_secret(&ctx(), by(), two_id, 0).await.unwrap();
    assert!(outcome(&world, &post(&two.client, &rotated.client_secret.unwrap())).await.is_ok());
}

async fn two_secrets_are_valid_while_one_takes_the_others_place(kind: Kind) {
    let world = World::new(kind).await;
    let made = create(&world.sso, "web", web("one")).await;
    let (client, first) = (made.client, made.client_secret.unwrap());
    let rotate = async |hours: u32| {
        let (by, client_id) = (Actor::Trusted(None), client.client_id.as_str());
        world.sso.rotate_client_secret(&ctx(), by, client_id, hours).await.unwrap().client_secret.unwrap()
    };
    let works = async |secret: &Password| outcome(&world, &basic(&client, secret)).await.is_ok();
    let second = rotate(24).await;
    assert!(works(&first).await && works(&second).await);
    world.clock.advance_seconds(24 * 3_600 - 1);
    assert!(works(&first).await && works(&second).await);
    world.clock.advance_seconds(1);
    assert!(!works(&first).await && works(&second).await);
    // There are never more than two.
    let third = rotate(24).await;
    let fourth = rotate(24).await;
    assert!(!works(&first).await && !works(&second).await && works(&third).await && works(&fourth).await);
    let fifth = rotate(0).await;
    assert!(!works(&third).await && !works(&fourth).await && works(&fifth).await);
}

async fn who_guesses_secrets_waits_and_who_has_one_does_not(kind: Kind) {
    let world = World::new(kind).await;
    let made = create(&world.sso, "web", web("one")).await;
    let (client, secret) = (made.client, made.client_secret.unwrap());
    let wrong = basic(&client, &Password::from("guess"));
    let mut codes = Vec::new();
    for _ in 0..101 {
        codes.push(world.sso.authenticate_client(&ctx(), &wrong, &[]).await.unwrap_err().code());
    }
    assert_eq!(codes[..100], [Code::AuthNotAllowed; 100]);
    assert_eq!(codes[100], Code::AuthRateLimited);
    assert_eq!(outcome(&world, &basic(&client, &secret)).await.as_deref(), Ok("one"));
    // Who is only set up otherwise has not guessed.
    let why = outcome(&world, &post(&client, &secret)).await.unwrap_err();
    assert!(why.contains("registered to send"), "{why}");
    let elsewhere = ctx_of("CRM", "10.0.0.9");
    let outcome = world.sso.authenticate_client(&elsewhere, &wrong, &[]).await;
    assert_eq!(outcome.unwrap_err().code(), Code::AuthNotAllowed);
}

async fn a_client_proves_itself_by_a_jwt_of_its_own(kind: Kind) {
    let world = World::new(kind).await;
    let key = |alg| SigningKey::from_pkcs8(alg, &generate(alg, &SystemRandom).unwrap()).unwrap();
    let (own, own_es, foreign) = (key(SigningAlg::EdDsa), key(SigningAlg::Es256), key(SigningAlg::EdDsa));
    let jwks = json!({"keys": [own.public().to_jwk(own.kid()), own_es.public().to_jwk(own_es.kid())]});
    let new = ClientUpdate {
        auth_method: text("private_key_jwt"),
        jwks: text(&jwks.to_string()),
        grants: set(&["client_credentials"]),
        ..named("one")
    };
    let made = create(&world.sso, "service", new).await;
    assert!(made.client_secret.is_none());
    let client_id = made.client.client_id.as_str();
    let now = START.as_micros() / 1_000_000;
    let mut count = 0;
    let mut claims = |more: Value| {
        count += 1;
        let mut claims = json!({"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "jti": count.to_string()});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let prove = async |key: &SigningKey, typ: &str, claims: Value, client_id: Option<&str>| {
        let assertion = Password::from(sign(key, typ, &claims).unwrap());
        outcome(&world, &ClientCredential::Assertion(assertion, client_id.map(str::to_owned))).await
    };
    assert_eq!(prove(&own, "JWT", claims(json!({})), Some(client_id)).await.as_deref(), Ok("one"));
    assert_eq!(
        prove(&own_es, "client-authentication+jwt", claims(json!({"aud": ["x", ISSUER]})), None)
            .await
            .as_deref(),
        Ok("one")
    );
    let used = claims(json!({"jti": "once"}));
    assert!(prove(&own, "JWT", used.clone(), None).await.is_ok());
    for (claims, part) in [
        (used, "was used before"),
        (claims(json!({"aud": "https://other.example.com"})), "aud must be https://login.example.com"),
        (claims(json!({"exp": now - 31})), "has expired"),
        (claims(json!({"nbf": now + 31})), "not valid yet"),
        (claims(json!({"exp": now + 3_700})), "at most 3600 seconds"),
        (claims(json!({"iss": "other"})), "iss and sub must both be the client_id"),
        (claims(json!({"iss": "zcli0", "sub": "zcli0"})), "no active client"),
        (claims(json!({"jti": ""})), "jti must have"),
        (claims(json!({"jti": null})), "must have iss, sub, aud, exp and jti"),
    ] {
        let why = prove(&own, "JWT", claims, None).await.unwrap_err();
        assert!(why.contains(part), "{part}: {why}");
    }
    let why = prove(&own, "at+jwt", claims(json!({})), None).await.unwrap_err();
    assert!(why.contains("typ must be JWT"), "{why}");
    let why = prove(&own, "JWT", claims(json!({})), Some("zcli0")).await.unwrap_err();
    assert!(why.contains("must both be the client_id"), "{why}");
    let why = prove(&foreign, "JWT", claims(json!({})), None).await.unwrap_err();
    assert!(why.contains("not signed with a key of this client's jwks"), "{why}");
    let why = outcome(&world, &ClientCredential::Assertion(Password::from("a.b"), None)).await.unwrap_err();
    assert!(why.contains("no signed JWT"), "{why}");
}

/// A server that publishes these keys; how often it was asked.
async fn publisher(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/jwks", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_buf(&mut Vec::with_capacity(4_096)).await.unwrap();
            asked.fetch_add(1, Ordering::SeqCst);
            drop(stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{answer}").as_bytes()).await);
        }
    });
    (uri, count)
}

async fn keys_that_a_client_publishes_are_fetched_with_bounds(kind: Kind) {
    let key = || {
        let pkcs8 = generate(SigningAlg::EdDsa, &SystemRandom).unwrap();
        SigningKey::from_pkcs8(SigningAlg::EdDsa, &pkcs8).unwrap()
    };
    let (first, second, foreign) = (key(), key(), key());
    let set = |keys: &[&SigningKey]| {
        let keys: Vec<Value> = keys.iter().map(|key| key.public().to_jwk(key.kid())).collect();
        json!({ "keys": keys }).to_string()
    };
    let answers = vec![set(&[&first]), set(&[&second]), "nonsense".to_owned()];
    let (uri, count) = publisher(answers).await;
    let world = World::with(kind, json!({"oidc.allow_private_addresses": true})).await;
    let new = || ClientUpdate {
        auth_method: text("private_key_jwt"),
        jwks_uri: text(&uri),
        grants: crate::client::set(&["client_credentials"]),
        ..named("one")
    };
    let client_id = create(&world.sso, "service", new()).await.client.client_id.as_str().to_owned();
    let number = AtomicUsize::new(0);
    let prove = async |world: &World, key: &SigningKey, client_id: &str| {
        let now = world.sso.now().as_micros() / 1_000_000;
        let jti = number.fetch_add(1, Ordering::SeqCst).to_string();
        let claims = json!({"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "jti": jti});
        let assertion = Password::from(sign(key, "JWT", &claims).unwrap());
        outcome(world, &ClientCredential::Assertion(assertion, None)).await
    };
    assert_eq!(prove(&world, &first, &client_id).await.as_deref(), Ok("one"));
    assert!(prove(&world, &first, &client_id).await.is_ok());
    // Whatever strangers make up, nobody is asked again for half a minute.
    assert!(prove(&world, &foreign, &client_id).await.unwrap_err().contains("not signed"));
    assert!(prove(&world, &second, &client_id).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 1);
    world.clock.advance_seconds(31);
    assert!(prove(&world, &second, &client_id).await.is_ok(), "it has changed its key");
    assert!(prove(&world, &first, &client_id).await.is_err(), "the one before is published no longer");
    // What cannot be read takes nothing away for a while.
    world.clock.advance_seconds(601);
    assert!(prove(&world, &second, &client_id).await.is_ok());
    assert_eq!(count.load(Ordering::SeqCst), 3);
    world.clock.advance_seconds(3_001);
    let why = prove(&world, &second, &client_id).await.unwrap_err();
    assert!(why.contains("could not be read from its jwks_uri"), "{why}");

    // Nobody makes this server ask its neighbours, unless that is allowed.
    let (uri, count) = publisher(vec![set(&[&first])]).await;
    let world = World::new(kind).await;
    let new = ClientUpdate { jwks_uri: text(&uri), ..new() };
    let client_id = create(&world.sso, "service", new).await.client.client_id.as_str().to_owned();
    assert!(prove(&world, &first, &client_id).await.unwrap_err().contains("could not be read"));
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
