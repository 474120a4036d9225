//! Which key has sealed what: envelopes, counted by their first five bytes, which are the version and the id of a key; of plain ones
//! by the version alone.

use crate::domain::Result;
use crate::store::Conn;

macro_rules! count {
    ($table:literal, $column:literal) => {
        concat!(
            "SELECT CASE WHEN SUBSTR(",
            $column,
            ", 1, 1) = $1 THEN SUBSTR(",
            $column,
            ", 1, 5) ELSE SUBSTR(",
            $column,
            ", 1, 1) END AS head, COUNT(*) AS number FROM ",
            $table,
            " WHERE ",
            $column,
            " IS NOT NULL GROUP BY head ORDER BY head"
        )
    };
}

sql! {
    EMAILS = count!("sso_user", "email");
    NEW_EMAILS = count!("sso_email_change", "email");
    PASSWORDS = count!("sso_user", "password_hash");
    FORMER_PASSWORDS = count!("sso_password_history", "password_hash");
    TOTP_KEYS = count!("sso_user", "totp_key");
    USER_ATTRS = count!("sso_user_attr", "value");
    SESSION_ATTRS = count!("sso_session_attr", "value");
    DEFINITIONS = count!("sso_sec_def", "secret");
    PROFILES = count!("sso_identity", "profile");
    SIGNING_KEYS = count!("sso_signing_key", "private_key");
    EMAILS_TO_SEND = count!("sso_outbox", "message");
}

/// What is counted: a name, and the statement. What lasts minutes is left out.
const COUNTED: [(&str, &str); 11] = [
    ("email", EMAILS),
    ("new-email", NEW_EMAILS),
    ("password", PASSWORDS),
    ("former-password", FORMER_PASSWORDS),
    ("totp-key", TOTP_KEYS),
    ("user-attr", USER_ATTRS),
    ("session-attr", SESSION_ATTRS),
    ("definition", DEFINITIONS),
    ("profile", PROFILES),
    ("signing-key", SIGNING_KEYS),
    ("outbox", EMAILS_TO_SEND),
];

row! {
    struct HeadRow {
        head: Vec<u8>,
        number: i64,
    }
}

/// How many envelopes of a kind begin like this.
#[derive(Clone, Debug)]
pub struct Heads {
    /// The kind.
    pub place: &'static str,
    /// The first bytes.
    pub head: Vec<u8>,
    /// How many.
    pub count: i64,
}

/// All envelopes that last, of which those that begin with `sealed` name a key. It reads every row.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn, sealed: &[u8]) -> Result<Vec<Heads>> {
    let mut all = Vec::new();
    for (place, statement) in COUNTED {
        let rows = fetch_all!(conn, HeadRow, statement, sealed)?;
        all.extend(rows.into_iter().map(|row| Heads { place, head: row.head, count: row.number }));
    }
    Ok(all)
}
