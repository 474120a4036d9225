//! Sessions: verifying, renewing and listing them, and ending all of a user's.

use std::sync::Arc;

use crate::crypto::token;
use crate::domain::{
    Code, Context, Error, Operation, Result, Session, SessionId, SessionView, StateChange, Timestamp, UserId,
    Ust, clean_user_agent,
};
use crate::ops::Sso;
use crate::ops::access::actor::{Actor, Caller};
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::audit::Trail;
use crate::ops::call::Call;
use crate::store;
use crate::store::session::renewal::Renewal;
use crate::store::{Conn, Tx};

/// A session and its history, as lists show it: never with its token.
#[derive(Clone, Debug)]
pub struct SessionListing {
    /// The session.
    pub session: Session,
    /// Its last interactions, oldest first.
    pub state_changes: Vec<StateChange>,
    /// Whether it is the one that asks for the list.
    pub is_current: bool,
}

/// Sessions that have ended together.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How many there were.
    pub count: usize,
    /// Those of them that a list of sessions had.
    pub sessions: Vec<SessionListing>,
}

impl Sso {
    /// Whether a token acts as a valid session of a user in good standing; without one, whether the session that acts
    /// does. Only super-users may ask.
    ///
    /// # Errors
    /// A code of the caller's own session, or E005001 if it is not a super-user's.
    pub async fn verify_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target_ust: impl Into<Option<&Ust>>,
    ) -> Result<bool> {
        let (actor, target_ust) = (actor.into(), target_ust.into());
        if let Actor::Session(current) = &actor {
            let target = target_ust.unwrap_or(current);
            let fast = self.verify_session_fast(ctx.into(), target.expose(), current.expose());
            if let Some(is_valid) = fast {
                return Ok(is_valid);
            }
        }
        // Boxed, so that the future of the fast path stays small.
        Box::pin(self.verify_session_slow(ctx, actor, target_ust)).await
    }

    async fn verify_session_slow(
        &self,
        ctx: &Context,
        actor: Actor,
        target_ust: Option<&Ust>,
    ) -> Result<bool> {
        self.record(ctx, Operation::SessionVerify, async |call| {
            self.check_app(ctx)?;
            // One statement for both tokens.
            let (target, actor) = match (actor, target_ust) {
                (Actor::Session(current), target) => {
                    let target = target.unwrap_or(&current);
                    let [target, current] = [target, &current].map(|ust| token::digest(ust.expose()));
                    let [target, current] = self.valid_sessions([&target, &current]).await?;
                    (target, Actor::Known(Caller::new(current?)))
                }
                (Actor::Known(caller), None) => (Ok(Arc::clone(caller.known())), Actor::Known(caller)),
                (actor, Some(target)) => (self.valid_session(target).await, actor),
                (Actor::Anonymous | Actor::Trusted(_) | Actor::Site(_), None) => {
                    return Err(Code::AuthNotAllowed.into());
                }
            };
            self.admit(call, Operation::SessionVerify.who(), &actor, PasswordAge::Checked).await?;
            // Being asked about does not count as a request of the target's user.
            let standing = target.and_then(|target| {
                let user = Standing::from(&target.user);
                check_standing(self.config(), user, &ctx.remote_addr, self.now(), PasswordAge::Checked)?;
                Ok(target)
            });
            match standing {
                Ok(target) => {
                    call.trail.on(&target.session.user_id);
                    // Who asks has a request of the target's user.
                    self.note_use(&target).await;
                    Ok(true)
                }
                Err(Error::Refused { code, .. }) => {
                    call.trail.note("target_ust", code.as_str());
                    Ok(false)
                }
                Err(other) => Err(other),
            }
        })
        .await
    }

    /// Gives the caller's session a new end; when that is.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn renew_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_agent: Option<&str>,
    ) -> Result<Timestamp> {
        self.run(ctx, Operation::SessionRenew, actor, async |call| {
            let caller = call.caller()?.clone();
            let session = caller.session();
            let now = self.now();
            let (username, created) = (caller.username(), session.creation_time);
            let expiration = self.session_expiration(ctx, &mut call.trail, username, created, now).await;
            let expiration = expiration.max(session.expiration_time);
            let renewal = Renewal {
                session_id: session.session_id,
                user_id: session.user_id.clone(),
                expiration,
                now,
                remote_addr: ctx.remote_addr.joined(),
                user_agent: user_agent.map(clean_user_agent),
            };
            if !self.core.renewals.renew(self.db(), renewal).await? {
                return Err(Code::SessionNoSuchSession.into());
            }
            Ok(expiration)
        })
        .await
    }

    /// A session: one's own, which is the one that acts if none is named, or anybody's for super-users.
    ///
    /// # Errors
    /// E005001 without the right to, E007001 or E007002 if the session is gone.
    pub async fn get_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target_ust: Option<&Ust>,
        check_if_password_expired: bool,
    ) -> Result<SessionView> {
        let actor = actor.into();
        let age = if check_if_password_expired { PasswordAge::Checked } else { PasswordAge::Ignored };
        self.record(ctx, Operation::SessionGet, async |call| {
            self.admit(call, Operation::SessionGet.who(), &actor, age).await?;
            self.target_session(call, actor.other_session(target_ust), age).await
        })
        .await
    }

    /// The session that a call is about, as far as the caller may see it: the caller's own if no other is named.
    pub(in crate::ops) async fn target_session(
        &self,
        call: &mut Call<'_>,
        other: Option<&Ust>,
        age: PasswordAge,
    ) -> Result<SessionView> {
        let Some(target_ust) = other else { return Ok(call.caller()?.view()) };
        let target = self.valid_session(target_ust).await;
        if call.may_act_on_all() {
            let target = target?;
            call.trail.on(&target.session.user_id);
            return Ok(target.view());
        }
        // Whether the token of another user is valid is not disclosed.
        match target {
            Ok(target) if call.user_id() == Some(&target.session.user_id) => {
                let standing = Standing::from(&target.user);
                check_standing(self.config(), standing, &call.ctx.remote_addr, self.now(), age)?;
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
    pub async fn get_current_session(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<SessionView> {
        let actor = actor.into();
        if let Actor::Session(current) = &actor
            && let Some(view) = self.get_current_session_fast(ctx.into(), current.expose())
        {
            return Ok(view);
        }
        self.run(ctx, Operation::SessionGetCurrent, actor, async |call| Ok(call.caller()?.view())).await
    }

    /// The session that acts, if it is a super-user's.
    ///
    /// # Errors
    /// As [`Sso::get_current_session`], and E005001 if it is not.
    pub async fn require_super_user(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<SessionView> {
        self.run(ctx, Operation::SessionRequireSuperUser, actor, async |call| Ok(call.caller()?.view())).await
    }

    /// The open sessions of the user that a session belongs to: one's own, or, with `target_ust`, anybody's for
    /// super-users.
    ///
    /// # Errors
    /// As [`Sso::get_session`].
    pub async fn list_sessions(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target_ust: Option<&Ust>,
    ) -> Result<Vec<SessionListing>> {
        let actor = actor.into();
        self.run(ctx, Operation::SessionGetList, &actor, async |call| {
            let other = actor.other_session(target_ust);
            let target = self.target_session(call, other, PasswordAge::Checked).await?;
            let mut conn = self.db().read().await?;
            let mut sessions = self.open_sessions(&mut conn, &target.session.user_id).await?;
            let current = call.caller().ok().map(|caller| caller.session().session_id);
            for listing in &mut sessions {
                listing.is_current = Some(listing.session.session_id) == current;
            }
            Ok(sessions)
        })
        .await
    }

    /// The open sessions of any user.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn list_sessions_of_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
    ) -> Result<Vec<SessionListing>> {
        self.run(ctx, Operation::SessionListOfUser, actor, async |call| {
            let user_id = call.target(Some(user_id))?;
            let mut conn = self.db().read().await?;
            store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            self.open_sessions(&mut conn, &user_id).await
        })
        .await
    }

    /// Ends an open session, named by its public id: one of one's own, the current one too, or anybody's for super-users
    /// and the process itself, which may say whose it has to be. The session that was ended.
    ///
    /// # Errors
    /// E007001 if there is no such session; that somebody else has it is not told.
    pub async fn end_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        session_id: &str,
        user_id: Option<&UserId>,
    ) -> Result<SessionListing> {
        self.run(ctx, Operation::SessionEnd, actor, async |call| {
            let session_id = SessionId::parse(session_id).ok_or(Code::SessionNoSuchSession)?;
            let mut tx = self.db().write().await?;
            let owner = store::session::record::owner(&mut tx, session_id).await?.filter(|owner| {
                let may_end = call.may_act_on_all() || call.user_id() == Some(owner);
                may_end && user_id.is_none_or(|user_id| user_id == owner)
            });
            let owner = owner.ok_or(Code::SessionNoSuchSession)?;
            call.trail.on(&owner);
            let ended = store::session::record::by_id(&mut tx, session_id, self.open_now()).await?;
            let ended = ended.map(SessionListing::from).ok_or(Code::SessionNoSuchSession)?;
            if !store::session::record::delete(&mut tx, session_id).await? {
                return Err(Code::SessionNoSuchSession.into());
            }
            call.trail.note("session_id", session_id.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(ended)
        })
        .await
    }

    /// Ends all sessions of a user, those of sites and of linked definitions included: one's own, but for the current one
    /// where that is wanted, or for super-users anybody's; devices are forgotten by that. How many were open, and, as far as a
    /// list of sessions has them, which.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn end_all_sessions(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
        except_current: bool,
    ) -> Result<Ended> {
        self.run(ctx, Operation::SessionEndAll, actor, async |call| {
            let user_id = call.target(user_id)?;
            let keep = call.session_to_keep(&user_id).filter(|_| except_current);
            // Before anybody has to wait for it.
            let mut conn = self.db().read().await?;
            let mut sessions = self.open_sessions(&mut conn, &user_id).await?;
            drop(conn);
            sessions.retain(|listing| Some(listing.session.session_id) != keep);
            let mut tx = self.db().write().await?;
            // A login waits for this, so that none comes between the number and the end.
            store::user::account::lock_row(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            let open = store::session::record::count_open(&mut tx, &user_id, self.open_now()).await?;
            let count = open.saturating_sub(i64::from(keep.is_some()));
            store::session::record::delete_of_user(&mut tx, &user_id, keep).await?;
            call.trail.note("sessions", count.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(Ended { count: usize::try_from(count).unwrap_or(0), sessions })
        })
        .await
    }

    /// Makes room for one more session of a user who has so many already: the one ends that was not used for the longest
    /// time. The entry of that, whose line is to be written once the transaction is committed.
    pub(in crate::ops) async fn end_oldest_sessions(
        &self,
        ctx: &Context,
        tx: &mut Tx,
        user_id: &UserId,
        sessions: i64,
    ) -> Result<Option<Trail>> {
        let most = i64::from(self.config().session.max_per_user);
        if most == 0 || sessions < most {
            return Ok(None);
        }
        let ended = store::session::record::delete_oldest(tx, user_id, most - 1).await?;
        let mut trail = Trail::new(ctx, Operation::SessionEnd, self.system_time());
        trail.by(user_id);
        trail.on(user_id);
        trail.note("reason", "session.max_per_user");
        match ended.as_slice() {
            [] => return Ok(None),
            [session_id] => trail.note("session_id", session_id.to_string()),
            several => trail.note("sessions", several.len().to_string()),
        }
        self.insert(tx, &trail).await?;
        Ok(Some(trail))
    }

    /// Ends the caller's session. That is allowed in any state of the user.
    ///
    /// # Errors
    /// E005001 if the token is no valid session's.
    pub async fn logout(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<()> {
        let actor = actor.into();
        self.run(ctx, Operation::UserLogout, Actor::Anonymous, async |call| {
            let known = match &actor {
                Actor::Session(ust) => self.valid_session(ust).await.map_err(|error| match error {
                    Error::Refused { .. } => Code::AuthNotAllowed.into(),
                    other => other,
                })?,
                Actor::Known(caller) => Arc::clone(caller.known()),
                Actor::Anonymous | Actor::Trusted(_) | Actor::Site(_) => {
                    return Err(Code::AuthNotAllowed.into());
                }
            };
            let session = &known.session;
            call.trail.by(&session.user_id);
            call.trail.note("session_id", session.session_id.to_string());
            let mut tx = self.db().write().await?;
            store::session::record::delete(&mut tx, session.session_id).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// The open sessions of a user, as many as a list holds.
    pub(in crate::ops) async fn open_sessions(
        &self,
        conn: &mut Conn,
        user_id: &UserId,
    ) -> Result<Vec<SessionListing>> {
        let sessions = store::session::record::list_of_user(conn, user_id, self.open_now()).await?;
        Ok(sessions.into_iter().map(SessionListing::from).collect())
    }
}

impl From<(Session, Vec<StateChange>)> for SessionListing {
    fn from((session, state_changes): (Session, Vec<StateChange>)) -> Self {
        Self { session, state_changes, is_current: false }
    }
}
