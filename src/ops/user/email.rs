//! New emails: one's own counts when it is confirmed by a link that was sent there, and the address before is told.
//!
//! ```text
//! update ──> waits ──> confirmed: the user's, and every reset that was open is over
//!              │ └───> a day is over, or another one is wanted instead
//!              └─────> given up: the password changes, a super-user sets an email, the user is locked
//! ```
//!
//! Whether somebody else has the address is found out when it is confirmed, and told only then: who has the link owns
//! the address.

use std::mem;

use crate::crypto::token::{self, TokenBits};
use crate::crypto::{Place, plain};
use crate::domain::{Code, Context, Edit, EmailKind, Error, Operation, Password, Result, UserId, UserUpdate};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::ops::mail::message::About;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::{HeldUser, Updated, UserRow};
use crate::store::user::email_change::NewEmailChange;

impl Sso {
    /// The new email of an update that has to be confirmed before it counts, taken out of the update. None where it
    /// counts at once, or is the one that the user has.
    pub(in crate::ops) fn email_to_confirm(
        &self,
        row: &UserRow,
        update: &mut UserUpdate,
    ) -> Result<Option<String>> {
        // A link that nothing sends would be waited for in vain.
        if self.config().email.confirm_change == Some(false) || !self.can_send_email() {
            return Ok(None);
        }
        let email = match mem::take(&mut update.email).given() {
            None => return Ok(None),
            Some(email) => self.check_email(email)?,
        };
        let Some(email) = email else {
            // Nobody could confirm that there is none.
            update.email = Edit::Clear;
            return Ok(None);
        };
        let indexes = self.core.keyring.blind_index_candidates(&email);
        let is_current = indexes.iter().any(|index| row.email_index.as_deref() == Some(&index[..]));
        if is_current {
            // In another spelling, perhaps.
            update.email = Edit::Set(email);
            return Ok(None);
        }
        Ok(Some(email))
    }

    /// Has a new email wait for its link, and tells the address that the user has.
    pub(in crate::ops) async fn ask_to_confirm_email(
        &self,
        tx: &mut Tx,
        call: &mut Call<'_>,
        row: &UserRow,
        email: String,
    ) -> Result<()> {
        let now = self.now();
        self.count_email_change(tx, &row.user_id).await?;
        let hours = i64::from(self.config().email.confirm_within);
        let confirm_token = token::new_token(&*self.core.random, TokenBits::Bits256)?;
        let sealed = if self.config().main.encrypt_email {
            self.core.keyring.seal(place(&row.user_id), email.as_bytes(), &*self.core.random)?
        } else {
            plain(email.as_bytes())
        };
        let new = NewEmailChange {
            user_id: &row.user_id,
            email: &sealed,
            email_index: &self.core.keyring.blind_index(&email),
            token_digest: &token::digest(confirm_token.expose()),
            creation_time: now,
            expiration_time: now.plus_minutes(hours * 60),
        };
        store::user::email_change::put(tx, &new).await?;
        call.trail.note("email", "waits to be confirmed");
        let about = About {
            token: Some(&confirm_token),
            minutes: hours * 60,
            ..About::plain(EmailKind::EmailConfirm)
        };
        self.queue_email_to(tx, call.ctx, &mut call.trail, row, email, about).await?;
        self.tell_former_email(tx, call, row).await
    }

    /// What another email in the place of a user's own ends: the one that waits, and resets whose tokens went to the
    /// former one, which is told.
    pub(in crate::ops) async fn replace_email(
        &self,
        tx: &mut Tx,
        call: &mut Call<'_>,
        former: &UserRow,
        is_new: bool,
    ) -> Result<()> {
        self.give_up_email_change(tx, &former.user_id).await?;
        if !is_new {
            return Ok(());
        }
        self.end_resets(tx, &former.user_id).await?;
        self.tell_former_email(tx, call, former).await
    }

    /// The one who owned the account first is told: another email that waits for the same user is not replaced.
    async fn tell_former_email(&self, tx: &mut Tx, call: &mut Call<'_>, former: &UserRow) -> Result<()> {
        let kind = EmailKind::EmailChanged;
        if store::mail::outbox::is_waiting(tx, kind.as_str(), &former.user_id).await? {
            return Ok(());
        }
        self.queue_email(tx, call.ctx, &mut call.trail, former, About::plain(kind)).await
    }

    /// Confirms a new email by the token of its link: it is the user's from now on.
    ///
    /// # Errors
    /// E005006 for a token that is not valid, was used or has expired, E005001 if the user may not log in, E002002 if
    /// somebody else who has signed up has the email by now.
    pub async fn confirm_email(&self, ctx: &Context, confirm_token: &Password) -> Result<()> {
        self.run(ctx, Operation::UserConfirmEmail, Actor::Anonymous, async |call| {
            let digest = token::digest(confirm_token.expose());
            let mut tx = self.db().write().await?;
            let confirmed = store::user::email_change::take(&mut tx, &digest, self.now()).await?;
            let confirmed = confirmed.ok_or(Code::AuthNoSuchSignUpToken)?;
            let user_id = confirmed.user_id;
            call.trail.on(&user_id);
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let mut row = row.ok_or(Code::AuthNoSuchSignUpToken)?;
            if !HeldUser::from(&row).may_have_sessions() {
                return Err(Code::AuthNotAllowed.into());
            }
            let email = self.core.keyring.open_or_plain(place(&user_id), &confirmed.email)?;
            let email = std::str::from_utf8(&email).map_err(Error::internal)?;
            row.email_index = Some(self.core.keyring.blind_index(email).to_vec());
            row.email = Some(self.seal_email(&user_id, email)?);
            // Who has the link owns the address; a sign-up with it that nobody has confirmed is no owner's.
            row.email_is_claimed = true;
            row.email_is_verified = true;
            for index in self.core.keyring.blind_index_candidates(email) {
                store::user::signup::delete_waiting(&mut tx, &index).await?;
                if store::user::signup::is_claimed_by_another(&mut tx, &user_id, &index).await? {
                    return Err(Code::EmailExists.into());
                }
            }
            match store::user::account::set_email(&mut tx, &row).await? {
                Updated::Yes => {}
                Updated::UsernameTaken | Updated::EmailTaken => return Err(Code::EmailExists.into()),
            }
            store::user::profile::set_time(&mut tx, &user_id, self.now()).await?;
            self.end_resets(&mut tx, &user_id).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }
}

/// Where the sealed email that waits belongs.
fn place(user_id: &UserId) -> Place<'_> {
    Place { table: "sso_email_change", column: "email", row: user_id.as_str().as_bytes() }
}
