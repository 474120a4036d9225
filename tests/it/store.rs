//! The two databases say the same: every statement prepares on both, and the schemas are alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sqlx::{Connection, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection};
use zato_sso::ops::NoHooks;
use zato_sso::store::user::{browse, search};
use zato_sso::store::{LATEST_VERSION, statements};

use crate::support::{Kind, TestDb, World, any_rows};

async fn sqlite() -> (World, SqliteConnection) {
    let world = World::with(Kind::Sqlite, json!({})).await;
    let conn = SqliteConnection::connect(&world.db.url).await.unwrap();
    (world, conn)
}

async fn postgres() -> (World, PgConnection) {
    let world = World::with(Kind::Postgres, json!({})).await;
    let conn = PgConnection::connect(&world.db.url).await.unwrap();
    (world, conn)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_both() {
    let (_sqlite, mut lite) = sqlite().await;
    let (_postgres, mut pg) = postgres().await;
    assert!(statements().len() > 20);
    for (name, text) in statements() {
        if !name.ends_with("_POSTGRES") {
            let prepared = lite.prepare(text.into_sql_str()).await;
            assert!(prepared.is_ok(), "{name} on SQLite: {}", prepared.err().unwrap());
        }
        if !name.ends_with("_SQLITE") {
            let prepared = pg.prepare(text.into_sql_str()).await;
            assert!(prepared.is_ok(), "{name} on PostgreSQL: {}", prepared.err().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_search_becomes_prepares_on_both() {
    let (_sqlite, mut lite) = sqlite().await;
    let (_postgres, mut pg) = postgres().await;
    let (mut for_sqlite, mut for_postgres) = (search::statements_sqlite(), search::statements_postgres());
    assert!(for_sqlite.len() > 1000 && for_postgres.len() > 1000);
    for_sqlite.extend(browse::statements_sqlite());
    for_postgres.extend(browse::statements_postgres());
    for text in for_sqlite {
        let prepared = lite.prepare(sqlx::AssertSqlSafe(text.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{text} on SQLite: {}", prepared.err().unwrap());
    }
    for text in for_postgres {
        let prepared = pg.prepare(sqlx::AssertSqlSafe(text.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{text} on PostgreSQL: {}", prepared.err().unwrap());
    }
}

#[test]
fn every_file_with_statements_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let listed = statements();
    let mut found = 0;
    for path in sources(&root) {
        let place = path.strip_prefix(&root).unwrap().with_extension("");
        if place.ends_with("macros") || !fs::read_to_string(&path).unwrap().contains("\nsql! {") {
            continue;
        }
        found += 1;
        let module: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
        let prefix = format!("zato_sso::store::{}::", module.join("::"));
        let is_listed = listed.iter().any(|(statement, _)| statement.starts_with(&prefix));
        assert!(is_listed, "{} is not listed", path.display());
    }
    assert!(found > 15, "only {found} files with statements were found");
}

/// All source files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|name| name == "rs")).collect()
}

/// Table to column to (type, nullable).
type Columns = BTreeMap<String, BTreeMap<String, (String, bool)>>;

/// Index to (table, columns, unique).
type Indexes = BTreeMap<String, (String, Vec<String>, bool)>;

async fn sqlite_schema(conn: &mut SqliteConnection) -> (Columns, Indexes) {
    let mut columns = Columns::new();
    let mut indexes = Indexes::new();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sso\\_%' ESCAPE '\\' \
        AND name <> 'sso_schema_version'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *conn).await.unwrap();
    for table in tables {
        let infos = "SELECT name, type, \"notnull\" FROM pragma_table_info($1)";
        for info in sqlx::query(infos).bind(&table).fetch_all(&mut *conn).await.unwrap() {
            let value = (info.get("type"), info.get::<i64, _>("notnull") == 0);
            columns.entry(table.clone()).or_default().insert(info.get("name"), value);
        }
        let list = "SELECT name, \"unique\" FROM pragma_index_list($1) WHERE origin = 'c'";
        for index in sqlx::query(list).bind(&table).fetch_all(&mut *conn).await.unwrap() {
            let name: String = index.get("name");
            let parts = "SELECT name FROM pragma_index_info($1) ORDER BY seqno";
            let parts: Vec<String> =
                sqlx::query_scalar(parts).bind(&name).fetch_all(&mut *conn).await.unwrap();
            indexes.insert(name, (table.clone(), parts, index.get::<i64, _>("unique") == 1));
        }
    }
    (columns, indexes)
}

async fn postgres_schema(conn: &mut PgConnection) -> (Columns, Indexes) {
    let mut columns = Columns::new();
    let infos = "SELECT table_name::text AS t, column_name::text AS c, data_type::text AS d, is_nullable = 'YES' AS n \
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'sso_schema_version'";
    for info in sqlx::query(infos).fetch_all(&mut *conn).await.unwrap() {
        let kind = match info.get::<String, _>("d").as_str() {
            "text" => "TEXT",
            "bigint" | "boolean" => "INTEGER",
            "bytea" | "uuid" => "BLOB",
            other => panic!("no SQLite counterpart of {other}"),
        };
        let value = (kind.to_owned(), info.get("n"));
        columns.entry(info.get("t")).or_default().insert(info.get("c"), value);
    }
    let mut indexes = Indexes::new();
    let list = "SELECT i.relname::text AS name, t.relname::text AS t, x.indisunique AS u, \
        array_agg(a.attname::text ORDER BY k.ord) AS parts \
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
        JOIN pg_namespace n ON n.oid = t.relnamespace \
        JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(attnum, ord) ON TRUE \
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum \
        WHERE n.nspname = 'public' AND NOT x.indisprimary GROUP BY 1, 2, 3";
    for index in sqlx::query(list).fetch_all(&mut *conn).await.unwrap() {
        indexes.insert(index.get("name"), (index.get("t"), index.get("parts"), index.get("u")));
    }
    (columns, indexes)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_schemas_are_alike() {
    let (_sqlite, mut lite) = sqlite().await;
    let (_postgres, mut pg) = postgres().await;
    let (lite_columns, lite_indexes) = sqlite_schema(&mut lite).await;
    let (pg_columns, pg_indexes) = postgres_schema(&mut pg).await;
    assert!(lite_columns.contains_key("sso_user"));
    assert_eq!(lite_columns, pg_columns);
    assert_eq!(lite_indexes, pg_indexes);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_has_an_index() {
    let (_postgres, mut pg) = postgres().await;
    let bare = "SELECT c.conrelid::regclass::text || '.' || a.attname::text FROM pg_constraint c \
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
        WHERE c.contype = 'f' AND NOT EXISTS (SELECT 1 FROM pg_index x \
        WHERE x.indrelid = c.conrelid AND x.indkey[0] = c.conkey[1])";
    let bare: Vec<String> = sqlx::query_scalar(bare).fetch_all(&mut pg).await.unwrap();
    assert_eq!(bare, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_version_is_applied_on_opening() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let world = World::on(TestDb::new(kind).await, json!({}), Arc::new(NoHooks)).await;
        let version = any_rows(&world, "SELECT CAST(MAX(version) AS TEXT) FROM sso_schema_version").await;
        assert_eq!(version, [LATEST_VERSION.to_string().into_bytes()], "{kind:?}");
    }
}

/// Cached sessions are checked against what changes of users and sessions tell: whoever adds a statement here has its function
/// call `Conn::touch`, or says below why not.
#[test]
fn whatever_changes_users_or_sessions_is_known() {
    let changes = |text: &str| {
        ["UPDATE sso_user ", "UPDATE sso_session ", "DELETE FROM sso_user ", "DELETE FROM sso_session "]
            .iter()
            .any(|beginning| text.contains(beginning))
    };
    let mut names: Vec<_> = statements()
        .into_iter()
        .filter(|(_, text)| changes(text))
        .map(|(name, _)| name.trim_start_matches("zato_sso::store::"))
        .collect();
    names.sort_unstable();
    let expected = [
        // What has expired is read again before it is rejected.
        "maintenance::cleanup::SESSIONS_POSTGRES",
        "maintenance::cleanup::SESSIONS_SQLITE",
        // Who has not confirmed has no session.
        "maintenance::cleanup::SIGN_UPS_POSTGRES",
        "maintenance::cleanup::SIGN_UPS_SQLITE",
        "session::proof::GIVE",
        "session::proof::SET_METHODS",
        "session::proof::TAKE",
        "session::record::DELETE",
        "session::record::DELETE_OF_DEFINITION",
        "session::record::DELETE_OF_USER",
        "session::record::DELETE_OLDEST",
        "session::record::DELETE_OTHERS_OF_USER",
        // A session that seems to have been idle is read again before it is rejected.
        "session::record::NOTE_USE",
        "session::record::SET_AUTH_TIME",
        "session::record::SET_DIGEST",
        "session::renewal::RENEW_POSTGRES",
        "session::renewal::RENEW_SQLITE",
        // How many browsers know a session of a site, which is no session that a cache keeps.
        "site::browser::COUNT_COOKIE",
        "site::registry::SESSIONS",
        "site::session::DELETE",
        "site::session::DELETE_ALL_OF_IDENTITY",
        "site::session::DELETE_OF_IDENTITY",
        "user::account::DELETE_BY_ID",
        // Nothing that a session shows.
        "user::account::REPLACE_HASH",
        "user::account::SET_APPROVAL",
        "user::account::SET_EMAIL",
        // No check of a session reads it.
        "user::account::SET_LANGUAGE",
        "user::account::SET_LOCK",
        "user::account::SET_PASSWORD",
        "user::account::SET_TOTP",
        "user::account::UPDATE",
        // Nor this.
        "user::account::USE_TOTP_STEP",
        "user::email_change::SET_VERIFIED",
        // The form in which a name is compared, which no session shows.
        "user::name::CLEAR_KEYS",
        "user::name::SET_KEY",
        // No check of a session reads it.
        "user::profile::SET",
        "user::signup::CONFIRM",
        "user::signup::CONTEST",
        "user::signup::DELETE_EXPIRED_EMAIL",
        "user::signup::DELETE_EXPIRED_NAME",
        "user::signup::DELETE_WITH_EMAIL",
        "user::signup::DISCLAIM",
        "user::signup::GIVE_END",
        "user::signup::KEEP",
        // No check of a session reads it.
        "user::signup::NOT_MAILED",
        "user::signup::SET_TOKEN",
        "user::signup::UNSET_PASSWORD",
        "user::signup::WAIT",
    ];
    assert_eq!(names, expected);
}
