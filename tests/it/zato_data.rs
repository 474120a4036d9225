//! The database of a Zato 3.3 server, as a file and in PostgreSQL, and what must come of it.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use zato_sso::config::{AtRest, secret_keys, source_url};
use zato_sso::domain::Timestamp;
use zato_sso::ops::ZatoOptions;

use crate::support::{Kind, TestDb};

/// How many users there are.
pub const USERS: usize = 31;

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/zato33").join(name)
}

pub fn keys() -> Vec<SecretString> {
    secret_keys(&path("secrets.conf")).unwrap()
}

/// What each user must be.
pub fn expected() -> Vec<Value> {
    let text = std::fs::read_to_string(path("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let users = expected["users"].as_array().unwrap().clone();
    assert_eq!(users.len(), USERS);
    users
}

/// A database of Zato's that a test may change.
pub struct Zato {
    pub db: TestDb,
}

impl Zato {
    pub async fn new(kind: Kind) -> Self {
        let db = TestDb::new(kind).await;
        match kind {
            Kind::Sqlite => {
                std::fs::copy(path("zato.db"), db.folder.path().join("sso.db")).unwrap();
            }
            Kind::Postgres => load(&db.url).await,
        }
        Self { db }
    }

    /// Runs a statement that means the same to both.
    pub async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.db.url.starts_with("sqlite") {
            let mut conn = SqliteConnection::connect(&self.db.url).await.unwrap();
            // As in a connection of Zato's.
            conn.execute("PRAGMA foreign_keys = OFF").await.unwrap();
            sqlx::query(sql).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = PgConnection::connect(&self.db.url).await.unwrap();
            sqlx::query(sql).execute(&mut conn).await.unwrap();
        }
    }

    pub fn options(&self) -> ZatoOptions {
        ZatoOptions {
            from: source_url(&self.db.url).unwrap(),
            keys: keys(),
            at_rest: AtRest::default(),
            sec_defs: Vec::new(),
            now: Timestamp::parse("2026-12-01").unwrap(),
        }
    }
}

/// Puts the rows of the file into tables of the same names and columns. Bytes in columns of texts become texts.
async fn load(url: &str) {
    let mut from =
        SqliteConnection::connect(&format!("sqlite://{}?mode=ro", path("zato.db").display())).await.unwrap();
    let mut to = PgConnection::connect(url).await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut from).await.unwrap();
    for table in tables {
        let columns = "SELECT name, type FROM pragma_table_info($1)";
        let columns: Vec<(String, String)> =
            sqlx::query_as(columns).bind(&table).fetch_all(&mut from).await.unwrap();
        let types = columns.iter().map(|(name, kind)| match kind.as_str() {
            "BOOLEAN" | "INTEGER" => format!("{name} {kind}"),
            "DATETIME" => format!("{name} TIMESTAMP"),
            _ => format!("{name} TEXT"),
        });
        let types: Vec<_> = types.collect();
        to.execute(AssertSqlSafe(format!("CREATE TABLE {table} ({})", types.join(", ")))).await.unwrap();
        let literals: Vec<_> =
            columns.iter().map(|(name, _)| format!("quote(CAST({name} AS TEXT))")).collect();
        let rows = format!("SELECT {} FROM {table}", literals.join(" || ',' || "));
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut from).await.unwrap();
        for row in rows {
            to.execute(AssertSqlSafe(format!("INSERT INTO {table} VALUES ({row})"))).await.unwrap();
        }
    }
}
