//! The connections to PostgreSQL that calls share.
//!
//! A call takes the connection that came back last, or opens one, and gives it back. The invariants:
//!
//! 1. There are no more connections than permits. Each lent connection has one.
//! 2. What has rested is looked at before it is used, by the BEGIN of a transaction or an empty question, so that a
//!    connection that the server, a balancer or a firewall has ended in the meantime fails no call.
//! 3. The first connection that turns out to be broken or silent takes all those at rest along.
//! 4. A connection whose call was given up, or whose statement did not end in time, is closed.
//! 5. A server that admits no more is not asked for more: permits are taken away until it has been quiet for a while,
//!    and calls wait for the connections that there are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _};
use tokio::time::{Instant, timeout};

use crate::store::db::dialect;
use crate::store::db::error::is_full;
use crate::store::db::postgres::connect::Connector;
use crate::store::db::postgres::lent::{Lent, Terms};
use crate::store::db::postgres::limit::{Limit, limited, run, silent};
use crate::store::db::postgres::server::Server;
use crate::store::db::postgres::shelf::{Idle, Live, Shelf, close_soon};

/// A connection that has rested for so long is looked at before it is used.
const LOOK_AFTER: Duration = Duration::from_millis(100);
/// How long that may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// After how long a connection is replaced, so that changes of names and balancers are followed.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// How long connections in use may hold up the end.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// The connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PgPool {
    connector: Arc<Connector>,
    server: Arc<Server>,
    shelf: Shelf,
}

impl PgPool {
    /// Opens the first connection.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn connect(connector: Connector, server: Server, max: u32) -> Result<Self, sqlx::Error> {
        let shelf = Shelf::new(max, server.idle_timeout);
        let deadline = Instant::now() + server.connect_timeout;
        let pool = Self { connector: Arc::new(connector), server: Arc::new(server), shelf };
        let live = pool.open(deadline, false).await?;
        // That there is no second connection is no reason: the server may have but one place for us.
        if let Err(error @ sqlx::Error::Configuration(_)) = pool.connector.refuse_shared().await {
            return Err(error);
        }
        pool.shelf.put_back(live);
        Ok(pool)
    }

    /// How long a statement may take.
    pub fn statement_timeout(&self) -> Duration {
        self.server.statement_timeout
    }

    /// Whether what is outside of a transaction may come to another connection of the server.
    pub fn has_transaction_pooler(&self) -> bool {
        self.server.has_transaction_pooler
    }

    /// How many connections are open, how many of them are at rest, and how many there may be.
    pub fn connections(&self) -> (usize, usize, usize) {
        (self.shelf.size(), self.shelf.idle(), self.shelf.max())
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn to_read(&self) -> Result<Lent, sqlx::Error> {
        let begin = self.has_transaction_pooler().then_some(dialect::BEGIN_POSTGRES);
        self.acquire(begin).await
    }

    /// A connection with an open transaction.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn to_write(&self) -> Result<Lent, sqlx::Error> {
        self.acquire(Some(dialect::BEGIN_POSTGRES)).await
    }

    /// A connection for somebody who manages transactions.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn alone(&self) -> Result<Lent, sqlx::Error> {
        self.acquire(None).await
    }

    /// Runs a statement by itself, in the simple protocol.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn tell(&self, sql: AssertSqlSafe<String>) -> Result<(), sqlx::Error> {
        let mut lent = self.acquire(None).await?;
        let (conn, end, limit) = lent.used().parts();
        let outcome = limited(limit, async { sqlx::raw_sql(sql).execute(conn).await.map(drop) }).await;
        end.note(&outcome);
        outcome
    }

    /// Puts another connection in place of one that was lost, so that a read can be done once more. Whether it did.
    pub async fn replace(&self, lost: &mut Lent) -> bool {
        if !lost.make_way() {
            return false;
        }
        match self.to_read().await {
            Ok(fresh) => {
                *lost = fresh.into_second();
                true
            }
            Err(_) => false,
        }
    }

    async fn acquire(&self, begin: Option<&'static str>) -> Result<Lent, sqlx::Error> {
        self.shelf.owner().check()?;
        let deadline = Instant::now() + self.server.connect_timeout;
        let terms = Terms {
            limit: self.statement_timeout(),
            is_in_transaction: begin.is_some(),
            has_named_statements: !self.has_transaction_pooler(),
        };
        loop {
            let permit = self.shelf.permit(deadline).await?;
            while let Some(idle) = self.shelf.take() {
                if let Some(live) = self.look_at(idle, begin).await {
                    return Ok(Lent::new(live, self.shelf.clone(), permit, terms));
                }
            }
            // Rare, and large.
            match Box::pin(self.open_for(deadline, begin)).await {
                Ok(live) => return Ok(Lent::new(live, self.shelf.clone(), permit, terms)),
                Err(error) if is_no_place(&error) && self.shelf.size() > 0 && self.shelf.shrink(&error) => {
                    permit.forget();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection, if it is still good; with the transaction begun that it is to have.
    async fn look_at(&self, idle: Idle, statement: Option<&'static str>) -> Option<Live> {
        let Idle { mut live, since } = idle;
        if live.born.elapsed() > MAX_AGE {
            close_soon(live);
            return None;
        }
        let has_rested = since.elapsed() > LOOK_AFTER;
        let outcome = match statement {
            Some(statement) => {
                let limit = if has_rested { LOOK_TIMEOUT } else { self.statement_timeout() };
                run(&mut live.conn, statement, Limit::of(limit)).await
            }
            None if has_rested => match timeout(LOOK_TIMEOUT, live.conn.ping()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            },
            None => Ok(()),
        };
        if outcome.is_ok() {
            return Some(live);
        }
        // Whatever has ended this one has probably ended the others.
        self.shelf.clear();
        None
    }

    async fn open_for(
        &self,
        deadline: Instant,
        statement: Option<&'static str>,
    ) -> Result<Live, sqlx::Error> {
        // A pooler does not say that it has no place: it lets wait. One of ours may become free meanwhile.
        let is_one_of_many = self.shelf.size() > 0;
        let opened = self.open(deadline, is_one_of_many);
        let mut live = if is_one_of_many {
            let patience = self.server.connect_timeout / 2;
            timeout(patience, opened).await.map_err(|_| silent(patience, "connect_timeout"))??
        } else {
            opened.await?
        };
        if let Some(statement) = statement {
            run(&mut live.conn, statement, Limit::of(self.statement_timeout())).await?;
        }
        Ok(live)
    }

    async fn open(&self, deadline: Instant, is_full_final: bool) -> Result<Live, sqlx::Error> {
        let conn = self.connector.connect_by(deadline, is_full_final).await?;
        Ok(self.shelf.admit(conn))
    }

    /// Closes every connection, after those in use have come back, if they do so soon.
    pub async fn close(&self) {
        self.shelf.close(CLOSE_PATIENCE.min(self.statement_timeout())).await;
    }
}

/// Whether there is no place for another connection, which a pooler does not say.
fn is_no_place(error: &sqlx::Error) -> bool {
    is_full(error) || matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}
