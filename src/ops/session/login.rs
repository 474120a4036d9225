//! Logging in.

use crate::crypto::{Verdict, token};
use crate::domain::{
    AuthType, Code, Context, Error, Operation, Password, RemoteAddr, Result, Session, SessionId, SessionInfo,
    Timestamp, clean_user_agent,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::app::AppProof;
use crate::ops::access::check::{PasswordAge, Standing, check_standing, informed, wrong_app};
use crate::ops::access::how::{self, how_of};
use crate::ops::access::methods::SKIPPED;
use crate::ops::access::throttle::{Attempt, Origin};
use crate::ops::audit::Trail;
use crate::ops::call::Call;
use crate::ops::password::accept::{NewPassword, Terms, is_same_password};
use crate::ops::session::second_step::Shown;
use crate::ops::session::ticket::{Proved, Steps};
use crate::store;
use crate::store::Conn;
use crate::store::session::device::NewDevice;
use crate::store::user::account::{HeldUser, UserRow};

/// The data of a login.
#[derive(Clone, Debug, Default)]
pub struct LoginRequest {
    /// Who they say they are.
    pub username: String,
    /// How they prove it.
    pub password: Option<Password>,
    /// The code of their authenticator, where TOTP is enabled.
    pub totp_code: Option<Password>,
    /// In place of the code, what a browser answers of a passkey: see [`Sso::begin_passkey_step`].
    pub passkey: Option<String>,
    /// Whether a second step is asked for wherever the user has something for it: a password alone is not enough for what is to
    /// follow.
    pub asks_two: bool,
    /// A password to change to.
    pub new_password: Option<Password>,
    /// What an earlier login has answered with: who has it waits for nobody else's failures. An empty one asks for one; with
    /// None there is none in the answer.
    pub device_token: Option<Password>,
    /// With what they log in.
    pub user_agent: Option<String>,
    /// What shows that the login comes from the application that it names: without it, metadata is refused.
    pub app_proof: AppProof,
    /// The remote address that the client itself sent, as login metadata. It counts in place of the context's where
    /// the application may send it, and is refused elsewhere.
    pub sent_remote_addr: Option<RemoteAddr>,
    /// Whether the client itself sent the user agent, as login metadata.
    pub has_user_agent: bool,
    /// For trusted, in-process callers: neither password nor TOTP code is asked for. Whether the account is in good
    /// standing is checked all the same, since no session of one that is not would be valid.
    pub skip_sec: bool,
    /// Whether an operator asks for it with the command. The audit entry says so.
    pub is_by_command: bool,
    /// For how many minutes the session lasts at least, as far as `session.max_lifetime` allows.
    pub keep_for: Option<u32>,
    /// What earlier steps have proved, where one logs in step by step.
    pub steps: Steps,
}

/// A user whose password, and code where needed, was right.
pub(in crate::ops) struct Authenticated {
    pub row: UserRow,
    /// Whether the stored hash should be replaced.
    pub is_outdated: bool,
    /// Whose failures it fell under.
    pub attempt: Attempt,
    /// Whether others, or they themselves, have failed before. None if the throttle has to be asked a second time yet,
    /// before anything is told or more work is done.
    pub has_failures: Option<bool>,
    /// How, by names of RFC 8176 between blanks; None for a password alone.
    pub methods: Option<&'static str>,
}

impl Sso {
    /// Opens a session.
    ///
    /// # Errors
    /// E005001 for everything that is wrong before the password is known to be right; after that the codes that
    /// configuration allows to be shown. E005009 while the delay after failed attempts lasts, and past the user's rate limit.
    ///
    /// It runs to its end even if the caller goes away, as does everything else that finds out about a password.
    pub async fn login(&self, ctx: &Context, request: LoginRequest) -> Result<SessionInfo> {
        self.to_the_end(ctx, |sso, ctx| async move { sso.log_in(&ctx, request).await }).await
    }

    async fn log_in(&self, ctx: &Context, request: LoginRequest) -> Result<SessionInfo> {
        // A client that may not send an address cannot choose by it what is counted, or allowed, either.
        let sent =
            request.sent_remote_addr.clone().filter(|_| self.may_send_metadata(ctx, request.app_proof));
        let sent = sent.map(|remote_addr| Context { remote_addr, ..ctx.clone() });
        let ctx = sent.as_ref().unwrap_or(ctx);
        self.run(ctx, Operation::UserLogin, Actor::Anonymous, async |call| {
            if request.skip_sec {
                call.trail.note("auth_method", "skip_sec");
            }
            if request.skip_sec || request.is_by_command {
                call.trail.event.how = Some(self.how_of_process());
            }
            if request.is_by_command {
                call.trail.event.how = Some(how::COMMAND);
                call.trail.note("by", "command");
            }
            let origin = Origin::Address(&ctx.remote_addr);
            let found = self.authenticate(ctx, &mut call.trail, &request, origin).await?;
            self.open_session(ctx, call, request, found).await
        })
        .await
    }

    /// Opens the session of somebody who has proved who they are, if all that beside has to hold of a login does.
    pub(in crate::ops) async fn open_session(
        &self,
        ctx: &Context,
        call: &mut Call<'_>,
        request: LoginRequest,
        authenticated: Authenticated,
    ) -> Result<SessionInfo> {
        let Authenticated { row, is_outdated, mut attempt, mut has_failures, methods } = authenticated;
        let user_id = row.user_id.clone();
        call.trail.by(&user_id);
        if call.trail.event.how.is_none() {
            call.trail.event.how = Some(how_of(methods));
        }
        self.leave_ticket(&request.steps, &row, Proved::All(methods))?;

        let new_password = request.new_password.as_ref().filter(|new| !new.is_empty());
        let skips_age = new_password.is_some() || request.skip_sec;
        let now = self.now();
        let terms = self.check_terms(ctx, &row, &request, skips_age, now);
        let password_age = if skips_age { Ok(false) } else { self.check_password_age(&row, now) };
        // A login that goes through as it is asks the throttle for the second time in its transaction.
        let is_plain = terms.is_ok()
            && password_age.is_ok()
            && !row.is_rate_limit_active
            && !is_outdated
            && new_password.is_none();
        if has_failures.is_none() && !is_plain {
            has_failures = Some(self.check_throttle(&mut attempt).await?);
        }
        terms?;
        self.count_request(ctx, &user_id, row.is_rate_limit_active, row.rate_limit_def.as_deref()).await?;
        let has_w_about_to_exp = password_age?;

        // Everything that hashes comes before the transaction.
        let new = match new_password {
            Some(new) => Some(self.accept_new_password(&row, new, request.password.as_ref()).await?),
            None => None,
        };
        let upgraded = match (&new, is_outdated, request.password) {
            (None, true, Some(password)) => Some(self.hash_password(&user_id, password).await?),
            _ => None,
        };

        let expiration_time = self.session_expiration(ctx, &mut call.trail, &row.username, now, now).await;
        let expiration_time = match request.keep_for {
            Some(minutes) => {
                let kept = now.plus_minutes(minutes.into()).min(self.lifetime_limit(now));
                expiration_time.max(kept)
            }
            None => expiration_time,
        };
        let ust = token::new_ust(&*self.core.random)?;
        let most = self.config().session.max_per_user;
        let session = Session {
            session_id: SessionId::random(now, &*self.core.random)?,
            user_id: user_id.clone(),
            creation_time: now,
            expiration_time,
            remote_addr: ctx.remote_addr.joined(),
            user_agent: request.user_agent.as_deref().map(clean_user_agent),
            auth_type: AuthType::Default,
            auth_principal: row.username.clone(),
            ext_session_id: None,
            state_change_count: 1,
            auth_time: now,
            last_use: now,
            auth_methods: methods.map(str::to_owned),
        };
        let mut tx = self.db().write().await?;
        let has_failures = match has_failures {
            Some(has_failures) => has_failures,
            None => self.check_throttle_on(&mut tx, &mut attempt).await?,
        };
        // What was checked above must still hold: a session must not be opened with a password that was just changed,
        // nor for a user who was just locked, whose sessions have ended.
        let held = store::user::account::lock_row_and_count(&mut tx, &user_id, most.into()).await?;
        let sessions = match held {
            Some((user, sessions)) if user == HeldUser::from(&row) => sessions,
            _ => return Err(Code::AuthNotAllowed.into()),
        };
        if let Some(new) = &new {
            self.store_password(&mut tx, call, &row, new, None).await?;
            call.trail.note("password", "changed");
        }
        if let (Some(upgraded), Some(old)) = (&upgraded, &row.password_hash) {
            store::user::account::replace_hash(&mut tx, &user_id, upgraded, old).await?;
        }
        if has_failures {
            self.clear_failures(&mut tx, &attempt).await?;
        }
        self.remember_place(&mut tx, &attempt).await?;
        if !request.skip_sec {
            let user_agent = session.user_agent.as_deref();
            self.tell_of_new_device(&mut tx, ctx, &mut call.trail, &row, user_agent).await?;
        }
        self.remember_language(&mut tx, ctx, &user_id).await?;
        let ended = self.end_oldest_sessions(ctx, &mut tx, &user_id, sessions).await?;
        // A new password has ended every device.
        let attempt = if new.is_some() { attempt.without_device() } else { attempt };
        let device_token = self.new_device_token(request.device_token.as_ref(), &attempt)?;
        let digest = device_token.as_ref().map(|token| token::digest(token.expose()));
        let slots = self.config().login_throttle.known_devices;
        let device = digest.as_ref().map(|digest| NewDevice { digest, slots });
        let ust_digest = token::digest(ust.expose());
        store::session::record::insert(&mut tx, &session, &ust_digest, device).await?;
        call.trail.note("session_id", session.session_id.to_string());
        self.commit(tx, &mut call.trail).await?;
        if let Some(ended) = ended {
            self.core.audit.write(&ended);
        }
        Ok(SessionInfo {
            username: row.username,
            user_id,
            ust,
            creation_time: session.creation_time,
            expiration_time: session.expiration_time,
            has_w_about_to_exp,
            device_token,
        })
    }

    /// What has to hold of a login beside its password, but for that one's age.
    fn check_terms(
        &self,
        ctx: &Context,
        row: &UserRow,
        request: &LoginRequest,
        skips_age: bool,
        now: Timestamp,
    ) -> Result<()> {
        self.check_login_app(ctx)?;
        let age = if skips_age { PasswordAge::Ignored } else { PasswordAge::Checked };
        check_standing(self.config(), Standing::from(row), &ctx.remote_addr, now, age)?;
        self.check_metadata(ctx, request)
    }

    /// Finds out that it is who they say. Every refusal up to the password is the same and takes the same work.
    pub(in crate::ops) async fn authenticate(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        request: &LoginRequest,
        origin: Origin<'_>,
    ) -> Result<Authenticated> {
        let mut conn = self.db().read().await?;
        let key = self.username_key(&request.username);
        let found = store::user::account::by_username(&mut conn, &request.username, &key).await?;
        self.authenticate_found(ctx, trail, request, origin, (conn, found)).await
    }

    /// The same of somebody who was looked up, in whatever way; if nobody was found, the username of the request is counted.
    pub(in crate::ops) async fn authenticate_found(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        request: &LoginRequest,
        origin: Origin<'_>,
        (mut conn, found): (Conn, Option<UserRow>),
    ) -> Result<Authenticated> {
        if let Some(row) = &found {
            trail.on(&row.user_id);
        }
        if request.skip_sec {
            let row = found.ok_or(Code::AuthNotAllowed)?;
            let (attempt, has_failures) = (Attempt::default(), Some(false));
            let methods = Some(SKIPPED);
            return Ok(Authenticated { row, is_outdated: false, attempt, has_failures, methods });
        }
        // What is counted is the user's name, however it was written.
        let username = found.as_ref().map_or(request.username.as_str(), |row| row.username.as_str());
        let user_id = found.as_ref().map(|row| &row.user_id);
        let attempt = self.password_attempt(username, user_id, origin);
        let mut attempt = self.with_device(attempt, user_id, request.device_token.as_ref());
        self.check_throttle_on(&mut conn, &mut attempt).await?;
        drop(conn);
        let proved = match (&request.steps.ticket, &found) {
            (Some(ticket), Some(row)) => self.open_ticket(ticket, row),
            _ => None,
        };
        let verdict = match (&request.steps.ticket, proved) {
            (Some(_), Some(_)) => Verdict::Right,
            (Some(_), None) => Verdict::Wrong,
            (None, _) => {
                let password = request.password.clone().unwrap_or_else(|| Password::from(""));
                self.verify_password(found.as_ref(), password).await?
            }
        };
        let Some(row) = found.filter(|_| verdict != Verdict::Wrong) else {
            self.record_failure(&attempt).await?;
            return Err(Code::AuthNotAllowed.into());
        };
        let (mut has_failures, mut methods) = (None, None);
        let shown = Shown {
            code: request.totp_code.as_ref(),
            passkey: request.passkey.as_deref(),
            asks_two: request.asks_two,
            steps: &request.steps,
        };
        if let Some(Proved::All(proved)) = proved {
            methods = proved;
        } else if self.asks_second_step(&row, proved, shown).await? {
            self.check_throttle(&mut attempt).await?;
            methods = Some(self.take_second_step(ctx, trail, (&row, proved), shown, &attempt).await?);
            has_failures = Some(self.check_throttle(&mut attempt).await?);
        }
        let is_outdated = verdict == Verdict::RightButOutdated;
        Ok(Authenticated { row, is_outdated, attempt, has_failures, methods })
    }

    pub(in crate::ops) fn check_login_app(&self, ctx: &Context) -> Result<()> {
        let config = self.config();
        if config.apps.login_allowed.contains(&ctx.current_app) {
            return Ok(());
        }
        Err(wrong_app(config, Code::AppListInvalid, "apps.login_allowed", &config.apps.login_allowed))
    }

    fn check_metadata(&self, ctx: &Context, request: &LoginRequest) -> Result<()> {
        let is_sent = request.sent_remote_addr.is_some() || request.has_user_agent;
        if is_sent && !self.may_send_metadata(ctx, request.app_proof) {
            return Err(Code::MetadataNotAllowed.into());
        }
        Ok(())
    }

    /// Whether the password expires soon and the login may say so; an error where that, or a flag, asks for a new one.
    pub(in crate::ops) fn check_password_age(&self, row: &UserRow, now: Timestamp) -> Result<bool> {
        let rules = &self.config().password;
        let threshold = now.plus_days(i64::from(rules.about_to_expire_threshold));
        let is_about_to_expire = row.password_expiry.is_some_and(|expiry| expiry <= threshold);
        if is_about_to_expire && !rules.log_in_if_about_to_expire {
            return Err(informed(rules.inform_if_about_to_expire, Code::PasswordAboutToExpire));
        }
        if row.password_must_change {
            return Err(informed(rules.inform_if_must_be_changed, Code::PasswordMustSendNew));
        }
        Ok(is_about_to_expire && rules.inform_if_about_to_expire)
    }

    async fn accept_new_password(
        &self,
        row: &UserRow,
        new: &Password,
        old: Option<&Password>,
    ) -> Result<NewPassword> {
        let is_same = old.is_some_and(|old| is_same_password(old, new));
        let accepted = if is_same {
            Err(Error::refused(Code::PasswordInvalid, "new_password: same as the old one"))
        } else {
            self.accept_password(row, new.clone(), Terms::default()).await
        };
        accepted.map_err(|error| match error {
            Error::Refused { .. } if !self.config().password.inform_if_invalid => Code::AuthNotAllowed.into(),
            other => other,
        })
    }
}
