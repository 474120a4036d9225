//! Access tokens that services in the same process are shown.

use serde_json::{Value, json};
use zato_sso::crypto::jose::jws::sign;
use zato_sso::crypto::jose::signing_key::{SigningKey, generate};
use zato_sso::domain::{ClientUpdate, Code, Edit, Password, SigningAlg, SystemRandom, VerifiedToken};
use zato_sso::ops::{Actor, Asker};

use crate::openid::{self, Provider};
use crate::support::{Kind, START, World, ctx, refusal};

on_both_databases! {
    a_token_is_good_for_its_audience_and_its_scopes_until_it_expires;
    what_was_not_signed_here_as_an_access_token_is_not_good;
    a_key_that_is_not_to_be_trusted_any_more_ends_its_tokens;
    an_opaque_token_is_looked_up_each_time;
    the_user_of_a_token_is_read_with_the_state_of_the_sign_in;
    a_token_that_was_called_back_or_whose_client_is_inactive_has_no_user;
}

const ISSUER: &str = "https://login.example.com";

async fn provider(kind: Kind) -> World {
    World::with(kind, json!({"oidc.issuer": ISSUER})).await
}

fn claims(more: Value) -> Value {
    let now = START.as_micros() / 1_000_000;
    let mut claims = json!({"iss": ISSUER, "sub": "zusr1", "client_id": "zcli1", "aud": "https://api.example.com", "scope": "read write",
        "exp": now + 600, "iat": now, "jti": "1"});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn signed(world: &World, typ: &str, claims: &Value) -> Password {
    let keys = world.sso.signing_keys_for(SigningAlg::EdDsa).await.unwrap();
    Password::from(sign(keys.signer(SigningAlg::EdDsa, world.sso.now()).unwrap(), typ, claims).unwrap())
}

fn fast(
    world: &World,
    token: &Password,
    audience: Option<&str>,
    scope: Option<&str>,
) -> Option<VerifiedToken> {
    let context = ctx();
    let found = world.sso.verify_access_token_fast(Asker::from(&context), token.expose(), audience, scope);
    found.map(|verified| (*verified).clone())
}

async fn a_token_is_good_for_its_audience_and_its_scopes_until_it_expires(kind: Kind) {
    let world = provider(kind).await;
    let token = signed(&world, "at+jwt", &claims(json!({}))).await;
    let verify = async |audience: Option<&str>, scope: Option<&str>| {
        world.sso.verify_access_token(&ctx(), &token, audience, scope).await
    };
    assert!(fast(&world, &token, None, None).is_none());
    let verified = verify(Some("https://api.example.com"), Some("write read")).await.unwrap();
    assert_eq!((verified.sub.as_str(), verified.client_id.as_str()), ("zusr1", "zcli1"));
    assert_eq!(
        (verified.scopes.as_slice(), verified.audiences.as_slice()),
        (&["read".to_owned(), "write".to_owned()][..], &["https://api.example.com".to_owned()][..])
    );
    assert_eq!(verified.expiration_time, START.plus_seconds(600));
    assert_eq!(verified.claims["jti"], "1");
    assert_eq!(verified.user_id().unwrap().as_str(), "zusr1");
    assert_eq!(refusal(verify(Some("https://other.example.com"), None).await), Code::SessionNoSuchSession);
    assert_eq!(refusal(verify(None, Some("read admin")).await), Code::AuthNotAllowed);
    // What is known is answered without a task, and nothing else is.
    if kind == Kind::Sqlite {
        assert_eq!(
            fast(&world, &token, Some("https://api.example.com"), Some("read")),
            Some((*verified).clone())
        );
    }
    assert!(fast(&world, &token, Some("https://other.example.com"), None).is_none());
    assert!(fast(&world, &token, None, Some("admin")).is_none());
    world.clock.advance_seconds(600);
    assert!(fast(&world, &token, None, None).is_none());
    assert_eq!(refusal(verify(None, None).await), Code::SessionNoSuchSession);
    let several =
        claims(json!({"aud": ["a", "b"], "scope": null, "exp": START.as_micros() / 1_000_000 + 700}));
    let several = signed(&world, "application/AT+JWT", &several).await;
    let verified = world.sso.verify_access_token(&ctx(), &several, Some("b"), Some("")).await.unwrap();
    assert!(verified.scopes.is_empty());
}

async fn what_was_not_signed_here_as_an_access_token_is_not_good(kind: Kind) {
    let world = provider(kind).await;
    let foreign =
        SigningKey::from_pkcs8(SigningAlg::EdDsa, &generate(SigningAlg::EdDsa, &SystemRandom).unwrap())
            .unwrap();
    let mut tokens = vec![
        Password::from(sign(&foreign, "at+jwt", &claims(json!({}))).unwrap()),
        Password::from("zoat-opaque"),
        Password::from(""),
        signed(&world, "JWT", &claims(json!({}))).await,
        signed(&world, "logout+jwt", &claims(json!({}))).await,
    ];
    for more in [
        json!({"iss": "https://other.example.com"}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"client_id": 5}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"cnf": {"jkt": "x"}}),
    ] {
        tokens.push(signed(&world, "at+jwt", &claims(more)).await);
    }
    let good = signed(&world, "at+jwt", &claims(json!({}))).await;
    let (head, signature) = good.expose().rsplit_once('.').unwrap();
    tokens.push(Password::from(format!("{head}.{}", signature.chars().rev().collect::<String>())));
    for token in tokens {
        for _ in 0..2 {
            let outcome = world.sso.verify_access_token(&ctx(), &token, None, None).await;
            assert_eq!(refusal(outcome), Code::SessionNoSuchSession, "{}", token.expose());
            assert!(fast(&world, &token, None, None).is_none());
        }
    }
    world.sso.verify_access_token(&ctx(), &good, None, None).await.unwrap();
}

async fn a_key_that_is_not_to_be_trusted_any_more_ends_its_tokens(kind: Kind) {
    let world = provider(kind).await;
    let other = world.reopened(json!({"oidc.issuer": ISSUER})).await;
    let token = signed(&world, "at+jwt", &claims(json!({}))).await;
    for sso in [&world.sso, &other] {
        sso.verify_access_token(&ctx(), &token, None, None).await.unwrap();
    }
    // A key that takes another's place in time ends nothing.
    world.sso.rotate_signing_keys(&ctx(), false).await.unwrap();
    for sso in [&world.sso, &other] {
        sso.verify_access_token(&ctx(), &token, None, None).await.unwrap();
    }
    world.sso.rotate_signing_keys(&ctx(), true).await.unwrap();
    for sso in [&world.sso, &other] {
        for attempt in 0.. {
            if sso.verify_access_token(&ctx(), &token, None, None).await.is_err() {
                break;
            }
            assert!(kind == Kind::Postgres && attempt < 100, "the other node has not heard of it");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// A provider, and the access token of a user.
async fn signed_in(kind: Kind, format: &str) -> (Provider, Password) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.access_token_format = Edit::Set(format.to_owned())).await;
    let tokens = provider.tokens(&client, &[("scope", "openid profile")]);
    (provider, Password::from(tokens["access_token"].as_str().unwrap()))
}

async fn lock(world: &World) {
    let view = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
    world.sso.lock_user(&ctx(), Actor::Trusted(None), view.user.user_id.as_str()).await.unwrap();
}

async fn an_opaque_token_is_looked_up_each_time(kind: Kind) {
    let (provider, token) = signed_in(kind, "opaque").await;
    let world = &provider.browser.server.world;
    let other = world.reopened(json!({"oidc.issuer": openid::ISSUER})).await;
    for sso in [&world.sso, &other] {
        let verified = sso.verify_access_token(&ctx(), &token, Some(openid::ISSUER), Some("openid")).await;
        let verified = verified.unwrap();
        assert_eq!(verified.claims["username"], "user1");
        assert_eq!(verified.scopes, ["openid", "profile"]);
        assert!(verified.authorization_id.is_some() && verified.claims.get("active").is_none());
        assert!(fast(world, &token, None, None).is_none());
    }
    assert_eq!(
        refusal(world.sso.verify_access_token(&ctx(), &token, Some("https://other.example.com"), None).await),
        Code::SessionNoSuchSession
    );
    assert_eq!(
        refusal(world.sso.verify_access_token(&ctx(), &token, None, Some("admin")).await),
        Code::AuthNotAllowed
    );
    lock(world).await;
    for sso in [&world.sso, &other] {
        assert_eq!(
            refusal(sso.verify_access_token(&ctx(), &token, None, None).await),
            Code::SessionNoSuchSession
        );
    }
}

async fn the_user_of_a_token_is_read_with_the_state_of_the_sign_in(kind: Kind) {
    for format in ["jwt", "opaque"] {
        let (provider, token) = signed_in(kind, format).await;
        let world = &provider.browser.server.world;
        let verified = world.sso.verify_access_token(&ctx(), &token, None, None).await.unwrap();
        let view = world.sso.get_user_of_token(&ctx(), &verified).await.unwrap().unwrap();
        assert_eq!(view.user.username, "user1");
        assert!(view.fields().iter().all(|(name, _)| *name != "is_super_user"));
        // Another client's claim to the same sign-in is none.
        let foreign = VerifiedToken { client_id: "zcli1".to_owned(), ..(*verified).clone() };
        assert_eq!(refusal(world.sso.get_user_of_token(&ctx(), &foreign).await), Code::SessionNoSuchSession);
        lock(world).await;
        assert_eq!(refusal(world.sso.get_user_of_token(&ctx(), &verified).await), Code::SessionNoSuchSession);
    }
}

async fn a_token_that_was_called_back_or_whose_client_is_inactive_has_no_user(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    for way in ["called back", "inactive"] {
        let tokens = provider.tokens(&client, &[("scope", "openid profile")]);
        let text = tokens["access_token"].as_str().unwrap();
        let sso = provider.browser.server.world.sso.clone();
        let verified = sso.verify_access_token(&ctx(), &Password::from(text), None, None).await.unwrap();
        assert!(sso.get_user_of_token(&ctx(), &verified).await.unwrap().is_some());
        if way == "called back" {
            assert_eq!(provider.post_as(&client, "revoke", &[("token", text)]).status, 200);
        } else {
            let update = ClientUpdate { is_active: Edit::Set(false), ..ClientUpdate::default() };
            sso.update_client(&ctx(), Actor::Trusted(None), &client.client_id, update).await.unwrap();
        }
        assert_eq!(
            refusal(sso.get_user_of_token(&ctx(), &verified).await),
            Code::SessionNoSuchSession,
            "{way}"
        );
    }
}
