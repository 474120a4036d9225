//! What the process counts: operations, hashes, the database, caches, limits, emails, sessions.

use std::time::Duration;

use serde_json::json;
use zato_sso::domain::{Code, NewUser};
use zato_sso::ops::{Actor, Format, Sso};

use crate::smtp::{Manner, SmtpServer};
use crate::support::{Kind, PASSWORD, World, credentials, ctx, new_user, refusal};

on_both_databases! {
    operations_are_counted_by_name_and_outcome;
    what_the_cache_answers_is_counted_too;
    an_operation_whose_caller_has_gone_is_abandoned;
    hashes_and_connections_are_counted;
    the_throttle_and_limits_are_counted;
    emails_are_counted_and_those_that_wait;
    a_database_that_is_away_is_told_and_no_reason_to_fail;
}

/// The value of a sample; 0 where it is not there.
async fn value(sso: &Sso, sample: &str) -> f64 {
    let text = sso.metrics(Format::Prometheus).await;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("zato_sso_{sample} ")));
    line.map_or(0.0, |value| value.parse().unwrap())
}

async fn outcomes(sso: &Sso, operation: &str, outcome: &str) -> f64 {
    value(sso, &format!("operations_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}")).await
}

async fn operations_are_counted_by_name_and_outcome(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.login("user1").await;
    assert_eq!(
        refusal(world.sso.login(&ctx(), credentials("user1", "planted-secret")).await),
        Code::AuthNotAllowed
    );
    assert_eq!(outcomes(&world.sso, "user.create", "ok").await, 1.0);
    assert_eq!(outcomes(&world.sso, "user.login", "ok").await, 1.0);
    assert_eq!(outcomes(&world.sso, "user.login", "refused").await, 1.0);
    assert_eq!(value(&world.sso, "operation_duration_seconds_count{operation=\"user.login\"}").await, 2.0);
    assert_eq!(value(&world.sso, "sessions").await, 1.0);
    let text = world.sso.metrics(Format::OpenMetrics).await;
    assert!(text.ends_with("# EOF\n") && !text.contains("user1") && !text.contains("planted"));
}

async fn what_the_cache_answers_is_counted_too(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("admin1").await;
    let ust = world.login("admin1").await.ust;
    for _ in 0..5 {
        assert!(world.sso.verify_session(&ctx(), &ust, None).await.unwrap());
    }
    assert_eq!(outcomes(&world.sso, "session.verify", "ok").await, 5.0);
    let cached = value(&world.sso, "cached_answers_total{operation=\"session.verify\"}").await;
    let hits = value(&world.sso, "session_cache_hits_total").await;
    let timed = value(&world.sso, "operation_duration_seconds_count{operation=\"session.verify\"}").await;
    assert_eq!(cached + timed, 5.0);
    assert_eq!(cached, hits);
    assert!(value(&world.sso, "session_cache_misses_total").await >= 1.0);
    if kind == Kind::Sqlite {
        assert_eq!((cached, value(&world.sso, "session_cache_entries").await), (4.0, 1.0));
    }
}

async fn an_operation_whose_caller_has_gone_is_abandoned(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    world.super_user("admin1").await;
    let ust = world.login("admin1").await.ust;
    let context = ctx();
    let mut abandoned = 0.0;
    for _ in 0..20 {
        let reading = world.sso.get_user_by_id(&context, &ust, user.user_id.as_str(), false);
        // It has to wait for the database, unless that is quicker than one look at it, and nobody waits for it.
        tokio::select! {
            biased;
            _ = reading => {}
            () = std::future::ready(()) => abandoned += 1.0,
        }
    }
    assert!(abandoned > 0.0);
    assert_eq!(outcomes(&world.sso, "user.get_by_id", "abandoned").await, abandoned);
}

async fn hashes_and_connections_are_counted(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.login("user1").await;
    assert_eq!(value(&world.sso, "hash_duration_seconds_count").await, 2.0);
    assert_eq!(value(&world.sso, "hash_wait_seconds_count").await, 2.0);
    assert!(value(&world.sso, "hash_threads").await >= 1.0);
    assert_eq!(value(&world.sso, "hash_threads_busy").await, 0.0);
    assert_eq!(value(&world.sso, "hash_waiting{for=\"login\"}").await, 0.0);
    assert!(value(&world.sso, "database_wait_seconds_count{for=\"write\"}").await >= 2.0);
    assert!(value(&world.sso, "database_connections{state=\"idle\"}").await >= 1.0);
    let max = value(&world.sso, "database_connections_max").await;
    assert_eq!(max, if kind == Kind::Sqlite { 5.0 } else { 4.0 });
}

async fn the_throttle_and_limits_are_counted(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    for _ in 0..6 {
        world.sso.login(&ctx(), credentials("user1", "wrong")).await.unwrap_err();
    }
    assert_eq!(value(&world.sso, "throttle_failures_total").await, 5.0);
    assert_eq!(value(&world.sso, "throttle_refusals_total").await, 1.0);
    assert_eq!(outcomes(&world.sso, "user.login", "rate_limited").await, 1.0);
    let new = NewUser {
        is_rate_limit_active: Some(true),
        rate_limit_def: Some("*=1/d".to_owned()),
        ..new_user("user2")
    };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.login("user2").await;
    world.sso.login(&ctx(), credentials("user2", PASSWORD)).await.unwrap_err();
    assert_eq!(value(&world.sso, "rate_limit_refusals_total").await, 1.0);
}

async fn emails_are_counted_and_those_that_wait(kind: Kind) {
    let server = SmtpServer::new(Manner::Kind).await;
    let world = World::with(kind, json!({"smtp.url": server.url})).await;
    let new = NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.create_reset_token(&ctx(), "user1", None).await.unwrap();
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while value(&world.sso, "emails_total{outcome=\"sent\"}").await < 1.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    patience.await.unwrap();
    drop(world);
    // Nobody sends what waits here.
    let world = World::with(kind, json!({"smtp.url": "smtp://127.0.0.1:1"})).await;
    let new = NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    world.sso.create_reset_token(&ctx(), "user1", None).await.unwrap();
    assert_eq!(value(&world.sso, "email_queue").await, 1.0);
    // What is asked for becomes an email when it is looked at.
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while value(&world.sso, "email_queue_age_seconds").await < 90.0 {
            world.clock.advance_seconds(30);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    patience.await.unwrap();
}

async fn a_database_that_is_away_is_told_and_no_reason_to_fail(kind: Kind) {
    let world = World::new(kind).await;
    assert_eq!(value(&world.sso, "database_up").await, 1.0);
    world.sso.close().await;
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while value(&world.sso, "database_up").await > 0.0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    patience.await.unwrap();
    let text = world.sso.metrics(Format::Prometheus).await;
    assert!(text.contains("zato_sso_audit_writable 1\n") && !text.contains("zato_sso_sessions "));
}
