//! Counters of failed logins and of requests.

use super::{Conn, Tx, map_error};
use crate::domain::{Result, Throttle, Timestamp};
use crate::store::db::dialect;
use crate::store::db::pool::Raw;

macro_rules! columns {
    () => {
        "kind, subject, count, window_start, blocked_until, expiration_time"
    };
}

macro_rules! get {
    () => {
        concat!("SELECT ", columns!(), " FROM sso_throttle WHERE kind = $1 AND subject = $2")
    };
}

macro_rules! insert {
    ($values:literal, $conflict:literal) => {
        concat!("INSERT INTO sso_throttle (", columns!(), ") VALUES (", $values, ") ON CONFLICT ", $conflict)
    };
}

sql! {
    GET = get!();
    HOLD_POSTGRES = concat!(get!(), dialect::for_update_postgres!());
    GET_BOTH = concat!(get!(), " OR kind = $3 AND subject = $4");
    MAKE = insert!("$1, $2, 0, $3, 0, $3", "DO NOTHING");
    SET = "UPDATE sso_throttle SET count = $3, window_start = $4, blocked_until = $5, expiration_time = $6 \
        WHERE kind = $1 AND subject = $2";
    CLEAR = "DELETE FROM sso_throttle WHERE kind = $1 AND subject = $2";
    /// One more in the window that begins then; in another window, the first.
    COUNT = insert!(
        "$1, $2, 1, $3, 0, $4",
        "(kind, subject) DO UPDATE SET \
         count = CASE WHEN sso_throttle.window_start = excluded.window_start THEN sso_throttle.count + 1 ELSE 1 END, \
         window_start = excluded.window_start, expiration_time = excluded.expiration_time RETURNING count"
    );
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Failed logins of a user.
    LoginUser,
    /// Failed logins, by users or definitions, from an address.
    LoginAddress,
    /// Wrong secrets of a security definition.
    LoginDefinition,
    /// Wrong TOTP codes of a user outside of logins.
    Totp,
    /// Requests of a user that fall under one rule.
    RateLimit,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LoginUser => "login_user",
            Self::LoginAddress => "login_address",
            Self::LoginDefinition => "login_definition",
            Self::Totp => "totp",
            Self::RateLimit => "rate_limit",
        }
    }
}

row! {
    struct Row {
        kind: String,
        subject: Vec<u8>,
        count: i64,
        window_start: i64,
        blocked_until: i64,
        expiration_time: i64,
    }
}

impl Row {
    const fn throttle(&self) -> Throttle {
        Throttle {
            count: self.count,
            since: Timestamp::from_micros(self.window_start),
            blocked_until: Timestamp::from_micros(self.blocked_until),
            expiration: Timestamp::from_micros(self.expiration_time),
        }
    }
}

/// What is known of the failures of two subjects, as far as there were any, in one statement.
///
/// # Errors
/// When the database cannot answer.
pub async fn get_both(conn: &mut Conn, subjects: [(Kind, &[u8]); 2]) -> Result<[Option<Throttle>; 2]> {
    let [(kind, subject), (other_kind, other)] = subjects;
    let rows = fetch_all!(conn, Row, GET_BOTH, kind.as_str(), subject, other_kind.as_str(), other)?;
    Ok(subjects.map(|(kind, subject)| {
        rows.iter().find(|row| row.kind == kind.as_str() && row.subject == subject).map(Row::throttle)
    }))
}

/// What is known of the failures of a subject, created if missing, and locked until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold(tx: &mut Tx, kind: Kind, subject: &[u8], now: Timestamp) -> Result<Throttle> {
    execute!(tx, MAKE, kind.as_str(), subject, now.as_micros())?;
    let row: Option<Row> = match tx.raw() {
        Raw::Sqlite(driver) => {
            sqlx::query_as(GET).bind(kind.as_str()).bind(subject).fetch_optional(driver).await
        }
        Raw::Postgres(driver) => {
            sqlx::query_as(HOLD_POSTGRES).bind(kind.as_str()).bind(subject).fetch_optional(driver).await
        }
    }
    .map_err(map_error)?;
    Ok(row.map_or(Throttle::new(now), |row| row.throttle()))
}

/// Writes what a failure has made of it.
///
/// # Errors
/// When the database cannot answer.
pub async fn set(tx: &mut Tx, kind: Kind, subject: &[u8], throttle: &Throttle) -> Result<()> {
    let Throttle { count, since, blocked_until, expiration } = throttle;
    let (since, blocked, expiration) = (since.as_micros(), blocked_until.as_micros(), expiration.as_micros());
    execute!(tx, SET, kind.as_str(), subject, count, since, blocked, expiration)?;
    Ok(())
}

/// Forgets it.
///
/// # Errors
/// When the database cannot answer.
pub async fn clear(tx: &mut Tx, kind: Kind, subject: &[u8]) -> Result<()> {
    execute!(tx, CLEAR, kind.as_str(), subject)?;
    Ok(())
}

/// Counts a request; how many there were in its window, this one included.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(tx: &mut Tx, subject: &[u8], start: Timestamp, end: Timestamp) -> Result<i64> {
    let kind = Kind::RateLimit.as_str();
    let counted: Option<(i64,)> =
        fetch_optional!(tx, (i64,), COUNT, kind, subject, start.as_micros(), end.as_micros())?;
    Ok(counted.map_or(1, |(count,)| count))
}
