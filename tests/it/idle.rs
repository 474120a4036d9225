//! Sessions that end because nobody uses them.

use std::collections::BTreeSet;

use serde_json::json;
use zato_sso::domain::{Code, Error, Password, Ust};
use zato_sso::ops::{Actor, Asker, LoginRequest, NewSiteSession, Sso};

use crate::support::{
    Kind, PASSWORD, START, World, any_rows, config, credentials, ctx, execute, parts, refusal, trusted_site,
};

on_both_databases! {
    a_session_ends_that_nobody_uses;
    nothing_ends_where_that_is_off;
    a_renewal_is_a_use_and_so_is_a_fresh_login;
    a_session_that_others_verify_is_used;
    who_looks_at_a_session_does_not_use_it;
    uses_are_written_only_now_and_then;
    other_processes_know_of_uses_and_all_say_the_same;
    what_is_not_used_is_neither_listed_nor_ended_nor_counted;
    a_session_of_a_site_is_the_site_s;
    what_was_idle_stays_so_when_the_clock_is_set_back;
    a_clock_that_was_ahead_keeps_nobody_logged_in;
    a_use_that_cannot_be_written_rejects_nobody;
    it_is_so_without_a_cache_too;
}

const MINUTE: i64 = 60;

fn ten_minutes() -> serde_json::Value {
    json!({"session.idle_timeout": 10, "session.expiry": 1000})
}

async fn stage(kind: Kind) -> (World, Ust) {
    let world = World::with(kind, ten_minutes()).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    (world, ust)
}

async fn used(sso: &Sso, ust: &Ust) -> Result<(), Error> {
    sso.get_current_user(&ctx(), ust, false).await.map(drop)
}

async fn written(world: &World) -> String {
    let sql = "SELECT COALESCE(CAST(last_use AS TEXT), 'none') FROM sso_session";
    String::from_utf8(any_rows(world, sql).await.remove(0)).unwrap()
}

async fn a_session_ends_that_nobody_uses(kind: Kind) {
    let (world, ust) = stage(kind).await;
    for _ in 0..5 {
        world.clock.advance_seconds(9 * MINUTE);
        used(&world.sso, &ust).await.unwrap();
    }
    world.clock.advance_seconds(10 * MINUTE - 1);
    used(&world.sso, &ust).await.unwrap();
    world.clock.advance_seconds(10 * MINUTE);
    for _ in 0..2 {
        assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired);
        assert_eq!(refusal(world.sso.renew_session(&ctx(), &ust, None).await), Code::SessionExpired);
        assert_eq!(
            refusal(world.sso.get_current_session(&ctx(), &ust).await.map(drop)),
            Code::SessionExpired
        );
        assert_eq!(
            refusal(world.sso.reauthenticate(&ctx(), &ust, Password::from(PASSWORD), None).await),
            Code::SessionExpired
        );
        assert_eq!(refusal(world.sso.logout(&ctx(), &ust).await), Code::AuthNotAllowed);
    }
}

async fn nothing_ends_where_that_is_off(kind: Kind) {
    let world = World::with(kind, json!({"session.expiry": 1000})).await;
    world.user("user1").await;
    let ust = world.login("user1").await.ust;
    for _ in 0..3 {
        world.clock.advance_seconds(300 * MINUTE);
        used(&world.sso, &ust).await.unwrap();
    }
    assert_eq!(written(&world).await, "none");
}

async fn a_renewal_is_a_use_and_so_is_a_fresh_login(kind: Kind) {
    let (world, ust) = stage(kind).await;
    for _ in 0..3 {
        world.clock.advance_seconds(9 * MINUTE);
        world.sso.renew_session(&ctx(), &ust, None).await.unwrap();
        world.clock.advance_seconds(9 * MINUTE);
        world.sso.reauthenticate(&ctx(), &ust, Password::from(PASSWORD), None).await.unwrap();
    }
    // A limit for good holds all the same.
    let more = json!({"session.idle_timeout": 10, "session.expiry": 1000, "session.max_lifetime": 1});
    let limited = world.reopened(more).await;
    world.clock.advance_seconds(9 * MINUTE);
    assert_eq!(refusal(used(&limited, &ust).await), Code::SessionExpired);
}

async fn a_session_that_others_verify_is_used(kind: Kind) {
    let (world, ust) = stage(kind).await;
    world.super_user("root1").await;
    let root = world.login("root1").await.ust;
    for _ in 0..5 {
        world.clock.advance_seconds(9 * MINUTE);
        assert!(world.sso.verify_session(&ctx(), &root, &ust).await.unwrap());
        // Once it is written, the fast path has the answer.
        world.sso.verify_session(&ctx(), &root, &ust).await.unwrap();
        let fast = world.sso.verify_session_fast(Asker::from(&ctx()), ust.expose(), root.expose());
        assert!(fast == Some(true) || kind == Kind::Postgres, "{fast:?}");
    }
    world.clock.advance_seconds(9 * MINUTE);
    used(&world.sso, &root).await.unwrap();
    world.clock.advance_seconds(MINUTE);
    assert!(!world.sso.verify_session(&ctx(), &root, &ust).await.unwrap());
    assert!(world.sso.verify_session(&ctx(), &root, &root).await.unwrap());
}

async fn who_looks_at_a_session_does_not_use_it(kind: Kind) {
    let (world, ust) = stage(kind).await;
    world.super_user("root1").await;
    let root = world.login("root1").await.ust;
    for _ in 0..2 {
        world.clock.advance_seconds(4 * MINUTE);
        world.sso.get_session(&ctx(), &root, Some(&ust), true).await.unwrap();
        assert_eq!(world.sso.list_sessions(&ctx(), &root, Some(&ust)).await.unwrap().len(), 1);
    }
    world.clock.advance_seconds(2 * MINUTE);
    assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired);
    used(&world.sso, &root).await.unwrap();
}

async fn uses_are_written_only_now_and_then(kind: Kind) {
    let (world, ust) = stage(kind).await;
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        world.clock.advance_seconds(1);
        used(&world.sso, &ust).await.unwrap();
        seen.insert(written(&world).await);
    }
    // In half of the timeout: one in thirty seconds, and none before the first of them.
    assert_eq!(seen.len(), 11, "{seen:?}");
    // Many at the same time are one, wherever they are.
    let count: &[&str] = if kind == Kind::Sqlite {
        &[
            "CREATE TRIGGER count_use AFTER UPDATE OF last_use ON sso_session BEGIN INSERT INTO uses VALUES (1); END",
        ]
    } else {
        &[
            "CREATE FUNCTION count_use() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO uses VALUES (1); RETURN NULL; END $$",
            "CREATE TRIGGER count_use AFTER UPDATE OF last_use ON sso_session \
             FOR EACH ROW EXECUTE FUNCTION count_use()",
        ]
    };
    execute(&world, "CREATE TABLE uses (number BIGINT)").await;
    for statement in count {
        execute(&world, statement).await;
    }
    let other = world.reopened(ten_minutes()).await;
    world.clock.advance_seconds(5 * MINUTE);
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let sso = if number % 2 == 0 { world.sso.clone() } else { other.clone() };
            let ust = ust.clone();
            tokio::spawn(async move { used(&sso, &ust).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(written(&world).await, START.plus_seconds(10 * MINUTE).as_micros().to_string());
    assert_eq!(any_rows(&world, "SELECT CAST(number AS TEXT) FROM uses").await.len(), 1);
}

async fn other_processes_know_of_uses_and_all_say_the_same(kind: Kind) {
    let (world, ust) = stage(kind).await;
    let other = world.reopened(ten_minutes()).await;
    used(&other, &ust).await.unwrap();
    for _ in 0..4 {
        world.clock.advance_seconds(6 * MINUTE);
        used(&world.sso, &ust).await.unwrap();
    }
    used(&other, &ust).await.unwrap();
    // A use that was not worth writing keeps it open nowhere.
    world.clock.advance_seconds(20);
    used(&world.sso, &ust).await.unwrap();
    world.clock.advance_seconds(10 * MINUTE - 20);
    for sso in [&world.sso, &other, &world.sso] {
        assert_eq!(refusal(used(sso, &ust).await), Code::SessionExpired);
    }
}

async fn what_is_not_used_is_neither_listed_nor_ended_nor_counted(kind: Kind) {
    let (world, ust) = stage(kind).await;
    let user_id = world.sso.get_current_user(&ctx(), &ust, false).await.unwrap().user.user_id.clone();
    let old = world.sso.list_sessions(&ctx(), &ust, None).await.unwrap()[0].session.session_id.to_string();
    world.clock.advance_seconds(10 * MINUTE);
    let ust = world.login("user1").await.ust;
    assert_eq!(world.sso.list_sessions(&ctx(), &ust, None).await.unwrap().len(), 1);
    let trusted = Actor::Trusted(None);
    let listed = world.sso.list_sessions_of_user(&ctx(), &trusted, user_id.as_str()).await.unwrap();
    assert_eq!(listed.len(), 1);
    let ended = world.sso.end_session(&ctx(), &ust, &old, None).await;
    assert_eq!(refusal(ended), Code::SessionNoSuchSession);
    let ended = world.sso.end_all_sessions(&ctx(), &ust, None, false).await.unwrap();
    assert_eq!((ended.count, ended.sessions.len()), (1, 1));
}

async fn a_session_of_a_site_is_the_site_s(kind: Kind) {
    let (world, _) = stage(kind).await;
    world.sso.create_site(&ctx(), trusted_site("shop")).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let user = world.sso.get_user_by_username(&ctx(), "user1", false).await.unwrap().unwrap();
    let identities = world.sso.list_identities(&ctx(), user.user.user_id.as_str()).await.unwrap();
    let token = identities[0].identity_token.to_string();
    let new = NewSiteSession { lifetime: Some(86_400), ..NewSiteSession::default() };
    let session = world.sso.start_site_session(&ctx(), &site, &token, new).await.unwrap();
    world.clock.advance_seconds(60 * MINUTE);
    world.sso.get_site_session(&ctx(), &site, &session.sso_session_token).await.unwrap();
    let ust = world.login("user1").await.ust;
    assert_eq!(world.sso.list_sessions(&ctx(), &ust, None).await.unwrap().len(), 2);
}

async fn what_was_idle_stays_so_when_the_clock_is_set_back(kind: Kind) {
    let (world, ust) = stage(kind).await;
    world.clock.advance_seconds(10 * MINUTE);
    assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired);
    for step in [-5 * MINUTE, -60 * MINUTE, 1] {
        world.clock.advance_seconds(step);
        assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired, "{step}");
    }
}

async fn a_clock_that_was_ahead_keeps_nobody_logged_in(kind: Kind) {
    let (world, ust) = stage(kind).await;
    let ahead = std::sync::Arc::new(zato_sso::domain::ManualClock::new(START.plus_seconds(5 * MINUTE)));
    let other = Sso::open_with(config(&world.db.url, ten_minutes()), parts(&ahead)).await.unwrap();
    used(&other, &ust).await.unwrap();
    // Here that is not yet; it is no more than the difference of the clocks.
    world.clock.advance_seconds(14 * MINUTE);
    used(&world.sso, &ust).await.unwrap();
    world.clock.advance_seconds(10 * MINUTE);
    assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired);
}

async fn a_use_that_cannot_be_written_rejects_nobody(kind: Kind) {
    let (world, ust) = stage(kind).await;
    let refuse = if kind == Kind::Sqlite {
        "CREATE TRIGGER refuse BEFORE UPDATE ON sso_session BEGIN SELECT RAISE(ABORT, 'full'); END"
    } else {
        "ALTER TABLE sso_session ADD CONSTRAINT refuse CHECK (last_use IS NULL) NOT VALID"
    };
    execute(&world, refuse).await;
    world.clock.advance_seconds(9 * MINUTE);
    used(&world.sso, &ust).await.unwrap();
    used(&world.sso, &ust).await.unwrap();
    assert_eq!(written(&world).await, "none");
    world.clock.advance_seconds(MINUTE);
    let other = world.reopened(ten_minutes()).await;
    assert_eq!(refusal(used(&other, &ust).await), Code::SessionExpired);
}

async fn it_is_so_without_a_cache_too(kind: Kind) {
    let mut more = ten_minutes();
    more["session.cache"] = json!("off");
    let world = World::with(kind, more).await;
    world.user("user1").await;
    let request = LoginRequest { skip_sec: true, ..credentials("user1", "") };
    let ust = world.sso.login(&ctx(), request).await.unwrap().ust;
    for _ in 0..3 {
        world.clock.advance_seconds(9 * MINUTE);
        used(&world.sso, &ust).await.unwrap();
    }
    world.clock.advance_seconds(10 * MINUTE);
    assert_eq!(refusal(used(&world.sso, &ust).await), Code::SessionExpired);
}
