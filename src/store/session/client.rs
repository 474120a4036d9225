//! With what, and from which networks, users have logged in.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::Tx;

/// How many a user has at most: those that were seen last.
const MOST: i64 = 50;

/// How many more than that go away at once.
const MAX_ENDED: i64 = 1_000;

/// How old a note may be before a login writes it anew, in seconds.
const NOTED_FOR_SECONDS: i64 = 86_400;

/// In place of a digest: there was a login before.
const ANY: &[u8] = &[];

sql! {
    GET = "SELECT client_digest, login_time FROM sso_seen_client WHERE user_id = $1 AND client_digest IN ($2, $3)";
    PUT = "INSERT INTO sso_seen_client (user_id, client_digest, login_time) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id, client_digest) DO UPDATE SET login_time = excluded.login_time";
    DELETE_OLDEST = "DELETE FROM sso_seen_client WHERE user_id = $1 AND client_digest IN (\
        SELECT client_digest FROM sso_seen_client WHERE user_id = $1 \
        ORDER BY login_time DESC, client_digest LIMIT $3 OFFSET $2)";
}

/// Whether something is news to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing is known yet of what the user logs in with.
    First,
    /// It was not seen since that time.
    New,
    /// It was.
    Old,
}

/// Notes with what a user logs in, and whether it was seen since a time. Whoever calls it holds the user's row.
///
/// # Errors
/// When the database cannot answer.
pub async fn see(
    tx: &mut Tx,
    user_id: &UserId,
    client_digest: &[u8],
    now: Timestamp,
    since: Timestamp,
) -> Result<News> {
    let rows = fetch_all!(tx, (Vec<u8>, Timestamp), GET, user_id, client_digest, ANY)?;
    let seen = rows.iter().find(|(digest, _)| digest == client_digest).map(|(_, time)| *time);
    let news = match seen {
        Some(time) if time > since => News::Old,
        _ if rows.iter().any(|(digest, _)| digest == ANY) => News::New,
        Some(_) | None => News::First,
    };
    if news == News::First {
        // It never expires: who comes back after a long time is told of that.
        execute!(tx, PUT, user_id, ANY, Timestamp::NEVER)?;
    }
    if seen.is_none_or(|time| time <= now.plus_seconds(-NOTED_FOR_SECONDS)) {
        execute!(tx, PUT, user_id, client_digest, now)?;
    }
    if seen.is_none() && news != News::First {
        // The one that never expires comes first.
        execute!(tx, DELETE_OLDEST, user_id, MOST + 1, MAX_ENDED)?;
    }
    Ok(news)
}
