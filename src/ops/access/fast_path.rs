//! The fast path of the checks that services make all the time: what is cached, in force and allowed is answered on the
//! calling thread, without a runtime or a task.
//!
//! Each function gives the answer of the operation that it is named after, or None, which says nothing at all: then the
//! caller runs that operation from the start. So refusals, requests that are counted and checks that are audited never
//! take the fast path.

use std::sync::Arc;

use crate::crypto::token;
use crate::domain::{Context, Operation, RemoteAddr, SessionView, UserView, Visibility};
use crate::ops::Sso;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::store::session::cache::{KnownSession, Look};

/// On whose behalf something is asked, and from where: what a [`Context`] says.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The application; None for the default one.
    pub current_app: Option<&'a str>,
    /// Where the call comes from.
    pub remote_addr: Address<'a>,
}

/// A remote address that may not have to be parsed.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// As it was given: one, or several with commas between them.
    Text(&'a str),
    /// Taken apart.
    Known(&'a RemoteAddr),
}

impl<'a> From<&'a Context> for Asker<'a> {
    fn from(ctx: &'a Context) -> Self {
        Self { current_app: Some(&ctx.current_app), remote_addr: Address::Known(&ctx.remote_addr) }
    }
}

impl Sso {
    /// The fast path of [`Sso::verify_session`].
    #[must_use]
    pub fn verify_session_fast(&self, asker: Asker<'_>, target: &str, current: &str) -> Option<bool> {
        let look = self.look_fast(asker)?;
        let caller = self.caller_fast(&look, asker, current)?;
        if !caller.user.is_super_user {
            return None;
        }
        if target != current {
            self.standing_fast(&look, asker, target)?;
        }
        self.core.counters.cached(Operation::SessionVerify);
        Some(true)
    }

    /// The fast path of [`Sso::get_current_session`].
    #[must_use]
    pub fn get_current_session_fast(&self, asker: Asker<'_>, current: &str) -> Option<SessionView> {
        let look = self.look_fast(asker)?;
        let known = self.caller_fast(&look, asker, current)?;
        self.core.counters.cached(Operation::SessionGetCurrent);
        Some(known.view())
    }

    /// The fast path of [`Sso::get_current_user`], without secrets.
    #[must_use]
    pub fn get_current_user_fast(&self, asker: Asker<'_>, current: &str) -> Option<UserView> {
        let look = self.look_fast(asker)?;
        let caller = self.caller_fast(&look, asker, current)?;
        let user = Arc::clone(caller.whole_user.get()?);
        self.core.counters.cached(Operation::UserGetCurrent);
        let is_current_super_user = caller.user.is_super_user;
        let visibility = if is_current_super_user { Visibility::SuperUser } else { Visibility::Own };
        Some(UserView { user, visibility, is_current_super_user })
    }

    fn look_fast(&self, asker: Asker<'_>) -> Option<Look<'_>> {
        let config = self.config();
        let app = asker.current_app.unwrap_or(&config.apps.default);
        let is_known = config.apps.all.iter().any(|known| known == app);
        let look = (is_known && !config.audit.session_checks).then(|| self.core.sessions.look(self.now()))?;
        // Without it the digests of tokens would be worked out for nothing.
        look.is_of_use().then_some(look)
    }

    /// The caller, if their requests are not counted.
    fn caller_fast(&self, look: &Look<'_>, asker: Asker<'_>, ust: &str) -> Option<Arc<KnownSession>> {
        self.standing_fast(look, asker, ust).filter(|known| !known.user.is_rate_limit_active)
    }

    /// A session in force, of a user in good standing.
    fn standing_fast(&self, look: &Look<'_>, asker: Asker<'_>, ust: &str) -> Option<Arc<KnownSession>> {
        let known =
            look.get(&token::digest(ust)).filter(|known| self.is_known_in_force(known, look.now()))?;
        if self.is_use_due(&known, look.now()) {
            // The operation writes it.
            return None;
        }
        let user = Standing::from(&known.user);
        let config = self.config();
        let parsed;
        let remote_addr = match asker.remote_addr {
            Address::Known(addr) => addr,
            Address::Text(text) => {
                // The address of a user without a list is not checked.
                let has_list = config.user_address_list.get(user.username).is_some();
                parsed = if has_list { RemoteAddr::from(text) } else { RemoteAddr::default() };
                &parsed
            }
        };
        let standing = check_standing(config, user, remote_addr, look.now(), PasswordAge::Checked);
        standing.is_ok().then_some(known)
    }
}
