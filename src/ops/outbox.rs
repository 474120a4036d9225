//! The tasks that empty the outbox: one turns requests into emails, the other sends these, one at a time.
//!
//! ```text
//! due ──> held by one node ─┬─ sent ──────────────────────────────> deleted
//!          ▲                ├─ failed for now: after a pause ──┐
//!          └────────────────┼──────────────────────────────────┘
//!                           └─ refused for good, or a day old ────> given up: deleted, with an audit entry
//! ```
//!
//! A node that is gone does not renew its hold, and another sends the email; an attempt that had almost succeeded is
//! repeated then. A hook runs once for an email, also if it fails.
//!
//! Pauses of this process are measured by a clock that never steps. The time in the row is for other nodes.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use uuid::Uuid;

use crate::config::LogLevel;
use crate::domain::{Context, Email, EmailKind, Result};
use crate::ops::Sso;
use crate::ops::audit::Trail;
use crate::ops::mail::envelope::{Content, Envelope, Letter, Request, RequestKind};
use crate::ops::mail::mailer::Signal;
use crate::ops::mail::smtp::Undelivered;
use crate::ops::metrics::count::EmailOutcome;
use crate::ops::sso::Core;
use crate::store::mail::outbox::{self, Claimed, Holder, Lane};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Seconds after which the row of a node that is gone is free, and how often a node that is not renews its hold.
const HOLD_SECONDS: i64 = 30;
const RENEW_HOLD: Duration = Duration::from_secs(10);

/// How often the outbox is looked at without being told: for what other processes leave.
const POLL: Duration = Duration::from_secs(5);

/// A process that is done sooner, as a command is, leaves what others have queued to others.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// The seconds after the first attempt, which double with each, and the most.
const FIRST_PAUSE: u64 = 1;
const LONGEST_PAUSE: u64 = 300;

/// After so many attempts a node leaves the next one to whoever comes first: its own way to the server may be what is wrong.
/// Until then others come later by this.
const OWN_ATTEMPTS: i64 = 3;
const COURTESY: Duration = Duration::from_secs(5);

/// The age at which an email is given up.
const GIVE_UP: Duration = Duration::from_secs(86_400);

/// What this process is to try again, and when.
type Retries = BTreeSet<(Instant, Uuid)>;

impl Sso {
    /// Begins to empty the outbox, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) fn start_sending(&self) {
        self.core.mailer.start(|number, signal| {
            let lane = if number == 0 { Lane::Requests } else { Lane::Emails };
            tokio::spawn(run(Arc::downgrade(&self.core), lane, signal))
        });
    }

    /// Sends what is due, and, at the end, once more what has failed. When the database is away, there is nothing to do
    /// but to look again later.
    async fn send_due(
        &self,
        lane: Lane,
        retries: &mut Retries,
        signal: &watch::Receiver<Signal>,
        is_last: bool,
    ) {
        while self.can_send_email() && (is_last || *signal.borrow() != Signal::Close) {
            let Ok(Some(claimed)) = self.next_message(lane, retries, is_last).await else { return };
            let Ok(again) = self.send_claimed(&claimed, is_last).await else { return };
            retries.extend(again.map(|pause| (Instant::now() + pause, claimed.message_id)));
        }
    }

    async fn next_message(
        &self,
        lane: Lane,
        retries: &mut Retries,
        is_last: bool,
    ) -> Result<Option<Claimed>> {
        while let Some((due, message_id)) = retries.first().copied() {
            if !is_last && due > Instant::now() {
                break;
            }
            retries.pop_first();
            let mut tx = self.db().write().await?;
            let claimed = outbox::claim_one(&mut tx, message_id, self.now(), self.holder()).await?;
            tx.commit().await?;
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
        let mut conn = self.db().read().await?;
        if !outbox::is_any_due(&mut conn, lane, self.now()).await? {
            return Ok(None);
        }
        drop(conn);
        let mut tx = self.db().write().await?;
        let claimed = outbox::claim(&mut tx, lane, self.now(), self.holder()).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    fn holder(&self) -> Holder {
        Holder { node: self.core.mailer.node, until: self.now().plus_seconds(HOLD_SECONDS) }
    }

    /// Does what a row asks for; the pause after which it is to be tried again, if it is.
    async fn send_claimed(&self, claimed: &Claimed, is_last: bool) -> Result<Option<Duration>> {
        let Ok(envelope) = Envelope::open(&self.core.keyring, claimed.message_id, &claimed.message) else {
            let ctx = self.own_context()?;
            let why = "the message cannot be opened: it is damaged, or its key is missing";
            self.give_up(claimed, self.trail_of(&ctx, claimed), why).await?;
            return Ok(None);
        };
        let ctx = envelope.context();
        let trail = self.trail_of(&ctx, claimed);
        let outcome = match envelope.content {
            Content::Letter(letter) => match self.email(claimed, letter) {
                Some(email) => self.deliver(&email).await,
                None => Err(Undelivered::ForGood("this version does not know such an email".to_owned())),
            },
            Content::Request(request) => {
                let outcome = self.answer(&ctx, &request, claimed).await;
                outcome.map_err(|error| Undelivered::ForNow(error.to_string()))
            }
        };
        let is_request = claimed.user_id.is_none();
        match outcome {
            Ok(()) if is_request => Ok(None),
            Ok(()) => {
                self.finish(claimed).await?;
                self.core.counters.email(EmailOutcome::Sent);
                self.core.audit.tell(trail, self.system_time(), Ok(()));
                Ok(None)
            }
            Err(Undelivered::NoWay) => {
                self.finish(claimed).await?;
                self.core.counters.email(EmailOutcome::NoWay);
                self.say_no_way(trail);
                Ok(None)
            }
            Err(Undelivered::ForGood(why)) => self.give_up(claimed, trail, &why).await.map(|()| None),
            Err(Undelivered::ForNow(why)) if self.now().since(claimed.creation_time) >= GIVE_UP => {
                self.give_up(claimed, trail, &why).await.map(|()| None)
            }
            Err(Undelivered::ForNow(why)) => {
                self.core.counters.email(EmailOutcome::Deferred);
                if claimed.attempts <= 1 {
                    let text = format!("an email waits, it could not be sent: {why}");
                    self.log().say(LogLevel::Warning, "email.deferred", &text, Some(&ctx.cid));
                }
                let pause = pause_after(claimed.attempts);
                let is_own = claimed.attempts <= OWN_ATTEMPTS;
                let others = if is_own { pause + COURTESY } else { pause };
                let others = i64::try_from(others.as_secs()).unwrap_or(i64::MAX);
                let mut tx = self.db().write().await?;
                let next_time = self.now().plus_seconds(others);
                outbox::later(&mut tx, claimed.message_id, self.core.mailer.node, next_time).await?;
                tx.commit().await?;
                if is_last {
                    self.core.audit.tell(trail, self.system_time(), Err(&format!("kept for later: {why}")));
                    return Ok(None);
                }
                Ok(is_own.then_some(pause))
            }
        }
    }

    fn trail_of(&self, ctx: &Context, claimed: &Claimed) -> Trail {
        let mut trail = self.email_trail(ctx, claimed.user_id.as_ref(), &claimed.kind);
        trail.note("attempts", claimed.attempts.to_string());
        trail
    }

    fn email(&self, claimed: &Claimed, letter: Letter) -> Option<Email> {
        let Letter { username, to, subject, text, html } = letter;
        Some(Email {
            id: claimed.message_id,
            date: claimed.creation_time,
            kind: EmailKind::ALL.into_iter().find(|kind| kind.as_str() == claimed.kind)?,
            user_id: claimed.user_id.clone()?,
            username,
            to,
            from: self.config().password_reset.email_from.clone(),
            subject,
            text,
            html,
        })
    }

    /// Delivers an email by the hook, if there is one, else by SMTP, and holds its row meanwhile.
    async fn deliver(&self, email: &Email) -> Result<(), Undelivered> {
        let hook = self.hooks().send_email(email);
        let is_hook = hook.is_some();
        let work = timeout(ATTEMPT, async {
            match (hook, &self.core.smtp) {
                // It is not called again: a hook that failed may have sent the email all the same.
                (Some(call), _) => {
                    call.await.map_err(|error| Undelivered::ForGood(by_hook(&error.to_string())))
                }
                (None, Some(smtp)) => smtp.deliver(email).await,
                (None, None) => Err(Undelivered::NoWay),
            }
        });
        tokio::pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome.unwrap_or_else(|_| Err(if is_hook {
                    Undelivered::ForGood(by_hook("takes too long"))
                } else {
                    Undelivered::ForNow("an attempt takes too long".to_owned())
                })),
                () = sleep(RENEW_HOLD) => drop(self.renew_hold(email.id).await),
            }
        }
    }

    async fn renew_hold(&self, message_id: Uuid) -> Result<()> {
        let mut tx = self.db().write().await?;
        outbox::hold(&mut tx, message_id, self.holder()).await?;
        tx.commit().await
    }

    /// Turns a request into emails.
    async fn answer(&self, ctx: &Context, request: &Request, claimed: &Claimed) -> Result<()> {
        match request.kind {
            RequestKind::PasswordReset => self.email_reset_tokens(ctx, request, claimed.message_id).await,
            RequestKind::SignUpConfirm => self.email_confirm_tokens(ctx, request, claimed.message_id).await,
        }
    }

    async fn finish(&self, claimed: &Claimed) -> Result<()> {
        let mut tx = self.db().write().await?;
        outbox::done(&mut tx, claimed.message_id, self.core.mailer.node).await?;
        tx.commit().await
    }

    async fn give_up(&self, claimed: &Claimed, mut trail: Trail, why: &str) -> Result<()> {
        let mut tx = self.db().write().await?;
        if !outbox::done(&mut tx, claimed.message_id, self.core.mailer.node).await? {
            return Ok(());
        }
        self.core.counters.email(EmailOutcome::GivenUp);
        trail.give_up(why);
        self.commit(tx, &mut trail).await?;
        let text = format!("an email was given up: {why}");
        self.log().say(LogLevel::Error, "email.given_up", &text, Some(&trail.event.cid));
        self.core.audit.write(&trail);
        Ok(())
    }
}

fn by_hook(what: &str) -> String {
    format!("the hook send_email {what}")
}

/// The pause after so many attempts.
fn pause_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 30)).unwrap_or(0);
    Duration::from_secs((FIRST_PAUSE << doublings).min(LONGEST_PAUSE))
}

/// Between two looks it holds nothing that would keep a database open.
async fn run(core: Weak<Core>, lane: Lane, mut signal: watch::Receiver<Signal>) {
    let mut retries = Retries::new();
    let mut next = Instant::now() + FIRST_LOOK;
    loop {
        if let Ok(Err(_)) = timeout_at(next, signal.changed()).await {
            return;
        }
        let is_last = *signal.borrow_and_update() == Signal::Close;
        let Some(core) = core.upgrade() else { return };
        let sso = Sso { core };
        if !is_last || sso.core.mailer.has_queued() {
            sso.send_due(lane, &mut retries, &signal, is_last).await;
        }
        if is_last {
            return;
        }
        let poll = Instant::now() + POLL;
        next = retries.first().map_or(poll, |(due, _)| poll.min(*due));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pauses: Vec<u64> = (0..12).map(|attempts| pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(pause_after(i64::MAX).as_secs(), LONGEST_PAUSE);
    }
}
