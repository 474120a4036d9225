//! Where the two databases differ, all of it.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// How long a writer waits for other processes that write to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite takes the write lock when the transaction begins: a lock taken later, by upgrading, could fail half-way.
pub const BEGIN_SQLITE: &str = "BEGIN IMMEDIATE";

/// Units of work that share an SQLite transaction: the first begins it. The end of one is stored only when the next
/// begins, which saves a way to the database. That fails if SQLite has rolled back the whole transaction meanwhile.
pub const FIRST_UNIT_SQLITE: &str = "BEGIN IMMEDIATE; SAVEPOINT unit";
pub const NEXT_UNIT_SQLITE: &str = "RELEASE unit; SAVEPOINT unit";
pub const ROLLBACK_UNIT_SQLITE: &str = "ROLLBACK TO unit";
pub const COMMIT_SQLITE: &str = "COMMIT";
/// What the writing connection has, usually (SQLite's own defaults) and while large units follow each other. These change
/// indexes all over, for ids are random: 16 MB of pages are kept instead of 2, 16 MB of them come into the write-ahead log
/// before they go from there to where they belong, instead of 4, and what pages were before a statement stays in memory. More
/// in the log would be written less often, but all at a time, and others who write wait for it.
pub const USUAL_ROOM_SQLITE: &str =
    "PRAGMA cache_size = -2000; PRAGMA wal_autocheckpoint = 1000; PRAGMA temp_store = MEMORY";
pub const LARGE_ROOM_SQLITE: &str =
    "PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY";
/// Whether or not a transaction is open.
pub const ROLLBACK_SQLITE: &str = "SAVEPOINT unit; ROLLBACK";

pub const BEGIN_POSTGRES: &str = "BEGIN";
pub const COMMIT_POSTGRES: &str = "COMMIT";
pub const ROLLBACK_POSTGRES: &str = "ROLLBACK";

/// Begins a transaction that sees a database as it is now, and can change nothing of it.
pub const BEGIN_TO_READ_POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A SQLite file: write-ahead log, so that readers and the writer do not wait for each other; NORMAL, which with a
/// write-ahead log loses nothing that was acknowledged when the process dies.
pub fn sqlite_file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        // What is sorted needs no room on the disk, which may be full.
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// A SQLite file as it is: not made, not turned into anything, and nothing written. Opened for reading only it would leave
/// files of its write-ahead log behind.
pub fn sqlite_file_to_look(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON")
}

/// The SQLite file of another program, opened for reading only.
pub fn sqlite_file_to_read(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// A database in memory: it lives as long as its one connection.
pub fn sqlite_memory() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .in_memory(true)
        .foreign_keys(true)
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// Ends a query of PostgreSQL whose rows are locked until the transaction ends. An SQLite
/// transaction keeps everybody out already.
macro_rules! for_update_postgres {
    () => {
        " FOR UPDATE"
    };
}
/// The same for the row of a user that is read together with others.
macro_rules! held_user_postgres {
    () => {
        " FOR NO KEY UPDATE OF sso_user"
    };
}
pub(in crate::store) use {for_update_postgres, held_user_postgres};

macro_rules! lock_user {
    ($more:literal) => {
        concat!(
            "SELECT password_last_set, is_locked, sign_up_status, approval_status",
            $more,
            " FROM sso_user WHERE user_id = $1"
        )
    };
}

/// The same, and how many sessions the user has, as far as the second argument counts.
macro_rules! lock_user_and_count {
    () => {
        lock_user!(
            ", (SELECT COUNT(*) FROM (SELECT 1 FROM sso_session WHERE user_id = $1 LIMIT $2) AS counted) AS sessions"
        )
    };
}

/// Keeps others from changing a user until the transaction ends. An SQLite transaction keeps everybody out already.
pub const LOCK_USER_SQLITE: &str = lock_user!("");
pub const LOCK_USER_POSTGRES: &str = concat!(lock_user!(""), " FOR NO KEY UPDATE");
pub const LOCK_AND_COUNT_SQLITE: &str = lock_user_and_count!();
pub const LOCK_AND_COUNT_POSTGRES: &str = concat!(lock_user_and_count!(), " FOR NO KEY UPDATE");

/// The members of a JSON array of strings that is an argument.
macro_rules! strings_sqlite {
    ($argument:literal) => {
        concat!("json_each(", $argument, ")")
    };
}
macro_rules! strings_postgres {
    ($argument:literal) => {
        concat!("json_array_elements_text(", $argument, "::json) AS strings(value)")
    };
}

/// Ends a look-up of rows that must stay as they are until the transaction ends. An SQLite transaction keeps everybody
/// out already; PostgreSQL lets foreign keys be checked meanwhile.
macro_rules! held_sqlite {
    () => {
        ""
    };
}
macro_rules! held_postgres {
    () => {
        " FOR NO KEY UPDATE"
    };
}

/// Ends a look-up of rows that are to be deleted, leaving out rows that another transaction has locked.
macro_rules! skip_held_sqlite {
    () => {
        ""
    };
}
macro_rules! skip_held_postgres {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
}

/// Rows of attributes, from a JSON array of objects that is the first argument; values in it are hexadecimal.
macro_rules! attrs_sqlite {
    () => {
        "SELECT value ->> 'owner' AS owner, value ->> 'name' AS name, unhex(value ->> 'value') AS value, \
         value ->> 'is_encrypted' AS is_encrypted, value ->> 'creation_time' AS creation_time, \
         value ->> 'last_modified' AS last_modified, value ->> 'expiration_time' AS expiration_time \
         FROM json_each($1)"
    };
}
macro_rules! attrs_postgres {
    () => {
        "SELECT owner, name, decode(value, 'hex') AS value, is_encrypted, creation_time, last_modified, \
         expiration_time FROM json_to_recordset($1::json) AS given(owner TEXT, name TEXT, value TEXT, \
         is_encrypted BOOLEAN, creation_time BIGINT, last_modified BIGINT, expiration_time BIGINT)"
    };
}

/// Renewals of sessions, from a JSON array of objects that is the first argument.
macro_rules! renewals_sqlite {
    () => {
        "SELECT unhex(value ->> 'session_id') AS session_id, value ->> 'expiration_time' AS expiration_time, \
         value ->> 'change_time' AS change_time, value ->> 'remote_addr' AS remote_addr, \
         value ->> 'user_agent' AS user_agent FROM json_each($1)"
    };
}
macro_rules! renewals_postgres {
    () => {
        "SELECT session_id, expiration_time, change_time, remote_addr, user_agent \
         FROM json_to_recordset($1::json) AS given(session_id UUID, expiration_time BIGINT, change_time BIGINT, \
         remote_addr TEXT, user_agent TEXT)"
    };
}

/// A UUID from its hexadecimal digits.
macro_rules! uuid_sqlite {
    ($digits:literal) => {
        concat!("unhex(", $digits, ")")
    };
}
macro_rules! uuid_postgres {
    ($digits:literal) => {
        concat!($digits, "::uuid")
    };
}

pub(in crate::store) use {
    attrs_postgres, attrs_sqlite, held_postgres, held_sqlite, renewals_postgres, renewals_sqlite,
    skip_held_postgres, skip_held_sqlite, strings_postgres, strings_sqlite, uuid_postgres, uuid_sqlite,
};

/// What a search of users says differently.
pub struct Search {
    /// Behind the table's name: it is read by the index that has the order of results. PostgreSQL knows by itself when to.
    pub in_order: &'static str,
    /// Whether a column of names has an argument somewhere in it.
    pub has_part: fn(column: &str, argument: &str) -> String,
    /// The same, for few: they are looked for among the names of the column's index, which is small beside the table.
    pub has_part_by_index: fn(column: &str, argument: &str) -> String,
    /// Which of the two a number of users is found out by: PostgreSQL counts in an index where it can.
    pub has_part_to_count: fn(column: &str, argument: &str) -> String,
    /// Whether a username has an argument, in lower case, somewhere in it. Case matters in other letters than ASCII's.
    pub has_username_part: fn(argument: &str) -> String,
    /// The same, for few: they are looked for in the index of usernames.
    pub has_username_part_by_index: fn(argument: &str) -> String,
    /// Behind the table's name: it is read by this index.
    pub by_index: fn(index: &str) -> String,
    /// About how many users there are.
    pub about_all: &'static str,
    /// The argument for a part of a name.
    pub part: fn(name: &str) -> String,
}

/// SQLite compares letter by letter in LIKE, and takes four times as long as for this.
pub const SEARCH_SQLITE: Search = Search {
    in_order: " INDEXED BY sso_user_order",
    has_part: |column, argument| format!("instr({column}, {argument}) > 0"),
    has_part_by_index: part_by_index_sqlite,
    has_part_to_count: part_by_index_sqlite,
    has_username_part: has_username_part_sqlite,
    has_username_part_by_index: |argument| {
        format!("username IN (SELECT username FROM sso_user WHERE {})", has_username_part_sqlite(argument))
    },
    by_index: |index| format!(" INDEXED BY {index}"),
    about_all: "SELECT COALESCE(MAX(rowid), 0) FROM sso_user",
    part: str::to_owned,
};

/// LIKE is what a trigram index serves, where there is one.
pub const SEARCH_POSTGRES: Search = Search {
    in_order: "",
    has_part: part_postgres,
    has_part_by_index: |column, argument| {
        let names = part_postgres(column, argument);
        // An array is made first; a semi-join would be taken for one that finds more, and read the whole table.
        format!("{column} = ANY (ARRAY(SELECT DISTINCT {column} FROM sso_user WHERE {names}))")
    },
    has_part_to_count: part_postgres,
    has_username_part: |argument| part_postgres("lower(username)", argument),
    has_username_part_by_index: |argument| {
        let names = part_postgres("lower(username)", argument);
        format!("username = ANY (ARRAY(SELECT username FROM sso_user WHERE {names}))")
    },
    by_index: |_| String::new(),
    about_all: "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = 'sso_user'::regclass",
    part: pattern,
};

fn has_username_part_sqlite(argument: &str) -> String {
    format!("instr(lower(username), {argument}) > 0")
}

fn part_by_index_sqlite(column: &str, argument: &str) -> String {
    let names = format!("{column} IS NOT NULL AND instr({column}, {argument}) > 0");
    format!("{column} IN (SELECT DISTINCT {column} FROM sso_user WHERE {names})")
}

fn part_postgres(column: &str, argument: &str) -> String {
    format!("{column} LIKE {argument} ESCAPE '!'")
}

/// The pattern for names with this somewhere in them: what has a meaning in patterns is taken literally.
fn pattern(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len() + 2);
    pattern.push('%');
    for c in name.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_taken_literally() {
        assert_eq!(pattern("ANN"), "%ANN%");
        assert_eq!(pattern("100%_!"), "%100!%!_!!%");
    }
}
