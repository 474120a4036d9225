//! What the tests share: a fresh database of either kind, a clock that is set by hand, and users.

mod database;

use std::sync::Arc;

use serde_json::json;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use zato_sso::config::{Config, Loader};
use zato_sso::domain::{
    Cid, Code, Context, Error, ManualClock, NewUser, Password, RemoteAddr, SessionInfo, SystemRandom,
    Timestamp, User,
};
use zato_sso::ops::{Actor, Hooks, LoginRequest, NewSite, NoHooks, Parts, Sso};

pub use database::{Kind, TestDb};

pub const PASSWORD: &str = "correct horse battery staple";

/// The key of every test database.
pub const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// 2026-02-25T12:00:00.
pub const START: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);

/// One open SSO with its clock.
pub struct World {
    pub sso: Sso,
    pub clock: Arc<ManualClock>,
    pub db: TestDb,
}

/// The configuration of a test: fast hashing, a key given directly, and whatever the test adds.
pub fn config(url: &str, more: serde_json::Value) -> Config {
    Loader::new()
        .arguments(json!({
            "main.secret_key": KEY,
            "database.url": url,
            "database.max_connections": 4,
            "audit.file": "off",
            "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true},
            "apps.all": ["CRM", "Billing", "Metadata"],
            "apps.login_allowed": ["CRM", "Metadata"],
            "apps.login_metadata_allowed": ["Metadata"],
        }))
        .arguments(more)
        .load()
        .unwrap()
}

/// What tests open single sign-on with: a clock of their own.
pub fn parts(clock: &Arc<ManualClock>) -> Parts {
    Parts { clock: Arc::clone(clock) as _, ..Parts::default() }
}

impl World {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, json!({})).await
    }

    pub async fn with(kind: Kind, more: serde_json::Value) -> Self {
        Self::with_hooks(kind, more, Arc::new(NoHooks)).await
    }

    pub async fn with_hooks(kind: Kind, more: serde_json::Value, hooks: Arc<dyn Hooks>) -> Self {
        Self::on(TestDb::with_schema(kind).await, more, hooks).await
    }

    /// On a database that is there already.
    pub async fn on(db: TestDb, more: serde_json::Value, hooks: Arc<dyn Hooks>) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let config = config(&db.url, more);
        let parts = Parts { hooks, ..parts(&clock) };
        let sso = Sso::open_with(config, parts).await.unwrap();
        Self { sso, clock, db }
    }

    /// The same database, opened once more, as another process would.
    pub async fn reopened(&self, more: serde_json::Value) -> Sso {
        let config = config(&self.db.url, more);
        Sso::open_with(config, parts(&self.clock)).await.unwrap()
    }

    pub async fn user(&self, username: &str) -> User {
        let new = new_user(username);
        self.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap()
    }

    pub async fn super_user(&self, username: &str) -> User {
        let new = new_user(username);
        self.sso.create_super_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap()
    }

    pub async fn login(&self, username: &str) -> SessionInfo {
        self.sso.login(&ctx(), credentials(username, PASSWORD)).await.unwrap()
    }
}

pub fn ctx() -> Context {
    ctx_of("CRM", "10.0.0.1")
}

pub fn ctx_of(app: &str, remote_addr: &str) -> Context {
    Context {
        cid: Cid::new("test"),
        current_app: app.to_owned(),
        remote_addr: RemoteAddr::from(remote_addr),
        language: None,
    }
}

/// A site like any other.
pub fn new_site(subdomain: &str, callback_uris: &[&str]) -> NewSite {
    let callback_uris = callback_uris.iter().map(|uri| (*uri).to_owned()).collect();
    NewSite { subdomain: subdomain.to_owned(), callback_uris, ..NewSite::default() }
}

/// A site that speaks for all users.
pub fn trusted_site(subdomain: &str) -> NewSite {
    NewSite { is_trusted: true, ..new_site(subdomain, &[]) }
}

pub fn new_user(username: &str) -> NewUser {
    NewUser {
        username: Some(username.to_owned()),
        password: Some(Password::from(PASSWORD)),
        ..NewUser::default()
    }
}

pub fn credentials(username: &str, password: &str) -> LoginRequest {
    LoginRequest {
        username: username.to_owned(),
        password: Some(Password::from(password)),
        ..LoginRequest::default()
    }
}

/// The code of a refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(error @ (Error::Refused { .. } | Error::RateLimited { .. })) => error.code(),
        other => panic!("expected a refusal, not {other:?}"),
    }
}

/// Declares tests that each run on both databases.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        mod sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Kind::Sqlite).await; })*
        }
        mod postgresql {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Kind::Postgres).await; })*
        }
    };
}

/// The bytes of the first column of each row, asked for beside the product.
pub async fn any_rows(world: &World, sql: &str) -> Vec<Vec<u8>> {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if world.db.url.starts_with("sqlite") {
        let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        rows.iter().map(|row| row.get_unchecked(0)).collect()
    } else {
        let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get_unchecked(0)).collect()
    }
}

/// How many refusals of an operation there were with such a result (an SQL pattern), as the database has them: those of callers without a
/// session are counted together.
pub async fn refusals(world: &World, op: &str, result: &str) -> u64 {
    world.sso.record_refusals().await.unwrap();
    let sql = format!("SELECT extra FROM sso_audit WHERE op = '{op}' AND result LIKE '{result}'");
    let count = |extra: &Vec<u8>| {
        let extra: serde_json::Value = serde_json::from_slice(extra).unwrap();
        extra["count"].as_u64().unwrap_or(1)
    };
    any_rows(world, &sql).await.iter().map(count).sum()
}

/// Runs a statement beside the product, as somebody with access to the database could.
pub async fn execute(world: &World, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if world.db.url.starts_with("sqlite") {
        let mut conn = SqliteConnection::connect(&world.db.url).await.unwrap();
        sqlx::query(sql).execute(&mut conn).await.unwrap();
        // What is closed by being dropped is closed some time later, and the file is busy until then.
        conn.close().await.unwrap();
    } else {
        let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
}

/// The bytes of a column of a user.
pub async fn envelope(world: &World, column: &str, username: &str) -> Vec<u8> {
    let sql = format!("SELECT {column} FROM sso_user WHERE username = '{username}'");
    any_rows(world, &sql).await.remove(0)
}

/// Puts a password hash into the row of a user, as a migration does: sealed, as ours are.
pub async fn store_hash(world: &World, username: &str, hash: &str) {
    let user = world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap();
    let keyring = zato_sso::crypto::Keyring::parse(KEY).unwrap();
    let row = user.user.user_id.as_str().as_bytes();
    let place = zato_sso::crypto::Place { table: "sso_user", column: "password_hash", row };
    let sealed = keyring.seal(place, hash.as_bytes(), &SystemRandom).unwrap();
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    let literal =
        if world.db.url.starts_with("sqlite") { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") };
    execute(world, &format!("UPDATE sso_user SET password_hash = {literal} WHERE username = '{username}'"))
        .await;
}

/// The password hash of a user, in PHC form.
pub async fn stored_hash(world: &World, username: &str) -> String {
    let envelope = envelope(world, "password_hash", username).await;
    let user = world.sso.get_user_by_username(&ctx(), username, false).await.unwrap().unwrap();
    let keyring = zato_sso::crypto::Keyring::parse(KEY).unwrap();
    let row = user.user.user_id.as_str().as_bytes();
    let place = zato_sso::crypto::Place { table: "sso_user", column: "password_hash", row };
    String::from_utf8(keyring.open(place, &envelope).unwrap().to_vec()).unwrap()
}

/// Every byte of the database that could hold something, as text where it is.
pub async fn dump(world: &World) -> String {
    let mut bytes = Vec::new();
    if world.db.url.starts_with("sqlite") {
        for entry in std::fs::read_dir(world.db.folder.path()).unwrap() {
            bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
    } else {
        let mut conn = PgConnection::connect(&world.db.url).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut conn).await.unwrap();
        for table in tables {
            // Bytes as such, which text would show as hexadecimal.
            let sql = format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'"
            );
            let columns: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
            for column in columns {
                let kind = format!("SELECT COALESCE(MAX(pg_typeof({column})::text), '') FROM {table}");
                let kind: String =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(kind)).fetch_one(&mut conn).await.unwrap();
                let value =
                    if kind == "bytea" { column } else { format!("convert_to({column}::text, 'UTF8')") };
                let sql = format!("SELECT COALESCE({value}, ''::bytea) FROM {table}");
                let values: Vec<Vec<u8>> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
                bytes.extend(values.into_iter().flatten());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
