//! The schema and its versions, embedded in the library and applied on opening.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Row as _, SqlSafeStr};

use crate::domain::one_line;
use crate::store::OpenError;
use crate::store::db::dialect;
use crate::store::db::pool::{Db, Pools};
use crate::store::db::postgres::limit::limited;
use crate::store::db::template;

/// Version, name, text for SQLite, text for PostgreSQL. What has been released never changes.
const MIGRATIONS: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "schema",
        include_str!("../migrations/sqlite/0001_schema.sql"),
        include_str!("../migrations/postgres/0001_schema.sql"),
    ),
    (
        2,
        "notifications",
        include_str!("../migrations/sqlite/0002_notifications.sql"),
        include_str!("../migrations/postgres/0002_notifications.sql"),
    ),
    (
        3,
        "sites",
        include_str!("../migrations/sqlite/0003_sites.sql"),
        include_str!("../migrations/postgres/0003_sites.sql"),
    ),
    (
        4,
        "protection",
        include_str!("../migrations/sqlite/0004_protection.sql"),
        include_str!("../migrations/postgres/0004_protection.sql"),
    ),
    (
        5,
        "operations",
        include_str!("../migrations/sqlite/0005_operations.sql"),
        include_str!("../migrations/postgres/0005_operations.sql"),
    ),
    (
        6,
        "people",
        include_str!("../migrations/sqlite/0006_people.sql"),
        include_str!("../migrations/postgres/0006_people.sql"),
    ),
    (
        7,
        "passkeys_and_openid",
        include_str!("../migrations/sqlite/0007_passkeys_and_openid.sql"),
        include_str!("../migrations/postgres/0007_passkeys_and_openid.sql"),
    ),
];

/// The latest schema version that this code knows.
pub const LATEST_VERSION: i64 = 7;

/// How long an upgrade may take, waiting for others included.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

/// Keeps out other processes that upgrade, until the transaction ends. The number is ours.
const LOCK_POSTGRES: &str =
    "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(6070431225880474177)";

/// Where applied versions are recorded; a name of our own, since the database may belong to an application that keeps
/// migrations too.
const VERSION_TABLE: &str = "sso_schema_version";

const CURRENT_VERSION: &str = "SELECT MAX(version) FROM sso_schema_version";

/// How a database's schema compares with [`LATEST_VERSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// No schema yet.
    Empty,
    /// An earlier version, which opening will upgrade.
    Older(i64),
    /// Up to date.
    Current,
    /// A later version, made by a later release.
    Newer(i64),
}

impl Db {
    /// What version the schema has, without changing anything.
    ///
    /// # Errors
    /// [`OpenError::Migrate`] when the database cannot be read.
    pub async fn schema_state(&self, url: &str) -> Result<SchemaState, OpenError> {
        let version = self.current_version().await.map_err(|error| failed(url, &error))?;
        Ok(match version {
            None => SchemaState::Empty,
            Some(version) if version < LATEST_VERSION => SchemaState::Older(version),
            Some(LATEST_VERSION) => SchemaState::Current,
            Some(version) => SchemaState::Newer(version),
        })
    }

    /// Brings the schema up to date. One process does it, others that open the same database wait for it.
    ///
    /// # Errors
    /// [`OpenError`], when the schema is newer than this code or cannot be upgraded. Nothing is changed then.
    pub async fn migrate(&self, url: &str) -> Result<(), OpenError> {
        let state = self.schema_state(url).await?;
        match state {
            SchemaState::Current => return Ok(()),
            SchemaState::Newer(found) => {
                return Err(OpenError::Newer { url: url.to_owned(), found, known: LATEST_VERSION });
            }
            SchemaState::Empty | SchemaState::Older(_) => {}
        }
        let outcome = match &self.pools {
            // The write lock is the lock against other processes; each migration is a savepoint within.
            Pools::Sqlite { writer, is_in_memory, .. } => {
                let is_fresh = *is_in_memory && state == SchemaState::Empty;
                let mut turn = writer.alone().await.map_err(|error| failed(url, &error))?;
                if is_fresh && template::copy_into(turn.conn()).await.map_err(|error| failed(url, &error))? {
                    return Ok(());
                }
                let migrator = migrator(|(version, name, sqlite, _)| (*version, *name, *sqlite));
                let outcome = {
                    let begun = turn.conn().begin_with(dialect::BEGIN_SQLITE).await;
                    let mut tx = begun.map_err(|error| failed(url, &error))?;
                    match migrator.run_direct(None, &mut *tx, false).await {
                        Ok(()) => tx.commit().await.map_err(Into::into),
                        Err(error) => Err(error),
                    }
                };
                if is_fresh && outcome.is_ok() {
                    template::keep(turn.conn()).await;
                }
                outcome
            }
            // One transaction, which a pooler keeps together. The lock keeps out other processes, and ends with it.
            Pools::Postgres(pool) => {
                let mut lent = pool.alone().await.map_err(|error| failed(url, &error))?;
                let mut migrator = migrator(|(version, name, _, postgres)| (*version, *name, *postgres));
                migrator.set_locking(false);
                let is_shared = !lent.has_named_statements();
                let (conn, end, limit) = lent.used().parts();
                let work = async {
                    let mut tx = conn.begin_with(dialect::BEGIN_POSTGRES).await?;
                    sqlx::raw_sql(LOCK_POSTGRES).execute(&mut *tx).await?;
                    // sqlx names its own statements. Behind a pooler others may have left the same names, and get what is left.
                    if is_shared {
                        sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
                    }
                    match migrator.run_direct(None, &mut *tx, false).await {
                        Ok(()) => {
                            if is_shared {
                                sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
                            }
                            tx.commit().await.map(Ok)
                        }
                        Err(error) => tx.rollback().await.map(|()| Err(error)),
                    }
                };
                let outcome = limited(limit.with(MIGRATION_TIMEOUT), work).await;
                end.note(&outcome);
                outcome.map_err(|error| failed(url, &error))?
            }
        };
        outcome.map_err(|error| failed(url, &error))
    }

    async fn current_version(&self) -> Result<Option<i64>, sqlx::Error> {
        let exists = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'sso_schema_version'";
        let version: Option<i64> = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                if sqlx::query_scalar::<_, i64>(exists).fetch_one(readers).await? == 0 {
                    return Ok(None);
                }
                sqlx::query_scalar(CURRENT_VERSION).fetch_one(readers).await?
            }
            Pools::Postgres(pool) => {
                let exists = "SELECT to_regclass('sso_schema_version') IS NOT NULL";
                let mut lent = pool.to_read().await?;
                let (conn, end, limit) = lent.used().parts();
                let work = async {
                    if !sqlx::raw_sql(exists).fetch_one(&mut *conn).await?.try_get::<bool, _>(0)? {
                        return Ok(None);
                    }
                    sqlx::raw_sql(CURRENT_VERSION).fetch_one(conn).await?.try_get(0)
                };
                let outcome = limited(limit, work).await;
                end.note(&outcome);
                outcome?
            }
        };
        Ok(version)
    }
}

fn migrator(
    pick: impl Fn(&'static (i64, &str, &str, &str)) -> (i64, &'static str, &'static str),
) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|entry| {
        let (version, name, text) = pick(entry);
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(VERSION_TABLE);
    migrator
}

fn failed(url: &str, error: &dyn std::error::Error) -> OpenError {
    OpenError::Migrate { url: url.to_owned(), reason: one_line(&error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;

    async fn migrated(options: &Options) -> Db {
        let db = Db::connect(options, 1).await.unwrap();
        assert_eq!(db.schema_state("").await.unwrap(), SchemaState::Empty);
        db.migrate("").await.unwrap();
        assert_eq!(db.schema_state("").await.unwrap(), SchemaState::Current);
        db
    }

    async fn all(db: &Db, query: &'static str) -> Vec<(String, String, Option<String>)> {
        let Pools::Sqlite { readers, .. } = &db.pools else { panic!("not SQLite") };
        sqlx::query_as(query).fetch_all(readers).await.unwrap()
    }

    #[tokio::test]
    async fn a_schema_that_was_copied_is_the_one_that_migrations_make() {
        const SCHEMA: &str = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
        const VERSIONS: &str = "SELECT CAST(version AS TEXT), description, hex(checksum) FROM sso_schema_version ORDER BY version";
        let folder = tempfile::tempdir().unwrap();
        let file = migrated(&Options::SqliteFile(folder.path().join("sso.db"))).await;
        // One of them at least is copied from the other.
        for _ in 0..2 {
            let memory = migrated(&Options::SqliteMemory).await;
            assert_eq!(all(&memory, SCHEMA).await, all(&file, SCHEMA).await);
            assert_eq!(all(&memory, VERSIONS).await, all(&file, VERSIONS).await);
            let rules = "SELECT 'foreign_keys', CAST(foreign_keys AS TEXT), NULL FROM pragma_foreign_keys \
                 UNION ALL SELECT 'check', integrity_check, NULL FROM pragma_integrity_check";
            let kept = [("foreign_keys", "1"), ("check", "ok")];
            assert_eq!(
                all(&memory, rules).await,
                kept.map(|(what, value)| (what.to_owned(), value.to_owned(), None))
            );
            // What one has, another has not.
            let mut tx = memory.write().await.unwrap();
            assert!(crate::store::db::setting::insert(&mut tx, "mark", b"1").await.unwrap());
            tx.commit().await.unwrap();
            memory.close().await;
        }
        file.close().await;
    }
}
