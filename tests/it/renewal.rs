//! Renewals that are written together: each caller gets what it would have got alone.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row};
use tokio::task::JoinSet;
use zato_sso::domain::{Code, Ust};
use zato_sso::ops::SessionListing;
use zato_sso::store::statements;

use crate::support::{Kind, World, ctx, ctx_of, execute, refusal};

on_both_databases! {
    many_sessions_renewed_at_once_are_all_renewed;
    one_session_renewed_many_times_at_once_counts_each;
    a_renewal_that_was_asked_for_first_and_written_last_stands_last;
    a_session_that_is_gone_fails_for_its_own_caller_only;
    callers_that_go_away_take_nobody_along;
    a_change_by_hand_in_between_fails_for_nobody_else;
}

async fn listing(world: &World, ust: &Ust) -> SessionListing {
    let session_id = world.sso.get_current_session(&ctx(), ust).await.unwrap().session.session_id;
    let all = world.sso.list_sessions(&ctx(), ust, None).await.unwrap();
    all.into_iter().find(|entry| entry.session.session_id == session_id).unwrap()
}

async fn logins(world: &World, count: usize) -> Vec<Ust> {
    world.user("user").await;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(world.login("user").await.ust);
    }
    all
}

async fn many_sessions_renewed_at_once_are_all_renewed(kind: Kind) {
    let world = World::new(kind).await;
    let all = logins(&world, 40).await;
    world.clock.advance_seconds(60);
    let mut renewals = JoinSet::new();
    for (number, ust) in all.iter().cloned().enumerate() {
        let sso = world.sso.clone();
        renewals.spawn(async move {
            let (ctx, agent) = (ctx_of("CRM", &format!("10.1.1.{number}")), format!("agent {number}"));
            sso.renew_session(&ctx, &ust, Some(&agent)).await.unwrap()
        });
    }
    let end = renewals.join_all().await[0];
    for (number, ust) in all.iter().enumerate() {
        let entry = listing(&world, ust).await;
        assert_eq!(entry.session.expiration_time, end);
        assert_eq!(entry.session.state_change_count, 2);
        assert_eq!(entry.state_changes[1].remote_addr, format!("10.1.1.{number}"));
        assert_eq!(entry.state_changes[1].user_agent, Some(format!("agent {number}")));
    }
}

async fn one_session_renewed_many_times_at_once_counts_each(kind: Kind) {
    let world = World::new(kind).await;
    let ust = logins(&world, 1).await.remove(0);
    let mut renewals = JoinSet::new();
    for number in 0..20 {
        let (sso, ust) = (world.sso.clone(), ust.clone());
        renewals.spawn(async move {
            sso.renew_session(&ctx_of("CRM", &format!("10.1.1.{number}")), &ust, None).await.unwrap()
        });
    }
    renewals.join_all().await;
    let entry = listing(&world, &ust).await;
    assert_eq!(entry.session.state_change_count, 21);
    let idx: Vec<_> = entry.state_changes.iter().map(|change| change.idx).collect();
    assert_eq!(idx, (1..=21).collect::<Vec<_>>());
    let mut from: Vec<_> = entry.state_changes[1..].iter().map(|change| &change.remote_addr).collect();
    from.sort();
    from.dedup();
    assert_eq!(from.len(), 20);
}

async fn a_renewal_that_was_asked_for_first_and_written_last_stands_last(kind: Kind) {
    let world = World::new(kind).await;
    let ust = logins(&world, 1).await.remove(0);
    for seconds in [10, -2, -2] {
        world.clock.advance_seconds(seconds);
        world.sso.renew_session(&ctx(), &ust, None).await.unwrap();
    }
    let entry = listing(&world, &ust).await;
    let idx: Vec<_> = entry.state_changes.iter().map(|change| change.idx).collect();
    assert_eq!(idx, [1, 2, 3, 4]);
}

async fn a_session_that_is_gone_fails_for_its_own_caller_only(kind: Kind) {
    let world = World::new(kind).await;
    let all = logins(&world, 20).await;
    let mut outcomes = JoinSet::new();
    for (number, ust) in all.iter().cloned().enumerate() {
        let sso = world.sso.clone();
        outcomes.spawn(async move {
            if number % 2 == 0 {
                sso.logout(&ctx(), &ust).await.unwrap();
                assert_eq!(refusal(sso.renew_session(&ctx(), &ust, None).await), Code::SessionNoSuchSession);
            } else {
                sso.renew_session(&ctx(), &ust, None).await.unwrap();
            }
        });
    }
    outcomes.join_all().await;
}

async fn callers_that_go_away_take_nobody_along(kind: Kind) {
    let world = World::new(kind).await;
    let all = logins(&world, 8).await;
    let mut callers = JoinSet::new();
    for number in 0..160_u64 {
        let (sso, ust) = (world.sso.clone(), all[number as usize % all.len()].clone());
        callers.spawn(async move {
            // Some at once, some later, some never.
            let patience = Duration::from_micros(if number % 3 == 0 { 10_000_000 } else { number * 20 });
            let outcome = tokio::time::timeout(patience, sso.renew_session(&ctx(), &ust, None)).await;
            if number % 3 == 0 {
                outcome.unwrap().unwrap();
            }
        });
    }
    callers.join_all().await;
    for ust in &all {
        world.sso.renew_session(&ctx(), ust, None).await.unwrap();
        let entry = listing(&world, ust).await;
        // What is counted stands in the history, whoever went away.
        assert_eq!(entry.session.state_change_count, entry.state_changes.len() as i64);
    }
    world.sso.close().await;
}

async fn a_change_by_hand_in_between_fails_for_nobody_else(kind: Kind) {
    let world = World::new(kind).await;
    let all = logins(&world, 2).await;
    // Known from the cache, and not there any more.
    let gone = world.sso.get_current_session(&ctx(), &all[0]).await.unwrap().session.session_id;
    let hex = gone.0.simple().to_string();
    let digits = match kind {
        Kind::Sqlite => format!("x'{hex}'"),
        Kind::Postgres => format!("'{hex}'"),
    };
    execute(&world, &format!("DELETE FROM sso_session WHERE session_id = {digits}")).await;
    let ctx = ctx();
    let (one, other) = tokio::join!(
        world.sso.renew_session(&ctx, &all[0], None),
        world.sso.renew_session(&ctx, &all[1], None),
    );
    assert_eq!(refusal(one), Code::SessionNoSuchSession);
    other.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_on_postgresql_finds_its_session_by_the_index() {
    let world = World::new(Kind::Postgres).await;
    let user = world.user("user1").await;
    let sessions = format!(
        "INSERT INTO sso_session (session_id, ust_digest, user_id, creation_time, expiration_time, remote_addr, \
         auth_type, auth_principal, state_change_count) SELECT gen_random_uuid(), sha256(i::text::bytea), '{}', 1, \
         9000000000000000, '', 'default', 'user1', 1 FROM generate_series(1, 10000) AS i",
        user.user_id
    );
    execute(&world, &sessions).await;
    execute(&world, "ANALYZE sso_session").await;
    let text =
        statements().into_iter().find(|(name, _)| name.ends_with("renewal::RENEW_POSTGRES")).unwrap().1;
    let given = serde_json::json!([{"session_id": "0".repeat(32), "expiration_time": 1, "change_time": 1}]);
    let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
    let query = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN {text}"))).bind(given.to_string());
    let rows = query.bind("renew").bind(100_i64).fetch_all(&mut conn).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(!plan.iter().any(|line| line.contains("Seq Scan on sso_session ")), "{}", plan.join("\n"));
}
