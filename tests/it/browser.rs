//! The browser half of the sessions API: who is recognised by which cookie, what a code is good for, and where nobody is sent.

use data_encoding::BASE64;
use serde_json::Value;
use zato_sso::domain::{Code, Password, SiteSession, User};
use zato_sso::ops::{BrowserCheck, CreatedSite, NewSiteSession};

use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, any_rows, ctx, dump, new_site, refusal};

on_both_databases! {
    a_browser_that_one_site_registers_is_recognised_by_another;
    the_cookie_is_of_this_host_alone_and_ends_with_the_session;
    only_pages_of_a_site_register_sessions_of_that_site;
    a_browser_is_sent_nowhere_that_is_not_on_a_list;
    who_is_not_recognised_goes_back;
    a_code_is_good_once_for_one_site_and_a_minute;
    of_many_who_redeem_at_once_one_succeeds;
    what_ends_the_session_has_the_browser_forgotten;
    only_sessions_of_the_realm_count;
    answers_are_for_no_frame_and_no_cache;
    no_secret_of_a_browser_is_stored_or_told;
}

const CALLBACK_A: &str = "https://a.example/sso/callback";
const CALLBACK_B: &str = "https://b.example/cb?lang=en";

struct Stage {
    server: Server,
    a: CreatedSite,
    b: CreatedSite,
    user: User,
    identity_token: String,
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        let server = Server::new(kind).await;
        let site = async |name: &str, uri: &str| {
            server.world.sso.create_site(&ctx(), new_site(name, &[uri])).await.unwrap()
        };
        let (a, b) = (site("a", CALLBACK_A).await, site("b", CALLBACK_B).await);
        let user = server.world.user("user1").await;
        let identities = server.world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
        let identity_token = identities[0].identity_token.to_string();
        Self { server, a, b, user, identity_token }
    }

    async fn start(&self, subdomain: &str) -> SiteSession {
        let new = NewSiteSession { top_realm: Some("garden".to_owned()), ..NewSiteSession::default() };
        let sso = &self.server.world.sso;
        let site = sso.act_as_site(&ctx(), subdomain).await.unwrap();
        let password = Password::from(PASSWORD);
        sso.look_up_site_user(&ctx(), &site, "user1", password).await.unwrap();
        sso.start_site_session(&ctx(), &site, &self.identity_token, new).await.unwrap()
    }

    fn register(&self, origin: &str, session: &SiteSession, return_uri: &str) -> Answer {
        let token = session.sso_session_token.expose();
        let origin = format!("Origin: {origin}");
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("sso_session_token", token).append_pair("return_uri", return_uri);
        self.server.ask("POST root:/sso/register", &[&origin], &body.finish())
    }

    /// The cookie that a browser gets.
    #[track_caller]
    fn cookie(&self, session: &SiteSession) -> String {
        let answer = self.register("https://a.example", session, "https://a.example/");
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    fn check(&self, cookie: Option<&str>, query: &[(&str, &str)]) -> Answer {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(query);
        let cookie = cookie.map(|cookie| format!("Cookie: other=1; {cookie}; last=2"));
        let headers: Vec<&str> = cookie.iter().map(String::as_str).collect();
        self.server.ask(&format!("GET root:/sso/check?{}", text.finish()), &headers, "")
    }

    /// The code that a browser is sent on with; None if it is not recognised.
    #[track_caller]
    fn code(&self, cookie: &str) -> Option<String> {
        let query = [("callback_uri", CALLBACK_B), ("return_uri", "https://b.example/page"), ("state", "s1")];
        let answer = self.check(Some(cookie), &query);
        match answer.status {
            200 => Some(field(&answer, "connection_token").unwrap()),
            303 => None,
            other => panic!("{other} {}", answer.body),
        }
    }

    fn redeem(&self, site: &CreatedSite, code: &str) -> Answer {
        let keys = format!("{}:{}", site.site.public_key, site.private_key.expose());
        let keys = format!("Authorization: Basic {}", BASE64.encode(keys.as_bytes()));
        self.server.ask(&format!("GET root:/connections/{code}.json"), &[&keys], "")
    }
}

/// A field of the form that sends itself.
fn field(answer: &Answer, name: &str) -> Option<String> {
    attribute(answer, &format!("name=\"{name}\" value="))
}

/// What a browser reads behind this.
fn attribute(answer: &Answer, beginning: &str) -> Option<String> {
    let (_, rest) = answer.body.split_once(&format!("{beginning}\""))?;
    let written = rest.split('"').next().unwrap();
    assert!(!written.contains(['<', '>']), "{written}");
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    Some(entities.iter().fold(written.to_owned(), |text, (entity, meant)| text.replace(entity, meant)))
}

async fn a_browser_that_one_site_registers_is_recognised_by_another(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start("a").await;
    let back = "https://a.example/page?x=1";
    let answer = stage.register("https://a.example", &session, back);
    assert_eq!((answer.status, answer.header("location")), (303, Some(back)), "{}", answer.body);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();

    let query = [
        ("callback_uri", CALLBACK_B),
        ("return_uri", "https://b.example/page?a=1&b=%22"),
        ("state", "\"><script>"),
    ];
    let answer = stage.check(Some(cookie), &query);
    assert_eq!((answer.status, answer.header("location")), (200, None));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(attribute(&answer, "<form method=\"post\" action=").as_deref(), Some(CALLBACK_B));
    assert_eq!(field(&answer, "oa_action").as_deref(), Some("single_sign_on"));
    assert_eq!(field(&answer, "state").as_deref(), Some("\"><script>"));
    assert_eq!(field(&answer, "return_uri").as_deref(), Some("https://b.example/page?a=1&b=%22"));
    let code = field(&answer, "connection_token").unwrap();
    assert_eq!(code.len(), 36);

    let answer = stage.redeem(&stage.b, &code);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = &answer.json()["response"]["result"]["data"];
    assert_eq!(data["connection"]["connection_token"], code);
    assert_eq!(data["connection"]["plugin"], "single_sign_on");
    assert_eq!(data["connection"]["date"], "Wed, 25 Feb 2026 12:00:00 +0000");
    assert_eq!(data["user"]["user_token"], session.user_token.to_string());
    assert_eq!(data["user"]["identity"]["identity_token"], stage.identity_token);
    assert_eq!(data["user"]["identity"]["provider"], "storage");
    assert_eq!(data["sso_session"]["top_realm"], "garden");
    assert_eq!(data["sso_session"]["num_cookies_set"], 1);
    // What another site has started is not b's to act with.
    assert_eq!(data["sso_session"].get("sso_session_token"), None);

    let query = [("callback_uri", CALLBACK_A)];
    let code = field(&stage.check(Some(cookie), &query), "connection_token").unwrap();
    let data = stage.redeem(&stage.a, &code).json()["response"]["result"]["data"].clone();
    assert_eq!(data["sso_session"]["sso_session_token"], session.sso_session_token.expose());
}

async fn the_cookie_is_of_this_host_alone_and_ends_with_the_session(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start("a").await;
    stage.server.world.clock.advance_seconds(400);
    let answer = stage.register("https://a.example", &session, "https://a.example/");
    let cookie = answer.header("set-cookie").unwrap();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=86000");
    assert_eq!(value.strip_prefix("__Host-zato_sso=").map(str::len), Some(43));
    // Each browser has one of its own, and they are counted.
    let other = stage.cookie(&session);
    assert_ne!(other, value);
    let code = stage.code(value).unwrap();
    let data = stage.redeem(&stage.b, &code).json()["response"]["result"]["data"].clone();
    assert_eq!(data["sso_session"]["num_cookies_set"], 2);
    for not_one in ["__Host-zato_sso=", "__Host-zato_sso=x", "zato_sso=x", &other.replace("__Host-", "")] {
        assert_eq!(stage.code(not_one), None, "{not_one}");
    }
    stage.server.world.clock.advance_seconds(86_000);
    assert_eq!(stage.code(value), None);
    let cleaned = stage.server.world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("browser_sessions", 2)), "{cleaned:?}");
    assert!(any_rows(&stage.server.world, "SELECT cookie_digest FROM sso_browser_session").await.is_empty());
}

async fn only_pages_of_a_site_register_sessions_of_that_site(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start("a").await;
    let (origin, page) = ("https://a.example", "https://a.example/");
    for foreign in [
        "https://evil.example",
        "https://a.example.evil.example",
        "https://a.example0",
        "https://a.exampl",
        "http://a.example",
        "https://a.example:8443",
        "https://sub.a.example",
        "null",
        "",
        "not an origin",
    ] {
        let answer = stage.register(foreign, &session, page);
        assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{foreign}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("location"), None);
    }
    // A browser that does not say from where it comes.
    let body = format!("sso_session_token={}&return_uri={page}", session.sso_session_token.expose());
    assert_eq!(stage.server.ask("POST root:/sso/register", &[], &body).status, 403);
    for elsewhere in
        ["https://b.example/", "https://evil.example/", "/", "javascript:alert(1)", "", "//evil.example"]
    {
        let answer = stage.register(origin, &session, elsewhere);
        assert_eq!((answer.status, answer.header("set-cookie")), (400, None), "{elsewhere}");
        assert_eq!(answer.header("location"), None);
    }
    // A page of b cannot register what a has started, nor anybody what is not there; the visitor goes on.
    let of_b = stage.register("https://b.example", &session, "https://b.example/x");
    let mut guessed = session.clone();
    guessed.sso_session_token = Password::from("00000000-0000-4000-8000-000000000000");
    let guessed = stage.register(origin, &guessed, page);
    stage.server.world.clock.advance_seconds(86_400);
    let expired = stage.register(origin, &session, page);
    for answer in [&of_b, &guessed, &expired] {
        assert_eq!((answer.status, answer.header("set-cookie")), (303, None));
    }
    assert_eq!(of_b.header("location"), Some("https://b.example/x"));
    assert!(any_rows(&stage.server.world, "SELECT cookie_digest FROM sso_browser_session").await.is_empty());
    let sso = &stage.server.world.sso;
    let token = &session.sso_session_token;
    let refused = sso.register_browser(&ctx(), "https://evil.example", token, page).await;
    assert_eq!(refusal(refused), Code::AuthNotAllowed);
    let refused = sso.register_browser(&ctx(), origin, token, "https://evil.example/").await;
    assert_eq!(refusal(refused), Code::CommonInvalidInput);
    assert_eq!(stage.server.ask("GET root:/sso/register", &[], "").status, 405);
}

async fn a_browser_is_sent_nowhere_that_is_not_on_a_list(kind: Kind) {
    let stage = Stage::new(kind).await;
    let cookie = stage.cookie(&stage.start("a").await);
    let long = "x".repeat(513);
    for query in [
        &[("callback_uri", "https://evil.example/cb")][..],
        &[("callback_uri", "https://b.example/cb")],
        &[("callback_uri", "https://b.example/cb?lang=en&x=1")],
        &[("callback_uri", "https://b.example/cb/?lang=en")],
        &[("callback_uri", "https://b.example.evil.example/cb?lang=en")],
        &[("callback_uri", "https://b.example@evil.example/cb?lang=en")],
        &[("callback_uri", "//b.example/cb?lang=en")],
        &[("callback_uri", "javascript:alert(1)")],
        &[("callback_uri", "")],
        &[],
        &[("callback_uri", CALLBACK_B), ("return_uri", "https://evil.example/")],
        &[("callback_uri", CALLBACK_B), ("return_uri", "https://a.example/")],
        &[("callback_uri", CALLBACK_B), ("return_uri", "https://b.example@evil.example/")],
        &[("callback_uri", CALLBACK_B), ("return_uri", "/page")],
        &[("callback_uri", CALLBACK_B), ("return_uri", "javascript:alert(1)")],
        &[("callback_uri", CALLBACK_B), ("state", "a\r\nSet-Cookie: x=1")],
        &[("callback_uri", CALLBACK_B), ("state", &long)],
    ] {
        for cookie in [None, Some(cookie.as_str())] {
            let answer = stage.check(cookie, query);
            assert_eq!((answer.status, answer.header("location")), (400, None), "{query:?}");
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
            assert!(!answer.body.contains("evil"), "{}", answer.body);
        }
    }
    let answer = stage.server.ask("GET root:/sso/check?callback_uri=%zz", &[], "");
    assert_eq!(answer.status, 400);
    let check = BrowserCheck { callback_uri: "https://evil.example/".to_owned(), ..BrowserCheck::default() };
    let refused = stage.server.world.sso.check_browser(&ctx(), None, check).await;
    assert_eq!(refusal(refused), Code::CommonInvalidInput);
    assert!(any_rows(&stage.server.world, "SELECT code_digest FROM sso_browser_code").await.is_empty());
}

async fn who_is_not_recognised_goes_back(kind: Kind) {
    let stage = Stage::new(kind).await;
    let page = "https://b.example/page?x=1";
    let answer = stage.check(None, &[("callback_uri", CALLBACK_B), ("return_uri", page), ("state", "s")]);
    assert_eq!((answer.status, answer.header("location")), (303, Some(page)));
    let answer = stage.check(None, &[("callback_uri", CALLBACK_B), ("state", "a&b=c")]);
    let expected = "https://b.example/cb?lang=en&oa_action=single_sign_on&sso_status=none&state=a%26b%3Dc";
    assert_eq!((answer.status, answer.header("location")), (303, Some(expected)));
    // The same address, written otherwise, is that address.
    let answer =
        stage.check(None, &[("callback_uri", "https://B.example:443/cb?lang=en"), ("return_uri", page)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some(page)));
}

async fn a_code_is_good_once_for_one_site_and_a_minute(kind: Kind) {
    let stage = Stage::new(kind).await;
    let cookie = stage.cookie(&stage.start("a").await);
    let told = |answer: &Answer| {
        let mut json = answer.json();
        json["response"]["request"]["resource"] = Value::Null;
        json["response"]["request"]["date"] = Value::Null;
        (answer.status, json)
    };

    let code = stage.code(&cookie).unwrap();
    // Another site neither learns anything nor uses it up.
    let of_other_site = told(&stage.redeem(&stage.a, &code));
    assert_eq!(of_other_site.0, 404);
    assert_eq!(stage.redeem(&stage.b, &code).status, 200);
    let used = told(&stage.redeem(&stage.b, &code));
    let guessed = told(&stage.redeem(&stage.b, "00000000-0000-4000-8000-000000000000"));
    let nonsense = told(&stage.redeem(&stage.b, "x"));
    let code = stage.code(&cookie).unwrap();
    stage.server.world.clock.advance_seconds(60);
    let expired = told(&stage.redeem(&stage.b, &code));
    for other in [used, guessed, nonsense, expired] {
        assert_eq!(other, of_other_site);
    }
    let cleaned = stage.server.world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("browser_codes", 1)), "{cleaned:?}");

    let code = stage.code(&cookie).unwrap();
    stage.server.world.clock.advance_seconds(59);
    let answer = stage.redeem(&stage.b, &code);
    assert_eq!(answer.status, 200);
    let connection = &answer.json()["response"]["result"]["data"]["connection"];
    assert_eq!(connection["date"], "Wed, 25 Feb 2026 12:01:00 +0000");

    let code = stage.code(&cookie).unwrap();
    let wrong = CreatedSite { private_key: Password::from("x"), ..stage.b.clone() };
    assert_eq!(stage.redeem(&wrong, &code).status, 401);
    assert_eq!(stage.redeem(&stage.b, &code).status, 200);
    let site = stage.server.world.sso.act_as_site(&ctx(), "b").await.unwrap();
    let refused =
        stage.server.world.sso.redeem_connection(&ctx(), &site, &Password::from(code.as_str())).await;
    assert_eq!(refusal(refused), Code::SessionNoSuchSession);
}

async fn of_many_who_redeem_at_once_one_succeeds(kind: Kind) {
    let stage = Stage::new(kind).await;
    let cookie = stage.cookie(&stage.start("a").await);
    let code = Password::from(stage.code(&cookie).unwrap().as_str());
    let sso = &stage.server.world.sso;
    let site = sso.act_as_site(&ctx(), "b").await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (sso, site, code) = (sso.clone(), site.clone(), code.clone());
            tokio::spawn(async move { sso.redeem_connection(&ctx(), &site, &code).await })
        })
        .collect();
    let mut successes = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => successes += 1,
            refused => assert_eq!(refusal(refused), Code::SessionNoSuchSession),
        }
    }
    assert_eq!(successes, 1);
}

async fn what_ends_the_session_has_the_browser_forgotten(kind: Kind) {
    let stage = Stage::new(kind).await;
    let sso = stage.server.world.sso.clone();
    stage.server.world.super_user("admin1").await;
    let ust = stage.server.world.login("admin1").await.ust;
    let a = sso.act_as_site(&ctx(), "a").await.unwrap();
    let user_id = stage.user.user_id.as_str();

    let session = stage.start("a").await;
    let cookie = stage.cookie(&session);
    let code = stage.code(&cookie).unwrap();
    sso.end_site_session(&ctx(), &a, &session.sso_session_token).await.unwrap();
    assert_eq!(stage.code(&cookie), None);
    // A code that was given before is good for nothing either.
    assert_eq!(stage.redeem(&stage.b, &code).status, 404);
    assert!(any_rows(&stage.server.world, "SELECT cookie_digest FROM sso_browser_session").await.is_empty());
    assert!(any_rows(&stage.server.world, "SELECT code_digest FROM sso_browser_code").await.is_empty());

    let cookie = stage.cookie(&stage.start("a").await);
    let code = stage.code(&cookie).unwrap();
    let authority = &ust;
    sso.lock_user(&ctx(), authority, user_id).await.unwrap();
    assert_eq!(stage.code(&cookie), None);
    assert_eq!(stage.redeem(&stage.b, &code).status, 404);
}

async fn only_sessions_of_the_realm_count(kind: Kind) {
    let stage = Stage::new(kind).await;
    let cookie = stage.cookie(&stage.start("a").await);
    let recognised = |realm: &[(&str, &str)]| {
        let query =
            [&[("callback_uri", CALLBACK_B), ("return_uri", "https://b.example/")][..], realm].concat();
        stage.check(Some(&cookie), &query).status == 200
    };
    assert!(recognised(&[]));
    assert!(recognised(&[("top_realm", "garden")]));
    assert!(!recognised(&[("top_realm", "Garden")]));
    assert!(!recognised(&[("top_realm", "garden"), ("sub_realm", "vegetables")]));
}

async fn answers_are_for_no_frame_and_no_cache(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start("a").await;
    let cookie = stage.cookie(&session);
    let recognised = stage.check(Some(&cookie), &[("callback_uri", CALLBACK_B)]);
    let refused = stage.check(None, &[("callback_uri", "https://evil.example/")]);
    let back = stage.check(None, &[("callback_uri", CALLBACK_B)]);
    let registered = stage.register("https://a.example", &session, "https://a.example/");
    let script = "document.forms[0].submit()";
    let digest = BASE64.encode(&zato_sso::crypto::token::digest(script));
    assert!(recognised.body.contains(&format!("<script>{script}</script>")));
    let policy =
        format!("default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'");
    for answer in [recognised, refused, back, registered] {
        assert_eq!(answer.header("content-security-policy"), Some(policy.as_str()));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("strict-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }

    for path in ["/sso/library.js", "/socialize/library.js"] {
        let answer = stage.server.ask(&format!("GET root:{path}"), &[], "");
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("text/javascript; charset=utf-8"))
        );
        assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.body.contains("do_check_for_sso_session"));
        let tag = answer.header("etag").unwrap();
        let again =
            stage.server.ask(&format!("GET root:{path}"), &[&format!("If-None-Match: \"x\", W/{tag}")], "");
        assert_eq!((again.status, again.header("etag"), again.body.as_str()), (304, Some(tag), ""));
        let other = stage.server.ask(&format!("GET root:{path}"), &["If-None-Match: \"x\""], "");
        assert_eq!(other.status, 200);
    }
}

async fn no_secret_of_a_browser_is_stored_or_told(kind: Kind) {
    let stage = Stage::new(kind).await;
    let session = stage.start("a").await;
    let cookie = stage.cookie(&session);
    let code = stage.code(&cookie).unwrap();
    let value = cookie.split_once('=').unwrap().1;
    let stored = dump(&stage.server.world).await;
    assert!(stored.contains("site.register_browser"));
    for secret in [value, code.as_str(), session.sso_session_token.expose()] {
        assert!(!stored.contains(secret));
    }
    assert_eq!(stage.redeem(&stage.b, &code).status, 200);
    assert!(dump(&stage.server.world).await.contains("site.redeem_connection"));
}
