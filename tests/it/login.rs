//! The order of checks at login, and what each of them shows.

use serde_json::json;
use zato_sso::domain::{Code, Error, NewUser, Password, SignUpStatus};
use zato_sso::ops::{Actor, LoginRequest};

use crate::support::{
    Kind, PASSWORD, START, World, credentials, ctx, ctx_of, new_user, refusal, store_hash, stored_hash,
};

on_both_databases! {
    a_right_password_opens_a_session;
    unknown_user_wrong_password_and_no_password_are_the_same_refusal;
    the_application_is_checked_first_and_its_permission_to_log_in_after_the_password;
    standing_is_checked_after_the_password_and_shown_only_where_configured;
    states_are_checked_in_the_documented_order;
    addresses_outside_of_a_users_list_are_refused;
    a_totp_code_is_needed_where_it_is_enabled_and_works_once;
    one_of_many_parallel_uses_of_a_totp_code_succeeds;
    an_expired_password_is_refused_until_a_new_one_comes_along;
    a_password_about_to_expire_is_a_warning_or_a_refusal;
    a_password_that_must_be_changed_is_changed_by_a_valid_new_one;
    login_metadata_needs_permission;
    an_outdated_hash_is_replaced_at_login;
    a_hash_of_another_system_is_verified_and_replaced_at_login;
    a_hash_that_nobody_understands_is_no_wrong_password;
    a_trusted_login_needs_no_password_but_good_standing;
    logout_ends_the_session_whatever_the_state_of_its_user;
    what_no_username_can_look_like_is_refused_like_any_other;
}

async fn a_right_password_opens_a_session(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let info = world.login("user1").await;
    assert_eq!(info.username, "user1");
    assert_eq!(info.user_id, user.user_id);
    assert_eq!(info.creation_time, START);
    assert_eq!(info.expiration_time, START.plus_minutes(60));
    assert!(!info.has_w_about_to_exp);
    // 32 bytes of base64url behind the prefix.
    assert_eq!(info.ust.expose().len(), "zust".len() + 43);
    assert_ne!(world.login("user1").await.ust.expose(), info.ust.expose());
}

async fn unknown_user_wrong_password_and_no_password_are_the_same_refusal(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let without = NewUser { username: Some("nopass".to_owned()), ..NewUser::default() };
    world.sso.create_user(&ctx(), Actor::Trusted(None), without, true).await.unwrap();
    let nothing = LoginRequest { username: "user1".to_owned(), ..LoginRequest::default() };
    for request in [
        credentials("user2", PASSWORD),
        credentials("user1", "wrong"),
        credentials("user11", PASSWORD),
        credentials("user1", ""),
        credentials("", PASSWORD),
        credentials("nopass", ""),
        credentials("nopass", PASSWORD),
        nothing,
    ] {
        let outcome = world.sso.login(&ctx(), request).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed);
    }
}

async fn the_application_is_checked_first_and_its_permission_to_log_in_after_the_password(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let login = |app: &'static str, password: &'static str| {
        let sso = world.sso.clone();
        async move { refusal(sso.login(&ctx_of(app, "10.0.0.1"), credentials("user1", password)).await) }
    };
    assert_eq!(login("Unknown", "wrong").await, Code::AppListInvalid);
    assert_eq!(login("Billing", "wrong").await, Code::AuthNotAllowed);
    assert_eq!(login("Billing", PASSWORD).await, Code::AppListInvalid);
    for (app, key) in [("Unknown", "apps.all"), ("Billing", "apps.login_allowed")] {
        let outcome = world.sso.login(&ctx_of(app, "10.0.0.1"), credentials("user1", PASSWORD)).await;
        let said = outcome.unwrap_err().to_string();
        assert!(said.contains(&format!("current_app must be one of {key}: ")), "{said}");
    }

    let silent = world.reopened(json!({"apps.inform_if_app_invalid": false})).await;
    for app in ["Unknown", "Billing"] {
        let outcome = silent.login(&ctx_of(app, "10.0.0.1"), credentials("user1", PASSWORD)).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed);
    }
}

async fn standing_is_checked_after_the_password_and_shown_only_where_configured(kind: Kind) {
    let world = World::new(kind).await;
    let silent = world
        .reopened(json!({"login": {
            "inform_if_locked": false, "inform_if_not_confirmed": false, "inform_if_not_approved": false,
        }}))
        .await;
    let locked = NewUser { is_locked: Some(true), ..new_user("locked") };
    let unconfirmed =
        NewUser { sign_up_status: Some(SignUpStatus::BeforeConfirmation), ..new_user("unconfirmed") };
    for (new, auto_approve, code) in [
        (locked, true, Code::AuthLocked),
        (unconfirmed, true, Code::AuthInvalidSignupStatus),
        (new_user("unapproved"), false, Code::AuthNotApproved),
    ] {
        let username = new.username.clone().unwrap();
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, auto_approve).await.unwrap();
        let wrong = world.sso.login(&ctx(), credentials(&username, "wrong")).await;
        assert_eq!(refusal(wrong), Code::AuthNotAllowed, "{username}");
        let right = world.sso.login(&ctx(), credentials(&username, PASSWORD)).await;
        assert_eq!(refusal(right), code, "{username}");
        let silent = silent.login(&ctx(), credentials(&username, PASSWORD)).await;
        assert_eq!(refusal(silent), Code::AuthNotAllowed, "{username}");
    }
}

async fn states_are_checked_in_the_documented_order(kind: Kind) {
    let world = World::with(
        kind,
        json!({"password.inform_if_expired": true, "password.expiry": 1, "database.keep_time": false}),
    )
    .await;
    let all_wrong = NewUser {
        is_locked: Some(true),
        sign_up_status: Some(SignUpStatus::BeforeConfirmation),
        ..new_user("user1")
    };
    let root = world.super_user("root1").await;
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), all_wrong, false).await.unwrap();
    let login = || async { world.sso.login(&ctx(), credentials("user1", PASSWORD)).await };
    assert_eq!(refusal(login().await), Code::AuthLocked);
    let by = Actor::Trusted(Some(root.user_id.clone()));
    world.sso.unlock_user(&ctx(), by, user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(login().await), Code::AuthInvalidSignupStatus);

    let pending =
        world.sso.create_user(&ctx(), Actor::Trusted(None), new_user("user2"), false).await.unwrap();
    let root = world.login("root1").await;
    world.clock.advance_seconds(2 * 86_400);
    let second = || async { world.sso.login(&ctx(), credentials("user2", PASSWORD)).await };
    assert_eq!(refusal(second().await), Code::AuthNotApproved);
    world.clock.advance_seconds(-2 * 86_400);
    world.sso.approve_user(&ctx(), &root.ust, pending.user_id.as_str()).await.unwrap();
    world.clock.advance_seconds(2 * 86_400);
    assert_eq!(refusal(second().await), Code::PasswordExpired);
}

async fn addresses_outside_of_a_users_list_are_refused(kind: Kind) {
    let world = World::with(
        kind,
        json!({"user_address_list": {"user1": ["10.0.0.0/8", "2001:db8::/32"], "user2": [], "user3": ["*"]}}),
    )
    .await;
    for username in ["user1", "user2", "user3", "user4"] {
        world.user(username).await;
    }
    let login = |username: &'static str, address: &'static str| {
        let sso = world.sso.clone();
        async move { sso.login(&ctx_of("CRM", address), credentials(username, PASSWORD)).await }
    };
    login("user1", "10.1.2.3").await.unwrap();
    login("user1", "2001:db8::1").await.unwrap();
    for address in ["192.168.0.1", "10.1.2.3, 192.168.0.1", "localhost", ""] {
        assert_eq!(refusal(login("user1", address).await), Code::AuthNotAllowed, "{address}");
    }
    assert_eq!(refusal(login("user2", "10.1.2.3").await), Code::AuthNotAllowed);
    login("user3", "192.168.0.1").await.unwrap();
    login("user4", "192.168.0.1").await.unwrap();

    let strict = world.reopened(json!({"login.reject_if_not_listed": true})).await;
    let unlisted = strict.login(&ctx(), credentials("user4", PASSWORD)).await;
    assert_eq!(refusal(unlisted), Code::AuthNotAllowed);

    // The list holds for every later call as well.
    let info = login("user1", "10.1.2.3").await.unwrap();
    let elsewhere = world.sso.get_current_user(&ctx_of("CRM", "192.168.0.1"), &info.ust, false).await;
    assert_eq!(refusal(elsewhere), Code::AuthNotAllowed);
}

/// The key of RFC 6238's test vectors.
pub const TOTP_KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The codes of that key, step by step from the one at [`START`].
pub fn totp_code(offset: i64) -> String {
    code_of(TOTP_KEY, offset)
}

/// The same of any key.
pub fn code_of(key: &str, offset: i64) -> String {
    use totp_rs::{Algorithm, Builder};
    let secret = data_encoding::BASE32.decode(key.as_bytes()).unwrap();
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(secret).build().unwrap();
    let seconds = START.plus_seconds(offset * 30).as_unix_seconds();
    totp.generate(seconds).to_string()
}

pub async fn totp_user(world: &World) {
    let new = NewUser {
        is_totp_enabled: Some(true),
        totp_key: Some(Password::from(TOTP_KEY)),
        ..new_user("totp1")
    };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
}

pub fn with_code(code: &str) -> LoginRequest {
    LoginRequest { totp_code: Some(Password::from(code)), ..credentials("totp1", PASSWORD) }
}

async fn a_totp_code_is_needed_where_it_is_enabled_and_works_once(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.enabled": false})).await;
    totp_user(&world).await;
    let login = |request| async { world.sso.login(&ctx(), request).await };
    assert_eq!(refusal(login(credentials("totp1", PASSWORD)).await), Code::AuthTotpMissing);
    assert_eq!(refusal(login(credentials("totp1", "wrong")).await), Code::AuthNotAllowed);
    for wrong in ["000000", "12345", "abcdef", "１２３４５６"] {
        assert_eq!(refusal(login(with_code(wrong)).await), Code::AuthNotAllowed, "{wrong}");
    }
    assert_eq!(refusal(login(with_code(&totp_code(-2))).await), Code::AuthNotAllowed);
    assert_eq!(refusal(login(with_code(&totp_code(2))).await), Code::AuthNotAllowed);
    login(with_code(&totp_code(0))).await.unwrap();
    assert_eq!(refusal(login(with_code(&totp_code(0))).await), Code::AuthNotAllowed);
    // An earlier step than the one used is refused too, unless it turns out that the clock was ahead.
    assert_eq!(refusal(login(with_code(&totp_code(-1))).await), Code::AuthNotAllowed);
    world.clock.advance_seconds(-3600);
    login(with_code(&totp_code(-120))).await.unwrap();
    assert_eq!(refusal(login(with_code(&totp_code(-120))).await), Code::AuthNotAllowed);
    world.clock.set_forward_seconds(3600);
    assert_eq!(refusal(login(with_code(&totp_code(0))).await), Code::AuthNotAllowed);
    login(with_code(&totp_code(1))).await.unwrap();

    let silent = world.reopened(json!({"login.inform_if_totp_missing": false})).await;
    let missing = silent.login(&ctx(), credentials("totp1", PASSWORD)).await;
    assert_eq!(refusal(missing), Code::AuthNotAllowed);
}

async fn one_of_many_parallel_uses_of_a_totp_code_succeeds(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let code = totp_code(0);
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (sso, request) = (world.sso.clone(), with_code(&code));
            tokio::spawn(async move { sso.login(&ctx(), request).await.is_ok() })
        })
        .collect();
    let mut successes = 0;
    for outcome in tries {
        successes += usize::from(outcome.await.unwrap());
    }
    assert_eq!(successes, 1);
}

async fn an_expired_password_is_refused_until_a_new_one_comes_along(kind: Kind) {
    let world = World::with(kind, json!({"password.expiry": 730})).await;
    world.user("user1").await;
    let session = world.login("user1").await;
    world.clock.advance_seconds(731 * 86_400);
    let request = credentials("user1", PASSWORD);
    assert_eq!(refusal(world.sso.login(&ctx(), request.clone()).await), Code::AuthNotAllowed);
    let telling = world.reopened(json!({"password.inform_if_expired": true})).await;
    assert_eq!(refusal(telling.login(&ctx(), request.clone()).await), Code::PasswordExpired);
    assert_eq!(refusal(world.sso.renew_session(&ctx(), &session.ust, None).await), Code::SessionExpired);

    let with_new = |new: &str| LoginRequest { new_password: Some(Password::from(new)), ..request.clone() };
    assert_eq!(refusal(world.sso.login(&ctx(), with_new("short")).await), Code::PasswordTooShort);
    assert_eq!(refusal(world.sso.login(&ctx(), with_new(PASSWORD)).await), Code::PasswordInvalid);
    let info = world.sso.login(&ctx(), with_new("a new and different one")).await.unwrap();
    assert!(!info.has_w_about_to_exp);
    assert_eq!(refusal(world.sso.login(&ctx(), request).await), Code::AuthNotAllowed);
    world.sso.login(&ctx(), credentials("user1", "a new and different one")).await.unwrap();
}

async fn a_password_about_to_expire_is_a_warning_or_a_refusal(kind: Kind) {
    let world = World::with(kind, json!({"password.expiry": 730})).await;
    world.user("user1").await;
    let request = credentials("user1", PASSWORD);
    world.clock.advance_seconds(699 * 86_400);
    assert!(!world.sso.login(&ctx(), request.clone()).await.unwrap().has_w_about_to_exp);
    world.clock.advance_seconds(2 * 86_400);
    assert!(world.sso.login(&ctx(), request.clone()).await.unwrap().has_w_about_to_exp);
    let quiet = world.reopened(json!({"password.inform_if_about_to_expire": false})).await;
    assert!(!quiet.login(&ctx(), request.clone()).await.unwrap().has_w_about_to_exp);
    let strict = world.reopened(json!({"password.log_in_if_about_to_expire": false})).await;
    assert_eq!(refusal(strict.login(&ctx(), request.clone()).await), Code::PasswordAboutToExpire);
    let with_new = LoginRequest { new_password: Some(Password::from("a new and different one")), ..request };
    assert!(!strict.login(&ctx(), with_new).await.unwrap().has_w_about_to_exp);
}

async fn a_password_that_must_be_changed_is_changed_by_a_valid_new_one(kind: Kind) {
    let world = World::new(kind).await;
    let new = NewUser { password_must_change: Some(true), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let request = credentials("user1", PASSWORD);
    assert_eq!(refusal(world.sso.login(&ctx(), request.clone()).await), Code::PasswordMustSendNew);
    let quiet = world.reopened(json!({"password.inform_if_must_be_changed": false})).await;
    assert_eq!(refusal(quiet.login(&ctx(), request.clone()).await), Code::AuthNotAllowed);
    let blank = LoginRequest { new_password: Some(Password::from("")), ..request.clone() };
    assert_eq!(refusal(world.sso.login(&ctx(), blank).await), Code::PasswordMustSendNew);

    let common = LoginRequest { new_password: Some(Password::from("Password1!")), ..request.clone() };
    assert_eq!(refusal(world.sso.login(&ctx(), common.clone()).await), Code::PasswordInvalid);
    let silent = world.reopened(json!({"password.inform_if_invalid": false})).await;
    assert_eq!(refusal(silent.login(&ctx(), common).await), Code::AuthNotAllowed);

    let fine = LoginRequest { new_password: Some(Password::from("a new and different one")), ..request };
    world.sso.login(&ctx(), fine).await.unwrap();
    world.sso.login(&ctx(), credentials("user1", "a new and different one")).await.unwrap();
}

async fn login_metadata_needs_permission(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let with_address =
        LoginRequest { sent_remote_addr: Some("192.0.2.7".into()), ..credentials("user1", PASSWORD) };
    let with_agent = LoginRequest { has_user_agent: true, ..credentials("user1", PASSWORD) };
    for request in [with_address, with_agent] {
        let refused = world.sso.login(&ctx(), request.clone()).await;
        assert_eq!(refusal(refused), Code::MetadataNotAllowed);
        world.sso.login(&ctx_of("Metadata", "10.0.0.1"), request).await.unwrap();
    }
}

async fn an_outdated_hash_is_replaced_at_login(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let stronger = world
        .reopened(json!({"hash_secret": {"memory_kib": 128, "iterations": 2, "parallelism": 1, "allow_weak": true}}))
        .await;
    let before = crate::support::stored_hash(&world, "user1").await;
    assert!(before.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{before}");
    stronger.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
    let after = crate::support::stored_hash(&world, "user1").await;
    assert!(after.starts_with("$argon2id$v=19$m=128,t=2,p=1$"), "{after}");
    // Weaker parameters than those of the stored hash do not weaken it.
    world.login("user1").await;
    assert_eq!(crate::support::stored_hash(&world, "user1").await, after);
}

async fn a_hash_of_another_system_is_verified_and_replaced_at_login(kind: Kind) {
    let world = World::new(kind).await;
    for (username, password, hash) in [
        // As Zato 3.3 makes them.
        (
            "zato",
            "sofketat-pznqoxiz-9X",
            "$pbkdf2-sha512$120000$tVZK6T2HEAKA0Lo3xnjP.V/rnVPK.X/PWUtpDaHUmrNW6p3TOsd4T0kpRWiN8X4PQSgF4HyPca41ZmytNUaIEQ$pmGLDxGKh3uh/x59rqFuHVHJnlSP9sFced357fTOmXZ3AhFAmu6wZwtCQdc6rKygVp9aQNv92IkvJkaRlJ4N1g",
        ),
        (
            "django",
            "l\u{e8}tmein",
            "pbkdf2_sha256$30000$seasalt$VrX+V8drCGo68wlvy6rfu8i1d1pfkdeXA4LJkRGJodY=",
        ),
        (
            "scrypt",
            "l\u{e8}tmein",
            "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
        ),
        ("bcrypt", "U*U*U", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        (
            "argon2d",
            "password",
            "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8",
        ),
    ] {
        world.user(username).await;
        store_hash(&world, username, hash).await;
        for wrong in ["wrong", "", hash, PASSWORD] {
            let refused = world.sso.login(&ctx(), credentials(username, wrong)).await;
            assert_eq!(refusal(refused), Code::AuthNotAllowed, "{username} {wrong}");
        }
        assert_eq!(stored_hash(&world, username).await, hash);
        world.sso.login(&ctx(), credentials(username, password)).await.unwrap();
        let replaced = stored_hash(&world, username).await;
        assert!(replaced.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{username}: {replaced}");
        world.sso.login(&ctx(), credentials(username, password)).await.unwrap();
        assert_eq!(stored_hash(&world, username).await, replaced, "{username}");
    }
}

async fn a_hash_that_nobody_understands_is_no_wrong_password(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    for hash in [
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ",
        "$2b$31$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
        "$scrypt$ln=30,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    ] {
        store_hash(&world, "user1", hash).await;
        let error = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap_err();
        assert!(matches!(error, Error::Internal(_)), "{hash} {error}");
        assert!(!error.to_string().contains(&hash[5..]), "{error}");
        assert_eq!(stored_hash(&world, "user1").await, hash);
    }
}

async fn a_trusted_login_needs_no_password_but_good_standing(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let user = world.user("user1").await;
    let trusted = |username: &str| LoginRequest {
        username: username.to_owned(),
        skip_sec: true,
        ..LoginRequest::default()
    };
    world.sso.login(&ctx(), trusted("totp1")).await.unwrap();
    world.sso.login(&ctx(), trusted("user1")).await.unwrap();
    assert_eq!(refusal(world.sso.login(&ctx(), trusted("nobody")).await), Code::AuthNotAllowed);
    world.sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(world.sso.login(&ctx(), trusted("user1")).await), Code::AuthLocked);
}

async fn logout_ends_the_session_whatever_the_state_of_its_user(kind: Kind) {
    let world = World::with(kind, json!({"session.end_on_lock": false})).await;
    let user = world.user("user1").await;
    let (first, second) = (world.login("user1").await, world.login("user1").await);
    world.sso.logout(&ctx(), &first.ust).await.unwrap();
    assert_eq!(refusal(world.sso.logout(&ctx(), &first.ust).await), Code::AuthNotAllowed);
    let gone = world.sso.get_current_user(&ctx(), &first.ust, false).await;
    assert_eq!(refusal(gone), Code::SessionNoSuchSession);
    world.sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await.unwrap();
    world.sso.logout(&ctx(), &second.ust).await.unwrap();
}

async fn what_no_username_can_look_like_is_refused_like_any_other(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["\0", "user\0one", &"x".repeat(1_000_000), "\u{10ffff}", "'; DROP TABLE sso_user; --"] {
        let outcome = world.sso.login(&ctx(), credentials(username, PASSWORD)).await;
        assert_eq!(refusal(outcome), Code::AuthNotAllowed);
    }
}
