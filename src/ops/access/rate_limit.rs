//! Rate limits: counting the requests of users that have one. See `domain::RateLimits`.

use std::sync::atomic::Ordering::Relaxed;

use crate::domain::{Code, Context, Error, RateLimits, Result, UserId};
use crate::ops::Sso;
use crate::store;
use crate::store::access::Kind;

impl Sso {
    /// Counts a request made on behalf of a user, with a session or to open one. Users without limits cost nothing.
    ///
    /// # Errors
    /// E005009 past the limit, E005001 where no rule says anything about the address.
    pub(in crate::ops) async fn count_request(
        &self,
        ctx: &Context,
        user_id: &UserId,
        is_active: bool,
        definition: Option<&str>,
    ) -> Result<()> {
        if !is_active {
            return Ok(());
        }
        let rules = RateLimits::parse(definition.unwrap_or_default()).map_err(Error::internal)?;
        let rule = rules.matching(&ctx.remote_addr).ok_or(Code::AuthNotAllowed)?;
        let Some(limit) = rule.limit else { return Ok(()) };
        let now = self.now();
        // Of this user and this rule: one that is changed starts anew.
        let subject = self.core.keyring.subject_digest(&format!("{user_id} {rule}"));
        let mut tx = self.db().write().await?;
        let (start, end) = (limit.window.start(now), limit.window.end(now));
        let count = store::access::count(&mut tx, Kind::RateLimit, &subject, start, end).await?;
        tx.commit().await?;
        if count > limit.count {
            self.core.counters.rate_limit_refusals.fetch_add(1, Relaxed);
            return Err(Error::RateLimited { retry_after: limit.window.remaining(now) });
        }
        Ok(())
    }
}

/// Checks the limits that a user is to have: a definition must be one, and an active one must allow some address.
pub(in crate::ops) fn check_rate_limits(is_active: bool, definition: Option<&str>) -> Result<()> {
    let refused = |detail: String| Error::refused(Code::CommonInvalidInput, detail);
    let rules = RateLimits::parse(definition.unwrap_or_default())
        .map_err(|error| refused(format!("rate_limit_def: {error}")))?;
    if is_active && rules.is_empty() {
        let detail = "rate_limit_def: needed with is_rate_limit_active, as nothing is allowed without a rule";
        return Err(refused(detail.to_owned()));
    }
    Ok(())
}
