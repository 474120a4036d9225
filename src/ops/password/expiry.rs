//! Passwords that expire soon.

use crate::domain::{Code, Context, Error, ExpiringPassword, Operation, Result, Timestamp, UserId};
use crate::ops::Sso;
use crate::ops::call::Call;
use crate::store;

/// The setting that tells up to whom the hook has been told: the expiry of the last one, and the id.
const TOLD: &str = "password_expiring_told";

/// How many users one call of the hook gets.
const TOLD_AT_ONCE: i64 = 1_000;

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
        self.record(ctx, Operation::UserListExpiringPasswords, async |_| {
            let days = days.unwrap_or_else(|| self.days_of_warning());
            if !(0..=MAX_DAYS).contains(&days) {
                return Err(Error::refused(Code::CommonInvalidInput, format!("days: from 0 to {MAX_DAYS}")));
            }
            let now = self.now();
            self.expiring_between(now, now.plus_days(days), after, limit).await
        })
        .await
    }

    /// Days before its expiry from which a password counts as about to expire.
    fn days_of_warning(&self) -> i64 {
        i64::from(self.config().password.about_to_expire_threshold)
    }

    async fn expiring_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&ExpiringPassword>,
        limit: i64,
    ) -> Result<Vec<ExpiringPassword>> {
        let mut conn = self.db().read().await?;
        store::password::expiry::between(&mut conn, from, until, after, limit).await
    }

    /// Tells the hook `on_password_expiring` of those whose password has come within
    /// `password.about_to_expire_threshold` days of its expiry since it was told last; how many there were. Of any number of
    /// processes with such a hook, one tells it.
    ///
    /// Who has told writes it down before: where the process ends in between, or the hook fails, nobody hears of these
    /// users, rather than everybody twice.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn tell_of_expiring_passwords(&self, ctx: &Context) -> Result<usize> {
        let mut total = 0;
        loop {
            let told = self.record(ctx, Operation::MaintenanceTellOfExpiringPasswords, async |call| {
                let told = self.tell_of_some(call).await?;
                if told == 0 {
                    call.trail.leave_out();
                }
                Ok(told)
            });
            match told.await? {
                0 => return Ok(total),
                some => total += some,
            }
        }
    }

    async fn tell_of_some(&self, call: &mut Call<'_>) -> Result<usize> {
        let now = self.now();
        let until = now.plus_days(self.days_of_warning());
        let mut conn = self.db().read().await?;
        let told = store::db::setting::get(&mut conn, TOLD).await?;
        drop(conn);
        let last = told.as_deref().and_then(last_told).filter(|last| last.password_expiry > now);
        let users = self.expiring_between(now, until, last.as_ref(), TOLD_AT_ONCE).await?;
        let Some(newest) = users.last() else { return Ok(0) };
        let Some(hook) = self.hooks().on_password_expiring(&users) else { return Ok(0) };

        let mark = format!("{} {}", newest.password_expiry.as_micros(), newest.user_id.as_str());
        let mut tx = self.db().write().await?;
        if !store::db::setting::replace(&mut tx, TOLD, told.as_deref(), mark.as_bytes()).await? {
            // Another process does it.
            return Ok(0);
        }
        tx.commit().await?;
        call.trail.note("users", users.len().to_string());
        if let Err(error) = hook.await {
            call.trail.hook_failed("on_password_expiring", &error);
        }
        Ok(users.len())
    }
}

/// The last one that the hook was told of.
fn last_told(value: &[u8]) -> Option<ExpiringPassword> {
    let (expiry, user_id) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    Some(ExpiringPassword {
        user_id: UserId::parse(user_id)?,
        username: String::new(),
        password_expiry: Timestamp::from_micros(expiry.parse().ok()?),
    })
}
