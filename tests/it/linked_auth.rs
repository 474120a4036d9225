//! Security definitions, their links to users, and the sessions that they open.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zato_sso::crypto::{Keyring, totp};
use zato_sso::domain::{AuthType, ChangeSource, Code, Edit, Password, SecType, User, UserUpdate, Ust};
use zato_sso::ops::{Authority, CreatedSecDef, ExternalAuth, ExternalCredential, NewSecDef, SecDefName, Sso};

use crate::support::{KEY, Kind, PASSWORD, START, World, any_rows, ctx, ctx_of, dump, execute, refusal};

on_both_databases! {
    definitions_are_made_listed_and_deleted;
    what_a_definition_may_be_made_of;
    no_secret_of_a_definition_is_stored_in_clear;
    links_are_for_super_users_to_make_and_for_owners_to_see;
    a_definition_has_one_user;
    the_user_of_a_link_is_found_by_super_users_and_by_oneself;
    a_request_opens_a_session_and_the_next_ones_renew_it;
    each_token_has_a_session_of_its_own;
    whatever_is_wrong_with_a_credential_is_the_same_refusal;
    a_user_who_may_not_log_in_may_not_by_a_definition;
    a_code_is_asked_for_where_a_token_opens_a_session;
    deleting_a_link_or_a_definition_ends_its_sessions_and_no_others;
    parallel_first_requests_share_one_session;
    links_deleted_while_sessions_are_opened_leave_none;
    an_ended_session_is_replaced;
    a_new_key_keeps_sessions_going;
    trusted_callers_open_the_same_sessions;
    sessions_are_found_by_their_definition;
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
    let new = NewSecDef { sec_type, name: name.to_owned(), username: format!("{name}-client"), secret };
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

fn basic(username: &str, secret: &str) -> ExternalCredential {
    ExternalCredential::Basic { username: username.to_owned(), secret: Password::from(secret) }
}

fn bearer(token: &str) -> ExternalCredential {
    ExternalCredential::Jwt(Password::from(token))
}

async fn enter(world: &World, credential: &ExternalCredential) -> zato_sso::domain::Result<Ust> {
    let info = world.sso.authenticate_request(&ctx(), credential, None, Some("client/1")).await?;
    Ok(info.ust)
}

async fn definitions_are_made_listed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    assert_eq!(world.sso.list_sec_defs(&ctx()).await.unwrap(), []);
    let made = define(&world.sso, SecType::Jwt, "b", None).await;
    assert_eq!(made.secret.unwrap().expose().len(), 43);
    assert_eq!(made.definition.creation_time, START);
    let chosen = define(&world.sso, SecType::BasicAuth, "c", Some(PASSWORD)).await;
    assert!(chosen.secret.is_none());
    let (a, _) = linked(&world, SecType::BasicAuth, "a", &user).await;
    let listed = world.sso.list_sec_defs(&ctx()).await.unwrap();
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
    assert_eq!(world.sso.list_sec_defs(&ctx()).await.unwrap().len(), 2);
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
        let new = NewSecDef { sec_type, name: name.to_owned(), username: username.to_owned(), secret };
        let outcome = world.sso.create_sec_def(&ctx(), new).await;
        assert_eq!(refusal(outcome), code, "{name:?} {username:?}");
    }
    // The same username is another one for another kind.
    let new = NewSecDef { sec_type: jwt, name: "b".into(), username: "taken-client".into(), secret: None };
    world.sso.create_sec_def(&ctx(), new).await.unwrap();
    assert_eq!(world.sso.list_sec_defs(&ctx()).await.unwrap().len(), 2);
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
    let trusted = Authority::Trusted(None);
    world.sso.delete_user_by_id(&ctx(), trusted, user1.user_id.as_str()).await.unwrap();
    world.sso.create_linked_auth(&ctx(), &root, user2.user_id.as_str(), name, true).await.unwrap();
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
    assert_eq!(find(&own, "api-client").await.unwrap().fields().len(), 9);
    assert_eq!(refusal(find(&other, "api-client").await), Code::AuthNotAllowed);
    for nobodys in ["free-client", "none", "\0"] {
        assert_eq!(refusal(find(&root, nobodys).await), Code::CommonInvalidInput);
        assert_eq!(refusal(find(&own, nobodys).await), Code::AuthNotAllowed);
    }
}

async fn a_request_opens_a_session_and_the_next_ones_renew_it(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (id, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let open = world.sso.authenticate_request(&ctx(), &credential, None, Some("client/1")).await.unwrap();
    assert_eq!((open.username.as_str(), &open.user_id), ("user1", &user.user_id));
    assert_eq!((open.creation_time, open.expiration_time), (START, START.plus_minutes(60)));
    assert!(!open.has_w_about_to_exp);

    world.clock.advance_seconds(600);
    let elsewhere = ctx_of("Billing", "10.0.0.2");
    let renewed = world.sso.authenticate_request(&elsewhere, &credential, None, None).await.unwrap();
    assert_eq!(renewed.ust.expose(), open.ust.expose());
    assert_eq!((renewed.creation_time, renewed.expiration_time), (START, START.plus_minutes(70)));

    let [listed] = world.sso.list_sessions(&ctx(), &open.ust, None).await.unwrap().try_into().unwrap();
    let session = &listed.session;
    assert_eq!((session.auth_type, session.auth_principal.as_str()), (AuthType::BasicAuth, "api-client"));
    assert_eq!(session.ext_session_id, Some(format!("basic_auth.{id}")));
    assert_eq!((session.remote_addr.as_str(), session.user_agent.as_deref()), ("10.0.0.1", Some("client/1")));
    let [login, renewal] = listed.state_changes.as_slice() else { panic!("{listed:?}") };
    assert_eq!((login.ctx_source, login.idx), (ChangeSource::Login, 1));
    assert_eq!((renewal.ctx_source, renewal.idx), (ChangeSource::Renew, 2));
    assert_eq!((renewal.remote_addr.as_str(), renewal.user_agent.as_deref()), ("10.0.0.2", None));
    // It is a session like any other.
    world.sso.get_current_user(&ctx(), &open.ust, false).await.unwrap();
    let root = root(&world).await;
    assert!(world.sso.verify_session(&ctx(), &open.ust, &root).await.unwrap());

    // A chosen secret works just the same.
    let other = world.user("user2").await;
    define(&world.sso, SecType::BasicAuth, "chosen", Some(PASSWORD)).await;
    let name = SecDefName { auth_type: "basic_auth", auth_username: "chosen-client" };
    world.sso.create_linked_auth(&ctx(), &root, other.user_id.as_str(), name, true).await.unwrap();
    enter(&world, &basic("chosen-client", PASSWORD)).await.unwrap();
    let wrong = enter(&world, &basic("chosen-client", &format!("{PASSWORD} "))).await;
    assert_eq!(refusal(wrong), Code::AuthNotAllowed);
}

async fn each_token_has_a_session_of_its_own(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, key) = linked(&world, SecType::Jwt, "api", &user).await;
    let tokens = [1, 2].map(|number| token_of("api-client", &key, number));
    let one = enter(&world, &bearer(&tokens[0])).await.unwrap();
    world.clock.advance_seconds(1);
    let two = enter(&world, &bearer(&tokens[1])).await.unwrap();
    assert_ne!(one.expose(), two.expose());
    assert_eq!(enter(&world, &bearer(&tokens[0])).await.unwrap().expose(), one.expose());
    let listed = world.sso.list_sessions(&ctx(), &one, None).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|listing| listing.session.auth_type == AuthType::Jwt));
    let counts: Vec<_> = listed.iter().map(|listing| listing.session.state_change_count).collect();
    assert_eq!(counts, [2, 1]);
}

async fn whatever_is_wrong_with_a_credential_is_the_same_refusal(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let free = define(&world.sso, SecType::BasicAuth, "free", None).await.secret.unwrap();
    let free_key = define(&world.sso, SecType::Jwt, "free-jwt", None).await.secret.unwrap();
    let exp = START.as_micros() / 1_000_000 + 3_600;
    let claims = |more: Value| {
        let mut claims = json!({"sub": "jwt-client", "exp": exp});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let wrong = [
        basic("basic-client", "wrong"),
        basic("basic-client", ""),
        basic("basic", &secret),
        basic("nobody", &secret),
        basic("", ""),
        basic("\0", &secret),
        basic(&"x".repeat(100_000), &secret),
        // Right, but linked to nobody.
        basic("free-client", free.expose()),
        // Of the other kind.
        basic("jwt-client", &key),
        bearer(&token_of("basic-client", &secret, 1)),
        bearer(&token_of("free-jwt-client", free_key.expose(), 1)),
        bearer(&token_of("jwt-client", &secret, 1)),
        bearer(&token_of("nobody", &key, 1)),
        // What signatures of unknown definitions are compared with signs for nobody.
        bearer(&token_of("nobody", &"\0".repeat(32), 1)),
        bearer(&jwt(&claims(json!({"exp": exp - 3_700})), &key)),
        bearer(&jwt(&claims(json!({"nbf": exp})), &key)),
        bearer(&jwt(&claims(json!({"aud": "other"})), &key)),
        bearer(&jwt(&claims(json!({"sub": "jwt\0client"})), &key)),
        bearer(&jwt(&json!({"sub": "jwt-client"}), &key)),
        bearer("a.b.c"),
        bearer(""),
    ];
    for credential in &wrong {
        assert_eq!(refusal(enter(&world, credential).await), Code::AuthNotAllowed, "{credential:?}");
    }
    enter(&world, &bearer(&jwt(&claims(json!({"aud": ["jwt"]})), &key))).await.unwrap();

    let root = root(&world).await;
    let name = SecDefName { auth_type: "basic_auth", auth_username: "free-client" };
    world.sso.create_linked_auth(&ctx(), &root, user.user_id.as_str(), name, false).await.unwrap();
    assert_eq!(refusal(enter(&world, &basic("free-client", free.expose())).await), Code::AuthNotAllowed);
    execute(&world, "UPDATE sso_linked_auth SET is_active = TRUE").await;
    enter(&world, &basic("free-client", free.expose())).await.unwrap();
    execute(&world, "UPDATE sso_sec_def SET is_active = FALSE").await;
    assert_eq!(refusal(enter(&world, &basic("free-client", free.expose())).await), Code::AuthNotAllowed);
    assert_eq!(refusal(enter(&world, &basic("basic-client", &secret)).await), Code::AuthNotAllowed);
}

async fn a_user_who_may_not_log_in_may_not_by_a_definition(kind: Kind) {
    let world = World::with(kind, json!({"user_address_list.user2": ["10.0.0.0/24"]})).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let trusted = Authority::Trusted(None);
    let user_id = user.user_id.as_str();
    let root = root(&world).await;
    let at = async |app: &str, address: &str, credential: &ExternalCredential| {
        world.sso.authenticate_request(&ctx_of(app, address), credential, None, None).await
    };
    assert_eq!(refusal(at("Unknown", "", &credential).await), Code::AppListInvalid);
    // A session is opened where a login is allowed, and used anywhere.
    assert_eq!(refusal(at("Billing", "", &credential).await), Code::AppListInvalid);
    let ust = at("CRM", "", &credential).await.unwrap().ust;
    at("Billing", "", &credential).await.unwrap();

    world.sso.lock_user(&ctx(), trusted, user_id).await.unwrap();
    assert_eq!(refusal(at("CRM", "", &credential).await), Code::AuthLocked);
    assert_eq!(refusal(at("CRM", "", &basic("api-client", "wrong")).await), Code::AuthNotAllowed);
    world.sso.unlock_user(&ctx(), trusted, user_id).await.unwrap();
    world.sso.reject_user(&ctx(), &root, user_id).await.unwrap();
    assert_eq!(refusal(at("CRM", "", &credential).await), Code::AuthNotApproved);
    world.sso.approve_user(&ctx(), &root, user_id).await.unwrap();
    assert_eq!(at("CRM", "", &credential).await.unwrap().ust.expose(), ust.expose());

    let quiet = world.reopened(json!({"login.inform_if_locked": false})).await;
    world.sso.lock_user(&ctx(), trusted, user_id).await.unwrap();
    let outcome = quiet.authenticate_request(&ctx(), &credential, None, None).await;
    assert_eq!(refusal(outcome), Code::AuthNotAllowed);
    world.sso.unlock_user(&ctx(), trusted, user_id).await.unwrap();

    // Nobody was asked for a password, so it does not matter that it must be changed; that it has expired does.
    let update = UserUpdate { password_must_change: Edit::Set(true), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), &root, user_id, update).await.unwrap();
    at("CRM", "", &credential).await.unwrap();
    let update = UserUpdate { password_expiry: Edit::Set(START), ..UserUpdate::default() };
    world.sso.update_user_by_id(&ctx(), &root, user_id, update).await.unwrap();
    assert_eq!(refusal(at("CRM", "", &credential).await), Code::AuthNotAllowed);
    let telling = world.reopened(json!({"password.inform_if_expired": true})).await;
    let outcome = telling.authenticate_request(&ctx(), &credential, None, None).await;
    assert_eq!(refusal(outcome), Code::PasswordExpired);

    let listed = world.user("user2").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "listed", &listed).await;
    let credential = basic("listed-client", &secret);
    assert_eq!(refusal(at("CRM", "10.1.0.1", &credential).await), Code::AuthNotAllowed);
    at("CRM", "10.0.0.7", &credential).await.unwrap();
}

async fn a_code_is_asked_for_where_a_token_opens_a_session(kind: Kind) {
    let world = World::new(kind).await;
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (_, jwt_key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let update = UserUpdate {
        is_totp_enabled: Edit::Set(true),
        totp_key: Edit::Set(Password::from(key)),
        ..UserUpdate::default()
    };
    world.sso.update_user_by_id(&ctx(), &root(&world).await, user.user_id.as_str(), update).await.unwrap();
    enter(&world, &basic("basic-client", &secret)).await.unwrap();

    let code = (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| {
            let step = totp::matching_step(&key.into(), &Password::from(code.as_str()), START).unwrap();
            step == Some(START.as_micros() / 30_000_000)
        })
        .unwrap();
    let with = async |number, code: Option<&str>| {
        let token = bearer(&token_of("jwt-client", &jwt_key, number));
        world.sso.authenticate_request(&ctx(), &token, code.map(Password::from), None).await
    };
    assert_eq!(refusal(with(1, None).await), Code::AuthTotpMissing);
    assert_eq!(refusal(with(1, Some("")).await), Code::AuthTotpMissing);
    assert_eq!(refusal(with(1, Some("12345")).await), Code::AuthNotAllowed);
    let open = with(1, Some(&code)).await.unwrap();
    assert_eq!(with(1, None).await.unwrap().ust.expose(), open.ust.expose());
    // The code is used up.
    assert_eq!(refusal(with(2, Some(&code)).await), Code::AuthNotAllowed);
    world.sso.logout(&ctx(), &open.ust).await.unwrap();
    assert_eq!(refusal(with(1, None).await), Code::AuthTotpMissing);
    let quiet = world.reopened(json!({"login.inform_if_totp_missing": false})).await;
    let token = bearer(&token_of("jwt-client", &jwt_key, 1));
    let outcome = quiet.authenticate_request(&ctx(), &token, None, None).await;
    assert_eq!(refusal(outcome), Code::AuthNotAllowed);
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

async fn parallel_first_requests_share_one_session(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    for credential in [basic("basic-client", &secret), bearer(&token_of("jwt-client", &key, 1))] {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (sso, credential) = (world.sso.clone(), credential.clone());
                tokio::spawn(async move {
                    let info = sso.authenticate_request(&ctx(), &credential, None, None).await.unwrap();
                    sso.get_current_user(&ctx(), &info.ust, false).await.unwrap();
                    info.ust.expose().to_owned()
                })
            })
            .collect();
        let mut tokens = std::collections::BTreeSet::new();
        for task in tasks {
            tokens.insert(task.await.unwrap());
        }
        assert_eq!(tokens.len(), 1);
        let ust = Ust::from(tokens.pop_first().unwrap());
        let listed = world.sso.list_sessions(&ctx(), &ust, None).await.unwrap();
        assert_eq!(listed.last().unwrap().session.state_change_count, 20);
        world.clock.advance_seconds(1);
    }
    let rows = any_rows(&world, "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL").await;
    assert_eq!(rows.len(), 2);
}

async fn links_deleted_while_sessions_are_opened_leave_none(kind: Kind) {
    let world = World::new(kind).await;
    let root = root(&world).await;
    let trusted = Authority::Trusted(None);
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
            _ => world.sso.delete_user_by_id(&ctx(), trusted, user.user_id.as_str()).await.unwrap(),
        }
        for opened in opening {
            let outcome = opened.await.unwrap();
            assert!(outcome.is_ok() || refusal(outcome) == Code::AuthNotAllowed);
        }
    }
    let rows = any_rows(&world, "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL").await;
    assert_eq!(rows.len(), 0);
}

async fn an_ended_session_is_replaced(kind: Kind) {
    let world = World::with(kind, json!({"session.max_lifetime": 2})).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let first = enter(&world, &credential).await.unwrap();
    world.clock.advance_seconds(60 * 60);
    let second = enter(&world, &credential).await.unwrap();
    assert_ne!(second.expose(), first.expose());
    let outcome = world.sso.get_current_user(&ctx(), &first, false).await;
    assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
    // However often it is renewed, it ends.
    world.clock.advance_seconds(59 * 60);
    assert_eq!(enter(&world, &credential).await.unwrap().expose(), second.expose());
    world.clock.advance_seconds(59 * 60);
    assert_eq!(enter(&world, &credential).await.unwrap().expose(), second.expose());
    world.clock.advance_seconds(2 * 60);
    assert_ne!(enter(&world, &credential).await.unwrap().expose(), second.expose());
    let rows = any_rows(&world, "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL").await;
    assert_eq!(rows.len(), 1);
}

async fn a_new_key_keeps_sessions_going(kind: Kind) {
    const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let ust = enter(&world, &credential).await.unwrap();
    let during = world.reopened(json!({"main.secret_key": format!("{NEW},{KEY}")})).await;
    let renewed = during.authenticate_request(&ctx(), &credential, None, None).await.unwrap();
    assert_eq!(renewed.ust.expose(), ust.expose());

    // Once everything is sealed with the new key, the old one is taken out of the keyring.
    let keyring = Keyring::parse(NEW).unwrap();
    let sql = "SELECT secret FROM sso_sec_def";
    let old = any_rows(&world, sql).await.remove(0);
    let place = zato_sso::crypto::Place { table: "sso_sec_def", column: "secret", row: b"1" };
    let opened = Keyring::parse(KEY).unwrap().open(place, &old).unwrap();
    let new = keyring.seal(place, &opened, &zato_sso::domain::SystemRandom).unwrap();
    let hex = |bytes: &[u8]| match kind {
        Kind::Sqlite => format!("x'{}'", HEXLOWER.encode(bytes)),
        Kind::Postgres => format!("'\\x{}'::bytea", HEXLOWER.encode(bytes)),
    };
    execute(&world, &format!("UPDATE sso_sec_def SET secret = {}", hex(&new))).await;
    let check = hex(&keyring.check_value());
    execute(&world, &format!("UPDATE sso_setting SET value = {check} WHERE name = 'keyring_check'")).await;
    let after = world.reopened(json!({"main.secret_key": NEW})).await;
    let renewed = after.authenticate_request(&ctx(), &credential, None, None).await.unwrap();
    assert_ne!(renewed.ust.expose(), ust.expose());
    let [listed] = after.list_sessions(&ctx(), &renewed.ust, None).await.unwrap().try_into().unwrap();
    assert_eq!(listed.session.state_change_count, 3, "it is the same session");
    let outcome = after.get_current_user(&ctx(), &ust, false).await;
    assert_eq!(refusal(outcome), Code::SessionNoSuchSession);
}

fn external(sec_type: &str, id: i64, username: &str, user: &User, token: Option<&str>) -> ExternalAuth {
    ExternalAuth {
        sec_type: sec_type.to_owned(),
        sec_def_id: id,
        sec_def_username: username.to_owned(),
        user_id: user.user_id.to_string(),
        ext_session_id: token.map(Password::from),
        totp_code: None,
        user_agent: Some("agent".to_owned()),
    }
}

async fn trusted_callers_open_the_same_sessions(kind: Kind) {
    let world = World::new(kind).await;
    let (user, other) = (world.user("user1").await, world.user("user2").await);
    let (id, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (jwt_id, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let call = async |auth| world.sso.on_external_auth_succeeded(&ctx(), auth).await;
    let open = call(external("basic_auth", id, "basic-client", &user, None)).await.unwrap();
    assert_eq!((open.username.as_str(), open.expiration_time), ("user1", START.plus_minutes(60)));
    assert_eq!(enter(&world, &basic("basic-client", &secret)).await.unwrap().expose(), open.ust.expose());
    let again = call(external("basic_auth", id, "basic-client", &user, Some("anything"))).await.unwrap();
    assert_eq!(again.ust.expose(), open.ust.expose());

    let token = token_of("jwt-client", &key, 1);
    let open = call(external("jwt", jwt_id, "jwt-client", &user, Some(&token))).await.unwrap();
    assert_eq!(enter(&world, &bearer(&token)).await.unwrap().expose(), open.ust.expose());
    for token in [None, Some("")] {
        let outcome = call(external("jwt", jwt_id, "jwt-client", &user, token)).await;
        assert_eq!(refusal(outcome), Code::CommonMissingInput);
    }
    for wrong in [
        external("jwt", id, "basic-client", &user, Some("a")),
        external("default", id, "basic-client", &user, None),
        external("", id, "basic-client", &user, None),
        external("basic_auth", 999, "basic-client", &user, None),
        external("basic_auth", -1, "basic-client", &user, None),
        external("basic_auth", id, "basic", &user, None),
        external("basic_auth", id, "\0", &user, None),
        external("basic_auth", id, "basic-client", &other, None),
        ExternalAuth {
            user_id: "zusrnobody".into(),
            ..external("basic_auth", id, "basic-client", &user, None)
        },
    ] {
        assert_eq!(refusal(call(wrong.clone()).await), Code::AuthNotAllowed, "{wrong:?}");
    }
    let elsewhere = ctx_of("Unknown", "");
    let auth = external("basic_auth", id, "basic-client", &user, None);
    let outcome = world.sso.on_external_auth_succeeded(&elsewhere, auth).await;
    assert_eq!(refusal(outcome), Code::AppListInvalid);
}

async fn sessions_are_found_by_their_definition(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (id, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (jwt_id, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let find = async |sec_type: &str, id: i64, token: Option<&str>| {
        let token = token.map(Password::from);
        world.sso.get_session_by_ext_id(sec_type, id, token.as_ref()).await.unwrap()
    };
    assert!(find("basic_auth", id, None).await.is_none());
    enter(&world, &basic("basic-client", &secret)).await.unwrap();
    let found = find("basic_auth", id, None).await.unwrap();
    assert_eq!((found.session.auth_type, found.state_changes.len()), (AuthType::BasicAuth, 1));
    let tokens = [1, 2].map(|number| token_of("jwt-client", &key, number));
    for token in &tokens {
        enter(&world, &bearer(token)).await.unwrap();
    }
    let found = find("jwt", jwt_id, Some(&tokens[1])).await.unwrap();
    let digest = HEXLOWER.encode(&Sha256::digest(&tokens[1]));
    assert_eq!(found.session.ext_session_id, Some(format!("jwt.{jwt_id}.{digest}")));
    for (sec_type, id, token) in
        [("jwt", jwt_id, None), ("jwt", id, Some(tokens[0].as_str())), ("default", id, None), ("x", 0, None)]
    {
        assert!(find(sec_type, id, token).await.is_none());
    }
    world.clock.advance_seconds(60 * 60);
    assert!(find("basic_auth", id, None).await.is_none());
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
