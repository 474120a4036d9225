//! What the audit trail keeps of an operation. Never a password, token, key or attribute value.

use std::fmt;

use uuid::Uuid;

use super::{AuditKind, Cid, RemoteAddr, Timestamp, UserId};

/// How the operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditResult {
    /// It succeeded.
    Ok,
    /// It was refused, with this code.
    Refused(super::Code),
}

impl AuditResult {
    /// `ok`, or the status code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused(code) => code.as_str(),
        }
    }
}

/// One entry of the audit trail.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// When it happened.
    pub time: Timestamp,
    /// The call it belongs to.
    pub cid: Cid,
    /// The operation, for instance `user.login`.
    pub op: &'static str,
    /// Its kind.
    pub kind: AuditKind,
    /// Who did it, where that is known.
    pub current_user: Option<UserId>,
    /// To whom it was done, where there is such a user.
    pub target_user: Option<UserId>,
    /// How it ended.
    pub result: AuditResult,
    /// The application it was done through.
    pub current_app: String,
    /// Where it was done from.
    pub remote_addr: RemoteAddr,
    /// How who did it has shown who they are, in words between blanks such as `password totp`, `command` or `site`; None where
    /// nobody has.
    pub how: Option<&'static str>,
    /// What else there is to know, as pairs of name and text.
    pub extra: Vec<(&'static str, String)>,
}

/// Where a page of entries ends: the next one begins behind it. As text it is a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// The time of the last entry.
    pub time: Timestamp,
    /// Its id.
    pub audit_id: Uuid,
}

impl AuditPlace {
    /// Reads a cursor; None for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, audit_id) = text.split_once('-')?;
        if time.len() > 16 || audit_id.len() != 32 || time.starts_with('+') {
            return None;
        }
        let time = i64::from_str_radix(time, 16).ok()?;
        Some(Self { time: Timestamp::from_micros(time), audit_id: Uuid::try_parse(audit_id).ok()? })
    }
}

impl fmt::Display for AuditPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.time.as_micros().max(0), self.audit_id.simple())
    }
}

/// Which entries are looked for: those that meet all criteria that are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// From this time on.
    pub time_from: Option<Timestamp>,
    /// Before this time.
    pub time_before: Option<Timestamp>,
    /// The operation, for instance `user.login`.
    pub op: Option<String>,
    /// `ok`, a status code, or `refused` for everything but `ok`.
    pub result: Option<String>,
    /// The id of the user who acted, or to whom it was done.
    pub user_id: Option<String>,
    /// The username of such a user, in place of the id.
    pub username: Option<String>,
    /// The correlation id of a call.
    pub cid: Option<String>,
    /// The address that the call came from.
    pub remote_addr: Option<String>,
    /// The cursor of the page before.
    pub after: Option<String>,
    /// How many at most; 50 by default, 1,000 at most.
    pub limit: Option<i64>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub audit_id: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// The call it belongs to.
    pub cid: String,
    /// The operation.
    pub op: String,
    /// The id of the user who did it, where that is known, also of one who is deleted.
    pub current_user: Option<String>,
    /// The name that this user has now; None if there is none any more.
    pub current_username: Option<String>,
    /// The id of the user to whom it was done.
    pub target_user: Option<String>,
    /// The name that this user has now.
    pub target_username: Option<String>,
    /// `ok`, or the status code.
    pub result: String,
    /// The application it was done through.
    pub current_app: String,
    /// Where it was done from.
    pub remote_addr: String,
    /// How who did it has shown who they are; None where nobody has.
    pub how: Option<String>,
    /// What else there is to know: a JSON object of names and texts.
    pub extra: String,
}

impl AuditEntry {
    /// Where a page ends whose last entry this is.
    #[must_use]
    pub const fn place(&self) -> AuditPlace {
        AuditPlace { time: self.time, audit_id: self.audit_id }
    }
}

/// A page of entries, newest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; None if this is the last one.
    pub next: Option<AuditPlace>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(time in 0..i64::MAX, id in any::<u128>()) {
            let place = AuditPlace { time: Timestamp::from_micros(time), audit_id: Uuid::from_u128(id) };
            prop_assert_eq!(AuditPlace::parse(&place.to_string()), Some(place));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in any::<String>()) {
            let place = AuditPlace::parse(&text);
            prop_assert!(place.is_none_or(|place| AuditPlace::parse(&place.to_string()) == Some(place)));
        }
    }
}
