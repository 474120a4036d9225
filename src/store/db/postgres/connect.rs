//! Connecting to a PostgreSQL server: which host is taken, and what is asked of it before it is used.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, sleep, timeout};

use crate::store::db::error::{is_full, is_starting};
use crate::store::db::postgres::limit::silent;
use crate::store::db::postgres::server::{Hosts, Server};

/// What a new connection is asked. The simple protocol is used, which every pooler passes on.
const LOOK: &str =
    "SELECT current_setting('server_encoding'), current_setting('transaction_read_only'), pg_backend_pid()";

/// After how long a server that is starting is tried again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// How long the second connection may take by which a pooler is noticed.
const SECOND_TIMEOUT: Duration = Duration::from_secs(1);

const SHARED: &str = "a pooler gives each transaction another connection: set database.pooler to \"transaction\", and database.listen_url to \
     the server itself";

/// How connections are made. It remembers which host was good.
#[derive(Debug)]
pub struct Connector {
    hosts: Hosts,
    first: AtomicUsize,
    /// What each connection is told; None where a pooler would tell others.
    set_up: Option<String>,
    /// How long a host may take.
    pub timeout: Duration,
}

impl Connector {
    /// For these hosts.
    pub fn new(hosts: Hosts, server: &Server) -> Self {
        let set_up = (!server.has_transaction_pooler).then(|| set_up(server.statement_timeout));
        Self { hosts, first: AtomicUsize::new(0), set_up, timeout: server.connect_timeout }
    }

    /// The host that was good last.
    pub fn host(&self) -> Option<&PgConnectOptions> {
        let count = self.hosts.all.len().max(1);
        self.hosts.all.get(self.first.load(Relaxed) % count)
    }

    /// A connection to the host that was good last, or to the next that is.
    ///
    /// # Errors
    /// What the last host said.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut conn = self.plain().await?.0;
        if let Some(text) = &self.set_up {
            let told = sqlx::raw_sql(AssertSqlSafe(text.as_str())).execute(&mut conn);
            within(self.timeout, async { told.await.map(drop) }).await?;
        }
        Ok(conn)
    }

    /// The same, as often as a server that is just starting, or has no place at the moment, needs it.
    ///
    /// # Errors
    /// What the last host said at last.
    pub async fn connect_by(
        &self,
        deadline: Instant,
        is_full_final: bool,
    ) -> Result<PgConnection, sqlx::Error> {
        let mut pause = BETWEEN_ATTEMPTS;
        loop {
            match self.connect().await {
                Err(error) if is_starting(&error) || (is_full(&error) && !is_full_final) => {
                    if Instant::now() + pause >= deadline {
                        return Err(error);
                    }
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(Duration::from_millis(400));
                }
                outcome => return outcome,
            }
        }
    }

    /// Refuses a pooler that gives each transaction another connection, if it was not told of: two connections that are
    /// open at the same time are then one on the server.
    ///
    /// # Errors
    /// That it is so, or that there is no connection.
    pub async fn refuse_shared(&self) -> Result<(), sqlx::Error> {
        if self.set_up.is_none() {
            return Ok(());
        }
        let (first, number) = self.plain().await?;
        let second = timeout(SECOND_TIMEOUT, self.plain()).await;
        let is_shared = matches!(&second, Ok(Ok((_, other))) if *other == number);
        for conn in
            [Some(first), second.ok().and_then(Result::ok).map(|(conn, _)| conn)].into_iter().flatten()
        {
            drop(timeout(SECOND_TIMEOUT, conn.close()).await);
        }
        if is_shared { Err(sqlx::Error::Configuration(SHARED.into())) } else { Ok(()) }
    }

    /// A connection as the server gives it, and the number of its process there.
    async fn plain(&self) -> Result<(PgConnection, i32), sqlx::Error> {
        let mut last = sqlx::Error::PoolClosed;
        let count = self.hosts.all.len();
        let first = self.first.load(Relaxed);
        for number in (first..first + count).map(|number| number % count) {
            let Some(host) = self.hosts.all.get(number) else { continue };
            let mut attempt = Attempt { first: &self.first, then: (number + 1) % count };
            match within(self.timeout, open(host, self.hosts.must_be_writable)).await {
                Ok(found) => {
                    attempt.then = number;
                    return Ok(found);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// An attempt with one host. Unless it succeeds, others begin with the next, also when nobody has waited for its end.
struct Attempt<'a> {
    first: &'a AtomicUsize,
    then: usize,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.first.store(self.then, Relaxed);
    }
}

/// A server that has lost this process lets go of what it holds after about a minute.
fn set_up(statement_timeout: Duration) -> String {
    format!(
        "SET statement_timeout = {}; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; \
         SET tcp_keepalives_count = 3; SET tcp_user_timeout = 60000",
        statement_timeout.as_millis().min(i32::MAX as u128)
    )
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(silent(limit, "connect_timeout")),
    }
}

async fn open(host: &PgConnectOptions, must_be_writable: bool) -> Result<(PgConnection, i32), sqlx::Error> {
    let mut conn = PgConnection::connect_with(host).await?;
    let row: PgRow = sqlx::raw_sql(LOOK).fetch_one(&mut conn).await?;
    let (encoding, read_only): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    if encoding != "UTF8" {
        let text = format!(
            "its encoding is {encoding}, which cannot hold every name: make one with CREATE DATABASE … ENCODING 'UTF8' \
             TEMPLATE template0"
        );
        return Err(sqlx::Error::Configuration(text.into()));
    }
    if must_be_writable && read_only == "on" {
        let text = format!("{}:{} is read-only: a standby, or fenced", host.get_host(), host.get_port());
        return Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::ReadOnlyFilesystem, text)));
    }
    Ok((conn, row.try_get(2)?))
}
