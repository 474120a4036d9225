//! Imports and exports of users: many rows a statement.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Serialize;
use uuid::Uuid;

use crate::domain::{Error, Result, SecType, Timestamp, UserId};
use crate::store::attr::AttrRow;
use crate::store::db::dialect::{strings_postgres, strings_sqlite};
use crate::store::db::statement::Statement;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::{UserRow, bind_user, columns};
use crate::store::{Conn, Tx};

macro_rules! taken {
    ($strings:ident) => {
        concat!(
            "SELECT user_id, username FROM sso_user WHERE username_key IN (SELECT value FROM ",
            $strings!("$3"),
            ") UNION SELECT user_id, username FROM sso_user WHERE username IN (SELECT value FROM ",
            $strings!("$1"),
            ") UNION SELECT user_id, username FROM sso_user WHERE user_id IN (SELECT value FROM ",
            $strings!("$2"),
            ")"
        )
    };
}

macro_rules! attrs {
    ($strings:ident) => {
        concat!(
            "SELECT user_id, ",
            crate::store::attr::columns!(),
            " FROM sso_user_attr WHERE expiration_time > $2 AND user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY user_id, name"
        )
    };
}

macro_rules! links {
    ($strings:ident) => {
        concat!(
            "SELECT l.user_id, d.sec_type, d.username, l.is_active, l.creation_time FROM sso_linked_auth l \
             JOIN sso_sec_def d ON d.sec_def_id = l.sec_def_id WHERE l.user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY l.user_id, d.sec_type, d.username"
        )
    };
}

macro_rules! definitions {
    ($strings:ident) => {
        concat!(
            "SELECT d.sec_type, d.username, d.sec_def_id, l.user_id FROM sso_sec_def d \
             LEFT JOIN sso_linked_auth l ON l.sec_def_id = d.sec_def_id \
             WHERE d.sec_type IN ('basic_auth', 'jwt') AND d.username IN (SELECT value FROM ",
            $strings!("$1"),
            ")"
        )
    };
}

sql! {
    TAKEN_SQLITE = taken!(strings_sqlite);
    TAKEN_POSTGRES = taken!(strings_postgres);
    ATTRS_SQLITE = attrs!(strings_sqlite);
    ATTRS_POSTGRES = attrs!(strings_postgres);
    LINKS_SQLITE = links!(strings_sqlite);
    LINKS_POSTGRES = links!(strings_postgres);
    DEFINITIONS_SQLITE = definitions!(strings_sqlite);
    DEFINITIONS_POSTGRES = definitions!(strings_postgres);
    TOKENS_SQLITE = concat!(
        "SELECT user_id, user_token FROM sso_user WHERE user_id IN (SELECT value FROM ", strings_sqlite!("$1"), ")"
    );
}

/// How many rows go to the database at a time, from many to few: a text for each number is prepared once.
const CHUNKS: [usize; 3] = [64, 8, 1];

/// How many columns a user and an identity have.
const USER_COLUMNS: usize = 43;
const IDENTITY_COLUMNS: usize = 5;

/// A text for each of the numbers of rows.
///
/// Not to be able to take back some of the rows of a statement alone, SQLite is told to `FAIL`: it would write down what
/// each page was that it changes. It reads a `$1` as a name, which it looks for among all the others; a `?` has none.
type Repeated = LazyLock<[String; 3]>;

static INSERT_USERS_SQLITE: Repeated =
    LazyLock::new(|| CHUNKS.map(|rows| insert_users("INSERT OR FAIL", &places(rows, USER_COLUMNS))));
static INSERT_USERS_POSTGRES: Repeated = LazyLock::new(|| {
    CHUNKS.map(|rows| format!("{} RETURNING user_id", insert_users("INSERT", &numbered(rows, USER_COLUMNS))))
});
static INSERT_IDENTITIES_SQLITE: Repeated =
    LazyLock::new(|| CHUNKS.map(|rows| insert_identities(&places(rows, IDENTITY_COLUMNS))));
static INSERT_IDENTITIES_POSTGRES: Repeated =
    LazyLock::new(|| CHUNKS.map(|rows| insert_identities(&numbered(rows, IDENTITY_COLUMNS))));

fn insert_users(insert: &str, values: &str) -> String {
    format!(
        "{insert} INTO sso_user ({}, display_name_upper, first_name_upper, middle_name_upper, last_name_upper) \
         VALUES {values} ON CONFLICT DO NOTHING",
        columns!(),
    )
}

fn insert_identities(values: &str) -> String {
    format!(
        "INSERT INTO sso_identity (identity_token, user_id, provider, creation_time, last_modified) \
         VALUES {values}"
    )
}

/// `(?, ?), (?, ?)` and so on.
fn places(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

/// `($1, $2), ($3, $4)` and so on.
fn numbered(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// The statements that are made of repeated parts: name and text.
pub(in crate::store) fn repeated_statements() -> Vec<(&'static str, &'static str)> {
    let all: [(&str, &'static Repeated); 4] = [
        ("import::INSERT_USERS_SQLITE", &INSERT_USERS_SQLITE),
        ("import::INSERT_USERS_POSTGRES", &INSERT_USERS_POSTGRES),
        ("import::INSERT_IDENTITIES_SQLITE", &INSERT_IDENTITIES_SQLITE),
        ("import::INSERT_IDENTITIES_POSTGRES", &INSERT_IDENTITIES_POSTGRES),
    ];
    let texts = |(name, texts): (&'static str, &'static Repeated)| {
        texts.iter().map(move |text| (name, text.as_str()))
    };
    all.into_iter().flat_map(texts).collect()
}

/// Splits rows into as few chunks as there are texts for, each with its text.
fn in_chunks<'r, T>(
    texts: &'static Repeated,
    rows: &'r [T],
) -> impl Iterator<Item = (&'static str, &'r [T])> {
    let mut rest = rows;
    texts.iter().zip(CHUNKS).flat_map(move |(text, size)| {
        let chunks = rest.chunks_exact(size);
        rest = chunks.remainder();
        chunks.map(move |chunk| (text.as_str(), chunk))
    })
}

row! {
    /// Who has an id or a name.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Taken {
        pub user_id: UserId,
        pub username: String,
    }
}

row! {
    /// An attribute, and whose it is.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct OwnedAttr {
        pub user_id: UserId,
    } with {
        pub attr: AttrRow,
    }
}

row! {
    /// A link, and whose it is.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct OwnedLink {
        pub user_id: UserId,
        pub sec_type: SecType,
        pub username: String,
        pub is_active: bool,
        pub creation_time: Timestamp,
    }
}

row! {
    /// A definition, and to whom it is linked.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Linkable {
        pub sec_type: SecType,
        pub username: String,
        pub sec_def_id: i64,
        pub user_id: Option<UserId>,
    }
}

/// The users who have any of these names or of their keys, or any of these ids.
///
/// # Errors
/// When the database cannot answer.
pub async fn taken(
    conn: &mut Conn,
    usernames: &[&str],
    user_ids: &[&str],
    keys: &[&str],
) -> Result<Vec<Taken>> {
    let sql = conn.choose(TAKEN_SQLITE, TAKEN_POSTGRES);
    fetch_all!(conn, Taken, sql, &array(usernames)?, &array(user_ids)?, &array(keys)?)
}

/// Adds users, except those whose id or name is taken; returns the ids that were added. New users are in no cache, so
/// nothing has to be told to other processes.
///
/// # Errors
/// When the database cannot answer, or does not take one of them. The transaction is of no further use then.
pub async fn add_users(tx: &mut Tx, rows: &[&UserRow]) -> Result<HashSet<UserId>> {
    if !tx.is_sqlite() {
        let mut inserted = HashSet::with_capacity(rows.len());
        for (sql, chunk) in in_chunks(&INSERT_USERS_POSTGRES, rows) {
            let statement = of_users(tx, sql, chunk);
            let added: Vec<(UserId,)> = tx.rows(statement).await?.read()?;
            inserted.extend(added.into_iter().map(|(user_id,)| user_id));
        }
        return Ok(inserted);
    }
    let mut inserted = 0;
    for (sql, chunk) in in_chunks(&INSERT_USERS_SQLITE, rows) {
        let statement = of_users(tx, sql, chunk);
        inserted += tx.execute(statement).await?;
    }
    if inserted == rows.len() as u64 {
        return Ok(rows.iter().map(|row| row.user_id.clone()).collect());
    }
    // Who has been quicker has given out another token.
    let user_ids: Vec<&str> = rows.iter().map(|row| row.user_id.as_str()).collect();
    let there = fetch_all!(tx, (UserId, Uuid), TOKENS_SQLITE, &array(&user_ids)?)?;
    let tokens: HashMap<&UserId, Uuid> = rows.iter().map(|row| (&row.user_id, row.user_token)).collect();
    let is_ours = |(user_id, token): &(UserId, Uuid)| tokens.get(user_id) == Some(token);
    Ok(there.into_iter().filter(is_ours).map(|(user_id, _)| user_id).collect())
}

/// A statement with the values of all these users.
fn of_users(tx: &Tx, sql: &'static str, rows: &[&UserRow]) -> Statement {
    let mut statement = tx.statement(sql);
    for row in rows {
        bind_user!(statement, row);
    }
    statement
}

/// Adds the first identities of users, of no site and without a profile.
///
/// # Errors
/// When the database cannot answer.
pub async fn add_identities(tx: &mut Tx, rows: &[&IdentityRow]) -> Result<()> {
    let texts = if tx.is_sqlite() { &INSERT_IDENTITIES_SQLITE } else { &INSERT_IDENTITIES_POSTGRES };
    for (sql, chunk) in in_chunks(texts, rows) {
        let mut statement = tx.statement(sql);
        for row in chunk {
            statement
                .bind(row.identity_token)
                .bind(&row.user_id)
                .bind(&row.provider)
                .bind(row.creation_time)
                .bind(row.last_modified);
        }
        tx.execute(statement).await?;
    }
    Ok(())
}

/// The attributes that these users have at this time, by user and name.
///
/// # Errors
/// When the database cannot answer.
pub async fn attrs_of(conn: &mut Conn, user_ids: &[&str], now: Timestamp) -> Result<Vec<OwnedAttr>> {
    let sql = conn.choose(ATTRS_SQLITE, ATTRS_POSTGRES);
    fetch_all!(conn, OwnedAttr, sql, &array(user_ids)?, now)
}

/// The links of these users, by user, kind and username.
///
/// # Errors
/// When the database cannot answer.
pub async fn links_of(conn: &mut Conn, user_ids: &[&str]) -> Result<Vec<OwnedLink>> {
    let sql = conn.choose(LINKS_SQLITE, LINKS_POSTGRES);
    fetch_all!(conn, OwnedLink, sql, &array(user_ids)?)
}

/// The definitions with any of these usernames, of either kind.
///
/// # Errors
/// When the database cannot answer.
pub async fn definitions(conn: &mut Conn, usernames: &[&str]) -> Result<Vec<Linkable>> {
    let sql = conn.choose(DEFINITIONS_SQLITE, DEFINITIONS_POSTGRES);
    fetch_all!(conn, Linkable, sql, &array(usernames)?)
}

fn array(members: &[impl Serialize]) -> Result<String> {
    serde_json::to_string(members).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_through() {
        assert_eq!(numbered(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(2, 3), "(?, ?, ?), (?, ?, ?)");
    }

    #[test]
    fn no_statement_takes_more_values_than_postgresql_does() {
        assert!(CHUNKS.iter().all(|rows| rows * USER_COLUMNS < 65_535));
    }
}
