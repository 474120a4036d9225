//! Clients that register themselves (RFC 7591), and manage that (RFC 7592).

use serde_json::{Value, json};

use crate::openid::{CALLBACK, Provider, Registered, answer_of, authorize, refusal};
use crate::rest::Answer;
use crate::support::{Kind, any_rows, execute};

on_both_databases! {
    nobody_registers_a_client_unless_that_is_allowed;
    a_client_registers_itself_and_signs_users_in;
    a_client_manages_its_own_registration_and_no_other;
    a_network_registers_so_many_a_day;
    who_has_registered_itself_is_a_stranger;
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

async fn open(kind: Kind) -> Provider {
    Provider::with(kind, json!({"oidc.registration": "open"})).await
}

fn send(provider: &Provider, line: &str, token: Option<&str>, metadata: &Value) -> Answer {
    let header = format!("Authorization: Bearer {}", token.unwrap_or_default());
    let mut headers = vec!["Content-Type: application/json"];
    headers.extend(token.map(|_| header.as_str()));
    let body = if metadata.is_null() { String::new() } else { metadata.to_string() };
    provider.browser.server.ask(line, &headers, &body)
}

fn register(provider: &Provider, metadata: &Value) -> Answer {
    send(provider, "POST root:/oauth2/register", None, metadata)
}

async fn nobody_registers_a_client_unless_that_is_allowed(kind: Kind) {
    let app = json!({"redirect_uris": [CALLBACK]});
    let provider = Provider::new(kind).await;
    assert_eq!(register(&provider, &app).status, 404);
    let metadata = provider.browser.server.ask("GET root:/.well-known/openid-configuration", &[], "").json();
    assert!(metadata.get("registration_endpoint").is_none());

    let settings = json!({"oidc.registration": "token", "oidc.registration_token": "let-me-in"});
    let provider = Provider::with(kind, settings).await;
    for token in [None, Some("wrong"), Some("")] {
        let answer = send(&provider, "POST root:/oauth2/register", token, &app);
        assert_eq!((answer.status, refusal(&answer)), (401, "invalid_token".to_owned()), "{token:?}");
    }
    // Who has it may have one network for all.
    for _ in 0..21 {
        assert_eq!(send(&provider, "POST root:/oauth2/register", Some("let-me-in"), &app).status, 201);
    }
    let provider = open(kind).await;
    let metadata = provider.browser.server.ask("GET root:/.well-known/openid-configuration", &[], "").json();
    assert_eq!(metadata["registration_endpoint"], "https://sso.example/oauth2/register");
    for (metadata, error, why) in [
        (json!({}), "invalid_redirect_uri", "at least one"),
        (json!({"redirect_uris": ["http://app.example/cb"]}), "invalid_redirect_uri", "https://"),
        (json!({"redirect_uris": ["https://app.example/cb#x"]}), "invalid_redirect_uri", "fragment"),
        (
            json!({"redirect_uris": [CALLBACK], "grant_types": ["password"]}),
            "invalid_client_metadata",
            "password",
        ),
        (json!({"redirect_uris": [CALLBACK], "jwks": {"keys": []}}), "invalid_client_metadata", "jwks"),
        (
            json!({"redirect_uris": [CALLBACK], "application_type": "native", "token_endpoint_auth_method": "client_secret_basic"}),
            "invalid_client_metadata",
            "none",
        ),
        (json!([1]), "invalid_client_metadata", "JSON object"),
    ] {
        let answer = register(&provider, &metadata);
        assert_eq!((answer.status, refusal(&answer)), (400, error.to_owned()), "{metadata}");
        assert!(answer.body.contains(why), "{metadata}: {}", answer.body);
    }
    let form = provider.post("register", &[], &[("redirect_uris", CALLBACK)]);
    assert_eq!(refusal(&form), "invalid_client_metadata");
}

async fn a_client_registers_itself_and_signs_users_in(kind: Kind) {
    let mut provider = open(kind).await;
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "client_name": "Visitor",
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "ES256",
        "scope": "openid email admin",
        "is_trusted": true,
    });
    let answer = register(&provider, &metadata);
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.json();
    assert_eq!((&made["client_name"], &made["scope"]), (&json!("Visitor"), &json!("email openid")));
    assert_eq!(
        (&made["token_endpoint_auth_method"], &made["client_secret_expires_at"]),
        (&json!("client_secret_basic"), &json!(0))
    );
    let client = Registered {
        client_id: text(&made, "client_id").to_owned(),
        secret: Some(text(&made, "client_secret").to_owned()),
    };
    // Its user is asked, whatever it says of itself.
    provider.browser.sign_in("user1");
    assert!(provider.browser.get(&authorize(&client, &[])).location().starts_with("/consent?"));
    let tokens = provider.tokens(&client, &[("scope", "openid email")]);
    assert_eq!(provider.refresh(&client, text(&tokens, "refresh_token")).status, 200);
    let stored = crate::support::dump(&provider.browser.server.world).await;
    for secret in [text(&made, "client_secret"), text(&made, "registration_access_token")] {
        assert!(!stored.contains(secret));
    }
    let spa = json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"});
    let spa = register(&provider, &spa).json();
    assert!(spa.get("client_secret").is_none());
    let spa = Registered { client_id: text(&spa, "client_id").to_owned(), secret: None };
    assert!(answer_of(&provider.walk(&authorize(&spa, &[])), "code").is_some());
}

async fn a_client_manages_its_own_registration_and_no_other(kind: Kind) {
    let provider = open(kind).await;
    let app = json!({"redirect_uris": [CALLBACK], "client_name": "One"});
    let (one, other) = (register(&provider, &app).json(), register(&provider, &app).json());
    let admins = provider.web(|_| {}).await;
    let (id, token) = (text(&one, "client_id"), text(&one, "registration_access_token"));
    assert_eq!(one["registration_client_uri"], format!("https://sso.example/oauth2/register/{id}"));
    let line = |method: &str, id: &str| format!("{method} root:/oauth2/register/{id}");
    let read = send(&provider, &line("GET", id), Some(token), &Value::Null);
    assert_eq!((read.status, &read.json()["client_name"]), (200, &json!("One")));
    assert!(read.json().get("client_secret").is_none());
    for (id, token) in [
        (id, "wrong"),
        (id, text(&other, "registration_access_token")),
        (text(&other, "client_id"), token),
        (admins.client_id.as_str(), token),
        ("zcli0", token),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let mut app = app.clone();
            app["client_id"] = id.into();
            let answer = send(&provider, &line(method, id), Some(token), &app);
            assert_eq!((answer.status, refusal(&answer)), (401, "invalid_token".to_owned()), "{method} {id}");
        }
    }
    assert_eq!(send(&provider, &line("GET", id), None, &Value::Null).status, 401);
    let change = |more: Value| {
        let mut changed = json!({"client_id": id, "redirect_uris": [CALLBACK], "client_name": "Two"});
        changed.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        send(&provider, &line("PUT", id), Some(token), &changed)
    };
    assert_eq!(change(json!({"logo_uri": "https://app.example/logo"})).json()["client_name"], "Two");
    assert!(change(json!({})).json().get("logo_uri").is_none(), "what is left out is taken away");
    assert_eq!(refusal(&change(json!({"client_id": text(&other, "client_id")}))), "invalid_client_metadata");
    assert_eq!(refusal(&change(json!({"token_endpoint_auth_method": "none"}))), "invalid_client_metadata");
    assert_eq!(refusal(&change(json!({"redirect_uris": ["x"]}))), "invalid_redirect_uri");
    // What who runs the server trusts is not changed by others.
    execute(&provider.browser.server.world, "UPDATE sso_client SET is_trusted = TRUE").await;
    assert_eq!(refusal(&change(json!({}))), "access_denied");
    assert_eq!(send(&provider, &line("DELETE", id), Some(token), &Value::Null).status, 204);
    assert_eq!(send(&provider, &line("GET", id), Some(token), &Value::Null).status, 401);
}

async fn a_network_registers_so_many_a_day(kind: Kind) {
    let provider = open(kind).await;
    let app = json!({"redirect_uris": [CALLBACK]});
    for _ in 0..20 {
        assert_eq!(register(&provider, &app).status, 201);
    }
    let answer = register(&provider, &app);
    assert_eq!(answer.status, 429, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    // Another network is not shut out by that.
    let world = &provider.browser.server.world;
    execute(world, "UPDATE sso_client SET place_digest = registration_digest").await;
    assert_eq!(register(&provider, &app).status, 201);
    assert_eq!(any_rows(world, "SELECT client_id FROM sso_client").await.len(), 21);
}

async fn who_has_registered_itself_is_a_stranger(kind: Kind) {
    let provider = open(kind).await;
    let grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"];
    let made = register(&provider, &json!({"redirect_uris": [CALLBACK], "grant_types": grants})).json();
    let secret = Some(text(&made, "client_secret").to_owned());
    let client = Registered { client_id: text(&made, "client_id").to_owned(), secret };
    assert_eq!(provider.post_as(&client, "device_authorization", &[("scope", "openid")]).status, 200);
    let rows = "SELECT device_digest FROM sso_device_code WHERE place_digest IS NOT NULL";
    assert_eq!(any_rows(&provider.browser.server.world, rows).await.len(), 1, "it takes its network's place");
    let long = "x".repeat(2_000);
    let fields =
        [("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid"), ("state", &*long)];
    assert_eq!(refusal(&provider.post_as(&client, "par", &fields)), "invalid_request");
}
