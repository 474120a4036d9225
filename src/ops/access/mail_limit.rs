//! Limits of what strangers may have emailed: so many within an hour, whenever that begins, counted in the database for any
//! number of processes.
//!
//! An hour is counted in parts, each with the time of the last one in it: what is older than an hour counts no more, at
//! most ten minutes late.
//!
//! Counters of addresses and of emails are the same whether or not there is such a user, so that E005009 tells nothing.

use std::time::Duration;

use crate::domain::{Error, RemoteAddr, Result, Timestamp, UserId, canonical_email};
use crate::ops::Sso;
use crate::ops::access::throttle::{Prefix, place_of};
use crate::store::Tx;
use crate::store::access::{self, Kind};

/// How long what was counted counts, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// How long one part of it is.
const PART: i64 = 600_000_000;

/// How many parts an hour can lie in.
const PARTS: i64 = 7;

/// How often a user may want another email in an hour: each sends a link to an address that may be anybody's.
const MAX_EMAIL_CHANGES: u32 = 20;

/// How many emails about new devices a user gets in an hour.
const MAX_NEW_DEVICES: u32 = 10;

impl Sso {
    /// Counts a request for a password reset.
    ///
    /// # Errors
    /// E005009 past the limit of the address.
    pub(in crate::ops) async fn count_reset(&self, tx: &mut Tx, remote_addr: &RemoteAddr) -> Result<()> {
        let max = self.config().password_reset.max_per_hour_per_address;
        self.count_from(tx, Kind::ResetAddress, remote_addr, max).await
    }

    /// Counts an email with a reset token; false past the limit of the user, who then gets none.
    pub(in crate::ops) async fn count_reset_email(&self, tx: &mut Tx, user_id: &UserId) -> Result<bool> {
        let max = self.config().password_reset.max_per_hour;
        Ok(self.count_mail(tx, Kind::ResetUser, user_id.as_str(), max).await?.is_none())
    }

    /// Counts a request to repeat the email of a sign-up.
    ///
    /// # Errors
    /// E005009 past the limit of the address.
    pub(in crate::ops) async fn count_resend(&self, tx: &mut Tx, remote_addr: &RemoteAddr) -> Result<()> {
        let max = self.config().signup.max_per_hour_per_address;
        self.count_from(tx, Kind::SignUpAddress, remote_addr, max).await
    }

    /// Counts an email that is repeated; false past the limit of its address, which then gets none.
    pub(in crate::ops) async fn count_repeated_email(&self, tx: &mut Tx, email: &str) -> Result<bool> {
        let max = self.config().signup.max_per_hour;
        Ok(self.count_mail(tx, Kind::SignUpEmail, &canonical_email(email), max).await?.is_none())
    }

    /// By what a network is known that somebody signs up from.
    pub(in crate::ops) fn place_digest(&self, remote_addr: &RemoteAddr) -> [u8; 32] {
        let network = place_of(remote_addr, Prefix::NETWORK).unwrap_or_default();
        self.core.keyring.subject_digest(&format!("place:{network}"))
    }

    /// Counts a sign-up with an email.
    ///
    /// # Errors
    /// E005009 past the limit.
    pub(in crate::ops) async fn count_sign_up(&self, tx: &mut Tx, email: &str) -> Result<()> {
        let max = self.config().signup.max_per_hour;
        refuse_past(self.count_mail(tx, Kind::SignUpEmail, &canonical_email(email), max).await?)
    }

    /// Counts a sign-up from an address, acceptable or not.
    ///
    /// # Errors
    /// E005009 past the limit.
    pub(in crate::ops) async fn count_sign_up_from(&self, remote_addr: &RemoteAddr) -> Result<()> {
        let max = self.config().signup.max_per_hour_per_address;
        if max == 0 || remote_addr.is_empty() {
            return Ok(());
        }
        let mut tx = self.db().write().await?;
        self.count_from(&mut tx, Kind::SignUpAddress, remote_addr, max).await?;
        tx.commit().await
    }

    /// Counts a new email that a user wants, which is sent a link.
    ///
    /// # Errors
    /// E005009 past the limit.
    pub(in crate::ops) async fn count_email_change(&self, tx: &mut Tx, user_id: &UserId) -> Result<()> {
        refuse_past(self.count_mail(tx, Kind::EmailChange, user_id.as_str(), MAX_EMAIL_CHANGES).await?)
    }

    /// Counts an email about a new device; false past the limit of the user, who then gets none.
    pub(in crate::ops) async fn count_new_device_email(&self, tx: &mut Tx, user_id: &UserId) -> Result<bool> {
        Ok(self.count_mail(tx, Kind::NewDevice, user_id.as_str(), MAX_NEW_DEVICES).await?.is_none())
    }

    async fn count_from(
        &self,
        tx: &mut Tx,
        kind: Kind,
        remote_addr: &RemoteAddr,
        max_per_hour: u32,
    ) -> Result<()> {
        let Some(place) = place_of(remote_addr, Prefix::ADDRESS) else { return Ok(()) };
        refuse_past(self.count_mail(tx, kind, &place, max_per_hour).await?)
    }

    /// Counts one more, unless there were as many within an hour; then the time until there is room for another.
    async fn count_mail(
        &self,
        tx: &mut Tx,
        kind: Kind,
        subject: &str,
        max_per_hour: u32,
    ) -> Result<Option<Duration>> {
        if max_per_hour == 0 {
            return Ok(None);
        }
        let now = self.now();
        let part = now.as_micros().div_euclid(PART);
        let digest = |part: i64| self.core.keyring.subject_digest(&format!("{part}\n{subject}"));
        let parts: Vec<[u8; 32]> = (0..PARTS).map(|earlier| digest(part.saturating_sub(earlier))).collect();
        let since = Timestamp::from_micros(now.as_micros().saturating_sub(HOUR));
        let end = Timestamp::from_micros(now.as_micros().saturating_add(HOUR));
        let Some(current) = parts.first() else { return Ok(None) };
        // First this, which makes others at the same time wait.
        access::count_in_part(tx, kind, current, now, end).await?;
        let counted = access::sum_of_parts(tx, kind, &parts, since).await?;
        if counted.count <= i64::from(max_per_hour) {
            return Ok(None);
        }
        access::uncount(tx, kind, current).await?;
        let oldest = counted.oldest.unwrap_or(now);
        Ok(Some(Timestamp::from_micros(oldest.as_micros().saturating_add(HOUR)).since(now)))
    }
}

/// E005009 past a limit, with the time until there is room.
fn refuse_past(retry_after: Option<Duration>) -> Result<()> {
    retry_after.map_or(Ok(()), |retry_after| Err(Error::RateLimited { retry_after }))
}
