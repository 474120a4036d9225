//! Counters of failed logins and of requests, and the places from which users are known to log in.

use super::{Conn, Tx};
use crate::domain::{Result, Throttle, Timestamp, UserId};
use crate::store::db::dialect;

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
    /// Four counters; whether the place of the third one is known, which is the time of the last login from there; and whether
    /// the device of the fourth one is: when it was used last, and since when it is known.
    LOOK = concat!(
        get!(),
        " OR kind = $3 AND subject = $4 OR kind = $5 AND subject = $6 OR kind = $8 AND subject = $9 \
         UNION ALL SELECT 'known_place', place_digest, 0, login_time, 0, 0 FROM sso_known_place \
         WHERE user_id = $7 AND place_digest = $6 \
         UNION ALL SELECT 'known_device', device_digest, 0, last_use, creation_time, 0 FROM sso_device \
         WHERE user_id = $7 AND device_digest = $10"
    );
    MAKE = insert!("$1, $2, 0, $3, 0, $3", "DO NOTHING");
    SET = "UPDATE sso_throttle SET count = $3, window_start = $4, blocked_until = $5, expiration_time = $6 \
        WHERE kind = $1 AND subject = $2";
    CLEAR = "DELETE FROM sso_throttle WHERE kind = $1 AND subject = $2";
    CLEAR_PLACES = "DELETE FROM sso_throttle WHERE kind = $1 AND subject IN \
        (SELECT place_digest FROM sso_known_place WHERE user_id = $2)";
    REMEMBER_PLACE = "INSERT INTO sso_known_place (user_id, place_digest, login_time) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id, place_digest) DO UPDATE SET login_time = excluded.login_time";
    /// One more in the window that begins then; in another window, the first.
    COUNT = insert!(
        "$1, $2, 1, $3, 0, $4",
        "(kind, subject) DO UPDATE SET \
         count = CASE WHEN sso_throttle.window_start = excluded.window_start THEN sso_throttle.count + 1 ELSE 1 END, \
         window_start = excluded.window_start, expiration_time = excluded.expiration_time RETURNING count"
    );
    /// One more in a part of an hour, and the time of the last one in it.
    COUNT_IN_PART = insert!(
        "$1, $2, 1, $3, 0, $4",
        "(kind, subject) DO UPDATE SET count = sso_throttle.count + 1, window_start = excluded.window_start, \
         expiration_time = excluded.expiration_time"
    );
    UNCOUNT = "UPDATE sso_throttle SET count = count - 1 WHERE kind = $1 AND subject = $2";
    SUM_OF_PARTS = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) AS count, MIN(window_start) AS oldest FROM sso_throttle \
        WHERE kind = $1 AND subject IN ($2, $3, $4, $5, $6, $7, $8) AND window_start > $9 AND count > 0";
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Failed logins of a user.
    LoginUser,
    /// Failed logins of a user from a place that is known, or of what only the user has.
    LoginPlace,
    /// Failed logins, by users or definitions, from an address.
    LoginAddress,
    /// Wrong secrets of a security definition.
    LoginDefinition,
    /// Wrong TOTP codes of a user outside of logins.
    Totp,
    /// The same from a place that is known, or by what only the user has.
    TotpPlace,
    /// Requests of a user that fall under one rule.
    RateLimit,
    /// Requests for password resets from an address.
    ResetAddress,
    /// Emails with reset tokens to a user.
    ResetUser,
    /// Sign-ups, and requests to repeat their email, from an address.
    SignUpAddress,
    /// Sign-ups with an email, and requests to repeat theirs.
    SignUpEmail,
    /// New emails that a user wants, each of which is sent a link.
    EmailChange,
    /// Emails to a user about new devices.
    NewDevice,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LoginUser => "login_user",
            Self::LoginPlace => "login_place",
            Self::LoginAddress => "login_address",
            Self::LoginDefinition => "login_definition",
            Self::Totp => "totp",
            Self::TotpPlace => "totp_place",
            Self::RateLimit => "rate_limit",
            Self::ResetAddress => "reset_address",
            Self::ResetUser => "reset_user",
            Self::SignUpAddress => "sign_up_address",
            Self::SignUpEmail => "sign_up_email",
            Self::EmailChange => "email_change",
            Self::NewDevice => "new_device",
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

/// A counter: what it counts, and of whom.
pub type Subject<'a> = (Kind, &'a [u8]);

/// What is known before an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The failures of the name, if there were any.
    pub name: Option<Throttle>,
    /// Those from the address.
    pub address: Option<Throttle>,
    /// Those of the user from this place.
    pub place: Option<Throttle>,
    /// When the user last logged in from there.
    pub place_time: Option<Timestamp>,
    /// The failures of the user with this device.
    pub device: Option<Throttle>,
    /// When the user last logged in with it, and when for the first time.
    pub device_times: Option<(Timestamp, Timestamp)>,
}

/// What is known of a name, an address, and of a place and a device of a user, as far as they are given, in one statement. Of
/// a device there is its counter, and the digest of its token.
///
/// # Errors
/// When the database cannot answer.
pub async fn look(
    conn: &mut Conn,
    name: Option<Subject<'_>>,
    address: Option<Subject<'_>>,
    place: Option<Subject<'_>>,
    device: Option<(Subject<'_>, &[u8])>,
    user_id: Option<&UserId>,
) -> Result<Known> {
    const NONE: (&str, &[u8]) = ("", &[]);
    let text = |subject: Option<Subject<'_>>| subject.map_or(NONE.0, |(kind, _)| kind.as_str());
    let digest =
        |subject: Option<Subject<'_>>| subject.map_or(NONE.1.to_vec(), |(_, digest)| digest.to_vec());
    let user_id = user_id.map_or("", UserId::as_str);
    let (device, token) = device.map_or((None, NONE.1), |(subject, token)| (Some(subject), token));
    let rows = fetch_all!(
        conn,
        Row,
        LOOK,
        text(name),
        digest(name),
        text(address),
        digest(address),
        text(place),
        digest(place),
        user_id,
        text(device),
        digest(device),
        token
    )?;
    let of = |wanted: Option<Subject<'_>>| {
        let (kind, subject) = wanted?;
        rows.iter().find(|row| row.kind == kind.as_str() && row.subject == subject).map(Row::throttle)
    };
    let known = |kind: &str| rows.iter().find(|row| row.kind == kind);
    Ok(Known {
        name: of(name),
        address: of(address),
        place: of(place),
        place_time: known("known_place").map(|row| Timestamp::from_micros(row.window_start)),
        device: of(device),
        device_times: known("known_device")
            .map(|row| (Timestamp::from_micros(row.window_start), Timestamp::from_micros(row.blocked_until))),
    })
}

/// Notes that a user has logged in from a place.
///
/// # Errors
/// When the database cannot answer.
pub async fn remember_place(tx: &mut Tx, user_id: &UserId, place: &[u8], now: Timestamp) -> Result<()> {
    execute!(tx, REMEMBER_PLACE, user_id, place, now.as_micros())?;
    Ok(())
}

/// Forgets the failures of a user from all places that are known.
///
/// # Errors
/// When the database cannot answer.
pub async fn clear_places(tx: &mut Tx, kind: Kind, user_id: &UserId) -> Result<()> {
    execute!(tx, CLEAR_PLACES, kind.as_str(), user_id)?;
    Ok(())
}

/// What is known of the failures of a subject, created if missing, and locked until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold(tx: &mut Tx, kind: Kind, subject: &[u8], now: Timestamp) -> Result<Throttle> {
    execute!(tx, MAKE, kind.as_str(), subject, now.as_micros())?;
    let sql = tx.choose(GET, HOLD_POSTGRES);
    let row: Option<Row> = fetch_optional!(tx, Row, sql, kind.as_str(), subject)?;
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
pub async fn count(tx: &mut Tx, kind: Kind, subject: &[u8], start: Timestamp, end: Timestamp) -> Result<i64> {
    let kind = kind.as_str();
    let counted: Option<(i64,)> =
        fetch_optional!(tx, (i64,), COUNT, kind, subject, start.as_micros(), end.as_micros())?;
    Ok(counted.map_or(1, |(count,)| count))
}

row! {
    /// What was counted within an hour.
    #[derive(Clone, Copy, Debug)]
    #[expect(missing_docs, reason = "the names say it")]
    pub struct Counted {
        pub count: i64,
        /// When the part that ends first had its last one.
        pub oldest: Option<Timestamp>,
    }
}

/// Counts one more in a part of an hour.
///
/// # Errors
/// When the database cannot answer.
pub async fn count_in_part(
    tx: &mut Tx,
    kind: Kind,
    part: &[u8],
    now: Timestamp,
    end: Timestamp,
) -> Result<()> {
    execute!(tx, COUNT_IN_PART, kind.as_str(), part, now, end).map(drop)
}

/// Takes back what was counted last.
///
/// # Errors
/// When the database cannot answer.
pub async fn uncount(tx: &mut Tx, kind: Kind, part: &[u8]) -> Result<()> {
    execute!(tx, UNCOUNT, kind.as_str(), part).map(drop)
}

/// What was counted in these parts, seven at most, as far as the last one in each came later than `since`.
///
/// # Errors
/// When the database cannot answer.
pub async fn sum_of_parts(tx: &mut Tx, kind: Kind, parts: &[[u8; 32]], since: Timestamp) -> Result<Counted> {
    let part = |index: usize| parts.get(index).map_or(&[][..], |part| &part[..]);
    let counted = fetch_optional!(
        tx,
        Counted,
        SUM_OF_PARTS,
        kind.as_str(),
        part(0),
        part(1),
        part(2),
        part(3),
        part(4),
        part(5),
        part(6),
        since
    )?;
    Ok(counted.unwrap_or(Counted { count: 0, oldest: None }))
}
