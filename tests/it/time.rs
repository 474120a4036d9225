//! A clock that is set back, or was ahead: what has ended stays so, and nobody is shut out.

use std::sync::Arc;

use serde_json::json;
use zato_sso::domain::{Code, Error, ManualClock, Password, Ust};
use zato_sso::ops::Sso;

use crate::login::{code_of, totp_code, totp_user, with_code};
use crate::support::{Kind, PASSWORD, START, World, any_rows, config, credentials, ctx, parts, refusal};

on_both_databases! {
    a_session_past_its_limit_stays_so_when_the_clock_is_set_back;
    a_session_that_nobody_has_asked_for_stays_ended_as_well;
    what_has_ended_stays_so_for_processes_that_start_later;
    what_has_ended_stays_so_on_nodes_whose_clock_is_behind;
    a_delay_is_no_longer_than_it_was;
    a_delay_of_a_clock_that_was_ahead_ends;
    a_renewal_shortens_no_session;
    a_code_that_was_used_ahead_of_time_shuts_nobody_out;
    a_key_is_enrolled_by_a_code_of_the_time_that_it_is;
    the_time_is_written_rarely_and_by_no_check;
    without_the_time_that_is_kept_all_is_as_the_clock_says;
}

const HOUR: i64 = 3_600;

async fn verify(sso: &Sso, ust: &Ust) -> Result<(), Error> {
    sso.get_current_user(&ctx(), ust, false).await.map(drop)
}

/// The database once more, with another clock, as on another node.
async fn elsewhere(world: &World, seconds: i64, more: serde_json::Value) -> (Sso, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START.plus_seconds(seconds)));
    let sso = Sso::open_with(config(&world.db.url, more), parts(&clock)).await.unwrap();
    (sso, clock)
}

/// A session of at most two hours.
async fn limited(kind: Kind) -> (World, Ust) {
    let world = World::with(kind, json!({"session.max_lifetime": 2, "session.expiry": 10_000})).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    (world, ust)
}

async fn a_session_past_its_limit_stays_so_when_the_clock_is_set_back(kind: Kind) {
    let (world, ust) = limited(kind).await;
    world.clock.advance_seconds(2 * HOUR - 1);
    verify(&world.sso, &ust).await.unwrap();
    world.clock.advance_seconds(2);
    assert_eq!(refusal(verify(&world.sso, &ust).await), Code::SessionExpired);
    for step in [-HOUR, -HOUR, 5, -30 * 86_400, HOUR] {
        world.clock.advance_seconds(step);
        assert_eq!(refusal(verify(&world.sso, &ust).await), Code::SessionExpired, "{step}");
        let renewed = world.sso.renew_session(&ctx(), &ust, None).await;
        assert_eq!(refusal(renewed), Code::SessionExpired, "{step}");
    }
    // Others work as they should meanwhile.
    let fresh = world.login("user1").await.ust;
    verify(&world.sso, &fresh).await.unwrap();
    world.clock.advance_seconds(2 * HOUR + 600);
    assert_eq!(refusal(verify(&world.sso, &fresh).await), Code::SessionExpired);
}

async fn a_session_that_nobody_has_asked_for_stays_ended_as_well(kind: Kind) {
    let (world, ust) = limited(kind).await;
    world.clock.advance_seconds(2 * HOUR + 1);
    world.clock.advance_seconds(-HOUR);
    assert_eq!(refusal(verify(&world.sso, &ust).await), Code::SessionExpired);
}

async fn what_has_ended_stays_so_for_processes_that_start_later(kind: Kind) {
    let (world, ust) = limited(kind).await;
    world.clock.advance_seconds(2 * HOUR + 2);
    assert_eq!(refusal(verify(&world.sso, &ust).await), Code::SessionExpired);
    world.sso.close().await;
    for _ in 0..2 {
        let (sso, clock) = elsewhere(&world, HOUR, json!({"session.max_lifetime": 2})).await;
        assert_eq!(refusal(verify(&sso, &ust).await), Code::SessionExpired);
        let warnings = sso.warnings().join("\n");
        assert!(warnings.contains("this machine's clock is 36"), "{warnings}");
        clock.advance_seconds(60);
        let fresh = sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap().ust;
        verify(&sso, &fresh).await.unwrap();
        sso.close().await;
    }
    // Once the clock is right there is no trace.
    let (sso, _) = elsewhere(&world, 3 * HOUR, json!({})).await;
    assert!(sso.warnings().iter().all(|warning| !warning.contains("clock")), "{:?}", sso.warnings());
    assert_eq!(sso.now(), START.plus_seconds(3 * HOUR));
}

async fn what_has_ended_stays_so_on_nodes_whose_clock_is_behind(kind: Kind) {
    let (world, ust) = limited(kind).await;
    // What a node writes when it is opened; the others take it up within a minute, or when they start.
    let (ahead, _) = elsewhere(&world, 2 * HOUR + 2, json!({"session.max_lifetime": 2})).await;
    assert_eq!(refusal(verify(&ahead, &ust).await), Code::SessionExpired);
    let (behind, _) = elsewhere(&world, HOUR, json!({"session.max_lifetime": 2})).await;
    assert_eq!(refusal(verify(&behind, &ust).await), Code::SessionExpired);
}

async fn fail(sso: &Sso) -> Result<(), Error> {
    sso.login(&ctx(), credentials("user1", "wrong")).await.map(drop)
}

fn retry_after(outcome: Result<(), Error>) -> u64 {
    match outcome {
        Err(Error::RateLimited { retry_after }) => retry_after.as_secs(),
        other => panic!("expected E005009, not {other:?}"),
    }
}

/// Wrong passwords until the delay is 8 seconds.
async fn delayed(world: &World) {
    world.user("user1").await;
    for delay in [0, 0, 0, 0, 0, 1, 2, 4] {
        world.clock.advance_seconds(delay);
        assert_eq!(refusal(fail(&world.sso).await), Code::AuthNotAllowed);
    }
    assert_eq!(retry_after(fail(&world.sso).await), 8);
}

async fn a_delay_is_no_longer_than_it_was(kind: Kind) {
    let world = World::new(kind).await;
    delayed(&world).await;
    world.clock.advance_seconds(-HOUR);
    assert!(retry_after(fail(&world.sso).await) <= 8);
    world.clock.advance_seconds(4);
    assert!(retry_after(fail(&world.sso).await) <= 4);
    world.clock.advance_seconds(5);
    world.login("user1").await;
    // The same for a process that starts after the clock was set back.
    let world = World::new(kind).await;
    delayed(&world).await;
    world.sso.close().await;
    let (sso, clock) = elsewhere(&world, -HOUR, json!({})).await;
    assert!(retry_after(fail(&sso).await) <= 8);
    clock.advance_seconds(9);
    sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap();
}

async fn a_delay_of_a_clock_that_was_ahead_ends(kind: Kind) {
    let world = World::new(kind).await;
    delayed(&world).await;
    // Nothing is kept: the process was killed, say.
    let (sso, _) = elsewhere(&world, -HOUR, json!({"database.keep_time": false})).await;
    assert_eq!(refusal(fail(&sso).await), Code::AuthNotAllowed);
    assert!((1..=16).contains(&retry_after(fail(&sso).await)));
}

async fn a_renewal_shortens_no_session(kind: Kind) {
    let world = World::with(kind, json!({"session.expiry": 60})).await;
    world.user("user1").await;
    let info = world.login("user1").await;
    // By a node that is configured otherwise, or whose clock is behind.
    for (seconds, more) in [
        (0, json!({"session.expiry": 10})),
        (-1_800, json!({"session.expiry": 60, "database.keep_time": false})),
    ] {
        let (sso, _) = elsewhere(&world, seconds, more).await;
        let end = sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
        assert_eq!(end, info.expiration_time);
        let view = world.sso.get_current_session(&ctx(), &info.ust).await.unwrap();
        assert_eq!(view.session.expiration_time, info.expiration_time);
    }
    world.clock.advance_seconds(600);
    let end = world.sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    assert_eq!(end, info.expiration_time.plus_seconds(600));
}

async fn a_code_that_was_used_ahead_of_time_shuts_nobody_out(kind: Kind) {
    let world = World::with(kind, json!({"login_throttle.enabled": false})).await;
    totp_user(&world).await;
    let login = async |code: &str| world.sso.login(&ctx(), with_code(code)).await;
    // An hour and ten steps ahead.
    world.clock.advance_seconds(HOUR + 300);
    login(&totp_code(130)).await.unwrap();
    world.clock.advance_seconds(-HOUR - 300);
    for step in [0, 1] {
        login(&totp_code(step)).await.unwrap();
        assert_eq!(refusal(login(&totp_code(step)).await), Code::AuthNotAllowed, "{step}");
    }
    assert_eq!(refusal(login(&totp_code(0)).await), Code::AuthNotAllowed);
    // Its time comes, and it was used.
    world.clock.advance_seconds(HOUR + 300);
    assert_eq!(refusal(login(&totp_code(130)).await), Code::AuthNotAllowed);
    login(&totp_code(131)).await.unwrap();
    // Where clocks are right, a code is good for nothing once a later one was used.
    assert_eq!(refusal(login(&totp_code(129)).await), Code::AuthNotAllowed);
}

async fn a_key_is_enrolled_by_a_code_of_the_time_that_it_is(kind: Kind) {
    let world = World::with(kind, json!({"session.max_per_user": 1})).await;
    world.user("user1").await;
    world.clock.advance_seconds(HOUR);
    world.login("user1").await;
    world.clock.advance_seconds(-HOUR);
    let ust = world.login("user1").await.ust;
    let key = world.sso.begin_totp_enrolment(&ctx(), &ust).await.unwrap().key.expose().to_owned();
    let finish =
        async |step| world.sso.finish_totp_enrolment(&ctx(), &ust, Password::from(code_of(&key, step))).await;
    assert_eq!(refusal(finish(HOUR / 30).await), Code::AuthNotAllowed);
    finish(0).await.unwrap();
    // Entries have that time as well, whatever they are of.
    let ahead = START.plus_seconds(HOUR).as_micros();
    let entries = format!("SELECT op FROM sso_audit WHERE op = 'session.end' AND event_time < {ahead}");
    assert_eq!(any_rows(&world, &entries).await.len(), 1);
}

async fn kept(world: &World) -> Vec<Vec<u8>> {
    any_rows(world, "SELECT value FROM sso_setting WHERE name = 'latest_time'").await
}

async fn the_time_is_written_rarely_and_by_no_check(kind: Kind) {
    let (world, ust) = limited(kind).await;
    let at_start = kept(&world).await;
    assert_eq!(at_start, [START.as_micros().to_string().into_bytes()]);
    for _ in 0..5 {
        world.clock.advance_seconds(300);
        verify(&world.sso, &ust).await.unwrap();
    }
    assert_eq!(kept(&world).await, at_start);
    world.sso.close().await;
    let at_the_end = START.plus_seconds(1_500).as_micros().to_string().into_bytes();
    assert_eq!(kept(&world).await, [at_the_end]);
}

async fn without_the_time_that_is_kept_all_is_as_the_clock_says(kind: Kind) {
    let (world, ust) = limited(kind).await;
    world.clock.advance_seconds(400 * 86_400);
    assert_eq!(refusal(verify(&world.sso, &ust).await), Code::SessionExpired);
    world.sso.close().await;
    let (sso, _) = elsewhere(&world, HOUR, json!({"database.keep_time": false})).await;
    assert_eq!(sso.now(), START.plus_seconds(HOUR));
    assert!(kept(&world).await.is_empty());
    sso.close().await;
    let (sso, _) = elsewhere(&world, HOUR, json!({})).await;
    assert_eq!(sso.now(), START.plus_seconds(HOUR));
}
