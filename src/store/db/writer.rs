//! The one writer of an SQLite database, and the commits that transactions share.
//!
//! One connection writes. The owner of the [`Turn`] uses it; the others wait in line. What is changed in a turn is a unit:
//! it takes effect whole, or not at all. A unit that is done while another waits leaves the transaction open, and the
//! next one goes on in it, behind a savepoint; the last one commits for all. A large unit shares no transaction.
//!
//! ```text
//! in line ──> BEGIN or SAVEPOINT ──> a unit ─┬─ done, others wait ─────> in the batch; the next turn
//!                                            ├─ done, none waits ──────> COMMIT; all of the batch are told; the next turn
//!                                            └─ failed or dropped ─────> back to where it began; the next turn
//! ```
//!
//! The invariants:
//!
//! 1. There is one turn at most. It is handed from owner to owner; dropping it anywhere passes it on.
//! 2. No unit is told that it is done before the COMMIT that it is part of has ended well. If that fails, or the
//!    transaction is lost before, all of its units are told so.
//! 3. What finished units have changed is never left uncommitted: an owner without a successor commits.
//! 4. Every step that takes the connection from one known state to another (begin, commit, roll back) ends whether or not its
//!    caller is still there. Only the statements of a unit may be cut off, and then the unit is rolled back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::domain::{Error, Result};
use crate::store::cache::epoch::Epochs;
use crate::store::cache::slots::Touched;
use crate::store::db::detached::{ToTheEnd, in_a_task};
use crate::store::db::dialect;
use crate::store::db::error::again;
use crate::store::db::identity::Identity;
use crate::store::map_error;

/// How long a call waits for its turn before the database counts as away.
const PATIENCE: Duration = Duration::from_secs(10);

/// What shares a commit: so many units at most, and none after the first has waited so long for it.
const MAX_UNITS: usize = 64;
const MAX_AGE: Duration = Duration::from_millis(10);

/// The way to the one connection that writes. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::store) struct Writer(Arc<Line>);

#[derive(Debug)]
struct Line {
    source: Source,
    epochs: Arc<Epochs>,
    state: Mutex<State>,
    #[cfg(test)]
    commits: std::sync::atomic::AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// Present while the turn is free.
    free: Option<Seat>,
    is_closed: bool,
}

/// Where the connection comes from.
#[derive(Debug)]
enum Source {
    /// It is the writer's own, and opened anew when it is of no use any more.
    Own(Box<SqliteConnectOptions>, Arc<Identity>),
    /// It is the readers' only one, who need it as soon as no writer is at work.
    Shared(SqlitePool),
}

#[derive(Debug)]
enum Connected {
    Own(SqliteConnection),
    Shared(PoolConnection<Sqlite>),
}

/// What goes with the turn.
#[derive(Debug, Default)]
struct Seat {
    conn: Option<Connected>,
    stage: Stage,
    /// Those who wait for the commit.
    batch: Vec<oneshot::Sender<Result<()>>>,
    /// Whom its changes are about.
    touched: Touched,
    /// Since when the first of them waits.
    oldest: Option<Instant>,
    /// A task has been started to bring it to its end. If that is dropped, there is no runtime any more.
    is_last_resort: bool,
    /// The connection keeps as many pages as a large unit needs.
    is_roomy: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No transaction is open.
    #[default]
    Closed,
    /// A unit is under way.
    Unit,
    /// A large unit is under way: there is nothing else in its transaction.
    Large,
    /// The last unit is done, and its changes are not committed.
    Between,
}

impl Connected {
    fn raw(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Own(conn) => conn,
            Self::Shared(conn) => conn,
        }
    }
}

impl Seat {
    /// Readers need it now.
    fn give_back(&mut self) {
        self.conn = self.conn.take().filter(|conn| matches!(conn, Connected::Own(_)));
    }
}

impl Writer {
    /// A writer with a connection of its own, and how another is opened should that one break.
    pub fn own(
        options: SqliteConnectOptions,
        conn: SqliteConnection,
        identity: Arc<Identity>,
        epochs: Arc<Epochs>,
    ) -> Self {
        Self::new(Source::Own(Box::new(options), identity), Some(Connected::Own(conn)), epochs)
    }

    /// A writer with the one connection that readers have too.
    pub fn sharing(pool: SqlitePool, epochs: Arc<Epochs>) -> Self {
        Self::new(Source::Shared(pool), None, epochs)
    }

    fn new(source: Source, conn: Option<Connected>, epochs: Arc<Epochs>) -> Self {
        let seat = Seat { conn, ..Seat::default() };
        let state = Mutex::new(State { free: Some(seat), ..State::default() });
        Self(Arc::new(Line {
            source,
            epochs,
            state,
            #[cfg(test)]
            commits: std::sync::atomic::AtomicUsize::new(0),
        }))
    }

    /// Begins a unit when its turn has come.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the turn does not come, or other processes do not stop writing.
    pub async fn begin(&self) -> Result<Turn> {
        let turn = self.turn().await?;
        ToTheEnd::new(turn.begin()).await
    }

    /// Begins a unit of many changes, in a transaction of its own: beside a savepoint, SQLite writes down what each page
    /// was that it changes.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn begin_large(&self) -> Result<Turn> {
        let turn = self.turn().await?;
        ToTheEnd::new(turn.begin_large()).await
    }

    /// A turn with no transaction open, for those who manage their own.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn alone(&self) -> Result<Turn> {
        let turn = self.turn().await?;
        ToTheEnd::new(turn.alone()).await
    }

    /// Closes the connection, after all those who are in line now have had their turn.
    pub async fn close(&self) {
        let turn = self.alone().await;
        self.0.close();
        let Ok(mut turn) = turn else { return };
        if let Some(Connected::Own(conn)) = turn.seat().conn.take() {
            drop(conn.close().await);
        }
    }

    async fn turn(&self) -> Result<Turn> {
        let coming = {
            let mut state = self.0.lock();
            if state.is_closed {
                return Err(closed());
            }
            if let Some(seat) = state.free.take() {
                return Ok(Turn { line: Arc::clone(&self.0), seat: Some(seat) });
            }
            let (sender, coming) = oneshot::channel();
            state.waiting.push_back(sender);
            coming
        };
        match timeout(PATIENCE, coming).await {
            Ok(turn) => turn.map_err(|_| closed()),
            Err(_) => Err(Error::unavailable("other writers do not end")),
        }
    }

    /// How many connections of its own are open, and how many of them nobody uses.
    pub fn connections(&self) -> (usize, usize) {
        let is_own = matches!(self.0.source, Source::Own(..));
        let is_free = self.0.lock().free.is_some();
        (usize::from(is_own), usize::from(is_own && is_free))
    }

    /// How many commits there were.
    #[cfg(test)]
    pub fn commits(&self) -> usize {
        self.0.commits.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// How many wait for their turn, gone ones included.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting.len()
    }
}

fn closed() -> Error {
    map_error(sqlx::Error::PoolClosed)
}

impl Line {
    /// What the lock guards is whole at any moment. No turn is dropped while it is held: that would take it again.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that the file that is written to is the one that others see.
    fn check_identity(&self) -> Result<()> {
        match &self.source {
            Source::Own(_, identity) => identity.check(),
            Source::Shared(_) => Ok(()),
        }
    }

    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let turned_away = std::mem::take(&mut state.waiting);
        drop(state);
        drop(turned_away);
    }
}

/// The right to write, and the connection for it. Dropping it in the middle of a unit rolls the unit back.
#[derive(Debug)]
pub(in crate::store) struct Turn {
    line: Arc<Line>,
    /// Taken by `drop` only.
    seat: Option<Seat>,
}

impl Turn {
    /// Makes the unit last, with those that share its commit.
    ///
    /// # Errors
    /// When the database does not acknowledge it; it is rolled back then.
    pub async fn commit(mut self, touched: &Touched) -> Result<()> {
        let (tell, told) = oneshot::channel();
        let seat = self.seat();
        seat.touched.extend(touched);
        seat.batch.push(tell);
        let is_shared = std::mem::replace(&mut seat.stage, Stage::Between) == Stage::Unit;
        let oldest = *seat.oldest.get_or_insert_with(Instant::now);
        let has_room = is_shared && seat.batch.len() < MAX_UNITS && oldest.elapsed() < MAX_AGE;
        let last = if has_room { self.pass_on() } else { Some(self) };
        if let Some(last) = last {
            ToTheEnd::new(last.end_batch()).await;
        }
        told.await.map_err(|_| closed())?
    }

    async fn begin(mut self) -> Result<Self> {
        let outcome = match self.seat().stage {
            Stage::Closed => self.open(dialect::FIRST_UNIT_SQLITE, false).await,
            Stage::Unit | Stage::Large | Stage::Between => self.run(dialect::NEXT_UNIT_SQLITE).await,
        };
        self.begun(outcome, Stage::Unit).await
    }

    async fn begin_large(self) -> Result<Self> {
        let mut turn = self.alone().await?;
        let outcome = turn.open(dialect::BEGIN_SQLITE, true).await;
        turn.begun(outcome, Stage::Large).await
    }

    async fn begun(mut self, outcome: Result<()>, stage: Stage) -> Result<Self> {
        match outcome {
            Ok(()) => {
                self.seat().stage = stage;
                Ok(self)
            }
            Err(error) => {
                self.give_up(&error).await;
                Err(error)
            }
        }
    }

    /// Opens the database's transaction, on a connection with room for a large unit or without.
    async fn open(&mut self, begin: &'static str, is_roomy: bool) -> Result<()> {
        self.line.check_identity()?;
        self.connect().await?;
        if self.seat().is_roomy != is_roomy {
            let room = if is_roomy { dialect::LARGE_ROOM_SQLITE } else { dialect::USUAL_ROOM_SQLITE };
            self.run(room).await?;
            self.seat().is_roomy = is_roomy;
        }
        self.run(begin).await
    }

    async fn alone(mut self) -> Result<Self> {
        if self.seat().stage == Stage::Between {
            self.commit_batch().await;
        }
        self.connect().await?;
        Ok(self)
    }

    async fn connect(&mut self) -> Result<()> {
        if self.seat().conn.is_none() {
            let conn = match &self.line.source {
                Source::Own(options, _) => SqliteConnection::connect_with(options).await.map(Connected::Own),
                Source::Shared(pool) => pool.acquire().await.map(Connected::Shared),
            };
            let seat = self.seat();
            (seat.conn, seat.is_roomy) = (Some(conn.map_err(map_error)?), false);
        }
        Ok(())
    }

    async fn end_batch(mut self) {
        self.commit_batch().await;
        // Dropped here, and so passed on.
    }

    /// Commits what the batch has changed, and tells all of it.
    async fn commit_batch(&mut self) {
        match self.commit_transaction().await {
            Ok(()) => {
                for tell in self.end_transaction() {
                    // A caller that does not listen any more has gone away, which undoes nothing.
                    drop(tell.send(Ok(())));
                }
            }
            Err(error) => self.give_up(&error).await,
        }
    }

    /// The commit itself: the only one there is.
    async fn commit_transaction(&mut self) -> Result<()> {
        #[cfg(test)]
        self.line.commits.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let touched = std::mem::take(&mut self.seat().touched);
        if touched.is_empty() {
            self.run(dialect::COMMIT_SQLITE).await?;
            return self.line.check_identity();
        }
        let epochs = Arc::clone(&self.line.epochs);
        let change = epochs.before_commit(touched).await?;
        let outcome = self.run(dialect::COMMIT_SQLITE).await;
        change.after_commit();
        // What went into a file that nobody sees any more is not acknowledged.
        outcome.and_then(|()| self.line.check_identity())
    }

    /// Takes back what a unit has changed that did not come to its end.
    async fn roll_back(mut self) {
        if self.seat().batch.is_empty() {
            self.give_up(&closed()).await;
            return;
        }
        match self.run(dialect::ROLLBACK_UNIT_SQLITE).await {
            Ok(()) => {
                let seat = self.seat();
                (seat.stage, seat.is_last_resort) = (Stage::Between, false);
            }
            // The whole transaction has gone, as SQLite does it when the disk is full.
            Err(error) => self.give_up(&error).await,
        }
    }

    /// Rolls back the transaction, and tells all of the batch.
    async fn give_up(&mut self, error: &Error) {
        let is_clean = self.run(dialect::ROLLBACK_SQLITE).await.is_ok();
        for tell in self.end_transaction() {
            drop(tell.send(Err(again(error))));
        }
        // Its state is unknown: another connection is opened.
        if !is_clean && let Some(Connected::Own(conn)) = self.seat().conn.take() {
            drop(conn.close().await);
        }
    }

    /// There is no transaction any more; those who waited for its end.
    fn end_transaction(&mut self) -> Vec<oneshot::Sender<Result<()>>> {
        let seat = self.seat();
        (seat.stage, seat.is_last_resort, seat.oldest) = (Stage::Closed, false, None);
        seat.touched = Touched::default();
        seat.give_back();
        std::mem::take(&mut seat.batch)
    }

    async fn run(&mut self, sql: &'static str) -> Result<()> {
        let Some(conn) = &mut self.seat().conn else { return Err(closed()) };
        sqlx::query(sql).execute(conn.raw()).await.map(drop).map_err(map_error)
    }

    /// Hands the turn to the next in line; returns it if the line is empty.
    fn pass_on(mut self) -> Option<Self> {
        loop {
            let next = self.line.lock().waiting.pop_front();
            let Some(next) = next else { return Some(self) };
            match next.send(self) {
                Ok(()) => return None,
                Err(back) => self = back,
            }
        }
    }

    /// The same, or the turn is free from now on.
    fn release(self) {
        let mut held = Some(self);
        while let Some(turn) = held.take() {
            let Some(mut turn) = turn.pass_on() else { return };
            let line = Arc::clone(&turn.line);
            let mut state = line.lock();
            // Unless another caller came in between.
            if state.waiting.is_empty() {
                turn.seat().give_back();
                state.free = turn.seat.take();
            }
            drop(state);
            held = turn.seat.is_some().then_some(turn);
        }
    }

    #[expect(clippy::expect_used, reason = "only `drop` takes it")]
    const fn seat(&mut self) -> &mut Seat {
        self.seat.as_mut().expect("a turn has a seat")
    }

    /// The connection.
    #[expect(clippy::expect_used, reason = "`begin` and `alone` fail without one")]
    pub fn conn(&mut self) -> &mut SqliteConnection {
        self.seat().conn.as_mut().expect("a turn that was given out has a connection").raw()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else { return };
        let (stage, has_gone) = (seat.stage, seat.is_last_resort);
        if has_gone {
            // The runtime ends: nothing is waited for any more, and nothing can be.
            self.line.close();
            return;
        }
        let mut turn = Self { line: Arc::clone(&self.line), seat: Some(seat) };
        match stage {
            Stage::Closed => turn.release(),
            Stage::Unit | Stage::Large => {
                turn.seat().is_last_resort = true;
                in_a_task(turn.roll_back());
            }
            Stage::Between => {
                if let Some(mut turn) = turn.pass_on() {
                    turn.seat().is_last_resort = true;
                    in_a_task(turn.end_batch());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
