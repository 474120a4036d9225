//! Databases of tests: empty ones, and ones that have the schema already.
//!
//! To make a database and its schema costs more than most tests do. So the schema is made once and copied, and a
//! PostgreSQL database that a test has done with is emptied and given to another one. A test that changed the schema
//! spoils its database, which is dropped.

use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zato_sso::store::{Db, Options, Server};

/// The databases that every test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A fresh database.
pub struct TestDb {
    pub url: String,
    pub folder: TempDir,
}

impl TestDb {
    /// Opens it as storage does, beside single sign-on.
    pub async fn connect(&self) -> Db {
        let options = match self.url.strip_prefix("sqlite://") {
            Some(path) => Options::SqliteFile(path.into()),
            None => Options::Postgres(Box::new(Server::at(SecretString::from(self.url.clone())))),
        };
        Db::connect(&options, 1).await.unwrap()
    }

    /// One without anything. An SQLite file does not exist yet.
    pub async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match kind {
            Kind::Sqlite => sqlite_url(&folder),
            Kind::Postgres => {
                let mut server = connect(&postgres_server()).await;
                drop_unwanted(&mut server).await;
                let name = new_name();
                create(&mut server, &name, "template1").await;
                server.close().await.unwrap();
                Loan::of(&name, After::Drop);
                url_of(&name)
            }
        };
        Self { url, folder }
    }

    /// One with the schema, and no rows.
    pub async fn with_schema(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match kind {
            Kind::Sqlite => {
                let (content, permissions) = SQLITE.get_or_init(make_sqlite_template).await;
                let path = folder.path().join("sso.db");
                std::fs::write(&path, content).unwrap();
                std::fs::set_permissions(&path, permissions.clone()).unwrap();
                sqlite_url(&folder)
            }
            Kind::Postgres => url_of(&postgres_with_schema().await),
        };
        Self { url, folder }
    }
}

/// The server that `make test` has started.
fn postgres_server() -> String {
    std::env::var("ZATO_SSO_TEST_POSTGRES_URL").expect(
        "ZATO_SSO_TEST_POSTGRES_URL is not set: run the tests with `make test`, which starts a PostgreSQL server",
    )
}

fn sqlite_url(folder: &TempDir) -> String {
    format!("sqlite:///{}", folder.path().join("sso.db").display())
}

/// A database of the server.
fn url_of(name: &str) -> String {
    let server = postgres_server();
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let base = base.rsplit_once('/').unwrap().0;
    format!("{base}/{name}?{query}")
}

fn new_name() -> String {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("sso_it_{}_{number}", std::process::id())
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn execute(conn: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
}

/// Copying files costs half as much as the default, which writes all of it to the log as well.
async fn create(server: &mut PgConnection, name: &str, template: &str) {
    execute(server, format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
}

/// The file with the schema and its permissions, as the product makes it.
static SQLITE: OnceCell<(Vec<u8>, std::fs::Permissions)> = OnceCell::const_new();

async fn make_sqlite_template() -> (Vec<u8>, std::fs::Permissions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sso.db");
    migrate(&Options::SqliteFile(path.clone()), &sqlite_url(&folder)).await;
    (std::fs::read(&path).unwrap(), std::fs::metadata(&path).unwrap().permissions())
}

async fn migrate(options: &Options, url: &str) {
    let db = Db::connect(options, 1).await.unwrap();
    db.migrate(url).await.unwrap();
    db.close().await;
}

/// The database that others are copies of, and what its catalogs say.
struct Template {
    name: String,
    schema: String,
}

static POSTGRES: OnceCell<Template> = OnceCell::const_new();

async fn make_postgres_template() -> Template {
    let name = new_name();
    let mut server = connect(&postgres_server()).await;
    create(&mut server, &name, "template1").await;
    server.close().await.unwrap();
    let url = url_of(&name);
    migrate(&Options::Postgres(Box::new(Server::at(SecretString::from(url.clone())))), &url).await;
    let mut conn = connect(&url).await;
    let schema = sqlx::query_scalar(SCHEMA).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    Template { name, schema }
}

/// What changes when the schema does: rows of catalogs with the transactions that wrote them, which copies have alike. Also
/// the versions, whether there are statistics, and whether a test has left a large database.
const SCHEMA: &str = "SELECT concat_ws(' ',
    (SELECT md5(string_agg(oid || '.' || xmin, ' ' ORDER BY oid)) FROM pg_class WHERE oid >= 16384),
    (SELECT md5(string_agg(attrelid || '.' || attnum || '.' || xmin, ' ' ORDER BY attrelid, attnum))
        FROM pg_attribute WHERE attrelid >= 16384),
    (SELECT md5(string_agg(oid || '.' || xmin, ' ' ORDER BY oid)) FROM pg_constraint WHERE oid >= 16384),
    (SELECT md5(string_agg(oid || '.' || xmin, ' ' ORDER BY oid)) FROM pg_trigger WHERE oid >= 16384),
    (SELECT md5(string_agg(oid || '.' || xmin, ' ' ORDER BY oid)) FROM pg_proc WHERE oid >= 16384),
    (SELECT md5(string_agg(oid || '.' || xmin, ' ' ORDER BY oid)) FROM pg_namespace),
    (SELECT COUNT(*) FROM pg_statistic WHERE starelid >= 16384),
    (SELECT COUNT(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()),
    (SELECT md5(string_agg(v::text, ' ' ORDER BY version)) FROM sso_schema_version v),
    pg_database_size(current_database()) < 20000000)";

/// Ends what the test before has left, for instance a server that was killed.
const DISCONNECT: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Deletes all rows, without triggers, and lets numbers begin anew. Much quicker than TRUNCATE, which makes new files.
const EMPTY: &str = "DO $$
    DECLARE name regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'sso_schema_version'
        LOOP
            EXECUTE format('DELETE FROM %s', name);
        END LOOP;
        PERFORM setval(seqrelid, seqstart, FALSE) FROM pg_sequence;
    END $$";

async fn postgres_with_schema() -> String {
    let template = POSTGRES.get_or_init(make_postgres_template).await;
    loop {
        let free = SHELF.lock().unwrap().free.pop();
        let Some(name) = free else { break };
        let mut conn = connect(&url_of(&name)).await;
        sqlx::raw_sql(DISCONNECT).execute(&mut conn).await.unwrap();
        let schema: Result<String, _> = sqlx::query_scalar(SCHEMA).fetch_one(&mut conn).await;
        let is_whole = schema.is_ok_and(|schema| schema == template.schema);
        if is_whole {
            sqlx::raw_sql(EMPTY).execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
        if is_whole {
            Loan::of(&name, After::Keep);
            return name;
        }
        SHELF.lock().unwrap().unwanted.push(name);
    }
    let name = new_name();
    let mut server = connect(&postgres_server()).await;
    drop_unwanted(&mut server).await;
    create(&mut server, &name, &template.name).await;
    server.close().await.unwrap();
    Loan::of(&name, After::Keep);
    name
}

async fn drop_unwanted(server: &mut PgConnection) {
    let unwanted = std::mem::take(&mut SHELF.lock().unwrap().unwanted);
    for name in unwanted {
        execute(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

/// What no test has at the moment.
struct Shelf {
    /// With a schema. It may have rows.
    free: Vec<String>,
    /// To be dropped.
    unwanted: Vec<String>,
}

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { free: Vec::new(), unwanted: Vec::new() });

#[derive(Clone, Copy)]
enum After {
    Keep,
    Drop,
}

/// A database that a test has. It comes back when the thread of the test ends: its runtime has ended then, and no task of
/// the test is left that could write.
struct Loan {
    name: String,
    after: After,
}

thread_local! {
    static LOANS: RefCell<Vec<Loan>> = const { RefCell::new(Vec::new()) };
}

impl Loan {
    fn of(name: &str, after: After) {
        let loan = Self { name: name.to_owned(), after };
        LOANS.with_borrow_mut(|loans| loans.push(loan));
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let mut shelf = SHELF.lock().unwrap();
        match self.after {
            After::Keep => shelf.free.push(name),
            After::Drop => shelf.unwanted.push(name),
        }
    }
}
