//! Opening: what is wrong is said in one line, and nothing is damaged.

use std::sync::Arc;

use serde_json::json;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr, SqliteConnection};
use zato_sso::config::Config;
use zato_sso::ops::{Actor, LATEST_VERSION, NoHooks, Sso};

use crate::support::{Kind, TestDb, World, any_rows, config, ctx};

/// The migrations, oldest first: for SQLite, and for PostgreSQL.
const MIGRATIONS: [(&str, &str); 7] = [
    (
        include_str!("../../src/store/migrations/sqlite/0001_schema.sql"),
        include_str!("../../src/store/migrations/postgres/0001_schema.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0002_notifications.sql"),
        include_str!("../../src/store/migrations/postgres/0002_notifications.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0003_sites.sql"),
        include_str!("../../src/store/migrations/postgres/0003_sites.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0004_protection.sql"),
        include_str!("../../src/store/migrations/postgres/0004_protection.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0005_operations.sql"),
        include_str!("../../src/store/migrations/postgres/0005_operations.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0006_people.sql"),
        include_str!("../../src/store/migrations/postgres/0006_people.sql"),
    ),
    (
        include_str!("../../src/store/migrations/sqlite/0007_passkeys_and_openid.sql"),
        include_str!("../../src/store/migrations/postgres/0007_passkeys_and_openid.sql"),
    ),
];

on_both_databases! {
    a_database_is_made_once_and_opened_again;
    a_newer_database_is_refused_and_left_alone;
    a_database_of_any_earlier_version_is_upgraded;
    a_wrong_key_is_refused_and_a_missing_one_not_made_anew;
    many_openers_of_a_fresh_database_all_succeed;
    a_closed_one_is_not_available_any_more;
}

async fn refused(config: Config) -> String {
    let message = Sso::open(config).await.unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

async fn a_database_is_made_once_and_opened_again(kind: Kind) {
    let world = World::on(TestDb::new(kind).await, json!({}), Arc::new(NoHooks)).await;
    world.user("user1").await;
    world.sso.close().await;
    let again = world.reopened(json!({})).await;
    assert!(again.get_user_by_username(&ctx(), "user1", true).await.unwrap().is_some());
}

async fn a_database_of_any_earlier_version_is_upgraded(kind: Kind) {
    assert_eq!(i64::try_from(MIGRATIONS.len()).unwrap(), LATEST_VERSION);
    for earlier in 1..MIGRATIONS.len() {
        let db = TestDb::new(kind).await;
        let migrations = (1..).zip(&MIGRATIONS[..earlier]).map(|(version, (sqlite, postgres))| {
            let text = if kind == Kind::Sqlite { *sqlite } else { *postgres };
            Migration::new(version, "".into(), MigrationType::Simple, text.into_sql_str(), false)
        });
        let mut migrator = Migrator::with_migrations(migrations.collect());
        migrator.dangerous_set_table_name("sso_schema_version");
        if kind == Kind::Sqlite {
            let url = format!("{}?mode=rwc", db.url);
            let mut conn = SqliteConnection::connect(&url).await.unwrap();
            migrator.run_direct(None, &mut conn, false).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = PgConnection::connect(&db.url).await.unwrap();
            migrator.run_direct(None, &mut conn, false).await.unwrap();
        }
        if earlier == 2 {
            insert_user(&db, "older").await;
        }
        if earlier == 3 {
            insert_site(&db).await;
        }
        let world = World::on(db, json!({}), Arc::new(NoHooks)).await;
        // Names that were told apart by the case of letters stay apart, and only where there were any.
        assert_eq!(world.sso.is_case_insensitive(), earlier != 2, "version {earlier}");
        let case = any_rows(&world, "SELECT value FROM sso_setting WHERE name = 'username_case'").await;
        let expected: &[u8] = if earlier == 2 { b"sensitive" } else { b"insensitive" };
        assert_eq!(case, [expected.to_vec()], "version {earlier}");
        for (name, is_found) in [("older", earlier == 2), ("OLDER", false)] {
            let found = world.sso.get_user_by_username(&ctx(), name, false).await.unwrap();
            assert_eq!(found.is_some(), is_found, "version {earlier}: {name}");
        }
        world.user("user1").await;
        // Every user has an identity, whenever they came.
        let unknown = "SELECT username FROM sso_user u WHERE NOT EXISTS (\
            SELECT 1 FROM sso_identity i WHERE i.user_id = u.user_id AND i.provider = 'storage')";
        assert_eq!(any_rows(&world, unknown).await, Vec::<Vec<u8>>::new());
        if earlier == 2 {
            let identities = world.sso.list_identities(&ctx(), "zusrolder").await.unwrap();
            assert_eq!(identities.len(), 1);
            assert_eq!(identities[0].identity_token.get_version_num(), 4);
        }
        if earlier == 3 {
            // A site of an earlier version speaks for its own users alone, until it is told otherwise.
            let sites = world.sso.list_sites(&ctx(), Actor::Trusted(None)).await.unwrap();
            assert_eq!(sites.iter().map(|site| site.is_trusted).collect::<Vec<_>>(), [false]);
        }
        world.login("user1").await;
        let version = any_rows(&world, "SELECT CAST(MAX(version) AS TEXT) FROM sso_schema_version").await;
        assert_eq!(version, [LATEST_VERSION.to_string().into_bytes()]);
    }
}

/// A site, written as an earlier version could have.
async fn insert_site(db: &TestDb) {
    let sql = "INSERT INTO sso_site (site_id, subdomain, public_key, private_key_digest, is_active, creation_time) \
        VALUES ($1, 'shop', $1, $2, TRUE, 1)";
    let (site_id, digest) = (uuid::Uuid::from_u128(7), vec![0; 32]);
    if db.url.starts_with("sqlite") {
        let mut conn = SqliteConnection::connect(&db.url).await.unwrap();
        sqlx::query(sql).bind(site_id).bind(digest).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = PgConnection::connect(&db.url).await.unwrap();
        sqlx::query(sql).bind(site_id).bind(digest).execute(&mut conn).await.unwrap();
    }
}

/// A user without anything, written as an earlier version could have.
async fn insert_user(db: &TestDb, name: &str) {
    let sql = "INSERT INTO sso_user (user_id, user_token, username, email_is_claimed, is_active, is_internal, is_super_user, \
        is_locked, sign_up_status, sign_up_time, approval_status, approval_status_mod_time, password_must_change, \
        is_totp_enabled, totp_last_step, is_rate_limit_active, rate_limit_check_parent_def) VALUES ($1, $2, $3, FALSE, \
        TRUE, FALSE, FALSE, FALSE, 'final', 1, 'approved', 1, FALSE, FALSE, 0, FALSE, FALSE)";
    let (user_id, token) = (format!("zusr{name}"), uuid::Uuid::from_u128(7));
    if db.url.starts_with("sqlite") {
        let mut conn = SqliteConnection::connect(&db.url).await.unwrap();
        sqlx::query(sql).bind(user_id).bind(token).bind(name).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = PgConnection::connect(&db.url).await.unwrap();
        sqlx::query(sql).bind(user_id).bind(token).bind(name).execute(&mut conn).await.unwrap();
    }
}

async fn a_newer_database_is_refused_and_left_alone(kind: Kind) {
    let world = World::new(kind).await;
    crate::support::execute(&world, "UPDATE sso_schema_version SET version = 999 WHERE version = 3").await;
    let message = refused(config(&world.db.url, json!({}))).await;
    assert!(message.contains("schema version 999, which is newer than version 7"), "{message}");
    assert!(message.ends_with("upgrade zato-sso to use it"), "{message}");
    crate::support::execute(&world, "UPDATE sso_schema_version SET version = 3 WHERE version = 999").await;
    world.reopened(json!({})).await;
}

async fn a_wrong_key_is_refused_and_a_missing_one_not_made_anew(kind: Kind) {
    let world = World::new(kind).await;
    let other = json!({"main.secret_key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="});
    let message = refused(config(&world.db.url, other)).await;
    assert!(message.contains("key"), "{message}");
    assert!(!message.contains("AQEB"), "{message}");

    let path = world.db.folder.path().join("elsewhere.key");
    let mut missing = config(&world.db.url, json!({"main.secret_key_file": path.to_str().unwrap()}));
    missing.main.secret_key = None;
    let message = refused(missing).await;
    assert!(message.contains("was made with a secret key that is not here: restore the file"), "{message}");
    assert!(!path.exists());
}

async fn many_openers_of_a_fresh_database_all_succeed(kind: Kind) {
    let db = TestDb::new(kind).await;
    let key = db.folder.path().join("shared.key");
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let mut config = config(&db.url, json!({"main.secret_key_file": key.to_str().unwrap()}));
            config.main.secret_key = None;
            tokio::spawn(Sso::open(config))
        })
        .collect();
    for opener in openers {
        opener.await.unwrap().unwrap();
    }
}

async fn a_closed_one_is_not_available_any_more(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.sso.check_ready().await.unwrap();
    world.sso.close().await;
    let outcome = world.sso.check_ready().await;
    assert!(matches!(outcome, Err(zato_sso::domain::Error::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sso.db");
    let content = "this is not a database, and long enough to be looked at as one: ".repeat(20);
    std::fs::write(&path, &content).unwrap();
    let message = refused(config(&format!("sqlite:///{}", path.display()), json!({}))).await;
    assert!(message.contains("cannot open the database"), "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);

    let nowhere = folder.path().join("none").join("sso.db");
    let message = refused(config(&format!("sqlite:///{}", nowhere.display()), json!({}))).await;
    assert!(message.contains("check that its folder exists"), "{message}");
}

#[tokio::test]
async fn a_postgresql_server_that_is_not_there_is_named_without_its_password() {
    let message = refused(config("postgresql://ann:hunter2@127.0.0.1:1/sso", json!({}))).await;
    assert!(message.contains("postgresql://127.0.0.1:1/sso"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}
