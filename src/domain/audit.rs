//! What the audit trail keeps of an operation. Never a password, token, key or attribute value.

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
    /// What else there is to know, as pairs of name and text.
    pub extra: Vec<(&'static str, String)>,
}
