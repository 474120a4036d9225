//! Databases to measure on: fresh ones, with the settings that the product comes with.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use zato_sso::config::Loader;
use zato_sso::domain::{Cid, Context, NewUser, Password, RemoteAddr};
use zato_sso::ops::{Actor, LoginRequest, Sso};

use super::{Result, target_folder};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// The key of the databases.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const POSTGRES_VARIABLE: &str = "ZATO_SSO_TEST_POSTGRES_URL";

/// The kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database of the server that `make bench` has started.
    Postgres,
}

impl Kind {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Single sign-on over a fresh database.
pub struct World {
    /// What is measured.
    pub sso: Sso,
    /// On what.
    pub kind: Kind,
    postgres_name: Option<String>,
    // Holds the SQLite file and the audit log.
    folder: TempDir,
    users: AtomicUsize,
}

impl World {
    /// Makes the database. Everything is as the product comes, but that audit lines go to a file, not to the terminal.
    pub async fn new(kind: Kind) -> Result<Self> {
        Self::with(kind, json!({})).await
    }

    /// The same, with these settings beside.
    pub async fn with(kind: Kind, settings: Value) -> Result<Self> {
        let temporary = target_folder().join("tmp");
        std::fs::create_dir_all(&temporary)?;
        let folder = tempfile::tempdir_in(temporary)?;
        let postgres_name = (kind == Kind::Postgres).then(|| format!("sso_bench_{}", std::process::id()));
        let url = match &postgres_name {
            None => format!("sqlite:///{}", folder.path().join("sso.db").display()),
            Some(name) => create_postgres(name).await?,
        };
        let own = json!({
            "main.secret_key": KEY,
            "database.url": url,
            "audit.file": folder.path().join("audit.jsonl"),
        });
        let config = Loader::new().arguments(own).arguments(settings);
        let sso = Sso::open(config.load()?).await?;
        Ok(Self { sso, kind, postgres_name, folder, users: AtomicUsize::new(0) })
    }

    /// Makes sure of the users `user0`, `user1` and so on.
    pub async fn have_users(&self, count: usize) -> Result<()> {
        for number in self.users.fetch_max(count, Ordering::Relaxed)..count {
            let new = new_user(&format!("user{number}"));
            self.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await?;
        }
        Ok(())
    }

    /// The tokens of a user's session and of a super-user's, who may verify it.
    pub async fn two_sessions(&self) -> Result<(String, String)> {
        self.have_users(1).await?;
        self.sso.create_super_user(&ctx(), Actor::Trusted(None), new_user("admin1"), true).await?;
        let target = self.sso.login(&ctx(), credentials("user0")).await?;
        let current = self.sso.login(&ctx(), credentials("admin1")).await?;
        Ok((target.ust.expose().to_owned(), current.ust.expose().to_owned()))
    }

    /// Closes and removes it.
    pub async fn remove(self) -> Result<()> {
        self.sso.close().await;
        if let Some(name) = &self.postgres_name {
            on_postgres_server(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(self.folder.close()?)
    }
}

fn postgres_server() -> Result<String> {
    let missing =
        |_| format!("{POSTGRES_VARIABLE} is not set: run make bench, which starts a PostgreSQL server");
    Ok(std::env::var(POSTGRES_VARIABLE).map_err(missing)?)
}

async fn on_postgres_server(sql: &str) -> Result<()> {
    let mut conn = PgConnection::connect(&postgres_server()?).await?;
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await?;
    Ok(conn.close().await?)
}

/// Creates a database of this name; its URL.
async fn create_postgres(name: &str) -> Result<String> {
    on_postgres_server(&format!("CREATE DATABASE {name}")).await?;
    let server = postgres_server()?;
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let (base, _) = base.rsplit_once('/').ok_or("the URL names no database")?;
    Ok(format!("{base}/{name}?{query}"))
}

/// A call of the application that is known by default.
pub fn ctx() -> Context {
    let (current_app, remote_addr) = ("CRM".to_owned(), RemoteAddr::from("127.0.0.1"));
    Context { cid: Cid::new("bench"), current_app, remote_addr, language: None }
}

fn new_user(username: &str) -> NewUser {
    let (username, password) = (Some(username.to_owned()), Some(Password::from(PASSWORD)));
    NewUser { username, password, ..NewUser::default() }
}

/// A user's username and password.
pub fn credentials(username: &str) -> LoginRequest {
    let password = Some(Password::from(PASSWORD));
    LoginRequest { username: username.to_owned(), password, ..LoginRequest::default() }
}
