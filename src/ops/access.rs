//! Who may do what: the checks that start every operation.

use super::Sso;
use crate::config::Config;
use crate::crypto::token;
use crate::domain::{
    ApprovalStatus, Code, Context, Error, RemoteAddr, Result, Session, SessionView, SignUpStatus, Timestamp,
    UserId, Ust,
};
use crate::store;
use crate::store::session::UserState;
use crate::store::user::UserRow;

/// On what authority something is done that only super-users may do.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// A super-user's session.
    Ust(&'a Ust),
    /// The process itself: the command line, or a Python caller that says so. Names who did it, where that is known.
    Trusted(Option<&'a UserId>),
}

/// Somebody with a valid session.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub session: Session,
    pub username: String,
    pub is_super_user: bool,
}

impl Caller {
    pub const fn user_id(&self) -> &UserId {
        &self.session.user_id
    }

    pub fn into_view(self) -> SessionView {
        let Self { session, username, is_super_user } = self;
        SessionView { session, username, is_super_user }
    }

    /// Wrong rights are always the same refusal, whatever was asked for.
    pub fn require_super_user(&self) -> Result<()> {
        if self.is_super_user { Ok(()) } else { Err(Code::AuthNotAllowed.into()) }
    }

    /// Whom it is about: oneself if nobody is named, others only for super-users.
    pub fn target(&self, user_id: Option<&str>) -> Result<UserId> {
        match user_id {
            Some(user_id) if user_id != self.user_id().as_str() => {
                self.require_super_user()?;
                UserId::parse(user_id).ok_or_else(|| Code::UserIdInvalid.into())
            }
            _ => Ok(self.user_id().clone()),
        }
    }
}

/// What the common checks look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub username: &'a str,
    pub is_locked: bool,
    pub sign_up_status: &'a str,
    pub approval_status: &'a str,
    pub password_expiry: Option<i64>,
}

impl<'a> From<&'a UserState> for Standing<'a> {
    fn from(user: &'a UserState) -> Self {
        Self {
            username: &user.username,
            is_locked: user.is_locked,
            sign_up_status: &user.sign_up_status,
            approval_status: &user.approval_status,
            password_expiry: user.password_expiry,
        }
    }
}

impl<'a> From<&'a UserRow> for Standing<'a> {
    fn from(row: &'a UserRow) -> Self {
        Self {
            username: &row.username,
            is_locked: row.is_locked,
            sign_up_status: &row.sign_up_status,
            approval_status: &row.approval_status,
            password_expiry: row.password_expiry,
        }
    }
}

/// Whether the age of the password matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordAge {
    Checked,
    Ignored,
}

impl Sso {
    /// The application exists.
    pub(super) fn check_app(&self, ctx: &Context) -> Result<()> {
        let config = self.config();
        if config.apps.all.contains(&ctx.current_app) {
            return Ok(());
        }
        if config.apps.inform_if_app_invalid {
            let known = config.apps.all.join(", ");
            return Err(Error::refused(Code::AppListInvalid, format!("current_app must be one of: {known}")));
        }
        Err(Code::AuthNotAllowed.into())
    }

    /// Whose session this token is, after all common checks. It counts as a request of that user.
    pub(super) async fn check_ust(&self, ctx: &Context, ust: &Ust, age: PasswordAge) -> Result<Caller> {
        self.check_app(ctx)?;
        let (session, user) = self.valid_session(ust).await?;
        check_standing(self.config(), Standing::from(&user), &ctx.remote_addr, self.now(), age)?;
        let (is_active, definition) = (user.is_rate_limit_active, user.rate_limit_def.as_deref());
        self.count_request(ctx, &session.user_id, is_active, definition).await?;
        Ok(Caller { session, username: user.username, is_super_user: user.is_super_user })
    }

    /// The same, and it is a super-user's.
    pub(super) async fn check_super_user(&self, ctx: &Context, ust: &Ust) -> Result<Caller> {
        let caller = self.check_ust(ctx, ust, PasswordAge::Checked).await?;
        caller.require_super_user()?;
        Ok(caller)
    }

    /// Whoever has the authority to do what super-users do; None for the process itself when it names nobody.
    pub(super) async fn check_authority(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
    ) -> Result<Option<UserId>> {
        match authority {
            Authority::Ust(ust) => {
                let caller = self.check_super_user(ctx, ust).await?;
                Ok(Some(caller.session.user_id))
            }
            Authority::Trusted(by) => {
                self.check_app(ctx)?;
                Ok(by.cloned())
            }
        }
    }

    /// The session with this token, if it has not ended, and its user's state.
    pub(super) async fn valid_session(&self, ust: &Ust) -> Result<(Session, UserState)> {
        let mut conn = self.db().read().await?;
        let found = store::session::check(&mut conn, &token::digest(ust.expose())).await?;
        drop(conn);
        let (session, user) = found.ok_or(Code::SessionNoSuchSession)?;
        let now = self.now();
        if session.expiration_time <= now || self.absolute_limit(&session) <= now {
            return Err(Code::SessionExpired.into());
        }
        Ok((session, user))
    }

    /// When a session ends however often it is renewed.
    pub(super) fn absolute_limit(&self, session: &Session) -> Timestamp {
        self.lifetime_limit(session.creation_time)
    }

    /// When a session opened at this time ends however often it is renewed.
    pub(super) fn lifetime_limit(&self, creation_time: Timestamp) -> Timestamp {
        match i64::from(self.config().session.max_lifetime) {
            0 => Timestamp::NEVER,
            hours => creation_time.plus_minutes(hours.saturating_mul(60)),
        }
    }
}

/// What has to hold of a user at login and at every later call, in the documented order.
pub(super) fn check_standing(
    config: &Config,
    user: Standing<'_>,
    remote_addr: &RemoteAddr,
    now: Timestamp,
    age: PasswordAge,
) -> Result<()> {
    if !is_address_allowed(config, user.username, remote_addr) {
        return Err(Code::AuthNotAllowed.into());
    }
    if user.is_locked {
        return Err(informed(config.login.inform_if_locked, Code::AuthLocked));
    }
    if user.sign_up_status != SignUpStatus::Final.as_str() {
        return Err(informed(config.login.inform_if_not_confirmed, Code::AuthInvalidSignupStatus));
    }
    if user.approval_status != ApprovalStatus::Approved.as_str() {
        return Err(informed(config.login.inform_if_not_approved, Code::AuthNotApproved));
    }
    let is_expired = user.password_expiry.is_some_and(|expiry| expiry <= now.as_micros());
    if is_expired && age == PasswordAge::Checked {
        return Err(informed(config.password.inform_if_expired, Code::PasswordExpired));
    }
    Ok(())
}

/// The specific code where configuration says so, else the generic refusal.
pub(super) fn informed(inform: bool, code: Code) -> Error {
    if inform { code.into() } else { Code::AuthNotAllowed.into() }
}

/// Every address that was given must be one the user may come from: of a chain of proxies, none is taken on trust.
fn is_address_allowed(config: &Config, username: &str, remote_addr: &RemoteAddr) -> bool {
    let Some(allowed) = config.user_address_list.get(username) else {
        return !config.login.reject_if_not_listed;
    };
    if remote_addr.is_empty() {
        return allowed.allows(None);
    }
    remote_addr.ips().all(|ip| allowed.allows(ip))
}
