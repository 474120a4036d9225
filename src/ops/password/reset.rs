//! Password resets: a token by email, exchanged for a key, with which a new password is set.

use serde_json::json;
use uuid::Uuid;

use crate::config::UserSearchBy;
use crate::crypto::token::{self, TokenBits};
use crate::crypto::{Place, compare};
use crate::domain::{
    ApprovalStatus, Code, Context, EmailKind, Error, Operation, Password, Result, SignUpStatus, UserId,
    clean_user_agent, time_ordered_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::access::throttle::Origin;
use crate::ops::audit::Trail;
use crate::ops::call::Call;
use crate::ops::mail::envelope::{Request, RequestKind};
use crate::ops::mail::message::About;
use crate::ops::password::accept::Terms;
use crate::store;
use crate::store::Tx;
use crate::store::password::reset::{Access, NewReset};
use crate::store::user::account::UserRow;

/// Why an email is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotSent {
    /// One waits to be sent.
    IsWaiting,
    /// The user has got enough of them.
    TooMany,
}

/// What a token is exchanged for.
#[derive(Clone, Debug)]
pub struct ResetAccess {
    /// With it, and the token, a new password can be set for a while.
    pub reset_key: Password,
    /// Whose password.
    pub user_id: UserId,
    /// Whose password.
    pub username: String,
}

impl Sso {
    /// Has a token emailed to the user with this credential: a username, an email, or either, as configured. Whether
    /// there is one, and whether they may reset their password, shows neither in the answer nor in the work done: they
    /// are looked up after the answer, by [`Sso::email_reset_tokens`].
    ///
    /// # Errors
    /// E004001 for an unknown application, E005009 for too many requests from an address, or when too many emails wait.
    pub async fn create_reset_token(
        &self,
        ctx: &Context,
        credential: &str,
        user_agent: Option<&str>,
    ) -> Result<()> {
        self.run(ctx, Operation::PasswordResetCreateToken, Actor::Anonymous, async |call| {
            let request =
                Request::new(RequestKind::PasswordReset, credential, user_agent.map(clean_user_agent));
            let mut tx = self.db().write().await?;
            self.count_reset(&mut tx, &ctx.remote_addr).await?;
            self.queue_request(&mut tx, ctx, &mut call.trail, request).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Has a token emailed to a user, as who may manage them decides.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user, E002005 if the user has no email, the code of what
    /// keeps the user from logging in, and E008001 where the user has got as many emails as `password_reset.max_per_hour`.
    pub async fn send_reset_token(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
        user_agent: Option<&str>,
    ) -> Result<()> {
        self.run(ctx, Operation::PasswordResetSend, actor, async |call| {
            let user_id = call.target_to_manage(Some(user_id))?;
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::UserIdInvalid)?;
            self.check_may_manage(call, &mut tx, &row).await?;
            if row.email.is_none() {
                return Err(Code::EmailMissing.into());
            }
            // From where the user may come does not matter: somebody else asks.
            if row.is_locked {
                return Err(Code::AuthLocked.into());
            }
            if row.sign_up_status == SignUpStatus::BeforeConfirmation {
                return Err(Code::AuthInvalidSignupStatus.into());
            }
            if row.approval_status != ApprovalStatus::Approved {
                return Err(Code::AuthNotApproved.into());
            }
            let creation_ctx = caller(ctx, user_agent);
            match self.write_reset_email(&mut tx, ctx, &mut call.trail, &row, &creation_ctx).await? {
                None | Some(NotSent::IsWaiting) => self.commit(tx, &mut call.trail).await,
                Some(NotSent::TooMany) => {
                    let detail = "as many emails as password_reset.max_per_hour were sent";
                    Err(Error::refused(Code::CommonInvalidOperation, detail))
                }
            }
        })
        .await
    }

    /// Writes the emails that a request asks for: to everybody with the credential who may reset their password. A token
    /// that is valid and was not used is sent again, so that a request of somebody else makes no token useless; and no
    /// second email waits beside the first.
    pub(in crate::ops) async fn email_reset_tokens(
        &self,
        ctx: &Context,
        request: &Request,
        request_id: Uuid,
    ) -> Result<()> {
        let rows = self.rows_by_credential(&request.credential).await?;
        let creation_ctx = caller(ctx, request.user_agent.as_deref());
        let mut told = Vec::new();
        let mut trail = Trail::new(ctx, Operation::PasswordResetCreateToken, self.system_time());
        let mut tx = self.db().write().await?;
        for row in &rows {
            let outcome = self.email_reset_token(&mut tx, ctx, &mut trail, row, &creation_ctx).await?;
            told.extend(outcome.map(|why| (&row.user_id, why)));
        }
        self.commit_request(tx, &trail, request_id).await?;
        for (user_id, why) in told {
            let mut trail = self.email_trail(ctx, Some(user_id), EmailKind::PasswordReset.as_str());
            trail.note("not_sent", why);
            self.core.audit.tell(trail, self.system_time(), Ok(()));
        }
        Ok(())
    }

    /// Writes one of them; None, or why there is none.
    pub(in crate::ops) async fn email_reset_token(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        creation_ctx: &str,
    ) -> Result<Option<&'static str>> {
        if let Err(error) = self.check_may_reset(ctx, row) {
            return Ok(Some(error.code().as_str()));
        }
        let not_sent = self.write_reset_email(tx, ctx, trail, row, creation_ctx).await?;
        Ok(not_sent.map(|why| match why {
            NotSent::IsWaiting => "one is waiting",
            NotSent::TooMany => "password_reset.max_per_hour",
        }))
    }

    /// The same of a user who may reset their password.
    async fn write_reset_email(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
        creation_ctx: &str,
    ) -> Result<Option<NotSent>> {
        let (now, random, keyring) = (self.now(), &*self.core.random, &self.core.keyring);
        // Of requests at the same time, too, only one leaves a token.
        if store::user::account::lock_row(tx, &row.user_id).await?.is_none() {
            return Ok(None);
        }
        let open = store::password::reset::open_of_user(tx, &row.user_id, now).await?;
        // One that was sealed by a key that is gone is as good as none.
        let open = open.and_then(|open| {
            let token = keyring.open(token_place(&open.reset_id), &open.token).ok()?;
            Some((Password::from(std::str::from_utf8(&token).ok()?), open.token_expiration))
        });
        let kind = EmailKind::PasswordReset;
        if open.is_some() && store::mail::outbox::is_waiting(tx, kind.as_str(), &row.user_id).await? {
            return Ok(Some(NotSent::IsWaiting));
        }
        if !self.count_reset_email(tx, &row.user_id).await? {
            return Ok(Some(NotSent::TooMany));
        }
        let (token, expiration) = match open {
            Some(open) => open,
            None => {
                let token = token::new_token(random, TokenBits::Bits256)?;
                let expiration = now.plus_minutes(i64::from(self.config().password_reset.valid_for));
                let reset_id = time_ordered_uuid(now, random)?;
                let new = NewReset {
                    reset_id,
                    user_id: &row.user_id,
                    token_digest: &token::digest(token.expose()),
                    token_expiration: expiration,
                    creation_time: now,
                    creation_ctx,
                    token: &keyring.seal(token_place(&reset_id), token.expose().as_bytes(), random)?,
                };
                store::password::reset::insert(tx, &new).await?;
                (token, expiration)
            }
        };
        let minutes = i64::try_from(expiration.since(now).as_secs().div_ceil(60)).unwrap_or(i64::MAX);
        let about = About { token: Some(&token), minutes, ..About::plain(kind) };
        self.queue_promised_email(tx, ctx, trail, row, about).await?;
        Ok(None)
    }

    /// Everybody with this credential. Users that a super-user made may share an email: each gets a token of their own.
    async fn rows_by_credential(&self, credential: &str) -> Result<Vec<UserRow>> {
        let search_by = self.config().password_reset.user_search_by;
        let by_email = match search_by {
            UserSearchBy::Email | UserSearchBy::UsernameOrEmail => self.rows_by_email(credential).await?,
            UserSearchBy::Username => Vec::new(),
        };
        // The owner of an address is who is meant by it. A sign-up that nobody has confirmed owns none.
        let is_owned =
            |row: &UserRow| row.email_is_claimed && row.sign_up_status != SignUpStatus::BeforeConfirmation;
        let by_username = match search_by {
            UserSearchBy::UsernameOrEmail if by_email.iter().any(is_owned) => None,
            UserSearchBy::Username | UserSearchBy::UsernameOrEmail => {
                self.row_by_username(credential).await?
            }
            UserSearchBy::Email => None,
        };
        let mut rows: Vec<_> = by_username.into_iter().collect();
        for row in by_email {
            if rows.iter().all(|other| other.user_id != row.user_id) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    async fn rows_by_email(&self, email: &str) -> Result<Vec<UserRow>> {
        let mut conn = self.db().read().await?;
        let mut rows = Vec::new();
        for index in self.core.keyring.blind_index_candidates(email) {
            rows.extend(store::user::account::by_email_index(&mut conn, &index, MAX_PER_EMAIL).await?);
        }
        Ok(rows)
    }

    /// The user has an address, and nothing is wrong with the account but, perhaps, the age of its password.
    fn check_may_reset(&self, ctx: &Context, row: &UserRow) -> Result<()> {
        if row.email.is_none() {
            return Err(Code::EmailMissing.into());
        }
        let standing = Standing::from(row);
        check_standing(self.config(), standing, &ctx.remote_addr, self.now(), PasswordAge::Ignored)
    }

    /// Exchanges a token, once, for a key to set a new password with.
    ///
    /// # Errors
    /// E010001 for a token that is not valid, was used or has expired, and for users who may not log in.
    pub async fn access_reset_token(
        &self,
        ctx: &Context,
        token: &Password,
        user_agent: Option<&str>,
    ) -> Result<ResetAccess> {
        self.run(ctx, Operation::PasswordResetAccessToken, Actor::Anonymous, async |call| {
            let now = self.now();
            let seconds = self.config().password_reset.password_change_session_duration;
            let reset_key = token::new_token(&*self.core.random, TokenBits::Bits256)?;
            let access = Access {
                access_time: now,
                access_ctx: &caller(ctx, user_agent),
                reset_key_digest: &token::digest(reset_key.expose()),
                reset_key_expiration: now.plus_seconds(i64::from(seconds)),
            };
            let digest = token::digest(token.expose());
            let mut tx = self.db().write().await?;
            let user_id = store::password::reset::access(&mut tx, &digest, &access).await?;
            let user_id = user_id.ok_or_else(no_access)?;
            call.trail.on(&user_id);
            let row = store::user::account::by_id(&mut tx, &user_id).await?.ok_or_else(no_access)?;
            self.check_still_may_reset(call, &row)?;
            self.commit(tx, &mut call.trail).await?;
            Ok(ResetAccess { reset_key, user_id, username: row.username })
        })
        .await
    }

    /// The same refusal for every fault of the account; the audit entry says which.
    fn check_still_may_reset(&self, call: &mut Call<'_>, row: &UserRow) -> Result<()> {
        self.check_may_reset(call.ctx, row).map_err(|error| {
            call.trail.note("because", error.code().as_str());
            no_access()
        })
    }

    /// Sets a new password with a token and the key it was exchanged for, once. All resets of the user end by that,
    /// and, where configuration says so, the sessions. The next login asks for a TOTP code as ever.
    ///
    /// # Errors
    /// E010001 for a token or key that is not valid, was used or has expired, and for users who may not log in; a code
    /// of [`Sso::change_password`], after which token and key are as good as before.
    pub async fn reset_password(
        &self,
        ctx: &Context,
        token: &Password,
        reset_key: &Password,
        new_password: Password,
    ) -> Result<()> {
        let (token, reset_key) = (token.clone(), reset_key.clone());
        self.to_the_end(
            ctx,
            |sso, ctx| async move { sso.reset(&ctx, &token, &reset_key, new_password).await },
        )
        .await
    }

    async fn reset(
        &self,
        ctx: &Context,
        token: &Password,
        reset_key: &Password,
        new_password: Password,
    ) -> Result<()> {
        self.run(ctx, Operation::PasswordResetChangePassword, Actor::Anonymous, async |call| {
            let mut conn = self.db().read().await?;
            let reset = store::password::reset::by_token(&mut conn, &token::digest(token.expose())).await?;
            let reset = reset.ok_or_else(no_access)?;
            call.trail.on(&reset.user_id);
            let stored = reset.reset_key_digest.as_deref().unwrap_or_default();
            if !compare::equal(stored, &token::digest(reset_key.expose())) {
                return Err(no_access());
            }
            if reset.reset_key_expiration.is_none_or(|expiration| expiration <= self.now()) {
                return Err(no_access());
            }
            let row = store::user::account::by_id(&mut conn, &reset.user_id).await?.ok_or_else(no_access)?;
            drop(conn);
            self.check_still_may_reset(call, &row)?;

            let new = self.accept_password(&row, new_password, Terms::default()).await?;
            let mut tx = self.db().write().await?;
            store::user::account::lock_row(&mut tx, &row.user_id).await?;
            if !store::password::reset::delete(&mut tx, reset.reset_id).await? {
                return Err(no_access());
            }
            self.store_password(&mut tx, call, &row, &new, None).await?;
            // The token went nowhere but to the email, and another email would have ended it.
            store::user::email_change::set_verified(&mut tx, &row.user_id, true).await?;
            // Whoever has read the email is the user: they can log in from there, whatever others do to their name.
            let origin = Origin::Address(&ctx.remote_addr);
            let attempt = self.password_attempt(&row.username, Some(&row.user_id), origin);
            self.remember_place(&mut tx, &attempt).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }
}

/// How many users with the same email get a token of their own.
const MAX_PER_EMAIL: i64 = 10;

/// From where, and with what, something was asked for.
pub(in crate::ops) fn caller(ctx: &Context, user_agent: Option<&str>) -> String {
    json!({"remote_addr": ctx.remote_addr.joined(), "user_agent": user_agent.map(clean_user_agent)})
        .to_string()
}

/// Where a token is kept, sealed.
fn token_place(reset_id: &Uuid) -> Place<'_> {
    Place { table: "sso_password_reset", column: "token", row: reset_id.as_bytes() }
}

fn no_access() -> Error {
    Code::PasswordResetCouldNotAccess.into()
}
