//! Sessions: verifying, renewing and listing them, and ending all of a user's.

use crate::crypto::token;
use crate::domain::{
    AuditKind, Code, Context, Error, Result, Session, SessionView, StateChange, Timestamp, UserId, Ust,
    clean_user_agent,
};
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::audit::Trail;
use crate::ops::{Authority, Sso};
use crate::store;
use crate::store::Conn;
use crate::store::session::renewal::Renewal;

/// A session and its history, as lists show it: never with its token.
#[derive(Clone, Debug)]
pub struct SessionListing {
    /// The session.
    pub session: Session,
    /// Its last interactions, oldest first.
    pub state_changes: Vec<StateChange>,
}

impl Sso {
    /// Whether a token acts as a valid session of a user in good standing. Only super-users may ask.
    ///
    /// # Errors
    /// A code of the caller's own session, or E005001 if it is not a super-user's.
    pub async fn verify_session(&self, ctx: &Context, target_ust: &Ust, current_ust: &Ust) -> Result<bool> {
        let mut trail = self.trail(ctx, "session.verify", AuditKind::SessionCheck);
        let outcome = self.verify(ctx, &mut trail, target_ust, current_ust).await;
        self.conclude(trail, outcome).await
    }

    async fn verify(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        target_ust: &Ust,
        current_ust: &Ust,
    ) -> Result<bool> {
        self.check_app(ctx)?;
        let digests = [target_ust, current_ust].map(|ust| token::digest(ust.expose()));
        let [target_digest, current_digest] = &digests;
        let [target, current] = self.valid_sessions([target_digest, current_digest]).await?;
        let caller = self.accept(ctx, current?, PasswordAge::Checked).await?;
        caller.require_super_user()?;
        trail.by(caller.user_id());
        // To be asked about is no request of theirs.
        let standing = target.and_then(|target| {
            let user = Standing::from(&target.user);
            check_standing(self.config(), user, &ctx.remote_addr, self.now(), PasswordAge::Checked)?;
            Ok(target)
        });
        match standing {
            Ok(target) => {
                trail.on(&target.session.user_id);
                Ok(true)
            }
            Err(Error::Refused { code, .. }) => {
                trail.note("target_ust", code.as_str());
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    /// Gives a session a new end; when that is.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn renew_session(
        &self,
        ctx: &Context,
        ust: &Ust,
        user_agent: Option<&str>,
    ) -> Result<Timestamp> {
        let mut trail = self.trail(ctx, "session.renew", AuditKind::Activity);
        let outcome = self.renew(ctx, &mut trail, ust, user_agent).await;
        self.conclude(trail, outcome).await
    }

    async fn renew(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        ust: &Ust,
        user_agent: Option<&str>,
    ) -> Result<Timestamp> {
        let caller = self.check_ust(ctx, ust, PasswordAge::Checked).await?;
        trail.by(caller.user_id());
        let session = caller.session();
        let now = self.now();
        let created = session.creation_time;
        let expiration = self.session_expiration(ctx, trail, caller.username(), created, now).await;
        let renewal = Renewal {
            session_id: session.session_id,
            user_id: session.user_id.clone(),
            expiration,
            now,
            remote_addr: ctx.remote_addr.joined(),
            user_agent: user_agent.map(clean_user_agent),
        };
        if !self.db().renew(renewal).await? {
            return Err(Code::SessionNoSuchSession.into());
        }
        Ok(expiration)
    }

    /// A session: one's own, or anybody's for super-users.
    ///
    /// # Errors
    /// E005001 without the right to, E007001 or E007002 if the session is gone.
    pub async fn get_session(
        &self,
        ctx: &Context,
        target_ust: &Ust,
        current_ust: &Ust,
        check_if_password_expired: bool,
    ) -> Result<SessionView> {
        let mut trail = self.trail(ctx, "session.get", AuditKind::SessionCheck);
        let age = if check_if_password_expired { PasswordAge::Checked } else { PasswordAge::Ignored };
        let outcome = self.target_session(ctx, &mut trail, target_ust, current_ust, age).await;
        self.conclude(trail, outcome).await
    }

    /// A session that the one who asks may see.
    pub(in crate::ops) async fn target_session(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        target_ust: &Ust,
        current_ust: &Ust,
        age: PasswordAge,
    ) -> Result<SessionView> {
        let caller = self.check_ust(ctx, current_ust, age).await?;
        trail.by(caller.user_id());
        if target_ust.expose() == current_ust.expose() {
            return Ok(caller.view());
        }
        let target = self.valid_session(target_ust).await;
        if caller.is_super_user() {
            let target = target?;
            trail.on(&target.session.user_id);
            return Ok(target.view());
        }
        // Whether a token that is not one's own acts as a session is nobody's business.
        match target {
            Ok(target) if target.session.user_id == *caller.user_id() => {
                let standing = Standing::from(&target.user);
                check_standing(self.config(), standing, &ctx.remote_addr, self.now(), age)?;
                Ok(target.view())
            }
            Ok(_) | Err(Error::Refused { .. }) => Err(Code::AuthNotAllowed.into()),
            Err(other) => Err(other),
        }
    }

    /// The session that acts.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn get_current_session(&self, ctx: &Context, current_ust: &Ust) -> Result<SessionView> {
        let mut trail = self.trail(ctx, "session.get_current", AuditKind::SessionCheck);
        let outcome = self.check_ust(ctx, current_ust, PasswordAge::Checked).await;
        if let Ok(caller) = &outcome {
            trail.by(caller.user_id());
        }
        self.conclude(trail, outcome.map(|caller| caller.view())).await
    }

    /// The session that acts, if it is a super-user's.
    ///
    /// # Errors
    /// As [`Sso::get_current_session`], and E005001 if it is not.
    pub async fn require_super_user(&self, ctx: &Context, current_ust: &Ust) -> Result<SessionView> {
        let mut trail = self.trail(ctx, "session.require_super_user", AuditKind::SessionCheck);
        let outcome = self.super_users_session(ctx, &mut trail, current_ust).await;
        self.conclude(trail, outcome).await
    }

    async fn super_users_session(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        current_ust: &Ust,
    ) -> Result<SessionView> {
        let caller = self.check_ust(ctx, current_ust, PasswordAge::Checked).await?;
        trail.by(caller.user_id());
        caller.require_super_user()?;
        Ok(caller.view())
    }

    /// The open sessions of the user that a session belongs to: one's own, or, with `target_ust`, anybody's for
    /// super-users.
    ///
    /// # Errors
    /// As [`Sso::get_session`].
    pub async fn list_sessions(
        &self,
        ctx: &Context,
        current_ust: &Ust,
        target_ust: Option<&Ust>,
    ) -> Result<Vec<SessionListing>> {
        let mut trail = self.trail(ctx, "session.get_list", AuditKind::SessionCheck);
        let outcome = self.list(ctx, &mut trail, current_ust, target_ust).await;
        self.conclude(trail, outcome).await
    }

    async fn list(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        current_ust: &Ust,
        target_ust: Option<&Ust>,
    ) -> Result<Vec<SessionListing>> {
        let target_ust = target_ust.unwrap_or(current_ust);
        let age = PasswordAge::Checked;
        let target = self.target_session(ctx, trail, target_ust, current_ust, age).await?;
        let mut conn = self.db().read().await?;
        self.open_sessions(&mut conn, &target.session.user_id).await
    }

    /// The open sessions of any user.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn list_sessions_of_user(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<Vec<SessionListing>> {
        let mut trail = self.trail(ctx, "session.list_of_user", AuditKind::Disclosure);
        let outcome = self.list_of_user(ctx, &mut trail, authority, user_id).await;
        self.conclude(trail, outcome).await
    }

    async fn list_of_user(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<Vec<SessionListing>> {
        let user_id = self.user_of_sessions(ctx, trail, authority, user_id).await?;
        let mut conn = self.db().read().await?;
        store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
        self.open_sessions(&mut conn, &user_id).await
    }

    /// Ends all sessions of a user; those that were open.
    ///
    /// # Errors
    /// As [`Sso::list_sessions_of_user`].
    pub async fn end_sessions_of_user(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<Vec<SessionListing>> {
        let mut trail = self.trail(ctx, "session.end_of_user", AuditKind::Change);
        let outcome = self.end_of_user(ctx, &mut trail, authority, user_id).await;
        self.conclude(trail, outcome).await
    }

    async fn end_of_user(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<Vec<SessionListing>> {
        let user_id = self.user_of_sessions(ctx, trail, authority, user_id).await?;
        let mut tx = self.db().write().await?;
        // A login waits for this, so that none comes between the list and the end.
        store::user::account::lock_row(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
        let sessions = self.open_sessions(&mut tx, &user_id).await?;
        store::session::record::delete_of_user(&mut tx, &user_id, None).await?;
        trail.note("sessions", sessions.len().to_string());
        self.commit(tx, trail).await?;
        Ok(sessions)
    }

    async fn user_of_sessions(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        user_id: &str,
    ) -> Result<UserId> {
        if let Some(by) = self.check_authority(ctx, authority).await? {
            trail.by(&by);
        }
        let user_id = UserId::parse(user_id).ok_or(Code::UserIdInvalid)?;
        trail.on(&user_id);
        Ok(user_id)
    }

    pub(in crate::ops) async fn open_sessions(
        &self,
        conn: &mut Conn,
        user_id: &UserId,
    ) -> Result<Vec<SessionListing>> {
        let sessions = store::session::record::list_of_user(conn, user_id, self.now()).await?;
        let listing = |(session, state_changes)| SessionListing { session, state_changes };
        Ok(sessions.into_iter().map(listing).collect())
    }
}
