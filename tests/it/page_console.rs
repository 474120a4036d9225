//! The pages for super-users about clients, security definitions, keys and the server.

use serde_json::{Value, json};
use zato_sso::domain::{Client, ClientUpdate, Edit, SecType};
use zato_sso::ops::Actor;

use crate::linked_auth::define;
use crate::page::{Browser, Seen, unescaped};
use crate::support::{Kind, any_rows, ctx};

on_both_databases! {
    a_client_is_made_changed_given_a_new_secret_and_deleted;
    what_is_wrong_with_a_client_is_said_beside_its_field;
    what_was_typed_of_a_client_outlives_an_old_login;
    a_reload_makes_no_second_secret_or_client;
    a_list_is_searched_sorted_and_shown_in_parts;
    definitions_are_listed_and_linked_on_the_page_of_a_user;
    keys_are_listed_with_what_each_has_sealed;
    the_server_tells_how_it_is;
}

const ISSUER: &str = "https://sso.example";

/// A super-user who has signed in.
async fn console(kind: Kind, more: Value) -> Browser {
    let mut browser = Browser::with(kind, more).await;
    browser.server.world.super_user("admin1").await;
    browser.sign_in("admin1");
    browser
}

const NEW: [(&str, &str); 5] = [
    ("kind", "web"),
    ("name", "Shop & more"),
    ("redirect_uris", "https://shop.example/cb\r\n\r\n https://shop.example/cb2 "),
    ("post_logout_redirect_uris", ""),
    ("scopes", ""),
];

/// The secret that a page shows.
#[track_caller]
fn secret(page: &Seen) -> String {
    page.shows(200, "It is not shown again.");
    let element = page.body.split("id=\"secret\"").nth(1).unwrap();
    let secret = element.split_once('>').unwrap().1.split('<').next().unwrap();
    assert_eq!(secret.len(), 43);
    secret.to_owned()
}

/// The path of the only client.
#[track_caller]
fn path_of_client(browser: &mut Browser) -> String {
    let list = browser.get("/admin/clients");
    let id = list.body.split("admin/client/").nth(1).unwrap().split('"').next().unwrap();
    format!("/admin/client/{id}")
}

async fn stored(browser: &Browser) -> Client {
    let mut clients = browser.server.world.sso.list_clients(&ctx(), Actor::Trusted(None)).await.unwrap();
    assert_eq!(clients.len(), 1);
    clients.remove(0)
}

async fn a_client_is_made_changed_given_a_new_secret_and_deleted(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    let list = browser.get("/admin/clients");
    list.shows(200, "There are no clients yet.");
    list.shows(200, "The OpenID Provider is off");

    let made = browser.submit("/admin/clients/new", &NEW);
    made.shows(200, "The client was created.");
    let first = secret(&made);
    let client = stored(&browser).await;
    assert_eq!((client.name.as_str(), client.is_trusted), ("Shop & more", false));
    assert_eq!(client.redirect_uris, ["https://shop.example/cb", "https://shop.example/cb2"]);
    assert_eq!(client.scopes, ["email", "openid", "profile"]);

    let path = path_of_client(&mut browser);
    let page = browser.get(&path);
    page.shows(200, "web: an application on a server");
    assert!(!page.body.contains(&first));
    let body = unescaped(&page.body);
    assert!(body.contains("https://shop.example/cb\nhttps://shop.example/cb2</textarea>"), "{body}");
    let save = [
        ("action", "save"),
        ("name", "Shop"),
        ("redirect_uris", "https://shop.example/cb"),
        ("scopes", "openid  profile"),
        ("is_trusted", "1"),
        ("grant_authorization_code", "1"),
        ("require_pkce", "1"),
        ("access_token_format", "opaque"),
        ("access_token_lifetime", "300"),
        ("refresh_token_idle", ""),
    ];
    assert_eq!(browser.submit(&path, &save).location(), format!("../..{path}?done=client-saved"));
    let client = stored(&browser).await;
    assert_eq!((client.name.as_str(), client.is_trusted, client.is_active), ("Shop", true, false));
    assert_eq!(client.scopes, ["openid", "profile"]);
    assert_eq!((client.access_token_lifetime, client.refresh_token_idle), (Some(300), None));
    assert_eq!((client.grants.len(), client.access_token_format.as_str()), (1, "opaque"));
    browser.get("/admin/clients").shows(200, "inactive, trusted");

    let rotated = browser.submit(&path, &[("action", "rotate"), ("keep_old_for", "3")]);
    rotated.shows(200, "The secret before is valid for 3 hours more.");
    assert_ne!(secret(&rotated), first);
    browser.submit(&path, &[("action", "rotate"), ("keep_old_for", "x")]).shows(422, "a number of hours");

    assert_eq!(browser.submit(&path, &[("action", "nonsense")]).location(), format!("../..{path}"));
    let answer = browser.submit(&path, &[("action", "delete")]);
    assert_eq!(answer.location(), "../../admin/clients?done=client-deleted");
    browser.get(&path).shows(422, "There is no such client.");
    browser.get("/admin/clients").shows(200, "There are no clients yet.");
    // All of it is in the audit by name.
    let sql = "SELECT op FROM sso_audit JOIN sso_user ON user_id = actor_id WHERE username = 'admin1' AND result = 'ok' \
        AND op IN ('client.create', 'client.update', 'client.rotate_secret', 'client.delete') ORDER BY op";
    let rows = any_rows(&browser.server.world, sql).await;
    assert_eq!(rows.len(), 4, "{rows:?}");

    // A client that keeps no secret has none to show.
    let new = [("kind", "spa"), ("name", "App"), ("redirect_uris", "https://app.example/"), ("scopes", "")];
    let answer = browser.submit("/admin/clients/new", &new);
    assert!(answer.location().ends_with("?done=client-created"), "{}", answer.location());
    let path = path_of_client(&mut browser);
    assert!(!browser.get(&path).body.contains("value=\"rotate\""));
}

async fn what_is_wrong_with_a_client_is_said_beside_its_field(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    let wrong = |name: &'static str, value: &'static str| {
        NEW.map(|(known, kept)| if known == name { (known, value) } else { (known, kept) })
    };
    for (name, value, said) in [
        ("name", "", "a client needs one"),
        ("redirect_uris", "http://shop.example/cb", "https"),
        ("redirect_uris", "", "authorization_code needs at least one"),
        ("scopes", "\u{e4}", ""),
        ("kind", "x", "one of web, spa"),
    ] {
        let page = browser.submit("/admin/clients/new", &wrong(name, value));
        page.shows(422, said);
        assert!(page.body.contains(&format!("id=\"{name}-error\"")), "{name} {}", page.text());
        let kept = if name == "name" { "" } else { "Shop & more" };
        assert_eq!(page.input("name"), kept);
    }
    browser.submit("/admin/clients/new", &NEW);
    let path = path_of_client(&mut browser);
    let grant = ("grant_authorization_code", "1");
    let uris = ("redirect_uris", "https://shop.example/cb");
    for (name, value) in [("access_token_lifetime", "1"), ("refresh_token_idle", "soon"), ("app", "Other")] {
        let save = [("action", "save"), ("name", "Shop"), uris, grant, (name, value)];
        let page = browser.submit(&path, &save);
        page.shows(422, "This setting cannot be used.");
        assert!(page.body.contains(&format!("id=\"{name}-error\"")), "{name} {}", page.text());
        // What is wrong can be seen.
        assert!(page.body.contains("<details open>"), "{}", page.body);
        assert_eq!((page.input("name"), page.input(name)), ("Shop".to_owned(), value.to_owned()));
    }
    assert_eq!(stored(&browser).await.name, "Shop & more");
}

async fn what_was_typed_of_a_client_outlives_an_old_login(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    browser.submit("/admin/clients/new", &NEW);
    let path = path_of_client(&mut browser);
    browser.server.world.clock.advance_seconds(11 * 60);
    assert!(browser.get("/admin/clients/new").location().starts_with("../../login?again=1"));
    let save = [
        ("action", "save"),
        ("whose", "admin1"),
        ("name", "Shop of <mine>"),
        ("redirect_uris", "https://shop.example/cb"),
        ("grant_authorization_code", "1"),
        ("is_active", "1"),
    ];
    let location = browser.submit(&path, &save).location().to_owned();
    let back = format!("{}%3Fdone%3Dform-waits", &path[1..]);
    assert_eq!(location, format!("../../login?again=1&next={back}"));
    browser.sign_in("admin1");
    let page = browser.get(&format!("{path}?done=form-waits"));
    page.shows(200, "What you had typed is shown again");
    assert_eq!(page.input("name"), "Shop of <mine>");
    assert!(page.body.contains("name=\"is_active\" value=\"1\" checked"));
    assert_eq!(stored(&browser).await.name, "Shop & more");
    // Once.
    assert_eq!(browser.get(&format!("{path}?done=form-waits")).input("name"), "Shop & more");
}

async fn a_reload_makes_no_second_secret_or_client(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    let shown = browser.get("/admin/clients/new").input("shown");
    let new: Vec<_> = NEW.into_iter().chain([("shown", shown.as_str())]).collect();
    browser.submit("/admin/clients/new", &new).shows(200, "The client was created.");
    let again = browser.submit("/admin/clients/new", &new);
    assert_eq!(again.location(), "../../admin/clients?done=client-created");
    stored(&browser).await;

    let path = path_of_client(&mut browser);
    browser.server.world.clock.advance_seconds(1);
    let changed = browser.get(&path).input("changed");
    let rotate = [("action", "rotate"), ("keep_old_for", "0"), ("changed", changed.as_str())];
    secret(&browser.submit(&path, &rotate));
    let before = any_rows(&browser.server.world, "SELECT secret_digest FROM sso_client_secret").await;
    let page = browser.submit(&path, &rotate).location().to_owned();
    assert_eq!(page, format!("../..{path}?done=client-meanwhile"));
    let rows = any_rows(&browser.server.world, "SELECT secret_digest FROM sso_client_secret").await;
    assert_eq!(rows, before);
    browser.get(&format!("{path}?done=client-meanwhile")).shows(200, "so nothing was done");
}

async fn a_list_is_searched_sorted_and_shown_in_parts(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    let sso = browser.server.world.sso.clone();
    for number in 0..51 {
        let new = ClientUpdate {
            name: Edit::Set(format!("client{number:02}")),
            redirect_uris: Edit::Set(vec!["https://app.example/".to_owned()]),
            ..ClientUpdate::default()
        };
        sso.create_client(&ctx(), Actor::Trusted(None), "spa", new).await.unwrap();
        browser.server.world.clock.advance_seconds(1);
    }
    let names = |page: &Seen| -> Vec<String> {
        let cells = page.body.split("admin/client/zcli").skip(1);
        cells.map(|cell| cell.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
    };
    let first = browser.get("/admin/clients");
    first.shows(200, "51 entries");
    first.shows(200, "Page 1 of 2");
    assert_eq!((names(&first).len(), names(&first)[0].as_str()), (50, "client00"));
    assert_eq!(names(&browser.get("/admin/clients?page=2")), ["client50"]);
    assert_eq!(names(&browser.get("/admin/clients?order=newest"))[0], "client50");
    assert_eq!(names(&browser.get("/admin/clients?q=CLIENT1&order=newest&page=7")).len(), 10);
    let none = browser.get("/admin/clients?q=x");
    none.shows(200, "0 entries");
    assert_eq!(none.input("q"), "x");
    let id = first.body.split("admin/client/").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(names(&browser.get(&format!("/admin/clients?q={id}"))), ["client00"]);
    let next =
        first.body.split("\" rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().to_owned();
    assert_eq!(next, "?page=2");
}

async fn definitions_are_listed_and_linked_on_the_page_of_a_user(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    browser.get("/admin/definitions").shows(200, "There are no security definitions yet.");
    let user = browser.server.world.user("user1").await;
    let made = define(&browser.server.world.sso, SecType::BasicAuth, "api", None).await;
    let secret = made.secret.unwrap();
    let path = format!("/admin/user/{}", user.user_id.as_str());
    let named = |action: &'static str, username: &'static str| {
        [("action", action), ("auth_type", "basic_auth"), ("auth_username", username)]
    };
    let page = browser.submit(&path, &named("link", "nobody"));
    page.shows(422, "There is no such definition");
    assert!(page.body.contains("id=\"auth_username-error\""), "{}", page.body);
    assert!(browser.submit(&path, &named("link", "api-client")).location().ends_with("?done=linked"));
    let list = browser.get("/admin/definitions");
    list.shows(200, "user1");
    assert!(!list.body.contains(secret.expose()));
    assert!(browser.submit(&path, &named("unlink", "api-client")).location().ends_with("?done=unlinked"));
    browser.get("/admin/definitions").shows(200, "None");
    for op in ["sec_def.list", "user.create_linked_auth", "user.delete_linked_auth"] {
        let sql =
            format!("SELECT op FROM sso_audit WHERE op = '{op}' AND result = 'ok' AND actor_id IS NOT NULL");
        assert!(!any_rows(&browser.server.world, &sql).await.is_empty(), "{op}");
    }
}

async fn keys_are_listed_with_what_each_has_sealed(kind: Kind) {
    let mut browser = console(kind, json!({"oidc.issuer": ISSUER, "pages.url": ISSUER})).await;
    browser.server.world.sso.signing_keys().await.unwrap();
    let page = browser.get("/admin/keys");
    for alg in ["RS256 signs", "ES256 signs", "EdDSA signs"] {
        page.shows(200, alg);
    }
    page.shows(200, "every row is read");
    let counted = browser.get("/admin/keys?count=1");
    // One password, sealed with the only key; three signing keys.
    let text = counted.text();
    let active = text.split("Active key ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(active.len(), 8);
    counted.shows(200, &format!("Passwords {active} Active key 1"));
    counted.shows(200, &format!("Signing keys {active} Active key 3"));
    let sql = "SELECT op FROM sso_audit WHERE op IN ('keyring.get_state', 'signing_key.get_list')";
    assert_eq!(any_rows(&browser.server.world, sql).await.len(), 4);
}

async fn the_server_tells_how_it_is(kind: Kind) {
    let mut browser = console(kind, json!({})).await;
    let page = browser.get("/admin/health");
    page.shows(200, "The server can do its work.");
    page.shows(200, &format!("zato-sso {}", env!("CARGO_PKG_VERSION")));
    page.shows(200, "user.login, ok");
    assert!(!page.body.contains("_bucket") && !page.body.contains("postgres:postgres@"));
    let sql = "SELECT op FROM sso_audit WHERE op = 'server.get_state' AND actor_id IS NOT NULL";
    assert_eq!(any_rows(&browser.server.world, sql).await.len(), 1);
}
