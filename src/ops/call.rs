//! One call of an operation: the audit entry starts, the caller is checked, the body runs, and the entry is concluded.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use uuid::Uuid;

use crate::config::LogLevel;
use crate::crypto::{Turn, on_behalf};
use crate::domain::{
    AuditKind, Cid, Code, Context, Error, Operation, RemoteAddr, Result, SessionId, Site, UserId, Who,
    time_ordered_uuid, trace,
};
use crate::ops::Sso;
use crate::ops::access::actor::{Actor, Caller};
use crate::ops::access::check::PasswordAge;
use crate::ops::access::how::{self, how_of_session};
use crate::ops::access::throttle::{Prefix, place_of};
use crate::ops::audit::Trail;
use crate::ops::audit::chain::digest_of_event;
use crate::ops::hook::HOOK_ERROR;
use crate::ops::refusals::{Counting, Refused};
use crate::ops::traced::Traced;
use crate::store;
use crate::store::Tx;
use crate::store::db::detached::ToTheEnd;

/// Who has changed what no user has: the command line, or the process itself.
pub(in crate::ops) const AUTO: &str = "auto";

/// An operation under way.
#[derive(Debug)]
pub(in crate::ops) struct Call<'a> {
    /// On whose behalf, and from where.
    pub ctx: &'a Context,
    /// The audit entry.
    pub trail: Trail,
    admitted: Admitted,
}

/// Who acts, after the checks.
#[derive(Debug)]
enum Admitted {
    Anonymous,
    User(Caller),
    Process(Option<UserId>),
    Site(Arc<Site>),
}

impl Call<'_> {
    /// The user who acts.
    ///
    /// # Errors
    /// E005001 where the process itself acts, which has no session.
    pub fn caller(&self) -> Result<&Caller> {
        match &self.admitted {
            Admitted::User(caller) => Ok(caller),
            Admitted::Anonymous | Admitted::Process(_) | Admitted::Site(_) => {
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// The site that acts.
    ///
    /// # Errors
    /// E005001 where something else acts.
    pub fn site(&self) -> Result<Arc<Site>> {
        match &self.admitted {
            Admitted::Site(site) => Ok(Arc::clone(site)),
            Admitted::Anonymous | Admitted::User(_) | Admitted::Process(_) => {
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// The id of the user who acts, where there is one.
    pub fn user_id(&self) -> Option<&UserId> {
        match &self.admitted {
            Admitted::User(caller) => Some(caller.user_id()),
            Admitted::Process(by) => by.as_ref(),
            Admitted::Anonymous | Admitted::Site(_) => None,
        }
    }

    /// The id of the user who acts as it is stored with what they change, `auto` for the process itself.
    pub fn changed_by(&self) -> &str {
        self.user_id().map_or(AUTO, UserId::as_str)
    }

    /// Whether the right to act on all users is there: a super-user's, or the process itself.
    pub fn may_act_on_all(&self) -> bool {
        match &self.admitted {
            Admitted::User(caller) => caller.is_super_user(),
            Admitted::Process(_) => true,
            Admitted::Anonymous | Admitted::Site(_) => false,
        }
    }

    /// The session that is to go on when the user's others end: the one that acts, if it is that user's.
    pub fn session_to_keep(&self, user_id: &UserId) -> Option<SessionId> {
        let own = self.caller().ok().filter(|caller| caller.user_id() == user_id);
        own.map(|caller| caller.session().session_id)
    }

    /// Whose refusal it is. A site that looks users up does so for strangers.
    fn refused(&self, operation: Operation) -> Refused {
        if let Some(user_id) = &self.trail.event.current_user {
            return Refused::Known(user_id.to_string());
        }
        match &self.admitted {
            Admitted::Anonymous if operation.who() != Who::System => Refused::Stranger,
            Admitted::Site(_) if operation == Operation::SiteLookUpUser => Refused::Stranger,
            Admitted::Site(site) => Refused::Known(format!("site:{}", site.subdomain)),
            Admitted::Anonymous | Admitted::User(_) | Admitted::Process(_) => Refused::Known(String::new()),
        }
    }

    /// The user that the call is about, noted in the audit entry: the caller if none is named; others only for
    /// super-users and the process itself.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 for what is no user id.
    pub fn target(&mut self, user_id: Option<&str>) -> Result<UserId> {
        self.target_by(user_id, Caller::target)
    }

    /// The same for what members of groups that may manage users do as well.
    ///
    /// # Errors
    /// As [`Self::target`].
    pub fn target_to_manage(&mut self, user_id: Option<&str>) -> Result<UserId> {
        self.target_by(user_id, Caller::target_to_manage)
    }

    fn target_by(
        &mut self,
        user_id: Option<&str>,
        of_caller: impl FnOnce(&Caller, Option<&str>) -> Result<UserId>,
    ) -> Result<UserId> {
        let target = match (&self.admitted, user_id) {
            (Admitted::User(caller), user_id) => of_caller(caller, user_id)?,
            (Admitted::Process(_), Some(user_id)) => UserId::parse(user_id).ok_or(Code::UserIdInvalid)?,
            (Admitted::Process(Some(by)), None) => by.clone(),
            (Admitted::Process(None), None) => return Err(Code::UserIdInvalid.into()),
            (Admitted::Anonymous | Admitted::Site(_), _) => return Err(Code::AuthNotAllowed.into()),
        };
        self.trail.on(&target);
        Ok(target)
    }
}

/// In whose turn an operation has passwords hashed; None for those that have none hashed.
fn turn(ctx: &Context, operation: Operation) -> Option<Turn> {
    let is_login = match operation {
        Operation::UserLogin
        | Operation::SessionReauthenticate
        | Operation::SessionAuthenticate
        | Operation::SiteLookUpUser => true,
        Operation::UserSignup
        | Operation::UserChangePassword
        | Operation::UserSetPassword
        | Operation::TotpDisable
        | Operation::PasswordResetChangePassword
        | Operation::UserCreate
        | Operation::UserCreateSuperUser
        | Operation::UserEnsureSuperUser
        | Operation::SiteCreateUser
        | Operation::SiteSynchronizeUser
        | Operation::SiteUpdateUser => false,
        _ => return None,
    };
    Some(Turn { is_login, place: place_of(&ctx.remote_addr, Prefix::NETWORK) })
}

impl Sso {
    /// Runs an operation: checks that the actor may call it, runs the body, and concludes the audit entry.
    pub(in crate::ops) async fn run<T>(
        &self,
        ctx: &Context,
        operation: Operation,
        actor: impl Into<Actor>,
        body: impl AsyncFnOnce(&mut Call<'_>) -> Result<T>,
    ) -> Result<T> {
        let actor = actor.into();
        self.record(ctx, operation, async |call| {
            self.admit(call, operation.who(), &actor, PasswordAge::Checked).await?;
            body(call).await
        })
        .await
    }

    /// The same without any check of the actor, for operations that check in a way of their own.
    pub(in crate::ops) async fn record<T>(
        &self,
        ctx: &Context,
        operation: Operation,
        body: impl AsyncFnOnce(&mut Call<'_>) -> Result<T>,
    ) -> Result<T> {
        let under_way = self.core.counters.began(operation);
        let mut traced = Traced::begin(self.core.tracer.as_ref(), ctx, operation, &self.config().apps);
        let mut trail = Trail::new(ctx, operation, self.system_time());
        trail.event.how = match operation.who() {
            Who::Trusted => Some(self.how_of_process()),
            Who::System => Some(how::SYSTEM),
            _ => None,
        };
        let mut call = Call { ctx, trail, admitted: Admitted::Anonymous };
        let outcome = trace::within(traced.scope(), on_behalf(turn(ctx, operation), body(&mut call))).await;
        let failed = outcome.as_ref().err().map(|error| (error, call.refused(operation)));
        let closing = self.close_entry(call.trail, failed);
        let outcome = trace::within(traced.scope(), closing).await.and(outcome);
        under_way.ended(outcome.as_ref().err());
        traced.ended(outcome.as_ref().err());
        outcome
    }

    /// Runs an attempt to prove something, such as a password, to its end, whether or not its caller waits for it: who closes
    /// the connection while a password is hashed has guessed all the same, and that is counted and recorded.
    pub(in crate::ops) async fn to_the_end<T, F>(
        &self,
        ctx: &Context,
        attempt: impl FnOnce(Self, Context) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        ToTheEnd::new(attempt(self.clone(), ctx.clone())).await
    }

    /// Checks that the actor may call an operation for these, and keeps who it is.
    pub(in crate::ops) async fn admit(
        &self,
        call: &mut Call<'_>,
        who: Who,
        actor: &Actor,
        age: PasswordAge,
    ) -> Result<()> {
        let ctx = call.ctx;
        call.admitted = match (who, actor) {
            (Who::Anyone | Who::System, _) => {
                self.check_app(ctx)?;
                Admitted::Anonymous
            }
            (
                Who::Oneself
                | Who::OneselfOrSuperUser
                | Who::OneselfOrUserManager
                | Who::SuperUser
                | Who::UserManager
                | Who::AuditReader,
                Actor::Session(ust),
            ) => Admitted::User(self.check_ust(ctx, ust, age).await?),
            (
                Who::Oneself
                | Who::OneselfOrSuperUser
                | Who::OneselfOrUserManager
                | Who::SuperUser
                | Who::UserManager
                | Who::AuditReader,
                Actor::Known(caller),
            ) => {
                self.check_app(ctx)?;
                Admitted::User(self.accept_again(ctx, caller, age).await?)
            }
            (
                Who::OneselfOrSuperUser
                | Who::OneselfOrUserManager
                | Who::SuperUser
                | Who::UserManager
                | Who::AuditReader
                | Who::Trusted
                | Who::Site,
                Actor::Trusted(by),
            ) => {
                self.check_app(ctx)?;
                Admitted::Process(by.clone())
            }
            (Who::Site, Actor::Site(site)) => {
                call.trail.note("site", site.subdomain.as_str());
                self.check_app(ctx)?;
                Admitted::Site(Arc::clone(site))
            }
            (Who::Oneself, Actor::Trusted(_))
            | (Who::Trusted | Who::Site, Actor::Session(_) | Actor::Known(_))
            | (
                Who::Oneself
                | Who::OneselfOrSuperUser
                | Who::OneselfOrUserManager
                | Who::SuperUser
                | Who::UserManager
                | Who::AuditReader
                | Who::Trusted,
                Actor::Site(_),
            )
            | (
                Who::Oneself
                | Who::OneselfOrSuperUser
                | Who::OneselfOrUserManager
                | Who::SuperUser
                | Who::UserManager
                | Who::AuditReader
                | Who::Trusted
                | Who::Site,
                Actor::Anonymous,
            ) => return Err(Code::AuthNotAllowed.into()),
        };
        if let Some(by) = call.user_id().cloned() {
            call.trail.by(&by);
        }
        call.trail.event.how = match &call.admitted {
            Admitted::User(caller) => Some(how_of_session(caller.session())),
            Admitted::Process(_) => Some(self.how_of_process()),
            Admitted::Site(_) => Some(how::SITE),
            // What an anonymous caller proves comes later; what the product does by itself is known already.
            Admitted::Anonymous => call.trail.event.how,
        };
        match (&call.admitted, who) {
            (Admitted::User(caller), Who::SuperUser) => caller.require_super_user(),
            (Admitted::User(caller), Who::UserManager) => caller.require_user_manager(),
            (Admitted::User(caller), Who::AuditReader) => caller.require_audit_reader(),
            _ => Ok(()),
        }
    }

    /// How the process itself acts: the command, or a program that holds the object and skips the checks.
    pub(in crate::ops) fn how_of_process(&self) -> &'static str {
        if self.core.is_command { how::COMMAND } else { how::SKIP_SEC }
    }

    /// On whose behalf the product does what nobody has asked for.
    pub(in crate::ops) fn own_context(&self) -> Result<Context> {
        let cid = Cid::random(self.random())?;
        Ok(Context {
            cid,
            current_app: self.config().apps.default.clone(),
            remote_addr: RemoteAddr::default(),
            language: None,
        })
    }

    /// Commits an operation's changes together with its entry: there is never one without the other.
    pub(in crate::ops) async fn commit(&self, mut tx: Tx, trail: &mut Trail) -> Result<()> {
        self.insert(&mut tx, trail).await?;
        tx.commit().await?;
        self.core.has_unsealed.store(true, SeqCst);
        trail.is_committed = true;
        if trail.has_mail {
            self.core.mailer.wake();
        }
        Ok(())
    }

    /// Ends an operation: a success that changed nothing is recorded now. Refusals can be caused as fast as requests can be
    /// sent: what the database keeps of them is bounded, whoever causes them.
    async fn close_entry(&self, mut trail: Trail, failed: Option<(&Error, Refused)>) -> Result<()> {
        match failed {
            None if trail.is_left_out => return Ok(()),
            None if trail.is_committed => {}
            None => {
                if trail.event.kind == AuditKind::SessionCheck && !self.config().audit.session_checks {
                    return Ok(());
                }
                match self.record_alone(&trail).await {
                    // What was only read is there, also on a full disk: its entry is written when there is room again.
                    Err(Error::Unavailable(_)) if trail.event.kind == AuditKind::Disclosure => {
                        self.core.refusals.keep(&trail.event);
                    }
                    outcome => outcome?,
                }
            }
            Some((error, refused)) => {
                self.log_failure(trail.event.op, error, &trail.event.cid);
                // The refusal stands whether or not it could be recorded.
                if trail.fail(error)
                    && self.is_for_database(&trail)
                    && self.core.refusals.count(&trail.event, refused) == Counting::First
                    && let Err(failed) = self.record_alone(&trail).await
                {
                    trail.note("audit_error", failed.to_string());
                }
            }
        }
        if let Some((_, why)) = trail.event.extra.iter().find(|(name, _)| *name == HOOK_ERROR) {
            self.log().say(LogLevel::Warning, "hook.failed", why, Some(&trail.event.cid));
        }
        self.core.audit.write(&trail);
        Ok(())
    }

    async fn record_alone(&self, trail: &Trail) -> Result<()> {
        if !self.is_for_database(trail) {
            return Ok(());
        }
        let mut tx = self.db().write().await?;
        self.insert(&mut tx, trail).await?;
        tx.commit().await?;
        self.core.has_unsealed.store(true, SeqCst);
        Ok(())
    }

    fn is_for_database(&self, trail: &Trail) -> bool {
        self.config().audit.to_database
            && match trail.event.kind {
                AuditKind::Change | AuditKind::Disclosure => true,
                AuditKind::Activity | AuditKind::SessionCheck => false,
            }
    }

    /// Writes an entry of something that a change brings with it; the line follows when the change is committed.
    pub(in crate::ops) async fn insert(&self, tx: &mut Tx, trail: &Trail) -> Result<()> {
        if !self.is_for_database(trail) {
            return Ok(());
        }
        let audit_id: Uuid = time_ordered_uuid(trail.event.time, &*self.core.random)?;
        let (keys, extra) = (self.core.audit_keys.get(), trail.extra());
        let digest = keys.newest().map(|key| digest_of_event(key, audit_id, &trail.event, &extra));
        store::audit::insert(tx, audit_id, &trail.event, &extra, digest.as_deref()).await
    }
}
