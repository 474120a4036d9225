//! Sending emails to users.

use crate::domain::{Context, Email, EmailKind, Operation, Password, Result, time_ordered_uuid};
use crate::ops::Sso;
use crate::ops::access::user_row::Column;
use crate::ops::audit::Trail;
use crate::ops::mail::message::{self, Addressee};
use crate::ops::mail::queue::Message;
use crate::store::user::account::UserRow;

impl Sso {
    /// Has an email sent to a user, if they have an address: later, in the background. Neither how long that takes nor
    /// whether it succeeds changes anything here; the audit log has the outcome.
    pub(in crate::ops) fn send_email(
        &self,
        ctx: &Context,
        row: &UserRow,
        kind: EmailKind,
        token: Option<&Password>,
    ) {
        let mut trail = Trail::new(ctx, Operation::EmailSend, self.now());
        trail.on(&row.user_id);
        trail.note("template", kind.as_str());
        match self.email_to(row, kind, token) {
            Ok(Some(email)) => {
                let by_hook = self.hooks().send_email(&email).map(Message::Hook);
                self.core.mailer.send(by_hook.unwrap_or_else(|| Message::Smtp(Box::new(email))), trail);
            }
            Ok(None) => {}
            Err(error) => self.core.audit.tell(trail, self.now(), Err(&error.to_string())),
        }
    }

    fn email_to(&self, row: &UserRow, kind: EmailKind, token: Option<&Password>) -> Result<Option<Email>> {
        let Some(envelope) = row.email.as_deref() else { return Ok(None) };
        let addressee = Addressee {
            user_id: row.user_id.clone(),
            username: row.username.clone(),
            email: self.unseal(Column::Email, &row.user_id, envelope)?.expose().to_owned(),
        };
        let now = self.now();
        let id = time_ordered_uuid(now, &*self.core.random)?;
        message::write(self.config(), &self.core.templates, kind, addressee, token, (id, now)).map(Some)
    }
}
