//! Signing in by the page: cookies, where a browser is sent, what is told, and whose forms are taken.

use serde_json::json;
use zato_sso::domain::Password;
use zato_sso::ops::Actor;

use crate::login::{totp_code, totp_user};
use crate::page::{Browser, encoded};
use crate::support::{Kind, PASSWORD, ctx, new_site};

on_both_databases! {
    a_registered_origin_is_where_a_sign_in_may_lead;
    what_was_typed_is_shown_again_after_signing_in;
    who_signs_in_has_a_session_and_a_cookie_of_this_host_alone;
    nobody_is_told_who_has_an_account;
    a_second_step_asks_for_the_code_and_never_for_the_password_again;
    a_ticket_is_good_for_minutes_and_for_the_password_it_was_made_for;
    a_password_that_must_change_is_changed_on_the_way;
    a_form_is_taken_only_from_the_browser_that_it_was_made_for;
    nobody_is_sent_to_another_host;
    who_fails_too_often_is_told_when_to_try_again;
    each_login_makes_a_new_session_and_ends_the_one_before;
    who_asks_to_be_kept_signed_in_is;
    no_session_is_kept_longer_than_a_session_may_live;
    pages_are_for_no_frame_no_cache_and_no_script_of_others;
    who_signs_out_has_no_session;
    a_page_that_needs_a_session_leads_through_the_sign_in_page_and_back;
    there_are_no_pages_where_they_are_switched_off;
    the_language_is_what_is_asked_for_and_then_what_the_browser_wants;
}

async fn who_signs_in_has_a_session_and_a_cookie_of_this_host_alone(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.host = "sso.example".to_owned();
    let answer = browser.sign_in("user1");
    assert_eq!(answer.location(), "./account");
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(session.starts_with("__Host-zato_sso_session=zust"), "{session}");
    assert!(session.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{session}");
    assert!(!session.contains("Domain"));
    browser.get("/account").shows(200, "Signed in as user1");

    browser.cookies.clear();
    browser.host = "127.0.0.1:17010".to_owned();
    let answer = browser.sign_in("user1");
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(session.starts_with("zato_sso_session=zust") && !session.contains("Secure"), "{session}");
}

async fn nobody_is_told_who_has_an_account(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    let mut said = Vec::new();
    for (username, password) in [("user1", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD), ("user1", "")]
    {
        let answer = browser.submit("/login", &[("username", username), ("password", password)]);
        answer.shows(422, "Username or password is wrong.");
        assert_eq!(answer.input("username"), username);
        assert!(!answer.body.contains(PASSWORD) && !answer.body.contains("value=\"wrong\""));
        said.push(answer.text().replace(username, ""));
    }
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
}

async fn a_second_step_asks_for_the_code_and_never_for_the_password_again(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    totp_user(&browser.server.world).await;
    let fields = [("username", "totp1"), ("password", PASSWORD), ("next", "/here?a=b")];
    let answer = browser.submit("/login", &fields);
    assert_eq!(answer.location(), "./login/code?next=%2Fhere%3Fa%3Db");
    assert!(!browser.cookies.contains_key("zato_sso_session"));
    let page = browser.get("/login/code?next=%2Fhere%3Fa%3Db");
    assert!(!page.has_input("password"));
    assert_eq!(page.input("next"), "/here?a=b");
    assert!(page.body.contains("autocomplete=\"one-time-code\""));

    let token = page.input("form_token");
    let wrong = browser.post("/login/code", &token, &[("totp_code", "000000")]);
    wrong.shows(422, "The code is wrong or was used before");
    let code = totp_code(0);
    let answer = browser.post("/login/code", &token, &[("totp_code", &code), ("next", "/here?a=b")]);
    assert_eq!(answer.location(), "/here?a=b");
    browser.get("/account").shows(200, "Signed in as totp1");
    assert!(!browser.cookies.contains_key("zato_sso_step"));
    // Without a step before there is nothing to enter a code for.
    assert_eq!(browser.get("/login/code").location(), "../login");
}

async fn a_ticket_is_good_for_minutes_and_for_the_password_it_was_made_for(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    totp_user(&browser.server.world).await;
    let fields = [("username", "totp1"), ("password", PASSWORD)];
    browser.submit("/login", &fields).location();
    browser.server.world.clock.advance_seconds(600);
    let code = totp_code(20);
    browser.submit("/login/code", &[("totp_code", &code)]).shows(422, "it took too long");
    browser.server.world.clock.advance_seconds(120);

    // What a ticket says cannot be changed, nor is one of another user good.
    browser.submit("/login", &fields).location();
    let ticket = browser.cookies["zato_sso_step"].rsplit('.').next().unwrap().to_owned();
    browser.server.world.user("user2").await;
    for forged in
        [format!("s.dXNlcjI.{ticket}"), format!("s.dG90cDE.{}", &ticket[1..]), "s.dG90cDE.AA".to_owned()]
    {
        browser.cookies.insert("zato_sso_step".to_owned(), forged);
        browser.submit("/login/code", &[("totp_code", &totp_code(24))]).shows(422, "wrong");
    }

    browser.cookies.insert("zato_sso_step".to_owned(), format!("s.dG90cDE.{ticket}"));
    let sso = &browser.server.world.sso;
    let user = sso.get_user_by_username(&ctx(), "totp1", false).await.unwrap().unwrap();
    let set = zato_sso::ops::SetPassword {
        password: Password::from("a quite different one"),
        must_change: false,
        password_expiry: None,
        details: None,
    };
    sso.set_password(&ctx(), user.user.user_id.as_str(), set).await.unwrap();
    browser.submit("/login/code", &[("totp_code", &totp_code(24))]).shows(422, "wrong");
}

async fn a_password_that_must_change_is_changed_on_the_way(kind: Kind) {
    let settings = json!({"password.inform_if_must_be_changed": true});
    let mut browser = Browser::with(kind, settings).await;
    let user = browser.server.world.user("user1").await;
    let update = zato_sso::domain::UserUpdate {
        password_must_change: zato_sso::domain::Edit::Set(true),
        ..Default::default()
    };
    let sso = browser.server.world.sso.clone();
    sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    let answer = browser.submit("/login", &[("username", "user1"), ("password", PASSWORD)]);
    assert_eq!(answer.location(), "./login/password");
    browser.submit("/login/password", &[("new_password", "short")]).shows(422, "too short");
    let answer = browser.submit("/login/password", &[("new_password", "a quite different one")]);
    assert_eq!(answer.location(), "../account");
    browser.get("/account").shows(200, "Signed in as user1");
    browser
        .server
        .world
        .sso
        .login(&ctx(), crate::support::credentials("user1", "a quite different one"))
        .await
        .unwrap();
}

/// Every page that takes a form.
pub const FORMS: &[&str] = &[
    "/login",
    "/login/code",
    "/login/password",
    "/logout",
    "/consent",
    "/device",
    "/signup",
    "/signup/resend",
    "/signup/confirm",
    "/email/confirm",
    "/password/forgot",
    "/password/reset",
    "/account",
    "/account/email",
    "/account/password",
    "/account/two-factor/set-up",
    "/account/two-factor/finish",
    "/account/two-factor/disable",
    "/account/two-factor/codes",
    "/account/applications",
    "/account/sessions",
    "/account/data",
    "/account/delete",
    "/admin/groups",
    "/admin/group/x",
    "/admin/user/x",
];

async fn a_form_is_taken_only_from_the_browser_that_it_was_made_for(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.server.world.user("user2").await;
    let stranger = browser.get("/login").input("form_token");
    let strange_cookies = std::mem::take(&mut browser.cookies);
    browser.sign_in("user2");
    let other_session = browser.get("/account").input("form_token");
    browser.sign_in("user1");
    let own = browser.get("/account").input("form_token");
    for path in FORMS {
        for token in ["", "AAAA", &stranger] {
            browser.post(path, token, &[("username", "x")]).shows(403, "This form is too old");
        }
        let body = encoded([("form_token", own.as_str()), ("username", "x")].into_iter());
        for header in [
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: same-site",
            "Origin: https://evil.example",
            "Origin: null",
        ] {
            browser.send("POST", path, &[header], &body).shows(403, "sent by another web site");
        }
    }
    // The token of a session that the same browser had before is of no use in this one.
    browser.post("/account", &other_session, &[("display_name", "X")]).shows(403, "too old");
    browser.post("/account", &own, &[("display_name", "Ann")]).location();
    // Nor is it without the cookie.
    browser.cookies = strange_cookies;
    browser.post("/login", &own, &[("username", "user1"), ("password", PASSWORD)]).shows(403, "too old");
    browser.cookies.clear();
    browser.post("/login", &stranger, &[("username", "user1"), ("password", PASSWORD)]).shows(403, "too old");
}

async fn nobody_is_sent_to_another_host(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "account\r\nSet-Cookie: x=y",
        "/\r\nLocation: https://evil.example",
    ] {
        browser.cookies.clear();
        let query = encoded([("next", next)].into_iter());
        let page = browser.get(&format!("/login?{query}"));
        assert!(!page.has_input("next"), "{next:?}");
        let fields = [("username", "user1"), ("password", PASSWORD), ("next", next)];
        let answer = browser.submit("/login", &fields);
        assert_eq!(answer.location(), "./account", "{next:?}");
        assert!(answer.cookies().iter().all(|line| !line.starts_with("x=")));
        assert_eq!(browser.get(&format!("/login?{query}")).location(), "./account", "{next:?}");
    }
    assert_eq!(browser.get("/login?next=%2Fshop%3Fa%3Db").location(), "/shop?a=b");
}

async fn who_fails_too_often_is_told_when_to_try_again(kind: Kind) {
    let settings = json!({"login_throttle.threshold": 1, "login_throttle.initial_delay": 200});
    let mut browser = Browser::with(kind, settings).await;
    browser.server.world.user("user1").await;
    let fields = [("username", "user1"), ("password", "wrong")];
    for _ in 0..2 {
        browser.submit("/login", &fields);
    }
    let answer = browser.submit("/login", &[("username", "user1"), ("password", PASSWORD)]);
    answer.shows(429, "Too many attempts. Try again in");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    assert_eq!(answer.input("username"), "user1");
    assert!(!answer.body.contains(PASSWORD));
}

async fn each_login_makes_a_new_session_and_ends_the_one_before(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    // A session that somebody has planted is none after the login.
    browser.cookies.insert("zato_sso_session".to_owned(), "zustplanted".to_owned());
    browser.sign_in("user1");
    let first = browser.cookies.clone();
    assert_eq!(browser.get("/login").location(), "./account");
    let page = browser.get("/login?again=1&next=account");
    page.shows(200, "Confirm that it is you");
    let fields = [("username", "user1"), ("password", PASSWORD), ("next", "account")];
    let answer = browser.post("/login", &page.input("form_token"), &fields);
    assert_eq!(answer.location(), "./account");
    assert_ne!(first["zato_sso_session"], browser.cookies["zato_sso_session"]);
    browser.get("/account").shows(200, "user1");
    browser.cookies = first;
    assert_eq!(browser.get("/account").location(), "./login?next=account");
}

async fn who_asks_to_be_kept_signed_in_is(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"pages.keep_signed_in_for": 48})).await;
    browser.server.world.user("user1").await;
    let fields = [("username", "user1"), ("password", PASSWORD), ("keep", "1")];
    let answer = browser.submit("/login", &fields);
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(
        session.starts_with("zato_sso_session=kzust") && session.ends_with("Max-Age=172800"),
        "{session}"
    );
    browser.server.world.clock.advance_seconds(47 * 3_600);
    browser.get("/account").shows(200, "user1");
    browser.server.world.clock.advance_seconds(2 * 3_600);
    assert_eq!(browser.get("/account").location(), "./login?next=account");

    let answer = browser.sign_in("user1");
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(!session.contains("Max-Age"), "{session}");
    // Who uses it stays signed in.
    for _ in 0..3 {
        browser.server.world.clock.advance_seconds(40 * 60);
        browser.get("/account").shows(200, "user1");
    }
    browser.server.world.clock.advance_seconds(2 * 3_600);
    assert_eq!(browser.get("/account").location(), "./login?next=account");
}

async fn no_session_is_kept_longer_than_a_session_may_live(kind: Kind) {
    let settings = json!({"pages.keep_signed_in_for": 48, "session.max_lifetime": 3});
    let mut browser = Browser::with(kind, settings).await;
    browser.server.world.user("user1").await;
    let fields = [("username", "user1"), ("password", PASSWORD), ("keep", "1")];
    let answer = browser.submit("/login", &fields);
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(session.ends_with("Max-Age=10800"), "{session}");
}

async fn pages_are_for_no_frame_no_cache_and_no_script_of_others(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    for path in ["/login?again=1", "/account", "/logout"] {
        let page = browser.get(path);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        for part in ["script-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        assert!(!page.body.contains(" style=") && !page.body.contains(" onclick="), "{path}");
        assert!(!page.body.contains("zust"), "{path}");
    }
}

async fn who_signs_out_has_no_session(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let before = browser.cookies.clone();
    // A link or a picture elsewhere signs nobody out.
    browser.get("/logout").shows(200, "Sign out");
    browser.get("/account").shows(200, "user1");
    assert_eq!(browser.submit("/logout", &[]).location(), "./login?done=logout");
    browser.get("/login?done=logout").shows(200, "You are signed out.");
    browser.cookies = before;
    assert_eq!(browser.get("/account").location(), "./login?next=account");
}

async fn a_page_that_needs_a_session_leads_through_the_sign_in_page_and_back(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    assert_eq!(browser.get("/account").location(), "./login?next=account");
    let page = browser.get("/login?next=account");
    let fields = [("username", "user1"), ("password", PASSWORD), ("next", &page.input("next"))];
    let answer = browser.post("/login", &page.input("form_token"), &fields);
    assert_eq!(answer.location(), "./account");
    let fields = [("display_name", "<b>Ann</b>"), ("first_name", "Ann")];
    assert_eq!(browser.submit("/account", &fields).location(), "./account?done=profile");
    let page = browser.get("/account?done=profile");
    page.shows(200, "Your profile was saved.");
    assert_eq!(page.input("display_name"), "<b>Ann</b>");
    assert!(!page.body.contains("<b>"));
    let long = "x".repeat(300);
    let answer = browser.submit("/account", &[("first_name", &long)]);
    answer.shows(422, "This cannot be used here.");
    assert!(answer.body.contains("id=\"first_name-error\"") && answer.body.contains("aria-invalid"));
    assert_eq!(answer.input("first_name"), long);
    // Nothing of an address is said that is no text of ours.
    for done in ["<script>", "%3Cscript%3E", "x", "../a"] {
        assert!(!browser.get(&format!("/account?done={done}")).body.contains("role=\"status\""));
    }
}

async fn there_are_no_pages_where_they_are_switched_off(kind: Kind) {
    for settings in [json!({"pages.is_active": false}), json!({"http.prefix": ""})] {
        let mut browser = Browser::with(kind, settings).await;
        assert_eq!(browser.get("/login").status, 404);
    }
    let mut browser = Browser::with(kind, json!({"pages.prefix": "/in"})).await;
    browser.server.world.user("user1").await;
    assert_eq!(browser.get("/login").status, 404);
    assert_eq!(browser.get("/in/account").location(), "./login?next=account");
    let fields = [("username", "user1"), ("password", PASSWORD)];
    assert_eq!(browser.submit("/in/login", &fields).location(), "./account");
    browser.get("/in/account").shows(200, "user1");
}

async fn the_language_is_what_is_asked_for_and_then_what_the_browser_wants(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let mut of = |path: &str, accepted: &str| {
        let page = browser.send("GET", path, &[&format!("Accept-Language: {accepted}")], "");
        page.body.split("<html lang=\"").nth(1).unwrap().split('>').next().unwrap().to_owned()
    };
    assert_eq!(of("/login", "tlh"), "en\" dir=\"ltr\"");
    assert_eq!(of("/login", "tlh, de-AT;q=0.9, fr;q=0.8"), "de\" dir=\"ltr\"");
    assert_eq!(of("/login?ui_locales=ar", "de"), "ar\" dir=\"rtl\"");
    // What was chosen stays.
    assert_eq!(of("/login", "de"), "ar\" dir=\"rtl\"");
    assert_eq!(of("/login?ui_locales=tlh%20ja", "de"), "ja\" dir=\"ltr\"");
}

async fn a_registered_origin_is_where_a_sign_in_may_lead(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    let sso = browser.server.world.sso.clone();
    let site = new_site("shop", &["https://shop.example/callback", "http://localhost:8080/callback"]);
    sso.create_site(&ctx(), site).await.unwrap();
    let address = |next: &str| {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        format!("/login?next={next}")
    };
    for (next, leads_to) in [
        ("https://shop.example/cart?a=b#c", "https://shop.example/cart?a=b#c"),
        ("https://shop.example:443", "https://shop.example/"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
    ] {
        browser.cookies.clear();
        let page = browser.get(&address(next));
        assert_eq!(page.input("next"), leads_to);
        let policy = page.header("content-security-policy").unwrap();
        let origin = &leads_to[..leads_to[8..].find('/').unwrap() + 8];
        assert!(policy.contains(&format!("form-action 'self' {origin};")), "{policy}");
        let fields = [("username", "user1"), ("password", PASSWORD), ("next", next)];
        let form_token = page.input("form_token");
        assert_eq!(browser.post("/login", &form_token, &fields).location(), leads_to);
        // Who is signed in goes on without a form.
        assert_eq!(browser.get(&address(next)).location(), leads_to);
    }
    for next in [
        "https://shop.example.evil.example/",
        "https://evil.example/https://shop.example/",
        "http://shop.example/",
        "https://shop.example:8443/",
        "https://sub.shop.example/",
        "https://shop.example@evil.example/",
        "https://shop.example\\@evil.example/",
        "//shop.example/",
        "https:shop.example/",
        "http://localhost/",
        "https://%",
    ] {
        assert_eq!(browser.get(&address(next)).location(), "./account", "{next}");
        let fields = [("username", "user1"), ("password", PASSWORD), ("next", next)];
        let form_token = browser.get("/login?again=1").input("form_token");
        assert_eq!(browser.post("/login", &form_token, &fields).location(), "./account", "{next}");
    }
    sso.delete_site(&ctx(), "shop").await.unwrap();
    assert_eq!(browser.get(&address("https://shop.example/")).location(), "./account");
}

async fn what_was_typed_is_shown_again_after_signing_in(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.server.world.user("user2").await;
    let typed = [("whose", "user1"), ("display_name", "Ann \"A\""), ("password", "a secret")];
    // Sends a form when the session has ended; where that leads to.
    let send = |browser: &mut Browser, path: &str, fields: &[(&str, &str)]| {
        browser.sign_in("user1");
        let form_token = browser.get("/account").input("form_token");
        browser.cookies.remove("zato_sso_session");
        browser.post(path, &form_token, fields).location().to_owned()
    };
    let sign_in = |browser: &mut Browser, username: &str, location: &str| {
        let next = location.split_once("next=").unwrap().1.replace("%3F", "?").replace("%3D", "=");
        let fields = [("username", username), ("password", PASSWORD), ("next", next.as_str())];
        format!("/{}", browser.submit("/login", &fields).location().trim_start_matches("./"))
    };
    let location = send(&mut browser, "/account", &typed);
    assert_eq!(location, "./login?next=account%3Fdone%3Dform-kept");
    let draft = browser.cookies["zato_sso_draft"].clone();
    let kept = data_encoding::BASE64URL_NOPAD.decode(draft.as_bytes()).unwrap();
    assert!(!String::from_utf8(kept).unwrap().contains("secret"));
    let back = sign_in(&mut browser, "user1", &location);
    let page = browser.get(&back);
    page.shows(200, "What you had typed is shown again");
    assert_eq!(page.input("display_name"), "Ann \"A\"");
    // It was not sent, and is shown once.
    assert!(!browser.cookies.contains_key("zato_sso_draft"));
    assert_eq!(browser.get("/account").input("display_name"), "");

    // Somebody else does not see it.
    let location = send(&mut browser, "/account", &typed);
    let back = sign_in(&mut browser, "user2", &location);
    assert_eq!(browser.get(&back).input("display_name"), "");
    // Of what is not harmless, or too long, it is said.
    let long = "x".repeat(3_000);
    for (path, fields) in [
        ("/account/email", [("whose", "user1"), ("email", "a@b.example")]),
        ("/account", [("whose", "user1"), ("display_name", long.as_str())]),
    ] {
        let location = send(&mut browser, path, &fields);
        let back = sign_in(&mut browser, "user1", &location);
        assert_eq!(back.split_once('?').unwrap().1, "done=form-lost");
        browser.get(&back).shows(200, "was not saved");
    }
}
