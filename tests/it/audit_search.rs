//! Reading the audit: who may, what is found, in which order, and how entries say in what way somebody acted.

use serde_json::{Value, json};
use zato_sso::domain::{AuditEntry, AuditSearch, Code, Edit, GroupUpdate, Timestamp};
use zato_sso::ops::{Actor, LoginRequest};
use zato_sso::store::audit::search::{Ended, Wanted, plan};

use crate::command::Folder;
use crate::login::{totp_code, totp_user, with_code};
use crate::rest::Server;
use crate::support::{Kind, World, credentials, ctx, ctx_of, execute, new_site, refusal};

on_both_databases! {
    pages_are_newest_first_and_lead_to_each_other;
    entries_are_found_by_every_criterion;
    super_users_and_members_of_groups_that_may_read_it_do;
    what_is_no_criterion_is_refused;
    whatever_is_looked_for_is_read_in_order_from_an_index;
    an_entry_says_how_somebody_acted;
    the_command_lists_entries;
    rest_answers_with_entries_and_a_cursor;
}

async fn find(world: &World, search: AuditSearch) -> Vec<AuditEntry> {
    world.sso.record_refusals().await.unwrap();
    world.sso.search_audit(&ctx(), Actor::Trusted(None), search).await.unwrap().entries
}

fn by_op(op: &str) -> AuditSearch {
    AuditSearch { op: Some(op.to_owned()), ..AuditSearch::default() }
}

async fn pages_are_newest_first_and_lead_to_each_other(kind: Kind) {
    let world = World::new(kind).await;
    // Three of one moment each, in ten seconds.
    for second in 0..10 {
        for number in 0..3 {
            world.user(&format!("user{second}-{number}")).await;
        }
        world.clock.advance_seconds(1);
    }
    let all = find(&world, by_op("user.create")).await;
    assert_eq!(all.len(), 30);
    assert!(all.is_sorted_by(|one, next| (one.time, one.audit_id) > (next.time, next.audit_id)));
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let search = AuditSearch { after, limit: Some(7), ..by_op("user.create") };
        let page = world.sso.search_audit(&ctx(), Actor::Trusted(None), search).await.unwrap();
        paged.extend(page.entries);
        // What is written meanwhile is newer, and on no later page.
        world.user(&format!("late{}", paged.len())).await;
        match page.next {
            Some(place) => after = Some(place.to_string()),
            None => break,
        }
    }
    assert_eq!(paged, all);
    // There is nothing behind a page that is exactly full.
    let search = AuditSearch { limit: Some(35), ..by_op("user.create") };
    let page = world.sso.search_audit(&ctx(), Actor::Trusted(None), search).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (35, None));
}

async fn entries_are_found_by_every_criterion(kind: Kind) {
    let world = World::new(kind).await;
    let (one, two) = (world.user("user1").await, world.user("user2").await);
    world.clock.advance_seconds(60);
    let begin = Timestamp::from_micros(world.sso.now().as_micros());
    let info = world.login("user1").await;
    refusal(world.sso.get_user_by_id(&ctx(), &info.ust, two.user_id.as_str(), false).await);
    refusal(world.sso.login(&ctx_of("CRM", "2001:db8::1"), credentials("user2", "wrong")).await);
    world.clock.advance_seconds(60);
    world
        .sso
        .lock_user(&ctx_of("CRM", "10.9.9.9"), Actor::Trusted(None), two.user_id.as_str())
        .await
        .unwrap();
    let given = |value: &str| Some(value.to_owned());
    let base = || AuditSearch::default();
    let cases = [
        (
            AuditSearch { result: given("refused"), ..base() },
            vec!["user.login E005001", "user.get_by_id E005001"],
        ),
        (AuditSearch { result: given("E005001"), ..by_op("user.login") }, vec!["user.login E005001"]),
        (AuditSearch { result: given("E005002"), ..base() }, vec![]),
        (AuditSearch { result: given("ok"), ..by_op("user.login") }, vec!["user.login ok"]),
        (
            AuditSearch { user_id: given(two.user_id.as_str()), ..base() },
            vec!["user.lock ok", "user.login E005001", "user.create ok"],
        ),
        (
            AuditSearch { user_id: given(one.user_id.as_str()), ..base() },
            vec!["user.get_by_id E005001", "user.login ok", "user.create ok"],
        ),
        (AuditSearch { user_id: given(one.user_id.as_str()), ..by_op("user.login") }, vec!["user.login ok"]),
        (AuditSearch { remote_addr: given("10.9.9.9"), ..base() }, vec!["user.lock ok"]),
        (AuditSearch { remote_addr: given("2001:db8::1"), ..base() }, vec!["user.login E005001"]),
        (AuditSearch { remote_addr: given("10.9.9.9"), ..by_op("user.login") }, vec![]),
        (
            AuditSearch { time_from: Some(begin), time_before: Some(begin.plus_seconds(60)), ..base() },
            vec!["user.login E005001", "user.get_by_id E005001", "user.login ok"],
        ),
        (AuditSearch { cid: given("no such cid"), ..base() }, vec![]),
        (AuditSearch { cid: given("a\0b"), op: given("a\0b"), remote_addr: given("\0"), ..base() }, vec![]),
    ];
    for (search, expected) in cases {
        let found = find(&world, search.clone()).await;
        let found: Vec<_> = found.iter().map(|entry| format!("{} {}", entry.op, entry.result)).collect();
        let mut found: Vec<_> = found.iter().filter(|entry| !entry.starts_with("audit.search")).collect();
        // Of one moment they are in any order.
        found.sort();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(found, expected, "{search:?}");
    }
    let found = find(&world, AuditSearch { cid: given("test"), ..by_op("user.lock") }).await;
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((entry.target_username.as_deref(), entry.current_user.as_deref()), (Some("user2"), None));
    // Of who is deleted, the id is there.
    world.sso.delete_user_by_id(&ctx(), Actor::Trusted(None), two.user_id.as_str()).await.unwrap();
    let found = find(&world, by_op("user.lock")).await;
    assert_eq!(found[0].target_user.as_deref(), Some(two.user_id.as_str()));
    assert_eq!(found[0].target_username, None);
}

async fn super_users_and_members_of_groups_that_may_read_it_do(kind: Kind) {
    let world = World::new(kind).await;
    world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root, ust) = (world.login("root1").await.ust, world.login("user1").await.ust);
    let search = async |ust| world.sso.search_audit(&ctx(), ust, by_op("user.login")).await;
    assert_eq!(search(&root).await.unwrap().entries.len(), 2);
    assert_eq!(refusal(search(&ust).await), Code::AuthNotAllowed);
    for (name, can_read_audit) in [("managers", false), ("readers", true)] {
        let new = GroupUpdate {
            name: Edit::Set(name.to_owned()),
            can_manage_users: Edit::Set(!can_read_audit),
            can_read_audit: Edit::Set(can_read_audit),
            ..GroupUpdate::default()
        };
        world.sso.create_group(&ctx(), &root, new).await.unwrap();
        world.sso.add_group_member(&ctx(), &root, name, user.user_id.as_str()).await.unwrap();
        assert_eq!(search(&ust).await.is_ok(), can_read_audit, "{name}");
    }
    // That somebody has read it is an entry too, which does not say whom they looked for.
    let own = find(&world, by_op("audit.search")).await;
    let own: Vec<_> =
        own.iter().filter(|entry| entry.current_user.as_deref() == Some(user.user_id.as_str())).collect();
    let mut results: Vec<_> = own.iter().map(|entry| entry.result.as_str()).collect();
    results.sort_unstable();
    assert_eq!(results, ["E005001", "E005001", "ok"]);
    assert!(own.iter().all(|entry| entry.extra.contains(r#""criteria":"op""#) || entry.result != "ok"));
    world.sso.remove_group_member(&ctx(), &root, "readers", user.user_id.as_str()).await.unwrap();
    assert_eq!(refusal(search(&ust).await), Code::AuthNotAllowed);
}

async fn what_is_no_criterion_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let search = async |search| refusal(world.sso.search_audit(&ctx(), Actor::Trusted(None), search).await);
    let user_id = Some("nobody".to_owned());
    assert_eq!(search(AuditSearch { user_id, ..AuditSearch::default() }).await, Code::UserIdInvalid);
    for cursor in ["x", "0-0", "-", "ffffffffffffffffffff-00000000000000000000000000000000", "1-é"] {
        let after = Some(cursor.to_owned());
        assert_eq!(search(AuditSearch { after, ..AuditSearch::default() }).await, Code::CommonInvalidInput);
    }
    // Any limit is one.
    for limit in [i64::MIN, -1, 0, i64::MAX] {
        find(&world, AuditSearch { limit: Some(limit), ..AuditSearch::default() }).await;
    }
}

async fn whatever_is_looked_for_is_read_in_order_from_an_index(kind: Kind) {
    let world = World::new(kind).await;
    let (numbers, id, text) = match kind {
        Kind::Sqlite => (
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)",
            "randomblob(16)",
            "",
        ),
        Kind::Postgres => {
            ("WITH numbers AS (SELECT n FROM generate_series(1, 20000) AS n)", "gen_random_uuid()", "::text")
        }
    };
    let fill = format!(
        "{numbers} INSERT INTO sso_audit (audit_id, event_time, cid, op, actor_id, target_id, result, current_app, remote_addr, \
         extra) SELECT {id}, n, 'cid' || (n / 2){text}, 'op' || (n % 20){text}, 'zusr' || (n % 100){text}, \
         'zusr' || (n % 101){text}, CASE WHEN n % 50 = 0 THEN 'E00500' || (n % 9){text} ELSE 'ok' END, 'CRM', \
         '10.0.0.' || (n % 200){text}, '{{}}' FROM numbers"
    );
    // SQLite inserts from a WITH clause that stands before the statement, PostgreSQL too.
    execute(&world, &fill).await;
    execute(&world, "ANALYZE").await;
    let db = world.db.connect().await;
    let mut conn = db.read().await.unwrap();
    let code = || Some(Ended::With("E005001".to_owned()));
    let text = |value: &str| Some(value.to_owned());
    let time = || [Some(Timestamp::from_micros(1_000)), Some(Timestamp::from_micros(19_000))];
    let after = zato_sso::domain::AuditPlace::parse("1388-00000000000000000000000000000000");
    let base = || Wanted { after, ..Wanted::default() };
    let cases = [
        ("sso_audit_time", base()),
        ("sso_audit_time", Wanted { time: time(), ..base() }),
        ("sso_audit_cid", Wanted { cid: text("cid77"), op: text("op1"), ..base() }),
        ("sso_audit_actor", Wanted { user_id: text("zusr7"), ..base() }),
        (
            "sso_audit_target",
            Wanted { user_id: text("zusr7"), time: time(), ended: Some(Ended::Well), ..base() },
        ),
        ("sso_audit_op", Wanted { op: text("op7"), ended: Some(Ended::Well), ..base() }),
        ("sso_audit_address", Wanted { addresses: vec!["10.0.0.7".to_owned()], ..base() }),
        ("sso_audit_address", Wanted { addresses: vec!["x".to_owned(), "y".to_owned()], ..base() }),
        ("sso_audit_refused", Wanted { ended: Some(Ended::Refused), ..base() }),
        ("sso_audit_result", Wanted { ended: code(), op: text("op7"), ..base() }),
    ];
    for (index, wanted) in cases {
        let plan = plan(&mut conn, &wanted, 50).await.unwrap();
        // PostgreSQL may know another index that is as good, but never reads the table.
        let reads = if kind == Kind::Sqlite { index } else { "Index" };
        assert!(plan.contains(reads) && !plan.contains("Seq Scan"), "{wanted:?}\n{plan}");
        let sorts =
            plan.contains("USE TEMP B-TREE FOR ORDER BY") && !plan.contains("UNION") && wanted.cid.is_none();
        assert!(!sorts, "{wanted:?}\n{plan}");
    }
    drop(conn);
    db.close().await;
}

async fn an_entry_says_how_somebody_acted(kind: Kind) {
    let world = World::new(kind).await;
    let sso = &world.sso;
    world.super_user("root1").await;
    totp_user(&world).await;
    let root = world.login("root1").await.ust;
    sso.lock_user(&ctx(), &root, world.user("user1").await.user_id.as_str()).await.unwrap();
    let totp = sso.login(&ctx(), with_code(&totp_code(0))).await.unwrap().ust;
    let codes = sso.generate_recovery_codes(&ctx(), &totp, None).await.unwrap();
    let recovered = sso.login(&ctx(), with_code(codes[0].expose())).await.unwrap().ust;
    sso.generate_recovery_codes(&ctx(), &recovered, None).await.unwrap();
    let trusted = LoginRequest { skip_sec: true, ..credentials("root1", "") };
    let skipped = sso.login(&ctx(), trusted).await.unwrap().ust;
    sso.logout(&ctx(), &skipped).await.unwrap();
    refusal(sso.login(&ctx(), credentials("nobody", "wrong")).await);
    sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = sso.act_as_site(&ctx(), "shop").await.unwrap();
    refusal(sso.get_site_user(&ctx(), &site, "00000000-0000-4000-8000-000000000000").await);
    let how = async |op: &str| {
        let found = find(&world, by_op(op)).await;
        found.into_iter().map(|entry| entry.how.unwrap_or_default()).collect::<Vec<_>>()
    };
    let mut logins = how("user.login").await;
    logins.sort();
    assert_eq!(logins, ["", "password", "password recovery_code", "password totp", "skip_sec"]);
    assert_eq!(how("user.lock").await, ["password"]);
    let mut generated = how("recovery_code.generate").await;
    generated.sort();
    assert_eq!(generated, ["password recovery_code", "password totp"]);
    assert_eq!(how("site.create").await, ["skip_sec"]);
    assert_eq!(how("site.get_user").await, ["site"]);
}

async fn the_command_lists_entries(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    assert_eq!(folder.run_with("create-user ann", "correct horse battery staple").status, 0);
    folder.run("lock-user ann").text();
    let listed = folder.run("--json audit --user ann --op user.lock").json();
    let [entry] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&entry["op"], &entry["how"]), (&json!("user.lock"), &json!("command")));
    assert_eq!(entry["target_username"], "ann");
    let user_id = entry["target_user"].as_str().unwrap();
    let table = folder.run(&format!("audit --user {user_id} --limit 2")).text().to_owned();
    assert!(table.starts_with("TIME ") && table.lines().count() == 3, "{table}");
    let past = folder.run("--json audit --until 2020-01-01 --result refused").json();
    assert_eq!(past, json!([]));
    assert_eq!(folder.run("audit --since yesterday").status, 2);
    assert_eq!(folder.run("audit --user nobody").status, 1);
}

async fn rest_answers_with_entries_and_a_cursor(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let ust = server.ust("root1");
    server.ust("root1");
    let ask = |more: Value| {
        let mut body = json!({"ust": ust, "current_app": "CRM", "op": "user.login", "limit": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask("GET /audit", &[], &body.to_string()).json()
    };
    let first = ask(json!({}));
    let second = ask(json!({"after": first["next"], "time_from": "2026-02-25T00:00:00"}));
    assert_eq!(second.get("next"), None);
    let (newer, older) = (&first["result"][0], &second["result"][0]);
    assert_ne!(newer["audit_id"], older["audit_id"]);
    assert_eq!((&newer["how"], &newer["current_username"]), (&json!("password"), &json!("root1")));
    assert!(newer["extra"]["session_id"].is_string(), "{newer}");
}
