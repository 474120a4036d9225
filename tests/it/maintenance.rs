//! Maintenance: what has expired is deleted, what has not is not, and nobody is in the way of anybody.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use zato_sso::domain::{Clock as _, Code, ExpiringPassword};
use zato_sso::ops::{Cleaned, HookError, HookFuture, Hooks, Sso};
use zato_sso::store::statements;

use crate::support::{Kind, PASSWORD, START, World, any_rows, credentials, ctx, execute, refusal};

on_both_databases! {
    what_has_expired_is_deleted_and_what_has_not_is_left;
    many_rows_go_in_several_batches_while_users_log_in;
    several_at_once_share_the_work;
    a_session_that_is_renewed_meanwhile_stays;
    it_runs_in_the_background_until_closed;
    nothing_is_read_from_end_to_end;
    whose_password_expires_soon_is_listed_in_order;
    the_hook_hears_of_each_user_once;
    of_several_processes_one_tells_the_hook;
}

/// A random id and a random digest, as the databases make them.
fn random(world: &World) -> (&'static str, &'static str) {
    if world.db.url.starts_with("sqlite") {
        ("randomblob(16)", "randomblob(32)")
    } else {
        ("gen_random_uuid()", "sha256(gen_random_uuid()::text::bytea)")
    }
}

/// So many sessions that ended a second ago.
async fn add_expired_sessions(world: &World, user_id: &str, number: u32) {
    let (id, digest) = random(world);
    let end = START.as_micros() - 1_000_000;
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) \
         INSERT INTO sso_session (session_id, ust_digest, user_id, creation_time, expiration_time, remote_addr, \
         auth_type, auth_principal, state_change_count) \
         SELECT {id}, {digest}, '{user_id}', 0, {end}, '', 'default', 'user1', 1 FROM n"
    );
    execute(world, &sql).await;
}

async fn count(world: &World, table: &str) -> usize {
    any_rows(world, &format!("SELECT remote_addr FROM {table}")).await.len()
}

fn number(cleaned: &Cleaned, name: &str) -> u64 {
    cleaned.counts().iter().find(|(kind, _)| *kind == name).unwrap().1
}

async fn what_has_expired_is_deleted_and_what_has_not_is_left(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    let user_id = user.user_id.as_str();
    let session = world.login("user1").await;
    let (id, digest) = random(&world);
    let now = START.as_micros();
    let columns = "site_id, subdomain, public_key, private_key_digest, is_active, creation_time";
    execute(&world, &format!("INSERT INTO sso_site ({columns}) VALUES ({id}, 'a', {id}, {digest}, TRUE, 0)"))
        .await;
    // What a site has verified an hour ago, at this very moment an hour ago, and a microsecond later.
    for (name, time) in [("user2", 1), ("user3", now - 3_600_000_000), ("user1", now - 3_599_999_999)] {
        if name != "user1" {
            world.user(name).await;
        }
        let sql = format!(
            "INSERT INTO sso_site_verified SELECT site_id, user_id, {time} FROM sso_site, sso_user \
             WHERE username = '{name}'"
        );
        execute(&world, &sql).await;
    }
    for (name, end) in [("user2", 1), ("user3", now), ("user1", now + 1)] {
        let sql = format!(
            "INSERT INTO sso_email_change SELECT user_id, {digest}, {digest}, {digest}, 0, {end} FROM sso_user \
             WHERE username = '{name}'"
        );
        execute(&world, &sql).await;
    }
    // Of each kind: one that ended long ago, one that ends this very moment, one that ends in a microsecond.
    for end in [1, now, now + 1] {
        let attr = format!("'attr{end}', {digest}, FALSE, 0, 0, {end}");
        for sql in [
            format!("INSERT INTO sso_user_attr VALUES ('{user_id}', {attr})"),
            format!("INSERT INTO sso_session_attr SELECT session_id, {attr} FROM sso_session"),
            format!(
                "INSERT INTO sso_browser_code SELECT {digest}, s.site_id, session_id, '', {end} FROM sso_session, sso_site s"
            ),
            format!("INSERT INTO sso_browser_session SELECT {digest}, session_id, 0, {end} FROM sso_session"),
            format!("INSERT INTO sso_throttle VALUES ('login', {digest}, 1, 0, 0, {end})"),
            format!(
                "INSERT INTO sso_password_reset (reset_id, user_id, token_digest, token_expiration, creation_time) \
                 VALUES ({id}, '{user_id}', {digest}, {end}, 0)"
            ),
            // The token is past, the key is not.
            format!(
                "INSERT INTO sso_password_reset (reset_id, user_id, token_digest, token_expiration, creation_time, \
                 reset_key_expiration) VALUES ({id}, '{user_id}', {digest}, 1, 0, {end})"
            ),
        ] {
            execute(&world, &sql).await;
        }
    }
    for end in [1, now, now + 1] {
        let name = format!("waits{end}");
        world.user(&name).await;
        let waits = format!("sign_up_status = 'before_confirmation', sign_up_expiration = {end}");
        execute(&world, &format!("UPDATE sso_user SET {waits} WHERE username = '{name}'")).await;
    }
    add_expired_sessions(&world, user_id, 2).await;
    execute(
        &world,
        "INSERT INTO sso_session_attr SELECT session_id, 'forever', ust_digest, FALSE, 0, 0, \
        253402214400000000 FROM sso_session",
    )
    .await;

    let cleaned = world.sso.clean_up(&ctx()).await.unwrap();
    insta::allow_duplicates! {
        insta::assert_snapshot!(format!("{:?}", cleaned.counts()), @r#"[("user_attributes", 2), ("session_attributes", 2), ("browser_codes", 2), ("browser_sessions", 2), ("openid_codes", 0), ("openid_tokens", 0), ("openid_devices", 0), ("openid_sign_ins", 0), ("openid_requests", 0), ("sessions", 2), ("password_resets", 4), ("site_verifications", 2), ("sign_ups", 2), ("email_changes", 2), ("totp_enrolments", 0), ("passkey_ceremonies", 0), ("passkey_challenges", 0), ("throttle_counters", 2), ("known_places", 0), ("known_devices", 0), ("seen_clients", 0), ("client_secrets", 0), ("used_jwts", 0), ("audit_entries", 0)]"#);
    }
    assert_eq!(cleaned.total(), 22);
    let left = [
        ("sso_user_attr", 1),
        ("sso_session_attr", 2),
        ("sso_browser_code", 1),
        ("sso_browser_session", 1),
        ("sso_session", 1),
        ("sso_password_reset", 2),
        ("sso_site_verified", 1),
        ("sso_email_change", 1),
        ("sso_throttle", 1),
        ("sso_user", 4),
        ("sso_site", 1),
    ];
    for (table, expected) in left {
        let first = if table == "sso_site" { "subdomain" } else { "'x'" };
        let rows = any_rows(&world, &format!("SELECT {first} FROM {table}")).await;
        assert_eq!(rows.len(), expected, "{table}");
    }
    world.sso.get_current_user(&ctx(), &session.ust, false).await.unwrap();

    // A run that finds nothing leaves no entry.
    assert_eq!(world.sso.clean_up(&ctx()).await.unwrap().total(), 0);
    let entries = any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'maintenance.clean_up'").await;
    assert_eq!(entries.len(), 1);
    let extra: serde_json::Value = serde_json::from_slice(&entries[0]).unwrap();
    assert_eq!((&extra["sessions"], &extra["password_resets"]), (&json!("2"), &json!("4")));

    world.clock.advance_seconds(3_600);
    assert_eq!(number(&world.sso.clean_up(&ctx()).await.unwrap(), "sessions"), 1);
    assert_eq!(
        refusal(world.sso.get_current_user(&ctx(), &session.ust, false).await),
        Code::SessionNoSuchSession
    );
}

async fn many_rows_go_in_several_batches_while_users_log_in(kind: Kind) {
    // No login makes room by itself.
    let world = World::with(kind, json!({"session.max_per_user": 0})).await;
    let user = world.user("user1").await;
    add_expired_sessions(&world, user.user_id.as_str(), 10_400).await;
    let sso = world.sso.clone();
    let cleaning = tokio::spawn(async move { sso.clean_up(&ctx()).await });
    let mut sessions = Vec::new();
    let mut left_at_a_login = Vec::new();
    let expired = format!("sso_session WHERE expiration_time < {}", START.as_micros());
    while !cleaning.is_finished() || sessions.len() < 20 {
        sessions.push(world.sso.login(&ctx(), credentials("user1", PASSWORD)).await.unwrap());
        left_at_a_login.push(count(&world, &expired).await);
    }
    // Writers had their turn half-way through, and what was gone by then had gone in whole batches.
    assert!(left_at_a_login.iter().any(|left| (1..10_400).contains(left)), "{left_at_a_login:?}");
    assert!(
        left_at_a_login.iter().all(|left| *left == 0 || (10_400 - left) % 500 == 0),
        "{left_at_a_login:?}"
    );
    assert_eq!(number(&cleaning.await.unwrap().unwrap(), "sessions"), 10_400);
    assert_eq!(count(&world, "sso_session").await, sessions.len());
    for session in sessions {
        world.sso.get_current_user(&ctx(), &session.ust, false).await.unwrap();
    }
}

async fn several_at_once_share_the_work(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    add_expired_sessions(&world, user.user_id.as_str(), 5_000).await;
    let mut total = 0;
    let mut runs = Vec::new();
    for _ in 0..4 {
        let sso = world.reopened(json!({})).await;
        runs.push(tokio::spawn(async move { sso.clean_up(&ctx()).await }));
    }
    for run in runs {
        total += run.await.unwrap().unwrap().total();
    }
    // Each row was deleted by one of them. Rows that one had chosen when it ended were passed over by the others.
    total += world.sso.clean_up(&ctx()).await.unwrap().total();
    assert_eq!((total, count(&world, "sso_session").await), (5_000, 0));
}

async fn a_session_that_is_renewed_meanwhile_stays(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    add_expired_sessions(&world, user.user_id.as_str(), 2).await;
    let renew = format!(
        "UPDATE sso_session SET expiration_time = {} WHERE session_id = (SELECT MIN(CAST(session_id AS TEXT)) FROM \
         sso_session)",
        START.as_micros() + 1
    );
    let renew = if kind == Kind::Sqlite {
        renew.replace("CAST(session_id AS TEXT)", "session_id")
    } else {
        renew.replace("session_id = (", "session_id::text = (")
    };
    let sso = world.sso.clone();
    let pause = || tokio::time::sleep(Duration::from_millis(300));
    let cleaning = if kind == Kind::Sqlite {
        let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query(AssertSqlSafe(renew)).execute(&mut *tx).await.unwrap();
        let cleaning = tokio::spawn(async move { sso.clean_up(&ctx()).await });
        pause().await;
        tx.commit().await.unwrap();
        cleaning
    } else {
        let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        sqlx::query(AssertSqlSafe(renew)).execute(&mut *tx).await.unwrap();
        let cleaning = tokio::spawn(async move { sso.clean_up(&ctx()).await });
        pause().await;
        assert!(cleaning.is_finished(), "it waited for the renewal");
        tx.commit().await.unwrap();
        cleaning
    };
    assert_eq!(cleaning.await.unwrap().unwrap().total(), 1);
    assert_eq!(world.sso.clean_up(&ctx()).await.unwrap().total(), 0);
    assert_eq!(count(&world, "sso_session").await, 1);
}

async fn it_runs_in_the_background_until_closed(kind: Kind) {
    let world = World::with(kind, json!({"cleanup.interval": 1})).await;
    let user = world.user("user1").await;
    let kept = world.login("user1").await;
    add_expired_sessions(&world, user.user_id.as_str(), 3).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while count(&world, "sso_session").await > 1 {
        assert!(tokio::time::Instant::now() < deadline, "nothing was deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.sso.get_current_user(&ctx(), &kept.ust, false).await.unwrap();

    // Closed, or let go of without being closed: either way there is nobody left who would delete.
    world.sso.close().await;
    drop(world.reopened(json!({"cleanup.interval": 1})).await);
    add_expired_sessions(&world, user.user_id.as_str(), 3).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(count(&world, "sso_session").await, 4);
}

/// The plans of what runs again and again: an index leads to the rows, however many others there are.
async fn nothing_is_read_from_end_to_end(kind: Kind) {
    let world = World::new(kind).await;
    let is_ours = |name: &str| {
        name.contains("::maintenance::cleanup::")
            || name.contains("::password::expiry::")
            // Every search asks.
            || name.ends_with("::user::signup::ANY_HIDDEN")
    };
    let of_the_other = if kind == Kind::Sqlite { "_POSTGRES" } else { "_SQLITE" };
    let ours: Vec<_> =
        statements().into_iter().filter(|(name, _)| is_ours(name) && !name.ends_with(of_the_other)).collect();
    assert_eq!(ours.len(), 26);
    for (name, text) in ours {
        let text = text.replace("$1", "5").replace("$2", "6").replace("$3", "'a'").replace("$4", "7");
        let plan: Vec<String> = if kind == Kind::Sqlite {
            let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
            let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            sqlx::query(sql).fetch_all(&mut conn).await.unwrap().iter().map(|row| row.get("detail")).collect()
        } else {
            let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
            // The tables are empty, where reading them whole is cheapest: is there another way?
            sqlx::query("SET enable_seqscan = off").execute(&mut conn).await.unwrap();
            let sql = AssertSqlSafe(format!("EXPLAIN {text}"));
            sqlx::query(sql).fetch_all(&mut conn).await.unwrap().iter().map(|row| row.get(0)).collect()
        };
        let plan = plan.join("\n");
        assert!(!plan.contains("SCAN sso_") && !plan.contains("Seq Scan on sso_"), "{name}: {plan}");
        assert!(plan.contains("expir") || plan.contains("_time"), "{name}: {plan}");
    }
}

async fn whose_password_expires_soon_is_listed_in_order(kind: Kind) {
    let world = World::new(kind).await;
    let day = 86_400_000_000;
    let now = START.as_micros();
    let expiries = [
        ("expired", now),
        ("at-once", now + 1),
        ("tomorrow", now + day),
        ("same-time", now + day),
        ("last", now + 30 * day),
        ("later", now + 30 * day + 1),
    ];
    for (name, expiry) in expiries {
        world.user(name).await;
        execute(&world, &format!("UPDATE sso_user SET password_expiry = {expiry} WHERE username = '{name}'"))
            .await;
    }
    world.user("rejected").await;
    execute(&world, &format!(
        "UPDATE sso_user SET password_expiry = {}, approval_status = 'rejected' WHERE username = 'rejected'", now + day
    )).await;
    let list = async |days, limit| {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = world.sso.list_expiring_passwords(&ctx(), days, after.as_ref(), limit).await.unwrap();
            let Some(last) = page.last().cloned() else { return names };
            names.extend(page.into_iter().map(|user| user.username));
            after = Some(last);
        }
    };
    for limit in [1, 2, 100] {
        let mut names = list(None, limit).await;
        // Of two at the same moment the id decides, which is random.
        names[1..3].sort();
        assert_eq!(names, ["at-once", "same-time", "tomorrow", "last"], "{limit}");
    }
    assert_eq!(list(Some(0), 100).await, Vec::<String>::new());
    assert_eq!(list(Some(1), 100).await.len(), 3);
    assert_eq!(list(Some(31), 100).await.len(), 5);
    for days in [-1, 36_501] {
        let refused = world.sso.list_expiring_passwords(&ctx(), Some(days), None, 1).await;
        assert_eq!(refusal(refused), Code::CommonInvalidInput);
    }
}

/// A hook that writes down whom it is told of.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// The names since this was asked last.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks for Told {
    fn on_password_expiring(&self, users: &[ExpiringPassword]) -> Option<HookFuture<()>> {
        let told = self.clone();
        let names: Vec<String> = users.iter().map(|user| user.username.clone()).collect();
        Some(Box::pin(async move {
            let is_unlucky = names.iter().any(|name| name == "unlucky");
            told.0.lock().unwrap().extend(names);
            if is_unlucky { Err(HookError::new("no luck")) } else { Ok(()) }
        }))
    }
}

async fn expire_in(world: &World, username: &str, days: i64) {
    world.user(username).await;
    let expiry = world.clock.now().plus_days(days).as_micros();
    let sql = format!("UPDATE sso_user SET password_expiry = {expiry} WHERE username = '{username}'");
    execute(world, &sql).await;
}

async fn the_hook_hears_of_each_user_once(kind: Kind) {
    let told = Told::default();
    let world = World::with_hooks(kind, json!({}), Arc::new(told.clone())).await;
    let without_hook = world.reopened(json!({})).await;
    let tell = async |sso: &Sso| sso.tell_of_expiring_passwords(&ctx()).await.unwrap();
    assert_eq!((tell(&world.sso).await, told.take()), (0, vec![]));
    for (name, days) in [("soon", 10), ("sooner", 5), ("later", 31), ("past", -1)] {
        expire_in(&world, name, days).await;
    }
    // Who has nobody to tell leaves it to others.
    assert_eq!(tell(&without_hook).await, 0);
    assert_eq!((tell(&world.sso).await, told.take()), (2, vec!["sooner".to_owned(), "soon".to_owned()]));
    assert_eq!((tell(&world.sso).await, told.take()), (0, vec![]));

    world.clock.advance_seconds(2 * 86_400);
    assert_eq!((tell(&world.sso).await, told.take()), (1, vec!["later".to_owned()]));
    // A hook that fails is noted, and not asked again.
    expire_in(&world, "unlucky", 30).await;
    assert_eq!((tell(&world.sso).await, told.take()), (1, vec!["unlucky".to_owned()]));
    assert_eq!((tell(&world.sso).await, told.take()), (0, vec![]));
    let op = "op = 'maintenance.tell_of_expiring_passwords'";
    let extra = any_rows(&world, &format!("SELECT extra FROM sso_audit WHERE {op}")).await;
    let extra: Vec<String> = extra.into_iter().map(|extra| String::from_utf8(extra).unwrap()).collect();
    assert_eq!(extra.len(), 3);
    let count = |text: &str| extra.iter().filter(|extra| extra.contains(text)).count();
    assert_eq!((count("\"users\":\"2\""), count("no luck")), (1, 1), "{extra:?}");

    // Whoever was away for long does not hear of those whose time has passed meanwhile.
    world.clock.advance_seconds(400 * 86_400);
    expire_in(&world, "much-later", 1).await;
    assert_eq!((tell(&world.sso).await, told.take()), (1, vec!["much-later".to_owned()]));
}

async fn of_several_processes_one_tells_the_hook(kind: Kind) {
    let told = Told::default();
    let world = World::with_hooks(kind, json!({}), Arc::new(told.clone())).await;
    for number in 0..20 {
        expire_in(&world, &format!("user{number:02}"), 1).await;
    }
    let mut runs = Vec::new();
    for _ in 0..8 {
        let sso = world.sso.clone();
        runs.push(tokio::spawn(async move { sso.tell_of_expiring_passwords(&ctx()).await }));
    }
    let mut total = 0;
    for run in runs {
        total += run.await.unwrap().unwrap();
    }
    let mut names = told.take();
    names.sort();
    names.dedup();
    assert_eq!((total, names.len()), (20, 20));
}
