//! One's own account by the pages: sign-up, forgotten passwords, email, password, two-step sign-in, sessions, one's data.

use serde_json::{Value, json};
use zato_sso::ops::Actor;

use crate::login::code_of;
use crate::page::{Browser, Seen};
use crate::smtp::{Manner, SmtpServer};
use crate::support::{Kind, PASSWORD, START, credentials, ctx, new_user, refusal};

on_both_databases! {
    who_signs_up_confirms_by_the_link_and_signs_in;
    without_emails_a_sign_up_is_confirmed_at_once;
    a_sign_up_that_is_refused_keeps_what_was_typed_but_never_the_password;
    nobody_learns_by_a_sign_up_or_a_reset_who_has_an_account;
    who_forgot_the_password_sets_a_new_one_by_the_link;
    a_password_that_is_refused_does_not_use_the_link_up;
    an_email_counts_when_it_is_confirmed;
    a_password_is_changed_with_the_old_one;
    two_step_sign_in_is_switched_on_by_the_key_that_is_shown_and_off_again;
    risky_pages_ask_who_it_is_where_the_login_is_old;
    a_stolen_session_is_ended_from_another;
    sessions_are_named_by_what_they_are_used_with_and_from_where;
    ones_data_is_a_file;
    people_delete_their_account_where_configuration_allows_it;
    the_last_super_user_stays;
    emails_are_in_the_language_of_the_page_or_the_last_one_of_the_user;
    links_in_emails_lead_where_configuration_says;
    pages_with_tokens_tell_nobody_where_somebody_came_from;
}

const BASE: &str = "https://sso.example";

async fn with_emails(kind: Kind, more: Value) -> (Browser, SmtpServer) {
    let smtp = SmtpServer::new(Manner::Kind).await;
    let mut settings = json!({
        "smtp.url": smtp.url,
        "password_reset.email_from": "sso@example.com",
        "pages.is_active": true,
        "pages.url": BASE,
        "apps.signup_allowed": ["CRM"],
        "signup.is_approval_needed": false,
    });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    (Browser::with(kind, settings).await, smtp)
}

/// The path of the link in an email, and the token behind the #.
#[track_caller]
fn link(email: &str) -> (String, String) {
    let line = email.lines().find(|line| line.starts_with("http")).unwrap_or_else(|| panic!("{email}"));
    let path = line.strip_prefix(BASE).unwrap();
    let (path, token) = path.split_once("#token=").unwrap();
    (path.to_owned(), token.to_owned())
}

fn sign_up<'a>(username: &'a str, email: &'a str) -> [(&'a str, &'a str); 3] {
    [("username", username), ("email", email), ("password", PASSWORD)]
}

/// Who has shown that the email is theirs.
async fn verified(browser: &Browser) -> Vec<String> {
    let sql = "SELECT username FROM sso_user WHERE email_is_verified";
    let rows = crate::support::any_rows(&browser.server.world, sql).await;
    rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect()
}

async fn who_signs_up_confirms_by_the_link_and_signs_in(kind: Kind) {
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    browser.get("/login").shows(200, "Sign up");
    let answer = browser.submit("/signup", &sign_up("newcomer", "new@example.com"));
    assert_eq!(answer.location(), "./signup/done");
    browser.get("/signup/done").shows(200, "Check your email");
    let answer = browser.submit("/login", &[("username", "newcomer"), ("password", PASSWORD)]);
    assert_eq!(answer.status, 422);
    let (path, token) = link(&smtp.email(1).await);
    assert_eq!(path, "/signup/confirm");
    browser.submit(&path, &[("token", "wrong")]).shows(422, "wrong, was used before, or is too old");
    // Without a script people copy the whole link.
    let copied = format!(" {BASE}{path}#token={token} ");
    assert_eq!(verified(&browser).await, [] as [String; 0]);
    assert_eq!(browser.submit(&path, &[("token", &copied)]).location(), "../login?done=signup");
    assert_eq!(verified(&browser).await, ["newcomer"]);
    // The link may be followed twice.
    assert_eq!(browser.submit(&path, &[("token", &token)]).location(), "../login?done=signup");
    browser.get("/login?done=signup").shows(200, "Your account is confirmed. You can sign in now.");
    assert_eq!(browser.sign_in("newcomer").location(), "./account");
}

async fn without_emails_a_sign_up_is_confirmed_at_once(kind: Kind) {
    let settings = json!({"apps.signup_allowed": ["CRM"]});
    let mut browser = Browser::with(kind, settings).await;
    let page = browser.submit("/signup", &sign_up("newcomer", "new@example.com"));
    page.shows(200, "Confirm your account");
    let (token, form_token) = (page.input("token"), page.input("form_token"));
    let answer = browser.post("/signup/confirm", &form_token, &[("token", &token)]);
    assert_eq!(answer.location(), "../login?done=approval");
    // Who got the token in the answer has shown nothing of an address.
    assert_eq!(verified(&browser).await, [] as [String; 0]);
    browser.get("/login?done=approval").shows(200, "as soon as it is approved");

    let mut browser = Browser::new(kind).await;
    browser.get("/signup").shows(200, "Accounts cannot be created here");
    assert!(!browser.get("/login").text().contains("No account yet?"));
    let form_token = browser.get("/login").input("form_token");
    browser.post("/signup", &form_token, &sign_up("newcomer", "new@example.com")).shows(422, "not allowed");
}

async fn a_sign_up_that_is_refused_keeps_what_was_typed_but_never_the_password(kind: Kind) {
    let settings = json!({"apps.signup_allowed": ["CRM"], "password.inform_if_invalid": true});
    let mut browser = Browser::with(kind, settings).await;
    let mut refused = |username: &str, email: &str, password: &str, field: &str, said: &str| {
        let fields =
            [("username", username), ("email", email), ("password", password), ("display_name", "Ann \"A\"")];
        let page = browser.submit("/signup", &fields);
        page.shows(422, said);
        assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{}", page.body);
        assert!(page.body.contains("<title>Error: "), "{}", page.body);
        assert!(page.body.contains(&format!("href=\"#{field}\"")), "{}", page.body);
        assert_eq!((page.input("username").as_str(), page.input("email").as_str()), (username, email));
        assert_eq!((page.input("display_name").as_str(), page.input("password").as_str()), ("Ann \"A\"", ""));
    };
    refused("ann", "ann@example.com", "short", "password", "too short");
    refused("ann", "", PASSWORD, "email", "Enter your email address");
    refused("ann", "not an address", PASSWORD, "email", "email address");
    refused("with space", "ann@example.com", PASSWORD, "username", "no spaces");
}

async fn nobody_learns_by_a_sign_up_or_a_reset_who_has_an_account(kind: Kind) {
    let (mut browser, _smtp) = with_emails(kind, json!({})).await;
    let mut new = new_user("user1");
    new.email = Some("user1@example.com".to_owned());
    browser.server.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let said = |seen: &Seen| (seen.status, seen.header("location").map(str::to_owned), seen.cookies().len());
    let known = browser.submit("/signup", &sign_up("other1", "user1@example.com"));
    let unknown = browser.submit("/signup", &sign_up("other2", "other2@example.com"));
    assert_eq!(said(&known), said(&unknown));
    let known = browser.submit("/password/forgot", &[("username", "user1")]);
    let unknown = browser.submit("/password/forgot", &[("username", "nobody")]);
    assert_eq!(said(&known), said(&unknown));
    assert_eq!(known.location(), "../password/sent");
    let known = browser.submit("/signup/resend", &[("username", "user1")]);
    let unknown = browser.submit("/signup/resend", &[("username", "nobody")]);
    assert_eq!(said(&known), said(&unknown));
    browser.submit("/password/forgot", &[("username", " ")]).shows(422, "Fill in");
}

async fn user_with_email(browser: &Browser, username: &str) {
    let mut new = new_user(username);
    new.email = Some(format!("{username}@example.com"));
    browser.server.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
}

async fn who_forgot_the_password_sets_a_new_one_by_the_link(kind: Kind) {
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    user_with_email(&browser, "user1").await;
    browser.submit("/password/forgot", &[("username", "user1")]).location();
    let (path, token) = link(&smtp.email(1).await);
    assert_eq!(path, "/password/reset");
    let fields = [("token", token.as_str()), ("new_password", "a quite different one")];
    assert_eq!(verified(&browser).await, [] as [String; 0]);
    assert_eq!(browser.submit(&path, &fields).location(), "../login?done=password");
    assert_eq!(verified(&browser).await, ["user1"]);
    browser.get("/login?done=password").shows(200, "Your password was changed.");
    browser.submit(&path, &fields).shows(422, "wrong, was used before, or is too old");
    let sso = &browser.server.world.sso;
    sso.login(&ctx(), credentials("user1", "a quite different one")).await.unwrap();
    refusal(sso.login(&ctx(), credentials("user1", PASSWORD)).await);
}

async fn a_password_that_is_refused_does_not_use_the_link_up(kind: Kind) {
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    user_with_email(&browser, "user1").await;
    browser.submit("/password/forgot", &[("username", "user1")]).location();
    let (path, token) = link(&smtp.email(1).await);
    browser.submit(&path, &[("token", &token), ("new_password", "")]).shows(422, "too short");
    let page = browser.submit(&path, &[("token", &token), ("new_password", "short")]);
    page.shows(422, "too short");
    let (reset_key, form_token) = (page.input("reset_key"), page.input("form_token"));
    assert_eq!(page.input("token"), token);
    let fields =
        [("token", token.as_str()), ("reset_key", &reset_key), ("new_password", "a quite different one")];
    assert_eq!(browser.post(&path, &form_token, &fields).location(), "../login?done=password");
}

async fn an_email_counts_when_it_is_confirmed(kind: Kind) {
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    user_with_email(&browser, "user1").await;
    browser.sign_in("user1");
    browser.submit("/account/email", &[("email", "nonsense")]).shows(422, "This is not an email address.");
    browser.submit("/account/email", &[("email", "")]).shows(422, "Enter your email address.");
    let answer = browser.submit("/account/email", &[("email", "new@example.com")]);
    assert_eq!(answer.location(), "../account?done=email-sent");
    browser.get("/account?done=email-sent").shows(200, "user1@example.com");
    smtp.email(2).await;
    let emails = smtp.received();
    let (path, token) =
        emails.iter().find(|email| email.contains("#token=")).map(|email| link(email)).unwrap();
    assert_eq!(path, "/email/confirm");
    // Whoever follows the link need not be signed in there.
    let cookies = std::mem::take(&mut browser.cookies);
    assert_eq!(verified(&browser).await, [] as [String; 0]);
    assert_eq!(browser.submit(&path, &[("token", &token)]).location(), "../account?done=email");
    assert_eq!(verified(&browser).await, ["user1"]);
    browser.cookies = cookies;
    browser.get("/account").shows(200, "new@example.com");
    // It stays so in another spelling, and until somebody else enters another one.
    let sso = &browser.server.world.sso;
    let user = sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    for (email, expected) in [("NEW@example.com", 1), ("other@example.com", 0)] {
        let update = zato_sso::domain::UserUpdate {
            email: zato_sso::domain::Edit::Set(email.to_owned()),
            ..Default::default()
        };
        let root = Actor::Trusted(None);
        sso.update_user_by_id(&ctx(), root, user.user_id.as_str(), update).await.unwrap();
        assert_eq!(verified(&browser).await.len(), expected, "{email}");
    }
}

async fn a_password_is_changed_with_the_old_one(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let change = |old: &'static str, new: &'static str| [("old_password", old), ("new_password", new)];
    let wrong = browser.submit("/account/password", &change("wrong", "a quite different one"));
    wrong.shows(422, "The current password is wrong.");
    assert!(!wrong.body.contains("a quite different one"));
    browser.submit("/account/password", &change(PASSWORD, "short")).shows(422, "too short");
    let answer = browser.submit("/account/password", &change(PASSWORD, "a quite different one"));
    assert_eq!(answer.location(), "../account?done=password");
    let sso = &browser.server.world.sso;
    sso.login(&ctx(), credentials("user1", "a quite different one")).await.unwrap();
}

async fn two_step_sign_in_is_switched_on_by_the_key_that_is_shown_and_off_again(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let page = browser.get("/account/two-factor");
    let form_token = page.input("form_token");
    let page = browser.post("/account/two-factor/set-up", &form_token, &[]);
    page.shows(200, "Scan this picture");
    assert!(page.body.contains("<svg class=\"qr\" role=\"img\""));
    let (key, uri) = (page.input("totp_key"), page.input("totp_uri"));
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&key), "{uri}");
    let fields = |code: &str| {
        [
            ("totp_key".to_owned(), key.clone()),
            ("totp_uri".to_owned(), uri.clone()),
            ("totp_code".to_owned(), code.to_owned()),
        ]
    };
    let send = |browser: &mut Browser, code: &str| {
        let fields = fields(code);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post("/account/two-factor/finish", &form_token, &fields)
    };
    let wrong = send(&mut browser, "000000");
    wrong.shows(422, "The code is wrong.");
    assert_eq!(wrong.input("totp_key"), key);
    let page = send(&mut browser, &code_of(&key, 0));
    page.shows(200, "Recovery codes");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let listed = page.body.split("<ul class=\"codes\"").nth(1).unwrap().split("</ul>").next().unwrap();
    let codes: Vec<&str> = listed.split("<li>").skip(1).collect();
    assert_eq!(codes.len(), 10);
    let recovery_code = codes[0].split('<').next().unwrap().to_owned();
    browser.get("/account/two-factor").shows(200, "You have 10 codes left.");

    let cookies = std::mem::take(&mut browser.cookies);
    browser.submit("/login", &[("username", "user1"), ("password", PASSWORD)]).location();
    let answer = browser.submit("/login/code", &[("totp_code", &recovery_code)]);
    assert_eq!(answer.location(), "../account");
    browser.cookies = cookies;
    let page = browser.get("/account/two-factor");
    page.shows(200, "You have 9 codes left.");
    let form_token = page.input("form_token");
    browser.post("/account/two-factor/codes", &form_token, &[]).shows(200, "They are not shown again");
    browser.post("/account/two-factor/disable", &form_token, &[("password", "wrong")]).shows(422, "wrong");
    let answer = browser.post("/account/two-factor/disable", &form_token, &[("password", PASSWORD)]);
    assert_eq!(answer.location(), "../../account?done=two-factor-off");
    browser.get("/account/two-factor").shows(200, "Turn on two-step sign-in");
}

async fn risky_pages_ask_who_it_is_where_the_login_is_old(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let form_token = browser.get("/account/email").input("form_token");
    browser.server.world.clock.advance_seconds(11 * 60);
    for path in ["account/email", "account/two-factor"] {
        let expected = format!("../login?again=1&next={path}");
        assert_eq!(browser.get(&format!("/{path}")).location(), expected);
    }
    // A form that was open meanwhile is refused by the operation, whatever the page shows.
    let answer = browser.post("/account/email", &form_token, &[("email", "new@example.com")]);
    assert_eq!(answer.location(), "../login?again=1&next=account/email");
    let answer = browser.post("/account/two-factor/set-up", &form_token, &[]);
    assert_eq!(answer.location(), "../../login?again=1&next=account/two-factor");
    let page = browser.get("/login?again=1&next=account/email");
    let fields = [("username", "user1"), ("password", PASSWORD), ("next", "account/email")];
    let answer = browser.post("/login", &page.input("form_token"), &fields);
    assert_eq!(answer.location(), "./account/email");
    browser.get("/account/email").shows(200, "New email address");
}

async fn a_stolen_session_is_ended_from_another(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.server.world.user("user2").await;
    let foreign = browser.server.world.login("user2").await;
    let foreign = browser.server.world.sso.list_sessions(&ctx(), &foreign.ust, None).await.unwrap();
    browser.sign_in("user1");
    let stolen = std::mem::take(&mut browser.cookies);
    browser.sign_in("user1");
    let page = browser.get("/account/sessions");
    assert_eq!(page.body.matches("name=\"session_id\"").count(), 1);
    page.shows(200, "this one");
    let form_token = page.input("form_token");
    let others = foreign[0].session.session_id.to_string();
    browser.post("/account/sessions", &form_token, &[("session_id", &others)]).shows(422, "ended already");
    browser
        .server
        .world
        .sso
        .get_current_session(&ctx(), &browser.server.world.login("user2").await.ust)
        .await
        .unwrap();
    let session_id = page.input("session_id");
    let answer = browser.post("/account/sessions", &form_token, &[("session_id", &session_id)]);
    assert_eq!(answer.location(), "../account/sessions?done=session");
    let own = std::mem::replace(&mut browser.cookies, stolen);
    assert_eq!(browser.get("/account").location(), "./login?next=account");

    browser.cookies.clear();
    browser.sign_in("user1");
    let second = std::mem::replace(&mut browser.cookies, own);
    browser.submit("/account/sessions", &[]).location();
    browser.get("/account").shows(200, "user1");
    browser.cookies = second;
    assert_eq!(browser.get("/account").location(), "./login?next=account");
}

async fn sessions_are_named_by_what_they_are_used_with_and_from_where(kind: Kind) {
    let settings = json!({"session.idle_timeout": 600});
    let mut browser = Browser::with(kind, settings).await;
    let world = &browser.server.world;
    let user = world.super_user("admin1").await;
    let windows =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0";
    let mut login = credentials("admin1", PASSWORD);
    login.user_agent = Some(windows.to_owned());
    let ust = world.sso.login(&ctx(), login).await.unwrap().ust;
    let mut login = credentials("admin1", PASSWORD);
    login.user_agent = Some("<b>robot</b>".to_owned());
    world.sso.login(&ctx(), login).await.unwrap();
    let began = world.sso.now().to_string();
    // It is used later from elsewhere, without being renewed, and then renewed.
    world.clock.advance_seconds(3_000);
    world.sso.get_current_session(&ctx(), &ust).await.unwrap();
    let used = world.sso.now().to_string();
    browser.sign_in("admin1");
    let minute = |time: &str| time[..16].replace('T', " ");
    for path in ["/account/sessions".to_owned(), format!("/admin/user/{}", user.user_id.as_str())] {
        let page = browser.get(&path);
        let said = format!(
            "Chrome on Windows From 10.0.0.1 Last used: {} UTC Signed in: {} UTC",
            minute(&used),
            minute(&began)
        );
        page.shows(200, &said);
        page.shows(200, "<b>robot</b> From 10.0.0.1");
        page.shows(200, "Unknown program");
        assert!(!page.body.contains("<b>robot"));
        assert!(page.body.contains("aria-label=\"End the session of Chrome on Windows\""), "{}", page.body);
    }
    browser.get("/account/sessions?ui_locales=ja").shows(200, "Windows の Chrome");
    let moved = crate::support::ctx_of("CRM", "10.9.9.9");
    browser.server.world.sso.renew_session(&moved, &ust, Some("curl/8")).await.unwrap();
    browser.get("/account/sessions?ui_locales=en").shows(200, "curl/8 From 10.9.9.9");
}

async fn ones_data_is_a_file(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let form_token = browser.get("/account").input("form_token");
    let answer = browser.post("/account/data", &form_token, &[]);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"my-data.json\""));
    let data: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(data["user"]["username"], "user1");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    assert!(!answer.body.contains("zust") && !answer.body.contains("totp_key"));
    assert!(answer.body.contains(&START.to_string()[..10]));
}

async fn links_in_emails_lead_where_configuration_says(kind: Kind) {
    let own = json!({"password_reset.url": "https://shop.example/reset"});
    let (mut browser, smtp) = with_emails(kind, own).await;
    user_with_email(&browser, "user1").await;
    browser.submit("/password/forgot", &[("username", "user1")]).location();
    assert!(smtp.email(1).await.contains("https://shop.example/reset?token="));
    // The host that a request names is nobody's to choose.
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    user_with_email(&browser, "user1").await;
    browser.host = "evil.example".to_owned();
    browser.submit("/password/forgot", &[("username", "user1")]).location();
    let email = smtp.email(1).await;
    assert!(
        email.contains("https://sso.example/password/reset#token=") && !email.contains("evil"),
        "{email}"
    );
    let (mut browser, smtp) = with_emails(kind, json!({"pages.is_active": "auto"})).await;
    user_with_email(&browser, "user1").await;
    browser.submit("/password/forgot", &[("username", "user1")]).location();
    crate::smtp::token_in(&smtp.email(1).await);
}

async fn pages_with_tokens_tell_nobody_where_somebody_came_from(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    for path in ["/signup/confirm", "/email/confirm", "/password/reset"] {
        let page = browser.get(&format!("{path}?token=abc"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(page.input("token"), "abc");
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

async fn people_delete_their_account_where_configuration_allows_it(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    assert!(!browser.get("/account").body.contains("account/delete"));
    assert_eq!(browser.get("/account/delete").location(), "../account");
    let form_token = browser.get("/account").input("form_token");
    let page = browser.post("/account/delete", &form_token, &[("username", "user1")]);
    page.shows(422, "This cannot be done as things are.");
    browser.get("/account").shows(200, "user1");

    let mut browser = Browser::with(kind, json!({"pages.allow_account_deletion": true})).await;
    browser.server.world.user("user1").await;
    browser.server.world.user("user2").await;
    browser.sign_in("user1");
    browser.get("/account").shows(200, "Delete your account");
    for wrong in ["", "user2"] {
        let page = browser.submit("/account/delete", &[("username", wrong)]);
        page.shows(422, "This is not the username of your account.");
        assert!(page.body.contains("id=\"username-error\""), "{}", page.body);
    }
    browser.server.world.clock.advance_seconds(11 * 60);
    let again = "../login?again=1&next=account/delete";
    assert_eq!(browser.get("/account/delete").location(), again);
    let form_token = browser.get("/account").input("form_token");
    assert_eq!(browser.post("/account/delete", &form_token, &[("username", "user1")]).location(), again);
    browser.sign_in("user1");
    let answer = browser.submit("/account/delete", &[("username", " USER1 ")]);
    assert_eq!(answer.location(), "../login?done=account-deleted");
    browser.get("/login?done=account-deleted").shows(200, "Your account was deleted.");
    assert_eq!(browser.get("/account").location(), "./login?next=account");
    let sso = &browser.server.world.sso;
    assert!(sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().is_none());
    assert!(sso.get_user_by_username(&ctx(), "user2", false).await.unwrap().is_some());
}

async fn the_last_super_user_stays(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"pages.allow_account_deletion": true})).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    let fields = [("username", "admin1")];
    browser.submit("/account/delete", &fields).shows(422, "You are the last super-user.");
    browser.server.world.super_user("admin2").await;
    assert_eq!(browser.submit("/account/delete", &fields).location(), "../login?done=account-deleted");
}

async fn emails_are_in_the_language_of_the_page_or_the_last_one_of_the_user(kind: Kind) {
    let (mut browser, smtp) = with_emails(kind, json!({})).await;
    browser.get("/login?ui_locales=de").shows(200, "Anmelden");
    browser.submit("/signup", &sign_up("newcomer", "new@example.com")).location();
    let email = smtp.email(1).await;
    assert!(email.contains("Guten Tag newcomer"), "{email}");
    let (path, token) = link(&email);
    browser.submit(&path, &[("token", &token)]).location();
    let email = smtp.email(2).await;
    assert!(email.contains("Willkommen"), "{email}");
    // What somebody asks for is in the language of the page where they do, also when it is looked at later.
    browser.get("/login?ui_locales=fr");
    browser.submit("/password/forgot", &[("username", "newcomer")]).location();
    let email = smtp.email(3).await;
    assert!(email.contains("Bonjour newcomer"), "{email}");
    let user =
        browser.server.world.sso.get_user_by_username(&ctx(), "newcomer", false).await.unwrap().unwrap();
    let user_id = user.user.user_id.as_str();
    browser.get("/login?ui_locales=pl");
    browser.sign_in("newcomer");
    // A super-user who reads English asks for it.
    browser.server.world.super_user("admin1").await;
    browser.cookies.clear();
    browser.sign_in("admin1");
    browser.server.world.clock.advance_seconds(3_600);
    browser.sign_in("admin1");
    let path = format!("/admin/user/{user_id}");
    browser.submit(&path, &[("action", "reset")]).location();
    let email = smtp.email(4).await;
    assert!(email.contains("Witaj, newcomer"), "{email}");
}
