//! Signing up, and confirming it.
//!
//! A stranger signs up, so a refusal says only what configuration allows, and hashes the
//! password as a success does: how long it takes tells nothing either.
//!
//! Where emails can be sent, nobody learns who has an account: a sign-up with the address of a user goes as any other does.
//! It leaves a decoy, which holds the name and the password as a sign-up that waits would, and which nobody can confirm; the
//! owner of the address is told.

use std::collections::HashSet;

use uuid::Uuid;

use crate::config::UserSearchBy;
use crate::crypto::Verdict;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    ApprovalStatus, Code, Context, EmailAddress, EmailKind, Error, NewUser, Operation, Password, Result,
    SignUpDetails, SignUpNames, SignUpStatus, SignUpVerdict, UserId, canonical_email, check_name, has_link,
    is_rejected_email, is_reserved_name,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::wrong_app;
use crate::ops::access::user_row::Column;
use crate::ops::audit::Trail;
use crate::ops::call::{AUTO, Call};
use crate::ops::mail::envelope::{Request, RequestKind};
use crate::ops::mail::message::About;
use crate::ops::password::reset::caller;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::UserRow;
use crate::store::user::signup::Waiting;

/// How many users with the address of a sign-up are looked at.
const MAX_WITH_EMAIL: i64 = 20;

/// The data of a sign-up.
#[derive(Clone, Debug)]
pub struct SignUpRequest {
    /// The name to log in with.
    pub username: String,
    /// The address.
    pub email: Option<String>,
    /// The names.
    pub names: SignUpNames,
    /// The password.
    pub password: Password,
    /// The applications it is for; None is the one through which it is done.
    pub app_list: Option<Vec<String>>,
}

impl Sso {
    /// Signs a user up, who then confirms it with the token. None where the token goes by email only.
    ///
    /// # Errors
    /// E008002 for an application that stands in the list twice; E004001 or E004002 for an application, where
    /// `apps.inform_if_app_invalid` is on; a code of the username or the
    /// email where `signup.inform_if_*` lets it be told, of the password where `password.inform_if_invalid` does;
    /// what the hook says; E005001 otherwise.
    pub async fn sign_up(&self, ctx: &Context, request: SignUpRequest) -> Result<Option<Password>> {
        self.run(ctx, Operation::UserSignup, Actor::Anonymous, async |call| {
            let app_list = request.app_list.unwrap_or_else(|| vec![ctx.current_app.clone()]);
            self.check_sign_up_apps(ctx, &app_list)?;
            self.count_sign_up_from(&ctx.remote_addr).await?;
            let mut details = SignUpDetails {
                username: request.username,
                email: request.email,
                names: request.names,
                current_app: ctx.current_app.clone(),
                app_list,
                sign_up_status: SignUpStatus::BeforeConfirmation,
            };
            let mut checked = self.check_sign_up(&mut details, &request.password).await;
            if checked.is_ok() {
                checked = self.ask_about_sign_up(&mut call.trail, &details).await;
            }
            if let Err(error) = checked {
                self.hash_password(&UserId::random(&*self.core.random)?, request.password).await?;
                return Err(self.shown(&mut call.trail, error));
            }

            if let Some(email) = &details.email {
                self.count_sign_up_of(email).await?;
            }
            let confirm_token = token::new_token(&*self.core.random, TokenBits::Bits192)?;
            let repeated = self.repeated_sign_up(&details, &request.password).await?;
            let row = self.signed_up_row(&details, request.password, &confirm_token).await?;
            let stored = self.store_sign_up(call, &row, &details, &confirm_token, repeated.as_ref()).await;
            let is_decoy = match stored {
                Ok(is_decoy) => is_decoy,
                Err(error) => return Err(self.shown(&mut call.trail, error)),
            };
            if !is_decoy
                && let Some(told) = self.hooks().on_signup(&row.user_id, &details)
                && let Err(error) = told.await
            {
                call.trail.hook_failed("on_signup", &error);
            }
            Ok(self.is_token_returned(row.email.is_some()).then_some(confirm_token))
        })
        .await
    }

    /// Whether who signs up gets the token that confirms it, with an email or without.
    fn is_token_returned(&self, has_email: bool) -> bool {
        let rules = &self.config().signup;
        rules.always_return_confirm_token.unwrap_or_else(|| !self.can_send_email())
            || !rules.email_confirm_enabled
            || !has_email
    }

    /// Whether a sign-up with an address that somebody owns goes as any other does.
    fn hides_owners(&self) -> bool {
        self.can_send_email() && !self.config().signup.inform_if_email_exists && !self.is_token_returned(true)
    }

    /// The sign-up that waits with the same email and the same password: it is repeated, and nobody else's.
    async fn repeated_sign_up(&self, details: &SignUpDetails, password: &Password) -> Result<Option<UserId>> {
        let Some(email) = &details.email else { return Ok(None) };
        let mut conn = self.db().read().await?;
        let mut rows = Vec::new();
        for index in self.core.keyring.blind_index_candidates(email) {
            rows.extend(store::user::account::by_email_index(&mut conn, &index, MAX_WITH_EMAIL).await?);
        }
        drop(conn);
        let mut waiting = rows.into_iter().filter(|row| {
            row.sign_up_status == SignUpStatus::BeforeConfirmation && row.sign_up_confirm_digest.is_some()
        });
        let Some(row) = waiting.next() else { return Ok(None) };
        let verdict = self.verify_password(Some(&row), password.clone()).await?;
        Ok((verdict != Verdict::Wrong).then_some(row.user_id))
    }

    /// Counts a sign-up with this email, before anything is looked up, so that it tells nothing. Who is refused may be its
    /// owner: the password of the sign-up that waits does not count then.
    async fn count_sign_up_of(&self, email: &str) -> Result<()> {
        let mut tx = self.db().write().await?;
        let counted = self.count_sign_up(&mut tx, email).await;
        if counted.is_err() {
            for index in self.core.keyring.blind_index_candidates(email) {
                store::user::signup::contest(&mut tx, &index[..]).await?;
            }
        }
        tx.commit().await?;
        counted
    }

    /// The application may sign users up, and so may those that it is for.
    fn check_sign_up_apps(&self, ctx: &Context, app_list: &[String]) -> Result<()> {
        let config = self.config();
        let apps = &config.apps;
        let mut seen = HashSet::new();
        if !app_list.iter().all(|app| seen.insert(app)) {
            return Err(Error::refused(
                Code::CommonInvalidInput,
                "app_list: an application stands there twice",
            ));
        }
        if app_list.is_empty() || app_list.iter().any(|app| !apps.all.contains(app)) {
            return Err(wrong_app(config, Code::AppListInvalid, "apps.all", &apps.all));
        }
        let mut all = app_list.iter().chain([&ctx.current_app]);
        if all.any(|app| !apps.signup_allowed.contains(app)) {
            return Err(wrong_app(
                config,
                Code::AppListNoSignup,
                "apps.signup_allowed",
                &apps.signup_allowed,
            ));
        }
        Ok(())
    }

    /// The built-in rules. Username, email and names are left as they will be stored.
    async fn check_sign_up(&self, details: &mut SignUpDetails, password: &Password) -> Result<()> {
        let config = self.config();
        let username = self.check_username(Some(details.username.clone()))?;
        details.username.clone_from(&username);
        if is_reserved_name(&username, &config.user_validation.reject_username)
            // Allowed addresses were configured for another person than the first to take this name.
            || config.user_address_list.get(&username).is_some()
        {
            return Err(Error::refused(Code::UsernameInvalid, "username: reserved, choose another one"));
        }
        if has_link(&username) {
            return Err(Error::refused(Code::UsernameInvalid, "username: no links"));
        }
        for (field, name) in [
            ("display_name", &mut details.names.display_name),
            ("first_name", &mut details.names.first_name),
            ("middle_name", &mut details.names.middle_name),
            ("last_name", &mut details.names.last_name),
        ] {
            *name = check_name(field, name.take())?;
            if name.as_deref().is_some_and(has_link) {
                return Err(Error::refused(Code::CommonInvalidInput, format!("{field}: no links")));
            }
        }
        details.email = self.check_email(details.email.take())?;
        match &details.email {
            None if config.signup.is_email_required => return Err(Code::EmailMissing.into()),
            Some(email) if is_rejected_email(email, &config.user_validation.reject_email) => {
                return Err(Error::refused(Code::EmailInvalid, "email: not accepted here"));
            }
            _ => {}
        }
        if self.hides_owners() && self.is_address_of_another(&username, details.email.as_deref()) {
            let detail = "username: an email address has to be your own";
            return Err(Error::refused(Code::UsernameInvalid, detail));
        }
        if !config.signup.password_allow_whitespace && password.expose().chars().any(char::is_whitespace) {
            return Err(Error::refused(Code::PasswordInvalid, "password: white space is not allowed"));
        }
        let about = [Some(username), details.email.clone()].into_iter().flatten().collect();
        self.check_password(password, about).await
    }

    /// Whether a name is an address, where users are found by either, and not the one that comes with it.
    fn is_address_of_another(&self, username: &str, email: Option<&str>) -> bool {
        self.config().password_reset.user_search_by == UserSearchBy::UsernameOrEmail
            && EmailAddress::parse(username).is_ok()
            && email.map(canonical_email) != Some(canonical_email(username))
    }

    async fn ask_about_sign_up(&self, trail: &mut Trail, details: &SignUpDetails) -> Result<()> {
        let Some(answer) = self.hooks().validate_signup(details) else { return Ok(()) };
        match answer.await {
            Ok(SignUpVerdict::Accepted) => Ok(()),
            Ok(SignUpVerdict::Refused(code)) => Err(code.unwrap_or(Code::AuthNotAllowed).into()),
            Err(error) => {
                trail.hook_failed("validate_signup", &error);
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// A refusal as far as it may be told; the audit entry has the rest.
    fn shown(&self, trail: &mut Trail, error: Error) -> Error {
        let Error::Refused { code, .. } = &error else { return error };
        let config = self.config();
        let (rules, password) = (&config.signup, config.password.inform_if_invalid);
        let is_told = match code {
            Code::UsernameExists => rules.inform_if_user_exists,
            Code::UsernameInvalid | Code::UsernameTooLong | Code::UsernameHasWhitespace => {
                rules.inform_if_user_invalid
            }
            Code::EmailExists => rules.inform_if_email_exists,
            Code::EmailInvalid | Code::EmailTooLong | Code::EmailHasWhitespace | Code::EmailMissing => {
                rules.inform_if_email_invalid
            }
            Code::PasswordInvalid
            | Code::PasswordTooShort
            | Code::PasswordTooLong
            | Code::PasswordNotComplexEnough => password,
            _ => true,
        };
        if is_told {
            return error;
        }
        trail.note("reason", code.as_str());
        Code::AuthNotAllowed.into()
    }

    async fn signed_up_row(
        &self,
        details: &SignUpDetails,
        password: Password,
        confirm_token: &Password,
    ) -> Result<UserRow> {
        let approval = if self.config().signup.is_approval_needed {
            ApprovalStatus::BeforeDecision
        } else {
            ApprovalStatus::Approved
        };
        let names = details.names.clone();
        let new = NewUser {
            username: Some(details.username.clone()),
            email: details.email.clone(),
            display_name: names.display_name,
            first_name: names.first_name,
            middle_name: names.middle_name,
            last_name: names.last_name,
            password: Some(password),
            sign_up_status: Some(details.sign_up_status),
            ..NewUser::default()
        };
        let mut row = self.new_row(new, AUTO, approval, false).await?;
        row.email_is_claimed = row.email.is_some();
        row.sign_up_confirm_digest = Some(token::digest(confirm_token.expose()).to_vec());
        Ok(row)
    }

    /// Who signs up owns the address once they confirm. Until then it is free: another sign-up takes the place of one that
    /// waits, whose token is good for nothing from then on. The unique index lets one of several at the same time win; an
    /// account that a super-user has made with the address is looked for. Whether it has become a decoy.
    async fn store_sign_up(
        &self,
        call: &mut Call<'_>,
        row: &UserRow,
        details: &SignUpDetails,
        confirm_token: &Password,
        repeated: Option<&UserId>,
    ) -> Result<bool> {
        let ctx = call.ctx;
        let mut tx = self.db().write().await?;
        let place = self.place_digest(&ctx.remote_addr);
        let owner = self.owner_of(&mut tx, row, details).await?;
        if owner.is_some() && !self.hides_owners() {
            return Err(Code::EmailExists.into());
        }
        let is_decoy = owner.is_some();
        let row = &UserRow { email_is_claimed: row.email_is_claimed && !is_decoy, ..row.clone() };
        let is_contested = match self.insert_sign_up(&mut tx, row, details, repeated).await {
            // The name is the address, and that is known: the refusal would tell so.
            Err(Error::Refused { code: Code::UsernameExists, .. })
                if is_decoy
                    && details.email.as_deref().map(canonical_email)
                        == Some(canonical_email(&details.username)) =>
            {
                drop(tx);
                tx = self.db().write().await?;
                self.tell_owner(&mut tx, call, owner.as_ref()).await?;
                self.commit(tx, &mut call.trail).await?;
                return Ok(true);
            }
            outcome => outcome?,
        };
        self.check_look_alikes(&mut tx, row).await?;
        let hours = i64::from(self.config().signup.confirm_within);
        let sealed = self.seal(Column::SignUpToken, &row.user_id, confirm_token.expose())?;
        let waiting = Waiting {
            expiration: self.sign_up_end().or_else(|| is_decoy.then(|| self.now().plus_days(1))),
            token: &sealed,
            place: &place,
            is_contested,
            is_decoy,
            is_mailed: !self.is_token_returned(row.email.is_some()),
        };
        store::user::signup::wait(&mut tx, &row.user_id, &waiting).await?;
        call.trail.on(&row.user_id);
        call.trail.note("username", details.username.as_str());
        if is_decoy {
            self.tell_owner(&mut tx, call, owner.as_ref()).await?;
        } else if self.config().signup.email_confirm_enabled {
            let about = About {
                kind: EmailKind::SignupConfirm,
                token: Some(confirm_token),
                minutes: hours.saturating_mul(60),
                details: &[],
            };
            self.queue_email(&mut tx, ctx, &mut call.trail, row, about).await?;
        }
        self.commit(tx, &mut call.trail).await?;
        Ok(is_decoy)
    }

    /// Who has the address already.
    async fn owner_of(&self, tx: &mut Tx, row: &UserRow, details: &SignUpDetails) -> Result<Option<UserId>> {
        let Some(email) = &details.email else { return Ok(None) };
        for index in self.core.keyring.blind_index_candidates(email) {
            let other = store::user::signup::other_with_email(tx, &row.user_id, &index).await?;
            if other.is_some() {
                return Ok(other);
            }
        }
        Ok(None)
    }

    /// Tells the owner of an address that somebody has tried to sign up with it, unless that is about to be told already.
    async fn tell_owner(&self, tx: &mut Tx, call: &mut Call<'_>, owner: Option<&UserId>) -> Result<()> {
        let Some(owner) = owner else { return Ok(()) };
        let about = About::plain(EmailKind::SignupExists);
        call.trail.note("owner", owner.to_string());
        if store::mail::outbox::is_waiting(tx, about.kind.as_str(), owner).await? {
            return Ok(());
        }
        match store::user::account::by_id(tx, owner).await? {
            Some(row) => self.queue_email(tx, call.ctx, &mut call.trail, &row, about).await,
            None => Ok(()),
        }
    }

    /// The same for a decoy whose email is to be repeated. It counts as that of any other sign-up does: who asks for it learns
    /// nothing by the limit.
    async fn tell_owner_again(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        decoy: &UserRow,
    ) -> Result<()> {
        let user_id = &decoy.user_id;
        let Some(email) = decoy.email.as_deref() else { return Ok(()) };
        if !store::user::signup::is_decoy(tx, user_id, self.now()).await? {
            return Ok(());
        }
        let email = self.unseal(Column::Email, user_id, email)?;
        let about = About::plain(EmailKind::SignupExists);
        for index in self.core.keyring.blind_index_candidates(email.expose()) {
            let Some(owner) = store::user::signup::other_with_email(tx, user_id, &index).await? else {
                continue;
            };
            if store::mail::outbox::is_waiting(tx, about.kind.as_str(), &owner).await?
                || !self.count_repeated_email(tx, email.expose()).await?
            {
                return Ok(());
            }
            if let Some(row) = store::user::account::by_id(tx, &owner).await? {
                self.queue_promised_email(tx, ctx, trail, &row, about).await?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// Inserts the user in the place of sign-ups with the same address that wait; whether any may be somebody else's: it was
    /// not repeated with its password.
    async fn insert_sign_up(
        &self,
        tx: &mut Tx,
        row: &UserRow,
        details: &SignUpDetails,
        repeated: Option<&UserId>,
    ) -> Result<bool> {
        let email = details.email.as_deref();
        let indexes = email.map(|email| self.core.keyring.blind_index_candidates(email)).unwrap_or_default();
        let mut is_contested = false;
        loop {
            let mut replaced = Vec::new();
            for index in &indexes {
                replaced.extend(store::user::signup::delete_waiting(tx, index).await?);
            }
            is_contested |= replaced
                .iter()
                .any(|earlier| earlier.sign_up_contested || Some(&earlier.user_id) != repeated);
            match self.insert_user(tx, row).await {
                // Another sign-up has come in between, which is replaced as well.
                Err(Error::Refused { code: Code::EmailExists, .. })
                    if self.is_any_waiting(tx, &indexes).await? => {}
                outcome => return outcome.map(|()| is_contested),
            }
        }
    }

    async fn is_any_waiting(&self, tx: &mut Tx, indexes: &[[u8; 32]]) -> Result<bool> {
        for index in indexes {
            if store::user::signup::is_any_waiting(tx, index).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Confirms a sign-up with its token: the account is `final`, and can log in once it is approved.
    ///
    /// Who clicks owns the address, but need not be who has chosen the password. Where sign-ups for one address have
    /// replaced each other with different passwords, nobody knows whose the last one is: it is taken away, and the owner of
    /// the address sets one by a reset, which is sent at once. Who got the token in the answer to the sign-up, where nothing
    /// is mailed, has shown whose it is, if both come from the same network.
    ///
    /// # Errors
    /// E005006 if there is no such token, or it was not used in time, E005007 if it was confirmed before.
    pub async fn confirm_sign_up(&self, ctx: &Context, confirm_token: &Password) -> Result<()> {
        self.run(ctx, Operation::UserConfirmSignup, Actor::Anonymous, async |call| {
            let digest = token::digest(confirm_token.expose());
            let mut tx = self.db().write().await?;
            let Some(origin) = store::user::signup::confirm(&mut tx, &digest, self.now()).await? else {
                let known = store::user::signup::by_digest(&mut tx, &digest).await?;
                if let Some(user_id) = &known {
                    call.trail.on(user_id);
                }
                return Err(known.map_or(Code::AuthNoSuchSignUpToken, |_| Code::AuthSignUpConfirmed).into());
            };
            let user_id = origin.user_id;
            call.trail.on(&user_id);
            let place = self.place_digest(&ctx.remote_addr);
            let is_elsewhere = origin.sign_up_place.as_deref() != Some(&place[..]);
            // Of what an earlier version has mailed, nothing is noted.
            let is_mailed = origin.sign_up_is_mailed || !self.is_token_returned(origin.has_email);
            let is_taken_away = origin.sign_up_contested && (is_elsewhere || is_mailed);
            if is_taken_away {
                call.trail.note("password", "taken away: others have signed up with the address");
                store::user::signup::unset_password(&mut tx, &user_id).await?;
            }
            store::user::email_change::set_verified(&mut tx, &user_id, origin.sign_up_is_mailed).await?;
            let row = store::user::account::by_id(&mut tx, &user_id).await?;
            if let Some(row) = row.as_ref().filter(|_| is_taken_away && self.can_send_email()) {
                let creation_ctx = caller(ctx, None);
                let sent = self.email_reset_token(&mut tx, ctx, &mut call.trail, row, &creation_ctx).await?;
                if let Some(why) = sent {
                    call.trail.note("no_reset", why);
                }
            }
            if let Some(row) = row.filter(|_| self.config().signup.email_welcome_enabled) {
                let about = About::plain(EmailKind::SignupWelcome);
                let queued = self.queue_email(&mut tx, ctx, &mut call.trail, &row, about).await;
                // Nobody needs it: where too many wait, the user is confirmed without it.
                if let Err(error) = queued
                    && !matches!(error, Error::RateLimited { .. })
                {
                    return Err(error);
                }
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Has the email of a sign-up repeated, for the user with this username or email. Whether there is one, and whether they
    /// have confirmed, shows neither in the answer nor in the work done before it.
    ///
    /// # Errors
    /// E004001 for an unknown application, E005009 for too many requests from an address, or when too many emails wait.
    pub async fn resend_confirmation(&self, ctx: &Context, credential: &str) -> Result<()> {
        self.run(ctx, Operation::UserResendConfirmation, Actor::Anonymous, async |call| {
            let request = Request::new(RequestKind::SignUpConfirm, credential, None);
            let mut tx = self.db().write().await?;
            self.count_resend(&mut tx, &ctx.remote_addr).await?;
            if self.config().signup.email_confirm_enabled {
                self.queue_request(&mut tx, ctx, &mut call.trail, request).await?;
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Writes the emails that a request asks for: with the token that was sent before.
    pub(in crate::ops) async fn email_confirm_tokens(
        &self,
        ctx: &Context,
        request: &Request,
        request_id: Uuid,
    ) -> Result<()> {
        let mut rows: Vec<_> = self.row_by_username(&request.credential).await?.into_iter().collect();
        let mut conn = self.db().read().await?;
        for index in self.core.keyring.blind_index_candidates(&request.credential) {
            rows.extend(store::user::account::by_email_index(&mut conn, &index, MAX_WITH_EMAIL).await?);
        }
        drop(conn);
        let mut trail = Trail::new(ctx, Operation::UserResendConfirmation, self.system_time());
        let mut tx = self.db().write().await?;
        for row in &rows {
            self.email_confirm_token(&mut tx, ctx, &mut trail, row).await?;
        }
        self.commit_request(tx, &trail, request_id).await
    }

    async fn email_confirm_token(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        trail: &mut Trail,
        row: &UserRow,
    ) -> Result<()> {
        let kind = EmailKind::SignupConfirm;
        let (now, user_id) = (self.now(), &row.user_id);
        store::user::account::lock_row(tx, user_id).await?;
        let Some(waiting) = store::user::signup::confirmable(tx, user_id, now).await? else {
            return self.tell_owner_again(tx, ctx, trail, row).await;
        };
        let Some(email) = row.email.as_deref() else { return Ok(()) };
        let email = self.unseal(Column::Email, user_id, email)?;
        if store::mail::outbox::is_waiting(tx, kind.as_str(), user_id).await?
            || !self.count_repeated_email(tx, email.expose()).await?
        {
            return Ok(());
        }
        let known = waiting.sign_up_token.as_deref();
        let token = match known.and_then(|sealed| self.unseal(Column::SignUpToken, user_id, sealed).ok()) {
            Some(token) => token,
            // A sign-up of an earlier version, whose token is not known any more.
            None => self.give_sign_up_token(tx, user_id).await?,
        };
        let left = waiting
            .sign_up_expiration
            .or(self.sign_up_end())
            .map(|expiration| expiration.since(now).as_secs().div_ceil(60));
        let minutes = i64::try_from(left.unwrap_or(0)).unwrap_or(i64::MAX);
        self.queue_promised_email(
            tx,
            ctx,
            trail,
            row,
            About { token: Some(&token), minutes, ..About::plain(kind) },
        )
        .await
    }
}
