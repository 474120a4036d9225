//! Passkeys on the pages, as their script sends what the browser answers.

use serde_json::{Value, json};
use zato_sso::domain::Code;

use crate::authenticator::{Authenticator, PRESENT};
use crate::login::{totp_code, totp_user};
use crate::page::{Browser, Seen};
use crate::passkey::register;
use crate::support::{Kind, PASSWORD, ctx, refusal};

on_both_databases! {
    a_passkey_is_added_used_renamed_and_removed;
    a_passkey_is_the_second_step_or_asks_for_it;
    a_form_of_another_page_begins_nothing;
    who_was_signed_in_too_long_ago_confirms_with_a_passkey;
    where_there_are_no_passkeys_no_page_offers_any;
    who_has_a_passkey_shows_it_before_another_is_made;
}

fn json_of(seen: &Seen) -> Value {
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("application/json")), "{}", seen.body);
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    serde_json::from_str(&seen.body).unwrap()
}

/// Signs in with a passkey from the page that has this token.
fn sign_in(browser: &mut Browser, token: &str, key: &mut Authenticator, fields: &[(&str, &str)]) -> Seen {
    let options = json_of(&browser.post("/login/passkey/options", token, &[]));
    let response = key.login(&options).to_string();
    let fields: Vec<_> = fields.iter().copied().chain([("response", response.as_str())]).collect();
    browser.post("/login/passkey", token, &fields)
}

async fn a_passkey_is_added_used_renamed_and_removed(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let page = browser.get("/account/passkeys");
    page.shows(200, "You have no passkeys yet.");
    assert!(page.body.contains("data-rp=\"localhost\""));
    let token = page.input("form_token");
    let mut key = Authenticator::new(-7);
    let options = json_of(&browser.post("/account/passkeys/options", &token, &[("name", "Ann's <key>")]));
    let response = key.register(&options).to_string();
    let added = browser.post("/account/passkeys/add", &token, &[("response", &response)]);
    assert_eq!(added.location(), "../../account/passkeys?done=passkey-added");
    let page = browser.get("/account/passkeys?done=passkey-added");
    page.shows(200, "The passkey was added. You can sign in with it now.");
    page.shows(200, "Ann's <key>");
    let again = browser.post("/account/passkeys/add", &token, &[("response", &response)]);
    again.shows(422, "That took too long, or was done before.");

    let id = page.input("passkey_id");
    let renamed = browser.post("/account/passkeys", &token, &[("passkey_id", &id), ("name", "key")]);
    assert_eq!(renamed.location(), "../account/passkeys?done=passkey-renamed");

    browser.cookies.clear();
    let page = browser.get("/login?next=/here");
    page.shows(200, "Sign in with a passkey");
    assert!(page.body.contains("autocomplete=\"username webauthn\""));
    let token = page.input("form_token");
    let done = sign_in(&mut browser, &token, &mut key, &[("next", "/here"), ("keep", "1")]);
    assert_eq!(done.location(), "/here");
    let session = done.cookies().into_iter().find(|line| line.contains("zato_sso_session")).unwrap();
    assert!(session.contains("Max-Age="), "{session}");
    browser.get("/account").shows(200, "Signed in as user1");

    let token = browser.get("/account/passkeys").input("form_token");
    let data = browser.post("/account/data", &token, &[]);
    let data: Value = serde_json::from_str(&data.body).unwrap();
    assert_eq!(data["passkeys"][0]["name"], "key");
    let removed = browser.post("/account/passkeys", &token, &[("passkey_id", &id), ("action", "remove")]);
    assert_eq!(removed.location(), "../account/passkeys?done=passkey-removed");
    browser.cookies.clear();
    let token = browser.get("/login").input("form_token");
    sign_in(&mut browser, &token, &mut key, &[]).shows(422, "This passkey cannot be used here.");
    assert!(!browser.cookies.contains_key("zato_sso_session"));
}

async fn a_passkey_is_the_second_step_or_asks_for_it(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    totp_user(&browser.server.world).await;
    let password = [("username", "totp1"), ("password", PASSWORD)];
    assert_eq!(browser.submit("/login", &password).location(), "./login/code");
    assert!(!browser.get("/login/code").body.contains("data-passkey="));
    let token = browser.get("/login/code").input("form_token");
    assert_eq!(browser.post("/login/code/passkey/options", &token, &[]).status, 404);
    let sso = browser.server.world.sso.clone();
    let ust = sso.login(&ctx(), crate::login::with_code(&totp_code(0))).await.unwrap().ust;
    let mut key = Authenticator::new(-7);
    register(&sso, &ust, &mut key).await;

    key.flags = PRESENT;
    let page = browser.get("/login/code");
    page.shows(200, "Use a passkey instead");
    let token = page.input("form_token");
    let options = json_of(&browser.post("/login/code/passkey/options", &token, &[("username", "totp1")]));
    let wrong = Authenticator::new(-7).login(&options).to_string();
    browser.post("/login/code/passkey", &token, &[("response", &wrong)]).shows(422, "The code is wrong");
    let kept = json_of(&browser.post("/login/code/passkey/options", &token, &[]));
    let options = json_of(&browser.post("/login/code/passkey/options", &token, &[]));
    let answer = key.login(&options).to_string();
    let done = browser.post("/login/code/passkey", &token, &[("response", &answer)]);
    assert_eq!(done.location(), "../../account");
    browser.get("/account").shows(200, "Signed in as totp1");

    // In the first step, a touch is one factor.
    browser.cookies.clear();
    let token = browser.get("/login").input("form_token");
    assert_eq!(sign_in(&mut browser, &token, &mut key, &[]).location(), "../login/code");
    // The same key is not the other one, whatever is sent.
    let page = browser.get("/login/code");
    assert!(!page.body.contains("data-passkey="), "{page:?}");
    let token = page.input("form_token");
    assert_eq!(browser.post("/login/code/passkey/options", &token, &[]).status, 404);
    let answer = key.login(&kept).to_string();
    browser.post("/login/code/passkey", &token, &[("response", &answer)]).shows(422, "The code is wrong");
    let code = totp_code(1);
    assert_eq!(browser.submit("/login/code", &[("totp_code", &code)]).location(), "../account");
}

async fn a_form_of_another_page_begins_nothing(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    let token = browser.get("/login").input("form_token");
    assert_eq!(browser.post("/login/passkey/options", "wrong", &[]).status, 403);
    let body = crate::page::encoded([("form_token", token.as_str())].into_iter());
    let foreign = browser.send("POST", "/login/passkey/options", &["Sec-Fetch-Site: cross-site"], &body);
    assert_eq!(foreign.status, 403);
    assert_eq!(browser.get("/login/passkey/options").status, 303);
    assert_eq!(browser.post("/login/passkey/options", &token, &[]).status, 200);
    // Without a session, or a login that has begun, there is nothing to add or to answer.
    let sent = browser.post("/account/passkeys/options", &token, &[]);
    assert!(sent.location().contains("login?next="), "{sent:?}");
    let sent = browser.post("/login/code/passkey", &token, &[("response", "{}")]);
    assert_eq!(sent.location(), "../../login");
}

async fn who_was_signed_in_too_long_ago_confirms_with_a_passkey(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    browser.sign_in("user1");
    let sso = browser.server.world.sso.clone();
    let ust = browser.server.world.login("user1").await.ust;
    let mut key = Authenticator::new(-7);
    register(&sso, &ust, &mut key).await;
    browser.server.world.clock.advance_seconds(15 * 60);
    let asked = browser.get("/account/passkeys");
    assert_eq!(asked.location(), "../login?again=2&next=account/passkeys");
    let token = browser.get("/login?again=2&next=account/passkeys").input("form_token");
    let fields = [("again", "2"), ("next", "account/passkeys")];
    assert_eq!(sign_in(&mut browser, &token, &mut key, &fields).location(), "../account/passkeys");
    browser.get("/account/passkeys").shows(200, "phone");
    let stale = sso.delete_passkeys(&ctx(), &ust, None, None).await;
    assert_eq!(refusal(stale), Code::AuthFreshLoginNeeded);
}

async fn where_there_are_no_passkeys_no_page_offers_any(kind: Kind) {
    let mut browser = Browser::with(kind, json!({"http.listen": "0.0.0.0:17010"})).await;
    browser.server.world.user("user1").await;
    let page = browser.get("/login");
    assert!(!page.body.contains("<form method=\"post\" action=\"./login/passkey\""));
    let token = page.input("form_token");
    assert_ne!(browser.post("/login/passkey/options", &token, &[]).status, 200);
    browser.sign_in("user1");
    assert!(!browser.get("/account/passkeys").text().contains("Add a passkey"));
}

async fn who_has_a_passkey_shows_it_before_another_is_made(kind: Kind) {
    let mut browser = Browser::new(kind).await;
    browser.server.world.user("user1").await;
    let sso = browser.server.world.sso.clone();
    let ust = browser.server.world.login("user1").await.ust;
    register(&sso, &ust, &mut Authenticator::new(-7)).await;
    let codes = sso.generate_recovery_codes(&ctx(), &ust, None).await.unwrap();
    browser.sign_in("user1");
    for page in ["two-factor", "passkeys", "email"] {
        let asked = browser.get(&format!("/account/{page}"));
        assert_eq!(asked.location(), format!("../login?again=2&next=account/{page}"));
    }
    let token = browser.get("/account").input("form_token");
    let sent = browser.post("/account/two-factor/set-up", &token, &[]);
    assert!(sent.location().contains("login?again=2&next=account/two-factor"), "{sent:?}");

    // The second step is a passkey, or a recovery code; nothing else, and not nothing.
    let next = [("again", "2"), ("next", "account/two-factor")];
    let password: Vec<_> = [("username", "user1"), ("password", PASSWORD)].into_iter().chain(next).collect();
    let asked = browser.submit("/login?again=2&next=account/two-factor", &password);
    assert!(asked.location().contains("/login/code"), "{asked:?}");
    let page = "/login/code?next=account/two-factor";
    browser.submit(page, &[("totp_code", "000000")]).shows(422, "The code is wrong");
    assert!(browser.get("/account/two-factor").location().contains("again=2"));
    let done = browser.submit(page, &[("totp_code", codes[0].expose())]);
    assert_eq!(done.location(), "../account");
}
