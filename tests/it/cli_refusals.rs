//! The command: whatever is wrong is said in one line, with status 1, and nothing is damaged.

use crate::command::{Done, Folder};
use crate::support::{Kind, PASSWORD, execute};

/// A folder with a configuration, a key and a database with one user.
fn initialised() -> Folder {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert_eq!(folder.run("init").status, 0);
    assert_eq!(folder.run("create-user user1").status, 0);
    folder
}

/// Runs a command that must be refused in one line and change no file.
#[track_caller]
fn refused(folder: &Folder, line: &str) -> Done {
    let content = || {
        let mut content = folder.content();
        // A connection that another part of the test has left behind may end at any moment, and these with it.
        content.retain(|name, _| !name.ends_with("-wal") && !name.ends_with("-shm"));
        content
    };
    let before = content();
    let done = folder.run(line);
    assert_eq!((done.status, done.stdout.as_str(), done.stderr.lines().count()), (1, "", 1), "{done}");
    let after = content();
    assert!(after.keys().eq(before.keys()), "{done}: {:?}", after.keys());
    for (name, content) in before {
        // A refusal by an operation is in the audit trail, which is in the database.
        assert!(name == "sso.db" || after[&name] == content, "{name} was changed");
    }
    done
}

#[test]
fn users_that_cannot_be_made() {
    let mut folder = initialised();
    insta::assert_snapshot!(refused(&folder, "create-user user1"), @r"
    status 1
    err: zato-sso: E001002 username.exists: this name is taken, choose another
    ");
    insta::assert_snapshot!(refused(&folder, "create-user user2 --password short"), @r"
    status 1
    err: zato-sso: E003002 password.too_short: password: at least 8 characters
    ");
    insta::assert_snapshot!(refused(&folder, "create-super-user user2 --password 2-password-2"), @r"
    status 1
    err: zato-sso: E003001 password.invalid: password: contains a string that is too common
    ");
    let long = "x".repeat(129);
    insta::assert_snapshot!(refused(&folder, &format!("create-user {long}")), @r"
    status 1
    err: zato-sso: E001003 username.too_long: username: at most 128 characters
    ");
    folder.unset("ZATO_SSO_PASSWORD");
    insta::assert_snapshot!(refused(&folder, "create-user user2"), @r"
    status 1
    err: zato-sso: no password: give one in ZATO_SSO_PASSWORD, on standard input or with --password
    ");
    assert_eq!(folder.run("list-users --json").json().as_array().unwrap().len(), 1);
}

#[test]
fn users_that_do_not_exist() {
    let folder = initialised();
    insta::assert_snapshot!(refused(&folder, "lock-user nobody"), @r"
    status 1
    err: zato-sso: E001001 username.invalid: there is no user `nobody`, zato-sso list-users shows who there is
    ");
    insta::assert_snapshot!(refused(&folder, "--json unlock-user nobody"), @r"
    status 1
    err: zato-sso: E001001 username.invalid: there is no user `nobody`, zato-sso list-users shows who there is
    ");
}

#[test]
fn configurations_that_cannot_be_used() {
    let mut folder = initialised();
    folder.write("sso.toml", "[session]\nexpiri = 5\n");
    for command in ["serve", "init", "list-users", "migrate --check", "config show", "create-user user2"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(&folder, command), @r"
            status 1
            err: zato-sso: sso.toml:2: unknown key session.expiri, the nearest known one is session.expiry
            ");
        }
    }
    folder.write("sso.toml", "[session]\nexpiry = \"soon\"\n");
    insta::assert_snapshot!(refused(&folder, "list-users"), @r#"
    status 1
    err: zato-sso: sso.toml:2: session.expiry: expected a whole number from 0 to 4294967295, found "soon"
    "#);
    folder.write("sso.toml", "[session\n");
    insta::assert_snapshot!(refused(&folder, "list-users"), @r"
    status 1
    err: zato-sso: sso.toml:1: unclosed table, expected `]`
    ");
    insta::assert_snapshot!(refused(&folder, "--config none.toml list-users"), @r"
    status 1
    err: zato-sso: there is no configuration file none.toml: correct --config, or make it with zato-sso --config none.toml init
    ");
    insta::assert_snapshot!(refused(&folder, "--config none/sso.toml init"), @r"
    status 1
    err: zato-sso: there is no folder none for none/sso.toml: make it first
    ");
    folder.write("sso.toml", "");
    folder.set("ZATO_SSO_SESSION__EXPIRI", "5");
    insta::assert_snapshot!(refused(&folder, "list-users"), @r"
    status 1
    err: zato-sso: unknown environment variable ZATO_SSO_SESSION__EXPIRI, the nearest known one is ZATO_SSO_SESSION__EXPIRY
    ");
}

#[test]
fn databases_that_cannot_be_used() {
    let folder = Folder::new();
    insta::assert_snapshot!(refused(&folder, "--database-url mysql://ann:hunter2@db/sso list-users"), @r"
    status 1
    err: zato-sso: argument: database.url: expected sqlite:///relative.db, sqlite:////absolute/path.db, sqlite::memory: or postgresql://user:password@host/name, found a string that is not shown here
    ");
    insta::assert_snapshot!(refused(&folder, "--database-url sqlite:///none/sso.db init"), @r"
    status 1
    err: zato-sso: cannot open the database sqlite:///none/sso.db: error returned from database: (code: 14) unable to open database file; check that its folder exists and can be written to, and that the file is an SQLite database
    ");
    insta::assert_snapshot!(refused(&folder, "--database-url sqlite:///none/sso.db create-user u --password 12345-67-8"), @r"
    status 1
    err: zato-sso: cannot open the database sqlite:///none/sso.db: error returned from database: (code: 14) unable to open database file; check that its folder exists and can be written to, and that the file is an SQLite database
    ");
    insta::assert_snapshot!(refused(&folder, "--database-url sqlite:///none/sso.db migrate"), @r"
    status 1
    err: zato-sso: cannot open the database sqlite:///none/sso.db: error returned from database: (code: 14) unable to open database file; check that its folder exists and can be written to, and that the file is an SQLite database
    ");
    insta::assert_snapshot!(refused(&folder, "--database-url sqlite::memory: migrate"), @r"
    status 1
    err: zato-sso: the database sqlite::memory: would end with this command: use sqlite:///sso.db or PostgreSQL
    ");
    insta::assert_snapshot!(
        refused(&folder, "--database-url postgresql://ann:hunter2@127.0.0.1:1/sso list-users"),
        @r"
        status 1
        err: zato-sso: cannot open the database postgresql://127.0.0.1:1/sso: error communicating with database: Connection refused (os error 111); check the URL postgresql://user:password@host:5432/database and that the server runs
        "
    );
    for command in ["lock-user user1", "unlock-user user1", "list-users"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(&folder, command), @r"
            status 1
            err: zato-sso: there is no database sqlite:///sso.db: correct --database-url, ZATO_SSO_DATABASE_URL or database.url, or make it with zato-sso init
            ");
        }
    }
    assert_eq!(folder.names(), Vec::<String>::new());

    folder.write("sso.db", &"this is no database, and long enough to be taken for one. ".repeat(20));
    for command in ["init", "serve --listen 127.0.0.1:0", "list-users", "migrate --check", "migrate"] {
        let before = folder.content();
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(&folder, command), @r"
            status 1
            err: zato-sso: cannot open the database sqlite:///sso.db: error returned from database: (code: 26) file is not a database; check that its folder exists and can be written to, and that the file is an SQLite database
            ");
        }
        assert_eq!(folder.content(), before);
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let folder = Folder::with_database(Kind::Sqlite).await;
    let world = folder.world().await;
    execute(&world, "UPDATE sso_schema_version SET version = 999 WHERE version = 2").await;
    world.sso.close().await;
    let done = refused(&folder, "list-users");
    let url = &world.db.url;
    let expected = format!(
        "zato-sso: the database {url} has schema version 999, which is newer than version 7 that this zato-sso knows: \
         upgrade zato-sso to use it\n"
    );
    assert_eq!(done.stderr, expected);
    for command in ["init", "migrate", "serve --listen 127.0.0.1:0"] {
        assert_eq!(refused(&folder, command).stderr, expected, "{command}");
    }
    let done = folder.run("migrate --check");
    assert!(
        done.status == 1 && done.stdout.contains("has version 999, which is newer than version 7"),
        "{done}"
    );
}

#[test]
fn keys_that_cannot_be_used() {
    let folder = initialised();
    let key = folder.read("sso.db.key");

    std::fs::remove_file(folder.path("sso.db.key")).unwrap();
    for command in ["init", "serve --listen 127.0.0.1:0", "list-users", "migrate", "create-user user2"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused(&folder, command), @r"
            status 1
            err: zato-sso: the database sqlite:///sso.db was made with a secret key that is not here: restore the file sso.db.key, or set ZATO_SSO_SECRET_KEY
            ");
        }
    }
    std::fs::create_dir(folder.path("sso.db.key")).unwrap();
    insta::assert_snapshot!(refused(&folder, "list-users"), @r"
    status 1
    err: zato-sso: the key file sso.db.key cannot be read: Is a directory (os error 21); restore it from a backup, or correct main.secret_key_file or ZATO_SSO_SECRET_KEY
    ");
    std::fs::remove_dir(folder.path("sso.db.key")).unwrap();
    folder.write("sso.db.key", "not a key");
    insta::assert_snapshot!(refused(&folder, "list-users"), @r"
    status 1
    err: zato-sso: the key file sso.db.key is not valid: key 1 of the keyring is not base64; make one with `openssl rand -base64 32`
    ");
    folder.write("sso.db.key", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let done = refused(&folder, "list-users").to_string();
    let (before, after) = done.split_once("needs key ").unwrap();
    insta::assert_snapshot!(format!("{before}needs key …{}", &after[8..]), @r"
    status 1
    err: zato-sso: wrong key: the database needs key …, which is not in the keyring; restore its key file from a backup, or correct main.secret_key_file or ZATO_SSO_SECRET_KEY; nothing was changed
    ");

    folder.write("sso.db.key", &key);
    assert_eq!(folder.run("list-users").status, 0);

    // For a database that is still to be made, too: none is left behind.
    let mut folder = Folder::new();
    std::fs::create_dir(folder.path("sso.db.key")).unwrap();
    insta::assert_snapshot!(refused(&folder, "init"), @r"
    status 1
    err: zato-sso: the key file sso.db.key cannot be read: Is a directory (os error 21); restore it from a backup, or correct main.secret_key_file or ZATO_SSO_SECRET_KEY
    ");
    folder.set("ZATO_SSO_MAIN__SECRET_KEY_FILE", "none/sso.key");
    insta::assert_snapshot!(refused(&folder, "migrate"), @r"
    status 1
    err: zato-sso: the key file none/sso.key cannot be made: No such file or directory (os error 2); its folder must exist, be writable and know hard links, or give a key in ZATO_SSO_SECRET_KEY
    ");
    folder.unset("ZATO_SSO_MAIN__SECRET_KEY_FILE");
    folder.set("ZATO_SSO_SECRET_KEY", "short");
    insta::assert_snapshot!(refused(&folder, "migrate"), @r"
    status 1
    err: zato-sso: key 1 of the keyring is not base64; make one with `openssl rand -base64 32`
    ");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = initialised();
    std::fs::set_permissions(folder.path("sso.db.key"), PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(folder.path("sso.db.key")).is_ok() {
        // root may read everything.
        return;
    }
    let done = folder.run("list-users");
    std::fs::set_permissions(folder.path("sso.db.key"), PermissionsExt::from_mode(0o600)).unwrap();
    insta::assert_snapshot!(done, @r"
    status 1
    err: zato-sso: the key file sso.db.key may not be read by this user; change its owner or mode
    ");
}

#[test]
fn wrong_usage_is_status_2() {
    let folder = Folder::new();
    for line in [
        "",
        "nonsense",
        "create-user",
        "lock-user",
        "config",
        "--json",
        "list-users --lots",
        "serve --listen",
    ] {
        let done = folder.run(line);
        assert_eq!((done.status, done.stdout.as_str()), (2, ""), "{line}: {done}");
        assert!(done.stderr.contains("--help") || done.stderr.contains("Usage: zato-sso"), "{line}: {done}");
    }
    for line in ["--help", "create-user --help"] {
        let done = folder.run(line);
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{line}: {done}");
    }
    let version = concat!("zato-sso ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(folder.run("--version").stdout, version);
    assert_eq!(folder.names(), Vec::<String>::new());
}
