//! Recovery codes, and TOTP switched on and off by its user.

use serde_json::json;
use zato_sso::domain::{Code, Edit, NewUser, Password, Ust, WRONG_TOTP_CODE};
use zato_sso::ops::{Actor, LoginRequest, ResetTotpKey, Sso, TotpDisabler};

use crate::command::Folder;
use crate::login::{TOTP_KEY, code_of, totp_code, totp_user, with_code};
use crate::support::{Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, dump, new_user, refusal};

on_both_databases! {
    a_recovery_code_takes_the_place_of_a_totp_code_once;
    of_fifty_tries_at_once_one_gets_in;
    generating_ends_the_codes_that_there_were;
    guesses_are_throttled_like_passwords;
    codes_are_ones_own_or_for_super_users_anybodys;
    a_key_takes_effect_when_a_code_of_it_is_shown;
    a_key_waits_for_half_an_hour_and_one_at_a_time;
    a_guess_at_the_code_of_a_new_key_is_throttled;
    totp_is_switched_off_by_a_password_or_a_code;
    users_are_told_of_what_changes_and_of_codes_that_are_used;
    the_command_makes_codes;
}

/// A login of `totp1` with a code.
fn login_with(code: &str) -> LoginRequest {
    with_code(code)
}

async fn codes_of(sso: &Sso, ust: &Ust) -> Vec<String> {
    let codes = sso.generate_recovery_codes(&ctx(), ust, None).await.unwrap();
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// A user with TOTP who is logged in, and their codes.
async fn stage(kind: Kind) -> (World, Ust, Vec<String>) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let ust = world.sso.login(&ctx(), login_with(&totp_code(0))).await.unwrap().ust;
    let codes = codes_of(&world.sso, &ust).await;
    (world, ust, codes)
}

async fn a_recovery_code_takes_the_place_of_a_totp_code_once(kind: Kind) {
    let (world, ust, codes) = stage(kind).await;
    assert_eq!(codes.len(), 10);
    let left = async || world.sso.count_recovery_codes(&ctx(), &ust, None).await.unwrap();
    assert_eq!(left().await, 10);
    let login = async |code: &str| world.sso.login(&ctx(), login_with(code)).await;
    login(&codes[0]).await.unwrap();
    assert_eq!(refusal(login(&codes[0]).await), Code::AuthNotAllowed);
    // In any case, with or without hyphens.
    login(&codes[1].to_lowercase().replace('-', "")).await.unwrap();
    login(&format!(" {} ", codes[2].replace('-', " "))).await.unwrap();
    assert_eq!(left().await, 7);
    assert_eq!(refusal(login("0000-0000-0000-0000").await), Code::AuthNotAllowed);
    // It is no password, and nothing for `validate_code`.
    let wrong = LoginRequest { password: Some(Password::from("wrong")), ..login_with(&codes[3]) };
    assert_eq!(refusal(world.sso.login(&ctx(), wrong).await), Code::AuthNotAllowed);
    assert_eq!(left().await, 7);
    let (password, code) = (Password::from(PASSWORD), Some(Password::from(codes[3].as_str())));
    world.sso.reauthenticate(&ctx(), &ust, password, code).await.unwrap();
    assert_eq!(left().await, 6);

    let audit =
        any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'user.login' AND result = 'ok'").await;
    let used = |extra: &&Vec<u8>| String::from_utf8_lossy(extra).contains("\"recovery_code\":\"used\"");
    assert_eq!(audit.iter().filter(used).count(), 3);
    // Neither the codes nor digests that anybody could try.
    let all = dump(&world).await;
    assert!(!codes.iter().any(|code| all.contains(code.as_str()) || all.contains(&code.replace('-', ""))));
}

async fn of_fifty_tries_at_once_one_gets_in(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.enabled": false})).await;
    totp_user(&world).await;
    let ust = world.sso.login(&ctx(), login_with(&totp_code(0))).await.unwrap().ust;
    let code = codes_of(&world.sso, &ust).await.remove(0);
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (sso, request) = (world.sso.clone(), login_with(&code));
            tokio::spawn(async move { sso.login(&ctx(), request).await.is_ok() })
        })
        .collect();
    let mut successes = 0;
    for attempt in tries {
        successes += usize::from(attempt.await.unwrap());
    }
    assert_eq!(successes, 1);
    assert_eq!(world.sso.count_recovery_codes(&ctx(), &ust, None).await.unwrap(), 9);
}

async fn generating_ends_the_codes_that_there_were(kind: Kind) {
    let (world, ust, former) = stage(kind).await;
    world.sso.login(&ctx(), login_with(&former[0])).await.unwrap();
    let new = codes_of(&world.sso, &ust).await;
    assert_eq!(world.sso.count_recovery_codes(&ctx(), &ust, None).await.unwrap(), 10);
    assert_eq!(refusal(world.sso.login(&ctx(), login_with(&former[1])).await), Code::AuthNotAllowed);
    world.sso.login(&ctx(), login_with(&new[1])).await.unwrap();
    // In one transaction: whoever generates at the same time leaves ten, of one of them.
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (sso, ust) = (world.sso.clone(), ust.clone());
            tokio::spawn(async move { codes_of(&sso, &ust).await })
        })
        .collect();
    for attempt in tries {
        attempt.await.unwrap();
    }
    assert_eq!(world.sso.count_recovery_codes(&ctx(), &ust, None).await.unwrap(), 10);

    world.clock.advance_seconds(10 * 60);
    let stale = world.sso.generate_recovery_codes(&ctx(), &ust, None).await;
    assert_eq!(refusal(stale), Code::AuthFreshLoginNeeded);
}

async fn guesses_are_throttled_like_passwords(kind: Kind) {
    let (world, _, codes) = stage(kind).await;
    let (mut looked_at, mut delayed) = (0, 0);
    // From elsewhere: where the user is known, the delay is another one.
    let from = ctx_of("CRM", "10.9.9.9");
    for guess in 0..10_000_u32 {
        let code = format!("{guess:016}");
        match refusal(world.sso.login(&from, login_with(&code)).await) {
            Code::AuthNotAllowed => looked_at += 1,
            Code::AuthRateLimited => delayed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at + delayed, 10_000);
    assert!(looked_at <= 10, "{looked_at} guesses were looked at");
    // Then the right one is none either; for the user, from where they are known, it is.
    let right = world.sso.login(&from, login_with(&codes[0])).await;
    assert_eq!(refusal(right), Code::AuthRateLimited);
    world.sso.login(&ctx(), login_with(&codes[0])).await.unwrap();
}

async fn codes_are_ones_own_or_for_super_users_anybodys(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let (one, two) = (world.user("user1").await, world.user("user2").await);
    let (root, ust) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let generate =
        async |ust: &Ust, whose: &str| world.sso.generate_recovery_codes(&ctx(), ust, Some(whose)).await;
    let count = async |ust: &Ust, whose: &str| world.sso.count_recovery_codes(&ctx(), ust, Some(whose)).await;
    assert_eq!(generate(&ust, one.user_id.as_str()).await.unwrap().len(), 10);
    assert_eq!(generate(&root, two.user_id.as_str()).await.unwrap().len(), 10);
    assert_eq!(count(&root, one.user_id.as_str()).await.unwrap(), 10);
    assert_eq!(refusal(generate(&ust, two.user_id.as_str()).await), Code::AuthNotAllowed);
    assert_eq!(refusal(count(&ust, two.user_id.as_str()).await), Code::AuthNotAllowed);
    assert_eq!(refusal(generate(&root, "zusrnone").await), Code::UserIdInvalid);
    assert_eq!(refusal(count(&root, "zusrnone").await), Code::UserIdInvalid);
    // What is asked about oneself is no disclosure.
    count(&ust, one.user_id.as_str()).await.unwrap();
    let told =
        any_rows(&world, "SELECT op FROM sso_audit WHERE op = 'recovery_code.count' AND result = 'ok'").await;
    assert_eq!(told.len(), 1);
}

async fn a_key_takes_effect_when_a_code_of_it_is_shown(kind: Kind) {
    let world = World::with(kind, json!({"main.site_name": "Example"})).await;
    world.user("user1").await;
    let (ust, other) = (world.login("user1").await.ust, world.login("user1").await.ust);
    let begun = world.sso.begin_totp_enrolment(&ctx(), &ust).await.unwrap();
    let key = begun.key.expose().to_owned();
    assert_eq!(begun.uri.expose(), format!("otpauth://totp/Example:user1?secret={key}&issuer=Example"));
    // Nothing has changed yet.
    world.login("user1").await;
    let finish =
        async |code: String| world.sso.finish_totp_enrolment(&ctx(), &ust, Password::from(code)).await;
    let wrong = finish("000000".to_owned()).await.unwrap_err();
    assert!(wrong.to_string().contains(WRONG_TOTP_CODE), "{wrong}");
    let codes = finish(code_of(&key, 0)).await.unwrap();
    assert_eq!(codes.len(), 10);

    let login = async |code: Option<&str>| {
        let totp_code = code.map(Password::from);
        world.sso.login(&ctx(), LoginRequest { totp_code, ..credentials("user1", PASSWORD) }).await
    };
    assert_eq!(refusal(login(None).await), Code::AuthTotpMissing);
    assert_eq!(refusal(login(Some(&code_of(&key, 0))).await), Code::AuthNotAllowed, "used by the enrolment");
    login(Some(&code_of(&key, 1))).await.unwrap();
    login(Some(codes[0].expose())).await.unwrap();
    // The other sessions have ended; this one goes on.
    let gone = world.sso.get_current_user(&ctx(), &other, false).await;
    assert_eq!(refusal(gone), Code::SessionNoSuchSession);
    assert!(world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.is_totp_enabled);
    // It took effect once.
    assert_eq!(refusal(finish(code_of(&key, 1)).await), Code::CommonInvalidOperation);
    assert!(!dump(&world).await.contains(&key));
}

async fn a_key_waits_for_half_an_hour_and_one_at_a_time(kind: Kind) {
    let world = World::with(kind, json!({"login.fresh_for": 0})).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let begin = async || world.sso.begin_totp_enrolment(&ctx(), &ust).await.unwrap().key.expose().to_owned();
    let finish = async |key: &str, step: i64| {
        world.sso.finish_totp_enrolment(&ctx(), &ust, Password::from(code_of(key, step))).await
    };
    let first = begin().await;
    let second = begin().await;
    assert_ne!(first, second);
    assert_eq!(refusal(finish(&first, 0).await), Code::AuthNotAllowed);
    world.clock.advance_seconds(30 * 60);
    assert_eq!(refusal(finish(&second, 60).await), Code::CommonInvalidOperation);
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("totp_enrolments", 1)), "{cleaned:?}");
    let third = begin().await;
    finish(&third, 60).await.unwrap();

    let fresh = world.reopened(json!({})).await;
    let totp_code = Some(Password::from(code_of(&third, 61)));
    let request = LoginRequest { totp_code, ..credentials("user1", PASSWORD) };
    let ust = fresh.login(&ctx(), request).await.unwrap().ust;
    fresh.begin_totp_enrolment(&ctx(), &ust).await.unwrap();
    world.clock.advance_seconds(10 * 60);
    let stale = Code::AuthFreshLoginNeeded;
    assert_eq!(refusal(fresh.begin_totp_enrolment(&ctx(), &ust).await.map(|_| ())), stale);
    let code = Password::from("000000");
    assert_eq!(refusal(fresh.finish_totp_enrolment(&ctx(), &ust, code.clone()).await), stale);
    assert_eq!(refusal(fresh.disable_totp(&ctx(), &ust, TotpDisabler::Code(code)).await), stale);
}

async fn a_guess_at_the_code_of_a_new_key_is_throttled(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let key = world.sso.begin_totp_enrolment(&ctx(), &ust).await.unwrap().key.expose().to_owned();
    let finish = async |code: &str| world.sso.finish_totp_enrolment(&ctx(), &ust, Password::from(code)).await;
    let mut outcome = Code::AuthNotAllowed;
    for _ in 0..10 {
        outcome = refusal(finish("000000").await);
    }
    assert_eq!(outcome, Code::AuthRateLimited);
    assert_eq!(refusal(finish(&code_of(&key, 0)).await), Code::AuthRateLimited);
}

async fn totp_is_switched_off_by_a_password_or_a_code(kind: Kind) {
    let (world, ust, codes) = stage(kind).await;
    let other = world.sso.login(&ctx(), login_with(&codes[0])).await.unwrap().ust;
    let disable = async |by: TotpDisabler| world.sso.disable_totp(&ctx(), &ust, by).await;
    let by_code = |code: &str| TotpDisabler::Code(Password::from(code));
    let by_password = |password: &str| TotpDisabler::Password(Password::from(password));
    assert_eq!(refusal(disable(by_code("000000")).await), Code::AuthNotAllowed);
    assert_eq!(refusal(disable(by_password("wrong")).await), Code::AuthNotAllowed);
    let is_on = async || world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.is_totp_enabled;
    assert!(is_on().await);
    disable(by_code(&codes[1])).await.unwrap();
    assert!(!is_on().await);
    assert_eq!(world.sso.count_recovery_codes(&ctx(), &ust, None).await.unwrap(), 0);
    let gone = world.sso.get_current_user(&ctx(), &other, false).await;
    assert_eq!(refusal(gone), Code::SessionNoSuchSession);
    world.sso.login(&ctx(), credentials("totp1", PASSWORD)).await.unwrap();
    // Once more is nothing new.
    disable(by_password(PASSWORD)).await.unwrap();
    // Guesses at the password there are throttled.
    let mut outcome = Code::AuthNotAllowed;
    for _ in 0..10 {
        outcome = refusal(disable(by_password("wrong")).await);
    }
    assert_eq!(outcome, Code::AuthRateLimited);
}

async fn users_are_told_of_what_changes_and_of_codes_that_are_used(kind: Kind) {
    let more = json!({"smtp.url": "smtp://127.0.0.1:1", "email.confirm_change": false});
    let world = World::with(kind, more).await;
    let new = NewUser {
        email: Some("totp1@example.com".to_owned()),
        totp_key: Some(Password::from(TOTP_KEY)),
        is_totp_enabled: Some(true),
        ..new_user("totp1")
    };
    let user = world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let waiting = async || {
        let rows = any_rows(&world, "SELECT kind FROM sso_outbox ORDER BY kind").await;
        rows.into_iter().map(|kind| String::from_utf8(kind).unwrap()).collect::<Vec<_>>()
    };
    let ust = world.sso.login(&ctx(), login_with(&totp_code(0))).await.unwrap().ust;
    assert_eq!(waiting().await, [""; 0]);
    let codes = codes_of(&world.sso, &ust).await;
    assert_eq!(waiting().await, ["second-factor-changed"]);
    world.sso.login(&ctx(), login_with(&codes[0])).await.unwrap();
    assert_eq!(waiting().await, ["recovery-code-used", "second-factor-changed"]);
    let change = zato_sso::ops::SetPassword {
        password: Password::from("another battery staple"),
        must_change: false,
        password_expiry: None,
        details: None,
    };
    world.sso.set_password(&ctx(), user.user_id.as_str(), change).await.unwrap();
    assert_eq!(waiting().await, ["password-changed", "recovery-code-used", "second-factor-changed"]);

    crate::support::execute(&world, "DELETE FROM sso_outbox").await;
    let silent =
        world.reopened(json!({"smtp.url": "smtp://127.0.0.1:1", "email.security_notices": false})).await;
    let request = ResetTotpKey { user_id: Some(user.user_id.to_string()), key: None, label: Edit::Keep };
    silent.reset_totp_key(&ctx(), Actor::Trusted(None), request.clone()).await.unwrap();
    assert_eq!(waiting().await, [""; 0]);
    world.sso.reset_totp_key(&ctx(), Actor::Trusted(None), request).await.unwrap();
    assert_eq!(waiting().await, ["second-factor-changed"]);
}

async fn the_command_makes_codes(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let user = world.user("user1").await;
    let said = folder.run("generate-recovery-codes user1");
    assert_eq!(said.text().lines().count(), 10);
    let said = folder.run("generate-recovery-codes user1 --json").json();
    assert_eq!(said["user_id"], user.user_id.as_str());
    assert_eq!(said["recovery_codes"].as_array().unwrap().len(), 10);
    let by = Actor::Trusted(None);
    let left = world.sso.count_recovery_codes(&ctx(), by, Some(user.user_id.as_str())).await.unwrap();
    assert_eq!(left, 10);
    let refused = folder.run("generate-recovery-codes nobody");
    assert_eq!(refused.status, 1);
}
