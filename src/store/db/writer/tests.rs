//! What holds of units that share commits, whenever any of them is cut off.

use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio::task::{JoinSet, yield_now};

use crate::store::cache::slots::Slot;
use crate::store::db::pool::{Db, Options, Pools, Raw, Tx};
use crate::store::db::setting;
use crate::store::db::writer::*;

struct Stage {
    db: Db,
    folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::connect(&Options::SqliteFile(folder.path().join("sso.db")), 4).await.unwrap();
        db.migrate("").await.unwrap();
        Self { db, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sso.db")
    }
}

fn writer(db: &Db) -> &Writer {
    match &db.pools {
        Pools::Sqlite { writer, .. } => writer,
        Pools::Postgres(_) => unreachable!(),
    }
}

async fn add(tx: &mut Tx, name: &str) {
    assert!(setting::insert(tx, name, b"").await.unwrap(), "{name} is there already");
}

async fn unit(db: Db, name: String) -> Result<()> {
    let mut tx = db.write().await?;
    add(&mut tx, &name).await;
    tx.commit().await
}

async fn run(tx: &mut Tx, sql: &'static str) {
    let Raw::Sqlite(conn) = tx.raw() else { unreachable!() };
    sqlx::query(sql).execute(conn).await.unwrap();
}

async fn is_there(db: &Db, name: &str) -> bool {
    setting::get(&mut db.read().await.unwrap(), name).await.unwrap().is_some()
}

/// Waits until so many are in line.
async fn until_in_line(db: &Db, count: usize) {
    while writer(db).waiting() < count {
        yield_now().await;
    }
}

/// Takes one step of a future.
fn step<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Gives a future up when it has been asked so often.
async fn cut_off<F: Future>(future: F, steps: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut taken = 0;
    poll_fn(|cx| {
        if taken == steps {
            return Poll::Ready(None);
        }
        taken += 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn units_that_wait_for_each_other_share_commits() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "first").await;
    let mut others = JoinSet::new();
    for number in 0..60 {
        others.spawn(unit(db.clone(), number.to_string()));
    }
    until_in_line(db, 60).await;
    let before = writer(db).commits();
    first.commit().await.unwrap();
    while let Some(done) = others.join_next().await {
        done.unwrap().unwrap();
    }
    let commits = writer(db).commits() - before;
    assert!((1..61).contains(&commits), "{commits}");
    for number in 0..60 {
        assert!(is_there(db, &number.to_string()).await);
    }
}

#[tokio::test]
async fn a_unit_alone_is_committed_at_once() {
    let stage = Stage::new().await;
    let before = writer(&stage.db).commits();
    unit(stage.db.clone(), "a".into()).await.unwrap();
    assert_eq!(writer(&stage.db).commits() - before, 1);
    assert!(is_there(&stage.db, "a").await);
}

#[tokio::test]
async fn nothing_is_acknowledged_or_seen_before_the_commit() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let mut second = pin!(db.write());
    assert!(step(second.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    add(&mut second, "b").await;
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!first.is_finished());
    assert!(!is_there(db, "a").await);
    second.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert!(is_there(db, "a").await && is_there(db, "b").await);
}

#[tokio::test]
async fn a_unit_that_is_given_up_takes_back_its_own_changes_only() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let (mut second, mut third) = (pin!(db.write()), Box::pin(db.write()));
    assert!(step(second.as_mut()).is_pending() && step(third.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    add(&mut second, "b").await;
    drop(second);
    let mut third = third.await.unwrap();
    add(&mut third, "b").await;
    third.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert!(is_there(db, "a").await && is_there(db, "b").await);
}

#[tokio::test]
async fn the_last_unit_may_be_given_up_and_those_before_are_committed() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let mut second = pin!(db.write());
    assert!(step(second.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    add(&mut second, "b").await;
    drop(second);
    first.await.unwrap().unwrap();
    assert!(is_there(db, "a").await && !is_there(db, "b").await);
}

#[tokio::test]
async fn a_commit_is_told_of_whom_its_units_have_touched_and_of_nobody_else() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    first.touch("a");
    let (mut second, mut third) = (pin!(db.write()), Box::pin(db.write()));
    assert!(step(second.as_mut()).is_pending() && step(third.as_mut()).is_pending());
    let before = db.epochs().now();
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    second.touch("b");
    drop(second);
    let mut third = third.await.unwrap();
    third.touch("c");
    let is_current = |user_id| db.epochs().is_current(Slot::of(user_id), before);
    assert!(is_current("a"));
    third.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(["a", "b", "c"].map(is_current), [false, true, false]);
}

#[tokio::test]
async fn a_large_unit_shares_its_commit_with_nobody() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "first").await;
    let (mut large, mut last) = (pin!(db.write_much()), Box::pin(db.write()));
    assert!(step(large.as_mut()).is_pending() && step(last.as_mut()).is_pending());
    let before = writer(db).commits();
    let first = tokio::spawn(first.commit());
    let mut large = large.await.unwrap();
    first.await.unwrap().unwrap();
    assert!(is_there(db, "first").await);
    add(&mut large, "large").await;
    large.commit().await.unwrap();
    assert!(is_there(db, "large").await);
    assert_eq!(writer(db).commits() - before, 2);
    drop(last.await.unwrap());
}

#[tokio::test]
async fn a_large_unit_that_is_given_up_takes_back_its_own_changes_only() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let (mut large, mut last) = (pin!(db.write_much()), Box::pin(db.write()));
    assert!(step(large.as_mut()).is_pending() && step(last.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut large = large.await.unwrap();
    add(&mut large, "b").await;
    drop(large);
    let mut last = last.await.unwrap();
    add(&mut last, "b").await;
    last.commit().await.unwrap();
    first.await.unwrap().unwrap();
    assert!(is_there(db, "a").await && is_there(db, "b").await);
}

#[tokio::test]
async fn large_units_have_room_and_others_do_not() {
    async fn cache_size(tx: &mut Tx) -> i64 {
        let Raw::Sqlite(conn) = tx.raw() else { unreachable!() };
        sqlx::query_scalar("PRAGMA cache_size").fetch_one(conn).await.unwrap()
    }

    let stage = Stage::new().await;
    let db = &stage.db;
    for _ in 0..2 {
        assert_eq!(cache_size(&mut db.write().await.unwrap()).await, -2000);
        assert_eq!(cache_size(&mut db.write_much().await.unwrap()).await, -16_000);
    }
}

#[tokio::test]
async fn a_turn_that_comes_to_nobody_goes_on() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let mut second = Box::pin(db.write());
    assert!(step(second.as_mut()).is_pending());
    let mut first = Box::pin(first.commit());
    // It has passed the turn on, and waits for the commit.
    assert!(step(first.as_mut()).is_pending());
    assert_eq!(writer(db).waiting(), 0);
    drop(second);
    first.await.unwrap();
    assert!(is_there(db, "a").await);
}

#[tokio::test]
async fn a_commit_that_fails_fails_for_all_that_share_it() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let mut second = pin!(db.write());
    assert!(step(second.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    run(&mut second, "PRAGMA defer_foreign_keys = ON").await;
    run(&mut second, "INSERT INTO sso_session_attr SELECT x'00', '', x'00', 0, 0, 0, 0").await;
    second.commit().await.unwrap_err();
    first.await.unwrap().unwrap_err();
    assert!(!is_there(db, "a").await);
    unit(db.clone(), "a".into()).await.unwrap();
    assert!(is_there(db, "a").await);
}

#[tokio::test]
async fn a_transaction_that_sqlite_has_rolled_back_fails_for_all_of_it() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    // As SQLite does it when the disk is full.
    run(&mut first, "ROLLBACK").await;
    let mut second = pin!(db.write());
    assert!(step(second.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    assert!(second.await.is_err());
    first.await.unwrap().unwrap_err();

    let mut first = db.write().await.unwrap();
    add(&mut first, "a").await;
    let mut second = pin!(db.write());
    assert!(step(second.as_mut()).is_pending());
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    run(&mut second, "ROLLBACK").await;
    drop(second);
    first.await.unwrap().unwrap_err();
    unit(db.clone(), "a".into()).await.unwrap();
}

#[test]
fn no_constraint_is_left_to_the_commit() {
    // It would be found broken there, by units that have nothing to do with it.
    let schema = include_str!("../../migrations/sqlite/0001_schema.sql").to_uppercase();
    assert!(!schema.contains("DEFERR"));
}

#[tokio::test]
async fn who_waits_for_another_process_in_vain_is_told_so() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut tx = db.write().await.unwrap();
    run(&mut tx, "PRAGMA busy_timeout = 1").await;
    tx.commit().await.unwrap();
    let mut other = SqliteConnection::connect(stage.path().to_str().unwrap()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..3 {
        all.spawn(unit(db.clone(), number.to_string()));
    }
    while let Some(outcome) = all.join_next().await {
        assert!(matches!(outcome.unwrap(), Err(Error::Unavailable(_))));
    }
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    unit(db.clone(), "a".into()).await.unwrap();
}

#[tokio::test]
async fn closing_waits_for_those_in_line_and_turns_away_those_who_come_later() {
    let stage = Stage::new().await;
    let db = &stage.db;
    let mut first = db.write().await.unwrap();
    let second = tokio::spawn(unit(db.clone(), "b".into()));
    until_in_line(db, 1).await;
    let closing = tokio::spawn({
        let db = db.clone();
        async move { db.close().await }
    });
    until_in_line(db, 2).await;
    let late = tokio::spawn(unit(db.clone(), "c".into()));
    until_in_line(db, 3).await;
    assert!(!closing.is_finished());
    add(&mut first, "a").await;
    first.commit().await.unwrap();
    second.await.unwrap().unwrap();
    assert!(matches!(late.await.unwrap(), Err(Error::Unavailable(_))));
    closing.await.unwrap();
    assert!(matches!(unit(db.clone(), "d".into()).await, Err(Error::Unavailable(_))));
    db.close().await;
    let again = Db::connect(&Options::SqliteFile(stage.path()), 4).await.unwrap();
    assert!(is_there(&again, "a").await && is_there(&again, "b").await);
    assert!(!is_there(&again, "c").await && !is_there(&again, "d").await);
}

#[tokio::test]
async fn in_memory_readers_and_the_writer_take_turns() {
    let db = Db::connect(&Options::SqliteMemory, 4).await.unwrap();
    db.migrate("").await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..20 {
        let db = db.clone();
        all.spawn(async move {
            let name = number.to_string();
            unit(db.clone(), name.clone()).await.unwrap();
            assert!(is_there(&db, &name).await);
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    db.close().await;
}

/// What one of many does: how many steps until it goes away, whether it means to commit, and whether it is large.
type Plan = Vec<(usize, bool, bool)>;

fn plan() -> impl Strategy<Value = Plan> {
    let steps = prop_oneof![0_usize..12, Just(usize::MAX)];
    prop::collection::vec((steps, prop::bool::weighted(0.8), prop::bool::weighted(0.2)), 1..24)
}

/// Whatever goes away at whatever moment: what was acknowledged is there, what was given up is not, and the rest goes on.
async fn whoever_goes_away(db: &Db, round: usize, plan: Plan) {
    let mut all = JoinSet::new();
    for (number, (steps, is_meant, is_large)) in plan.into_iter().enumerate() {
        let (db, name) = (db.clone(), format!("{round}.{number}"));
        all.spawn(async move {
            let work = async {
                let begun = if is_large { db.write_much().await } else { db.write().await };
                let mut tx = begun.unwrap();
                add(&mut tx, &name).await;
                if is_meant {
                    tx.commit().await.unwrap();
                }
            };
            let outcome = cut_off(work, steps).await;
            (name, is_meant, outcome.is_some())
        });
    }
    while let Some(done) = all.join_next().await {
        let (name, is_meant, has_ended) = done.unwrap();
        if has_ended || !is_meant {
            // Another unit may have to be taken back first.
            let mut tx = db.write().await.unwrap();
            let found = setting::get(&mut tx, &name).await.unwrap().is_some();
            assert_eq!(found, is_meant, "{name}");
            assert_eq!(is_there(db, &name).await, is_meant, "{name}");
        }
    }
    unit(db.clone(), format!("{round} is over")).await.unwrap();
}

#[test]
fn whoever_goes_away_at_whatever_moment_disturbs_nobody() {
    for threads in [1, 4] {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::new());
        let round = std::cell::Cell::new(0);
        proptest!(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }, |(plan in plan())| {
            round.set(round.get() + 1);
            runtime.block_on(whoever_goes_away(&stage.db, round.get(), plan));
        });
        runtime.block_on(stage.db.close());
    }
}

#[test]
fn a_runtime_that_ends_in_the_middle_leaves_nobody_hanging() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (first, second) = (runtime(), runtime());
    let stage = first.block_on(Stage::new());
    let db = stage.db.clone();
    first.spawn(async move {
        let mut tx = db.write().await.unwrap();
        add(&mut tx, "a").await;
        std::future::pending::<()>().await;
    });
    let waiting = second.spawn(unit(stage.db.clone(), "b".into()));
    first.shutdown_timeout(Duration::from_secs(10));
    // Whether it goes through depends on which of the two was first.
    drop(second.block_on(waiting).unwrap());
}
