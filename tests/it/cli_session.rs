//! The command: sessions and what is known of a user.

use serde_json::{Value, json};
use zato_sso::domain::{Code, Ust};
use zato_sso::ops::Sso;

use crate::command::Folder;
use crate::session::log_in_600_times;
use crate::support::{Kind, any_rows, config, ctx, refusal};

on_both_databases! {
    a_session_is_opened_without_a_password_and_ended_by_its_token;
    all_sessions_of_a_user_are_listed_and_ended;
    of_very_many_sessions_that_end_the_number_is_said;
    one_session_of_a_user_is_ended_by_its_id;
    a_login_keeps_to_the_state_of_the_account;
    all_that_is_known_of_a_user_is_shown_but_for_secrets;
    nobody_has_no_sessions;
}

/// The same database, opened in this process with the clock that commands have.
async fn open(folder: &Folder) -> Sso {
    let url = folder.get("ZATO_SSO_DATABASE_URL");
    Sso::open(config(url, json!({}))).await.unwrap()
}

async fn a_session_is_opened_without_a_password_and_ended_by_its_token(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let user = folder.world().await.user("user1").await;
    let sso = open(&folder).await;
    let info = folder.run("login user1 --json").json();
    assert_eq!((&info["username"], &info["user_id"]), (&json!("user1"), &json!(user.user_id.as_str())));
    assert_eq!(info["has_w_about_to_exp"], false);
    let ust = info["ust"].as_str().unwrap().to_owned();
    let session = sso
        .get_session(&ctx(), &Ust::from(ust.as_str()), Some(&Ust::from(ust.as_str())), true)
        .await
        .unwrap();
    let session = session.session;
    assert_eq!(session.creation_time.to_string(), info["creation_time"]);
    assert_eq!(session.expiration_time.to_string(), info["expiration_time"]);
    assert!(session.user_agent.unwrap().starts_with("zato-sso/"));

    let text = folder.run("login user1");
    let names: Vec<&str> = text.text().lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, info.as_object().unwrap().keys().collect::<Vec<_>>());
    let second = text.stdout.split_whitespace().find(|word| word.starts_with("zust")).unwrap().to_owned();
    let third = folder.run("login user1 --json").json()["ust"].as_str().unwrap().to_owned();

    assert_eq!(folder.run(&format!("logout {ust}")).text(), "User logged out by UST\n");
    assert_eq!(folder.run_with("logout", &format!("{second}\n")).text(), "User logged out by UST\n");
    folder.set("ZATO_SSO_UST", &third);
    assert_eq!(folder.run("logout --json").json(), json!({"is_logged_out": true}));
    for ust in [ust, second, third] {
        let ust = Ust::from(ust.as_str());
        assert_eq!(refusal(sso.get_current_user(&ctx(), &ust, false).await), Code::SessionNoSuchSession);
    }
    insta::allow_duplicates! {
        insta::assert_snapshot!(folder.run("logout"), @r"
        status 1
        err: zato-sso: E005001 auth.not_allowed: no open session has this UST
        ");
        folder.unset("ZATO_SSO_UST");
        insta::assert_snapshot!(folder.run("logout"), @r"
        status 1
        err: zato-sso: no UST: give one in ZATO_SSO_UST, on standard input or as an argument
        ");
    }
}

async fn all_sessions_of_a_user_are_listed_and_ended(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    for name in ["user1", "user2"] {
        world.user(name).await;
    }
    let titles = "SESSION ID  CREATED  EXPIRES  TYPE  REMOTE ADDRESS  USER AGENT  INTERACTIONS\n";
    assert_eq!(folder.run("list-sessions user1").text(), titles);
    assert_eq!(folder.run("list-sessions user1 --json").json(), json!([]));
    let usts: Vec<Value> = (0..3).map(|_| folder.run("login user1 --json").json()["ust"].clone()).collect();
    let kept = folder.run("login user2 --json").json()["ust"].as_str().unwrap().to_owned();

    let listed = folder.run("list-sessions user1 --json").json();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    let session = &listed[0];
    let keys: Vec<&String> = session.as_object().unwrap().keys().collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(format!("{keys:?}"), @r#"["session_id", "auth_type", "auth_principal", "creation_time", "expiration_time", "remote_addr", "user_agent", "session_state_change_list"]"#);
    }
    assert_eq!((&session["auth_type"], &session["auth_principal"]), (&json!("default"), &json!("user1")));
    assert_eq!(session["session_state_change_list"][0]["ctx_source"], "login");
    let table = folder.run("list-sessions user1");
    assert_eq!(table.text().lines().count(), 4);
    assert!(table.stdout.contains(session["session_id"].as_str().unwrap()), "{table}");
    assert!(!table.stdout.contains("zust") && !listed.to_string().contains("zust"), "{table}");

    let ended = folder.run("end-sessions user1");
    assert_eq!(ended.text(), table.stdout);
    assert_eq!(folder.run("list-sessions user1").text(), titles);
    assert_eq!(folder.run("end-sessions user1 --json").json(), json!([]));
    let sso = open(&folder).await;
    for ust in usts {
        let ust = Ust::from(ust.as_str().unwrap());
        assert_eq!(refusal(sso.get_current_user(&ctx(), &ust, false).await), Code::SessionNoSuchSession);
    }
    sso.get_current_user(&ctx(), &Ust::from(kept.as_str()), false).await.unwrap();

    let kept = any_rows(&world, "SELECT op FROM sso_audit").await;
    let count = |op: &str| kept.iter().filter(|kept| kept.as_slice() == op.as_bytes()).count();
    assert_eq!((count("session.list_of_user"), count("session.end_all")), (5, 2));
}

async fn of_very_many_sessions_that_end_the_number_is_said(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    folder.run("login user1");
    log_in_600_times(&world, kind).await;
    let ended = folder.run("end-sessions user1 --json");
    let listed: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.status, listed.len()), (0, 500));
    assert_eq!(ended.stderr, "601 sessions have ended, the newest 500 are listed\n");
    assert!(any_rows(&world, "SELECT user_id FROM sso_session").await.is_empty());
}

async fn one_session_of_a_user_is_ended_by_its_id(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    for name in ["user1", "user2"] {
        world.user(name).await;
    }
    let log_in = |name: &str| {
        let ust = folder.run(&format!("login {name} --json")).json()["ust"].clone();
        Ust::from(ust.as_str().unwrap())
    };
    let id = |name: &str| {
        let listed = folder.run(&format!("list-sessions {name} --json")).json();
        listed[0]["session_id"].as_str().unwrap().to_owned()
    };
    let (first, second, other) = (log_in("user1"), log_in("user1"), log_in("user2"));
    let first_id = id("user1");
    let ended = folder.run(&format!("end-sessions user1 --session-id {first_id} --json")).json();
    assert_eq!(ended.as_array().unwrap().len(), 1);
    assert_eq!(ended[0]["session_id"], first_id);
    for wrong in [first_id, id("user2"), "nonsense".to_owned()] {
        let refused = folder.run(&format!("end-sessions user1 --session-id {wrong}"));
        assert_eq!(refused.status, 1, "{refused}");
        assert!(refused.stderr.contains("E007001") && !refused.stderr.contains("user2"), "{refused}");
    }
    let sso = open(&folder).await;
    assert_eq!(refusal(sso.get_current_user(&ctx(), &first, false).await), Code::SessionNoSuchSession);
    for ust in [second, other] {
        sso.get_current_user(&ctx(), &ust, false).await.unwrap();
    }
}

async fn a_login_keeps_to_the_state_of_the_account(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.world().await.user("user1").await;
    assert_eq!(folder.run("lock-user user1").status, 0);
    insta::allow_duplicates! {
        insta::assert_snapshot!(folder.run("login user1"), @r"
        status 1
        err: zato-sso: E005002 auth.locked: the account is locked, zato-sso unlock-user unlocks it
        ");
    }
}

async fn all_that_is_known_of_a_user_is_shown_but_for_secrets(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let key = world.user("user1").await.totp_key.unwrap();
    let user = folder.run("show-user user1 --json").json();
    assert_eq!((&user["username"], &user["approval_status"]), (&json!("user1"), &json!("approved")));
    assert_eq!(user["password_is_set"], true);
    let shown = folder.run("show-user user1");
    let names: Vec<&str> = shown.text().lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, user.as_object().unwrap().keys().collect::<Vec<_>>());
    let line = |name: &str| shown.stdout.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("username ").ends_with(" user1"), "{shown}");
    assert!(line("is_locked ").ends_with(" no") && line("password_is_set ").ends_with(" yes"), "{shown}");
    for text in [shown.stdout, user.to_string()] {
        assert!(
            !text.contains("totp_key") && !text.contains(key.expose()) && !text.contains("argon2"),
            "{text}"
        );
    }
}

async fn nobody_has_no_sessions(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    for command in ["login", "list-sessions", "end-sessions", "show-user"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(folder.run(&format!("{command} nobody")), @r"
            status 1
            err: zato-sso: E001001 username.invalid: there is no user `nobody`, zato-sso list-users shows who there is
            ");
        }
        assert_eq!(folder.run(command).status, 2, "{command}");
    }
}
