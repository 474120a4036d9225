//! What becomes of tokens: refreshed, introspected, revoked, and ended with the session, the user or the consent.

use serde_json::{Value, json};
use zato_sso::domain::Edit;
use zato_sso::ops::Actor;

use crate::openid::{CALLBACK, FORM, ISSUER, Provider, VERIFIER, answer_of, authorize, error_of, refusal};
use crate::support::{Kind, ctx};

on_both_databases! {
    a_refresh_token_is_rotated_and_a_lost_answer_is_given_again;
    a_stolen_refresh_token_ends_the_family;
    simultaneous_refreshes_get_the_same_answer;
    refresh_tokens_end_when_unused_and_in_any_case;
    tokens_end_with_the_session_unless_they_may_go_on;
    tokens_of_a_locked_user_fail_at_once_also_on_another_node;
    opaque_tokens_are_looked_up;
    a_client_revokes_its_own_tokens_and_no_others;
    a_withdrawn_grant_ends_its_tokens;
    a_service_has_tokens_for_itself;
    altered_and_foreign_access_tokens_are_refused;
    pages_of_public_clients_may_read_answers;
    an_audience_is_one_that_is_registered;
    nothing_secret_is_stored_or_logged;
    what_has_expired_is_cleaned_up;
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

async fn a_refresh_token_is_rotated_and_a_lost_answer_is_given_again(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let first = provider.tokens(&client, &[("scope", "openid email")]);
    let answer = provider.refresh(&client, text(&first, "refresh_token"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let second = answer.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let id_token = provider.verified(text(&second, "id_token"));
    assert!(id_token.get("nonce").is_none());
    assert_eq!(id_token["auth_time"], provider.verified(text(&first, "id_token"))["auth_time"]);
    // The answer was lost: the same again, for ten seconds.
    provider.browser.server.world.clock.advance_seconds(9);
    let again = provider.refresh(&client, text(&first, "refresh_token")).json();
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    let third = provider.refresh(&client, text(&second, "refresh_token")).json();
    assert_eq!(provider.userinfo(text(&third, "access_token")).status, 200);
    // A narrower scope is for this access token alone.
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&third, "refresh_token")),
        ("scope", "email"),
    ];
    let narrow = provider.post_as(&client, "token", &fields).json();
    assert_eq!(narrow["scope"], "email");
    assert!(narrow.get("id_token").is_none());
    assert_eq!(provider.userinfo(text(&narrow, "access_token")).status, 403);
    let wide = provider.refresh(&client, text(&narrow, "refresh_token")).json();
    assert_eq!(wide["scope"], "openid email");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&wide, "refresh_token")),
        ("scope", "openid groups"),
    ];
    assert_eq!(refusal(&provider.post_as(&client, "token", &fields)), "invalid_scope");
}

async fn a_stolen_refresh_token_ends_the_family(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.client("spa", |_| {}).await;
    let first = provider.tokens(&client, &[]);
    let second = provider.refresh(&client, text(&first, "refresh_token")).json();
    provider.browser.server.world.clock.advance_seconds(10);
    assert_eq!(refusal(&provider.refresh(&client, text(&first, "refresh_token"))), "invalid_grant");
    assert_eq!(refusal(&provider.refresh(&client, text(&second, "refresh_token"))), "invalid_grant");
    assert_eq!(provider.userinfo(text(&second, "access_token")).status, 401);
    // The one before last is stolen whenever it comes.
    let first = provider.tokens(&client, &[]);
    let second = provider.refresh(&client, text(&first, "refresh_token")).json();
    let third = provider.refresh(&client, text(&second, "refresh_token")).json();
    assert_eq!(refusal(&provider.refresh(&client, text(&first, "refresh_token"))), "invalid_grant");
    assert_eq!(refusal(&provider.refresh(&client, text(&third, "refresh_token"))), "invalid_grant");
    // So is one that somebody made up from a part of a real one.
    let tokens = provider.tokens(&client, &[]);
    let real = text(&tokens, "refresh_token");
    let made_up = format!("{}{}", &real[..26], "A".repeat(43));
    assert_eq!(refusal(&provider.refresh(&client, &made_up)), "invalid_grant");
    assert_eq!(refusal(&provider.refresh(&client, real)), "invalid_grant");
    assert_eq!(refusal(&provider.refresh(&client, "zort")), "invalid_grant");
}

async fn simultaneous_refreshes_get_the_same_answer(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let first = provider.tokens(&client, &[]);
    let token = text(&first, "refresh_token");
    let provider = &provider;
    let client = &client;
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let refresh = || scope.spawn(move || provider.refresh(client, token).json());
        let running: Vec<_> = (0..4).map(|_| refresh()).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!(text(answer, "refresh_token"), text(&answers[0], "refresh_token"));
    }
}

async fn refresh_tokens_end_when_unused_and_in_any_case(kind: Kind) {
    let mut provider = Provider::with(kind, json!({"session.expiry": 100_000})).await;
    let client = provider
        .web(|new| {
            new.refresh_token_lifetime = Edit::Set(3_600);
            new.refresh_token_idle = Edit::Set(1_000);
        })
        .await;
    let clock = provider.browser.server.world.clock.clone();
    let mut tokens = provider.tokens(&client, &[]);
    for _ in 0..3 {
        clock.advance_seconds(999);
        tokens = provider.refresh(&client, text(&tokens, "refresh_token")).json();
    }
    clock.advance_seconds(603);
    assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
    let tokens = provider.tokens(&client, &[]);
    clock.advance_seconds(1_000);
    assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
}

async fn tokens_end_with_the_session_unless_they_may_go_on(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.access_token_format = Edit::Set("opaque".to_owned())).await;
    let bound = provider.tokens(&client, &[]);
    let free = provider.tokens(&client, &[("scope", "openid offline_access")]);
    let page = provider.browser.get("/logout");
    provider.submit(&page, "/logout", &[]).location();
    assert_eq!(provider.userinfo(text(&bound, "access_token")).status, 401);
    assert_eq!(refusal(&provider.refresh(&client, text(&bound, "refresh_token"))), "invalid_grant");
    assert_eq!(provider.introspect(&client, text(&bound, "access_token")), json!({"active": false}));
    assert_eq!(provider.userinfo(text(&free, "access_token")).status, 200);
    let free = provider.refresh(&client, text(&free, "refresh_token"));
    assert_eq!(free.status, 200, "{}", free.body);
    // A session that has expired has ended, deleted or not.
    let bound = provider.tokens(&client, &[]);
    provider.browser.server.world.clock.advance_seconds(3_600);
    assert_eq!(refusal(&provider.refresh(&client, text(&bound, "refresh_token"))), "invalid_grant");
    assert_eq!(provider.refresh(&client, text(&free.json(), "refresh_token")).status, 200);
}

async fn tokens_of_a_locked_user_fail_at_once_also_on_another_node(kind: Kind) {
    for ends in [true, false] {
        let mut provider = Provider::with(kind, json!({"session.end_on_lock": ends})).await;
        let client = provider.web(|_| {}).await;
        let tokens = provider.tokens(&client, &[("scope", "openid offline_access")]);
        let settings = json!({"oidc.issuer": ISSUER, "session.end_on_lock": ends});
        let other = provider.browser.server.world.reopened(settings).await;
        let user = other.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
        other.lock_user(&ctx(), Actor::Trusted(None), user.user.user_id.as_str()).await.unwrap();
        let access = text(&tokens, "access_token");
        assert_eq!(provider.userinfo(access).status, 401);
        assert_eq!(provider.introspect(&client, access), json!({"active": false}));
        assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
        other.close().await;
    }
}

async fn opaque_tokens_are_looked_up(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.access_token_format = Edit::Set("opaque".to_owned())).await;
    let tokens = provider.tokens(&client, &[("scope", "openid email")]);
    let access = text(&tokens, "access_token");
    assert!(access.starts_with("zoat"));
    let told = provider.introspect(&client, access);
    let id_token = provider.verified(text(&tokens, "id_token"));
    assert_eq!((&told["active"], &told["scope"]), (&json!(true), &json!("openid email")));
    assert_eq!((&told["sub"], &told["username"]), (&id_token["sub"], &json!(null)));
    let tokens_with_name = provider.tokens(&client, &[("scope", "openid profile")]);
    let told_with_name = provider.introspect(&client, text(&tokens_with_name, "access_token"));
    assert_eq!(told_with_name["username"], "user1");
    assert_eq!((&told["client_id"], &told["aud"]), (&json!(client.client_id), &json!(ISSUER)));
    assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 600);
    provider.browser.server.world.clock.advance_seconds(600);
    assert_eq!(provider.introspect(&client, access), json!({"active": false}));
    // Of a refresh token its own client learns, and nobody else.
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(provider.introspect(&client, refresh)["active"], true);
    let other = provider.web(|_| {}).await;
    assert_eq!(provider.introspect(&other, refresh), json!({"active": false}));
    let public = provider.client("spa", |_| {}).await;
    assert_eq!(
        refusal(&provider.post_as(&public, "introspect", &[("token", refresh)])),
        "unauthorized_client"
    );
}

async fn a_client_revokes_its_own_tokens_and_no_others(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    for format in ["jwt", "opaque"] {
        let client = provider.web(|new| new.access_token_format = Edit::Set(format.to_owned())).await;
        let other = provider.web(|_| {}).await;
        let tokens = provider.tokens(&client, &[]);
        let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        let revoke = |client, token: &str| provider.post_as(client, "revoke", &[("token", token)]).status;
        for token in [access, refresh, "nothing", "a.b.c"] {
            assert_eq!(revoke(&other, token), 200);
        }
        assert_eq!(provider.userinfo(access).status, 200);
        assert_eq!(revoke(&client, access), 200);
        assert_eq!(provider.userinfo(access).status, 401, "{format}");
        assert_eq!(provider.introspect(&client, access), json!({"active": false}));
        let answer = provider.refresh(&client, refresh);
        assert_eq!(answer.status, 200, "an access token alone was revoked");
        let tokens = answer.json();
        assert_eq!(revoke(&client, text(&tokens, "refresh_token")), 200);
        assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
        assert_eq!(provider.userinfo(text(&tokens, "access_token")).status, 401);
        assert_eq!(refusal(&provider.post_as(&client, "revoke", &[])), "invalid_request");
    }
}

async fn a_withdrawn_grant_ends_its_tokens(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let other = provider.web(|_| {}).await;
    let tokens = provider.tokens(&client, &[("scope", "openid offline_access")]);
    let kept = provider.tokens(&other, &[]);
    let sso = provider.browser.server.world.sso.clone();
    let session = provider.browser.server.world.login("user1").await;
    let grants = sso.list_user_grants(&ctx(), &session.ust, None).await.unwrap();
    let scopes: Vec<_> = grants
        .iter()
        .map(|grant| (grant.client_id.as_str() == client.client_id, grant.scopes.join(" ")))
        .collect();
    assert!(scopes.contains(&(true, "openid offline_access".to_owned())) && scopes.len() == 2, "{scopes:?}");
    sso.revoke_user_grant(&ctx(), &session.ust, &client.client_id, None).await.unwrap();
    assert_eq!(provider.userinfo(text(&tokens, "access_token")).status, 401);
    assert_eq!(refusal(&provider.refresh(&client, text(&tokens, "refresh_token"))), "invalid_grant");
    assert_eq!(provider.userinfo(text(&kept, "access_token")).status, 200);
    let again = sso.revoke_user_grant(&ctx(), &session.ust, &client.client_id, None).await;
    assert_eq!(crate::support::refusal(again), zato_sso::domain::Code::ClientNoSuchClient);
}

async fn a_service_has_tokens_for_itself(kind: Kind) {
    let provider = Provider::new(kind).await;
    let scopes = |new: &mut zato_sso::domain::ClientUpdate| {
        new.scopes = Edit::Set(vec!["reports:read".to_owned()]);
    };
    for format in ["jwt", "opaque"] {
        let client = provider
            .client("service", |new| {
                scopes(new);
                new.access_token_format = Edit::Set(format.to_owned());
                new.default_audience = Edit::Set("https://api.example".to_owned());
            })
            .await;
        let tokens = provider.post_as(&client, "token", &[("grant_type", "client_credentials")]).json();
        assert_eq!(tokens["scope"], "reports:read");
        assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
        let told = provider.introspect(&client, text(&tokens, "access_token"));
        assert_eq!((&told["active"], &told["sub"]), (&json!(true), &json!(client.client_id)), "{format}");
        assert_eq!(told["aud"], "https://api.example");
        assert_eq!(refusal(&provider.userinfo(text(&tokens, "access_token"))), "insufficient_scope");
        let fields = [("grant_type", "client_credentials"), ("scope", "reports:write")];
        assert_eq!(refusal(&provider.post_as(&client, "token", &fields)), "invalid_scope");
        // A client that is switched off has no tokens.
        let update = zato_sso::domain::ClientUpdate { is_active: Edit::Set(false), ..Default::default() };
        let sso = provider.browser.server.world.sso.clone();
        let other = provider.client("service", scopes).await;
        sso.update_client(&ctx(), Actor::Trusted(None), &client.client_id, update).await.unwrap();
        assert_eq!(provider.introspect(&other, text(&tokens, "access_token")), json!({"active": false}));
        let again = provider.post_as(&client, "token", &[("grant_type", "client_credentials")]);
        assert_eq!(refusal(&again), "invalid_client");
    }
}

async fn altered_and_foreign_access_tokens_are_refused(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let tokens = provider.tokens(&client, &[]);
    let access = text(&tokens, "access_token");
    let mut parts = access.split('.');
    let (_, claims, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let header = |json: &str| data_encoding::BASE64URL_NOPAD.encode(json.as_bytes());
    let none = header(r#"{"alg":"none","typ":"at+jwt"}"#);
    let hs = header(r#"{"alg":"HS256","typ":"at+jwt"}"#);
    for forged in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{hs}.{claims}.{signature}"),
        format!("{access}A"),
        text(&tokens, "id_token").to_owned(),
        text(&tokens, "refresh_token").to_owned(),
        "x".to_owned(),
    ] {
        let answer = provider.userinfo(&forged);
        assert_eq!(answer.status, 401, "{forged}");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
        let told = provider.introspect(&client, &forged);
        assert!(told["active"] == false || forged.starts_with("zort"), "{forged}");
    }
    // An access token is no hint, and nothing at all is no error.
    let place = provider.walk(&authorize(&client, &[("id_token_hint", access), ("prompt", "none")]));
    assert_eq!(error_of(&place).0, "invalid_request");
    let answer = provider.browser.server.ask("GET root:/oauth2/userinfo", &[], "");
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"zato-sso\"")));
    // By the form it works as well, in the address it does not, nor twice.
    let by_form = provider.post("userinfo", &[], &[("access_token", access)]);
    assert_eq!(by_form.status, 200);
    let header = format!("Authorization: Bearer {access}");
    assert_eq!(
        refusal(&provider.post("userinfo", &[&header], &[("access_token", access)])),
        "invalid_request"
    );
    let path = format!("GET root:/oauth2/userinfo?access_token={access}");
    assert_eq!(provider.browser.server.ask(&path, &[], "").status, 401);
    provider.browser.server.world.clock.advance_seconds(600);
    assert_eq!(provider.userinfo(access).status, 401);
}

async fn pages_of_public_clients_may_read_answers(kind: Kind) {
    let provider = Provider::new(kind).await;
    provider.client("spa", |_| {}).await;
    let ask = |line: &str, origin: &str| {
        let origin = format!("Origin: {origin}");
        provider.browser.server.ask(line, &[&origin, FORM], "")
    };
    let allowed = "access-control-allow-origin";
    for line in [
        "GET root:/.well-known/openid-configuration",
        "GET root:/oauth2/jwks.json",
        "POST root:/oauth2/token",
        "OPTIONS root:/oauth2/token",
        "GET root:/oauth2/userinfo",
        "POST root:/oauth2/revoke",
    ] {
        let answer = ask(line, "https://app.example");
        assert_eq!(answer.header(allowed), Some("https://app.example"), "{line}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{line}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        for origin in
            ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"]
        {
            assert_eq!(ask(line, origin).header(allowed), None, "{line} {origin}");
        }
    }
    let preflight = ask("OPTIONS root:/oauth2/token", "https://app.example");
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("DPoP"));
    for line in ["POST root:/oauth2/introspect", "POST root:/oauth2/par", "GET root:/oauth2/authorize"] {
        assert_eq!(ask(line, "https://app.example").header(allowed), None, "{line}");
    }
}

async fn an_audience_is_one_that_is_registered(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let audiences = ["https://a.example", "https://b.example"].map(str::to_owned).to_vec();
    let client = provider.web(|new| new.audiences = Edit::Set(audiences)).await;
    let code = provider.code(&client, &[("resource", "https://a.example")]);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let other = fields.into_iter().chain([("resource", "https://b.example")]).collect::<Vec<_>>();
    assert_eq!(refusal(&provider.post_as(&client, "token", &other)), "invalid_target");
    let tokens = provider.post_as(&client, "token", &fields).json();
    assert_eq!(provider.verified(text(&tokens, "access_token"))["aud"], "https://a.example");
    let place = provider.walk(&authorize(&client, &[("resource", "https://c.example")]));
    assert_eq!(error_of(&place).0, "invalid_target");
    assert!(answer_of(&place, "error_description").unwrap().contains("https://a.example https://b.example"));
}

async fn nothing_secret_is_stored_or_logged(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.access_token_format = Edit::Set("opaque".to_owned())).await;
    let code = provider.code(&client, &[]);
    let tokens = provider.redeem(&client, &code).json();
    let next = provider.refresh(&client, text(&tokens, "refresh_token")).json();
    let stored = crate::support::dump(&provider.browser.server.world).await;
    assert!(stored.contains(&client.client_id));
    for secret in [
        code.as_str(),
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
        text(&next, "refresh_token"),
        &text(&next, "refresh_token")[4..26],
        client.secret.as_deref().unwrap(),
    ] {
        assert!(!stored.contains(secret), "{secret}");
    }
}

async fn what_has_expired_is_cleaned_up(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.access_token_format = Edit::Set("opaque".to_owned())).await;
    provider.tokens(&client, &[("scope", "openid offline_access")]);
    let (challenge, state) = (crate::openid::challenge(), "x".repeat(2_000));
    let fields = [
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
        // Its name does not have room for that, so it is kept.
        ("state", &*state),
    ];
    assert_eq!(provider.post_as(&client, "par", &fields).status, 201);
    provider.browser.server.world.clock.advance_seconds(400 * 86_400);
    let world = &provider.browser.server.world;
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    let count =
        |name: &str| cleaned.counts().iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
    for name in ["openid_sign_ins", "openid_codes", "openid_tokens", "openid_requests"] {
        assert_eq!(count(name), Some(1), "{name}: {cleaned:?}");
    }
    for table in ["sso_authorization", "sso_authorization_code", "sso_access_token", "sso_pushed_request"] {
        let rows =
            crate::support::any_rows(world, &format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await;
        assert_eq!(rows[0], b"0", "{table}");
    }
}
