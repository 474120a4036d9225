//! Fresh logins: what proves who somebody is changes only soon after one, and what a change of the second factor ends.

use serde_json::json;
use sqlx::{Connection, PgConnection};
use zato_sso::domain::{Code, Edit, Error, Password, SecType, UserUpdate, Ust, WRONG_TOTP_CODE};
use zato_sso::ops::{
    Actor, ChangePassword, ConsoleEntry, ConsolePart, ResetTotpKey, SecDefName, TotpDisabler,
};

use crate::authenticator::Authenticator;
use crate::linked_auth::{basic, define, linked, until_it_waits};
use crate::login::{TOTP_KEY, code_of, totp_code, totp_user, with_code};
use crate::passkey::register;
use crate::support::{Kind, PASSWORD, World, credentials, ctx, ctx_of, execute, new_user, refusal};

on_both_databases! {
    a_session_changes_what_proves_its_user_only_while_it_is_fresh;
    a_super_user_changes_what_proves_others_only_while_fresh;
    the_process_itself_needs_no_fresh_login;
    reauthenticating_makes_that_session_fresh_everywhere;
    reauthenticating_is_throttled_like_a_login;
    reauthenticating_takes_a_code_once_where_totp_is_enabled;
    a_linked_definition_is_fresh_at_each_request;
    switching_totp_on_needs_a_code_of_the_key;
    a_guess_at_the_code_is_throttled;
    a_change_of_the_second_factor_ends_the_other_sessions;
    sessions_may_outlast_a_change_of_the_second_factor;
    a_totp_key_is_shown_only_while_fresh;
    a_password_alone_changes_nothing_of_who_has_a_passkey;
    a_session_goes_on_behind_its_user;
}

const OTHER_KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn set(text: &str) -> Edit<String> {
    Edit::Set(text.to_owned())
}

/// Every change of what proves who a user is.
fn changes() -> Vec<UserUpdate> {
    let base = UserUpdate::default;
    vec![
        UserUpdate { username: set("renamed"), ..base() },
        UserUpdate { email: set("new@example.com"), ..base() },
        UserUpdate { email: Edit::Clear, ..base() },
        UserUpdate { is_totp_enabled: Edit::Set(false), ..base() },
        UserUpdate { is_totp_enabled: Edit::Set(true), ..base() },
        UserUpdate { totp_key: Edit::Set(Password::from(TOTP_KEY)), ..base() },
        UserUpdate { totp_key: Edit::Clear, ..base() },
        UserUpdate { first_name: set("Ann"), email: set("new@example.com"), ..base() },
    ]
}

fn password_of(user_id: Option<&str>, old: Option<&str>) -> ChangePassword {
    ChangePassword {
        old_password: old.map(Password::from),
        new_password: Password::from("another battery staple"),
        user_id: user_id.map(str::to_owned),
        password_expiry: None,
        must_change: None,
    }
}

async fn a_session_changes_what_proves_its_user_only_while_it_is_fresh(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let ust = world.login("user1").await.ust;
    world.clock.advance_seconds(5 * 60);
    let early = UserUpdate { email: set("early@example.com"), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &ust, early).await.unwrap();
    world.sso.renew_session(&ctx(), &ust, None).await.unwrap();
    // A renewal proves nothing.
    world.clock.advance_seconds(5 * 60);
    for update in changes() {
        let outcome = world.sso.update_current_user(&ctx(), &ust, update.clone()).await;
        assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded, "{update:?}");
        let outcome = world.sso.update_user_by_id(&ctx(), &ust, user.user_id.as_str(), update.clone()).await;
        assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded, "{update:?}");
    }
    let reset = world.sso.reset_totp_key(&ctx(), &ust, ResetTotpKey::default()).await;
    assert_eq!(refusal(reset), Code::AuthFreshLoginNeeded);
    let view = world.sso.get_current_user(&ctx(), &ust, true).await.unwrap();
    assert_eq!(view.user.email.as_deref(), Some("early@example.com"));
    assert_eq!((view.user.username.as_str(), view.user.is_totp_enabled), ("user1", false));
    let stored = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap().user;
    assert_eq!(stored.totp_key.as_ref().map(Password::expose), user.totp_key.as_ref().map(Password::expose));

    // What proves nothing changes at any time, and a password with the old one.
    let update = UserUpdate { first_name: set("Ann"), totp_label: set("phone"), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &ust, update).await.unwrap();
    world.sso.change_password(&ctx(), &ust, password_of(None, Some(PASSWORD))).await.unwrap();

    // A new login is fresh, and so is any session where configuration says so.
    let login = credentials("user1", "another battery staple");
    let fresh = world.sso.login(&ctx(), login).await.unwrap().ust;
    let update = || UserUpdate { email: set("later@example.com"), ..UserUpdate::default() };
    world.sso.update_current_user(&ctx(), &fresh, update()).await.unwrap();
    let free = world.reopened(json!({"login.fresh_for": 0})).await;
    free.update_current_user(&ctx(), &ust, update()).await.unwrap();
    let longer = world.reopened(json!({"login.fresh_for": 11})).await;
    longer.update_current_user(&ctx(), &ust, update()).await.unwrap();
}

async fn a_super_user_changes_what_proves_others_only_while_fresh(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await.ust;
    let user_id = user.user_id.as_str();
    let (sso, stale) = (&world.sso, Code::AuthFreshLoginNeeded);
    define(sso, SecType::BasicAuth, "api", None).await;
    world.clock.advance_seconds(10 * 60);

    for update in changes() {
        let outcome = sso.update_user_by_id(&ctx(), &root, user_id, update.clone()).await;
        assert_eq!(refusal(outcome), stale, "{update:?}");
    }
    let of = ResetTotpKey { user_id: Some(user_id.to_owned()), ..ResetTotpKey::default() };
    assert_eq!(refusal(sso.reset_totp_key(&ctx(), &root, of.clone()).await), stale);
    let password = sso.change_password(&ctx(), &root, password_of(Some(user_id), None)).await;
    assert_eq!(refusal(password), stale);
    // Nor does a stolen session make another way to log in, or end one.
    assert_eq!(refusal(sso.create_super_user(&ctx(), &root, new_user("root2"), true).await), stale);
    let name = SecDefName { auth_type: "basic_auth", auth_username: "api-client" };
    assert_eq!(refusal(sso.create_linked_auth(&ctx(), &root, user_id, name, true).await), stale);
    assert_eq!(refusal(sso.delete_linked_auth(&ctx(), &root, user_id, name).await), stale);

    // What takes nothing over is free.
    sso.lock_user(&ctx(), &root, user_id).await.unwrap();
    sso.unlock_user(&ctx(), &root, user_id).await.unwrap();
    sso.reject_user(&ctx(), &root, user_id).await.unwrap();
    sso.approve_user(&ctx(), &root, user_id).await.unwrap();
    let update = UserUpdate {
        display_name: set("Ann"),
        is_locked: Edit::Set(false),
        password_must_change: Edit::Set(false),
        ..UserUpdate::default()
    };
    sso.update_user_by_id(&ctx(), &root, user_id, update).await.unwrap();
    sso.create_user(&ctx(), &root, new_user("user2"), true).await.unwrap();
    sso.end_all_sessions(&ctx(), &root, Some(user_id), true).await.unwrap();

    // A name that is free can be taken by somebody else.
    assert_eq!(refusal(sso.delete_user_by_id(&ctx(), &root, user_id).await), Code::AuthFreshLoginNeeded);
    let deleted = sso.delete_user_by_username(&ctx(), &root, "user2").await;
    assert_eq!(refusal(deleted), Code::AuthFreshLoginNeeded);

    sso.reauthenticate(&ctx(), &root, Password::from(PASSWORD), None).await.unwrap();
    // Switching it on for somebody else needs no code of theirs.
    let update = UserUpdate { is_totp_enabled: Edit::Set(true), ..UserUpdate::default() };
    sso.update_user_by_id(&ctx(), &root, user_id, update).await.unwrap();
    sso.reset_totp_key(&ctx(), &root, of).await.unwrap();
    sso.change_password(&ctx(), &root, password_of(Some(user_id), None)).await.unwrap();
    sso.create_super_user(&ctx(), &root, new_user("root2"), true).await.unwrap();
    sso.create_linked_auth(&ctx(), &root, user_id, name, true).await.unwrap();
    sso.delete_user_by_id(&ctx(), &root, user_id).await.unwrap();
}

async fn the_process_itself_needs_no_fresh_login(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.clock.advance_seconds(3600);
    for update in changes() {
        let by = Actor::Trusted(None);
        world.sso.update_user_by_id(&ctx(), by, user.user_id.as_str(), update).await.unwrap();
    }
}

async fn reauthenticating_makes_that_session_fresh_everywhere(kind: Kind) {
    let world = World::new(kind).await;
    let other = world.reopened(json!({})).await;
    let user = world.user("user1").await;
    let (ust, sibling) = (world.login("user1").await.ust, world.login("user1").await.ust);
    world.clock.advance_seconds(600);
    let rename = |name: &str| UserUpdate { email: set(name), ..UserUpdate::default() };
    // Each has it cached as it was.
    for sso in [&world.sso, &other] {
        let outcome = sso.update_current_user(&ctx(), &ust, rename("a@example.com")).await;
        assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded);
    }
    let by = |ust: &Ust, password: &str| {
        let (sso, ust, password) = (world.sso.clone(), ust.clone(), Password::from(password));
        async move { sso.reauthenticate(&ctx(), &ust, password, None).await }
    };
    assert_eq!(refusal(by(&ust, "wrong").await), Code::AuthNotAllowed);
    assert_eq!(refusal(by(&ust, "").await), Code::AuthNotAllowed);
    assert_eq!(refusal(by(&Ust::from("zustnone"), PASSWORD).await), Code::SessionNoSuchSession);
    let outcome = world.sso.update_current_user(&ctx(), &ust, rename("a@example.com")).await;
    assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded);

    by(&ust, PASSWORD).await.unwrap();
    if kind == Kind::Postgres {
        // The other node hears of it.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    for (sso, email) in [(&world.sso, "a@example.com"), (&other, "b@example.com")] {
        sso.update_current_user(&ctx(), &ust, rename(email)).await.unwrap();
    }
    // That session alone.
    let outcome = world.sso.update_current_user(&ctx(), &sibling, rename("c@example.com")).await;
    assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded);
    // It lives no longer for that, and is as old as a login by now.
    let session = world.sso.get_session(&ctx(), &ust, Some(&ust), true).await.unwrap().session;
    assert_eq!(session.expiration_time, crate::support::START.plus_minutes(60));
    assert_eq!((session.user_id, session.state_change_count), (user.user_id, 1));
    world.clock.advance_seconds(600);
    let outcome = world.sso.update_current_user(&ctx(), &ust, rename("d@example.com")).await;
    assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded);
}

async fn reauthenticating_is_throttled_like_a_login(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let elsewhere = ctx_of("CRM", "192.0.2.1");
    let guess = async |password: &str| {
        world.sso.reauthenticate(&elsewhere, &ust, Password::from(password), None).await
    };
    let mut refused = Vec::new();
    for number in 0..8 {
        refused.push(refusal(guess(&format!("guess {number}")).await));
    }
    assert_eq!(refused.iter().filter(|code| **code == Code::AuthNotAllowed).count(), 5, "{refused:?}");
    assert!(refused.ends_with(&[Code::AuthRateLimited; 3]), "{refused:?}");
    // What fails in a session is nothing for the name, or a thief of it would delay the owner's logins.
    let login = world.sso.login(&elsewhere, credentials("user1", "guess")).await;
    assert_eq!(refusal(login), Code::AuthNotAllowed);
    world.clock.advance_seconds(60);
    guess(PASSWORD).await.unwrap();
    assert_eq!(refusal(guess("wrong").await), Code::AuthNotAllowed);
}

async fn reauthenticating_takes_a_code_once_where_totp_is_enabled(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let ust = world.sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap().ust;
    let by = async |code: Option<String>| {
        world.sso.reauthenticate(&ctx(), &ust, Password::from(PASSWORD), code.map(Password::from)).await
    };
    assert_eq!(refusal(by(None).await), Code::AuthTotpMissing);
    assert_eq!(refusal(by(Some("000000".to_owned())).await), Code::AuthNotAllowed);
    // The code of the login is used up.
    assert_eq!(refusal(by(Some(totp_code(0))).await), Code::AuthNotAllowed);
    by(Some(totp_code(1))).await.unwrap();
    assert_eq!(refusal(by(Some(totp_code(1))).await), Code::AuthNotAllowed);
}

async fn a_linked_definition_is_fresh_at_each_request(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "api", &user).await;
    let credential = basic("api-client", &secret);
    let enter = async || world.sso.authenticate_request(&ctx(), &credential, None, None).await.unwrap();
    let update = |email: &str| UserUpdate { email: set(email), ..UserUpdate::default() };
    let first = enter().await;
    world.clock.advance_seconds(20 * 60);
    // The token of its session, by itself, is as old as the last request that the definition has authenticated.
    let outcome = world.sso.update_current_user(&ctx(), &first.session.ust, update("a@example.com")).await;
    assert_eq!(refusal(outcome), Code::AuthFreshLoginNeeded);
    let again = enter().await;
    assert_eq!(again.session.ust.expose(), first.session.ust.expose());
    world.sso.update_current_user(&ctx(), again.actor, update("b@example.com")).await.unwrap();
    world.sso.update_current_user(&ctx(), &again.session.ust, update("c@example.com")).await.unwrap();
}

fn enable(key: Option<&str>, code: Option<&str>) -> UserUpdate {
    UserUpdate {
        is_totp_enabled: Edit::Set(true),
        totp_key: key.map_or(Edit::Keep, |key| Edit::Set(Password::from(key))),
        totp_code: code.map(Password::from),
        ..UserUpdate::default()
    }
}

async fn switching_totp_on_needs_a_code_of_the_key(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let own = world.sso.get_current_user(&ctx(), &ust, true).await.unwrap().user.totp_key.clone().unwrap();
    let change = async |update: UserUpdate| world.sso.update_current_user(&ctx(), &ust, update).await;
    let is_on = async || world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.is_totp_enabled;

    assert_eq!(refusal(change(enable(None, None)).await), Code::AuthTotpMissing);
    assert_eq!(refusal(change(enable(None, Some(""))).await), Code::AuthTotpMissing);
    assert_eq!(refusal(change(enable(Some(TOTP_KEY), None)).await), Code::AuthTotpMissing);
    // A code of another key is wrong, be it that of the key there is.
    for (key, code) in [(None, totp_code(0)), (Some(TOTP_KEY), code_of(own.expose(), 0))] {
        match change(enable(key, Some(&code))).await {
            Err(Error::Refused { code, detail }) => {
                assert_eq!((code, detail.as_deref()), (Code::AuthNotAllowed, Some(WRONG_TOTP_CODE)));
            }
            other => panic!("{other:?}"),
        }
    }
    // Nobody knows the code of a key that is yet to be made.
    let made = UserUpdate { totp_key: Edit::Clear, ..enable(None, Some(&code_of(own.expose(), 0))) };
    assert_eq!(refusal(change(made).await), Code::CommonInvalidInput);
    assert!(!is_on().await);
    // A code alone is no change.
    let code = UserUpdate { totp_code: Some(Password::from("123456")), ..UserUpdate::default() };
    assert_eq!(refusal(change(code).await), Code::CommonMissingInput);

    change(enable(None, Some(&code_of(own.expose(), 0)))).await.unwrap();
    assert!(is_on().await);
    // The code is used up by that.
    let login = |code: &str| {
        let mut request = credentials("user1", PASSWORD);
        request.totp_code = Some(Password::from(code));
        request
    };
    let used = world.sso.login(&ctx(), login(&code_of(own.expose(), 0))).await;
    assert_eq!(refusal(used), Code::AuthNotAllowed);
    // What is on already needs none; with another key it does.
    change(enable(None, None)).await.unwrap();
    change(enable(Some(own.expose()), None)).await.unwrap();
    assert_eq!(refusal(change(enable(Some(OTHER_KEY), None)).await), Code::AuthTotpMissing);
    change(enable(Some(OTHER_KEY), Some(&code_of(OTHER_KEY, 0)))).await.unwrap();
    world.sso.login(&ctx(), login(&code_of(OTHER_KEY, 1))).await.unwrap();

    // One that was used before is good for nothing more.
    let off = UserUpdate { is_totp_enabled: Edit::Set(false), ..UserUpdate::default() };
    change(off).await.unwrap();
    assert_eq!(refusal(change(enable(None, Some(&code_of(OTHER_KEY, 1)))).await), Code::AuthNotAllowed);
}

async fn a_guess_at_the_code_is_throttled(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let mut refused = Vec::new();
    for _ in 0..7 {
        let outcome = world.sso.update_current_user(&ctx(), &ust, enable(None, Some("000000"))).await;
        refused.push(refusal(outcome));
    }
    assert_eq!(refused.last(), Some(&Code::AuthRateLimited), "{refused:?}");
}

/// Whether a session goes on.
async fn goes_on(world: &World, ust: &Ust) -> bool {
    world.sso.get_current_user(&ctx(), ust, false).await.is_ok()
}

async fn a_change_of_the_second_factor_ends_the_other_sessions(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let root = world.login("root1").await.ust;
    let (sso, user_id) = (&world.sso, user.user_id.as_str());
    let skip_code = || {
        let mut request = credentials("user1", PASSWORD);
        request.skip_sec = true;
        request
    };
    let update = |is_totp_enabled, totp_key: Option<&str>, code: Option<String>| UserUpdate {
        is_totp_enabled,
        totp_key: totp_key.map_or(Edit::Keep, |key| Edit::Set(Password::from(key))),
        totp_code: code.map(Password::from),
        ..UserUpdate::default()
    };
    let reset = |key: Option<&str>| ResetTotpKey {
        user_id: Some(user_id.to_owned()),
        key: key.map(Password::from),
        ..ResetTotpKey::default()
    };
    for way in 0..8 {
        let own = sso.login(&ctx(), skip_code()).await.unwrap().ust;
        let other = sso.login(&ctx(), skip_code()).await.unwrap().ust;
        assert!(goes_on(&world, &own).await && goes_on(&world, &other).await);
        // As if each had been opened with a code.
        execute(&world, "UPDATE sso_session SET auth_methods = 'pwd otp mfa'").await;
        let is_kept = match way {
            // By oneself: on with a new key, a new key, off.
            0 => {
                let on = update(Edit::Set(true), Some(TOTP_KEY), Some(totp_code(0)));
                sso.update_current_user(&ctx(), &own, on).await.unwrap();
                true
            }
            1 => {
                sso.update_current_user(&ctx(), &own, update(Edit::Keep, Some(OTHER_KEY), None))
                    .await
                    .unwrap();
                true
            }
            2 => {
                sso.update_current_user(&ctx(), &own, update(Edit::Set(false), None, None)).await.unwrap();
                true
            }
            3 => {
                sso.reset_totp_key(&ctx(), &own, ResetTotpKey::default()).await.unwrap();
                true
            }
            // By a super-user, or the process itself.
            4 => {
                let on = update(Edit::Set(true), None, None);
                sso.update_user_by_id(&ctx(), &root, user_id, on).await.unwrap();
                false
            }
            5 => {
                let off = update(Edit::Set(false), None, None);
                sso.update_user_by_id(&ctx(), &root, user_id, off).await.unwrap();
                false
            }
            6 => {
                sso.reset_totp_key(&ctx(), &root, reset(None)).await.unwrap();
                false
            }
            _ => {
                sso.reset_totp_key(&ctx(), Actor::Trusted(None), reset(Some(TOTP_KEY))).await.unwrap();
                false
            }
        };
        assert_eq!(goes_on(&world, &own).await, is_kept, "way {way}");
        assert!(!goes_on(&world, &other).await, "way {way}");
        assert!(goes_on(&world, &root).await);
    }
    // What is as it was ends nothing, nor does a label.
    let (own, other) = (
        sso.login(&ctx(), skip_code()).await.unwrap().ust,
        sso.login(&ctx(), skip_code()).await.unwrap().ust,
    );
    sso.reset_totp_key(&ctx(), &own, reset(Some(TOTP_KEY))).await.unwrap();
    let same = UserUpdate { totp_label: set("phone"), ..update(Edit::Set(false), Some(TOTP_KEY), None) };
    sso.update_current_user(&ctx(), &own, same).await.unwrap();
    assert!(goes_on(&world, &other).await);
}

async fn sessions_may_outlast_a_change_of_the_second_factor(kind: Kind) {
    let world = World::with(kind, json!({"session.end_on_totp_change": false})).await;
    world.user("user1").await;
    let (own, other) = (world.login("user1").await.ust, world.login("user1").await.ust);
    world.sso.reset_totp_key(&ctx(), &own, ResetTotpKey::default()).await.unwrap();
    assert!(goes_on(&world, &other).await);
}

async fn a_totp_key_is_shown_only_while_fresh(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    let keys = async || {
        let uri = world.sso.totp_provisioning_uri(&ctx(), &ust).await;
        let user = world.sso.get_current_user(&ctx(), &ust, true).await.unwrap().user;
        (uri.map(drop).map_err(|error| error.code()), user.totp_key.is_some())
    };
    assert_eq!(keys().await, (Ok(()), true));
    world.clock.advance_seconds(10 * 60);
    assert_eq!(keys().await, (Err(Code::AuthFreshLoginNeeded), false));
    world.sso.reauthenticate(&ctx(), &ust, Password::from(PASSWORD), None).await.unwrap();
    assert_eq!(keys().await, (Ok(()), true));
}

async fn a_password_alone_changes_nothing_of_who_has_a_passkey(kind: Kind) {
    let world = World::with(kind, json!({"login.fresh_for": 0, "pages.allow_account_deletion": true})).await;
    world.super_user("root1").await;
    let (ust, sso) = (world.login("root1").await.ust, &world.sso);
    let mut key = Authenticator::new(-7);
    register(sso, &ust, &mut key).await;
    // Who has just registered it has shown both.
    sso.generate_recovery_codes(&ctx(), &ust, None).await.unwrap();
    register(sso, &ust, &mut Authenticator::new(-8)).await;

    let thief = world.login("root1").await.ust;
    let own = sso.get_current_user(&ctx(), &thief, false).await.unwrap().user.user_id.clone();
    let (ctx, needed) = (&ctx(), Code::AuthFreshLoginNeeded);
    let begun = sso.begin_totp_enrolment(ctx, &thief).await;
    assert!(begun.as_ref().unwrap_err().to_string().contains("second factor"), "{begun:?}");
    assert_eq!(refusal(begun), needed);
    let finished = sso.finish_totp_enrolment(ctx, &thief, Password::from(totp_code(0))).await;
    assert_eq!(refusal(finished), needed);
    let by = || TotpDisabler::Password(Password::from(PASSWORD));
    assert_eq!(refusal(sso.disable_totp(ctx, &thief, by()).await), needed);
    assert_eq!(refusal(sso.reset_totp_key(ctx, &thief, ResetTotpKey::default()).await), needed);
    assert_eq!(refusal(sso.totp_provisioning_uri(ctx, &thief).await), needed);
    assert_eq!(refusal(sso.begin_passkey_registration(ctx, &thief, None).await), needed);
    assert_eq!(refusal(sso.finish_passkey_registration(ctx, &thief, "{}").await), needed);
    assert_eq!(refusal(sso.delete_current_user(ctx, &thief, "root1").await), needed);
    for named in [None, Some(own.as_str())] {
        assert_eq!(refusal(sso.delete_passkeys(ctx, &thief, named, None).await), needed);
        assert_eq!(refusal(sso.generate_recovery_codes(ctx, &thief, named).await), needed);
    }
    for update in changes() {
        assert_eq!(refusal(sso.update_current_user(ctx, &thief, update).await), needed);
    }
    let entry = sso.enter_console(ctx, &thief, ConsolePart::All).await.unwrap();
    assert_eq!(entry, ConsoleEntry::StepUpNeeded);

    // Who has the passkey goes on.
    let options = sso.begin_passkey_reauthentication(ctx, &thief).await.unwrap();
    let answer = key.login(&options).to_string();
    sso.finish_passkey_reauthentication(ctx, &thief, &answer).await.unwrap();
    assert_eq!(sso.enter_console(ctx, &thief, ConsolePart::All).await.unwrap(), ConsoleEntry::Open);
    assert_eq!(sso.delete_passkeys(ctx, &thief, None, None).await.unwrap(), 2);
}

/// Whoever ends sessions has the user's row, and then wants those of the sessions.
async fn a_session_goes_on_behind_its_user(kind: Kind) {
    let Kind::Postgres = kind else { return };
    let world = World::new(kind).await;
    world.user("user1").await;
    let (old, new) = (world.login("user1").await.ust, world.login("user1").await.ust);
    let mut other = PgConnection::connect(&world.db.url).await.unwrap();
    let mut tx = other.begin().await.unwrap();
    sqlx::query("SELECT user_id FROM sso_user FOR UPDATE").execute(&mut *tx).await.unwrap();
    let sso = world.sso.clone();
    let goes_on = tokio::spawn(async move { sso.continue_session(&ctx(), &old, new).await });
    until_it_waits(&world).await;
    sqlx::query("SELECT session_id FROM sso_session FOR UPDATE NOWAIT").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(goes_on.await.unwrap().unwrap());
}
