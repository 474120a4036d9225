//! Claims that the application adds which embeds the provider.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use zato_sso::domain::ClaimsWanted;
use zato_sso::ops::{HookError, HookFuture, Hooks};

use crate::openid::Provider;
use crate::support::Kind;

on_both_databases! {
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
