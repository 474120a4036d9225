//! Who acts. Faces say who it is; only [`access`](crate::ops::access) decides what they may do.

use std::sync::{Arc, OnceLock};

use crate::domain::{Code, Membership, Result, Session, SessionView, Site, User, UserId, Ust};
use crate::store::session::cache::KnownSession;

/// Who acts in an operation.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A caller without a session: at login, sign-up and password reset.
    Anonymous,
    /// The user whose session this token names.
    Session(Ust),
    /// A user whose session was found earlier in the same request.
    Known(Caller),
    /// The process itself: the command line, or a Python caller in the same process. Names the user on whose behalf it
    /// acts, where that is known.
    Trusted(Option<UserId>),
    /// A site of the sessions API.
    Site(Arc<Site>),
}

impl From<Ust> for Actor {
    fn from(ust: Ust) -> Self {
        Self::Session(ust)
    }
}

impl From<&Ust> for Actor {
    fn from(ust: &Ust) -> Self {
        Self::Session(ust.clone())
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

impl Actor {
    /// The session that is named, unless it is the actor's own.
    pub(in crate::ops) fn other_session<'a>(&self, named: Option<&'a Ust>) -> Option<&'a Ust> {
        named.filter(|ust| !matches!(self, Self::Session(own) if own.expose() == ust.expose()))
    }
}

/// A user with a valid session.
#[derive(Clone, Debug)]
pub struct Caller {
    known: Arc<KnownSession>,
    is_counted: bool,
}

impl Caller {
    /// The user of a session that was found.
    pub(in crate::ops) const fn new(known: Arc<KnownSession>) -> Self {
        Self { known, is_counted: false }
    }

    /// The same, where the request that it acts in was counted: what else it does in that request is not.
    pub(in crate::ops) const fn counted(known: Arc<KnownSession>) -> Self {
        Self { known, is_counted: true }
    }

    pub(in crate::ops) const fn known(&self) -> &Arc<KnownSession> {
        &self.known
    }

    pub(in crate::ops) const fn is_counted(&self) -> bool {
        self.is_counted
    }

    pub(in crate::ops) fn session(&self) -> &Session {
        &self.known.session
    }

    pub(in crate::ops) fn user_id(&self) -> &UserId {
        &self.known.session.user_id
    }

    pub(in crate::ops) fn username(&self) -> &str {
        &self.known.user.username
    }

    pub(in crate::ops) fn is_super_user(&self) -> bool {
        self.known.user.is_super_user
    }

    /// The whole user, once it has been read. It is valid as long as the session that was found with it.
    pub(in crate::ops) fn whole_user(&self) -> &OnceLock<Arc<User>> {
        &self.known.whole_user
    }

    /// The groups of the user, and their rights.
    pub(in crate::ops) fn membership(&self) -> Membership {
        Membership::parse(self.known.user.membership.as_deref())
    }

    /// Whether the user may manage others: a super-user, or a member of a group that may.
    pub(in crate::ops) fn may_manage_users(&self) -> bool {
        self.is_super_user() || self.membership().can_manage_users
    }

    /// Missing rights are always the same refusal.
    pub(in crate::ops) fn require_user_manager(&self) -> Result<()> {
        if self.may_manage_users() { Ok(()) } else { Err(Code::AuthNotAllowed.into()) }
    }

    /// Whether the user may read the audit: a super-user, or a member of a group that may.
    pub(in crate::ops) fn may_read_audit(&self) -> bool {
        self.is_super_user() || self.membership().can_read_audit
    }

    /// Missing rights are always the same refusal.
    pub(in crate::ops) fn require_audit_reader(&self) -> Result<()> {
        if self.may_read_audit() { Ok(()) } else { Err(Code::AuthNotAllowed.into()) }
    }

    /// The user that a call is about, which whoever may manage users may make about others. Who those may be is checked
    /// when they are known: see [`Sso::check_may_manage`](crate::ops::Sso::check_may_manage).
    pub(in crate::ops) fn target_to_manage(&self, user_id: Option<&str>) -> Result<UserId> {
        match user_id {
            Some(user_id) if user_id != self.user_id().as_str() => {
                self.require_user_manager()?;
                UserId::parse(user_id).ok_or_else(|| Code::UserIdInvalid.into())
            }
            _ => Ok(self.user_id().clone()),
        }
    }

    pub(in crate::ops) fn view(&self) -> SessionView {
        self.known.view()
    }

    /// Missing rights are always the same refusal.
    pub(in crate::ops) fn require_super_user(&self) -> Result<()> {
        if self.is_super_user() { Ok(()) } else { Err(Code::AuthNotAllowed.into()) }
    }

    /// The user that a call is about: the caller if none is named; others only for super-users.
    pub(in crate::ops) fn target(&self, user_id: Option<&str>) -> Result<UserId> {
        match user_id {
            Some(user_id) if user_id != self.user_id().as_str() => {
                self.require_super_user()?;
                UserId::parse(user_id).ok_or_else(|| Code::UserIdInvalid.into())
            }
            _ => Ok(self.user_id().clone()),
        }
    }
}

impl KnownSession {
    /// What is shown of it.
    pub(in crate::ops) fn view(&self) -> SessionView {
        SessionView {
            session: self.session.clone(),
            username: self.user.username.clone(),
            is_super_user: self.user.is_super_user,
        }
    }
}
