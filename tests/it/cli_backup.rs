//! The command: backup and restore of a database in use.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::command::Folder;
use crate::support::{Kind, credentials, ctx};

async fn folder() -> Folder {
    let mut folder = Folder::with_database(Kind::Sqlite).await;
    folder.run("migrate");
    folder.set("ZATO_SSO_PASSWORD", "correct horse battery staple");
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_and_restored_while_the_database_is_in_use() {
    let folder = folder().await;
    folder.run("create-user before").text();
    let world = folder.world().await;
    // Somebody writes all the time.
    let is_over = Arc::new(AtomicBool::new(false));
    let (sso, until) = (world.sso.clone(), Arc::clone(&is_over));
    let writing = tokio::spawn(async move {
        let mut count = 0;
        while !until.load(Ordering::SeqCst) {
            sso.login(&ctx(), credentials("before", "correct horse battery staple")).await.unwrap();
            count += 1;
        }
        count
    });
    let said = folder.run("backup copy.db");
    assert!(
        said.text().starts_with("Backed up sqlite:") && said.text().contains(" bytes, of the key "),
        "{said}"
    );
    is_over.store(true, Ordering::SeqCst);
    assert!(writing.await.unwrap() > 0);
    for file in ["copy.db", "copy.db.key-id"] {
        assert_eq!(folder.path(file).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let key = folder.read("copy.db.key-id");
    assert!(said.text().trim_end().ends_with(key.trim()), "{said}");
    assert!(!folder.path("copy.db.part").exists());

    // What has come since goes, also for who has the database open, and what they have cached.
    let session =
        world.sso.login(&ctx(), credentials("before", "correct horse battery staple")).await.unwrap();
    folder.run("create-user after").text();
    assert!(world.sso.get_user_by_username(&ctx(), "after", true).await.unwrap().is_some());
    let said = folder.run("restore copy.db");
    assert!(said.text().starts_with("Restored sqlite:"), "{said}");
    assert!(world.sso.get_user_by_username(&ctx(), "after", true).await.unwrap().is_none());
    assert!(world.sso.verify_session(&ctx(), &session.ust, None).await.is_err());
    world.sso.login(&ctx(), credentials("before", "correct horse battery staple")).await.unwrap();
    folder.run("create-user later").text();
    assert_eq!(folder.run("doctor --json").status, 0);
    for end in ["restore", "restore-wal", "restore-shm", "restore-epoch"] {
        let database = folder.get("ZATO_SSO_DATABASE_URL").strip_prefix("sqlite:///").unwrap();
        assert!(!std::path::Path::new(&format!("{database}.{end}")).exists(), "{end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_backup_of_this_key_changes_nothing() {
    let mut folder = folder().await;
    folder.run("create-user ann").text();
    folder.run("backup copy.db").text();
    let whole = std::fs::read(folder.path("copy.db")).unwrap();
    let refused = |folder: &Folder, line: &str, why: &str| {
        let said = folder.run(line);
        assert!(said.status == 1 && said.stderr.contains(why) && said.stderr.lines().count() == 1, "{said}");
    };
    refused(&folder, "backup copy.db", "copy.db exists already: choose another name");
    refused(&folder, "backup none/copy.db", "cannot write none/copy.db");
    refused(&folder, "restore none.db", "cannot read none.db");
    folder.write("text.db", "no database");
    refused(&folder, "restore text.db", "text.db: ");
    std::fs::write(folder.path("cut.db"), &whole[..whole.len() / 2]).unwrap();
    refused(&folder, "restore cut.db", "cut.db: ");
    std::fs::write(folder.path("live.db"), &whole).unwrap();
    std::fs::write(folder.path("live.db-wal"), b"x").unwrap();
    refused(&folder, "restore live.db", "create a backup with zato-sso backup");
    let key = folder.get("ZATO_SSO_SECRET_KEY").to_owned();
    folder.set("ZATO_SSO_SECRET_KEY", "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgISE=");
    refused(&folder, "restore copy.db", "key");
    folder.set("ZATO_SSO_SECRET_KEY", &key);
    assert_eq!(folder.run("list-users --json").json().as_array().unwrap().len(), 1);
    // A database that is not there is made.
    folder.set("ZATO_SSO_DATABASE_URL", "sqlite:///other.db");
    folder.run("restore copy.db").text();
    assert_eq!(folder.run("list-users --json").json()[0]["username"], "ann");
}

/// A backup that was put in the place of the file, beside the log that a crash had left, was damaged by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_after_a_crash() {
    let folder = folder().await;
    folder.run("create-user ann").text();
    folder.run("backup copy.db").text();
    let mut server = folder.command("serve --listen 127.0.0.1:0").spawn().unwrap();
    for number in 0..5 {
        folder.run(&format!("create-user user{number}")).text();
    }
    server.kill().unwrap();
    server.wait().unwrap();
    folder.run("restore copy.db").text();
    assert_eq!(folder.run("list-users --json").json().as_array().unwrap().len(), 1);
    assert_eq!(folder.run("doctor --json").status, 0);
}

#[tokio::test]
async fn on_postgresql_its_own_programs_are_named() {
    let folder = Folder::with_database(Kind::Postgres).await;
    for (line, program) in [("backup copy.db", "use pg_dump,"), ("restore copy.db", "use pg_restore,")] {
        let said = folder.run(line);
        assert!(said.status == 1 && said.stderr.contains(program), "{said}");
    }
}
