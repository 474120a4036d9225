//! Who comes to the pages for people, and who into which part of the administration.

use crate::domain::{Context, Operation, Result, Session, UserView, Ust};
use crate::ops::Sso;
use crate::ops::access::actor::{Actor, Caller};
use crate::ops::access::methods::{Acr, acr_of};
use crate::store;

/// Somebody who has a session, found once for all that a request does.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who acts.
    pub actor: Actor,
    /// What is shown of the user.
    pub view: UserView,
    /// The session.
    pub session: Session,
    /// Whether there are users that they may manage: of super-users and of members of groups with that right.
    pub may_manage_users: bool,
    /// Whether they may read the audit: super-users, and members of groups with that right.
    pub may_read_audit: bool,
}

/// A part of the administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsolePart {
    /// Users: for super-users, and in part for members of groups that may manage users.
    Users,
    /// The audit: for super-users, and members of groups that may read it.
    Audit,
    /// Everything else: for super-users.
    All,
}

/// Whether somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleEntry {
    /// They do.
    Open,
    /// Not before they have set up a second factor, which `admin.require_second_factor` asks for.
    SecondFactorNeeded,
    /// Not before they have shown the second factor that they have: this session was opened without.
    StepUpNeeded,
}

impl Sso {
    /// Who has this session.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn visitor(&self, ctx: &Context, ust: &Ust) -> Result<Visitor> {
        self.run(ctx, Operation::UserGetCurrent, ust, async |call| {
            let user_id = call.target(None)?;
            let caller: &Caller = call.caller()?;
            let view = self.shown_to(caller, &user_id, false).await?;
            Ok(Visitor {
                view,
                session: caller.session().clone(),
                may_manage_users: caller.may_manage_users(),
                may_read_audit: caller.may_read_audit(),
                actor: Actor::Known(caller.clone()),
            })
        })
        .await
    }

    /// Whether a user may come into a part of the administration.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn enter_console(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        part: ConsolePart,
    ) -> Result<ConsoleEntry> {
        self.run(ctx, Operation::ConsoleEnter, actor, async |call| {
            let caller = call.caller()?;
            match part {
                ConsolePart::Users => caller.require_user_manager()?,
                ConsolePart::Audit => caller.require_audit_reader()?,
                ConsolePart::All => caller.require_super_user()?,
            }
            let asked_for = self.config().admin.require_second_factor;
            if asked_for == Some(false) {
                return Ok(ConsoleEntry::Open);
            }
            let has_totp = self.shown_to(caller, caller.user_id(), false).await?.user.is_totp_enabled;
            let mut conn = self.db().read().await?;
            if !self.has_second_factor(&mut conn, caller.user_id(), has_totp).await? {
                return Ok(match asked_for {
                    Some(true) => ConsoleEntry::SecondFactorNeeded,
                    _ => ConsoleEntry::Open,
                });
            }
            let methods = store::session::proof::methods(&mut conn, caller.session().session_id).await?;
            Ok(match acr_of(methods.as_deref().unwrap_or_default()) {
                Acr::One => ConsoleEntry::StepUpNeeded,
                Acr::Two => ConsoleEntry::Open,
            })
        })
        .await
    }
}
