//! Who may do what: the checks that start every operation.

use std::sync::Arc;

use crate::config::Config;
use crate::crypto::token;
use crate::domain::{
    ApprovalStatus, Code, Context, Error, RemoteAddr, Result, Session, SignUpStatus, Timestamp, Ust,
};
use crate::ops::Sso;
use crate::ops::access::actor::Caller;
use crate::store;
use crate::store::session::cache::KnownSession;
use crate::store::session::record::{UserState, UstDigest};
use crate::store::user::account::UserRow;

/// What the common checks look at.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Standing<'a> {
    pub username: &'a str,
    pub is_locked: bool,
    pub is_confirmed: bool,
    pub is_approved: bool,
    pub password_expiry: Option<Timestamp>,
}

impl<'a> From<&'a UserState> for Standing<'a> {
    fn from(user: &'a UserState) -> Self {
        Self {
            username: &user.username,
            is_locked: user.is_locked,
            is_confirmed: user.sign_up_status == SignUpStatus::Final,
            is_approved: user.approval_status == ApprovalStatus::Approved,
            password_expiry: user.password_expiry,
        }
    }
}

impl<'a> From<&'a UserRow> for Standing<'a> {
    fn from(row: &'a UserRow) -> Self {
        Self {
            username: &row.username,
            is_locked: row.is_locked,
            is_confirmed: row.sign_up_status == SignUpStatus::Final,
            is_approved: row.approval_status == ApprovalStatus::Approved,
            password_expiry: row.password_expiry,
        }
    }
}

/// Whether the age of the password matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum PasswordAge {
    Checked,
    Ignored,
}

impl Sso {
    /// The application exists.
    pub(in crate::ops) fn check_app(&self, ctx: &Context) -> Result<()> {
        let config = self.config();
        if config.apps.all.contains(&ctx.current_app) {
            return Ok(());
        }
        Err(wrong_app(config, Code::AppListInvalid, "apps.all", &config.apps.all))
    }

    /// Whose session this token is, after all common checks. It counts as a request of that user.
    pub(in crate::ops) async fn check_ust(
        &self,
        ctx: &Context,
        ust: &Ust,
        age: PasswordAge,
    ) -> Result<Caller> {
        self.check_app(ctx)?;
        let known = self.valid_session(ust).await?;
        self.accept(ctx, known, age).await
    }

    /// The common checks of a valid session, which are made each time, whether or not it was read each time.
    pub(in crate::ops) async fn accept(
        &self,
        ctx: &Context,
        known: Arc<KnownSession>,
        age: PasswordAge,
    ) -> Result<Caller> {
        let user = &known.user;
        check_standing(self.config(), Standing::from(user), &ctx.remote_addr, self.now(), age)?;
        let (is_active, definition) = (user.is_rate_limit_active, user.rate_limit_def.as_deref());
        self.count_request(ctx, &known.session.user_id, is_active, definition).await?;
        self.note_use(&known).await;
        Ok(Caller::counted(known))
    }

    /// The checks of a caller who was found earlier in the same request, which counts once.
    pub(in crate::ops) async fn accept_again(
        &self,
        ctx: &Context,
        caller: &Caller,
        age: PasswordAge,
    ) -> Result<Caller> {
        if !caller.is_counted() {
            return self.accept(ctx, Arc::clone(caller.known()), age).await;
        }
        let user = Standing::from(&caller.known().user);
        check_standing(self.config(), user, &ctx.remote_addr, self.now(), age)?;
        Ok(caller.clone())
    }

    /// The session with this token, if it has not ended, and its user's state.
    pub(in crate::ops) async fn valid_session(&self, ust: &Ust) -> Result<Arc<KnownSession>> {
        let digest = token::digest(ust.expose());
        let [session, _] = self.valid_sessions([&digest, &digest]).await?;
        session
    }

    /// The sessions of two tokens, with one look at what is cached, and one at the database if that is not enough.
    pub(in crate::ops) async fn valid_sessions(
        &self,
        digests: [&UstDigest; 2],
    ) -> Result<[Result<Arc<KnownSession>>; 2]> {
        let now = self.now();
        let look = self.core.sessions.look(now);
        // One that has ended is read again: it may have been renewed, or be gone.
        let cached =
            digests.map(|digest| look.get(digest).filter(|known| self.is_known_in_force(known, now)));
        if let [Some(one), Some(other)] = cached {
            look.hit();
            return Ok([Ok(one), Ok(other)]);
        }
        look.missed();
        let mut conn = self.db().read().await?;
        let found = store::session::record::check(&mut conn, digests).await?;
        drop(conn);
        let mut known = [None, None];
        for found in found {
            let is_wanted = digests.map(|digest| *digest == found.digest);
            let session = look.keep(found);
            for (known, _) in known.iter_mut().zip(is_wanted).filter(|(_, is_wanted)| *is_wanted) {
                *known = Some(Arc::clone(&session));
            }
        }
        Ok(known.map(|known| {
            let known = known.ok_or(Code::SessionNoSuchSession)?;
            if self.is_known_in_force(&known, now) { Ok(known) } else { Err(Code::SessionExpired.into()) }
        }))
    }

    /// Whether a session has neither come to its end nor been left unused for too long.
    pub(in crate::ops) fn is_in_force(&self, session: &Session, now: Timestamp) -> bool {
        self.is_within_limits(session, now) && !self.is_idle(session.last_use, now)
    }

    /// The same by what this process knows of its use. Every process goes by what is written, so that all say the same.
    pub(in crate::ops) fn is_known_in_force(&self, known: &KnownSession, now: Timestamp) -> bool {
        self.is_within_limits(&known.session, now) && !self.is_idle(known.noted_use(), now)
    }

    fn is_within_limits(&self, session: &Session, now: Timestamp) -> bool {
        session.expiration_time > now && self.absolute_limit(session) > now
    }

    /// When a session ends however often it is renewed.
    pub(in crate::ops) fn absolute_limit(&self, session: &Session) -> Timestamp {
        self.lifetime_limit(session.creation_time)
    }

    /// When a session opened at this time ends however often it is renewed.
    pub(in crate::ops) fn lifetime_limit(&self, creation_time: Timestamp) -> Timestamp {
        match i64::from(self.config().session.max_lifetime) {
            0 => Timestamp::NEVER,
            hours => creation_time.plus_minutes(hours.saturating_mul(60)),
        }
    }
}

/// What has to hold of a user at login and at every later call, in the documented order.
pub(in crate::ops) fn check_standing(
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
    if !user.is_confirmed {
        return Err(informed(config.login.inform_if_not_confirmed, Code::AuthInvalidSignupStatus));
    }
    if !user.is_approved {
        return Err(informed(config.login.inform_if_not_approved, Code::AuthNotApproved));
    }
    let is_expired = user.password_expiry.is_some_and(|expiry| expiry <= now);
    if is_expired && age == PasswordAge::Checked {
        return Err(informed(config.password.inform_if_expired, Code::PasswordExpired));
    }
    Ok(())
}

/// A refusal that names the key of configuration to change, where configuration says so, else the generic one.
pub(in crate::ops) fn wrong_app(config: &Config, code: Code, key: &str, allowed: &[String]) -> Error {
    if !config.apps.inform_if_app_invalid {
        return Code::AuthNotAllowed.into();
    }
    let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    Error::refused(code, format!("current_app must be one of {key}: {allowed}"))
}

/// The specific code where configuration says so, else the generic refusal.
pub(in crate::ops) fn informed(inform: bool, code: Code) -> Error {
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
