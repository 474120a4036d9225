//! The login throttle and rate limits: clock-driven, in the database, shared by all who have it open.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;
use zato_sso::domain::Code::{AuthNotAllowed, AuthRateLimited};
use zato_sso::domain::{Code, Edit, Error, NewUser, Password, SecType, UserUpdate};
use zato_sso::ops::{Actor, ChangePassword, HookFuture, Hooks, Sso, TotpOwner};

use crate::linked_auth::{basic, bearer, define, enter, jwt, linked, token_of};
use crate::login::{totp_code, totp_user, with_code};
use crate::support::{Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, new_user, refusal};

on_both_databases! {
    from_the_fifth_failure_a_delay_doubles_and_a_success_ends_it;
    unknown_names_are_throttled_like_known_ones;
    the_throttle_is_shared_and_survives_its_process;
    many_wrong_passwords_at_once_are_no_more_than_after_each_other;
    a_delay_that_begins_meanwhile_holds_for_a_right_password;
    an_address_has_a_longer_patience;
    wrong_codes_count_missing_and_used_ones_do_not;
    secrets_of_definitions_are_guessed_no_faster_than_passwords;
    what_was_not_guessed_delays_no_definition;
    a_super_user_ends_the_delay;
    an_old_password_is_guessed_no_faster_than_a_login;
    a_throttle_that_is_off_counts_nothing;
    requests_are_counted_by_user_rule_and_window;
    an_address_without_a_rule_is_not_allowed;
    a_definition_is_checked_where_it_is_given;
    asking_about_a_session_is_no_request_of_its_user;
}

fn retry_after<T: std::fmt::Debug>(outcome: Result<T, Error>) -> u64 {
    match outcome {
        Err(Error::RateLimited { retry_after }) => retry_after.as_secs(),
        other => panic!("expected E005009, not {other:?}"),
    }
}

async fn fail(world: &World, username: &str) -> Result<(), Error> {
    world.sso.login(&ctx(), credentials(username, "wrong")).await.map(drop)
}

async fn failures(world: &World) -> usize {
    any_rows(world, "SELECT subject FROM sso_throttle").await.len()
}

async fn from_the_fifth_failure_a_delay_doubles_and_a_success_ends_it(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    for _ in 0..5 {
        assert_eq!(refusal(fail(&world, "user1").await), Code::AuthNotAllowed);
    }
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        // Neither a wrong password nor the right one is looked at, and trying does not prolong it.
        assert_eq!(retry_after(fail(&world, "user1").await), delay);
        assert_eq!(retry_after(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await), delay);
        world.clock.advance_seconds(delay as i64);
        assert_eq!(refusal(fail(&world, "user1").await), Code::AuthNotAllowed, "after {delay} s");
    }
    world.clock.advance_seconds(900);
    world.login("user1").await;
    // Those from the address are there yet, and too few to count.
    assert_eq!(any_rows(&world, "SELECT kind FROM sso_throttle").await, [b"login_address".to_vec()]);
    for _ in 0..5 {
        assert_eq!(refusal(fail(&world, "user1").await), Code::AuthNotAllowed);
    }
    assert_eq!(retry_after(fail(&world, "user1").await), 1);
}

async fn unknown_names_are_throttled_like_known_ones(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let mut seen = Vec::new();
    for username in ["user1", "nobody", "\0"] {
        let mut codes = Vec::new();
        for _ in 0..7 {
            codes.push(refusal(fail(&world, username).await));
        }
        seen.push(codes);
    }
    assert_eq!(seen[0][4..], [Code::AuthNotAllowed, Code::AuthRateLimited, Code::AuthRateLimited]);
    assert!(seen.iter().all(|codes| *codes == seen[0]));
    assert!(!crate::support::dump(&world).await.contains("nobody"), "names are kept as keyed digests");
}

async fn the_throttle_is_shared_and_survives_its_process(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let other = world.reopened(json!({})).await;
    for number in 0..5 {
        let sso = if number % 2 == 0 { &world.sso } else { &other };
        let failed = sso.login(&ctx(), credentials("user1", "wrong")).await;
        assert_eq!(refusal(failed), Code::AuthNotAllowed);
    }
    assert_eq!(retry_after(other.login(&ctx(), credentials("user1", PASSWORD)).await), 1);
    let third = world.reopened(json!({})).await;
    assert_eq!(retry_after(third.login(&ctx(), credentials("user1", PASSWORD)).await), 1);
}

async fn many_wrong_passwords_at_once_are_no_more_than_after_each_other(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let sso = world.sso.clone();
            tokio::spawn(async move { refusal(sso.login(&ctx(), credentials("user1", "wrong")).await) })
        })
        .collect();
    let mut told = 0;
    for code in tries {
        told += usize::from(code.await.unwrap() == Code::AuthNotAllowed);
    }
    assert_eq!(told, 5, "only so many are told whether the password was right");
}

/// Has others fail while a login is under way, once it is known that its password is right.
#[derive(Debug, Default)]
struct FailingMeanwhile(OnceLock<Sso>);

impl Hooks for FailingMeanwhile {
    fn session_expiry(&self, _: &str, _: &str, default_expiry: u32) -> Option<HookFuture<i64>> {
        let sso = self.0.get()?.clone();
        Some(Box::pin(async move {
            for _ in 0..5 {
                let failed = sso.login(&ctx(), credentials("user1", "wrong")).await;
                assert_eq!(refusal(failed), Code::AuthNotAllowed);
            }
            Ok(i64::from(default_expiry))
        }))
    }
}

async fn a_delay_that_begins_meanwhile_holds_for_a_right_password(kind: Kind) {
    let hooks = Arc::new(FailingMeanwhile::default());
    let world = World::with_hooks(kind, json!({}), hooks.clone()).await;
    world.user("user1").await;
    hooks.0.set(world.sso.clone()).unwrap();
    assert_eq!(retry_after(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await), 1);
    assert_eq!(any_rows(&world, "SELECT session_id FROM sso_session").await.len(), 0);
}

async fn an_address_has_a_longer_patience(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 12})).await;
    world.user("user1").await;
    let from = |address: &'static str, username: String| {
        let sso = world.sso.clone();
        async move { sso.login(&ctx_of("CRM", address), credentials(&username, "wrong")).await }
    };
    for number in 0..12 {
        let failed = from("2001:db8::1", format!("user-{number}")).await;
        assert_eq!(refusal(failed), Code::AuthNotAllowed);
    }
    // The whole network has to wait, whoever it is; nobody else does.
    assert_eq!(retry_after(from("2001:db8::2", "user-x".to_owned()).await), 1);
    assert_eq!(refusal(from("10.0.0.1", "user-x".to_owned()).await), Code::AuthNotAllowed);
    assert_eq!(refusal(from("", "user-y".to_owned()).await), Code::AuthNotAllowed);
    world.clock.advance_seconds(1);
    world.sso.login(&ctx_of("CRM", "2001:db8::3"), credentials("user1", PASSWORD)).await.unwrap();
    assert_eq!(refusal(from("2001:db8::1", "user-x".to_owned()).await), Code::AuthNotAllowed);
    // The success has cleared nothing.
    assert_eq!(retry_after(from("2001:db8::1", "user-x".to_owned()).await), 2);
}

async fn wrong_codes_count_missing_and_used_ones_do_not(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap();
    for _ in 0..6 {
        let missing = world.sso.login(&ctx(), credentials("totp1", PASSWORD)).await;
        assert_eq!(refusal(missing), Code::AuthTotpMissing);
        let used = world.sso.login(&ctx(), with_code(&totp_code(0))).await;
        assert_eq!(refusal(used), Code::AuthNotAllowed);
    }
    for _ in 0..5 {
        assert_eq!(refusal(world.sso.login(&ctx(), with_code("000000")).await), Code::AuthNotAllowed);
    }
    assert_eq!(retry_after(world.sso.login(&ctx(), with_code(&totp_code(1))).await), 1);

    // Outside of logins the same holds, with a count of its own.
    let owner = TotpOwner::Username("totp1".to_owned());
    let validate =
        async |code: &str| world.sso.validate_totp_code(&ctx(), &owner, &Password::from(code)).await;
    for _ in 0..5 {
        assert!(!validate("000000").await.unwrap());
    }
    assert_eq!(retry_after(validate(&totp_code(1)).await), 1);
    world.clock.advance_seconds(1);
    assert!(validate(&totp_code(1)).await.unwrap());
    assert!(!validate("000000").await.unwrap());
    assert!(!validate("000000").await.unwrap());
}

async fn secrets_of_definitions_are_guessed_no_faster_than_passwords(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 30})).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let other_key = "k".repeat(32);
    let signed = |username: &str| bearer(&token_of(username, &other_key, 1));
    let mut seen = Vec::new();
    for wrong in [
        basic("basic-client", "wrong"),
        basic("nobody", "wrong"),
        // Another kind is another definition.
        basic("jwt-client", "wrong"),
        signed("jwt-client"),
        signed("nobody"),
        // And a user is neither.
        basic("user1", "wrong"),
    ] {
        let mut told = Vec::new();
        for _ in 0..5 {
            told.push(refusal(enter(&world, &wrong).await));
        }
        told.extend([refusal(enter(&world, &wrong).await); 2]);
        seen.push(told);
    }
    assert_eq!(seen[0][3..], [AuthNotAllowed, AuthNotAllowed, AuthRateLimited, AuthRateLimited]);
    assert!(seen.iter().all(|told| *told == seen[0]), "{seen:?}");
    // That was 30 from this address, which now waits itself, for users as well.
    assert_eq!(retry_after(fail(&world, "user2").await), 1);

    world.clock.advance_seconds(1);
    let elsewhere = ctx_of("CRM", "10.9.9.9");
    let right = [basic("basic-client", &secret), bearer(&token_of("jwt-client", &key, 1))];
    for (right, wrong) in right.iter().zip([basic("basic-client", "wrong"), signed("jwt-client")]) {
        let from_elsewhere = async |credential| {
            world
                .sso
                .authenticate_request(&elsewhere, credential, None, None)
                .await
                .map(|auth| auth.session.ust)
        };
        assert_eq!(refusal(from_elsewhere(&wrong).await), AuthNotAllowed);
        assert_eq!(retry_after(from_elsewhere(&wrong).await), 2);
        // The right one was not guessed, and does not wait. Nor does it help who guesses.
        from_elsewhere(right).await.unwrap();
        from_elsewhere(right).await.unwrap();
        assert_eq!(retry_after(from_elsewhere(&wrong).await), 2);
    }
    world.login("user1").await;
    let dump = crate::support::dump(&world).await;
    assert!(!dump.contains("nobody"), "names are kept as keyed digests");
}

async fn what_was_not_guessed_delays_no_definition(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let free = define(&world.sso, SecType::BasicAuth, "free", None).await.secret.unwrap();
    let expired = bearer(&jwt(&json!({"sub": "jwt-client", "exp": 1}), &key));
    for _ in 0..7 {
        assert_eq!(refusal(enter(&world, &expired).await), AuthNotAllowed);
        // Nobody has linked it yet.
        assert_eq!(refusal(enter(&world, &basic("free-client", free.expose())).await), AuthNotAllowed);
        assert_eq!(refusal(enter(&world, &bearer("a.b.c")).await), AuthNotAllowed);
    }
    assert_eq!(failures(&world).await, 0);
    enter(&world, &bearer(&token_of("jwt-client", &key, 1))).await.unwrap();
}

async fn a_super_user_ends_the_delay(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.super_user("root1").await;
    let root = world.login("root1").await;
    for _ in 0..5 {
        drop(fail(&world, "user1").await);
    }
    assert_eq!(retry_after(fail(&world, "user1").await), 1);
    world.sso.unlock_user(&ctx(), &root.ust, user.user_id.as_str()).await.unwrap();
    world.login("user1").await;
}

async fn an_old_password_is_guessed_no_faster_than_a_login(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    let change = |old: &str| ChangePassword {
        old_password: Some(Password::from(old)),
        new_password: Password::from("a new and different one"),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    for _ in 0..5 {
        let wrong = world.sso.change_password(&ctx(), &info.ust, change("wrong")).await;
        assert_eq!(refusal(wrong), Code::AuthNotAllowed);
    }
    assert_eq!(retry_after(world.sso.change_password(&ctx(), &info.ust, change(PASSWORD)).await), 1);
    assert_eq!(retry_after(fail(&world, "user1").await), 1);
    world.clock.advance_seconds(1);
    world.sso.change_password(&ctx(), &info.ust, change(PASSWORD)).await.unwrap();
}

async fn a_throttle_that_is_off_counts_nothing(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.enabled": false})).await;
    world.user("user1").await;
    for _ in 0..10 {
        assert_eq!(refusal(fail(&world, "user1").await), Code::AuthNotAllowed);
    }
    assert_eq!(failures(&world).await, 0);
    world.login("user1").await;
}

fn limited(username: &str, definition: &str) -> NewUser {
    NewUser {
        is_rate_limit_active: Some(true),
        rate_limit_def: Some(definition.to_owned()),
        ..new_user(username)
    }
}

async fn requests_are_counted_by_user_rule_and_window(kind: Kind) {
    let world = World::new(kind).await;
    let rules = "10.0.0.1=3/m\n10.0.0.2=*\n*=1/d";
    for username in ["user1", "user2"] {
        let new = limited(username, rules);
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
    let info = world.login("user1").await;
    let ask =
        async |address: &str| world.sso.get_current_user(&ctx_of("CRM", address), &info.ust, false).await;
    ask("10.0.0.1").await.unwrap();
    ask("10.0.0.1").await.unwrap();
    world.clock.advance_seconds(20);
    assert_eq!(retry_after(ask("10.0.0.1").await), 40);
    let login = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(retry_after(login), 40);
    // Another process counts along; another user has another count, another rule too.
    let other = world.reopened(json!({})).await;
    assert_eq!(retry_after(other.get_current_user(&ctx(), &info.ust, false).await), 40);
    world.login("user2").await;
    for _ in 0..5 {
        ask("10.0.0.2").await.unwrap();
    }
    ask("192.168.0.1").await.unwrap();
    assert_eq!(retry_after(ask("").await), 12 * 3_600 - 20, "a call without an address falls under * alone");
    world.clock.advance_seconds(40);
    for _ in 0..3 {
        ask("10.0.0.1").await.unwrap();
    }
    assert_eq!(retry_after(ask("10.0.0.1").await), 60);
    // Nobody else's failures use it up, and logging out is always possible.
    for _ in 0..3 {
        assert_eq!(refusal(fail(&world, "user2").await), Code::AuthNotAllowed);
    }
    world.login("user2").await;
    world.sso.logout(&ctx(), &info.ust).await.unwrap();
}

async fn an_address_without_a_rule_is_not_allowed(kind: Kind) {
    let world = World::new(kind).await;
    let new = limited("user1", "10.0.0.0/8=100/h");
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let info = world.login("user1").await;
    for address in ["11.0.0.1", "10.0.0.1, 11.0.0.1", "localhost", ""] {
        let elsewhere = world.sso.get_current_user(&ctx_of("CRM", address), &info.ust, false).await;
        assert_eq!(refusal(elsewhere), Code::AuthNotAllowed, "{address}");
    }
    world.sso.get_current_user(&ctx_of("CRM", "10.9.9.9, 10.0.0.1"), &info.ust, false).await.unwrap();
}

async fn a_definition_is_checked_where_it_is_given(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await;
    let detail = |outcome: Result<(), Error>| match outcome {
        Err(Error::Refused { code: Code::CommonInvalidInput, detail }) => {
            detail.unwrap_or_default().into_owned()
        }
        other => panic!("expected E008002, not {other:?}"),
    };
    let create =
        async |new: NewUser| world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.map(drop);
    let update = async |update: UserUpdate| {
        world.sso.update_user_by_id(&ctx(), &root.ust, user.user_id.as_str(), update).await
    };
    let wrong = "*=1/d\n*=1/week";
    assert!(detail(create(limited("user2", wrong)).await).starts_with("rate_limit_def: line 2: "));
    assert!(detail(create(limited("user2", " \n")).await).contains("needed with is_rate_limit_active"));
    let inactive = NewUser { is_rate_limit_active: None, ..limited("user2", wrong) };
    assert!(detail(create(inactive).await).starts_with("rate_limit_def: line 2: "));
    let active = || UserUpdate { is_rate_limit_active: Edit::Set(true), ..UserUpdate::default() };
    let rules =
        |rules: &str| UserUpdate { rate_limit_def: Edit::Set(rules.to_owned()), ..UserUpdate::default() };
    assert!(detail(update(active()).await).contains("needed with is_rate_limit_active"));
    assert!(detail(update(rules(wrong)).await).starts_with("rate_limit_def: line 2: "));
    update(rules("*=1/d")).await.unwrap();
    update(active()).await.unwrap();
    assert!(detail(update(rules("")).await).contains("needed with is_rate_limit_active"));
    world.login("user1").await;
    let second = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(second), Code::AuthRateLimited);
    // A rule that is changed starts anew.
    update(rules("*=2/d")).await.unwrap();
    world.login("user1").await;
    update(UserUpdate { is_rate_limit_active: Edit::Set(false), ..UserUpdate::default() }).await.unwrap();
    world.login("user1").await;
}

async fn asking_about_a_session_is_no_request_of_its_user(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let new = limited("user1", "*=2/d");
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let (root, info) = (world.login("root1").await, world.login("user1").await);
    for _ in 0..5 {
        assert!(world.sso.verify_session(&ctx(), &root.ust, &info.ust).await.unwrap());
        world.sso.get_session(&ctx(), &root.ust, Some(&info.ust), true).await.unwrap();
    }
    world.sso.get_current_user(&ctx(), &info.ust, false).await.unwrap();
    let over = world.sso.get_current_user(&ctx(), &info.ust, false).await;
    assert!(
        matches!(over, Err(Error::RateLimited { retry_after }) if retry_after <= Duration::from_secs(86_400))
    );
    assert!(world.sso.verify_session(&ctx(), &root.ust, &info.ust).await.unwrap());
}
