//! Users are emailed of logins with what is new.

use serde_json::{Value, json};
use zato_sso::domain::{Code, NewUser};
use zato_sso::ops::{Actor, LoginRequest, Sso};

use crate::smtp::{Manner, SmtpServer};
use crate::support::{Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, execute, new_user, refusal};

on_both_databases! {
    users_are_told_of_what_is_new_and_of_nothing_else;
    nobody_is_told_where_that_is_off;
    a_login_that_fails_tells_nobody;
    who_comes_back_after_a_long_time_is_told;
    a_new_version_of_a_browser_is_no_news;
    what_is_seen_is_bounded_and_cleaned_up;
    an_hour_has_ten_emails_at_most;
    the_email_says_what_it_was_and_has_no_link;
    trusted_code_tells_nobody;
}

const DAY: i64 = 86_400;

/// Nobody listens there: what is sent waits.
fn nowhere() -> Value {
    json!({"smtp.url": "smtp://127.0.0.1:1", "login.email_on_new_device": true})
}

async fn world_of(kind: Kind, more: Value) -> World {
    let world = World::with(kind, more).await;
    let new = NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world
}

async fn log_in(sso: &Sso, address: &str, user_agent: &str) {
    let request = LoginRequest { user_agent: Some(user_agent.to_owned()), ..credentials("user1", PASSWORD) };
    sso.login(&ctx_of("CRM", address), request).await.unwrap();
}

/// Logs in; whether an email about it waits.
async fn is_told(world: &World, address: &str, user_agent: &str) -> bool {
    execute(world, "DELETE FROM sso_outbox").await;
    log_in(&world.sso, address, user_agent).await;
    !any_rows(world, "SELECT kind FROM sso_outbox WHERE kind = 'new-device'").await.is_empty()
}

async fn seen(world: &World) -> usize {
    any_rows(world, "SELECT client_digest FROM sso_seen_client").await.len()
}

async fn users_are_told_of_what_is_new_and_of_nothing_else(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    // The first login is no news.
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    assert!(!is_told(&world, "10.0.0.200", "Firefox").await);
    assert!(is_told(&world, "10.0.0.1", "Chrome").await);
    assert!(is_told(&world, "10.0.1.1", "Firefox").await);
    assert!(is_told(&world, "2001:db8::1", "Firefox").await);
    assert!(!is_told(&world, "2001:db8:0:ffff::1", "Firefox").await);
    assert!(is_told(&world, "2001:db8:1::1", "Firefox").await);
    // Other users have logins of their own.
    world.user("user2").await;
    world.login("user2").await;
    // For 90 days since it was seen last.
    world.clock.advance_seconds(60 * DAY);
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    world.clock.advance_seconds(60 * DAY);
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    assert!(is_told(&world, "10.0.0.1", "Chrome").await);
}

async fn nobody_is_told_where_that_is_off(kind: Kind) {
    let world = world_of(kind, json!({"smtp.url": "smtp://127.0.0.1:1"})).await;
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    assert!(!is_told(&world, "10.0.0.1", "Chrome").await);
    assert_eq!(seen(&world).await, 0);
}

async fn a_login_that_fails_tells_nobody(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    log_in(&world.sso, "10.0.0.1", "Firefox").await;
    execute(&world, "DELETE FROM sso_outbox").await;
    for (password, code) in [("wrong", Code::AuthNotAllowed), ("", Code::AuthNotAllowed)] {
        let request =
            LoginRequest { user_agent: Some("Chrome".to_owned()), ..credentials("user1", password) };
        assert_eq!(refusal(world.sso.login(&ctx_of("CRM", "10.9.9.9"), request).await), code);
    }
    // The right password is not enough where it does not let anybody in.
    execute(&world, "UPDATE sso_user SET is_locked = TRUE").await;
    let request = LoginRequest { user_agent: Some("Chrome".to_owned()), ..credentials("user1", PASSWORD) };
    assert_eq!(refusal(world.sso.login(&ctx_of("CRM", "10.9.9.9"), request).await), Code::AuthLocked);
    assert_eq!(any_rows(&world, "SELECT kind FROM sso_outbox").await.len(), 0);
    assert_eq!(seen(&world).await, 2);
}

async fn who_comes_back_after_a_long_time_is_told(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    assert!(!is_told(&world, "10.0.0.1", "Firefox").await);
    world.clock.advance_seconds(91 * DAY);
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(seen(&world).await, 1);
    assert!(is_told(&world, "10.0.0.1", "Firefox").await);
    assert_eq!(seen(&world).await, 2);
}

async fn a_new_version_of_a_browser_is_no_news(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    let firefox = |version: u32, system: &str| {
        format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    };
    assert!(!is_told(&world, "10.0.0.1", &firefox(120, "X11; Linux x86_64")).await);
    assert!(!is_told(&world, "10.0.0.1", &firefox(121, "X11; Linux x86_64")).await);
    assert!(is_told(&world, "10.0.0.1", &firefox(121, "Windows NT 10.0; Win64; x64")).await);
    assert!(is_told(&world, "10.0.0.1", "curl/8.5").await);
    assert!(is_told(&world, "10.0.0.1", "curl/8.6").await);
}

async fn what_is_seen_is_bounded_and_cleaned_up(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    for number in 0..60 {
        world.clock.advance_seconds(1);
        log_in(&world.sso, "10.0.0.1", &format!("program {number}")).await;
    }
    // And one for that there was a login.
    assert_eq!(seen(&world).await, 51);
    // The last ones are those that stay.
    assert!(!is_told(&world, "10.0.0.1", "program 59").await);
    assert!(!is_told(&world, "10.0.0.1", "program 10").await);
    world.clock.advance_seconds(3601);
    assert!(is_told(&world, "10.0.0.1", "program 9").await);
    world.clock.advance_seconds(91 * DAY);
    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    assert!(cleaned.counts().contains(&("seen_clients", 50)), "{cleaned:?}");
    assert_eq!(seen(&world).await, 1);
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
    world.sso.delete_user_by_id(&ctx(), Actor::Trusted(None), user.user.user_id.as_str()).await.unwrap();
    assert_eq!(seen(&world).await, 0);
}

async fn an_hour_has_ten_emails_at_most(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    assert!(!is_told(&world, "10.0.0.1", "program").await);
    let mut told = 0;
    for number in 0..20 {
        told += u32::from(is_told(&world, "10.0.0.1", &format!("program {number}")).await);
    }
    assert_eq!(told, 10);
    world.clock.advance_seconds(2 * 3600);
    assert!(is_told(&world, "10.0.0.1", "another program").await);
}

async fn the_email_says_what_it_was_and_has_no_link(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let more = json!({"smtp.url": server.url, "login.email_on_new_device": true});
    let world = world_of(kind, more).await;
    log_in(&world.sso, "10.0.0.1", "Firefox").await;
    let windows =
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    log_in(&world.sso, "10.7.7.7", windows).await;
    let mail = server.email(1).await;
    assert!(mail.contains("user1@example.com"), "{mail}");
    for text in ["2026-02-25 12:00:00 UTC", "10.7.7.7", "Chrome on Windows"] {
        assert!(mail.contains(text), "{mail}");
    }
    log_in(&world.sso, "10.7.7.7", "see https://evil.example now").await;
    let mail = server.email(2).await;
    assert!(mail.contains("evil") && !mail.contains("evil.example") && !mail.contains("https://"), "{mail}");
}

async fn trusted_code_tells_nobody(kind: Kind) {
    let world = world_of(kind, nowhere()).await;
    log_in(&world.sso, "10.0.0.1", "Firefox").await;
    let request =
        LoginRequest { skip_sec: true, user_agent: Some("Chrome".to_owned()), ..credentials("user1", "") };
    world.sso.login(&ctx_of("CRM", "10.9.9.9"), request).await.unwrap();
    assert_eq!(any_rows(&world, "SELECT kind FROM sso_outbox WHERE kind = 'new-device'").await.len(), 0);
}
