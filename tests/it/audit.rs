//! The audit trail: what leaves an entry, where, and what never stands in one.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Edit, NewUser, Password, UserSearch, UserUpdate, Ust};
use zato_sso::ops::{Actor, ChangePassword, LoginRequest};

use crate::linked_auth::basic;
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, ctx_of, new_site, new_user, refusal,
};

on_both_databases! {
    every_operation_and_every_refusal_leaves_an_entry;
    successful_session_checks_leave_an_entry_only_where_configured;
    an_entry_says_who_did_what_to_whom_and_how_it_ended;
    entries_hold_no_secrets;
    a_change_that_cannot_be_recorded_is_not_made;
    a_refusal_is_recorded_whatever_the_application_is_called;
    refusals_of_strangers_are_one_row_for_each_minute_kind_and_address;
    refusals_of_users_and_sites_are_two_rows_for_each_minute_and_kind;
    refusals_of_strangers_are_there_after_closing;
    entries_are_kept_as_long_as_configured;
    a_login_without_a_password_says_so;
}

async fn world_with_file(kind: Kind, more: Value) -> (World, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.keep().join("audit.jsonl");
    // One session goes on through all that is done to its user.
    let mut all = json!({"audit.file": path.to_str().unwrap(), "session.end_on_lock": false});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (World::with(kind, all).await, path)
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ops_and_results(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    lines.iter().map(|line| format!("{} {}", text(line, "op"), text(line, "result"))).collect()
}

async fn in_database(world: &World) -> Vec<String> {
    world.sso.record_refusals().await.unwrap();
    let rows = any_rows(world, "SELECT op || ' ' || result FROM sso_audit ORDER BY audit_id").await;
    let mut rows: Vec<String> = rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    rows.sort();
    rows
}

/// Every operation once, and its refusal.
async fn everything(world: &World) {
    let root = world.super_user("root1").await;
    let user = world.user("user1").await;
    let (root_info, info) = (world.login("root1").await, world.login("user1").await);
    let (sso, user_id) = (&world.sso, user.user_id.as_str());
    let by = &root_info.ust;
    assert!(sso.login(&ctx(), credentials("user1", "planted-wrong")).await.is_err());
    assert!(sso.create_user(&ctx(), &info.ust, new_user("x"), false).await.is_err());
    sso.lock_user(&ctx(), by, user_id).await.unwrap();
    assert!(sso.renew_session(&ctx(), &info.ust, None).await.is_err());
    sso.unlock_user(&ctx(), by, user_id).await.unwrap();
    sso.reject_user(&ctx(), &root_info.ust, user_id).await.unwrap();
    sso.approve_user(&ctx(), &root_info.ust, user_id).await.unwrap();
    sso.get_user_by_id(&ctx(), &root_info.ust, user_id, false).await.unwrap();
    assert!(sso.get_user_by_id(&ctx(), &info.ust, root.user_id.as_str(), false).await.is_err());
    sso.get_user_by_username(&ctx(), "user1", true).await.unwrap();
    sso.list_users(&ctx(), "", 10).await.unwrap();
    let search = || UserSearch { email: Some("planted@example.com".to_owned()), ..UserSearch::default() };
    sso.search_users(&ctx(), &root_info.ust, search()).await.unwrap();
    assert!(sso.search_users(&ctx(), &info.ust, search()).await.is_err());
    sso.get_current_user(&ctx(), &info.ust, false).await.unwrap();
    sso.verify_session(&ctx(), &root_info.ust, &info.ust).await.unwrap();
    sso.get_session(&ctx(), &info.ust, Some(&info.ust), true).await.unwrap();
    sso.list_sessions(&ctx(), &info.ust, None).await.unwrap();
    sso.renew_session(&ctx(), &info.ust, None).await.unwrap();
    let change = ChangePassword {
        old_password: Some(Password::from(PASSWORD)),
        new_password: Password::from("planted-new-password"),
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    // The new one contains a common string.
    assert!(sso.change_password(&ctx(), &info.ust, change.clone()).await.is_err());
    let fine = ChangePassword { new_password: Password::from("planted-new-secret"), ..change };
    sso.change_password(&ctx(), &info.ust, fine).await.unwrap();
    let update = UserUpdate {
        email: Edit::Set("planted@example.com".to_owned()),
        totp_key: Edit::Set(Password::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")),
        ..UserUpdate::default()
    };
    sso.update_current_user(&ctx(), &info.ust, update.clone()).await.unwrap();
    assert!(sso.update_user_by_id(&ctx(), &info.ust, root.user_id.as_str(), update).await.is_err());
    sso.logout(&ctx(), &info.ust).await.unwrap();
    assert!(sso.logout(&ctx(), &info.ust).await.is_err());
    sso.delete_user_by_username(&ctx(), by, "user1").await.unwrap();
    assert!(sso.delete_user_by_id(&ctx(), by, user_id).await.is_err());
}

async fn every_operation_and_every_refusal_leaves_an_entry(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({})).await;
    everything(&world).await;
    let security = [
        "user.create_super_user ok",
        "user.create ok",
        "user.login ok",
        "user.login ok",
        "user.login E005001",
        "user.create E005001",
        "user.lock ok",
        "user.unlock ok",
        "user.reject ok",
        "user.approve ok",
        "user.get_by_id ok",
        "user.get_by_id E005001",
        "user.get_by_username ok",
        "user.list ok",
        "user.search ok",
        "user.search E005001",
        "user.change_password E003001",
        "user.change_password ok",
        "user.update_current ok",
        "user.update_by_id E005001",
        "user.logout ok",
        "user.logout E005001",
        "user.delete_by_username ok",
        "user.delete_by_id E001100",
    ];
    let mut in_file: Vec<String> = security.iter().map(|entry| (*entry).to_owned()).collect();
    in_file.insert(7, "session.renew E005002".to_owned());
    in_file.insert(17, "session.renew ok".to_owned());
    assert_eq!(ops_and_results(&lines(&path)), in_file);
    let mut security: Vec<String> = security.iter().map(|entry| (*entry).to_owned()).collect();
    security.sort();
    assert_eq!(in_database(&world).await, security);
}

async fn successful_session_checks_leave_an_entry_only_where_configured(kind: Kind) {
    let (world, path) =
        world_with_file(kind, json!({"audit.session_checks": true, "audit.to_database": false})).await;
    everything(&world).await;
    let entries = ops_and_results(&lines(&path));
    for entry in ["user.get_current ok", "session.verify ok", "session.get ok", "session.get_list ok"] {
        assert_eq!(entries.iter().filter(|found| *found == entry).count(), 1, "{entry}");
    }
    assert_eq!(in_database(&world).await, Vec::<String>::new());
}

async fn an_entry_says_who_did_what_to_whom_and_how_it_ended(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({})).await;
    let root = world.super_user("root1").await;
    let user = world.user("user1").await;
    let info = world.login("root1").await;
    world.sso.lock_user(&ctx(), &info.ust, user.user_id.as_str()).await.unwrap();
    let entry = lines(&path).pop().unwrap();
    let expected = json!({
        "time": "2026-02-25T12:00:00",
        "cid": "test",
        "op": "user.lock",
        "current_user": root.user_id.as_str(),
        "target_user": user.user_id.as_str(),
        "result": "ok",
        "how": "password",
        "extra": {"current_app": "CRM", "remote_addr": "10.0.0.1"},
    });
    assert_eq!(entry, expected);
    let row = "SELECT cid || '|' || actor_id || '|' || target_id || '|' || current_app || '|' || remote_addr \
        FROM sso_audit WHERE op = 'user.lock'";
    let row = String::from_utf8(any_rows(&world, row).await.remove(0)).unwrap();
    assert_eq!(row, format!("test|{}|{}|CRM|10.0.0.1", root.user_id, user.user_id));
}

async fn entries_hold_no_secrets(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({"audit.session_checks": true})).await;
    let new =
        NewUser { totp_key: Some(Password::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")), ..new_user("totp1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    everything(&world).await;
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in [PASSWORD, "planted", "GEZDGNBV", "zust\"", "$argon2"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // No token: none begins like one and goes on for long enough.
    let is_token = |word: &str| word.starts_with("zust") && word.len() > 40;
    assert!(!text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(is_token));
}

async fn a_change_that_cannot_be_recorded_is_not_made(kind: Kind) {
    let world = World::new(kind).await;
    let user = world.user("user1").await;
    crate::support::execute(&world, "ALTER TABLE sso_audit RENAME TO sso_audit_gone").await;
    let outcome = world.sso.lock_user(&ctx(), Actor::Trusted(None), user.user_id.as_str()).await;
    assert!(outcome.is_err());
    // A refusal stands all the same.
    let refused = world.sso.login(&ctx(), credentials("user1", "wrong")).await;
    assert_eq!(refusal(refused), Code::AuthNotAllowed);
    crate::support::execute(&world, "ALTER TABLE sso_audit_gone RENAME TO sso_audit").await;
    world.login("user1").await;
}

async fn a_refusal_is_recorded_whatever_the_application_is_called(kind: Kind) {
    let world = World::new(kind).await;
    for (app, address) in [("a\0b", "10.0.0.1"), (&*"x".repeat(1_000_000), "10.0.0.2")] {
        let outcome = world.sso.login(&ctx_of(app, address), credentials("user1", PASSWORD)).await;
        assert_eq!(refusal(outcome), Code::AppListInvalid);
    }
    world.sso.record_refusals().await.unwrap();
    let rows = any_rows(&world, "SELECT current_app FROM sso_audit ORDER BY current_app").await;
    assert_eq!(rows, [b"ab".to_vec(), vec![b'x'; 128]]);
}

async fn refusals_of_strangers_are_one_row_for_each_minute_kind_and_address(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({"login_throttle.enabled": false})).await;
    let user = world.user("user1").await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let before = any_rows(&world, "SELECT op FROM sso_audit").await.len();
    let nobody = Ust::from("zustnone");
    let far = || ctx_of("CRM", "2001:db8::1");
    let lines_before = lines(&path).len();
    for number in 0..20 {
        let strangers: [Code; 7] = [
            refusal(world.sso.login(&ctx(), credentials("user1", "wrong")).await),
            refusal(world.sso.login(&far(), credentials(&format!("name-{number}"), "wrong")).await),
            refusal(world.sso.create_user(&ctx(), &nobody, new_user("x"), false).await),
            refusal(world.sso.authenticate_request(&ctx(), &basic("nobody", "x"), None, None).await),
            refusal(world.sso.reset_password(&ctx(), &"x".into(), &"x".into(), "x".into()).await),
            refusal(world.sso.confirm_sign_up(&ctx(), &"x".into()).await),
            refusal(world.sso.look_up_site_user(&ctx(), &site, "user1", Password::from("wrong")).await),
        ];
        assert!(!strangers.contains(&Code::AuthRateLimited));
        if number == 9 {
            world.clock.advance_seconds(60);
        }
    }
    assert_eq!(lines(&path).len(), lines_before + 140, "each is a line");
    world.sso.record_refusals().await.unwrap();
    let rows = any_rows(&world, "SELECT op || ' ' || remote_addr || ' ' || extra FROM sso_audit").await;
    let mut rows: Vec<_> = rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect();
    rows.retain(|row| row.contains("\"count\":10"));
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), 7, "{rows:?}");
    assert!(rows.iter().any(|row| row.starts_with("user.login 2001:db8::/64 ")), "{rows:?}");
    let all = any_rows(&world, "SELECT op FROM sso_audit").await.len();
    assert_eq!(all - before, 14, "one for each of two minutes");
    // All those about one user say which one.
    let about = "SELECT target_id FROM sso_audit WHERE op = 'user.login' AND target_id IS NOT NULL AND result <> 'ok'";
    assert_eq!(
        any_rows(&world, about).await,
        [user.user_id.as_str().as_bytes(), user.user_id.as_str().as_bytes()]
    );
}

async fn refusals_of_users_and_sites_are_two_rows_for_each_minute_and_kind(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({})).await;
    let user = world.user("user1").await;
    world.user("user2").await;
    world.sso.create_site(&ctx(), new_site("shop", &[])).await.unwrap();
    let site = world.sso.act_as_site(&ctx(), "shop").await.unwrap();
    let (info, other) = (world.login("user1").await, world.login("user2").await);
    let locked = NewUser { is_locked: Some(true), ..new_user("locked") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), locked, true).await.unwrap();
    let before = any_rows(&world, "SELECT op FROM sso_audit").await.len();
    let lines_before = lines(&path).len();
    for number in 0..20 {
        refusal(world.sso.create_user(&ctx(), &info.ust, new_user("x"), false).await);
        refusal(world.sso.create_user(&ctx(), &other.ust, new_user("x"), false).await);
        refusal(world.sso.get_user_by_id(&ctx(), &info.ust, "zusrx", false).await);
        refusal(world.sso.get_site_user(&ctx(), &site, "00000000-0000-4000-8000-000000000000").await);
        // Known by the password, and refused all the same.
        let address = format!("10.0.{number}.1");
        refusal(world.sso.login(&ctx_of("CRM", &address), credentials("locked", PASSWORD)).await);
        if number == 9 {
            world.clock.advance_seconds(60);
        }
    }
    assert_eq!(lines(&path).len(), lines_before + 100, "each is a line");
    assert_eq!(
        any_rows(&world, "SELECT op FROM sso_audit").await.len() - before,
        10,
        "the first are there at once"
    );
    world.sso.record_refusals().await.unwrap();
    assert_eq!(any_rows(&world, "SELECT op FROM sso_audit").await.len() - before, 20);
    let own = format!(
        "SELECT extra FROM sso_audit WHERE op = 'user.create' AND actor_id = '{}' ORDER BY audit_id",
        user.user_id
    );
    let own = any_rows(&world, &own).await;
    assert_eq!(own.iter().filter(|extra| **extra == br#"{"count":9}"#.to_vec()).count(), 2, "{own:?}");
    assert_eq!(own.iter().filter(|extra| **extra == b"{}".to_vec()).count(), 2, "{own:?}");
}

async fn refusals_of_strangers_are_there_after_closing(kind: Kind) {
    let world = World::new(kind).await;
    refusal(world.sso.login(&ctx(), credentials("nobody", "wrong")).await);
    let kept = "SELECT extra FROM sso_audit WHERE op = 'user.login'";
    assert_eq!(any_rows(&world, kept).await.len(), 0);
    world.sso.close().await;
    assert_eq!(any_rows(&world, kept).await, [br#"{"count":1}"#.to_vec()]);
}

async fn entries_are_kept_as_long_as_configured(kind: Kind) {
    let world = World::with(kind, json!({"audit.keep": 30})).await;
    world.user("user1").await;
    let for_good = world.reopened(json!({})).await;
    world.clock.advance_seconds(30 * 86_400 - 1);
    world.login("user1").await;
    let ops = async || any_rows(&world, "SELECT op FROM sso_audit ORDER BY op").await;
    world.sso.clean_up(&ctx()).await.unwrap();
    assert_eq!(ops().await.len(), 2);
    world.clock.advance_seconds(1);
    for_good.clean_up(&ctx()).await.unwrap();
    assert_eq!(ops().await.len(), 2);
    world.sso.clean_up(&ctx()).await.unwrap();
    // The cleaning itself is in the trail.
    assert_eq!(ops().await, [b"maintenance.clean_up".to_vec(), b"user.login".to_vec()]);
}

async fn a_login_without_a_password_says_so(kind: Kind) {
    let (world, path) = world_with_file(kind, json!({})).await;
    world.user("user1").await;
    world.login("user1").await;
    let trusted = LoginRequest { skip_sec: true, ..credentials("user1", "") };
    world.sso.login(&ctx(), trusted.clone()).await.unwrap();
    world.sso.login(&ctx(), LoginRequest { is_by_command: true, ..trusted.clone() }).await.unwrap();
    refusal(world.sso.login(&ctx(), LoginRequest { username: "nobody".to_owned(), ..trusted }).await);
    let logins: Vec<_> = lines(&path).into_iter().filter(|line| line["op"] == "user.login").collect();
    let said = |name: &str| logins.iter().map(|line| line["extra"][name].clone()).collect::<Vec<_>>();
    assert_eq!(said("auth_method"), [json!(null), json!("skip_sec"), json!("skip_sec"), json!("skip_sec")]);
    assert_eq!(said("by"), [json!(null), json!(null), json!("command"), json!(null)]);
}
