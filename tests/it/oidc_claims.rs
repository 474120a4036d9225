//! What clients are told of users: the claims that they ask for, and those that the application adds which embeds the provider.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use zato_sso::domain::{ClaimsWanted, Edit};
use zato_sso::ops::{HookError, HookFuture, Hooks};

use crate::openid::Provider;
use crate::support::{Kind, START};

on_both_databases! {
    claims_tell_what_was_asked_for;
    a_hook_adds_claims_and_changes_none_of_the_providers_own;
}

#[derive(Debug, Default)]
struct Adding {
    asked: Mutex<Vec<ClaimsWanted>>,
    fails: std::sync::atomic::AtomicBool,
}

impl Hooks for Adding {
    fn claims(&self, wanted: &ClaimsWanted) -> Option<HookFuture<Map<String, Value>>> {
        self.asked.lock().unwrap().push(wanted.clone());
        let claims = json!({"sub": "root", "acr": "urn:zato-sso:2", "iss": "https://evil.example", "tier": ["gold", 5],
            "preferred_username": "Ann", "empty": null});
        let answer = match (self.fails.load(std::sync::atomic::Ordering::SeqCst), claims) {
            (false, Value::Object(claims)) => Ok(claims),
            _ => Err(HookError::new("raised Planned")),
        };
        Some(Box::pin(async move { answer }))
    }
}

async fn a_hook_adds_claims_and_changes_none_of_the_providers_own(kind: Kind) {
    let hooks = Arc::new(Adding::default());
    let mut provider = Provider::with_hooks(kind, json!({}), Arc::clone(&hooks) as _).await;
    let client = provider.web(|_| {}).await;
    let tokens = provider.tokens(&client, &[("scope", "openid profile")]);
    let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id_token["tier"], &id_token["acr"]), (&json!(["gold", 5]), &json!("urn:zato-sso:1")));
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!(
        info,
        json!({"sub": id_token["sub"], "preferred_username": "Ann", "tier": ["gold", 5],
        "updated_at": id_token["updated_at"]})
    );
    assert_ne!(info["sub"], "root");
    let asked = std::mem::take(&mut *hooks.asked.lock().unwrap());
    let told: Vec<_> = asked.iter().map(|wanted| (wanted.target, wanted.scopes.join(" "))).collect();
    assert_eq!(told, [("id_token", "openid profile".to_owned()), ("userinfo", "openid profile".to_owned())]);
    assert_eq!((asked[0].username.as_str(), &asked[0].client_id), ("user1", &client.client_id));
    hooks.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!(
        info,
        json!({"sub": id_token["sub"], "preferred_username": "user1", "updated_at": id_token["updated_at"]})
    );
}

async fn claims_tell_what_was_asked_for(kind: Kind) {
    let mut provider = Provider::with(kind, json!({"oidc.claims": {"department": "attr:dep"}})).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let sso = provider.browser.server.world.sso.clone();
    let user = sso.get_user_by_username(&crate::support::ctx(), "user1", false).await.unwrap().unwrap();
    let user_id = user.user.user_id.as_str().to_owned();
    let update = zato_sso::domain::UserUpdate {
        email: Edit::Set("user1@example.com".to_owned()),
        first_name: Edit::Set("Ann".to_owned()),
        last_name: Edit::Set("Lee".to_owned()),
        ..Default::default()
    };
    let trusted = || zato_sso::ops::Actor::Trusted(None);
    provider.browser.server.world.clock.advance_seconds(5);
    sso.update_user_by_id(&crate::support::ctx(), trusted(), &user_id, update).await.unwrap();
    let target = zato_sso::ops::AttrTarget::User(Some(user_id.clone()));
    let item = zato_sso::ops::AttrItem {
        user_id: None,
        name: "dep".to_owned(),
        value: zato_sso::domain::AttrValue::from_json_text("\"Sales\"".to_owned()),
        expiration: None,
        encrypt: Some(true),
    };
    let create = zato_sso::ops::AttrWrite::Create;
    sso.write_attrs(&crate::support::ctx(), trusted(), &target, create, vec![item]).await.unwrap();

    let tokens = provider.tokens(&client, &[("scope", "openid profile email groups")]);
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    let expected = json!({
        "sub": user_id,
        "name": "Ann Lee",
        "given_name": "Ann",
        "family_name": "Lee",
        "preferred_username": "user1",
        "updated_at": START.as_micros() / 1_000_000 + 5,
        "email": "user1@example.com",
        "email_verified": false,
        "groups": [],
        "department": "Sales",
    });
    assert_eq!(info, expected);
    let world = &provider.browser.server.world;
    crate::support::execute(world, "UPDATE sso_user SET email_is_verified = TRUE").await;
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!(info["email_verified"], true);
    // By name: with the scope that it belongs to, which the user is asked for.
    let claims = r#"{"userinfo":{"email":{"essential":true}},"id_token":{"given_name":null}}"#;
    let tokens = provider.tokens(&client, &[("claims", claims)]);
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!((&info["email"], &info["given_name"]), (&json!("user1@example.com"), &json!("Ann")));
    assert!(info.get("groups").is_none(), "{info}");
    assert_eq!(tokens["scope"], "openid profile email");
    let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["given_name"], "Ann");
    // A client that may not have the scope is not told by the name either.
    let other = provider.web(|new| new.scopes = Edit::Set(vec!["openid".to_owned()])).await;
    let tokens = provider.tokens(&other, &[("scope", "openid"), ("claims", claims)]);
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    assert_eq!(info, json!({"sub": user_id}));
    assert!(provider.verified(tokens["id_token"].as_str().unwrap()).get("given_name").is_none());
}
