//! Passwords that expire soon.

use super::Sso;
use crate::domain::{AuditKind, Code, Context, Error, ExpiringPassword, Result, Timestamp, UserId};
use crate::store;

/// How far one can look ahead, in days.
const MAX_DAYS: i64 = 36_500;

impl Sso {
    /// Users who can log in, but not with their password for longer than so many days; None is
    /// `password.about_to_expire_threshold`. By when it expires, a page of so many after the last one of the page before.
    /// Those whose password has expired are past that.
    ///
    /// # Errors
    /// E008002 for days out of range.
    pub async fn list_expiring_passwords(
        &self,
        ctx: &Context,
        days: Option<i64>,
        after: Option<&ExpiringPassword>,
        limit: i64,
    ) -> Result<Vec<ExpiringPassword>> {
        let trail = self.trail(ctx, "user.list_expiring_passwords", AuditKind::Disclosure);
        let outcome = self.page_of_expiring(days, after, limit).await;
        self.conclude(trail, outcome).await
    }

    async fn page_of_expiring(
        &self,
        days: Option<i64>,
        after: Option<&ExpiringPassword>,
        limit: i64,
    ) -> Result<Vec<ExpiringPassword>> {
        let days = days.unwrap_or_else(|| self.days_of_warning());
        if !(0..=MAX_DAYS).contains(&days) {
            return Err(Error::refused(Code::CommonInvalidInput, format!("days: from 0 to {MAX_DAYS}")));
        }
        let now = self.now();
        self.expiring_between(now, now.plus_days(days), after, limit).await
    }

    /// Days before its expiry from which a password counts as about to expire.
    pub(super) fn days_of_warning(&self) -> i64 {
        i64::from(self.config().password.about_to_expire_threshold)
    }

    pub(super) async fn expiring_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&ExpiringPassword>,
        limit: i64,
    ) -> Result<Vec<ExpiringPassword>> {
        let after = after.map(|last| (last.password_expiry.as_micros(), last.user_id.as_str()));
        let mut conn = self.db().read().await?;
        let rows = store::password_expiry::between(&mut conn, from, until, after, limit).await?;
        let expiring = |row: store::password_expiry::ExpiryRow| ExpiringPassword {
            user_id: UserId::from_stored(row.user_id),
            username: row.username,
            password_expiry: Timestamp::from_micros(row.password_expiry),
        };
        Ok(rows.into_iter().map(expiring).collect())
    }
}
