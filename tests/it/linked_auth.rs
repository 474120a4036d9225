//! Security definitions, and their links to users.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, SqliteConnection};
use zato_sso::domain::{Code, Password, SecType, TokenRules, User, Ust};
use zato_sso::ops::{Actor, CreatedSecDef, ExternalCredential, NewSecDef, SecDefName, Sso};

use crate::support::{Kind, PASSWORD, START, World, any_rows, ctx, dump, execute, refusal};

on_both_databases! {
    definitions_are_made_listed_and_deleted;
    what_a_definition_may_be_made_of;
    no_secret_of_a_definition_is_stored_in_clear;
    a_definition_of_jwt_may_ask_for_an_audience_and_a_short_life;
    links_are_for_super_users_to_make_and_for_owners_to_see;
    a_definition_has_one_user;
    the_only_way_to_log_in_is_not_taken_away;
    a_definition_deleted_while_it_is_linked_is_unknown;
    the_user_of_a_link_is_found_by_super_users_and_by_oneself;
    deleting_a_link_or_a_definition_ends_its_sessions_and_no_others;
    links_deleted_while_sessions_are_opened_leave_none;
    what_is_done_with_definitions_is_in_the_audit_trail_without_secrets;
}

/// A token signed with HS256.
pub fn jwt(claims: &Value, key: &str) -> String {
    let part = |json: &str| BASE64URL_NOPAD.encode(json.as_bytes());
    let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
}

/// A token for this username, good for an hour; each number makes another one.
pub fn token_of(username: &str, key: &str, number: i64) -> String {
    let exp = START.as_micros() / 1_000_000 + 3_600;
    jwt(&json!({"sub": username, "exp": exp, "jti": number}), key)
}

pub async fn define(sso: &Sso, sec_type: SecType, name: &str, secret: Option<&str>) -> CreatedSecDef {
    let secret = secret.map(Password::from);
    let new = NewSecDef {
        sec_type,
        name: name.to_owned(),
        username: format!("{name}-client"),
        secret,
        token: TokenRules::default(),
    };
    sso.create_sec_def(&ctx(), new).await.unwrap()
}

/// A definition with a generated secret, linked to this user: its id and secret.
pub async fn linked(world: &World, sec_type: SecType, name: &str, user: &User) -> (i64, String) {
    let made = define(&world.sso, sec_type, name, None).await;
    let root = root(world).await;
    let username = format!("{name}-client");
    let definition = SecDefName { auth_type: sec_type.as_str(), auth_username: &username };
    let user_id = user.user_id.as_str();
    let (_, id) = world.sso.create_linked_auth(&ctx(), &root, user_id, definition, true).await.unwrap();
    assert_eq!(id, made.definition.sec_def_id);
    (id, made.secret.unwrap().expose().to_owned())
}

/// A super-user's session, the user made at the first call.
pub async fn root(world: &World) -> Ust {
    if world.sso.get_user_by_username(&ctx(), "root1", true).await.unwrap().is_none() {
        world.super_user("root1").await;
    }
    world.login("root1").await.ust
}

pub fn basic(username: &str, secret: &str) -> ExternalCredential {
    ExternalCredential::Basic { username: username.to_owned(), secret: Password::from(secret) }
}

pub fn bearer(token: &str) -> ExternalCredential {
    ExternalCredential::Jwt(Password::from(token))
}

pub async fn enter(world: &World, credential: &ExternalCredential) -> zato_sso::domain::Result<Ust> {
    let info = world.sso.authenticate_request(&ctx(), credential, None, Some("client/1")).await?;
    Ok(info.session.ust)
}

async fn definitions_are_made_listed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    assert_eq!(world.sso.list_sec_defs(&ctx(), Actor::Trusted(None)).await.unwrap(), []);
    let made = define(&world.sso, SecType::Jwt, "b", None).await;
    assert_eq!(made.secret.unwrap().expose().len(), 43);
    assert_eq!(made.definition.creation_time, START);
    let chosen = define(&world.sso, SecType::BasicAuth, "c", Some(PASSWORD)).await;
    assert!(chosen.secret.is_none());
    let (a, _) = linked(&world, SecType::BasicAuth, "a", &user).await;
    let listed = world.sso.list_sec_defs(&ctx(), Actor::Trusted(None)).await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|one| {
            (one.name.as_str(), one.sec_type.as_str(), one.username.as_str(), one.linked_to.as_deref())
        })
        .collect();
    let expected = [
        ("a", "basic_auth", "a-client", Some("user1")),
        ("b", "jwt", "b-client", None),
        ("c", "basic_auth", "c-client", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(world.sso.get_sec_def(&ctx(), "a").await.unwrap(), listed[0]);

    assert_eq!(world.sso.delete_sec_def(&ctx(), "a").await.unwrap().sec_def_id, a);
    for name in ["a", "", "\0"] {
        assert_eq!(refusal(world.sso.delete_sec_def(&ctx(), name).await), Code::CommonInvalidInput);
        assert_eq!(refusal(world.sso.get_sec_def(&ctx(), name).await), Code::CommonInvalidInput);
    }
    assert_eq!(world.sso.list_sec_defs(&ctx(), Actor::Trusted(None)).await.unwrap().len(), 2);
    let again = define(&world.sso, SecType::BasicAuth, "a", None).await;
    assert!(again.definition.sec_def_id > a, "ids are never used again");
}

async fn what_a_definition_may_be_made_of(kind: Kind) {
    let world = World::new(kind).await;
    define(&world.sso, SecType::BasicAuth, "taken", None).await;
    let long = "x".repeat(129);
    let (short_key, long_key) = ("k".repeat(31), "k".repeat(1025));
    let (basic, jwt) = (SecType::BasicAuth, SecType::Jwt);
    for (sec_type, name, username, secret, code) in [
        (basic, "", "a", None, Code::CommonMissingInput),
        (basic, " ", "a", None, Code::CommonMissingInput),
        (basic, "a\0", "a", None, Code::CommonInvalidInput),
        (basic, "taken", "a", None, Code::CommonInvalidOperation),
        (jwt, "taken", "a", None, Code::CommonInvalidOperation),
        (basic, "a", "taken-client", None, Code::UsernameExists),
        (basic, "a", "", None, Code::UsernameInvalid),
        (basic, "a", "a:b", None, Code::UsernameInvalid),
        (basic, "a", "a\0", None, Code::UsernameInvalid),
        (basic, "a", "a b", None, Code::UsernameHasWhitespace),
        (basic, "a", long.as_str(), None, Code::UsernameTooLong),
        (basic, "a", "a", Some("short"), Code::PasswordTooShort),
        (basic, "a", "a", Some("password and more"), Code::PasswordInvalid),
        (jwt, "a", "a", Some(short_key.as_str()), Code::PasswordTooShort),
        (jwt, "a", "a", Some(long_key.as_str()), Code::PasswordTooLong),
    ] {
        let secret = secret.map(Password::from);
        let new = NewSecDef {
            sec_type,
            name: name.to_owned(),
            username: username.to_owned(),
            secret,
            token: TokenRules::default(),
        };
        let outcome = world.sso.create_sec_def(&ctx(), new).await;
        assert_eq!(refusal(outcome), code, "{name:?} {username:?}");
    }
    // The same username is another one for another kind.
    let new = NewSecDef {
        sec_type: jwt,
        name: "b".into(),
        username: "taken-client".into(),
        secret: None,
        token: TokenRules::default(),
    };
    world.sso.create_sec_def(&ctx(), new).await.unwrap();
    assert_eq!(world.sso.list_sec_defs(&ctx(), Actor::Trusted(None)).await.unwrap().len(), 2);
}

async fn a_definition_of_jwt_may_ask_for_an_audience_and_a_short_life(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let rules = |audience: Option<&str>, max_lifetime| TokenRules {
        audience: audience.map(str::to_owned),
        max_lifetime,
    };
    let new = |sec_type, token| NewSecDef {
        sec_type,
        name: "app".into(),
        username: "app-client".into(),
        secret: None,
        token,
    };
    for (sec_type, wrong) in [
        (SecType::BasicAuth, rules(Some("api"), None)),
        (SecType::BasicAuth, rules(None, Some(60))),
        (SecType::Jwt, rules(Some(""), None)),
        (SecType::Jwt, rules(Some("a\0"), None)),
        (SecType::Jwt, rules(Some(&"x".repeat(257)), None)),
        (SecType::Jwt, rules(None, Some(0))),
        (SecType::Jwt, rules(None, Some(i64::MAX))),
    ] {
        let outcome = world.sso.create_sec_def(&ctx(), new(sec_type, wrong)).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput);
    }
    let made =
        world.sso.create_sec_def(&ctx(), new(SecType::Jwt, rules(Some("api"), Some(300)))).await.unwrap();
    assert_eq!(world.sso.get_sec_def(&ctx(), "app").await.unwrap().token, rules(Some("api"), Some(300)));
    let name = SecDefName { auth_type: "jwt", auth_username: "app-client" };
    let root = root(&world).await;
    world.sso.create_linked_auth(&ctx(), &root, user.user_id.as_str(), name, true).await.unwrap();
    let key = made.secret.unwrap();
    let now = START.as_micros() / 1_000_000;
    let outcome = async |claims: Value| enter(&world, &bearer(&jwt(&claims, key.expose()))).await;
    outcome(json!({"sub": "app-client", "exp": now + 300, "aud": "api"})).await.unwrap();
    for claims in [
        json!({"sub": "app-client", "exp": now + 300}),
        json!({"sub": "app-client", "exp": now + 300, "aud": "app"}),
        json!({"sub": "app-client", "exp": now + 331, "aud": "api"}),
        json!({"sub": "app-client", "aud": "api"}),
    ] {
        assert_eq!(refusal(outcome(claims.clone()).await), Code::AuthNotAllowed, "{claims}");
    }
}

async fn no_secret_of_a_definition_is_stored_in_clear(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, generated) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (id, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    define(&world.sso, SecType::BasicAuth, "chosen", Some("planted-secret")).await;
    let token = token_of("jwt-client", &key, 1);
    let first = enter(&world, &basic("basic-client", &generated)).await.unwrap();
    let second = enter(&world, &bearer(&token)).await.unwrap();
    let dump = dump(&world).await;
    for secret in
        [&generated, &key, "planted-secret", first.expose(), second.expose(), &token, "argon2id", "sha256:"]
    {
        assert!(!dump.contains(secret), "{secret}");
    }
    assert!(dump.contains(&format!("jwt.{id}.{}", HEXLOWER.encode(&Sha256::digest(&token)))));

    // What was sealed for one definition opens for no other.
    let sql = "UPDATE sso_sec_def SET secret = (SELECT secret FROM sso_sec_def WHERE name = 'basic')";
    execute(&world, sql).await;
    assert!(enter(&world, &basic("basic-client", &generated)).await.is_ok());
    let swapped = enter(&world, &basic("chosen-client", &generated)).await;
    assert!(matches!(swapped, Err(zato_sso::domain::Error::Internal(_))), "{swapped:?}");
}

async fn links_are_for_super_users_to_make_and_for_owners_to_see(kind: Kind) {
    let world = World::new(kind).await;
    let (user1, user2) = (world.user("user1").await, world.user("user2").await);
    let root = root(&world).await;
    let (one, two) = (world.login("user1").await.ust, world.login("user2").await.ust);
    let id = define(&world.sso, SecType::BasicAuth, "api", None).await.definition.sec_def_id;
    let name = SecDefName { auth_type: "basic_auth", auth_username: "api-client" };
    let sso = &world.sso;
    let user_id = user1.user_id.as_str();

    let by_user = sso.create_linked_auth(&ctx(), &one, user_id, name, true).await;
    assert_eq!(refusal(by_user), Code::AuthNotAllowed);
    for wrong in ["zusrnobody", "", "\0"] {
        let outcome = sso.create_linked_auth(&ctx(), &root, wrong, name, true).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid);
        let outcome = sso.delete_linked_auth(&ctx(), &root, wrong, name).await;
        assert_eq!(refusal(outcome), Code::UserIdInvalid);
        assert_eq!(refusal(sso.get_linked_auth_list(&ctx(), &root, Some(wrong)).await), Code::UserIdInvalid);
    }
    for (auth_type, auth_username) in [
        ("jwt", "api-client"),
        ("basic_auth", "api"),
        ("default", "api-client"),
        ("", ""),
        ("basic_auth", "\0"),
    ] {
        let wrong = SecDefName { auth_type, auth_username };
        let outcome = sso.create_linked_auth(&ctx(), &root, user_id, wrong, true).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{auth_type} {auth_username}");
        let outcome = sso.delete_linked_auth(&ctx(), &root, user_id, wrong).await;
        assert_eq!(refusal(outcome), Code::CommonInvalidInput, "{auth_type} {auth_username}");
    }
    let made = sso.create_linked_auth(&ctx(), &root, user_id, name, false).await.unwrap();
    assert_eq!(made, (user1.user_id.clone(), id));

    for (ust, whom) in [(&one, None), (&one, Some(user_id)), (&root, Some(user_id))] {
        let [link] = sso.get_linked_auth_list(&ctx(), ust, whom).await.unwrap().try_into().unwrap();
        assert_eq!((link.auth_type, link.auth_username.as_str()), (SecType::BasicAuth, "api-client"));
        assert_eq!((link.auth_id, link.auth_name.as_str(), link.is_active), (id, "api", false));
        assert_eq!((link.user_id, link.creation_time), (user1.user_id.clone(), START));
    }
    assert_eq!(sso.get_linked_auth_list(&ctx(), &root, None).await.unwrap(), []);
    assert_eq!(sso.get_linked_auth_list(&ctx(), &two, None).await.unwrap(), []);
    assert_eq!(refusal(sso.get_linked_auth_list(&ctx(), &two, Some(user_id)).await), Code::AuthNotAllowed);
    let nobody = sso.get_linked_auth_list(&ctx(), &Ust::from(""), None).await;
    assert_eq!(refusal(nobody), Code::SessionNoSuchSession);

    assert_eq!(refusal(sso.delete_linked_auth(&ctx(), &one, user_id, name).await), Code::AuthNotAllowed);
    // It is linked, but not to this user.
    let other = sso.delete_linked_auth(&ctx(), &root, user2.user_id.as_str(), name).await;
    assert_eq!(refusal(other), Code::CommonInvalidInput);
    assert_eq!(sso.delete_linked_auth(&ctx(), &root, user_id, name).await.unwrap(), id);
    assert_eq!(refusal(sso.delete_linked_auth(&ctx(), &root, user_id, name).await), Code::CommonInvalidInput);
    assert_eq!(sso.get_linked_auth_list(&ctx(), &one, None).await.unwrap(), []);
}

async fn the_only_way_to_log_in_is_not_taken_away(kind: Kind) {
    let world = World::new(kind).await;
    let root = root(&world).await;
    let sso = &world.sso;
    let new = zato_sso::domain::NewUser { password: None, ..crate::support::new_user("robot1") };
    let robot = sso.create_user(&ctx(), zato_sso::ops::Actor::Trusted(None), new, true).await.unwrap();
    define(sso, SecType::BasicAuth, "api", None).await;
    define(sso, SecType::BasicAuth, "spare", None).await;
    let user_id = robot.user_id.as_str();
    let name = |username| SecDefName { auth_type: "basic_auth", auth_username: username };
    // One that does not count may go.
    sso.create_linked_auth(&ctx(), &root, user_id, name("api-client"), false).await.unwrap();
    sso.delete_linked_auth(&ctx(), &root, user_id, name("api-client")).await.unwrap();
    sso.create_linked_auth(&ctx(), &root, user_id, name("api-client"), true).await.unwrap();
    let unlinked = sso.delete_linked_auth(&ctx(), &root, user_id, name("api-client")).await;
    assert_eq!(refusal(unlinked), Code::PasskeyLastWayToLogIn);
    assert_eq!(refusal(sso.delete_sec_def(&ctx(), "api").await), Code::PasskeyLastWayToLogIn);
    sso.create_linked_auth(&ctx(), &root, user_id, name("spare-client"), true).await.unwrap();
    sso.delete_sec_def(&ctx(), "api").await.unwrap();
    let unlinked = sso.delete_linked_auth(&ctx(), &root, user_id, name("spare-client")).await;
    assert_eq!(refusal(unlinked), Code::PasskeyLastWayToLogIn);
    // What somebody else may know goes all the same, once nobody gets in with anything.
    sso.lock_user(&ctx(), &root, user_id).await.unwrap();
    sso.delete_sec_def(&ctx(), "spare").await.unwrap();
}

async fn a_definition_has_one_user(kind: Kind) {
    let world = World::new(kind).await;
    let (user1, user2) = (world.user("user1").await, world.user("user2").await);
    linked(&world, SecType::Jwt, "api", &user1).await;
    let root = root(&world).await;
    let name = SecDefName { auth_type: "jwt", auth_username: "api-client" };
    for user in [&user1, &user2] {
        let again = world.sso.create_linked_auth(&ctx(), &root, user.user_id.as_str(), name, true).await;
        assert_eq!(refusal(again), Code::CommonInvalidOperation);
    }
    // With the user the link goes, and the definition is free again.
    let trusted = Actor::Trusted(None);
    world.sso.delete_user_by_id(&ctx(), trusted, user1.user_id.as_str()).await.unwrap();
    world.sso.create_linked_auth(&ctx(), &root, user2.user_id.as_str(), name, true).await.unwrap();
}

async fn a_definition_deleted_while_it_is_linked_is_unknown(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let root = root(&world).await;
    define(&world.sso, SecType::BasicAuth, "api", None).await;
    let link = || {
        let (sso, user_id) = (world.sso.clone(), user.user_id.clone());
        let root = root.clone();
        tokio::spawn(async move {
            let name = SecDefName { auth_type: "basic_auth", auth_username: "api-client" };
            sso.create_linked_auth(&ctx(), &root, user_id.as_str(), name, true).await
        })
    };
    let linked = match kind {
        Kind::Sqlite => {
            let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
            sqlx::query("DELETE FROM sso_sec_def").execute(&mut conn).await.unwrap();
            let linking = link();
            until_it_waits(&world).await;
            sqlx::query("COMMIT").execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            linking.await.unwrap()
        }
        Kind::Postgres => {
            let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
            sqlx::query("BEGIN").execute(&mut conn).await.unwrap();
            sqlx::query("DELETE FROM sso_sec_def").execute(&mut conn).await.unwrap();
            let linking = link();
            until_it_waits(&world).await;
            sqlx::query("COMMIT").execute(&mut conn).await.unwrap();
            linking.await.unwrap()
        }
    };
    assert_eq!(refusal(linked), Code::CommonInvalidInput);
}

/// Until somebody waits for a lock of somebody else, as far as that can be seen.
pub async fn until_it_waits(world: &World) {
    if world.db.url.starts_with("sqlite") {
        return tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let sql = "SELECT 'waits'::bytea FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while any_rows(world, sql).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn the_user_of_a_link_is_found_by_super_users_and_by_oneself(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.user("user2").await;
    linked(&world, SecType::BasicAuth, "api", &user).await;
    define(&world.sso, SecType::BasicAuth, "free", None).await;
    let root = root(&world).await;
    let (own, other) = (world.login("user1").await.ust, world.login("user2").await.ust);
    let find = async |ust: &Ust, auth_username: &str| {
        let name = SecDefName { auth_type: "basic_auth", auth_username };
        world.sso.get_user_by_linked_auth(&ctx(), ust, name, false).await
    };
    let seen = find(&root, "api-client").await.unwrap();
    assert!(seen.user.user_id == user.user_id && seen.is_current_super_user);
    assert_eq!(find(&own, "api-client").await.unwrap().fields().len(), 10);
    assert_eq!(refusal(find(&other, "api-client").await), Code::AuthNotAllowed);
    for nobodys in ["free-client", "none", "\0"] {
        assert_eq!(refusal(find(&root, nobodys).await), Code::CommonInvalidInput);
        assert_eq!(refusal(find(&own, nobodys).await), Code::AuthNotAllowed);
    }
}

async fn deleting_a_link_or_a_definition_ends_its_sessions_and_no_others(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let own = world.login("user1").await.ust;
    // Ids that begin alike: those of one are not those of another.
    let mut ids = Vec::new();
    let mut secrets = Vec::new();
    for number in 0..11 {
        let (id, secret) = linked(&world, SecType::Jwt, &format!("jwt{number}"), &user).await;
        ids.push(id);
        secrets.push(secret);
    }
    assert_eq!((ids[0], ids[9], ids[10]), (1, 10, 11));
    let of =
        |number: usize, token| bearer(&token_of(&format!("jwt{number}-client"), &secrets[number], token));
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let basic_ust = enter(&world, &basic("basic-client", &secret)).await.unwrap();
    let mut first = Vec::new();
    for token in 0..3 {
        first.push(enter(&world, &of(0, token)).await.unwrap());
    }
    let tenth = enter(&world, &of(9, 0)).await.unwrap();

    let root = root(&world).await;
    let name = SecDefName { auth_type: "jwt", auth_username: "jwt0-client" };
    world.sso.delete_linked_auth(&ctx(), &root, user.user_id.as_str(), name).await.unwrap();
    for ust in &first {
        let outcome = world.sso.get_current_user(&ctx(), ust, false).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
    }
    assert_eq!(refusal(enter(&world, &of(0, 0)).await), Code::AuthNotAllowed);
    for ust in [&own, &basic_ust, &tenth] {
        world.sso.get_current_user(&ctx(), ust, false).await.unwrap();
    }
    world.sso.delete_sec_def(&ctx(), "jwt9").await.unwrap();
    world.sso.delete_sec_def(&ctx(), "basic").await.unwrap();
    for ust in [&basic_ust, &tenth] {
        let outcome = world.sso.get_current_user(&ctx(), ust, false).await;
        assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
    }
    assert_eq!(refusal(enter(&world, &basic("basic-client", &secret)).await), Code::AuthNotAllowed);
    world.sso.get_current_user(&ctx(), &own, false).await.unwrap();
    // Linked again, to somebody else, it acts as them.
    let other = world.user("user2").await;
    world.sso.create_linked_auth(&ctx(), &root, other.user_id.as_str(), name, true).await.unwrap();
    let ust = enter(&world, &of(0, 0)).await.unwrap();
    let view = world.sso.get_current_user(&ctx(), &ust, false).await.unwrap();
    assert_eq!(view.user.username, "user2");
}

async fn links_deleted_while_sessions_are_opened_leave_none(kind: Kind) {
    // Many requests with the token of a definition that has just been deleted are so many failures.
    let world = World::with(kind, json!({"login_throttle.enabled": false})).await;
    let root = root(&world).await;
    let trusted = Actor::Trusted(None);
    for round in 0..6 {
        let name = format!("api{round}");
        let user = world.user(&format!("user{round}")).await;
        let (_, key) = linked(&world, SecType::Jwt, &name, &user).await;
        let username = format!("{name}-client");
        let opening: Vec<_> = (0..8)
            .map(|number| {
                let (sso, token) = (world.sso.clone(), bearer(&token_of(&username, &key, number)));
                tokio::spawn(async move { sso.authenticate_request(&ctx(), &token, None, None).await })
            })
            .collect();
        match round % 3 {
            0 => {
                let definition = SecDefName { auth_type: "jwt", auth_username: &username };
                let user_id = user.user_id.as_str();
                world.sso.delete_linked_auth(&ctx(), &root, user_id, definition).await.unwrap();
            }
            1 => drop(world.sso.delete_sec_def(&ctx(), &name).await.unwrap()),
            _ => world.sso.delete_user_by_id(&ctx(), trusted.clone(), user.user_id.as_str()).await.unwrap(),
        }
        for opened in opening {
            let outcome = opened.await.unwrap();
            assert!(outcome.is_ok() || refusal(outcome) == Code::AuthNotAllowed);
        }
    }
    let rows = any_rows(&world, "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL").await;
    assert_eq!(rows.len(), 0);
}

async fn what_is_done_with_definitions_is_in_the_audit_trail_without_secrets(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let token = token_of("jwt-client", &key, 1);
    for _ in 0..3 {
        enter(&world, &bearer(&token)).await.unwrap();
    }
    refusal(enter(&world, &basic("api-client", "planted-secret")).await);
    world.sso.delete_sec_def(&ctx(), "jwt").await.unwrap();
    world.sso.record_refusals().await.unwrap();
    let sql = "SELECT op || ' ' || result FROM sso_audit WHERE op LIKE 'sec_def.%' OR op LIKE '%linked_auth' \
        OR op = 'session.authenticate' ORDER BY event_time, audit_id";
    let told: Vec<_> =
        any_rows(&world, sql).await.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    let mut told: Vec<_> = told.iter().map(String::as_str).collect();
    // The clock stands still.
    told.sort_unstable();
    // Of the three requests with a token, the first opened a session and is kept; the session tells of the others.
    let expected = [
        "sec_def.create ok",
        "sec_def.create ok",
        "sec_def.delete ok",
        "session.authenticate E005001",
        "session.authenticate ok",
        "user.create_linked_auth ok",
        "user.create_linked_auth ok",
    ];
    assert_eq!(told, expected);
    let rows = any_rows(&world, "SELECT cid || extra FROM sso_audit").await;
    let all = rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect::<String>();
    for planted in ["planted-secret", &secret, &key, &token] {
        assert!(!all.contains(planted));
    }
}
