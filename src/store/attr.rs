//! Custom attributes of users and of sessions: two tables with the same statements.
//!
//! The writes of one call are one statement for any number of attributes: they travel as one JSON array.

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::Conn;
use crate::domain::{AttrOwner, Error, Result, SessionId, Timestamp};
use crate::store::db::dialect::{
    attrs_postgres, attrs_sqlite, held_postgres, held_sqlite, strings_postgres, strings_sqlite,
    uuid_postgres, uuid_sqlite,
};

/// The statements of one of the tables, those that differ by database as pairs: SQLite, PostgreSQL.
struct Statements {
    hold_owners: (&'static str, &'static str),
    current: (&'static str, &'static str),
    write: (&'static str, &'static str),
    set_expiration: (&'static str, &'static str),
    delete: (&'static str, &'static str),
    some: (&'static str, &'static str),
    some_names: (&'static str, &'static str),
    usage: (&'static str, &'static str),
    delete_expired: &'static str,
    length_of_some: (&'static str, &'static str),
    all: &'static str,
    all_names: &'static str,
}

/// An owner whose id is text on both databases.
macro_rules! text {
    ($text:literal) => {
        $text
    };
}

macro_rules! columns {
    () => {
        "name, value, is_encrypted, creation_time, last_modified, expiration_time"
    };
}

pub(in crate::store) use columns;

/// How long values are together.
macro_rules! length {
    () => {
        "CAST(COALESCE(SUM(LENGTH(value)), 0) AS BIGINT)"
    };
}

/// Declares the statements of one of the tables: its name, that of its owners, their column, and how an id is read from
/// text on either database.
macro_rules! attr_table {
    ($module:ident: $table:literal, $owners:literal, $column:literal, $sqlite:ident, $postgres:ident) => {
        mod $module {
            use super::*;

            sql! {
                HOLD_OWNERS_SQLITE = hold_owners!($owners, $column, $sqlite, strings_sqlite, held_sqlite);
                HOLD_OWNERS_POSTGRES = hold_owners!($owners, $column, $postgres, strings_postgres, held_postgres);
                CURRENT_SQLITE = current!($table, $column, $sqlite, attrs_sqlite);
                CURRENT_POSTGRES = current!($table, $column, $postgres, attrs_postgres);
                WRITE_SQLITE = upsert!($table, $column, $sqlite, attrs_sqlite);
                WRITE_POSTGRES = upsert!($table, $column, $postgres, attrs_postgres);
                SET_EXPIRATION_SQLITE = set_expiration!($table, $column, $sqlite, attrs_sqlite);
                SET_EXPIRATION_POSTGRES = set_expiration!($table, $column, $postgres, attrs_postgres);
                DELETE_SQLITE = delete!($table, $column, strings_sqlite);
                DELETE_POSTGRES = delete!($table, $column, strings_postgres);
                SOME_SQLITE = some!(columns!(), $table, $column, strings_sqlite);
                SOME_POSTGRES = some!(columns!(), $table, $column, strings_postgres);
                SOME_NAMES_SQLITE = some!("name", $table, $column, strings_sqlite);
                SOME_NAMES_POSTGRES = some!("name", $table, $column, strings_postgres);
                LENGTH_OF_SOME_SQLITE = some!(length!(), $table, $column, strings_sqlite);
                LENGTH_OF_SOME_POSTGRES = some!(length!(), $table, $column, strings_postgres);
                USAGE_SQLITE = usage!($table, $column, $sqlite, strings_sqlite);
                USAGE_POSTGRES = usage!($table, $column, $postgres, strings_postgres);
                DELETE_EXPIRED = concat!("DELETE FROM ", $table, " WHERE ", $column, " = $1 AND expiration_time <= $2");
                ALL = concat!(
                    "SELECT ", columns!(), " FROM ", $table, " WHERE ", $column, " = $1 AND expiration_time > $2 \
                     ORDER BY name"
                );
                ALL_NAMES = concat!(
                    "SELECT name FROM ", $table, " WHERE ", $column, " = $1 AND expiration_time > $2 ORDER BY name"
                );
            }

            pub(super) const TABLE: Statements = Statements {
                hold_owners: (HOLD_OWNERS_SQLITE, HOLD_OWNERS_POSTGRES),
                current: (CURRENT_SQLITE, CURRENT_POSTGRES),
                write: (WRITE_SQLITE, WRITE_POSTGRES),
                set_expiration: (SET_EXPIRATION_SQLITE, SET_EXPIRATION_POSTGRES),
                delete: (DELETE_SQLITE, DELETE_POSTGRES),
                some: (SOME_SQLITE, SOME_POSTGRES),
                some_names: (SOME_NAMES_SQLITE, SOME_NAMES_POSTGRES),
                usage: (USAGE_SQLITE, USAGE_POSTGRES),
                delete_expired: DELETE_EXPIRED,
                length_of_some: (LENGTH_OF_SOME_SQLITE, LENGTH_OF_SOME_POSTGRES),
                all: ALL,
                all_names: ALL_NAMES,
            };
        }
    };
}

macro_rules! hold_owners {
    ($owners:literal, $column:literal, $id:ident, $strings:ident, $held:ident) => {
        concat!(
            "SELECT 1 FROM ",
            $owners,
            " WHERE ",
            $column,
            " IN (SELECT ",
            $id!("value"),
            " FROM ",
            $strings!("$1"),
            ") ORDER BY ",
            $column,
            $held!()
        )
    };
}

macro_rules! current {
    ($table:literal, $column:literal, $id:ident, $attrs:ident) => {
        concat!(
            "WITH given AS (",
            $attrs!(),
            ") SELECT given.owner, given.name, a.is_encrypted, a.creation_time, \
             a.expiration_time, CAST(LENGTH(a.value) AS BIGINT) AS length FROM given JOIN ",
            $table,
            " a ON a.",
            $column,
            " = ",
            $id!("given.owner"),
            " AND a.name = given.name WHERE a.expiration_time > $2"
        )
    };
}

macro_rules! upsert {
    ($table:literal, $column:literal, $id:ident, $attrs:ident) => {
        concat!(
            "WITH given AS (", $attrs!(), ") INSERT INTO ", $table, " (", $column, ", ", columns!(), ") SELECT ",
            $id!("owner"), ", ", columns!(), " FROM given WHERE TRUE ON CONFLICT (", $column, ", name) DO UPDATE SET \
             value = excluded.value, is_encrypted = excluded.is_encrypted, creation_time = excluded.creation_time, \
             last_modified = excluded.last_modified, expiration_time = excluded.expiration_time"
        )
    };
}

macro_rules! set_expiration {
    ($table:literal, $column:literal, $id:ident, $attrs:ident) => {
        concat!(
            "WITH given AS (",
            $attrs!(),
            ") UPDATE ",
            $table,
            " SET expiration_time = given.expiration_time \
             FROM given WHERE ",
            $table,
            ".",
            $column,
            " = ",
            $id!("given.owner"),
            " AND ",
            $table,
            ".name = given.name"
        )
    };
}

macro_rules! delete {
    ($table:literal, $column:literal, $strings:ident) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $column,
            " = $1 AND name IN (SELECT value FROM ",
            $strings!("$2"),
            ")"
        )
    };
}

macro_rules! usage {
    ($table:literal, $column:literal, $id:ident, $strings:ident) => {
        concat!(
            "WITH given AS (SELECT value AS owner FROM ",
            $strings!("$1"),
            ") SELECT given.owner, COUNT(*) AS attrs, CAST(SUM(LENGTH(a.value)) AS BIGINT) AS bytes \
             FROM given JOIN ",
            $table,
            " a ON a.",
            $column,
            " = ",
            $id!("given.owner"),
            " GROUP BY given.owner"
        )
    };
}

macro_rules! some {
    ($what:expr, $table:literal, $column:literal, $strings:ident) => {
        concat!(
            "SELECT ",
            $what,
            " FROM ",
            $table,
            " WHERE ",
            $column,
            " = $1 AND expiration_time > $2 AND name IN \
             (SELECT value FROM ",
            $strings!("$3"),
            ")"
        )
    };
}

attr_table!(user: "sso_user_attr", "sso_user", "user_id", text, text);
attr_table!(session: "sso_session_attr", "sso_session", "session_id", uuid_sqlite, uuid_postgres);

mod together {
    sql! {
        OF_SESSIONS = concat!(
            "SELECT '' AS owner, COUNT(*) AS attrs, ", length!(), " AS bytes FROM sso_session_attr \
             WHERE expiration_time > $2 AND session_id IN (SELECT session_id FROM sso_session \
             WHERE user_id = (SELECT user_id FROM sso_session WHERE session_id = $1))"
        );
    }
    pub(super) const SESSIONS: &str = OF_SESSIONS;
}

pub(super) const TOGETHER_STATEMENTS: &[(&str, &str)] = together::STATEMENTS;
pub(super) const USER_STATEMENTS: &[(&str, &str)] = user::STATEMENTS;
pub(super) const SESSION_STATEMENTS: &[(&str, &str)] = session::STATEMENTS;

const fn statements_of(owner: &AttrOwner) -> &'static Statements {
    match owner {
        AttrOwner::User(_) => &user::TABLE,
        AttrOwner::Session(_) => &session::TABLE,
    }
}

/// Runs `$body` with the owner's id as the database has it.
macro_rules! with_id {
    ($owner:expr, $id:ident => $body:expr) => {
        match $owner {
            AttrOwner::User(user_id) => {
                let $id = user_id.as_str();
                $body
            }
            AttrOwner::Session(session_id) => {
                let $id = session_id.0;
                $body
            }
        }
    };
}

row! {
    /// An attribute as it is stored.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct AttrRow {
        pub name: String,
        pub value: Vec<u8>,
        pub is_encrypted: bool,
        pub creation_time: Timestamp,
        pub last_modified: Timestamp,
        pub expiration_time: Timestamp,
    }
}

row! {
    /// What is known of an attribute before it is written. Its owner is the one that was asked about, as text.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Current {
        pub owner: String,
        pub name: String,
        pub is_encrypted: bool,
        pub creation_time: Timestamp,
        pub expiration_time: Timestamp,
        pub length: i64,
    }
}

row! {
    /// What the attributes of an owner take, those that have expired included.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Usage {
        pub owner: String,
        pub attrs: i64,
        pub bytes: i64,
    }
}

/// One attribute of a JSON array that is an argument.
#[derive(Default, Serialize)]
struct Given<'a> {
    owner: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_encrypted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<i64>,
}

/// An owner's id as text, which identifies it among others of its kind.
#[must_use]
pub fn id_text(owner: &AttrOwner) -> String {
    match owner {
        AttrOwner::User(user_id) => user_id.as_str().to_owned(),
        AttrOwner::Session(session_id) => session_id.0.simple().to_string(),
    }
}

fn array<T: Serialize>(members: impl Iterator<Item = T>) -> Result<String> {
    serde_json::to_string(&members.collect::<Vec<_>>()).map_err(Error::internal)
}

/// Keeps others from writing attributes of these owners until the transaction ends; whether all of them exist. They are
/// of one kind, and each stands there once.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold_owners(conn: &mut Conn, owners: &[&AttrOwner]) -> Result<bool> {
    let Some(first) = owners.first() else { return Ok(true) };
    let (sqlite, postgres) = statements_of(first).hold_owners;
    let sql = conn.choose(sqlite, postgres);
    let ids = array(owners.iter().map(|owner| id_text(owner)))?;
    let held: Vec<(i32,)> = fetch_all!(conn, (i32,), sql, &ids)?;
    Ok(held.len() == owners.len())
}

/// Those of these attributes that exist now. The owners are of one kind.
///
/// # Errors
/// When the database cannot answer.
pub async fn current(conn: &mut Conn, keys: &[(&AttrOwner, &str)], now: Timestamp) -> Result<Vec<Current>> {
    let Some((first, _)) = keys.first() else { return Ok(Vec::new()) };
    let (sqlite, postgres) = statements_of(first).current;
    let sql = conn.choose(sqlite, postgres);
    let given = keys.iter().map(|&(owner, name)| Given { owner: id_text(owner), name, ..Given::default() });
    let given = array(given)?;
    fetch_all!(conn, Current, sql, &given, now)
}

/// Makes attributes, or puts these in the place of those that there are. The owners are of one kind, and no name stands
/// there twice.
///
/// # Errors
/// When the database cannot answer.
pub async fn write(conn: &mut Conn, rows: &[(&AttrOwner, AttrRow)]) -> Result<()> {
    let Some((first, _)) = rows.first() else { return Ok(()) };
    let (sqlite, postgres) = statements_of(first).write;
    let sql = conn.choose(sqlite, postgres);
    let given = rows.iter().map(|(owner, row)| Given {
        owner: id_text(owner),
        name: &row.name,
        value: Some(HEXLOWER.encode(&row.value)),
        is_encrypted: Some(row.is_encrypted),
        creation_time: Some(row.creation_time.as_micros()),
        last_modified: Some(row.last_modified.as_micros()),
        expiration_time: Some(row.expiration_time.as_micros()),
    });
    execute!(conn, sql, &array(given)?)?;
    Ok(())
}

/// Sets from when on attributes do not exist. The owners are of one kind, and no name stands there twice.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_expiration(conn: &mut Conn, expirations: &[(&AttrOwner, &str, Timestamp)]) -> Result<()> {
    let Some((first, ..)) = expirations.first() else { return Ok(()) };
    let (sqlite, postgres) = statements_of(first).set_expiration;
    let sql = conn.choose(sqlite, postgres);
    let given = expirations.iter().map(|&(owner, name, time)| Given {
        owner: id_text(owner),
        name,
        expiration_time: Some(time.as_micros()),
        ..Given::default()
    });
    execute!(conn, sql, &array(given)?)?;
    Ok(())
}

/// Deletes an owner's attributes with these names; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(conn: &mut Conn, owner: &AttrOwner, names: &[String]) -> Result<u64> {
    let (sqlite, postgres) = statements_of(owner).delete;
    let sql = conn.choose(sqlite, postgres);
    let names = array(names.iter())?;
    with_id!(owner, id => execute!(conn, sql, id, &names))
}

/// What the attributes of these owners take, of each that has any. The owners are of one kind.
///
/// # Errors
/// When the database cannot answer.
pub async fn usage(conn: &mut Conn, owners: &[&AttrOwner]) -> Result<Vec<Usage>> {
    let Some(first) = owners.first() else { return Ok(Vec::new()) };
    let (sqlite, postgres) = statements_of(first).usage;
    let sql = conn.choose(sqlite, postgres);
    let ids = array(owners.iter().map(|owner| id_text(owner)))?;
    fetch_all!(conn, Usage, sql, &ids)
}

/// What the attributes of all sessions of the user take who has this one, but for those that have expired.
///
/// # Errors
/// When the database cannot answer.
pub async fn usage_of_sessions(
    conn: &mut Conn,
    session_id: SessionId,
    now: Timestamp,
) -> Result<Option<Usage>> {
    fetch_optional!(conn, Usage, together::SESSIONS, session_id, now)
}

/// Deletes those of an owner's attributes that do not exist any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_expired(conn: &mut Conn, owner: &AttrOwner, now: Timestamp) -> Result<u64> {
    let sql = statements_of(owner).delete_expired;
    with_id!(owner, id => execute!(conn, sql, id, now))
}

/// How many bytes the values of those of an owner's attributes take that have these names.
///
/// # Errors
/// When the database cannot answer.
pub async fn length_of_some(
    conn: &mut Conn,
    owner: &AttrOwner,
    names: &[String],
    now: Timestamp,
) -> Result<i64> {
    let (sqlite, postgres) = statements_of(owner).length_of_some;
    let sql = conn.choose(sqlite, postgres);
    let names = array(names.iter())?;
    let length = with_id!(owner, id => fetch_optional!(conn, (i64,), sql, id, now, &names))?;
    Ok(length.map_or(0, |(length,)| length))
}

/// Those of an owner's attributes that have these names, in no particular order.
///
/// # Errors
/// When the database cannot answer.
pub async fn some(
    conn: &mut Conn,
    owner: &AttrOwner,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<AttrRow>> {
    let (sqlite, postgres) = statements_of(owner).some;
    let sql = conn.choose(sqlite, postgres);
    let names = array(names.iter())?;
    with_id!(owner, id => fetch_all!(conn, AttrRow, sql, id, now, &names))
}

/// Which of these names an owner's attributes have, in no particular order.
///
/// # Errors
/// When the database cannot answer.
pub async fn some_names(
    conn: &mut Conn,
    owner: &AttrOwner,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<String>> {
    let (sqlite, postgres) = statements_of(owner).some_names;
    let sql = conn.choose(sqlite, postgres);
    let names = array(names.iter())?;
    let found = with_id!(owner, id => fetch_all!(conn, (String,), sql, id, now, &names))?;
    Ok(found.into_iter().map(|(name,)| name).collect())
}

/// All attributes of an owner, by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn all(conn: &mut Conn, owner: &AttrOwner, now: Timestamp) -> Result<Vec<AttrRow>> {
    let sql = statements_of(owner).all;
    with_id!(owner, id => fetch_all!(conn, AttrRow, sql, id, now))
}

/// The names of all attributes of an owner, in order.
///
/// # Errors
/// When the database cannot answer.
pub async fn all_names(conn: &mut Conn, owner: &AttrOwner, now: Timestamp) -> Result<Vec<String>> {
    let sql = statements_of(owner).all_names;
    let found = with_id!(owner, id => fetch_all!(conn, (String,), sql, id, now))?;
    Ok(found.into_iter().map(|(name,)| name).collect())
}
