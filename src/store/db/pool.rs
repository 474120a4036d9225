//! The database: pools of connections, and transactions.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, SqlitePool};

use crate::domain::trace::{self, OpenSpan, Point};
use crate::domain::{Error, Result, one_line};
use crate::store::cache::epoch::Epochs;
use crate::store::cache::file::EpochFile;
use crate::store::cache::lease::{Hearing, Lease};
use crate::store::cache::slots::{Slots, Touched};
use crate::store::db::detached::ToTheEnd;
use crate::store::db::dialect;
use crate::store::db::error::is_locked;
use crate::store::db::identity::Identity;
use crate::store::db::meter::{DbLoad, Meter, Purpose};
use crate::store::db::owner::Owner;
use crate::store::db::postgres::connect::Connector;
use crate::store::db::postgres::lent::Lent;
use crate::store::db::postgres::limit::Use;
use crate::store::db::postgres::listener::Listener;
use crate::store::db::postgres::pool::PgPool;
use crate::store::db::postgres::server::Server;
use crate::store::db::span::{BEGIN, COMMIT, ended, statement_span};
use crate::store::db::writer::{Turn, Writer};
use crate::store::{OpenError, map_error};

/// How long a call waits for a free connection to SQLite before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a statement of many changes may take at least.
const LARGE_STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// After how long an SQLite file is opened again that is locked.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(25);

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Options {
    /// An SQLite file.
    SqliteFile(PathBuf),
    /// An SQLite database in memory.
    SqliteMemory,
    /// A PostgreSQL server.
    Postgres(Box<Server>),
}

impl Options {
    /// The same without a password, for messages.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::SqliteFile(path) => format!("sqlite:///{}", path.display()),
            Self::SqliteMemory => "sqlite::memory:".to_owned(),
            Self::Postgres(server) => match server.hosts() {
                Ok(hosts) => hosts.to_string(),
                Err(_) => "postgresql://…".to_owned(),
            },
        }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pub(in crate::store) pools: Pools,
    owner: Owner,
    epochs: Arc<Epochs>,
    listening: Option<Arc<Listening>>,
    meter: Arc<Meter>,
}

/// The connections.
#[derive(Clone, Debug)]
pub(in crate::store) enum Pools {
    /// SQLite: many readers, one writer. In memory both are the same, single connection.
    Sqlite { readers: SqlitePool, writer: Writer, identity: Option<Arc<Identity>>, is_in_memory: bool },
    /// PostgreSQL.
    Postgres(PgPool),
}

/// What it takes to hear of changes from PostgreSQL.
#[derive(Debug)]
struct Listening {
    connector: Arc<Connector>,
    pool: PgPool,
    slots: Arc<Slots>,
    lease: Arc<Lease>,
    listener: Listener,
}

impl Db {
    /// Opens a database with the schema it has. SQLite files are created if missing.
    ///
    /// # Errors
    /// [`OpenError::Connect`].
    pub async fn connect(options: &Options, max_connections: u32) -> Result<Self, OpenError> {
        let failed = |error: &sqlx::Error, hint: &str| OpenError::Connect {
            url: options.display(),
            reason: format!("{}; {hint}", one_line(&error.to_string())),
        };
        match options {
            Options::SqliteFile(path) => {
                let hint = "check that its folder exists and can be written to, and that the file is an SQLite database";
                make_private(path);
                let connect = dialect::sqlite_file(path);
                let conn = connect_patiently(&connect).await;
                let conn = conn.map_err(|error| failed(&error, hint))?;
                // Should it be deleted, no other is made in its place.
                let connect = connect.create_if_missing(false);
                let identity = Identity::of(path).map_err(|error| failed(&sqlx::Error::Io(error), hint))?;
                let identity = Arc::new(identity);
                let readers = SqlitePoolOptions::new()
                    .max_connections(max_connections.max(1))
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .test_before_acquire(false)
                    .max_lifetime(None)
                    .connect_lazy_with(connect.clone().pragma("query_only", "ON"));
                let file = EpochFile::beside(path).map_err(|error| OpenError::Connect {
                    url: options.display(),
                    reason: format!(
                        "{}-epoch, by which processes that share it tell each other of changes: {error}",
                        path.display()
                    ),
                })?;
                let epochs = Arc::new(Epochs::beside(file));
                let writer = Writer::own(connect, conn, Arc::clone(&identity), Arc::clone(&epochs));
                let identity = Some(identity);
                let pools = Pools::Sqlite { readers, writer, identity, is_in_memory: false };
                Ok(Self::new(pools, epochs, None))
            }
            Options::SqliteMemory => {
                let pool = SqlitePoolOptions::new()
                    .min_connections(1)
                    .max_connections(1)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .test_before_acquire(false)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_with(dialect::sqlite_memory().synchronous(SqliteSynchronous::Off))
                    .await
                    .map_err(|error| failed(&error, "is there memory left?"))?;
                Ok(Self::sharing(pool, true))
            }
            Options::Postgres(server) => {
                let refused = |reason: &str| OpenError::Connect {
                    url: options.display(),
                    reason: format!(
                        "{reason}; check the URL postgresql://user:password@host:5432/database and that the server runs"
                    ),
                };
                let hosts = server.hosts().map_err(|reason| refused(&reason))?;
                let connector = Connector::new(hosts, server);
                let listen = server.hosts_to_listen().map_err(|reason| refused(&reason))?;
                let listen = listen.map(|hosts| Arc::new(Connector::new(hosts, server)));
                let pool = PgPool::connect(connector, (**server).clone(), max_connections).await;
                let pool = pool.map_err(|error| refused(&one_line(&error.to_string())))?;
                let (slots, lease) = (Arc::<Slots>::default(), Arc::new(Lease::ended()));
                let epochs = Arc::new(Epochs::leased(Arc::clone(&slots), Arc::clone(&lease)));
                let listening = listen.map(|connector| Listening {
                    connector,
                    pool: pool.clone(),
                    slots,
                    lease,
                    listener: Listener::default(),
                });
                Ok(Self::new(Pools::Postgres(pool), epochs, listening))
            }
        }
    }

    /// Opens a database to look at it: no SQLite file is made, and none is changed.
    ///
    /// # Errors
    /// As [`Db::connect`].
    pub async fn connect_to_look(options: &Options) -> Result<Self, OpenError> {
        let Options::SqliteFile(path) = options else {
            return Self::connect(options, 1).await;
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(dialect::sqlite_file_to_look(path))
            .await
            .map_err(|error| OpenError::Connect {
                url: options.display(),
                reason: format!(
                    "{}; check that it can be read, and is an SQLite database",
                    one_line(&error.to_string())
                ),
            })?;
        Ok(Self::sharing(pool, false))
    }

    /// One connection for readers and the writer. No other process hears of changes: there is none that has the database, or
    /// there are no changes.
    fn sharing(pool: SqlitePool, is_in_memory: bool) -> Self {
        let epochs = Arc::new(Epochs::alone());
        let writer = Writer::sharing(pool.clone(), Arc::clone(&epochs));
        let pools = Pools::Sqlite { readers: pool, writer, identity: None, is_in_memory };
        Self::new(pools, epochs, None)
    }

    fn new(pools: Pools, epochs: Arc<Epochs>, listening: Option<Listening>) -> Self {
        Self {
            pools,
            owner: Owner::this(),
            epochs,
            listening: listening.map(Arc::new),
            meter: Arc::default(),
        }
    }

    /// What is known of changes.
    #[must_use]
    pub fn epochs(&self) -> &Arc<Epochs> {
        &self.epochs
    }

    /// Begins to listen to what other nodes change, whenever cached sessions are looked for.
    pub fn start_listening(&self) {
        if let Some(listening) = &self.listening {
            let Listening { connector, pool, slots, lease, listener } = &**listening;
            listener.start(Arc::clone(connector), pool.clone(), Arc::clone(slots), Arc::clone(lease));
        }
    }

    /// Whether changes by other nodes are heard of; none where that needs no server to tell.
    #[must_use]
    pub fn hearing(&self) -> Option<Hearing> {
        self.listening.as_ref().map(|listening| listening.lease.hearing())
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// [`crate::domain::Error::Unavailable`] when none is to be had.
    pub async fn read(&self) -> Result<Conn> {
        self.owner.check().map_err(Error::unavailable)?;
        let coming = async {
            Ok(match &self.pools {
                Pools::Sqlite { readers, identity, .. } => {
                    identity.as_ref().map_or(Ok(()), |identity| identity.check())?;
                    Inner::Sqlite(readers.acquire().await.map_err(map_error)?)
                }
                Pools::Postgres(pool) => {
                    Inner::Postgres(pool.to_read().await.map_err(Error::unavailable)?, pool.clone())
                }
            })
        };
        self.meter.wait(Purpose::Read, coming).await.map(Conn::new)
    }

    /// A transaction to write with. It is rolled back when dropped before [`Tx::commit`]. On SQLite its changes may share the
    /// database's own transaction with those of others.
    ///
    /// # Errors
    /// [`crate::domain::Error::Unavailable`] when no connection is to be had, or other writers do not end.
    pub async fn write(&self) -> Result<Tx> {
        self.owner.check().map_err(Error::unavailable)?;
        let coming = async {
            Ok(match &self.pools {
                Pools::Sqlite { writer, .. } => Inner::SqliteTx(writer.begin().await?),
                Pools::Postgres(pool) => {
                    Inner::PostgresTx(pool.to_write().await.map_err(Error::unavailable)?)
                }
            })
        };
        let span = trace::point().map(|point| statement_span(&point, self.is_sqlite(), BEGIN));
        let outcome = self.meter.wait(Purpose::Write, coming).await.map(|inner| self.tx(inner));
        ended(span, &outcome);
        outcome
    }

    /// The same for thousands of changes: on SQLite it shares nothing, and has more memory; on PostgreSQL, more time.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_much(&self) -> Result<Tx> {
        self.owner.check().map_err(Error::unavailable)?;
        Ok(self.tx(match &self.pools {
            Pools::Sqlite { writer, .. } => Inner::SqliteTx(writer.begin_large().await?),
            Pools::Postgres(pool) => {
                let mut lent = pool.to_write().await.map_err(Error::unavailable)?;
                let limit = pool.statement_timeout().max(LARGE_STATEMENT_TIMEOUT);
                lent.allow_in_transaction(limit).await?;
                Inner::PostgresTx(lent)
            }
        }))
    }

    /// How many connections there are, and what was counted of them.
    #[must_use]
    pub fn load(&self) -> DbLoad {
        let (open, idle, max) = match &self.pools {
            Pools::Sqlite { readers, writer, .. } => {
                let (own, own_idle) = writer.connections();
                let size = usize::try_from(readers.size()).unwrap_or(usize::MAX);
                let most = usize::try_from(readers.options().get_max_connections()).unwrap_or(usize::MAX);
                (size.saturating_add(own), readers.num_idle() + own_idle, most.saturating_add(own))
            }
            Pools::Postgres(pool) => pool.connections(),
        };
        self.meter.load(open, idle.min(open), max)
    }

    const fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    fn tx(&self, inner: Inner) -> Tx {
        Tx { conn: Conn::new(inner), epochs: Arc::clone(&self.epochs) }
    }

    /// Closes every connection, after those in use have come back.
    pub async fn close(&self) {
        if !self.owner.is_here() {
            return;
        }
        if let Some(listening) = &self.listening {
            listening.listener.stop().await;
        }
        match &self.pools {
            Pools::Sqlite { readers, writer, .. } => {
                writer.close().await;
                readers.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// A connection on loan from its pool.
pub struct Conn {
    inner: Inner,
    touched: Touched,
    /// Where its statements belong, if they are recorded.
    point: Option<Point>,
}

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Turn),
    Postgres(Lent, PgPool),
    PostgresTx(Lent),
}

/// The driver's own connection.
pub(in crate::store) enum Raw<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(Use<'c>),
}

impl Conn {
    fn new(inner: Inner) -> Self {
        Self { inner, touched: Touched::default(), point: trace::point() }
    }

    /// Begins the span of a statement, if it is recorded.
    pub(in crate::store) fn span(&self, text: &str) -> Option<OpenSpan> {
        self.point.as_ref().map(|point| statement_span(point, self.is_sqlite(), text))
    }

    /// This user, or a session of theirs, is not what it was, once this is committed. Every update or deletion of a row of
    /// `sso_user` or `sso_session` says so.
    pub(in crate::store) fn touch(&mut self, user_id: &str) {
        self.touched.user(user_id);
    }

    /// The same of everybody.
    pub(in crate::store) const fn touch_everybody(&mut self) {
        self.touched.everybody();
    }

    /// The same of these users.
    pub(in crate::store) fn touch_all(&mut self, owners: &[(String,)]) {
        owners.iter().for_each(|(user_id,)| self.touch(user_id));
    }

    /// The text of a statement that the two databases have differently.
    pub(in crate::store) const fn choose(
        &self,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> &'static str {
        match self.inner {
            Inner::Sqlite(_) | Inner::SqliteTx(_) => sqlite,
            Inner::Postgres(..) | Inner::PostgresTx(_) => postgres,
        }
    }

    /// Which of the two databases it is.
    pub(in crate::store) const fn is_sqlite(&self) -> bool {
        matches!(self.inner, Inner::Sqlite(_) | Inner::SqliteTx(_))
    }

    /// Whether the next statement comes to the same session of the server, which knows statements by names.
    pub(in crate::store) fn has_named_statements(&self) -> bool {
        match &self.inner {
            Inner::Sqlite(_) | Inner::SqliteTx(_) => true,
            Inner::Postgres(lent, _) | Inner::PostgresTx(lent) => lent.has_named_statements(),
        }
    }

    pub(in crate::store) fn raw(&mut self) -> Raw<'_> {
        match &mut self.inner {
            Inner::Sqlite(conn) => Raw::Sqlite(conn),
            Inner::SqliteTx(turn) => Raw::Sqlite(turn.conn()),
            Inner::Postgres(lent, _) | Inner::PostgresTx(lent) => Raw::Postgres(lent.used()),
        }
    }

    /// Whether another connection would do as well.
    pub(in crate::store) const fn can_be_renewed(&self) -> bool {
        matches!(self.inner, Inner::Postgres(..))
    }

    /// Takes another connection in place of one that was lost, so that what was read can be read again; whether it did. What
    /// a transaction has changed is lost with its connection.
    pub(in crate::store) async fn renew(&mut self) -> bool {
        match &mut self.inner {
            // Rare, and large.
            Inner::Postgres(lent, pool) => Box::pin(pool.replace(lent)).await,
            Inner::Sqlite(_) | Inner::SqliteTx(_) | Inner::PostgresTx(_) => false,
        }
    }
}

/// A transaction: a connection whose changes take effect together, at [`Tx::commit`], or not at all.
pub struct Tx {
    conn: Conn,
    epochs: Arc<Epochs>,
}

impl Tx {
    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database does not acknowledge them; they are rolled back then.
    pub async fn commit(self) -> Result<()> {
        let span = self.conn.span(COMMIT);
        let Self { conn: Conn { inner, touched, .. }, epochs } = self;
        let outcome = match inner {
            Inner::SqliteTx(turn) => turn.commit(&touched).await,
            Inner::PostgresTx(tx) if touched.is_empty() => tx.commit().await,
            // A caller that goes away must not leave others with what was.
            Inner::PostgresTx(tx) => {
                ToTheEnd::new(async move {
                    let change = epochs.before_commit(touched).await?;
                    let outcome = tx.commit().await;
                    change.after_commit();
                    outcome
                })
                .await
            }
            // A Tx is only ever made around a transaction.
            Inner::Sqlite(_) | Inner::Postgres(..) => Ok(()),
        };
        ended(span, &outcome);
        outcome
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Opens an SQLite file. Processes that open a new file at the same time block each other while it gets its write-ahead log: some
/// are told immediately that it is locked, whatever time limit they have.
async fn connect_patiently(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let start = Instant::now();
    loop {
        match SqliteConnection::connect_with(options).await {
            // One that has waited for as long as it is to is not asked again.
            Err(error) if is_locked(&error) && start.elapsed() < ACQUIRE_TIMEOUT => {
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            outcome => return outcome,
        }
    }
}

/// Makes an SQLite file that is not there yet, for its owner's eyes only; the files that SQLite puts beside it get the same
/// mode. What cannot be made is found out when it is opened, which tells it better.
fn make_private(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path));
}
