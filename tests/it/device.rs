//! Devices that users have logged in with: a budget of their own for failed logins, wherever others guess from.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Error, Password, SessionInfo, Ust};
use zato_sso::ops::{Actor, ChangePassword, LoginRequest, SiteProof};

use crate::support::{Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, dump, new_site, refusal};

on_both_databases! {
    a_device_has_a_budget_of_its_own_among_those_who_guess;
    a_device_is_bound_to_its_user_and_is_no_password;
    a_device_is_known_for_thirty_days_since_its_last_use;
    a_user_has_ten_devices_and_those_that_are_used_stay;
    what_ends_all_sessions_forgets_devices;
    no_device_is_known_where_configured;
    a_visitor_of_the_same_site_takes_no_try_of_another;
}

const HOME: &str = "198.51.100.7";
const NEW: &str = "a new and different one";

async fn try_login(
    world: &World,
    username: &str,
    password: &str,
    device_token: Option<&Password>,
) -> Result<SessionInfo, Error> {
    // An empty one asks for one.
    let device_token = Some(device_token.cloned().unwrap_or_else(|| Password::from("")));
    let request = LoginRequest { device_token, ..credentials(username, password) };
    world.sso.login(&ctx_of("CRM", HOME), request).await
}

async fn code(
    world: &World,
    username: &str,
    password: &str,
    device_token: Option<&Password>,
) -> Option<Code> {
    try_login(world, username, password, device_token).await.err().map(|error| error.code())
}

/// The token of a device that has just logged in.
async fn new_device(world: &World, username: &str) -> Password {
    try_login(world, username, PASSWORD, None).await.unwrap().device_token.unwrap()
}

/// Somebody in the network of the owner guesses, until there is a delay of a minute.
async fn guess(world: &World, username: &str) {
    for _ in 0..14 {
        world.clock.advance_seconds(70);
        code(world, username, "wrong", None).await;
    }
    assert_eq!(code(world, username, PASSWORD, None).await, Some(Code::AuthRateLimited));
}

async fn devices(world: &World) -> usize {
    any_rows(world, "SELECT device_digest FROM sso_device").await.len()
}

async fn a_device_has_a_budget_of_its_own_among_those_who_guess(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let token = new_device(&world, "user1").await;
    assert_eq!(token.expose().len(), 43, "256 bits");
    for round in 0..10 {
        guess(&world, "user1").await;
        let info = try_login(&world, "user1", PASSWORD, Some(&token)).await;
        let info = info.unwrap_or_else(|error| panic!("round {round}: {error}"));
        // It has a token already.
        assert!(info.device_token.is_none());
    }
    // What nobody was given is nothing.
    guess(&world, "user1").await;
    for other in ["", "x", &"x".repeat(43), &"x".repeat(100_000)] {
        let other = Password::from(other);
        assert_eq!(code(&world, "user1", PASSWORD, Some(&other)).await, Some(Code::AuthRateLimited));
    }
    // Guesses with the device delay that alone, and a minute at most.
    let mut longest = 0;
    for _ in 0..30 {
        if let Err(Error::RateLimited { retry_after }) =
            try_login(&world, "user1", "wrong", Some(&token)).await
        {
            longest = longest.max(retry_after.as_secs());
            world.clock.advance_seconds(i64::try_from(retry_after.as_secs()).unwrap());
        }
    }
    assert_eq!(longest, 60);
    world.clock.advance_seconds(60);
    assert_eq!(code(&world, "user1", PASSWORD, Some(&token)).await, None);
}

async fn a_device_is_bound_to_its_user_and_is_no_password(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let token = new_device(&world, "user1").await;
    guess(&world, "user2").await;
    assert_eq!(code(&world, "user2", PASSWORD, Some(&token)).await, Some(Code::AuthRateLimited));
    for password in ["", "wrong", token.expose()] {
        assert_eq!(code(&world, "user1", password, Some(&token)).await, Some(Code::AuthNotAllowed));
    }
    let info = try_login(&world, "user1", PASSWORD, None).await.unwrap();
    let second = info.device_token.clone().unwrap();
    assert_ne!(second.expose(), token.expose());
    assert!(!format!("{info:?}").contains(second.expose()));
    let everything = dump(&world).await;
    assert!(!everything.contains(token.expose()) && !everything.contains(second.expose()));
    // Nor does who does not ask for one.
    assert!(world.login("user1").await.device_token.is_none());
    // Who needs no password gets none.
    let trusted = LoginRequest { skip_sec: true, ..credentials("user1", "") };
    assert!(world.sso.login(&ctx(), trusted).await.unwrap().device_token.is_none());
}

async fn a_device_is_known_for_thirty_days_since_its_last_use(kind: Kind) {
    // No place is known for as long: everybody logs in from elsewhere each time.
    let world = World::new(kind).await;
    world.user("user1").await;
    let token = new_device(&world, "user1").await;
    for _ in 0..2 {
        world.clock.advance_seconds(29 * 86_400);
        guess(&world, "user1").await;
        assert_eq!(code(&world, "user1", PASSWORD, Some(&token)).await, None);
    }
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(devices(&world).await, 1);
    world.clock.advance_seconds(30 * 86_400 + 1);
    guess(&world, "user1").await;
    assert_eq!(code(&world, "user1", PASSWORD, Some(&token)).await, Some(Code::AuthRateLimited));
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(devices(&world).await, 0);
}

async fn a_user_has_ten_devices_and_those_that_are_used_stay(kind: Kind) {
    let world = World::new(kind).await;
    for username in ["user1", "user2"] {
        world.user(username).await;
    }
    let other = new_device(&world, "user2").await;
    let kept = new_device(&world, "user1").await;
    world.clock.advance_seconds(1);
    assert_eq!(code(&world, "user1", PASSWORD, Some(&kept)).await, None);
    let mut tokens = Vec::new();
    for _ in 0..12 {
        world.clock.advance_seconds(60);
        tokens.push(new_device(&world, "user1").await);
    }
    assert_eq!(devices(&world).await, 11);
    guess(&world, "user1").await;
    // Of those that nobody has used again, the oldest have made room.
    for token in &tokens[..3] {
        assert_eq!(code(&world, "user1", PASSWORD, Some(token)).await, Some(Code::AuthRateLimited));
    }
    for token in tokens[3..].iter().chain([&kept]) {
        guess(&world, "user1").await;
        assert_eq!(code(&world, "user1", PASSWORD, Some(token)).await, None);
    }
    guess(&world, "user2").await;
    assert_eq!(code(&world, "user2", PASSWORD, Some(&other)).await, None);
    // When all are in use, the one that was not used for the longest time makes room.
    world.clock.advance_seconds(2 * 86_400);
    for token in &tokens[3..] {
        assert_eq!(code(&world, "user1", PASSWORD, Some(token)).await, None);
    }
    new_device(&world, "user1").await;
    guess(&world, "user1").await;
    assert_eq!(code(&world, "user1", PASSWORD, Some(&kept)).await, Some(Code::AuthRateLimited));
}

async fn what_ends_all_sessions_forgets_devices(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.user("user2").await;
    new_device(&world, "user2").await;
    let root = Actor::Trusted(None);
    let user_id = user.user_id.as_str();
    let login = async |password: &str| {
        let info = try_login(&world, "user1", password, None).await.unwrap();
        assert_eq!(devices(&world).await, 2);
        info.ust
    };
    let change = |old: &str, new: &str| ChangePassword {
        old_password: Some(Password::from(old)),
        new_password: Password::from(new),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    let ust: Ust = login(PASSWORD).await;
    world.sso.change_password(&ctx(), &ust, change(PASSWORD, NEW)).await.unwrap();
    assert_eq!(devices(&world).await, 1, "a new password");
    let ust = login(NEW).await;
    world.sso.end_all_sessions(&ctx(), &ust, None, true).await.unwrap();
    assert_eq!(devices(&world).await, 1, "the end of all other sessions");
    login(NEW).await;
    world.sso.lock_user(&ctx(), root.clone(), user_id).await.unwrap();
    assert_eq!(devices(&world).await, 1, "a lock");
    world.sso.unlock_user(&ctx(), root.clone(), user_id).await.unwrap();
    // A login with a new password forgets the others, and knows the one that it came with by a new token.
    let token = try_login(&world, "user1", NEW, None).await.unwrap().device_token;
    let request = LoginRequest {
        device_token: token.clone(),
        new_password: Some(Password::from(PASSWORD)),
        ..credentials("user1", NEW)
    };
    let info = world.sso.login(&ctx_of("CRM", HOME), request).await.unwrap();
    assert!(info.device_token.is_some_and(|new| new.expose() != token.unwrap().expose()));
    assert_eq!(devices(&world).await, 2);
    world.sso.delete_user_by_id(&ctx(), root, user_id).await.unwrap();
    assert_eq!(devices(&world).await, 1, "a deletion");
}

async fn no_device_is_known_where_configured(kind: Kind) {
    let without: [Value; 3] = [
        json!({"login_throttle.known_devices": 0}),
        json!({"login_throttle.known_place_days": 0}),
        json!({"login_throttle.enabled": false}),
    ];
    for more in without {
        let world = World::with(kind, more.clone()).await;
        world.user("user1").await;
        assert!(try_login(&world, "user1", PASSWORD, None).await.unwrap().device_token.is_none(), "{more}");
        assert_eq!(devices(&world).await, 0);
        let wrong = try_login(&world, "user1", "wrong", Some(&Password::from("x"))).await;
        assert_eq!(refusal(wrong), Code::AuthNotAllowed);
    }
}

async fn a_visitor_of_the_same_site_takes_no_try_of_another(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let look_up = async |password: &str, device_token: Option<&str>| {
        let proof = SiteProof {
            device_token: device_token.map(Password::from),
            ..SiteProof::from(Password::from(password))
        };
        world.sso.look_up_site_user(&ctx(), &site, "user1", proof).await.map(|found| found.1)
    };
    // Only a site that wants a token gets one.
    assert!(look_up(PASSWORD, None).await.unwrap().is_none());
    let token = look_up(PASSWORD, Some("")).await.unwrap().unwrap();
    for _ in 0..14 {
        world.clock.advance_seconds(70);
        drop(look_up("wrong", None).await);
    }
    for other in [None, Some(""), Some("x")] {
        assert_eq!(refusal(look_up(PASSWORD, other).await), Code::AuthRateLimited);
    }
    assert!(look_up(PASSWORD, Some(token.expose())).await.unwrap().is_none());
}
