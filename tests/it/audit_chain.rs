//! The chain of the audit: whatever is done to entries by somebody without the key is told, and where.

use serde_json::json;
use tokio::task::JoinSet;
use zato_sso::ops::{Actor, Verdict, examine_audit};

use crate::command::Folder;
use crate::support::{Kind, World, any_rows, config, credentials, ctx, execute, refusal};

on_both_databases! {
    entries_are_sealed_in_the_background_and_when_it_closes;
    what_was_altered_is_told;
    what_was_deleted_or_inserted_is_told;
    what_was_moved_is_told;
    an_end_that_was_cut_off_is_told;
    an_older_copy_is_told_by_who_has_seen_a_newer_one;
    nobody_seals_what_was_planted;
    many_nodes_seal_one_chain;
    an_entry_that_is_committed_late_is_sealed_behind_the_others;
    what_is_deleted_by_age_leaves_a_chain_that_can_be_checked;
    a_broken_chain_is_not_deleted;
    entries_from_before_the_chain_are_told_apart;
    entries_are_exported_with_their_places;
    logins_at_once_do_not_wait_for_sealing;
}

/// What the doctor says of a chain: problems, or that there are none.
async fn doctor(world: &World, head_file: Option<&str>) -> Vec<String> {
    let more = head_file.map_or_else(|| json!({}), |path| json!({"audit.head_file": path}));
    let findings = examine_audit(&config(&world.db.url, more)).await;
    findings
        .into_iter()
        .filter(|finding| finding.verdict == Verdict::Problem)
        .map(|finding| finding.text)
        .collect()
}

/// A chain of so many entries at least, sealed in several batches.
async fn chain(kind: Kind) -> World {
    let world = World::new(kind).await;
    for round in 0..3 {
        for number in 0..4 {
            world.user(&format!("user{round}-{number}")).await;
        }
        world.sso.seal_audit().await.unwrap();
    }
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
    world
}

async fn told(world: &World, change: &str, expected: &[&str]) {
    execute(world, change).await;
    let told = doctor(world, None).await;
    assert_eq!(told.len(), expected.len(), "{change}: {told:#?}");
    for (text, part) in told.iter().zip(expected) {
        assert!(text.contains(part), "{change}: {told:#?}");
    }
}

async fn number(world: &World, sql: &str) -> String {
    String::from_utf8(any_rows(world, sql).await.remove(0)).unwrap()
}

async fn entries_are_sealed_in_the_background_and_when_it_closes(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    let unsealed = "SELECT CAST(COUNT(*) AS TEXT) FROM sso_audit WHERE chain_seq IS NULL";
    for _ in 0..100 {
        if number(&world, unsealed).await == "0" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(number(&world, unsealed).await, "0");
    world.login("user1").await;
    world.sso.close().await;
    assert_eq!(number(&world, unsealed).await, "0");
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
}

async fn what_was_altered_is_told(kind: Kind) {
    let world = chain(kind).await;
    for change in [
        "op = 'user.lock'",
        "result = 'E005001'",
        "event_time = event_time + 1",
        "cid = ''",
        "actor_id = 'zusr'",
        "target_id = NULL",
        "remote_addr = '10.0.0.2'",
        "current_app = 'other'",
        "how = NULL",
        "extra = '{}'",
    ] {
        let column = change.split(' ').next().unwrap();
        execute(&world, &format!("CREATE TABLE kept AS SELECT audit_id, {column} AS was FROM sso_audit"))
            .await;
        let change = format!("UPDATE sso_audit SET {change} WHERE chain_seq = 5");
        told(&world, &change, &["entry 5 was changed, or is not where it was: "]).await;
        let back = format!(
            "UPDATE sso_audit SET {column} = (SELECT was FROM kept WHERE kept.audit_id = sso_audit.audit_id)"
        );
        told(&world, &back, &[]).await;
        execute(&world, "DROP TABLE kept").await;
    }
    told(&world, "UPDATE sso_audit_head SET head_time = head_time + 1", &["sso_audit_head, was changed"])
        .await;
    // It is not sealed on top of that.
    world.user("later").await;
    assert!(world.sso.seal_audit().await.unwrap_err().to_string().contains("doctor --audit"));
}

async fn what_was_deleted_or_inserted_is_told(kind: Kind) {
    let world = chain(kind).await;
    told(
        &world,
        "DELETE FROM sso_audit WHERE chain_seq IN (3, 4, 8)",
        &["entries 3 to 4 are gone", "entry 8 is gone"],
    )
    .await;
    let world = chain(kind).await;
    // One in the place of another, and one behind the end.
    let id = if kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let copy = |seq: &str, from: &str| {
        format!(
            "INSERT INTO sso_audit (audit_id, event_time, cid, op, result, current_app, remote_addr, extra, chain_seq, \
             chain_digest) SELECT {id}, event_time, cid, op, result, current_app, remote_addr, extra, {seq}, chain_digest \
             FROM sso_audit WHERE chain_seq = {from}"
        )
    };
    told(&world, &copy("13", "12"), &["entries go on to 13 behind its end, 12"]).await;
    told(&world, &copy("0", "12"), &["1 entries have places that were deleted", "behind its end"]).await;
    told(&world, "DELETE FROM sso_audit_head", &["was deleted; entries go on to 13"]).await;
}

async fn what_was_moved_is_told(kind: Kind) {
    let world = chain(kind).await;
    let swap = |one: i64, other: i64| {
        [(one, -1), (other, one), (-1, other)]
            .map(|(from, to)| format!("UPDATE sso_audit SET chain_seq = {to} WHERE chain_seq = {from}"))
    };
    for statement in swap(4, 7) {
        execute(&world, &statement).await;
    }
    let faults = doctor(&world, None).await;
    assert!(faults.iter().any(|fault| fault.starts_with("entry 4 was changed")), "{faults:#?}");
    assert!(faults.iter().any(|fault| fault.starts_with("entry 7 was changed")), "{faults:#?}");
    for statement in swap(4, 7) {
        execute(&world, &statement).await;
    }
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
    // What two rows say, changed over.
    execute(&world, "CREATE TABLE kept AS SELECT chain_seq, extra FROM sso_audit WHERE chain_seq IN (2, 3)")
        .await;
    let over = "UPDATE sso_audit SET extra = (SELECT extra FROM kept WHERE kept.chain_seq = 5 - sso_audit.chain_seq) \
        WHERE chain_seq IN (2, 3)";
    told(&world, over, &["entry 2 was changed", "entry 3 was changed"]).await;
    execute(&world, "DROP TABLE kept").await;
}

async fn an_end_that_was_cut_off_is_told(kind: Kind) {
    let world = chain(kind).await;
    told(
        &world,
        "DELETE FROM sso_audit WHERE chain_seq >= 11",
        &["entries 11 to 12 are gone: its end was cut off"],
    )
    .await;
    told(&world, "DELETE FROM sso_audit", &["entries 1 to 12 are gone: its end was cut off"]).await;
}

async fn an_older_copy_is_told_by_who_has_seen_a_newer_one(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head");
    let path = path.to_str().unwrap();
    let world = World::with(kind, json!({"audit.head_file": path})).await;
    world.user("user1").await;
    world.sso.seal_audit().await.unwrap();
    for table in ["sso_audit", "sso_audit_head"] {
        execute(&world, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
    world.user("user2").await;
    world.user("user3").await;
    world.sso.seal_audit().await.unwrap();
    assert_eq!(doctor(&world, Some(path)).await, Vec::<String>::new());
    for table in ["sso_audit", "sso_audit_head"] {
        execute(&world, &format!("DELETE FROM {table}")).await;
        execute(&world, &format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
        execute(&world, &format!("DROP TABLE kept_{table}")).await;
    }
    let is_told = async || {
        let faults = doctor(&world, Some(path)).await;
        let [fault] = faults.as_slice() else { panic!("{faults:#?}") };
        assert!(fault.contains("has seen entry 3 on ") && fault.contains("this is an older copy"), "{fault}");
    };
    is_told().await;
    // The chain grows again to where it was, and the file keeps what it knew: also when it is opened anew.
    world.user("user4").await;
    world.user("user5").await;
    world.sso.seal_audit().await.unwrap();
    world.reopened(json!({"audit.head_file": path})).await.close().await;
    is_told().await;
    // Nobody else's file is taken for ours.
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, text.replacen("3 ", "1 ", 1)).unwrap();
    assert!(doctor(&world, Some(path)).await[0].contains("is not what this product has written"));
    // Who has put back a backup removes the file, and it begins anew.
    std::fs::remove_file(path).unwrap();
    let again = world.reopened(json!({"audit.head_file": path})).await;
    again.seal_audit().await.unwrap();
    again.close().await;
    assert_eq!(doctor(&world, Some(path)).await, Vec::<String>::new());
}

async fn nobody_seals_what_was_planted(kind: Kind) {
    let world = chain(kind).await;
    let id = if kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let plant = |digest: &str| {
        format!(
            "INSERT INTO sso_audit (audit_id, event_time, cid, op, result, current_app, remote_addr, extra, chain_digest) \
             SELECT {id}, event_time, cid, op, result, current_app, remote_addr, extra, {digest} FROM sso_audit \
             WHERE chain_seq = 2"
        )
    };
    let planted = ["an entry that waits to be sealed was not written by this product"];
    told(&world, &plant("chain_digest"), &planted).await;
    world.user("later").await;
    world.sso.seal_audit().await.unwrap();
    // The one that is ours is sealed all the same.
    assert_eq!(number(&world, "SELECT CAST(MAX(chain_seq) AS TEXT) FROM sso_audit").await, "13");
    let since = "since 2026-02-25T12:00:00 have no digest";
    told(&world, &plant("NULL"), &[planted[0], since]).await;
    // One that waits is altered before it is sealed.
    let world = chain(kind).await;
    world.user("later").await;
    told(&world, "UPDATE sso_audit SET cid = 'other' WHERE chain_seq IS NULL", &planted).await;
}

async fn many_nodes_seal_one_chain(kind: Kind) {
    let world = World::new(kind).await;
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(world.reopened(json!({})).await);
    }
    let mut work = JoinSet::new();
    for (number, node) in nodes.iter().enumerate() {
        let node = node.clone();
        work.spawn(async move {
            for round in 0..30 {
                let new = crate::support::new_user(&format!("user{number}-{round}"));
                node.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
                if round % 3 == number % 3 {
                    node.seal_audit().await.unwrap();
                }
            }
        });
    }
    work.join_all().await;
    while world.sso.seal_audit().await.unwrap() > 0 {}
    assert_eq!(number(&world, "SELECT CAST(MAX(chain_seq) AS TEXT) FROM sso_audit").await, "120");
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
    for node in nodes {
        node.close().await;
    }
}

async fn an_entry_that_is_committed_late_is_sealed_behind_the_others(kind: Kind) {
    let world = chain(kind).await;
    // As a transaction that was under way while others were sealed: its id and its time are older than theirs.
    world.user("late").await;
    execute(&world, "CREATE TABLE late AS SELECT * FROM sso_audit WHERE chain_seq IS NULL").await;
    execute(&world, "DELETE FROM sso_audit WHERE chain_seq IS NULL").await;
    world.clock.advance_seconds(3600);
    world.user("other").await;
    world.sso.seal_audit().await.unwrap();
    execute(&world, "INSERT INTO sso_audit SELECT * FROM late").await;
    execute(&world, "DROP TABLE late").await;
    // A clock that is an hour behind.
    world.clock.advance_seconds(-3600);
    world.user("behind").await;
    assert_eq!(world.sso.seal_audit().await.unwrap(), 2);
    assert_eq!(number(&world, "SELECT CAST(MAX(chain_seq) AS TEXT) FROM sso_audit").await, "15");
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
}

async fn what_is_deleted_by_age_leaves_a_chain_that_can_be_checked(kind: Kind) {
    let world = World::with(kind, json!({"audit.keep": 30})).await;
    for number in 0..5 {
        world.user(&format!("old{number}")).await;
    }
    world.clock.advance_seconds(30 * 86_400);
    world.user("new").await;
    world.sso.clean_up(&ctx()).await.unwrap();
    world.sso.seal_audit().await.unwrap();
    let left = "SELECT CAST(MIN(chain_seq) AS TEXT) || ' ' || CAST(MAX(chain_seq) AS TEXT) FROM sso_audit";
    assert_eq!(number(&world, left).await, "6 7");
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
    told(&world, "DELETE FROM sso_audit WHERE chain_seq = 6", &["entry 6 is gone"]).await;
}

async fn a_broken_chain_is_not_deleted(kind: Kind) {
    let world = World::with(kind, json!({"audit.keep": 30})).await;
    for number in 0..5 {
        world.user(&format!("old{number}")).await;
    }
    world.sso.seal_audit().await.unwrap();
    execute(&world, "DELETE FROM sso_audit WHERE chain_seq = 3").await;
    world.clock.advance_seconds(31 * 86_400);
    let refused = world.sso.clean_up(&ctx()).await.unwrap_err().to_string();
    assert!(refused.contains("chain is broken"), "{refused}");
    assert_eq!(number(&world, "SELECT CAST(MIN(chain_seq) AS TEXT) FROM sso_audit").await, "4");
    assert_eq!(doctor(&world, None).await, ["entry 3 is gone"]);
}

async fn entries_from_before_the_chain_are_told_apart(kind: Kind) {
    let world = World::with(kind, json!({"audit.keep": 30})).await;
    let id = if kind == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let before = format!(
        "INSERT INTO sso_audit (audit_id, event_time, cid, op, result, current_app, remote_addr, extra) \
         VALUES ({id}, 1, '', 'user.create', 'ok', 'CRM', '', '{{}}')"
    );
    execute(&world, &before).await;
    world.user("user1").await;
    world.sso.seal_audit().await.unwrap();
    let findings = examine_audit(&config(&world.db.url, json!({}))).await;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.verdict, Verdict::Ok);
    assert!(
        finding.text.contains("1 entries are sealed, up to entry 1")
            && finding.text.contains("; 1 are from before ")
    );
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(
        number(&world, "SELECT CAST(COUNT(*) AS TEXT) FROM sso_audit WHERE event_time = 1").await,
        "0"
    );
}

async fn entries_are_exported_with_their_places(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    assert_eq!(folder.run_with("create-user ann", "correct horse battery staple").status, 0);
    folder.run("lock-user ann").text();
    let done = folder.run("export audit");
    let lines: Vec<serde_json::Value> =
        done.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ops: Vec<_> = lines.iter().map(|line| line["op"].as_str().unwrap()).collect();
    assert_eq!(ops.first().copied(), Some("user.create"));
    assert!(ops.contains(&"user.lock"), "{ops:?}");
    assert_eq!((&lines[0]["chain_seq"], lines[0]["chain_digest"].as_str().unwrap().len()), (&json!(1), 72));
    assert_eq!(folder.run("export audit --until 2020-01-01").text(), "");
    let checked = folder.run("doctor --audit");
    assert!(checked.stdout.contains("audit chain"), "{checked}");
    assert!(checked.stdout.contains("are sealed, up to entry"), "{checked}");
    let world = folder.world().await;
    execute(&world, "UPDATE sso_audit SET result = 'ok ' WHERE chain_seq = 1").await;
    world.sso.close().await;
    let checked = folder.run("doctor --audit");
    assert!(checked.status == 1 && checked.stdout.contains("entry 1 was changed"), "{checked}");
}

async fn logins_at_once_do_not_wait_for_sealing(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    // Somebody holds the end of the chain for as long as it takes.
    world.sso.seal_audit().await.unwrap();
    let db = world.db.connect().await;
    if kind == Kind::Postgres {
        let mut tx = db.write().await.unwrap();
        assert!(zato_sso::store::audit::chain::hold(&mut tx).await.unwrap().is_some());
        for _ in 0..10 {
            world.login("user1").await;
        }
        assert_eq!(world.sso.seal_audit().await.unwrap(), 0);
        drop(tx);
    }
    refusal(world.sso.login(&ctx(), credentials("user1", "wrong")).await);
    world.login("user1").await;
    assert!(world.sso.seal_audit().await.unwrap() > 0);
    assert_eq!(doctor(&world, None).await, Vec::<String>::new());
    db.close().await;
}
