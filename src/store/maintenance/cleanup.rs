//! The deletion of what has expired, a batch at a time.

use crate::domain::{Result, Timestamp};
use crate::store::Tx;
use crate::store::db::dialect;

/// A batch of the rows that expired first. Who is at work on one of them keeps it: on PostgreSQL it is passed over, an
/// SQLite transaction is alone anyway. The rows are chosen once with any plan.
macro_rules! delete {
    ($table:literal, $key:literal, $expired:expr, $order:literal, $held:expr) => {
        concat!(
            "WITH doomed AS MATERIALIZED (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $expired,
            " ORDER BY ",
            $order,
            " LIMIT $2",
            $held,
            ") DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM doomed)"
        )
    };
    ($table:literal, $key:literal, $held:expr) => {
        delete!($table, $key, "expiration_time <= $1", "expiration_time", $held)
    };
}

/// A reset is good for nothing when neither its token nor its key is.
macro_rules! delete_password_resets {
    ($held:expr) => {
        delete!(
            "sso_password_reset",
            "reset_id",
            "token_expiration <= $1 AND (reset_key_expiration IS NULL OR reset_key_expiration <= $1)",
            "token_expiration",
            $held
        )
    };
}

/// What a site has verified counts for an hour.
macro_rules! delete_verifications {
    ($held:expr) => {
        delete!(
            "sso_site_verified",
            "site_id, user_id",
            "verification_time <= $1 - 3600000000",
            "verification_time",
            $held
        )
    };
}

/// What has no end of its own, and is deleted when it is old enough.
macro_rules! delete_old {
    ($table:literal, $key:literal, $time:literal, $held:expr) => {
        delete!($table, $key, concat!($time, " <= $1"), $time, $held)
    };
}

/// Entries of the audit that are in no chain; the others are deleted from its beginning.
macro_rules! delete_audit {
    ($held:expr) => {
        delete!("sso_audit", "audit_id", "event_time <= $1 AND chain_digest IS NULL", "event_time", $held)
    };
}

/// A sign-up that nobody has confirmed in time is gone, and all that it had with it. It has no session. The status is
/// written so that no index of it is taken.
macro_rules! delete_sign_ups {
    ($held:expr) => {
        delete!(
            "sso_user",
            "user_id",
            "sign_up_expiration <= $1 AND sign_up_status || '' = 'before_confirmation'",
            "sign_up_expiration",
            $held
        )
    };
}

sql! {
    USER_ATTRS_SQLITE = delete!("sso_user_attr", "user_id, name", dialect::skip_held_sqlite!());
    USER_ATTRS_POSTGRES = delete!("sso_user_attr", "user_id, name", dialect::skip_held_postgres!());
    SESSION_ATTRS_SQLITE = delete!("sso_session_attr", "session_id, name", dialect::skip_held_sqlite!());
    SESSION_ATTRS_POSTGRES = delete!("sso_session_attr", "session_id, name", dialect::skip_held_postgres!());
    BROWSER_CODES_SQLITE = delete!("sso_browser_code", "code_digest", dialect::skip_held_sqlite!());
    BROWSER_CODES_POSTGRES = delete!("sso_browser_code", "code_digest", dialect::skip_held_postgres!());
    BROWSER_SESSIONS_SQLITE = delete!("sso_browser_session", "cookie_digest", dialect::skip_held_sqlite!());
    BROWSER_SESSIONS_POSTGRES = delete!("sso_browser_session", "cookie_digest", dialect::skip_held_postgres!());
    SESSIONS_SQLITE = delete!("sso_session", "session_id", dialect::skip_held_sqlite!());
    SESSIONS_POSTGRES = delete!("sso_session", "session_id", dialect::skip_held_postgres!());
    PASSWORD_RESETS_SQLITE = delete_password_resets!(dialect::skip_held_sqlite!());
    PASSWORD_RESETS_POSTGRES = delete_password_resets!(dialect::skip_held_postgres!());
    SITE_VERIFICATIONS_SQLITE = delete_verifications!(dialect::skip_held_sqlite!());
    SITE_VERIFICATIONS_POSTGRES = delete_verifications!(dialect::skip_held_postgres!());
    SIGN_UPS_SQLITE = delete_sign_ups!(dialect::skip_held_sqlite!());
    SIGN_UPS_POSTGRES = delete_sign_ups!(dialect::skip_held_postgres!());
    EMAIL_CHANGES_SQLITE = delete!("sso_email_change", "user_id", dialect::skip_held_sqlite!());
    EMAIL_CHANGES_POSTGRES = delete!("sso_email_change", "user_id", dialect::skip_held_postgres!());
    ENROLMENTS_SQLITE = delete!("sso_totp_enrolment", "user_id", dialect::skip_held_sqlite!());
    ENROLMENTS_POSTGRES = delete!("sso_totp_enrolment", "user_id", dialect::skip_held_postgres!());
    CEREMONIES_SQLITE = delete!("sso_passkey_ceremony", "challenge_digest", dialect::skip_held_sqlite!());
    CEREMONIES_POSTGRES = delete!("sso_passkey_ceremony", "challenge_digest", dialect::skip_held_postgres!());
    CHALLENGES_SQLITE = delete!("sso_passkey_used_challenge", "challenge_digest", dialect::skip_held_sqlite!());
    CHALLENGES_POSTGRES = delete!("sso_passkey_used_challenge", "challenge_digest", dialect::skip_held_postgres!());
    THROTTLE_SQLITE = delete!("sso_throttle", "kind, subject", dialect::skip_held_sqlite!());
    THROTTLE_POSTGRES = delete!("sso_throttle", "kind, subject", dialect::skip_held_postgres!());
    PLACES_SQLITE =
        delete_old!("sso_known_place", "user_id, place_digest", "login_time", dialect::skip_held_sqlite!());
    PLACES_POSTGRES =
        delete_old!("sso_known_place", "user_id, place_digest", "login_time", dialect::skip_held_postgres!());
    DEVICES_SQLITE = delete_old!("sso_device", "user_id, slot", "last_use", dialect::skip_held_sqlite!());
    DEVICES_POSTGRES = delete_old!("sso_device", "user_id, slot", "last_use", dialect::skip_held_postgres!());
    CLIENTS_SQLITE =
        delete_old!("sso_seen_client", "user_id, client_digest", "login_time", dialect::skip_held_sqlite!());
    CLIENTS_POSTGRES =
        delete_old!("sso_seen_client", "user_id, client_digest", "login_time", dialect::skip_held_postgres!());
    CLIENT_SECRETS_SQLITE =
        delete!("sso_client_secret", "client_id, secret_digest", dialect::skip_held_sqlite!());
    CLIENT_SECRETS_POSTGRES =
        delete!("sso_client_secret", "client_id, secret_digest", dialect::skip_held_postgres!());
    CODES_SQLITE = delete!("sso_authorization_code", "code_digest", dialect::skip_held_sqlite!());
    CODES_POSTGRES = delete!("sso_authorization_code", "code_digest", dialect::skip_held_postgres!());
    ACCESS_TOKENS_SQLITE = delete!("sso_access_token", "token_digest", dialect::skip_held_sqlite!());
    ACCESS_TOKENS_POSTGRES = delete!("sso_access_token", "token_digest", dialect::skip_held_postgres!());
    AUTHORIZATIONS_SQLITE = delete!("sso_authorization", "authorization_id", dialect::skip_held_sqlite!());
    AUTHORIZATIONS_POSTGRES = delete!("sso_authorization", "authorization_id", dialect::skip_held_postgres!());
    PUSHED_SQLITE = delete!("sso_pushed_request", "request_digest", dialect::skip_held_sqlite!());
    PUSHED_POSTGRES = delete!("sso_pushed_request", "request_digest", dialect::skip_held_postgres!());
    DEVICE_CODES_SQLITE = delete!("sso_device_code", "device_digest", dialect::skip_held_sqlite!());
    DEVICE_CODES_POSTGRES = delete!("sso_device_code", "device_digest", dialect::skip_held_postgres!());
    USED_JWTS_SQLITE = delete!("sso_used_jwt", "jti_digest", dialect::skip_held_sqlite!());
    USED_JWTS_POSTGRES = delete!("sso_used_jwt", "jti_digest", dialect::skip_held_postgres!());
    AUDIT_SQLITE = delete_audit!(dialect::skip_held_sqlite!());
    AUDIT_POSTGRES = delete_audit!(dialect::skip_held_postgres!());
}

/// When rows have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// At the time that each has.
    Own,
    /// When a user has not logged in from a place, or with a device, for as long as it is known.
    KnownPlace,
    /// When a user has not logged in with something for as long as it is no news.
    SeenClient,
    /// When an audit entry has been kept for as long as configured.
    Audit,
}

/// Something that expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// What its rows are called in counts.
    pub name: &'static str,
    /// When they expire.
    pub age: Age,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Expiring {
    const fn new(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { name, age: Age::Own, sqlite, postgres }
    }
}

/// Everything that expires. Sessions come after what goes along with them, so that counts tell what there was.
pub const EXPIRING: [Expiring; 24] = [
    Expiring::new("user_attributes", USER_ATTRS_SQLITE, USER_ATTRS_POSTGRES),
    Expiring::new("session_attributes", SESSION_ATTRS_SQLITE, SESSION_ATTRS_POSTGRES),
    Expiring::new("browser_codes", BROWSER_CODES_SQLITE, BROWSER_CODES_POSTGRES),
    Expiring::new("browser_sessions", BROWSER_SESSIONS_SQLITE, BROWSER_SESSIONS_POSTGRES),
    Expiring::new("openid_codes", CODES_SQLITE, CODES_POSTGRES),
    Expiring::new("openid_tokens", ACCESS_TOKENS_SQLITE, ACCESS_TOKENS_POSTGRES),
    Expiring::new("openid_devices", DEVICE_CODES_SQLITE, DEVICE_CODES_POSTGRES),
    Expiring::new("openid_sign_ins", AUTHORIZATIONS_SQLITE, AUTHORIZATIONS_POSTGRES),
    Expiring::new("openid_requests", PUSHED_SQLITE, PUSHED_POSTGRES),
    Expiring::new("sessions", SESSIONS_SQLITE, SESSIONS_POSTGRES),
    Expiring::new("password_resets", PASSWORD_RESETS_SQLITE, PASSWORD_RESETS_POSTGRES),
    Expiring::new("site_verifications", SITE_VERIFICATIONS_SQLITE, SITE_VERIFICATIONS_POSTGRES),
    Expiring::new("sign_ups", SIGN_UPS_SQLITE, SIGN_UPS_POSTGRES),
    Expiring::new("email_changes", EMAIL_CHANGES_SQLITE, EMAIL_CHANGES_POSTGRES),
    Expiring::new("totp_enrolments", ENROLMENTS_SQLITE, ENROLMENTS_POSTGRES),
    Expiring::new("passkey_ceremonies", CEREMONIES_SQLITE, CEREMONIES_POSTGRES),
    Expiring::new("passkey_challenges", CHALLENGES_SQLITE, CHALLENGES_POSTGRES),
    Expiring::new("throttle_counters", THROTTLE_SQLITE, THROTTLE_POSTGRES),
    Expiring { age: Age::KnownPlace, ..Expiring::new("known_places", PLACES_SQLITE, PLACES_POSTGRES) },
    Expiring { age: Age::KnownPlace, ..Expiring::new("known_devices", DEVICES_SQLITE, DEVICES_POSTGRES) },
    Expiring { age: Age::SeenClient, ..Expiring::new("seen_clients", CLIENTS_SQLITE, CLIENTS_POSTGRES) },
    Expiring::new("client_secrets", CLIENT_SECRETS_SQLITE, CLIENT_SECRETS_POSTGRES),
    Expiring::new("used_jwts", USED_JWTS_SQLITE, USED_JWTS_POSTGRES),
    Expiring { age: Age::Audit, ..Expiring::new("audit_entries", AUDIT_SQLITE, AUDIT_POSTGRES) },
];

/// Deletes so many rows at most of what had expired by that time, or was not younger than it; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_expired(tx: &mut Tx, what: Expiring, time: Timestamp, limit: i64) -> Result<u64> {
    let text = tx.choose(what.sqlite, what.postgres);
    execute!(tx, text, time.as_micros(), limit)
}
