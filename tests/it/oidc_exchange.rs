//! Token exchange (RFC 8693): a service that was shown a token goes on for its user, at another service.

use serde_json::{Value, json};
use zato_sso::domain::{ClientUpdate, Edit};
use zato_sso::ops::Actor;

use crate::openid::{ISSUER, Provider, Registered, refusal};
use crate::rest::Answer;
use crate::support::{Kind, ctx};

on_both_databases! {
    a_service_goes_on_for_the_user_whose_token_it_was_shown;
    a_session_is_exchanged_as_well;
    what_was_exchanged_ends_with_what_it_came_of;
    what_may_not_be_exchanged_is_refused_with_a_reason;
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SESSION_TOKEN: &str = "urn:zato-sso:token-type:ust";
const ORDERS: &str = "https://orders.example";
const STOCK: &str = "https://stock.example";

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

fn strings(names: &[&str]) -> Edit<Vec<String>> {
    Edit::Set(names.iter().map(|name| (*name).to_owned()).collect())
}

/// A client whose users show its tokens to the service of orders.
async fn shop(provider: &Provider, change: impl FnOnce(&mut ClientUpdate)) -> Registered {
    provider
        .web(|new| {
            new.audiences = strings(&[ORDERS]);
            new.scopes = strings(&["openid", "profile", "stock:read", "stock:write", "offline_access"]);
            change(new);
        })
        .await
}

/// A service that may go on to the one of stocks.
async fn orders(provider: &Provider, change: impl FnOnce(&mut ClientUpdate)) -> Registered {
    provider
        .client("service", |new| {
            new.own_audiences = strings(&[ORDERS]);
            new.audiences = strings(&[STOCK]);
            new.scopes = strings(&["stock:read", "stock:write", "profile"]);
            new.grants = strings(&[GRANT]);
            change(new);
        })
        .await
}

fn exchange(provider: &Provider, client: &Registered, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", STOCK),
    ];
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    provider.post_as(client, "token", &fields)
}

async fn a_service_goes_on_for_the_user_whose_token_it_was_shown(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    for format in ["jwt", "opaque"] {
        let set = |new: &mut ClientUpdate| new.access_token_format = Edit::Set(format.to_owned());
        let (shop, orders) = (shop(&provider, set).await, orders(&provider, set).await);
        let scope = [("scope", "openid stock:read profile"), ("resource", ORDERS)];
        let shown = provider.tokens(&shop, &scope);
        let user_id = provider.verified(text(&shown, "id_token"))["sub"].clone();
        provider.browser.server.world.clock.advance_seconds(100);
        let answer = exchange(&provider, &orders, text(&shown, "access_token"), &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let given = answer.json();
        assert_eq!(
            (&given["issued_token_type"], &given["token_type"]),
            (&json!(ACCESS_TOKEN), &json!("Bearer"))
        );
        assert!(given.get("refresh_token").is_none() && given.get("id_token").is_none());
        assert_eq!((&given["scope"], &given["expires_in"]), (&json!("stock:read profile"), &json!(500)));
        let told = provider.introspect(&orders, text(&given, "access_token"));
        assert_eq!((&told["active"], &told["sub"], &told["aud"]), (&json!(true), &user_id, &json!(STOCK)));
        assert_eq!(told["act"], json!({"sub": orders.client_id}), "{format}");
        if format == "jwt" {
            let claims = provider.verified(text(&given, "access_token"));
            assert_eq!((&claims["act"], &claims["client_id"]), (&told["act"], &json!(orders.client_id)));
        }
        // Narrower, and again: the user sees one sign-in.
        let narrow = exchange(&provider, &orders, text(&shown, "access_token"), &[("scope", "stock:read")]);
        assert_eq!(narrow.json()["scope"], "stock:read");
        let rows = "SELECT authorization_id FROM sso_authorization WHERE exchange_key IS NOT NULL";
        let rows = crate::support::any_rows(&provider.browser.server.world, rows).await;
        assert_eq!(rows.len(), if format == "jwt" { 1 } else { 3 });
        // The next one in the row names both.
        let stock = provider
            .client("service", |new| {
                new.own_audiences = strings(&[STOCK]);
                new.audiences = strings(&["https://depot.example"]);
                new.scopes = strings(&["stock:read"]);
                new.grants = strings(&[GRANT]);
            })
            .await;
        let more = [("audience", "https://depot.example")];
        let next = exchange(&provider, &stock, text(&given, "access_token"), &more).json();
        let told = provider.introspect(&stock, text(&next, "access_token"));
        assert_eq!(told["act"], json!({"sub": stock.client_id, "act": {"sub": orders.client_id}}));
        assert_eq!((&told["scope"], &told["sub"]), (&json!("stock:read"), &user_id));
    }
}

async fn a_session_is_exchanged_as_well(kind: Kind) {
    let provider = Provider::new(kind).await;
    let orders = orders(&provider, |_| {}).await;
    let session = provider.browser.server.world.login("user1").await;
    let more = [("subject_token_type", SESSION_TOKEN), ("scope", "stock:read")];
    let given = exchange(&provider, &orders, session.ust.expose(), &more);
    assert_eq!(given.status, 200, "{}", given.body);
    let given = given.json();
    let told = provider.introspect(&orders, text(&given, "access_token"));
    assert_eq!((&told["scope"], &told["aud"]), (&json!("stock:read"), &json!(STOCK)));
    // Its user has not consented to anything by that.
    let rows = "SELECT scopes FROM sso_grant";
    assert_eq!(crate::support::any_rows(&provider.browser.server.world, rows).await, [b""]);
    let sso = provider.browser.server.world.sso.clone();
    sso.logout(&ctx(), &session.ust).await.unwrap();
    assert_eq!(provider.introspect(&orders, text(&given, "access_token")), json!({"active": false}));
    assert_eq!(refusal(&exchange(&provider, &orders, session.ust.expose(), &more)), "invalid_request");
}

async fn what_was_exchanged_ends_with_what_it_came_of(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let (shop, orders) = (shop(&provider, |_| {}).await, orders(&provider, |_| {}).await);
    let sso = provider.browser.server.world.sso.clone();
    for way in ["revoked", "logged out", "withdrawn", "locked"] {
        let scope = "openid stock:read offline_access";
        let scope = if way == "logged out" { "openid stock:read" } else { scope };
        let shown = provider.tokens(&shop, &[("scope", scope), ("resource", ORDERS)]);
        let user_id = provider.verified(text(&shown, "id_token"))["sub"].as_str().unwrap().to_owned();
        let access = text(&shown, "access_token");
        let given = exchange(&provider, &orders, access, &[]).json();
        assert_eq!(provider.introspect(&orders, text(&given, "access_token"))["active"], true, "{way}");
        match way {
            "revoked" => {
                let fields = [("token", text(&shown, "refresh_token"))];
                assert_eq!(provider.post_as(&shop, "revoke", &fields).status, 200);
            }
            "logged out" => {
                let page = provider.browser.get("/logout");
                provider.submit(&page, "/logout", &[]).location();
            }
            "withdrawn" => {
                // From the service alone: the shop keeps what it has.
                let trusted = Actor::Trusted(None);
                sso.revoke_user_grant(&ctx(), trusted, &orders.client_id, Some(&user_id)).await.unwrap();
                assert_eq!(provider.introspect(&shop, access)["active"], true);
            }
            _ => sso.lock_user(&ctx(), Actor::Trusted(None), &user_id).await.map(drop).unwrap(),
        }
        assert_eq!(
            provider.introspect(&orders, text(&given, "access_token")),
            json!({"active": false}),
            "{way}"
        );
        if way != "withdrawn" {
            assert_eq!(refusal(&exchange(&provider, &orders, access, &[])), "invalid_request", "{way}");
        }
    }
}

async fn what_may_not_be_exchanged_is_refused_with_a_reason(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let (shop, orders) = (shop(&provider, |_| {}).await, orders(&provider, |_| {}).await);
    let shown = provider.tokens(&shop, &[("scope", "openid stock:read"), ("resource", ORDERS)]);
    let access = text(&shown, "access_token").to_owned();
    for (more, error, why) in [
        (vec![("subject_token", "")], "invalid_request", "subject_token is missing"),
        (vec![("subject_token_type", "")], "invalid_request", "subject_token_type is missing"),
        (vec![("subject_token_type", "urn:x")], "invalid_request", "not urn:x"),
        (vec![("subject_token_type", SESSION_TOKEN)], "invalid_request", "not the token of a session"),
        (vec![("subject_token", "made-up")], "invalid_request", "is no access token"),
        (vec![("subject_token", text(&shown, "id_token"))], "invalid_request", "is no access token"),
        (vec![("subject_token", text(&shown, "refresh_token"))], "invalid_request", "is no access token"),
        (vec![("actor_token", &access)], "invalid_request", "actor_token is not taken"),
        (vec![("requested_token_type", "urn:x")], "invalid_request", "requested_token_type"),
        (vec![("audience", "https://other.example")], "invalid_target", "not https://other.example"),
        (vec![("audience", ISSUER)], "invalid_target", "registered"),
        (vec![("audience", "")], "invalid_target", "missing"),
        (vec![("scope", "stock:read stock:write")], "invalid_scope", "good for openid stock:read"),
        (vec![("scope", "openid")], "invalid_scope", "not for openid"),
    ] {
        let answer = exchange(&provider, &orders, &access, &more);
        assert_eq!(refusal(&answer), error, "{more:?} {}", answer.body);
        assert!(answer.body.contains(why), "{more:?} {}", answer.body);
    }
    // It is for whom the token was made, and for who is registered for it.
    let stranger = provider
        .client("service", |new| {
            new.audiences = strings(&[STOCK]);
            new.grants = strings(&[GRANT]);
        })
        .await;
    let answer = exchange(&provider, &stranger, &access, &[]);
    assert_eq!(refusal(&answer), "invalid_request");
    assert!(answer.body.contains("another client's, for https://orders.example"), "{}", answer.body);
    assert_eq!(refusal(&exchange(&provider, &shop, &access, &[])), "unauthorized_client");
    // A client's own token has no user, and an old one is good for nothing.
    let both = |new: &mut ClientUpdate| {
        new.grants = strings(&[GRANT, "client_credentials"]);
        new.audiences = strings(&[STOCK]);
    };
    let service = provider.client("service", both).await;
    let own = provider.post_as(&service, "token", &[("grant_type", "client_credentials")]).json();
    assert_eq!(refusal(&exchange(&provider, &service, text(&own, "access_token"), &[])), "invalid_request");
    provider.browser.server.world.clock.advance_seconds(600);
    assert_eq!(refusal(&exchange(&provider, &orders, &access, &[])), "invalid_request");
}
