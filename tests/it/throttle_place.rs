//! The login throttle and those whose name is guessed for: places where users are known, what nobody can guess, and what
//! forgives.

use serde_json::json;
use zato_sso::domain::{Code, Error, Password, SecType};
use zato_sso::ops::{
    Actor, ChangePassword, ExternalCredential, SecDefName, SetPassword, SiteUserUpdate, TotpOwner,
};

use crate::linked_auth::{basic, bearer, define, linked, root, token_of};
use crate::login::{totp_code, totp_user, with_code};
use crate::smtp::{Manner, SmtpServer, token_in};
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, new_site, new_user, refusal,
};

on_both_databases! {
    an_owner_logs_in_while_a_stranger_guesses_without_end;
    an_owner_does_not_wait_for_others_at_the_same_address;
    from_a_known_place_no_delay_is_longer_than_a_minute;
    a_place_is_known_for_thirty_days;
    no_place_is_known_where_configured;
    a_success_clears_the_name_and_never_the_address;
    failures_from_an_address_fade;
    what_cannot_be_guessed_is_right_in_any_delay;
    a_chosen_secret_has_its_known_places;
    a_new_password_and_an_unlock_forgive;
    a_reset_by_email_lets_its_owner_in_from_there;
    a_stranger_delays_no_old_password_and_no_code_of_an_owner;
    a_site_is_a_place;
}

const NEW: &str = "a new and different one";
const HOME: &str = "198.51.100.7";
const STRANGER: &str = "203.0.113.9";

/// What a login comes to: its code, or None.
async fn login(world: &World, username: &str, password: &str, address: &str) -> Option<Code> {
    let outcome = world.sso.login(&ctx_of("CRM", address), credentials(username, password)).await;
    outcome.err().map(|error| error.code())
}

/// Failures from an address, until a delay lasts that is not over soon.
async fn guess_until_delayed(world: &World, username: &str, address: &str) {
    for _ in 0..20 {
        world.clock.advance_seconds(70);
        login(world, username, "wrong", address).await;
    }
    assert_eq!(login(world, username, "wrong", address).await, Some(Code::AuthRateLimited));
}

async fn an_owner_logs_in_while_a_stranger_guesses_without_end(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    for round in 0..40 {
        let stranger = format!("203.0.113.{round}");
        for _ in 0..6 {
            login(&world, "user1", "wrong", &stranger).await;
        }
        assert_eq!(login(&world, "user1", "wrong", &stranger).await, Some(Code::AuthRateLimited));
        // From anywhere in the network, at the first try.
        let address = format!("198.51.100.{round}");
        assert_eq!(login(&world, "user1", PASSWORD, &address).await, None, "round {round}");
        world.clock.advance_seconds(7);
    }
    // Where the owner is not known, they wait as the stranger does.
    for _ in 0..6 {
        login(&world, "user1", "wrong", STRANGER).await;
    }
    assert_eq!(login(&world, "user1", PASSWORD, "198.51.101.1").await, Some(Code::AuthRateLimited));
    // IPv6: a /48.
    world.clock.advance_seconds(900);
    assert_eq!(login(&world, "user1", PASSWORD, "2001:db8:1:2::3").await, None);
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, "2001:db8:1:ffff::1").await, None);
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, "2001:db8:2::1").await, Some(Code::AuthRateLimited));
}

async fn an_owner_does_not_wait_for_others_at_the_same_address(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 10})).await;
    world.user("user1").await;
    world.user("user2").await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    for number in 0..10 {
        login(&world, &format!("name-{number}"), "wrong", HOME).await;
    }
    assert_eq!(login(&world, "user2", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    // Own failures are counted all the same, and end nobody else's delay.
    assert_eq!(login(&world, "user1", "wrong", HOME).await, Some(Code::AuthNotAllowed));
    assert_eq!(login(&world, "user2", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
}

async fn from_a_known_place_no_delay_is_longer_than_a_minute(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    login(&world, "user1", PASSWORD, HOME).await;
    let mut longest = 0;
    for _ in 0..30 {
        let outcome = world.sso.login(&ctx_of("CRM", HOME), credentials("user1", "wrong")).await;
        if let Err(Error::RateLimited { retry_after }) = outcome {
            longest = longest.max(retry_after.as_secs());
            world.clock.advance_seconds(retry_after.as_secs() as i64);
        }
    }
    assert_eq!(longest, 60);
    world.clock.advance_seconds(60);
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    // What failed there was nothing for the name: elsewhere it has not begun.
    assert_eq!(login(&world, "user1", "wrong", STRANGER).await, Some(Code::AuthNotAllowed));
}

async fn a_place_is_known_for_thirty_days(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    login(&world, "user1", PASSWORD, HOME).await;
    world.clock.advance_seconds(29 * 86_400);
    guess_until_delayed(&world, "user1", STRANGER).await;
    // This login makes it 30 more.
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    world.clock.advance_seconds(29 * 86_400);
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    world.clock.advance_seconds(30 * 86_400);
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
    let places = async || any_rows(&world, "SELECT place_digest FROM sso_known_place").await.len();
    assert_eq!(places().await, 1);
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(places().await, 0);
    assert!(!crate::support::dump(&world).await.contains("198.51.100.0"), "places are kept as keyed digests");
}

async fn no_place_is_known_where_configured(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.known_place_days": 0})).await;
    world.user("user1").await;
    login(&world, "user1", PASSWORD, HOME).await;
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
    assert_eq!(any_rows(&world, "SELECT place_digest FROM sso_known_place").await.len(), 0);
}

async fn a_success_clears_the_name_and_never_the_address(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 20})).await;
    world.user("user1").await;
    let mut tried = 0;
    for guess in 0..60 {
        let code = login(&world, &format!("name-{}", guess % 30), "wrong", STRANGER).await;
        tried += usize::from(code == Some(Code::AuthNotAllowed));
        if guess % 4 == 3 {
            assert_eq!(login(&world, "user1", PASSWORD, STRANGER).await, None);
        }
    }
    assert_eq!(tried, 20);
}

async fn failures_from_an_address_fade(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 10})).await;
    // An office where now and then somebody errs, for days.
    for number in 0..200 {
        let code = login(&world, &format!("name-{number}"), "wrong", HOME).await;
        assert_eq!(code, Some(Code::AuthNotAllowed), "{number}");
        world.clock.advance_seconds(61);
    }
}

async fn what_cannot_be_guessed_is_right_in_any_delay(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.max_failures": 10})).await;
    let user = world.user("user1").await;
    let (_, secret) = linked(&world, SecType::BasicAuth, "basic", &user).await;
    let (_, key) = linked(&world, SecType::Jwt, "jwt", &user).await;
    let site = world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let public_key = site.site.public_key.to_string();
    let enter = async |credential: &ExternalCredential| {
        let from = ctx_of("CRM", HOME);
        world.sso.authenticate_request(&from, credential, None, None).await.map(drop)
    };
    let knock = async |private_key: &str| {
        let key = Password::from(private_key);
        world.sso.authenticate_site(&ctx_of("CRM", HOME), &public_key, &key).await.map(drop)
    };
    let wrong_token = bearer(&token_of("jwt-client", &"k".repeat(32), 1));
    for _ in 0..5 {
        assert_eq!(refusal(enter(&basic("basic-client", "wrong")).await), Code::AuthNotAllowed);
        assert_eq!(refusal(knock("wrong").await), Code::AuthNotAllowed);
    }
    // Wrong ones wait, by name and by address.
    for _ in 0..2 {
        assert_eq!(refusal(enter(&basic("basic-client", "wrong")).await), Code::AuthRateLimited);
        assert_eq!(refusal(enter(&wrong_token).await), Code::AuthRateLimited);
        assert_eq!(refusal(knock("wrong").await), Code::AuthRateLimited);
        assert_eq!(login(&world, "user1", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
        enter(&basic("basic-client", &secret)).await.unwrap();
        enter(&bearer(&token_of("jwt-client", &key, 1))).await.unwrap();
        knock(site.private_key.expose()).await.unwrap();
    }
    // Who sends no key has tried none.
    world.clock.advance_seconds(2 * 86_400);
    for _ in 0..20 {
        assert_eq!(refusal(knock("").await), Code::AuthNotAllowed);
    }
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
}

async fn a_chosen_secret_has_its_known_places(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    define(&world.sso, SecType::BasicAuth, "chosen", Some(PASSWORD)).await;
    let name = SecDefName { auth_type: "basic_auth", auth_username: "chosen-client" };
    let root = root(&world).await;
    world.sso.create_linked_auth(&ctx(), &root, user.user_id.as_str(), name, true).await.unwrap();
    let enter = async |secret: &str, address: &str| {
        let from = ctx_of("CRM", address);
        let entered =
            world.sso.authenticate_request(&from, &basic("chosen-client", secret), None, None).await;
        entered.err().map(|error| error.code())
    };
    assert_eq!(enter(PASSWORD, HOME).await, None);
    for _ in 0..20 {
        world.clock.advance_seconds(70);
        enter("wrong", STRANGER).await;
    }
    assert_eq!(enter("wrong", STRANGER).await, Some(Code::AuthRateLimited));
    assert_eq!(enter(PASSWORD, STRANGER).await, Some(Code::AuthRateLimited));
    assert_eq!(enter(PASSWORD, HOME).await, None);
    // The user is another one, and not known there by that.
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, Some(Code::AuthRateLimited));
}

async fn a_new_password_and_an_unlock_forgive(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    root(&world).await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let user_id = user.user_id.as_str();
    let set = |password: &str| SetPassword {
        password: Password::from(password),
        must_change: false,
        password_expiry: None,
        details: None,
    };
    let change = |password: &str| ChangePassword {
        old_password: None,
        new_password: Password::from(password),
        user_id: Some(user_id.to_owned()),
        password_expiry: None,
        must_change: None,
    };
    let delayed = async || {
        guess_until_delayed(&world, "user1", STRANGER).await;
        guess_until_delayed(&world, "user1", HOME).await;
    };
    delayed().await;
    world.sso.set_password(&ctx(), user_id, set(NEW)).await.unwrap();
    assert_eq!(login(&world, "user1", NEW, HOME).await, None);
    delayed().await;
    world.sso.change_password(&ctx(), root(&world).await, change(PASSWORD)).await.unwrap();
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);
    delayed().await;
    world.sso.unlock_user(&ctx(), root(&world).await, user_id).await.unwrap();
    assert_eq!(login(&world, "user1", PASSWORD, HOME).await, None);

    // So does the password that a site gives a user whom it has made.
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let new = zato_sso::ops::NewSiteUser {
        login: Some("user2".to_owned()),
        password: Some(Password::from(PASSWORD)),
        ..zato_sso::ops::NewSiteUser::default()
    };
    let made = world.sso.create_site_user(&ctx(), &site, new).await.unwrap();
    guess_until_delayed(&world, "user2", STRANGER).await;
    let update = SiteUserUpdate { password: Some(Password::from(NEW)), ..SiteUserUpdate::default() };
    world.sso.update_site_user(&ctx(), &site, &made.user_token.to_string(), update).await.unwrap();
    assert_eq!(login(&world, "user2", NEW, HOME).await, None);
}

async fn a_reset_by_email_lets_its_owner_in_from_there(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, json!({"smtp.url": server.url})).await;
    let new = zato_sso::domain::NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    guess_until_delayed(&world, "user1", STRANGER).await;
    let from = ctx_of("CRM", HOME);
    world.sso.create_reset_token(&from, "user1", None).await.unwrap();
    let token = Password::from(token_in(&server.email(1).await));
    let access = world.sso.access_reset_token(&from, &token, None).await.unwrap();
    world.sso.reset_password(&from, &token, &access.reset_key, Password::from(NEW)).await.unwrap();
    assert_eq!(login(&world, "user1", "wrong", STRANGER).await, Some(Code::AuthNotAllowed), "forgiven");
    // The stranger goes on, and the owner gets in all the same.
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(login(&world, "user1", NEW, HOME).await, None);
}

async fn a_stranger_delays_no_old_password_and_no_code_of_an_owner(kind: Kind) {
    let world = World::new(kind).await;
    totp_user(&world).await;
    let home = ctx_of("CRM", HOME);
    let info = world.sso.login(&home, with_code(&totp_code(0))).await.unwrap();
    guess_until_delayed(&world, "totp1", STRANGER).await;
    let by_name = TotpOwner::Username("totp1".to_owned());
    let code = async |owner: &TotpOwner, code: &str, address: &str| {
        world.sso.validate_totp_code(&ctx_of("CRM", address), owner, &Password::from(code)).await
    };
    for _ in 0..5 {
        assert!(!code(&by_name, "000000", STRANGER).await.unwrap());
    }
    assert_eq!(refusal(code(&by_name, "000000", STRANGER).await), Code::AuthRateLimited);
    // The clock has moved; what counts is that the code is looked at.
    let ust = TotpOwner::Ust(info.ust.clone());
    assert!(!code(&ust, "000000", STRANGER).await.unwrap());
    assert!(!code(&by_name, "000000", HOME).await.unwrap());
    let elsewhere = ctx_of("CRM", "192.0.2.1");
    let again = world.sso.reauthenticate(&elsewhere, &info.ust, "wrong".into(), None).await;
    assert_eq!(refusal(again), Code::AuthNotAllowed);
    let change = ChangePassword {
        old_password: Some(Password::from(PASSWORD)),
        new_password: Password::from(NEW),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    world.sso.change_password(&elsewhere, &info.ust, change).await.unwrap();
}

async fn a_site_is_a_place(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    for name in ["shop", "blog"] {
        world.sso.create_site(&ctx(), new_site(name, &[])).await.unwrap();
    }
    let look_up = async |site: &str, password: &str| {
        let site = world.sso.act_as_site(&ctx(), site).await.unwrap();
        let password = Password::from(password);
        let found = world.sso.look_up_site_user(&ctx(), &site, "user1", password).await;
        found.err().map(|error| error.code())
    };
    assert_eq!(look_up("shop", PASSWORD).await, None);
    guess_until_delayed(&world, "user1", STRANGER).await;
    assert_eq!(look_up("blog", PASSWORD).await, Some(Code::AuthRateLimited));
    assert_eq!(look_up("shop", PASSWORD).await, None);
    // Guesses through the site are counted there.
    for _ in 0..5 {
        assert_eq!(look_up("shop", "wrong").await, Some(Code::AuthNotAllowed));
    }
    assert_eq!(look_up("shop", PASSWORD).await, Some(Code::AuthRateLimited));
}
