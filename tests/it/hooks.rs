//! Hooks: what they decide, and that what they do wrong breaks nothing.

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::json;
use zato_sso::domain::Timestamp;
use zato_sso::ops::{HookError, HookFuture, Hooks, Sso};

use crate::support::{Kind, START, World, ctx, ctx_of};

on_both_databases! {
    a_hook_says_how_long_sessions_live;
    what_a_hook_says_is_limited_like_what_is_configured;
    a_hook_that_fails_changes_nothing_and_is_noted;
    a_hook_may_call_operations;
}

/// What the hook is asked, and what it says.
#[derive(Debug)]
struct Expiry {
    answer: Result<i64, HookError>,
    asked: Mutex<Vec<(String, String, u32)>>,
    /// Called again from within, where it is there.
    sso: OnceLock<Sso>,
}

impl Expiry {
    fn new(answer: Result<i64, HookError>) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default(), sso: OnceLock::new() })
    }

    fn asked(&self) -> Vec<(String, String, u32)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Hooks for Expiry {
    fn session_expiry(&self, username: &str, app: &str, default_expiry: u32) -> Option<HookFuture<i64>> {
        self.asked.lock().unwrap().push((username.to_owned(), app.to_owned(), default_expiry));
        let (answer, sso, name) = (self.answer.clone(), self.sso.get().cloned(), username.to_owned());
        Some(Box::pin(async move {
            if let Some(sso) = sso {
                let known = sso.get_user_by_username(&ctx(), &name, true).await;
                known.unwrap().expect("the user is there");
            }
            answer
        }))
    }
}

async fn a_hook_says_how_long_sessions_live(kind: Kind) {
    let hooks = Expiry::new(Ok(5));
    let world = World::with_hooks(kind, json!({}), Arc::clone(&hooks) as _).await;
    world.user("user1").await;
    let session = world.login("user1").await;
    assert_eq!(session.expiration_time, START.plus_minutes(5));
    assert_eq!(hooks.asked(), [("user1".to_owned(), "CRM".to_owned(), 60)]);

    world.clock.advance_seconds(180);
    let billing = ctx_of("Billing", "10.0.0.1");
    let end = world.sso.renew_session(&billing, &session.ust, None).await.unwrap();
    assert_eq!(end, START.plus_minutes(8));
    assert_eq!(hooks.asked(), [("user1".to_owned(), "Billing".to_owned(), 60)]);
}

async fn what_a_hook_says_is_limited_like_what_is_configured(kind: Kind) {
    let login = async |answer, more| {
        let world = World::with_hooks(kind, more, Expiry::new(Ok(answer))).await;
        world.user("user1").await;
        world.login("user1").await.expiration_time
    };
    let hundred_years = 876_000 * 60;
    assert_eq!(login(hundred_years, json!({})).await, START.plus_minutes(hundred_years));
    for wrong in [0, -5, hundred_years + 1, i64::MIN, i64::MAX] {
        assert_eq!(login(wrong, json!({})).await, START.plus_minutes(60), "{wrong}");
    }
    let limited: Timestamp = login(500, json!({"session.max_lifetime": 2})).await;
    assert_eq!(limited, START.plus_minutes(120));
}

async fn a_hook_that_fails_changes_nothing_and_is_noted(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let hooks = Expiry::new(Err(HookError::new("raised ValueError")));
    let world = World::with_hooks(kind, json!({"audit.file": log}), hooks).await;
    world.user("user1").await;
    let session = world.login("user1").await;
    assert_eq!(session.expiration_time, START.plus_minutes(60));
    let end = world.sso.renew_session(&ctx(), &session.ust, None).await.unwrap();
    assert_eq!(end, START.plus_minutes(60));
    let log = std::fs::read_to_string(log).unwrap();
    let noted = |line: &&str| line.contains(r#""hook_error":"session_expiry: raised ValueError""#);
    let ops: Vec<_> = log.lines().filter(noted).map(|line| line.split('"').nth(11).unwrap()).collect();
    assert_eq!(ops, ["user.login", "session.renew"], "{log}");
}

/// With one connection, a hook within a transaction, or while a connection is held, would wait for itself.
async fn a_hook_may_call_operations(kind: Kind) {
    let hooks = Expiry::new(Ok(7));
    let more = json!({"database.max_connections": 1});
    let world = World::with_hooks(kind, more, Arc::clone(&hooks) as _).await;
    world.user("user1").await;
    hooks.sso.set(world.sso.clone()).unwrap();
    let session = world.login("user1").await;
    world.sso.renew_session(&ctx(), &session.ust, None).await.unwrap();
    assert_eq!(hooks.asked().len(), 2);
}
