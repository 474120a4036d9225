//! The pages as those meet them who mean ill, or are in a hurry: what is typed, sent, replayed and left open.

use serde_json::json;
use zato_sso::domain::{Edit, UserUpdate};
use zato_sso::ops::Actor;

use crate::login::{totp_code, totp_user, with_code};
use crate::page::{Browser, encoded};
use crate::page_login::FORMS;
use crate::support::{Kind, PASSWORD, credentials, ctx, new_user, refusal};

on_both_databases! {
    whoever_was_sent_to_sign_in_comes_back_to_all_that_was_asked_for;
    who_signs_out_of_a_session_that_has_ended_need_not_sign_in;
    the_address_of_a_form_alone_leads_to_its_page;
    two_tabs_that_sign_in_do_not_mix_their_users;
    cookies_are_safe_behind_a_proxy_that_hides_the_host;
    a_code_may_be_typed_in_groups;
    no_form_is_our_fault;
    only_get_and_post_reach_a_page;
    a_ticket_is_worth_nothing_for_who_may_not_come_in;
    codes_work_once;
    a_used_ticket_opens_no_second_session;
    nothing_that_strangers_choose_is_markup;
    nothing_of_a_request_gets_into_headers;
    a_role_that_was_taken_away_ends_at_once;
    a_stolen_session_changes_nothing_that_proves_who_somebody_is;
    what_is_told_at_the_door_depends_on_the_password_alone;
}

async fn whoever_was_sent_to_sign_in_comes_back_to_all_that_was_asked_for(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let asked = "/admin?list=waiting&q=a%26b%23";
    let to_login = browser.get(&format!("{asked}&done=deleted&ui_locales=en")).location().to_owned();
    assert_eq!(to_login, "./login?next=admin%3Flist%3Dwaiting%26q%3Da%2526b%2523");
    let page = browser.get(&to_login[1..]);
    // Another language leaves it as it is.
    let kept = "?ui_locales=de&amp;next=admin%3Flist%3Dwaiting%26q%3Da%2526b%2523";
    assert!(page.body.contains(kept), "{}", page.body);
    let fields = [("username", "admin1"), ("password", PASSWORD), ("next", &page.input("next"))];
    let answer = browser.post("/login", &page.input("form_token"), &fields);
    assert_eq!(answer.location(), format!(".{asked}"));
    let page = browser.get(asked);
    assert!(page.body.contains("?ui_locales=de&amp;list=waiting&amp;q=a%26b%23"), "{}", page.body);
    browser.cookies.clear();
    // What a path says is part of the path, and sets nothing else.
    let answer = browser.get("/admin/user/a&again=1&done=password");
    assert_eq!(answer.location(), "../../login?next=admin/user/a%26again%3D1%26done%3Dpassword");
    for path in ["/admin/user/\u{7f}", "/admin/user/\u{e9}", "/admin/user/%0d%0aX:y", "/admin/user/a\"b"] {
        let answer = browser.get(path);
        assert!(matches!(answer.status, 303 | 400), "{path:?}: {answer:?}");
    }
}

async fn who_signs_out_of_a_session_that_has_ended_need_not_sign_in(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let form_token = browser.get("/account").input("form_token");
    browser.server.world.clock.advance_seconds(100 * 3_600);
    assert_eq!(browser.post("/logout", &form_token, &[]).location(), "./login?done=logout");
    assert!(!browser.cookies.contains_key("zato_sso_session"));
    assert_eq!(browser.get("/logout").location(), "./login?done=logout");
}

async fn the_address_of_a_form_alone_leads_to_its_page(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    for path in ["set-up", "finish", "codes", "disable"] {
        let answer = browser.get(&format!("/account/two-factor/{path}?ui_locales=de"));
        assert_eq!(answer.location(), "../../account/two-factor", "{path}");
    }
    assert_eq!(browser.get("/account/data").location(), "../account");
    assert!(browser.get("/account").body.contains("<html lang=\"de\""));
    browser.cookies.remove("zato_sso_session");
    assert_eq!(browser.get("/account/data").location(), "../login?next=account");
}

async fn two_tabs_that_sign_in_do_not_mix_their_users(kind: Kind) {
    let settings = json!({"password.inform_if_must_be_changed": true});
    let mut browser = Browser::with(kind, settings).await;
    for username in ["user1", "user2"] {
        let user = browser.server.world.user(username).await;
        let update = UserUpdate { password_must_change: Edit::Set(true), ..UserUpdate::default() };
        let sso = &browser.server.world.sso;
        sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    }
    browser.submit("/login", &[("username", "user1"), ("password", PASSWORD)]).location();
    let first = browser.get("/login/password");
    assert_eq!(first.input("username"), "user1");
    browser.submit("/login", &[("username", "user2"), ("password", PASSWORD)]).location();
    let fields = [("username", "user1"), ("new_password", "a quite different one")];
    let answer = browser.post("/login/password", &first.input("form_token"), &fields);
    assert_eq!(answer.location(), "../login");
    let sso = browser.server.world.sso.clone();
    refusal(sso.login(&ctx(), credentials("user2", "a quite different one")).await);
    assert!(!browser.cookies.contains_key("zato_sso_session"));
}

async fn cookies_are_safe_behind_a_proxy_that_hides_the_host(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"pages.url": "https://sso.example"})).await;
    browser.server.world.user("user1").await;
    browser.host = "127.0.0.1:17010".to_owned();
    let answer = browser.sign_in("user1");
    let session = answer.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(session.starts_with("__Host-") && session.contains("; Secure;"), "{session}");
    browser.get("/account").shows(200, "user1");
}

async fn a_code_may_be_typed_in_groups(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    totp_user(&browser.server.world).await;
    browser.submit("/login", &[("username", "totp1"), ("password", PASSWORD)]).location();
    let page = browser.get("/login/code");
    assert_eq!(page.input("username"), "totp1");
    let code = totp_code(0);
    let code = format!(" {} {}\t", &code[..3], &code[3..]);
    let fields = [("totp_code", code.as_str()), ("username", "totp1")];
    assert_eq!(browser.post("/login/code", &page.input("form_token"), &fields).location(), "../account");
}

async fn no_form_is_our_fault(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"http.max_body_bytes": 200_000})).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    let own = browser.get("/account").input("form_token");
    let open = browser.get("/login?again=1").input("form_token");
    let long = "x".repeat(30_000);
    let names = [
        "username",
        "password",
        "email",
        "totp_code",
        "totp_key",
        "totp_uri",
        "token",
        "reset_key",
        "new_password",
        "old_password",
        "session_id",
        "action",
        "display_name",
        "next",
        "keep",
        "again",
    ];
    let bodies = [
        String::new(),
        "{}".to_owned(),
        "%".repeat(100),
        "=&=&&;%00=%ff&form_token".to_owned(),
        "a=b&".repeat(10_000),
        encoded([("form_token", own.as_str()), ("form_token", "x")].into_iter()),
        encoded([("form_token", open.as_str()), ("x", "")].into_iter()),
        "--x\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\nx\r\n--x--".to_owned(),
    ];
    for path in FORMS.iter().copied().filter(|path| *path != "/logout") {
        let form_token = if path.starts_with("/a") { &own } else { &open };
        for value in ["", "\u{0}", "\u{202e}\u{fffd}'\"<>&;%", long.as_str()] {
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, value)).collect();
            let few = if value.len() == long.len() { &fields[4..7] } else { &fields[..] };
            let answer = browser.post(path, form_token, few);
            assert!(matches!(answer.status, 200 | 303 | 403 | 422 | 429), "{path} {value:.9}: {answer:?}");
        }
        for body in &bodies {
            for media in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
                let answer = browser.send("POST", path, &[&format!("Content-Type: {media}")], body);
                assert!(matches!(answer.status, 200 | 303 | 403 | 422 | 429), "{path} {body:.9}: {answer:?}");
            }
        }
    }
    let answer = browser.send("POST", "/login", &[], &"x".repeat(200_001));
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.header("content-security-policy").is_some());
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
}

async fn only_get_and_post_reach_a_page(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let form_token = browser.get("/account").input("form_token");
    let body = encoded([("form_token", form_token.as_str()), ("display_name", "X")].into_iter());
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post"] {
        let header = ["Sec-Fetch-Site: same-origin", "X-HTTP-Method-Override: POST"];
        assert_eq!(browser.send(method, "/account", &header, &body).status, 405, "{method}");
    }
    browser.get(&format!("/account?_method=POST&{body}")).shows(200, "user1");
    assert_eq!(browser.get("/account").input("display_name"), "");
}

async fn a_ticket_is_worth_nothing_for_who_may_not_come_in(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    totp_user(&browser.server.world).await;
    browser.submit("/login", &[("username", "totp1"), ("password", PASSWORD)]).location();
    let sso = browser.server.world.sso.clone();
    let user = sso.get_user_by_username(&ctx(), "totp1", false).await.unwrap().unwrap();
    let user_id = user.user.user_id.as_str().to_owned();
    sso.lock_user(&ctx(), Actor::Trusted(None), &user_id).await.unwrap();
    browser.submit("/login/code", &[("totp_code", &totp_code(0))]).shows(422, "This account is locked.");
    sso.unlock_user(&ctx(), Actor::Trusted(None), &user_id).await.unwrap();
    // Another browser that has stolen it has no form, and this one's is for another secret.
    let step = browser.cookies["zato_sso_step"].clone();
    let form_token = browser.get("/login/code").input("form_token");
    browser.cookies.clear();
    browser.cookies.insert("zato_sso_step".to_owned(), step);
    let fields = [("totp_code", totp_code(2))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, code)| (*name, code.as_str())).collect();
    browser.post("/login/code", &form_token, &fields).shows(403, "too old");
    sso.delete_user_by_id(&ctx(), Actor::Trusted(None), &user_id).await.unwrap();
    browser.submit("/login/code", &fields).shows(422, "The code is wrong");
}

async fn codes_work_once(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"login_throttle.enabled": false})).await;
    totp_user(&browser.server.world).await;
    let sso = browser.server.world.sso.clone();
    let ust = sso.login(&ctx(), with_code(&totp_code(-1))).await.unwrap().ust;
    let codes = sso.generate_recovery_codes(&ctx(), ust, None).await.unwrap();
    for code in
        [totp_code(0), codes[0].expose().to_owned(), codes[1].expose().to_lowercase().replace('-', " ")]
    {
        for expected in [303, 422] {
            browser.cookies.clear();
            browser.submit("/login", &[("username", "totp1"), ("password", PASSWORD)]).location();
            let answer = browser.submit("/login/code", &[("totp_code", &code)]);
            assert_eq!(answer.status, expected, "{}", answer.text());
        }
    }
}

async fn a_used_ticket_opens_no_second_session(kind: Kind) {
    let settings = json!({"password.inform_if_must_be_changed": true});
    let mut browser = Browser::with(kind, settings).await;
    let user = browser.server.world.user("user1").await;
    let update = UserUpdate { password_must_change: Edit::Set(true), ..UserUpdate::default() };
    let sso = browser.server.world.sso.clone();
    sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    browser.submit("/login", &[("username", "user1"), ("password", PASSWORD)]).location();
    let step = browser.cookies["zato_sso_step"].clone();
    // It is no code, and no password stands for it.
    browser.submit("/login/code", &[("totp_code", "000000")]);
    assert!(!browser.cookies.contains_key("zato_sso_session"));
    browser.submit("/login/password", &[("new_password", "a quite different one")]).location();
    browser.cookies.clear();
    browser.cookies.insert("zato_sso_step".to_owned(), step);
    let answer = browser.submit("/login/password", &[("new_password", "and one more of them")]);
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(!browser.cookies.contains_key("zato_sso_session"));
    sso.login(&ctx(), credentials("user1", "a quite different one")).await.unwrap();
}

async fn nothing_that_strangers_choose_is_markup(kind: Kind) {
    let settings = json!({"pages.site_name": "<b>A</b>\"'", "search.default_page_size": 100});
    let mut browser = Browser::with(kind, settings).await;
    browser.server.world.super_user("admin1").await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}";
    let mut new = new_user("ann1");
    new.display_name = Some(evil.to_owned());
    let sso = browser.server.world.sso.clone();
    let user = sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let agent = format!("User-Agent: {evil}");
    let form_token = browser.get("/login").input("form_token");
    let login = |username: &str| {
        encoded([("username", username), ("password", PASSWORD), ("form_token", &form_token)].into_iter())
    };
    browser.send("POST", "/login", &[&agent], &login("ann1")).location();
    let query = encoded(
        [("q", evil), ("list", evil), ("done", evil), ("ui_locales", evil), ("next", evil)].into_iter(),
    );
    let check = |browser: &mut Browser, path: &str, has_it: bool| {
        let page = browser.get(&format!("{path}?{query}"));
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        // One script, that of the page; nothing of it is an element, or an attribute.
        assert_eq!(page.body.matches("<script>").count(), 1, "{path}");
        assert!(!page.body.contains("<img") && !page.body.contains("<b>A"), "{path}");
        assert!(!page.body.contains("\"'>"), "{path}: {}", page.body);
        assert!(!has_it || page.body.contains("&lt;script&gt;alert(1)"), "{path}");
    };
    for path in ["/account", "/account/sessions"] {
        check(&mut browser, path, true);
    }
    for path in ["/login", "/signup", "/password/forgot"] {
        let cookies = std::mem::take(&mut browser.cookies);
        check(&mut browser, path, false);
        browser.cookies = cookies;
    }
    browser.cookies.clear();
    browser.sign_in("admin1");
    check(&mut browser, &format!("/admin/user/{}", user.user_id.as_str()), true);
    browser.get("/admin").shows(200, "<script>alert(1)");
    check(&mut browser, "/admin", true);
    let page = browser.submit("/login?again=1", &[("username", evil), ("password", "x")]);
    assert!(page.status == 422 && page.input("username").contains("<img src=x"));
    assert_eq!(page.body.matches("<script>").count(), 1);
}

async fn nothing_of_a_request_gets_into_headers(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    let split = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>";
    let query = encoded([("ui_locales", split), ("next", split), ("done", split)].into_iter());
    browser.host = "evil.example".to_owned();
    let forwarded =
        ["X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil.example", "X-Original-URL: /admin"];
    let page = browser.send("GET", &format!("/login?{query}"), &forwarded, "");
    let fields = [("username", split), ("password", split), ("next", split), ("keep", split)];
    let wrong = browser.post("/login", &page.input("form_token"), &fields);
    assert_eq!((page.status, wrong.status), (200, 422));
    for seen in [&page, &wrong] {
        assert!(!seen.headers.iter().any(|(name, value)| name.contains("evil") || value.contains("evil")));
        assert!(!seen.body.contains("evil.example"));
    }
}

async fn a_role_that_was_taken_away_ends_at_once(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let user = browser.server.world.super_user("admin2").await;
    let victim = browser.server.world.user("user1").await;
    browser.sign_in("admin2");
    let path = format!("/admin/user/{}", victim.user_id.as_str());
    let form_token = browser.get(&path).input("form_token");
    let update = UserUpdate { is_super_user: Edit::Set(false), ..UserUpdate::default() };
    let sso = browser.server.world.sso.clone();
    sso.update_user_by_id(&ctx(), Actor::Trusted(None), user.user_id.as_str(), update).await.unwrap();
    for action in ["lock", "delete", "end-sessions", "totp-off", "reset"] {
        let answer = browser.post(&path, &form_token, &[("action", action)]);
        assert!(matches!(answer.status, 303 | 403), "{action}");
        assert!(answer.status == 403 || answer.location().contains("login"), "{action}");
    }
    assert!(matches!(browser.get("/admin").status, 303 | 403));
    sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
}

async fn a_stolen_session_changes_nothing_that_proves_who_somebody_is(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.super_user("admin1").await;
    let victim = browser.server.world.user("user1").await;
    browser.sign_in("admin1");
    let form_token = browser.get("/account").input("form_token");
    browser.server.world.clock.advance_seconds(11 * 60);
    let admin = format!("/admin/user/{}", victim.user_id.as_str());
    for (path, fields) in [
        ("/account/email", [("email", "evil@example.com")]),
        ("/account/two-factor/set-up", [("x", "")]),
        ("/account/two-factor/disable", [("password", PASSWORD)]),
        ("/account/two-factor/codes", [("x", "")]),
        (admin.as_str(), [("action", "delete")]),
        (admin.as_str(), [("action", "totp-off")]),
    ] {
        let answer = browser.post(path, &form_token, &fields);
        assert!(answer.location().contains("login?again=1&next="), "{path}: {}", answer.location());
    }
    let new = ("new_password", "a quite different one");
    browser.post("/account/password", &form_token, &[new]).shows(422, "Fill in what is missing.");
    let guess = ("old_password", "a wild guess");
    browser.post("/account/password", &form_token, &[guess, new]).shows(422, "wrong");
}

async fn what_is_told_at_the_door_depends_on_the_password_alone(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"login_throttle.enabled": false})).await;
    let sso = browser.server.world.sso.clone();
    let locked = browser.server.world.user("locked1").await;
    sso.lock_user(&ctx(), Actor::Trusted(None), locked.user_id.as_str()).await.unwrap();
    sso.create_user(&ctx(), Actor::Trusted(None), new_user("waiting1"), false).await.unwrap();
    browser.server.world.user("usual1").await;
    totp_user(&browser.server.world).await;
    let mut said = Vec::new();
    for username in ["locked1", "waiting1", "usual1", "totp1", "nobody1"] {
        let answer = browser.submit("/login", &[("username", username), ("password", "wrong")]);
        answer.shows(422, "Username or password is wrong.");
        let mut names: Vec<String> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        said.push((answer.text().replace(username, ""), names, answer.cookies().len()));
    }
    assert!(said.iter().skip(1).all(|one| one.0 == said[1].0 && one.1 == said[1].1), "{said:?}");
    let login = [("locked1", "This account is locked."), ("waiting1", "This account is not approved yet.")];
    for (username, text) in login {
        let answer = browser.submit("/login", &[("username", username), ("password", PASSWORD)]);
        answer.shows(422, text);
        assert!(!answer.cookies().iter().any(|line| line.contains("session") || line.contains("step")));
    }
    for path in ["/password/forgot", "/signup/resend"] {
        let said: Vec<(u16, String)> = ["usual1", "nobody1", "locked1", "nobody@example.com"]
            .iter()
            .map(|username| browser.submit(path, &[("username", *username)]))
            .map(|answer| (answer.status, answer.header("location").unwrap_or(&answer.text()).to_owned()))
            .collect();
        assert!(said.iter().all(|one| *one == said[0]), "{path}: {said:?}");
    }
}
