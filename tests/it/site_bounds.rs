//! For whom a site speaks: every request of the sessions API, for its own user, another site's, nobody's, a super-user and one
//! that does not exist; from a site like any other and from a trusted one.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use serde_json::{Value, json};
use zato_sso::domain::{AttrValue, Code, Direction, PageRequest, Password, Result, SiteSession};
use zato_sso::ops::{Actor, CreatedSite, NewSiteSession, NewSiteUser, SetPassword, SiteUpdate, SiteUser};

use crate::faces;
use crate::rest::{Answer, Server};
use crate::support::{Kind, PASSWORD, World, any_rows, ctx, execute, new_site, refusal, trusted_site};

on_both_databases! {
    every_request_is_about_a_sites_own_users_alone;
    what_is_not_a_sites_own_is_as_if_it_were_not_there;
    a_password_that_was_verified_lets_a_site_start_sessions_for_an_hour;
    what_ends_the_sessions_of_a_user_ends_what_sites_have_verified;
    no_site_starts_a_session_of_a_super_user_without_the_password;
    a_wrong_password_verifies_nothing;
    what_another_site_has_told_stays_with_it;
    trust_is_given_and_taken_away;
    a_site_that_was_deleted_verifies_nothing;
}

/// Nobody and nothing has this token.
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";

/// Whose token stands in a path: the columns of the tables below.
const TARGETS: [&str; 5] = ["own", "theirs", "nobody", "root", "unknown"];

/// What a request with each of these is answered with.
type Statuses = [u16; 5];

/// A request with the token of each target, and how it is answered: a site like any other, and a trusted one. In this order.
const REQUESTS: &[(&str, &str, Statuses, Statuses)] = &[
    ("get /users/{token}", "user", [200, 404, 404, 404, 404], [200, 200, 200, 200, 404]),
    ("put /storage/users/{token}", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("post /storage/users/{token}", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    // The user that a site knows by a public token, which stands in the body.
    ("put /storage/users/user/synchronize", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    // Without a password, a look-up reads. A name that a site has given a user is one among its own.
    ("post /storage/users/user/lookup", "user", [200, 404, 404, 404, 404], [200, 200, 200, 403, 404]),
    ("post /storage/users/user/lookup", "login", [200, 404, 404, 404, 404], [200, 200, 200, 403, 404]),
    ("post /storage/users/user/lookup", "externalid", [200, 404, 404, 404, 404], [200, 404, 404, 404, 404]),
    ("get /identities/{token}", "identity", [200, 404, 404, 404, 404], [200, 200, 200, 200, 404]),
    // To its own user; and its own identity to each of these, where only the site's own is not refused.
    ("put /identities/{token}/link", "identity", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("put /identities/{token}/link", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("put /identities/{token}/synchronize", "identity", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("get /sso/sessions/identities/{token}", "identity", [404; 5], [404; 5]),
    ("delete /sso/sessions/identities/{token}", "identity", [404; 5], [404; 5]),
    (
        "put /sso/sessions/identities/{token}",
        "identity",
        [201, 404, 404, 404, 404],
        [201, 201, 201, 403, 404],
    ),
    (
        "get /sso/sessions/identities/{token}",
        "identity",
        [200, 404, 404, 404, 404],
        [200, 200, 200, 404, 404],
    ),
    // The session that the other site has started: for its own user, nobody's, and the super-user, whose passwords it has
    // verified.
    ("get /sso/sessions/{token}", "session", [200, 404, 404, 404, 404], [200, 200, 200, 200, 404]),
    ("delete /sso/sessions/{token}", "session", [200, 404, 404, 404, 404], [200, 404, 404, 404, 404]),
    (
        "delete /sso/sessions/identities/{token}",
        "identity",
        [404, 404, 404, 404, 404],
        [404, 200, 200, 404, 404],
    ),
    // A code that was made for the other site.
    ("get /connections/{token}", "code", [404; 5], [404; 5]),
    // Whoever says the password is told who has it.
    (
        "post /storage/users/user/lookup",
        "login and password",
        [200, 200, 200, 200, 401],
        [200, 200, 200, 200, 401],
    ),
    (
        "post /storage/users/user/lookup",
        "user and password",
        [200, 200, 200, 200, 401],
        [200, 200, 200, 200, 401],
    ),
    (
        "post /storage/users/user/lookup",
        "externalid and password",
        [200, 401, 401, 401, 401],
        [200, 401, 401, 401, 401],
    ),
    (
        "put /sso/sessions/identities/{token}",
        "identity",
        [201, 201, 201, 201, 404],
        [201, 201, 201, 201, 404],
    ),
    // That is all that it gives.
    ("get /users/{token}", "user", [200, 404, 404, 404, 404], [200, 200, 200, 200, 404]),
    ("put /storage/users/{token}", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("post /storage/users/{token}", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("post /storage/users/user/lookup", "login", [200, 404, 404, 404, 404], [200, 200, 200, 403, 404]),
    ("get /identities/{token}", "identity", [200, 404, 404, 404, 404], [200, 200, 200, 200, 404]),
    // A name that is taken is taken for all.
    ("post /storage/users", "login", [409, 409, 409, 409, 201], [409, 409, 409, 409, 201]),
    ("put /storage/users/user/synchronize", "login", [200, 409, 409, 409, 200], [200, 409, 409, 409, 200]),
    (
        "put /storage/users/user/synchronize",
        "externalid",
        [200, 409, 409, 409, 409],
        [200, 409, 409, 409, 409],
    ),
    ("delete /identities/{token}", "identity", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
    ("delete /users/{token}", "user", [200, 404, 404, 404, 404], [200, 403, 403, 403, 404]),
];

/// The requests that no token stands in, which have tests of their own below.
const LISTS: &[&str] =
    &["get /sso/sessions", "get /users", "get /identities", "get /connections", "get /site"];

struct Stage {
    server: Server,
    shop: CreatedSite,
    other: CreatedSite,
    /// By target: user_token, identity_token, login, and the token of a session and of a code.
    targets: Vec<Value>,
}

impl Stage {
    async fn new(kind: Kind, is_trusted: bool) -> Self {
        let server = Server::new(kind).await;
        let world = &server.world;
        let shop = if is_trusted { trusted_site("shop") } else { new_site("shop", &[]) };
        let shop = world.sso.create_site(&ctx(), shop).await.unwrap();
        let other =
            world.sso.create_site(&ctx(), new_site("other", &["https://o.example/cb"])).await.unwrap();
        let own = make(world, "shop", "own").await;
        let theirs = make(world, "other", "theirs").await;
        world.user("nobody").await;
        world.super_user("root").await;
        let (mine, hers) = (act_as(world, "shop").await, act_as(world, "other").await);
        let mut targets = Vec::new();
        for name in TARGETS {
            if name == "unknown" {
                targets.push(json!({
                    "user": UNKNOWN, "identity": UNKNOWN, "session": UNKNOWN, "code": UNKNOWN, "login": name,
                    "externalid": format!("{name}-external"),
                }));
                continue;
            }
            let user = world.sso.get_user_by_username(&ctx(), name, false).await.unwrap().unwrap();
            let user_id = user.user.user_id.as_str();
            let identities = world.sso.list_identities(&ctx(), user_id).await.unwrap();
            let identity = identities[0].identity_token.to_string();
            let site = if name == "own" { &mine } else { &hers };
            if name == "nobody" || name == "root" {
                look_up(world, site, name).await.unwrap();
            }
            let session = start(world, site, &identity).await.unwrap();
            targets.push(json!({
                "user": identities[0].user_token.to_string(), "identity": identity, "login": name,
                "externalid": format!("{name}-external"),
                "session": session.sso_session_token.expose(), "code": code(&server, &session),
            }));
        }
        assert_eq!((own.identities.len(), theirs.identities.len()), (1, 1));
        // The session of its own user is for `GET /sso/sessions/{token}`, and the identity has none when the table begins.
        if let Some(own) = targets.first_mut() {
            world
                .sso
                .end_site_session_of_identity(&ctx(), &mine, own["identity"].as_str().unwrap())
                .await
                .unwrap();
            own["session"] = Value::Null;
        }
        Self { server, shop, other, targets }
    }

    fn ask(&self, site: &CreatedSite, line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let keys = format!("{}:{}", site.site.public_key, site.private_key.expose());
        let keys = format!("Authorization: Basic {}", BASE64.encode(keys.as_bytes()));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.server.ask(&format!("{} root:{path}", method.to_uppercase()), &[&keys], &body)
    }

    /// One request of the table with the token of a target, which stands in the path or, with what else is said, in the body.
    fn request(&self, line: &str, token: &str, target: &Value) -> Answer {
        let own = &self.targets[0];
        // Of two tokens, the one that is not tried is that of the site's own user.
        let in_path = match (line, token) {
            ("put /identities/{token}/link", "user") => own["identity"].clone(),
            _ => target[token].clone(),
        };
        let (path, query) =
            (line.replace("{token}", in_path.as_str().unwrap_or_default()), "?confirm_deletion=true");
        let path = if line.starts_with("delete") { format!("{path}{query}") } else { path };
        let user = json!({"login": target["login"], "password": PASSWORD});
        // Who may not be changed would have another password, if they were.
        let changed = if target["login"] == "own" { PASSWORD } else { "another horse battery staple" };
        let about_user = |user: Value| json!({"request": {"user": user}});
        let body = match line {
            "post /storage/users" => about_user(user),
            "post /storage/users/user/lookup" => {
                let (field, has_password) = match token.split_once(" and ") {
                    Some((field, _)) => (field, true),
                    None => (token, false),
                };
                let name = if field == "user" { "user_token" } else { field };
                let mut user = json!({name: target[field]});
                if has_password {
                    user["password"] = json!(PASSWORD);
                }
                about_user(user)
            }
            "put /storage/users/user/synchronize" => {
                let field = if token == "user" { "user_token" } else { token };
                let identifier = json!({"field": field, "value": target[token]});
                // By the name that the site has for them, nobody else's login is taken.
                let user = json!({"login": target["login"], "password": changed});
                json!({"request": {"synchronize": {"identifier": identifier, "user": user}}})
            }
            "put /storage/users/{token}" => about_user(json!({"password": changed})),
            "post /storage/users/{token}" => about_user(json!({"externalid": target["externalid"]})),
            "put /identities/{token}/link" => {
                let user = if token == "user" { target } else { own };
                about_user(json!({"user_token": user["user"]}))
            }
            _ => Value::Null,
        };
        self.ask(&self.shop, &path, &body)
    }

    /// How many there are on the page of a list, for a site.
    fn count(&self, site: &CreatedSite, path: &str, name: &str) -> u64 {
        let answer = self.ask(site, &format!("get {path}"), &Value::Null);
        let data = answer.json()["response"]["result"]["data"][name].clone();
        assert_eq!(data["count"], data["pagination"]["total_entries"]);
        data["count"].as_u64().unwrap()
    }
}

async fn act_as(world: &World, subdomain: &str) -> Actor {
    world.sso.act_as_site(&ctx(), subdomain).await.unwrap()
}

async fn make(world: &World, subdomain: &str, login: &str) -> SiteUser {
    let new = NewSiteUser {
        login: Some(login.to_owned()),
        password: Some(Password::from(PASSWORD)),
        external_id: Some(format!("{login}-external")),
        profile: Some(json!({"displayName": "Ann", "emails": [{"value": format!("{login}@example.com")}]})),
    };
    world.sso.create_site_user(&ctx(), &act_as(world, subdomain).await, new).await.unwrap()
}

async fn look_up(world: &World, site: &Actor, login: &str) -> Result<SiteUser> {
    world.sso.look_up_site_user(&ctx(), site, login, Password::from(PASSWORD)).await.map(|found| found.0)
}

async fn start(world: &World, site: &Actor, identity_token: &str) -> Result<SiteSession> {
    world.sso.start_site_session(&ctx(), site, identity_token, NewSiteSession::default()).await
}

fn token_of(user: &SiteUser) -> String {
    user.identities[0].identity_token.to_string()
}

/// The code that the browser of a session brings to the other site.
fn code(server: &Server, session: &SiteSession) -> String {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sso_session_token", session.sso_session_token.expose())
        .append_pair("return_uri", "https://o.example/")
        .finish();
    let registered = server.ask("POST root:/sso/register", &["Origin: https://o.example"], &body);
    let Some(cookie) = registered.header("set-cookie") else { return UNKNOWN.to_owned() };
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    let path = "GET root:/sso/check?callback_uri=https%3A%2F%2Fo.example%2Fcb";
    let shown = server.ask(path, &[&cookie], "");
    let (_, rest) = shown.body.split_once("name=\"connection_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn every_request_is_about_a_sites_own_users_alone(kind: Kind) {
    for is_trusted in [false, true] {
        let mut stage = Stage::new(kind, is_trusted).await;
        for (line, token, untrusted, trusted) in REQUESTS {
            let expected = if is_trusted { trusted } else { untrusted };
            for (index, status) in expected.iter().enumerate() {
                if *line == "get /sso/sessions/{token}" && index == 0 {
                    let path = format!(
                        "get /sso/sessions/identities/{}",
                        stage.targets[0]["identity"].as_str().unwrap()
                    );
                    let answer = stage.ask(&stage.shop, &path, &Value::Null).json();
                    stage.targets[0]["session"] =
                        answer["response"]["result"]["data"]["sso_session"]["sso_session_token"].clone();
                }
                let answer = stage.request(line, token, &stage.targets[index]);
                let (who, body) = (TARGETS[index], &answer.body);
                assert_eq!(answer.status, *status, "{line}, {who}, trusted {is_trusted}: {body}");
            }
        }
        // Nobody has another password now.
        let world = &stage.server.world;
        for name in ["theirs", "nobody", "root"] {
            world.login(name).await;
        }
        // The lists: the one made last, own was deleted; for a trusted site all four. Sessions are each site's own; the last
        // change of the password has ended that of the own user.
        for (path, name) in [("/users", "users"), ("/identities", "identities")] {
            assert_eq!(stage.count(&stage.shop, path, name), if is_trusted { 4 } else { 1 }, "{name}");
            assert_eq!(stage.count(&stage.other, path, name), 1, "{name}");
        }
        // What a browser brings is for one site.
        assert_eq!(stage.count(&stage.shop, "/connections", "connections"), 0);
        assert_eq!(stage.count(&stage.other, "/connections", "connections"), 3);
        for site in [&stage.shop, &stage.other] {
            let answer = stage.ask(site, "get /site", &Value::Null).json();
            let name = &answer["response"]["result"]["data"]["site"]["name"];
            assert_eq!(*name, site.site.subdomain.as_str());
        }
        assert_eq!(stage.count(&stage.shop, "/sso/sessions", "sso_sessions"), 3);
        assert_eq!(stage.count(&stage.other, "/sso/sessions", "sso_sessions"), 3);
    }
    let tried: BTreeSet<&str> =
        REQUESTS.iter().map(|(line, ..)| *line).chain(LISTS.iter().copied()).collect();
    let all: BTreeSet<&str> = faces::SITES.iter().map(|(_, line)| *line).collect();
    assert_eq!(tried, all);
}

async fn what_is_not_a_sites_own_is_as_if_it_were_not_there(kind: Kind) {
    let stage = Stage::new(kind, false).await;
    let mut seen = 0;
    for (line, token, statuses, _) in REQUESTS {
        if statuses[1..] != [404; 4] {
            break;
        }
        // Byte for byte, but for the token that was asked for.
        let told = |target: &Value| {
            let answer = stage.request(line, token, target);
            answer.body.replace(target[*token].as_str().unwrap(), "TOKEN")
        };
        let unknown = told(&stage.targets[4]);
        for target in &stage.targets[1..4] {
            assert_eq!(told(target), unknown, "{line}");
            seen += 1;
        }
    }
    assert_eq!(seen, 57);
}

async fn a_password_that_was_verified_lets_a_site_start_sessions_for_an_hour(kind: Kind) {
    let world = World::new(kind).await;
    for name in ["shop", "other"] {
        world.sso.create_site(&ctx(), new_site(name, &[])).await.unwrap();
    }
    let (shop, other) = (act_as(&world, "shop").await, act_as(&world, "other").await);
    let theirs = make(&world, "other", "ann").await;
    let identity = token_of(&theirs);
    assert_eq!(refusal(start(&world, &shop, &identity).await), Code::UserIdInvalid);
    let found = look_up(&world, &shop, "ann").await.unwrap();
    assert_eq!((found.user_token, token_of(&found)), (theirs.user_token, identity.clone()));
    start(&world, &shop, &identity).await.unwrap();
    // What one site has verified is nothing to another.
    world.sso.create_site(&ctx(), new_site("third", &[])).await.unwrap();
    let third = act_as(&world, "third").await;
    assert_eq!(refusal(start(&world, &third, &identity).await), Code::UserIdInvalid);

    world.clock.advance_seconds(3599);
    let session = start(&world, &shop, &identity).await.unwrap();
    world.clock.advance_seconds(1);
    assert_eq!(refusal(start(&world, &shop, &identity).await), Code::UserIdInvalid);
    // The session goes on, and is the site's to read and to end.
    let token = &session.sso_session_token;
    world.sso.get_site_session(&ctx(), &shop, token).await.unwrap();
    world.sso.get_site_session_of_identity(&ctx(), &shop, &identity).await.unwrap();
    world.sso.end_site_session_of_identity(&ctx(), &shop, &identity).await.unwrap();
    let outcome = world.sso.get_site_session_of_identity(&ctx(), &shop, &identity).await;
    assert_eq!(refusal(outcome), Code::UserIdInvalid);
    // Who has made the user needs no password.
    start(&world, &other, &identity).await.unwrap();
    // A second look-up counts from then on.
    look_up(&world, &shop, "ann").await.unwrap();
    world.clock.advance_seconds(3000);
    look_up(&world, &shop, "ann").await.unwrap();
    world.clock.advance_seconds(3000);
    start(&world, &shop, &identity).await.unwrap();
    let rows = any_rows(&world, "SELECT user_id FROM sso_site_verified").await;
    assert_eq!(rows, [theirs.user.user_id.as_str().as_bytes().to_vec()]);
    world.clock.advance_seconds(600);
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("site_verifications", 1)), "{cleaned:?}");
}

async fn what_ends_the_sessions_of_a_user_ends_what_sites_have_verified(kind: Kind) {
    for ends_sessions in [true, false] {
        let world = World::with(kind, json!({"session.end_on_password_change": ends_sessions})).await;
        world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
        let shop = act_as(&world, "shop").await;
        let user = world.user("user1").await;
        let user_id = user.user_id.as_str();
        let found = look_up(&world, &shop, "user1").await.unwrap();
        let identity = token_of(&found);
        start(&world, &shop, &identity).await.unwrap();
        world.sso.end_all_sessions(&ctx(), Actor::Trusted(None), Some(user_id), false).await.unwrap();
        assert_eq!(refusal(start(&world, &shop, &identity).await), Code::UserIdInvalid);

        look_up(&world, &shop, "user1").await.unwrap();
        let password = SetPassword {
            password: Password::from("another horse battery"),
            must_change: false,
            password_expiry: None,
            details: None,
        };
        world.sso.set_password(&ctx(), user_id, password).await.unwrap();
        assert_eq!(refusal(start(&world, &shop, &identity).await), Code::UserIdInvalid);
    }
}

async fn no_site_starts_a_session_of_a_super_user_without_the_password(kind: Kind) {
    let world = World::new(kind).await;
    let root = world.super_user("root").await;
    let identities = world.sso.list_identities(&ctx(), root.user_id.as_str()).await.unwrap();
    let identity = identities[0].identity_token.to_string();
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    world.sso.create_site(&ctx(), trusted_site("all")).await.unwrap();
    for (name, code) in [("shop", Code::UserIdInvalid), ("all", Code::AuthNotAllowed)] {
        let site = act_as(&world, name).await;
        assert_eq!(refusal(start(&world, &site, &identity).await), code, "{name}");
        look_up(&world, &site, "root").await.unwrap();
        start(&world, &site, &identity).await.unwrap();
        world.clock.advance_seconds(3600);
        assert_eq!(refusal(start(&world, &site, &identity).await), code, "{name}");
    }
    // Not even the site that made the user, who has become one.
    let made = make(&world, "shop", "ann").await;
    let shop = act_as(&world, "shop").await;
    start(&world, &shop, &token_of(&made)).await.unwrap();
    execute(&world, "UPDATE sso_user SET is_super_user = TRUE WHERE username = 'ann'").await;
    assert_eq!(refusal(start(&world, &shop, &token_of(&made)).await), Code::AuthNotAllowed);
    look_up(&world, &shop, "ann").await.unwrap();
    start(&world, &shop, &token_of(&made)).await.unwrap();
}

async fn a_wrong_password_verifies_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let identities = world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
    let identity = identities[0].identity_token.to_string();
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let shop = act_as(&world, "shop").await;
    let sso = &world.sso;
    let wrong = sso.look_up_site_user(&ctx(), &shop, "user1", Password::from("wrong")).await;
    assert_eq!(refusal(wrong), Code::AuthNotAllowed);
    // Nor does the right one of somebody who may not log in.
    sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(look_up(&world, &shop, "user1").await), Code::AuthLocked);
    sso.unlock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    assert!(any_rows(&world, "SELECT user_id FROM sso_site_verified").await.is_empty());
    assert_eq!(refusal(start(&world, &shop, &identity).await), Code::UserIdInvalid);
}

async fn what_another_site_has_told_stays_with_it(kind: Kind) {
    let stage = Stage::new(kind, false).await;
    let world = &stage.server.world;
    let shop = act_as(world, "shop").await;
    let theirs = look_up(world, &shop, "theirs").await.unwrap();
    let identity = &theirs.identities[0];
    assert_eq!((&identity.profile, &identity.external_id), (&Some(json!({"displayName": "Ann"})), &None));
    let own = look_up(world, &shop, "own").await.unwrap();
    assert_eq!(own.identities[0].external_id.as_deref(), Some("own-external"));
    assert!(own.identities[0].profile.as_ref().unwrap()["emails"].is_array());

    // Nor does a browser that is recognised bring more.
    let with_data = NewSiteSession { data: Some(json!("planted")), ..NewSiteSession::default() };
    let other = act_as(world, "other").await;
    let identity = stage.targets[1]["identity"].as_str().unwrap();
    world.sso.create_site(&ctx(), new_site("third", &["https://t.example/cb"])).await.unwrap();
    let session = world.sso.start_site_session(&ctx(), &other, identity, with_data).await.unwrap();
    let recognise = async || {
        let cookie = world
            .sso
            .register_browser(&ctx(), "https://o.example", &session.sso_session_token, "https://o.example/")
            .await
            .unwrap()
            .cookie
            .unwrap();
        let check = zato_sso::ops::BrowserCheck {
            callback_uri: "https://t.example/cb".to_owned(),
            ..zato_sso::ops::BrowserCheck::default()
        };
        let checked = world.sso.check_browser(&ctx(), Some(&cookie.value), check).await.unwrap();
        let code = checked.connection_token.unwrap();
        world.sso.redeem_connection(&ctx(), &act_as(world, "third").await, &code).await.unwrap()
    };
    let found = recognise().await;
    assert_eq!(found.identity.identity_token.to_string(), identity);
    assert_eq!(found.identity.profile, Some(json!({"displayName": "Ann"})));
    assert_eq!((found.identity.external_id, found.session.data), (None, None));
    // To have been recognised is not to have said the password.
    assert_eq!(refusal(start(world, &act_as(world, "third").await, identity).await), Code::UserIdInvalid);

    let trusted = SiteUpdate { is_trusted: Some(true), ..SiteUpdate::default() };
    world.sso.update_site(&ctx(), "third", trusted).await.unwrap();
    let found = recognise().await;
    assert_eq!(found.identity.external_id.as_deref(), Some("theirs-external"));
    assert_eq!(found.session.data, Some(AttrValue::from(&json!("planted"))));
}

async fn trust_is_given_and_taken_away(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let identities = world.sso.list_identities(&ctx(), user.user_id.as_str()).await.unwrap();
    let identity = identities[0].identity_token.to_string();
    world.sso.create_site(&ctx(), new_site("shop", &["https://s.example/cb"])).await.unwrap();
    let page = PageRequest { page: 1, entries_per_page: 10, direction: Direction::Ascending };
    for (is_trusted, users) in [(false, 0), (true, 1), (false, 0)] {
        let update = SiteUpdate { is_trusted: Some(is_trusted), ..SiteUpdate::default() };
        let site = world.sso.update_site(&ctx(), "shop", update).await.unwrap().site;
        assert_eq!((site.is_trusted, site.callback_uris.len()), (is_trusted, 1));
        assert_eq!(
            world.sso.list_sites(&ctx(), Actor::Trusted(None)).await.unwrap()[0].is_trusted,
            is_trusted
        );
        let shop = act_as(&world, "shop").await;
        assert_eq!(start(&world, &shop, &identity).await.is_ok(), is_trusted);
        assert_eq!(world.sso.list_site_users(&ctx(), &shop, page).await.unwrap().total, users);
        world.clock.advance_seconds(1);
    }
    // That is no small matter: it is in the audit log.
    let entries =
        any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'site.update' ORDER BY audit_id").await;
    let said: Vec<Value> = entries.iter().map(|extra| serde_json::from_slice(extra).unwrap()).collect();
    let said: Vec<&Value> = said.iter().map(|extra| &extra["is_trusted"]).collect();
    assert_eq!(said, ["false", "true", "false"]);
}

async fn a_site_that_was_deleted_verifies_nothing(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let shop = act_as(&world, "shop").await;
    look_up(&world, &shop, "user1").await.unwrap();
    world.sso.delete_site(&ctx(), "shop").await.unwrap();
    assert!(any_rows(&world, "SELECT user_id FROM sso_site_verified").await.is_empty());
    assert_eq!(refusal(look_up(&world, &shop, "user1").await), Code::AuthNotAllowed);
}
