//! Sessions that linked definitions open: who authenticates with one acts in a session of the linked user, the same one
//! each time.

use data_encoding::HEXLOWER;

use crate::crypto::{compare, token};
use crate::domain::{
    Cid, Code, Context, Error, Operation, Password, RemoteAddr, Result, SecType, Session, SessionId,
    SessionInfo, Timestamp, UserId, Ust, clean_user_agent,
};
use crate::ops::Sso;
use crate::ops::access::actor::{Actor, Caller};
use crate::ops::access::check::{PasswordAge, Standing, check_standing, informed};
use crate::ops::audit::Trail;
use crate::ops::call::Call;
use crate::ops::linked_auth::identify::{ExternalCredential, Identified};
use crate::ops::linked_auth::sec_def::common_ext_session_id;
use crate::ops::session::manage::SessionListing;
use crate::store;
use crate::store::Tx;
use crate::store::linked_auth::sec_def::SecDefRow;
use crate::store::session::record::UserState;
use crate::store::session::renewal::Renewal;
use crate::store::user::account::UserRow;

/// A user whom the caller has authenticated by a linked definition.
#[derive(Clone, Debug)]
pub struct ExternalAuth {
    /// The definition's kind: `basic_auth` or `jwt`.
    pub sec_type: String,
    /// The definition's id.
    pub sec_def_id: i64,
    /// The definition's username.
    pub sec_def_username: String,
    /// The user that it is linked to.
    pub user_id: String,
    /// For JWT, the token: each has a session of its own. A Basic Auth definition has one in all.
    pub ext_session_id: Option<Password>,
    /// The code of the user's authenticator, where TOTP is enabled and a JWT opens a session.
    pub totp_code: Option<Password>,
    /// With what the request was made.
    pub user_agent: Option<String>,
}

/// Whom a linked definition has authenticated a request as.
#[derive(Clone, Debug)]
pub struct RequestAuth {
    /// The linked user, who need not be looked up again in the same request.
    pub actor: Actor,
    /// The definition's session.
    pub session: SessionInfo,
}

/// A session that was opened or renewed, and its user.
struct Entered {
    user: UserRow,
    state: UserState,
    session: Session,
    ust: Ust,
}

impl Entered {
    fn into_info(self) -> SessionInfo {
        SessionInfo {
            username: self.user.username,
            user_id: self.session.user_id,
            ust: self.ust,
            creation_time: self.session.creation_time,
            expiration_time: self.session.expiration_time,
            has_w_about_to_exp: false,
            device_token: None,
        }
    }
}

/// A definition that has been authenticated, and whose session is wanted.
struct Entry {
    sec_type: SecType,
    sec_def_id: i64,
    username: String,
    user_id: UserId,
    ext_session_id: String,
    totp_code: Option<Password>,
    user_agent: Option<String>,
}

/// When it is, and when a session opened or renewed now is to end, but for the limit of its lifetime.
#[derive(Clone, Copy, Debug)]
struct Span {
    now: Timestamp,
    end: Timestamp,
}

impl Sso {
    /// Authenticates a request by a linked definition: opens a session of the linked user, or renews the one that was
    /// opened before.
    ///
    /// # Errors
    /// E005001 for a definition that is unknown, not linked or not active and for a wrong secret or token; then the codes
    /// of a login, but for those about the password. E005009 while the delay after wrong secrets lasts, unless this one is
    /// right and cannot have been guessed.
    pub async fn authenticate_request(
        &self,
        ctx: &Context,
        credential: &ExternalCredential,
        totp_code: Option<Password>,
        user_agent: Option<&str>,
    ) -> Result<RequestAuth> {
        let (credential, user_agent) = (credential.clone(), user_agent.map(str::to_owned));
        self.to_the_end(ctx, |sso, ctx| async move {
            sso.enter_by(&ctx, &credential, totp_code, user_agent.as_deref()).await
        })
        .await
    }

    async fn enter_by(
        &self,
        ctx: &Context,
        credential: &ExternalCredential,
        totp_code: Option<Password>,
        user_agent: Option<&str>,
    ) -> Result<RequestAuth> {
        self.run(ctx, Operation::SessionAuthenticate, Actor::Anonymous, async |call| {
            let look = self.core.sessions.look(self.now());
            let Identified { sec_type, username, row, attempt, has_failures } =
                self.identify(ctx, credential).await?;
            let user_id = linked_user(&row).ok_or(Code::AuthNotAllowed)?;
            let token = match credential {
                ExternalCredential::Basic { .. } => None,
                ExternalCredential::Jwt(token) => Some(token),
            };
            let entry = Entry {
                sec_type,
                sec_def_id: row.sec_def_id,
                username,
                user_id,
                ext_session_id: ext_session_id(sec_type, row.sec_def_id, token)?,
                totp_code,
                user_agent: user_agent.map(clean_user_agent),
            };
            let entered = self.enter(call, entry).await?;
            self.conclude_attempt(&attempt, has_failures).await?;
            let known = look.known(entered.session.clone(), entered.state.clone());
            Ok(RequestAuth { actor: Actor::Known(Caller::new(known)), session: entered.into_info() })
        })
        .await
    }

    /// Opens a session of a linked user, or renews the one that was opened before, for trusted callers in the same
    /// process who have authenticated the request themselves.
    ///
    /// # Errors
    /// E005001 if there is no such definition, or it is not active or not linked to this user; E008003 for a JWT without
    /// its token; then the codes of a login, but for those about the password.
    pub async fn on_external_auth_succeeded(&self, ctx: &Context, auth: ExternalAuth) -> Result<SessionInfo> {
        self.run(ctx, Operation::SessionOnExternalAuthSucceeded, Actor::Trusted(None), async |call| {
            let sec_type = SecType::parse(&auth.sec_type).ok_or(Code::AuthNotAllowed)?;
            let username = auth.sec_def_username;
            if username.contains('\0') {
                return Err(Code::AuthNotAllowed.into());
            }
            let mut conn = self.db().read().await?;
            let found =
                store::linked_auth::sec_def::by_id(&mut conn, auth.sec_def_id, sec_type, &username).await?;
            drop(conn);
            let user_id =
                found.as_ref().and_then(linked_user).filter(|linked| linked.as_str() == auth.user_id);
            let entry = Entry {
                sec_type,
                sec_def_id: auth.sec_def_id,
                username,
                user_id: user_id.ok_or(Code::AuthNotAllowed)?,
                ext_session_id: ext_session_id(sec_type, auth.sec_def_id, auth.ext_session_id.as_ref())?,
                totp_code: auth.totp_code,
                user_agent: auth.user_agent.as_deref().map(clean_user_agent),
            };
            self.enter(call, entry).await.map(Entered::into_info)
        })
        .await
    }

    /// Opens the session of a definition that has been authenticated, or renews it.
    async fn enter(&self, call: &mut Call<'_>, entry: Entry) -> Result<Entered> {
        let Call { ctx, trail, .. } = call;
        trail.by(&entry.user_id);
        trail.on(&entry.user_id);
        if trail.event.how.is_none() {
            trail.event.how = Some(entry.sec_type.as_str());
        }
        trail.note("auth_type", entry.sec_type.as_str());
        trail.note("auth_id", entry.sec_def_id.to_string());
        let now = self.now();
        let mut conn = self.db().read().await?;
        let user =
            store::user::account::by_id(&mut conn, &entry.user_id).await?.ok_or(Code::AuthNotAllowed)?;
        let found = store::session::record::by_ext_id(&mut conn, &entry.ext_session_id).await?;
        let membership = store::group::membership_of(&mut conn, &entry.user_id).await?;
        drop(conn);

        let is_open = found.is_some_and(|(session, _)| self.is_open(&session, &entry, now));
        if !is_open {
            if asks_for_totp(&entry, &user) {
                self.accept_totp_code(ctx, trail, &user, &entry).await?;
            }
            self.check_login_app(ctx)?;
        }
        check_standing(self.config(), Standing::from(&user), &ctx.remote_addr, now, PasswordAge::Checked)?;

        let span = Span { now, end: self.wanted_expiration(ctx, trail, &user.username, now).await };
        let mut tx = self.db().write().await?;
        // The user's row, then the link, as a deletion takes them: neither goes away before the session is there. The
        // user's row is also what makes requests that come at the same time find the session that the first one opens.
        let most = i64::from(self.config().session.max_per_user);
        let held = store::user::account::lock_row_and_count(&mut tx, &entry.user_id, most).await?;
        let may_enter = held.is_some_and(|(held, _)| held.may_have_sessions());
        if !may_enter || !store::linked_auth::link::hold(&mut tx, entry.sec_def_id, &entry.user_id).await? {
            return Err(Code::AuthNotAllowed.into());
        }
        let mut ended_for_room = None;
        let (session, ust) = match store::session::record::by_ext_id(&mut tx, &entry.ext_session_id).await? {
            Some((session, digest)) if self.is_open(&session, &entry, now) => {
                trail.count_as_activity();
                self.renew_external(&mut tx, ctx, &entry, session, &digest, span).await?
            }
            // It was open a moment ago, and has ended since: there was no reason to ask for a code.
            Some(_) | None if is_open && asks_for_totp(&entry, &user) => {
                return Err(informed(self.config().login.inform_if_totp_missing, Code::AuthTotpMissing));
            }
            ended => {
                if let Some((ended, _)) = ended {
                    store::session::record::delete(&mut tx, ended.session_id).await?;
                }
                let sessions = held.map_or(0, |(_, sessions)| sessions);
                ended_for_room = self.end_oldest_sessions(ctx, &mut tx, &entry.user_id, sessions).await?;
                self.open_external(&mut tx, ctx, &entry, span).await?
            }
        };
        trail.note("session_id", session.session_id.to_string());
        self.commit(tx, trail).await?;
        if let Some(ended) = ended_for_room {
            self.core.audit.write(&ended);
        }
        let state = UserState::new(&user, membership);
        Ok(Entered { user, state, session, ust })
    }

    /// Accepts a TOTP code, which is used up by that. Codes are not to be guessed here either.
    async fn accept_totp_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        user: &UserRow,
        entry: &Entry,
    ) -> Result<()> {
        let definition = format!("definition:{}", entry.sec_def_id);
        let mut attempt = self.own_totp_attempt(&user.user_id, &definition);
        self.check_throttle(&mut attempt).await?;
        self.check_totp_code(ctx, trail, user, entry.totp_code.as_ref(), &attempt).await?;
        if self.check_throttle(&mut attempt).await? {
            let mut tx = self.db().write().await?;
            self.clear_failures(&mut tx, &attempt).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn is_open(&self, session: &Session, entry: &Entry, now: Timestamp) -> bool {
        session.user_id == entry.user_id && self.is_in_force(session, now)
    }

    async fn open_external(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        entry: &Entry,
        Span { now, end }: Span,
    ) -> Result<(Session, Ust)> {
        let session = Session {
            session_id: SessionId::random(now, &*self.core.random)?,
            user_id: entry.user_id.clone(),
            creation_time: now,
            expiration_time: end.min(self.lifetime_limit(now)),
            remote_addr: ctx.remote_addr.joined(),
            user_agent: entry.user_agent.clone(),
            auth_type: entry.sec_type.into(),
            auth_principal: entry.username.clone(),
            ext_session_id: Some(entry.ext_session_id.clone()),
            state_change_count: 1,
            auth_time: now,
            last_use: now,
            auth_methods: None,
        };
        let ust = self.external_tokens(&session, entry).into_iter().next().ok_or_else(no_key)?;
        store::session::record::insert(tx, &session, &token::digest(ust.expose()), None).await?;
        Ok((session, ust))
    }

    async fn renew_external(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        entry: &Entry,
        mut session: Session,
        digest: &[u8],
        Span { now, end }: Span,
    ) -> Result<(Session, Ust)> {
        let expiration = end.min(self.lifetime_limit(session.creation_time)).max(session.expiration_time);
        let renewal = Renewal {
            session_id: session.session_id,
            user_id: session.user_id.clone(),
            expiration,
            now,
            remote_addr: ctx.remote_addr.joined(),
            user_agent: entry.user_agent.clone(),
        };
        store::session::renewal::renew(tx, &[&renewal]).await?;
        session.expiration_time = expiration;
        // The definition has just proved itself. Who acts by the session's token is to be told of it in time.
        let half = i64::from(self.config().login.fresh_for) * 30;
        if half > 0 && session.auth_time.plus_seconds(half) <= now {
            store::session::record::set_auth_time(tx, session.session_id, now).await?;
        }
        session.auth_time = now;
        session.last_use = now;
        let tokens = self.external_tokens(&session, entry);
        let current = tokens.iter().find(|ust| compare::equal(&token::digest(ust.expose()), digest));
        if let Some(ust) = current.cloned() {
            return Ok((session, ust));
        }
        // The key that made it is not in the keyring any more.
        let ust = tokens.into_iter().next().ok_or_else(no_key)?;
        store::session::record::set_digest(tx, session.session_id, &token::digest(ust.expose())).await?;
        Ok((session, ust))
    }

    fn external_tokens(&self, session: &Session, entry: &Entry) -> Vec<Ust> {
        self.core.keyring.external_session_tokens(session.session_id, &entry.ext_session_id)
    }

    /// The open session that a linked definition has, for trusted callers in the same process: None if there is none.
    /// For JWT, the token says which one.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn get_session_by_ext_id(
        &self,
        sec_type: &str,
        sec_def_id: i64,
        token: Option<&Password>,
    ) -> Result<Option<SessionListing>> {
        let ctx = Context {
            cid: Cid::random(&*self.core.random)?,
            current_app: self.config().apps.default.clone(),
            remote_addr: RemoteAddr::default(),
            language: None,
        };
        self.record(&ctx, Operation::SessionGetByExtId, async |_| {
            let Some(sec_type) = SecType::parse(sec_type) else { return Ok(None) };
            let Ok(ext_session_id) = ext_session_id(sec_type, sec_def_id, token) else { return Ok(None) };
            let mut conn = self.db().read().await?;
            let found = store::session::record::by_ext_id(&mut conn, &ext_session_id).await?;
            let Some((session, _)) = found.filter(|(session, _)| self.absolute_limit(session) > self.now())
            else {
                return Ok(None);
            };
            let found = store::session::record::by_id(&mut conn, session.session_id, self.open_now()).await?;
            Ok(found.map(SessionListing::from))
        })
        .await
    }
}

/// Whom the definition acts as, if it may.
fn linked_user(row: &SecDefRow) -> Option<UserId> {
    let is_active = row.is_active && row.is_link_active == Some(true);
    row.user_id.clone().filter(|_| is_active)
}

/// A Basic Auth client cannot read a code from an authenticator.
fn asks_for_totp(entry: &Entry, user: &UserRow) -> bool {
    entry.sec_type == SecType::Jwt && user.is_totp_enabled
}

/// What a session of a definition is found by: of a token only the digest.
fn ext_session_id(sec_type: SecType, sec_def_id: i64, token: Option<&Password>) -> Result<String> {
    let common = common_ext_session_id(sec_type, sec_def_id);
    match sec_type {
        SecType::BasicAuth => Ok(common),
        SecType::Jwt => match token.filter(|token| !token.is_empty()) {
            Some(token) => Ok(format!("{common}.{}", HEXLOWER.encode(&token::digest(token.expose())))),
            None => Err(Error::refused(Code::CommonMissingInput, "ext_session_id: the JWT is needed")),
        },
    }
}

fn no_key() -> Error {
    Error::internal("the keyring has no key")
}
