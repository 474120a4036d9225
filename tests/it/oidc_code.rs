//! Signing in at a client by the code flow: from the first request to verified tokens, and all that a client or a stranger may get
//! wrong on the way.

use serde_json::json;
use zato_sso::domain::Edit;

use crate::openid::{
    CALLBACK, ISSUER, Provider, VERIFIER, answer_of, authorize, challenge, error_of, path_of, refusal,
};
use crate::page::encoded;
use crate::support::{Kind, START};

on_both_databases! {
    a_client_signs_a_user_in;
    an_unknown_client_or_redirect_uri_is_a_page_and_never_a_redirect;
    what_else_is_wrong_goes_back_to_the_client;
    consent_is_remembered_and_asked_for_again_for_more;
    a_no_goes_back_to_the_client;
    trusted_clients_never_ask;
    prompt_none_shows_nothing;
    prompt_login_and_max_age_ask_for_the_password_again;
    answers_come_as_the_client_wants_them;
    a_code_is_good_once_and_for_its_client_alone;
    a_second_use_of_a_code_ends_its_tokens;
    a_code_is_good_for_a_minute;
    verifiers_are_checked;
    who_goes_by_an_id_token_is_the_same_user;
    a_pushed_request_works_once;
    a_browser_that_posts_is_sent_on;
    one_session_signs_in_to_two_clients;
    pages_let_their_forms_lead_to_the_client;
    who_comes_by_a_form_goes_on_by_a_page;
    who_signs_up_comes_back_to_the_client;
    the_second_factor_is_told;
}

async fn a_client_signs_a_user_in(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let metadata = provider.browser.server.ask("GET root:/.well-known/openid-configuration", &[], "").json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["authorization_endpoint"], format!("{ISSUER}/oauth2/authorize"));
    let same =
        provider.browser.server.ask("GET root:/.well-known/oauth-authorization-server", &[], "").json();
    assert_eq!(metadata, same);

    let place = provider.walk(&authorize(&client, &[("scope", "openid profile")]));
    assert!(place.as_str().starts_with(CALLBACK));
    assert_eq!(answer_of(&place, "state").as_deref(), Some("s t&ate"));
    assert_eq!(answer_of(&place, "iss").as_deref(), Some(ISSUER));
    let code = answer_of(&place, "code").unwrap();
    let answer = provider.redeem(&client, &code);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(tokens["scope"], "openid profile");

    let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
    let now = START.as_micros() / 1_000_000;
    assert_eq!(id_token["iss"], ISSUER);
    assert_eq!((&id_token["aud"], &id_token["azp"]), (&json!(client.client_id), &json!(client.client_id)));
    assert_eq!((&id_token["nonce"], &id_token["auth_time"]), (&json!("n-1"), &json!(now)));
    assert_eq!((&id_token["iat"], &id_token["exp"]), (&json!(now), &json!(now + 600)));
    assert_eq!((&id_token["acr"], &id_token["amr"]), (&json!("urn:zato-sso:1"), &json!(["pwd"])));
    assert_eq!(id_token["preferred_username"], "user1");
    assert!(id_token["at_hash"].is_string() && id_token["sid"].is_string());

    let access = provider.verified(tokens["access_token"].as_str().unwrap());
    assert_eq!(
        (&access["client_id"], &access["scope"]),
        (&json!(client.client_id), &json!("openid profile"))
    );
    assert_eq!((&access["sub"], &access["aud"]), (&id_token["sub"], &json!(ISSUER)));
    let info = provider.userinfo(tokens["access_token"].as_str().unwrap()).json();
    let expected = json!({"sub": id_token["sub"], "preferred_username": "user1", "updated_at": START.as_micros() / 1_000_000});
    assert_eq!(info, expected);
}

async fn an_unknown_client_or_redirect_uri_is_a_page_and_never_a_redirect(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    for (name, value) in [
        ("client_id", "zcli00000000000000000000000000"),
        ("client_id", "x"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "https://app.example/callback/"),
        ("redirect_uri", "https://app.example/callback?x=1"),
        ("redirect_uri", "https://app.example/callback#x"),
        ("redirect_uri", "https://APP.example/callback"),
        ("redirect_uri", "https://app.example/callback/../callback"),
        ("redirect_uri", "//app.example/callback"),
        ("redirect_uri", ""),
    ] {
        let seen = provider.browser.get(&authorize(&client, &[(name, value)]));
        seen.shows(400, "The application asked for something that cannot be done");
        assert!(seen.header("location").is_none() && !seen.text().contains("evil.example"), "{value}");
        assert!(!seen.text().contains(CALLBACK), "what is registered is for the log");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", authorize(&client, &[]));
    provider.browser.get(&twice).shows(400, "twice");
}

async fn what_else_is_wrong_goes_back_to_the_client(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.scopes = Edit::Set(vec!["openid".to_owned()])).await;
    for (more, error, why) in [
        ([("response_type", "token"), ("", "")], "unsupported_response_type", "code"),
        ([("response_type", ""), ("", "")], "invalid_request", "response_type is missing"),
        ([("code_challenge", ""), ("code_challenge_method", "")], "invalid_request", "S256"),
        ([("code_challenge_method", "plain"), ("", "")], "invalid_request", "plain"),
        ([("code_challenge", VERIFIER), ("code_challenge_method", "")], "invalid_request", "S256"),
        ([("scope", "admin"), ("", "")], "invalid_scope", "this client may ask for openid, not for admin"),
        ([("request", "a.b.c"), ("", "")], "request_not_supported", "push"),
        ([("request_uri", "https://app.example/r"), ("", "")], "request_uri_not_supported", "pushed"),
        ([("resource", "https://api.example"), ("", "")], "invalid_target", "registered"),
        ([("prompt", "none login"), ("", "")], "invalid_request", "none"),
        ([("claims", "{"), ("", "")], "invalid_request", "JSON"),
        ([("max_age", "soon"), ("", "")], "invalid_request", "seconds"),
        ([("response_mode", "smoke"), ("", "")], "invalid_request", "form_post"),
        ([("id_token_hint", "a.b.c"), ("prompt", "none")], "login_required", "nobody"),
    ] {
        let more: Vec<_> = more.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        let place = provider.walk(&authorize(&client, &more));
        let (found, told) = error_of(&place);
        assert_eq!(found, error, "{more:?} {told}");
        assert!(told.contains(why), "{more:?} {told}");
        assert_eq!(answer_of(&place, "state").as_deref(), Some("s t&ate"));
        assert_eq!(answer_of(&place, "iss").as_deref(), Some(ISSUER));
    }
}

async fn consent_is_remembered_and_asked_for_again_for_more(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    provider.code(&client, &[]);
    let asks = |provider: &mut Provider, more: &[(&str, &str)]| {
        provider.browser.get(&authorize(&client, more)).location().to_owned()
    };
    assert!(asks(&mut provider, &[]).starts_with(CALLBACK));
    let location = asks(&mut provider, &[("scope", "openid email")]);
    assert!(location.starts_with("/consent?"), "{location}");
    let page = provider.browser.get(&location);
    page.shows(200, "Example asks for access");
    page.shows(200, "Your email address");
    page.shows(200, "https://app.example");
    provider.code(&client, &[("scope", "openid email")]);
    assert!(asks(&mut provider, &[("scope", "openid email")]).starts_with(CALLBACK));
    assert!(asks(&mut provider, &[("prompt", "consent")]).starts_with("/consent?"));
    provider.code(&client, &[("prompt", "consent")]);

    // What was allowed is on a page of the account, and is withdrawn there.
    let page = provider.browser.get("/account/applications");
    page.shows(200, "Example");
    provider.submit(&page, "/account/applications", &[("client_id", &client.client_id)]).location();
    assert!(asks(&mut provider, &[]).starts_with("/consent?"));
}

async fn a_no_goes_back_to_the_client(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let place = provider.walk_as(&authorize(&client, &[]), "user1", "no");
    assert_eq!(error_of(&place).0, "access_denied");
    let location = provider.browser.get(&authorize(&client, &[])).location().to_owned();
    assert!(location.starts_with("/consent?"), "a no is not remembered");
    // A form of another site says nothing.
    let page = provider.browser.get(&location);
    let body = encoded([("answer", "yes"), ("request", &*page.input("request"))].into_iter());
    provider
        .browser
        .send("POST", "/consent", &["Sec-Fetch-Site: cross-site"], &body)
        .shows(403, "not sent from here");
    provider.browser.send("POST", "/consent", &[], &body).shows(403, "too old");
    assert!(provider.browser.get(&authorize(&client, &[])).location().starts_with("/consent?"));
}

async fn trusted_clients_never_ask(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let place = provider.walk_as(&authorize(&client, &[("prompt", "consent")]), "user1", "no");
    assert!(answer_of(&place, "code").is_some(), "{place}");
    provider.browser.get("/account/applications").shows(200, "Example");
}

async fn prompt_none_shows_nothing(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let none = authorize(&client, &[("prompt", "none")]);
    assert_eq!(error_of(&provider.walk(&none)).0, "login_required");
    provider.browser.sign_in("user1");
    assert_eq!(error_of(&provider.walk(&none)).0, "consent_required");
    provider.code(&client, &[]);
    let place = provider.walk(&none);
    assert!(answer_of(&place, "code").is_some(), "{place}");
    provider.browser.server.world.clock.advance_seconds(60);
    let place = provider.walk(&authorize(&client, &[("prompt", "none"), ("max_age", "30")]));
    assert_eq!(error_of(&place).0, "login_required");
}

fn session_cookie(provider: &Provider) -> String {
    let mut cookies = provider.browser.cookies.iter();
    cookies.find(|(name, _)| name.contains("session")).map(|(_, value)| value.clone()).unwrap()
}

async fn prompt_login_and_max_age_ask_for_the_password_again(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let other = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let sso = provider.browser.server.world.sso.clone();
    let mut before = provider.tokens(&other, &[]);
    for (name, value) in [("prompt", "login"), ("max_age", "10"), ("max_age", "0")] {
        provider.browser.server.world.clock.advance_seconds(60);
        let path = authorize(&client, &[(name, value)]);
        let location = provider.browser.get(&path).location().to_owned();
        assert!(location.starts_with("/login?again=1"), "{location}");
        // The way back alone proves nothing.
        let next = url::Url::parse(ISSUER).unwrap().join(&location).unwrap();
        let next = answer_of(&next, "next").unwrap();
        assert!(provider.browser.get(&next).location().starts_with("/login?again=1"), "{name}");
        let cookie = session_cookie(&provider);
        let place = provider.walk(&path);
        let code = answer_of(&place, "code").unwrap_or_else(|| panic!("{name} {place}"));
        let tokens = provider.redeem(&client, &code).json();
        // It is the same session, where other clients stay signed in, by a new token.
        assert_ne!(session_cookie(&provider), cookie);
        let sid = provider.verified(tokens["id_token"].as_str().unwrap())["sid"].clone();
        let kept = provider.refresh(&other, before["refresh_token"].as_str().unwrap());
        assert_eq!(kept.status, 200, "{}", kept.body);
        before = kept.json();
        assert_eq!(provider.verified(before["id_token"].as_str().unwrap())["sid"], sid);
        let former = zato_sso::domain::Ust::from(cookie);
        assert!(sso.get_current_user(&crate::support::ctx(), former, false).await.is_err());
        let now = provider.browser.server.world.sso.now().as_micros() / 1_000_000;
        assert_eq!(provider.verified(tokens["id_token"].as_str().unwrap())["auth_time"], now);
    }
    // Somebody else does not go on with it.
    provider.browser.server.world.user("user2").await;
    provider.walk_as(&authorize(&client, &[("prompt", "login")]), "user2", "yes");
    assert_eq!(
        refusal(&provider.refresh(&other, before["refresh_token"].as_str().unwrap())),
        "invalid_grant"
    );
    // A progress that somebody made up counts for nothing.
    let forged = format!("{}&zato_sso_progress=AAAA", authorize(&client, &[("prompt", "login")]));
    provider.browser.server.world.clock.advance_seconds(60);
    assert!(provider.browser.get(&forged).location().starts_with("/login?again=1"));
}

async fn answers_come_as_the_client_wants_them(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let place = provider.walk(&authorize(&client, &[("response_mode", "fragment")]));
    assert!(place.query().is_none() && place.fragment().unwrap().starts_with("code="), "{place}");
    let page = provider.browser.get(&authorize(&client, &[("response_mode", "form_post")]));
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("action=\"{}\"", CALLBACK.replace('/', "&#x2f;"))), "{}", page.body);
    assert_eq!((page.input("state"), page.input("iss")), ("s t&ate".to_owned(), ISSUER.to_owned()));
    assert_eq!(provider.redeem(&client, &page.input("code")).status, 200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    // The client may redirect what it gets.
    assert!(!page.header("content-security-policy").unwrap().contains("form-action"));
}

async fn a_code_is_good_once_and_for_its_client_alone(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let other = provider.web(|_| {}).await;
    let code = provider.code(&client, &[]);
    let field = |name: &str, value: &str| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let (name, value) = (name.to_owned(), value.to_owned());
        fields.retain(|(known, _)| *known != name);
        let mut all: Vec<(String, String)> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.push((name, value));
        all
    };
    for (whose, name, value, error) in [
        (&other, "code", code.as_str(), "invalid_grant"),
        (&client, "code", &code[1..], "invalid_grant"),
        (&client, "code", "", "invalid_request"),
        (&client, "redirect_uri", "https://app.example/other", "invalid_grant"),
        (&client, "redirect_uri", "", "invalid_request"),
        (&client, "grant_type", "password", "unsupported_grant_type"),
        (&client, "grant_type", "client_credentials", "unauthorized_client"),
        (&client, "grant_type", "", "invalid_request"),
    ] {
        let fields = field(name, value);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = provider.post_as(whose, "token", &fields);
        assert_eq!(refusal(&answer), error, "{name} {value} {}", answer.body);
    }
    // Whoever cannot prove to be the client learns nothing.
    let answer = provider.post("token", &[], &[("grant_type", "authorization_code"), ("code", &code)]);
    assert_eq!((answer.status, refusal(&answer)), (401, "invalid_client".to_owned()));
    assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
    let wrong = crate::openid::Registered { secret: Some("wrong".to_owned()), ..client.clone() };
    assert_eq!(refusal(&provider.redeem(&wrong, &code)), "invalid_client");
    assert_eq!(provider.redeem(&client, &code).status, 200);
}

async fn a_second_use_of_a_code_ends_its_tokens(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let code = provider.code(&client, &[]);
    let tokens = provider.redeem(&client, &code).json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(provider.userinfo(access).status, 200);
    provider.browser.server.world.clock.advance_seconds(120);
    assert_eq!(refusal(&provider.redeem(&client, &code)), "invalid_grant");
    assert_eq!(provider.userinfo(access).status, 401);
    assert_eq!(
        refusal(&provider.refresh(&client, tokens["refresh_token"].as_str().unwrap())),
        "invalid_grant"
    );
    assert_eq!(provider.introspect(&client, access), json!({"active": false}));
}

async fn a_code_is_good_for_a_minute(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let code = provider.code(&client, &[]);
    provider.browser.server.world.clock.advance_seconds(60);
    assert_eq!(refusal(&provider.redeem(&client, &code)), "invalid_grant");
    // Nor does it outlive the session that it comes of.
    let code = provider.code(&client, &[]);
    let page = provider.browser.get("/logout");
    provider.submit(&page, "/logout", &[]).location();
    assert_eq!(refusal(&provider.redeem(&client, &code)), "invalid_grant");
}

async fn verifiers_are_checked(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let code = provider.code(&client, &[]);
    let redeem = |provider: &Provider, code: &str, verifier: Option<&str>| {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        provider.post_as(&client, "token", &fields)
    };
    let challenge = challenge();
    for verifier in [None, Some(challenge.as_str()), Some("short"), Some(&VERIFIER[1..])] {
        assert_eq!(refusal(&redeem(&provider, &code, verifier)), "invalid_grant", "{verifier:?}");
    }
    assert_eq!(redeem(&provider, &code, Some(VERIFIER)).status, 200);

    // Older software may do without, if its registration says so; but not by half.
    let client = provider.web(|new| new.require_pkce = Edit::Set(false)).await;
    let code = provider.code(&client, &[("code_challenge", ""), ("code_challenge_method", "")]);
    let redeem = |verifier: Option<&str>| {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        provider.post_as(&client, "token", &fields)
    };
    assert_eq!(refusal(&redeem(Some(VERIFIER))), "invalid_grant");
    assert_eq!(redeem(None).status, 200);
}

async fn who_goes_by_an_id_token_is_the_same_user(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    provider.browser.server.world.user("user2").await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let tokens = provider.tokens(&client, &[]);
    let hint = tokens["id_token"].as_str().unwrap().to_owned();
    let with_hint = authorize(&client, &[("id_token_hint", &hint), ("prompt", "none")]);
    assert!(answer_of(&provider.walk(&with_hint), "code").is_some());
    // Unsigned and altered ones are refused.
    let mut parts = hint.split('.');
    let (_, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let none = data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    for forged in [format!("{none}.{claims}.AA"), format!("{none}.{claims}."), format!("{hint}A")] {
        let place = provider.walk(&authorize(&client, &[("id_token_hint", &forged), ("prompt", "none")]));
        assert_eq!(error_of(&place).0, "invalid_request", "{forged}");
    }
    provider.browser.sign_in("user2");
    assert_eq!(error_of(&provider.walk(&with_hint)).0, "login_required");
    // Where something may be shown, the other one is asked to sign in; if they do not, the client is told.
    let with_hint = authorize(&client, &[("id_token_hint", &hint)]);
    assert_eq!(error_of(&provider.walk_as(&with_hint, "user2", "yes")).0, "login_required");
    assert!(answer_of(&provider.walk_as(&with_hint, "user1", "yes"), "code").is_some());
    // It may have expired.
    provider.browser.server.world.clock.advance_seconds(3_000);
    assert!(answer_of(&provider.walk(&with_hint), "code").is_some());
}

async fn a_pushed_request_works_once(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let other = provider.web(|_| {}).await;
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
        assert_eq!((answer.status, &answer.json()["expires_in"]), (201, &json!(60)), "{}", answer.body);
        answer.json()["request_uri"].as_str().unwrap().to_owned()
    };
    let path = |client_id: &str, uri: &str| {
        format!("/oauth2/authorize?{}", encoded([("client_id", client_id), ("request_uri", uri)].into_iter()))
    };
    let uri = push(&provider);
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    provider.browser.get(&path(&other.client_id, &uri)).shows(400, "push the request again");
    let place = provider.walk(&path(&client.client_id, &uri));
    let code = answer_of(&place, "code").unwrap();
    assert_eq!(provider.redeem(&client, &code).status, 200);
    assert_eq!(error_of(&provider.walk(&path(&client.client_id, &uri))).0, "invalid_request_uri");
    let uri = push(&provider);
    provider.browser.server.world.clock.advance_seconds(60);
    provider.browser.get(&path(&client.client_id, &uri)).shows(400, "push the request again");
    // What is wrong is said when it is pushed.
    for (more, error) in [
        (("redirect_uri", "https://evil.example"), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
        (("request_uri", "urn:x"), "invalid_request"),
    ] {
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| *name != more.0).chain([more]).collect();
        assert_eq!(refusal(&provider.post_as(&client, "par", &fields)), error, "{more:?}");
    }
    assert_eq!(refusal(&provider.post("par", &[], &fields)), "invalid_client");
}

async fn a_browser_that_posts_is_sent_on(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let query = authorize(&client, &[]).split_once('?').unwrap().1.to_owned();
    let seen = provider.browser.send("POST", "/oauth2/authorize", &["Sec-Fetch-Site: cross-site"], &query);
    let place = url::Url::parse(ISSUER).unwrap().join(seen.location()).unwrap();
    assert!(answer_of(&provider.walk(&path_of(&place)), "code").is_some());
}

async fn one_session_signs_in_to_two_clients(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let one = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let two = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let first = provider.tokens(&one, &[]);
    let seen = provider.browser.get(&authorize(&two, &[]));
    assert!(seen.location().starts_with(CALLBACK), "no second password");
    let second = provider.tokens(&two, &[]);
    let sid =
        |tokens: &serde_json::Value| provider.verified(tokens["id_token"].as_str().unwrap())["sid"].clone();
    assert_eq!(sid(&first), sid(&second));
    // A token of one is not a token of the other.
    let refresh = first["refresh_token"].as_str().unwrap();
    assert_eq!(refusal(&provider.refresh(&two, refresh)), "invalid_grant");
    assert_eq!(provider.refresh(&one, refresh).status, 200);
}

async fn pages_let_their_forms_lead_to_the_client(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|_| {}).await;
    let location =
        provider.browser.get(&authorize(&client, &[("login_hint", "user1")])).location().to_owned();
    let page = provider.browser.get(&location);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
    assert_eq!(page.input("username"), "user1");
    // Any other page goes nowhere else, nor does one with a request that leads nowhere.
    for path in ["/login", "/login?next=%2Foauth2%2Fauthorize%3Fclient_id%3Dx", "/login?next=account"] {
        let page = provider.browser.get(path);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self';"), "{path} {policy}");
    }
}

/// Browsers hold all that a form leads to against the policy of its page, also where the client redirects to.
async fn who_comes_by_a_form_goes_on_by_a_page(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    provider.browser.sign_in("user1");
    let by_a_form = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: document"];
    let page = provider.browser.send("GET", &authorize(&client, &[]), &by_a_form, "");
    page.shows(200, "Going on to app.example");
    let refresh = page.body.split("http-equiv=\"refresh\" content=\"").nth(1).unwrap();
    let refresh = crate::page::unescaped(refresh.split('"').next().unwrap());
    assert!(refresh.starts_with("0;url=https://app.example/callback?code="), "{refresh}");
    assert!(page.header("cross-origin-opener-policy").is_none());
    // From the client itself, and in a frame, it is a redirect.
    for headers in [
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"],
        ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: iframe"],
    ] {
        let seen = provider.browser.send("GET", &authorize(&client, &[]), &headers, "");
        assert!(seen.location().starts_with(CALLBACK));
    }
}

async fn who_signs_up_comes_back_to_the_client(kind: Kind) {
    let settings = json!({"apps.signup_allowed": ["CRM"], "signup.is_approval_needed": false});
    let mut provider = Provider::with(kind, settings).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    let path = authorize(&client, &[("prompt", "create")]);
    let location = provider.browser.get(&path).location().to_owned();
    assert!(location.starts_with("/signup?next=%2Foauth2%2Fauthorize"), "{location}");
    let page = provider.browser.get(&location);
    assert!(page.body.contains("login?next=%2Foauth2%2Fauthorize"), "who has an account comes back as well");
    let email = ("email", "new@example.com");
    let fields = [("username", "newcomer"), email, ("password", crate::support::PASSWORD)];
    let page = provider.submit(&page, "/signup", &fields);
    page.shows(200, "Confirm your account");
    let (token, form_token) = (page.input("token"), page.input("form_token"));
    let answer = provider.browser.post("/signup/confirm", &form_token, &[("token", &token)]);
    let location = answer.location().strip_prefix("..").unwrap().to_owned();
    assert!(location.starts_with("/login?done=signup&next=%2Foauth2%2Fauthorize"), "{location}");
    let place = provider.walk_as(&location, "newcomer", "yes");
    assert!(answer_of(&place, "code").is_some(), "{place}");
    // It is forgotten then, and never leads elsewhere.
    assert!(!provider.browser.cookies.keys().any(|name| name.contains("next")));
    let page = provider.browser.get("/signup?next=https%3A%2F%2Fevil.example");
    assert!(!page.has_input("next"));
}

async fn the_second_factor_is_told(kind: Kind) {
    let mut provider = Provider::new(kind).await;
    let client = provider.web(|new| new.is_trusted = Edit::Set(true)).await;
    crate::login::totp_user(&provider.browser.server.world).await;
    let page = provider.browser.get("/login");
    let fields = [("username", "totp1"), ("password", crate::support::PASSWORD)];
    provider.submit(&page, "/login", &fields).location();
    let page = provider.browser.get("/login/code");
    let code = crate::login::totp_code(0);
    provider.submit(&page, "/login/code", &[("totp_code", &code)]).location();
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["urn:zato-sso:2"]}}}"#;
    let tokens = provider.tokens(&client, &[("claims", essential)]);
    let id_token = provider.verified(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["acr"], "urn:zato-sso:2");
    assert_eq!(id_token["amr"], json!(["pwd", "otp", "mfa"]));
    // Who has no second factor does not get by.
    provider.browser.sign_in("user1");
    let place = provider.walk(&authorize(&client, &[("claims", essential)]));
    assert_eq!(error_of(&place).0, "unmet_authentication_requirements");
    assert!(
        answer_of(&provider.walk(&authorize(&client, &[("acr_values", "urn:zato-sso:2")])), "code").is_some()
    );
}
