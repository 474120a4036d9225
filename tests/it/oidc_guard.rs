//! What clients, and strangers by way of them, may not: be taken for another, learn of others' tokens, keep more than they are
//! registered for, or leave behind as much as they like.

use serde_json::{Value, json};
use url::Url;
use zato_sso::domain::{ClientUpdate, Edit};
use zato_sso::ops::Actor;

use crate::openid::{
    CALLBACK, ISSUER, Provider, Registered, VERIFIER, answer_of, authorize, challenge, error_of, path_of,
    refusal,
};
use crate::page::encoded;
use crate::support::{Kind, PASSWORD, START, any_rows, ctx};

on_both_databases! {
    a_native_client_is_never_answered_silently;
    a_client_learns_of_its_own_tokens_and_of_those_for_it;
    pairwise_clients_have_no_name_in_common;
    a_token_for_an_api_is_not_one_for_userinfo;
    scopes_that_a_client_may_not_have_are_ignored;
    who_is_registered_for_less_has_less_at_the_next_refresh;
    sign_ins_that_are_in_use_are_not_the_first_to_go;
    what_a_public_client_pushes_is_not_kept_and_works_once;
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

const LOOPBACK: &str = "http://127.0.0.1/callback";
const LINK: &str = "https://app.example/link";

async fn a_native_client_is_never_answered_silently(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    for is_trusted in [false, true] {
        let native = |new: &mut ClientUpdate| {
            new.redirect_uris = Edit::Set([LOOPBACK, LINK].map(str::to_owned).to_vec());
            new.is_trusted = Edit::Set(is_trusted);
        };
        let client = provider.client("native", native).await;
        let to =
            |uri: &str, more: &[(&str, &str)]| authorize(&client, &[&[("redirect_uri", uri)], more].concat());
        provider.browser.cookies.clear();
        // That somebody has just signed in says nothing: another application may have begun before.
        let login = provider.browser.get(&to(LOOPBACK, &[])).location().to_owned();
        let page = provider.browser.get(&login);
        let fields = [("username", "user1"), ("password", PASSWORD)];
        let next = provider.submit(&page, "/login", &fields).location().to_owned();
        let next = path_of(&Url::parse(ISSUER).unwrap().join("/login").unwrap().join(&next).unwrap());
        let location = provider.browser.get(&next).location().to_owned();
        assert!(location.starts_with("/consent?"), "{location}");
        let place = provider.walk_as(&to(LOOPBACK, &[]), "user1", "yes");
        assert!(answer_of(&place, "code").is_some(), "{place}");
        for _ in 0..2 {
            let location = provider.browser.get(&to(LOOPBACK, &[])).location().to_owned();
            assert!(location.starts_with("/consent?"), "{location}");
        }
        let place = provider.walk(&to("http://127.0.0.1:7001/callback", &[("prompt", "none")]));
        assert_eq!(error_of(&place).0, "consent_required");
        let place = provider.walk_as(&to(LOOPBACK, &[]), "user1", "no");
        assert_eq!(error_of(&place).0, "access_denied");
        // A link belongs to the owner of its host: no other application is sent there.
        assert!(provider.browser.get(&to(LINK, &[])).location().starts_with(LINK));
    }
}

async fn a_client_learns_of_its_own_tokens_and_of_those_for_it(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let api = "https://api.example";
    let service = |own: &str| {
        let own = own.to_owned();
        move |new: &mut ClientUpdate| {
            if !own.is_empty() {
                new.own_audiences = Edit::Set(vec![own]);
            }
        }
    };
    let resource_server = provider.client("service", service(api)).await;
    let stranger = provider.client("service", service("")).await;
    let other_api = provider.client("service", service("https://other.example")).await;
    for format in ["jwt", "opaque"] {
        let audiences = vec![api.to_owned(), stranger.client_id.clone()];
        let client = provider
            .web(|new| {
                new.audiences = Edit::Set(audiences);
                new.access_token_format = Edit::Set(format.to_owned());
            })
            .await;
        let tokens = provider.tokens(&client, &[("scope", "openid profile"), ("resource", api)]);
        let access = text(&tokens, "access_token");
        assert_eq!(provider.introspect(&client, access)["username"], "user1");
        assert_eq!(provider.introspect(&resource_server, access)["aud"], api, "{format}");
        for other in [&stranger, &other_api] {
            assert_eq!(provider.introspect(other, access), json!({"active": false}), "{format}");
        }
        let tokens = provider.tokens(&client, &[("resource", &stranger.client_id)]);
        let access = text(&tokens, "access_token");
        assert_eq!(provider.introspect(&stranger, access)["active"], true, "it is named by its id");
        assert_eq!(provider.introspect(&resource_server, access), json!({"active": false}));
    }
}

async fn pairwise_clients_have_no_name_in_common(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let mut seen = Vec::new();
    for sector in ["one.example", "one.example", "two.example", ""] {
        let client = provider
            .web(|new| {
                new.pairwise_sector = Edit::Set(sector.to_owned());
                new.is_trusted = Edit::Set(true);
            })
            .await;
        let tokens = provider.tokens(&client, &[]);
        let id_token = provider.verified(text(&tokens, "id_token"));
        let access = provider.verified(text(&tokens, "access_token"));
        let told = provider.introspect(&client, text(&tokens, "access_token"));
        let sid = id_token["sid"].as_str().unwrap().to_owned();
        assert_eq!((&access["sid"], &told["sid"]), (&json!(sid), &json!(sid)));
        seen.push((id_token["sub"].as_str().unwrap().to_owned(), sid, tokens));
    }
    assert_eq!((&seen[0].0, &seen[0].1), (&seen[1].0, &seen[1].1));
    for (one, other) in [(0, 2), (0, 3), (2, 3)] {
        assert_ne!(seen[one].0, seen[other].0);
        assert_ne!(seen[one].1, seen[other].1);
    }
    // By it the client still knows which session it is.
    let query = encoded([("id_token_hint", text(&seen[2].2, "id_token"))].into_iter());
    assert_eq!(provider.browser.get(&format!("/oauth2/logout?{query}")).location(), "/login?done=logout");
    assert_eq!(provider.userinfo(text(&seen[0].2, "access_token")).status, 401);
}

async fn a_token_for_an_api_is_not_one_for_userinfo(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let api = "https://api.example";
    let client = provider.web(|new| new.default_audience = Edit::Set(api.to_owned())).await;
    let asked = [("resource", api)];
    let tokens = provider.tokens(&client, &asked);
    let answer = provider.userinfo(text(&tokens, "access_token"));
    assert_eq!((answer.status, refusal(&answer)), (401, "invalid_token".to_owned()));
    assert!(answer.body.contains("https://api.example") && answer.body.contains(ISSUER), "{}", answer.body);
    // The default is for both, if the user has signed in; and the issuer may be named.
    let tokens = provider.tokens(&client, &[]);
    assert_eq!(provider.verified(text(&tokens, "access_token"))["aud"], json!([api, ISSUER]));
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).status, 200);
    let tokens = provider.tokens(&client, &[("resource", ISSUER)]);
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).status, 200);
    let tokens = provider.tokens(&client, &[("scope", "email")]);
    assert_eq!(provider.verified(text(&tokens, "access_token"))["aud"], api);
}

async fn scopes_that_a_client_may_not_have_are_ignored(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.scopes = Edit::Set(vec!["openid".to_owned()])).await;
    let tokens = provider.tokens(&client, &[("scope", "openid phone groups")]);
    assert_eq!(tokens["scope"], "openid");
    let ignored = "SELECT extra FROM sso_audit WHERE op = 'openid.authorize' ORDER BY event_time DESC";
    let noted = any_rows(&provider.browser.server.world, ignored).await;
    let noted = String::from_utf8(noted[0].clone()).unwrap();
    assert!(noted.contains("phone groups"), "{noted}");
    let place = provider.walk(&authorize(&client, &[("scope", "phone")]));
    assert_eq!(error_of(&place).0, "invalid_scope");
}

async fn who_is_registered_for_less_has_less_at_the_next_refresh(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let sso = provider.browser.server.world.sso.clone();
    let client = provider
        .web(|new| {
            new.is_trusted = Edit::Set(true);
            new.redirect_uris = Edit::Set(vec![CALLBACK.to_owned(), "https://app.example/other".to_owned()]);
        })
        .await;
    let change = async |update: ClientUpdate| {
        sso.update_client(&ctx(), Actor::Trusted(None), &client.client_id, update).await.unwrap();
    };
    let names = |names: &[&str]| Edit::Set(names.iter().map(|name| (*name).to_owned()).collect());
    let tokens = provider.tokens(&client, &[("scope", "openid email groups")]);
    let offline = provider.tokens(&client, &[("scope", "openid offline_access")]);
    change(ClientUpdate { scopes: names(&["openid", "email"]), ..ClientUpdate::default() }).await;
    let tokens = provider.refresh(&client, text(&tokens, "refresh_token")).json();
    assert_eq!(tokens["scope"], "openid email");
    let refused = provider.refresh(&client, text(&offline, "refresh_token"));
    assert_eq!(refusal(&refused), "invalid_grant");
    assert!(refused.body.contains("offline_access"), "{}", refused.body);
    assert_eq!(provider.userinfo(text(&offline, "access_token")).status, 401, "its sign-in has ended");

    let uris = names(&["https://app.example/other"]);
    change(ClientUpdate { redirect_uris: uris, ..ClientUpdate::default() }).await;
    let refused = provider.refresh(&client, text(&tokens, "refresh_token"));
    assert_eq!(refusal(&refused), "invalid_grant");
    assert!(refused.body.contains(CALLBACK), "{}", refused.body);

    let uris = names(&[CALLBACK]);
    change(ClientUpdate { redirect_uris: uris, ..ClientUpdate::default() }).await;
    let tokens = provider.tokens(&client, &[]);
    let grants = names(&["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]);
    change(ClientUpdate { grants, ..ClientUpdate::default() }).await;
    assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
}

async fn sign_ins_that_are_in_use_are_not_the_first_to_go(kind: Kind) {
    let mut provider = Provider::with(kind, json!({"session.expiry": 100_000})).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let clock = provider.browser.server.world.clock.clone();
    let used = provider.tokens(&client, &[]);
    let unused = provider.tokens(&client, &[]);
    clock.advance_seconds(3_600);
    let used = provider.refresh(&client, text(&used, "refresh_token")).json();
    for _ in 0..102 {
        provider.code(&client, &[]);
    }
    let used = provider.refresh(&client, text(&used, "refresh_token"));
    assert_eq!(used.status, 200, "it was used a moment ago");
    assert_eq!(refusal(&provider.refresh(&client, text(&unused, "refresh_token"))), "invalid_grant");
    // Those that are over go before one that was not used for long.
    clock.advance_seconds(3_600);
    provider.code(&client, &[]);
    assert_eq!(provider.refresh(&client, text(&used.json(), "refresh_token")).status, 200);
    let rows =
        any_rows(&provider.browser.server.world, "SELECT authorization_id FROM sso_authorization").await;
    assert!(rows.len() <= 100, "{}", rows.len());
}

async fn what_a_public_client_pushes_is_not_kept_and_works_once(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.client("spa", |_| {}).await;
    let other = provider.client("spa", |_| {}).await;
    let challenge = challenge();
    let fields = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let push = |provider: &Provider| {
        let answer = provider.post_as(&client, "par", &fields);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["request_uri"].as_str().unwrap().to_owned()
    };
    let path = |client: &Registered, uri: &str| {
        let pairs = [("client_id", client.client_id.as_str()), ("request_uri", uri)];
        format!("/oauth2/authorize?{}", encoded(pairs.into_iter()))
    };
    let uri = push(&provider);
    let rows =
        any_rows(&provider.browser.server.world, "SELECT request_digest FROM sso_pushed_request").await;
    assert!(rows.is_empty());
    provider.browser.get(&path(&other, &uri)).shows(400, "push the request again");
    let altered = format!("{}A", &uri[..uri.len() - 1]);
    provider.browser.get(&path(&client, &altered)).shows(400, "push the request again");
    let place = provider.walk(&path(&client, &uri));
    let code = answer_of(&place, "code").unwrap_or_else(|| panic!("{place}"));
    let redeemed = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(provider.post_as(&client, "token", &redeemed).status, 200);
    // That it was used is noted for longer than any browser that came with it has.
    let noted = "SELECT CAST(expiration_time AS TEXT) FROM sso_used_jwt";
    let noted = any_rows(&provider.browser.server.world, noted).await;
    assert_eq!(noted, [START.plus_minutes(32).as_micros().to_string().into_bytes()]);
    assert_eq!(error_of(&provider.walk(&path(&client, &uri))).0, "invalid_request_uri", "it works once");
    let uri = push(&provider);
    provider.browser.server.world.clock.advance_seconds(60);
    provider.browser.get(&path(&client, &uri)).shows(400, "push the request again");
    // It has to fit into an address.
    let long = "x".repeat(2_000);
    let fields: Vec<_> = fields.into_iter().chain([("state", long.as_str())]).collect();
    assert_eq!(refusal(&provider.post_as(&client, "par", &fields)), "invalid_request");
    // Of a client that proves who it is, only what does not fit is kept: strangers make it push as often as they like.
    let web = provider.web(|_| {}).await;
    for (fields, kept) in [(&fields[..5], 0), (&fields[..], 1)] {
        assert_eq!(provider.post_as(&web, "par", fields).status, 201);
        let rows = "SELECT request_digest FROM sso_pushed_request";
        assert_eq!(any_rows(&provider.browser.server.world, rows).await.len(), kept);
    }
}
