//! A connection on loan, and the rule that none comes back whose call was given up.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio::sync::OwnedSemaphorePermit;

use crate::domain::Result;
use crate::store::db::detached::in_a_task;
use crate::store::db::dialect;
use crate::store::db::postgres::limit::{Limit, State, Usage, Use, limited, run};
use crate::store::db::postgres::shelf::{Live, Shelf};

/// How long a transaction that nobody wants any more may take to be rolled back.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);

/// What holds for a connection beside itself.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long a statement may take.
    pub limit: Duration,
    /// Whether a transaction is open.
    pub is_in_transaction: bool,
    /// Whether the next statement comes to the same session of the server, which knows statements by names.
    pub has_named_statements: bool,
}

/// A connection on loan. Dropping it gives it back; a transaction that is open then is rolled back before.
pub struct Lent {
    /// Taken by `drop` only.
    live: Option<Live>,
    shelf: Shelf,
    permit: Option<OwnedSemaphorePermit>,
    usage: Usage,
    terms: Terms,
    /// It has taken the place of one that was lost.
    is_second: bool,
}

impl Lent {
    /// A connection that comes back to this shelf.
    pub fn new(live: Live, shelf: Shelf, permit: OwnedSemaphorePermit, terms: Terms) -> Self {
        let usage = Usage::within(terms.limit, live.conn.owner());
        Self { live: Some(live), shelf, permit: Some(permit), usage, terms, is_second: false }
    }

    /// Whether the next statement comes to the same session of the server.
    pub const fn has_named_statements(&self) -> bool {
        self.terms.has_named_statements
    }

    /// The connection, for one statement.
    #[expect(clippy::expect_used, reason = "only `drop` takes it")]
    pub fn used(&mut self) -> Use<'_> {
        let live = self.live.as_mut().expect("a lent connection is there");
        Use::new(&mut live.conn, &mut self.usage)
    }

    /// Statements may take so long until the transaction ends, which is open.
    ///
    /// # Errors
    /// When the database cannot be told.
    pub async fn allow_in_transaction(&mut self, limit: Duration) -> Result<()> {
        let text = format!("SET LOCAL statement_timeout = {}", limit.as_millis().min(i32::MAX as u128));
        let (conn, end, usual) = self.used().parts();
        let told = limited(usual, async { sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await });
        end.with(told.await)?;
        self.usage.allow(limit);
        Ok(())
    }

    /// Gives up its place for another one, if it was lost and is the first. A pool of one would wait for itself.
    pub fn make_way(&mut self) -> bool {
        if self.usage.state != State::Broken || self.is_second {
            return false;
        }
        self.shelf.clear();
        // From now on it is one whose call was given up.
        self.usage.state = State::Busy;
        self.permit = None;
        true
    }

    /// The same connection, after one that was lost.
    #[must_use]
    pub fn into_second(mut self) -> Self {
        self.is_second = true;
        self
    }

    /// Makes what the transaction has changed last.
    ///
    /// # Errors
    /// When the database does not acknowledge it.
    pub async fn commit(mut self) -> Result<()> {
        let (conn, end, limit) = self.used().parts();
        let outcome = end.with(run(conn, dialect::COMMIT_POSTGRES, limit).await);
        if outcome.is_ok() {
            self.terms.is_in_transaction = false;
        }
        outcome
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut live) = self.live.take() else { return };
        if !live.conn.owner().is_here() {
            return;
        }
        match self.usage.state {
            State::Ready => {}
            State::Busy => return,
            State::Broken | State::Silent => {
                self.shelf.clear();
                return;
            }
        }
        if !self.terms.is_in_transaction {
            self.shelf.put_back(live);
            return;
        }
        let (shelf, permit) = (self.shelf.clone(), self.permit.take());
        in_a_task(async move {
            if run(&mut live.conn, dialect::ROLLBACK_POSTGRES, Limit::of(ROLLBACK_TIMEOUT)).await.is_ok() {
                shelf.put_back(live);
            }
            drop(permit);
        });
    }
}
