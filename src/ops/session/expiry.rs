//! How long a session lives.

use crate::config::MAX_SESSION_MINUTES;
use crate::domain::{Context, Timestamp};
use crate::ops::audit::Trail;
use crate::ops::{HookError, Sso};

impl Sso {
    /// When a session that is opened or renewed now ends: never within a transaction, since a hook may have a say.
    pub(in crate::ops) async fn session_expiration(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        username: &str,
        creation_time: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        self.wanted_expiration(ctx, trail, username, now).await.min(self.lifetime_limit(creation_time))
    }

    /// The same, whenever the session was opened: before the limit of its lifetime.
    pub(in crate::ops) async fn wanted_expiration(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        username: &str,
        now: Timestamp,
    ) -> Timestamp {
        let default = self.config().session.expiry;
        let minutes = match self.hooks().session_expiry(username, &ctx.current_app, default) {
            None => i64::from(default),
            Some(answer) => {
                let allowed = 1..=i64::from(MAX_SESSION_MINUTES);
                let answer = answer.await.and_then(|minutes| {
                    let wrong = || HookError::new(format!("answered {minutes} minutes"));
                    if allowed.contains(&minutes) { Ok(minutes) } else { Err(wrong()) }
                });
                answer.unwrap_or_else(|error| {
                    trail.hook_failed("session_expiry", &error);
                    i64::from(default)
                })
            }
        };
        now.plus_minutes(minutes)
    }
}
