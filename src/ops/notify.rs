//! Emails to users, put into the outbox in the transaction of what causes them.

use std::time::Duration;

use uuid::Uuid;

use crate::config::LogLevel;
use crate::domain::{Context, EmailKind, Error, Language, Operation, Result, UserId, time_ordered_uuid};
use crate::ops::Sso;
use crate::ops::access::user_row::Column;
use crate::ops::audit::Trail;
use crate::ops::mail::envelope::{Content, Envelope, Request};
use crate::ops::mail::mailer::NO_WAY;
use crate::ops::mail::message::{self, About, Reader};
use crate::store;
use crate::store::Tx;
use crate::store::mail::outbox::NewMessage;
use crate::store::user::account::UserRow;

/// When to try again what needs an outbox that is full.
const WHEN_FULL: Duration = Duration::from_secs(60);

impl Sso {
    /// Whether there is a way to send emails: an SMTP server, or a hook.
    pub(in crate::ops) fn can_send_email(&self) -> bool {
        self.core.smtp.is_some() || self.hooks().sends_email()
    }

    /// Has an email sent to a user, if they have an address, once the transaction is committed. Without a way to send it
    /// the log says so once.
    ///
    /// # Errors
    /// E005009 if too many emails wait already.
    pub(in crate::ops) async fn queue_email(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        about: About<'_>,
    ) -> Result<()> {
        match self.address_of(row)? {
            Some(to) => self.queue_email_to(tx, ctx, trail, row, to, about).await,
            None => Ok(()),
        }
    }

    /// Tells a user of a change of what proves who they are, or of something else that they would want to know of, where
    /// configuration and a way to send emails allow it. However many emails wait, one of each kind for a user is none too
    /// many, and a change is not refused for it.
    pub(in crate::ops) async fn tell_of_change(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        about: About<'_>,
    ) -> Result<()> {
        if self.config().email.security_notices && self.can_send_email() {
            self.queue_promised_email(tx, ctx, trail, row, about).await?;
        }
        Ok(())
    }

    /// Tells a user that the second factor has changed, and how.
    pub(in crate::ops) async fn tell_of_second_factor(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        change: &str,
    ) -> Result<()> {
        let details = [("change", change)];
        let about = About { details: &details, ..About::plain(EmailKind::SecondFactorChanged) };
        self.tell_of_change(tx, ctx, trail, row, about).await
    }

    /// As [`Self::queue_email`], for what an answer has promised already, however many emails wait.
    pub(in crate::ops) async fn queue_promised_email(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        about: About<'_>,
    ) -> Result<()> {
        match self.address_of(row)? {
            Some(to) => self.queue_letter(tx, ctx, trail, row, to, about, i64::MAX).await,
            None => Ok(()),
        }
    }

    /// The same to an address that need not be the user's own.
    ///
    /// # Errors
    /// As [`Self::queue_email`].
    pub(in crate::ops) async fn queue_email_to(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        to: String,
        about: About<'_>,
    ) -> Result<()> {
        if !self.is_email_possible(ctx, Some(&row.user_id), about.kind.as_str()) {
            return Ok(());
        }
        self.queue_letter(tx, ctx, trail, row, to, about, self.max_waiting()).await
    }

    fn address_of(&self, row: &UserRow) -> Result<Option<String>> {
        let opened = row.email.as_deref().map(|email| self.unseal(Column::Email, &row.user_id, email));
        Ok(opened.transpose()?.map(|email| email.expose().to_owned()))
    }

    /// The language that a user reads: that of the page where they have asked for something, else that of the pages where they
    /// have logged in last. What others do about them says nothing of that. A notice is in the latter if there is one: who
    /// acts may be an intruder, and is not to choose a language that the user does not read.
    async fn language_of(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &Trail,
        row: &UserRow,
        is_notice: bool,
    ) -> Result<Option<Language>> {
        let is_own = trail.event.current_user.as_ref().is_none_or(|by| *by == row.user_id);
        let asked = ctx.language.filter(|_| is_own);
        if asked.is_some() && !is_notice {
            return Ok(asked);
        }
        Ok(store::user::account::language(tx, &row.user_id).await?.or(asked))
    }

    /// Remembers in which language a user has logged in, if that is known.
    pub(in crate::ops) async fn remember_language(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        user_id: &UserId,
    ) -> Result<()> {
        match ctx.language {
            Some(language) => store::user::account::set_language(tx, user_id, language).await,
            None => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what an email is made of, and where it goes")]
    async fn queue_letter(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        to: String,
        about: About<'_>,
        max: i64,
    ) -> Result<()> {
        let language = self.language_of(tx, ctx, trail, row, about.kind.is_notice()).await?;
        let reader = Reader { username: row.username.clone(), to, language };
        let letter =
            message::write((self.config(), self.core.is_server), &self.core.templates, about, reader)?;
        let envelope = Envelope::new(ctx, Content::Letter(letter));
        let about = (about.kind.as_str(), Some(&row.user_id));
        self.put_into_outbox(tx, trail, about, &envelope, max).await
    }

    /// Has a request looked at once the transaction is committed, after the answer to it.
    ///
    /// # Errors
    /// E005009 if too many emails and requests wait already.
    pub(in crate::ops) async fn queue_request(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        request: Request,
    ) -> Result<()> {
        let kind = request.kind;
        if !self.is_email_possible(ctx, None, kind.email().as_str()) {
            return Ok(());
        }
        let envelope = Envelope::new(ctx, Content::Request(request));
        self.put_into_outbox(tx, trail, (kind.as_str(), None), &envelope, self.max_waiting()).await
    }

    fn max_waiting(&self) -> i64 {
        self.config().email.max_waiting.into()
    }

    async fn put_into_outbox(
        &self,
        tx: &mut Tx,
        trail: &mut Trail,
        (kind, user_id): (&str, Option<&UserId>),
        envelope: &Envelope,
        max: i64,
    ) -> Result<()> {
        let now = self.now();
        let message_id: Uuid = time_ordered_uuid(now, &*self.core.random)?;
        let message = envelope.seal(&self.core.keyring, message_id, &*self.core.random)?;
        let new = NewMessage { message_id, kind, user_id, message: &message, creation_time: now };
        if !store::mail::outbox::insert(tx, &new, max).await? {
            trail.note("reason", "too many emails are waiting");
            let text = "an email was not taken: too many are waiting, see email.max_waiting";
            self.log().say(LogLevel::Warning, "email.refused", text, Some(&trail.event.cid));
            return Err(Error::RateLimited { retry_after: WHEN_FULL });
        }
        trail.has_mail = true;
        Ok(())
    }

    /// Commits what has become of a request, which is done by that.
    pub(in crate::ops) async fn commit_request(
        &self,
        mut tx: Tx,
        trail: &Trail,
        request_id: Uuid,
    ) -> Result<()> {
        store::mail::outbox::done(&mut tx, request_id, self.core.mailer.node).await?;
        tx.commit().await?;
        if trail.has_mail {
            self.core.mailer.wake();
        }
        Ok(())
    }

    fn is_email_possible(&self, ctx: &Context, user_id: Option<&UserId>, template: &str) -> bool {
        if self.can_send_email() {
            return true;
        }
        self.say_no_way(self.email_trail(ctx, user_id, template));
        false
    }

    /// Says that there is no way to send emails, once.
    pub(in crate::ops) fn say_no_way(&self, trail: Trail) {
        if self.core.mailer.is_first_time() {
            self.log().say(LogLevel::Warning, "email.not_sent", NO_WAY, Some(&trail.event.cid));
            self.core.audit.tell(trail, self.system_time(), Err(NO_WAY));
        }
    }

    /// The entry of an email: what became of it.
    pub(in crate::ops) fn email_trail(
        &self,
        ctx: &Context,
        user_id: Option<&UserId>,
        template: &str,
    ) -> Trail {
        let mut trail = Trail::new(ctx, Operation::EmailSend, self.system_time());
        if let Some(user_id) = user_id {
            trail.on(user_id);
        }
        trail.note("template", template);
        trail
    }
}
