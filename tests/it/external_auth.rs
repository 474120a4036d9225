//! Sessions that linked definitions open, and renew.

use crate::linked_auth::{basic, bearer, define, enter, jwt, linked, root, token_of};
use crate::login::code_of;
use crate::support::{KEY, Kind, PASSWORD, START, World, any_rows, ctx, ctx_of, execute, refusal};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zato_sso::crypto::Keyring;
use zato_sso::domain::{AuthType, ChangeSource, Code, Edit, Password, SecType, User, UserUpdate, Ust};
use zato_sso::ops::{Actor, AttrTarget, ExternalAuth, ExternalCredential, SecDefName};

on_both_databases! {
    a_request_opens_a_session_and_the_next_ones_renew_it;
    each_token_has_a_session_of_its_own;
    whatever_is_wrong_with_a_credential_is_the_same_refusal;
    a_user_who_may_not_log_in_may_not_by_a_definition;
    a_code_is_asked_for_where_a_token_opens_a_session;
    parallel_first_requests_share_one_session;
    an_ended_session_is_replaced;
    a_new_key_keeps_sessions_going;
    trusted_callers_open_the_same_sessions;
    sessions_are_found_by_their_definition;
    a_request_is_authenticated_once;
}

async fn a_request_opens_a_session_and_the_next_ones_renew_it(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (id, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let open =
        world.sso.authenticate_request(&ctx(), &credential, None, Some("client/1")).await.unwrap().session;
    assert_eq!((open.username.as_str(), &open.user_id), ("user1", &user.user_id));
    assert_eq!((open.creation_time, open.expiration_time), (START, START.plus_minutes(60)));
    assert!(!open.has_w_about_to_exp);

    world.clock.advance_seconds(600);
    let elsewhere = ctx_of("Billing", "10.0.0.2");
    let renewed = world.sso.authenticate_request(&elsewhere, &credential, None, None).await.unwrap().session;
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
    assert!(world.sso.verify_session(&ctx(), &root, &open.ust).await.unwrap());

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
    let trusted = Actor::Trusted(None);
    let user_id = user.user_id.as_str();
    let root = root(&world).await;
    let at = async |app: &str, address: &str, credential: &ExternalCredential| {
        world
            .sso
            .authenticate_request(&ctx_of(app, address), credential, None, None)
            .await
            .map(|auth| auth.session)
    };
    assert_eq!(refusal(at("Unknown", "", &credential).await), Code::AppListInvalid);
    // A session is opened where a login is allowed, and used anywhere.
    assert_eq!(refusal(at("Billing", "", &credential).await), Code::AppListInvalid);
    let ust = at("CRM", "", &credential).await.unwrap().ust;
    at("Billing", "", &credential).await.unwrap();

    world.sso.lock_user(&ctx(), trusted.clone(), user_id).await.unwrap();
    assert_eq!(refusal(at("CRM", "", &credential).await), Code::AuthLocked);
    assert_eq!(refusal(at("CRM", "", &basic("api-client", "wrong")).await), Code::AuthNotAllowed);
    world.sso.unlock_user(&ctx(), trusted.clone(), user_id).await.unwrap();
    world.sso.reject_user(&ctx(), &root, user_id).await.unwrap();
    assert_eq!(refusal(at("CRM", "", &credential).await), Code::AuthNotApproved);
    world.sso.approve_user(&ctx(), &root, user_id).await.unwrap();
    // The session has ended with that, for good; the definition opens another one.
    assert_ne!(at("CRM", "", &credential).await.unwrap().ust.expose(), ust.expose());
    let ended = world.sso.get_current_user(&ctx(), &ust, false).await;
    assert_eq!(refusal(ended), Code::SessionNoSuchSession);

    let quiet = world.reopened(json!({"login.inform_if_locked": false})).await;
    world.sso.lock_user(&ctx(), trusted.clone(), user_id).await.unwrap();
    let outcome = quiet.authenticate_request(&ctx(), &credential, None, None).await;
    assert_eq!(refusal(outcome), Code::AuthNotAllowed);
    world.sso.unlock_user(&ctx(), trusted.clone(), user_id).await.unwrap();

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

    let code = code_of(key, 0);
    let with = async |number, code: Option<&str>| {
        let token = bearer(&token_of("jwt-client", &jwt_key, number));
        world
            .sso
            .authenticate_request(&ctx(), &token, code.map(Password::from), None)
            .await
            .map(|auth| auth.session)
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
                    let info =
                        sso.authenticate_request(&ctx(), &credential, None, None).await.unwrap().session;
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
    let renewed = during.authenticate_request(&ctx(), &credential, None, None).await.unwrap().session;
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
    let renewed = after.authenticate_request(&ctx(), &credential, None, None).await.unwrap().session;
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

async fn a_request_is_authenticated_once(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let auth = world.sso.authenticate_request(&ctx(), &credential, None, None).await.unwrap();
    // Nobody could find the session again, and nobody has to: who acts is known.
    execute(&world, "DELETE FROM sso_session").await;
    let (sso, actor) = (&world.sso, &auth.actor);
    let view = sso.get_current_user(&ctx(), actor, false).await.unwrap();
    assert_eq!(view.user.user_id, user.user_id);
    let own = sso.get_session(&ctx(), actor, None, true).await.unwrap();
    assert_eq!(own.session.expiration_time, auth.session.expiration_time);
    assert_eq!(refusal(sso.verify_session(&ctx(), actor, None).await), Code::AuthNotAllowed);
    let names = sso.attr_names(&ctx(), actor, &AttrTarget::User(None)).await.unwrap();
    assert_eq!(names, Vec::<String>::new());
    let by_token = sso.get_current_user(&ctx(), &auth.session.ust, false).await;
    assert_eq!(refusal(by_token), Code::SessionNoSuchSession);
}
