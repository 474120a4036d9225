//! Users: creating them and reading them.

use std::sync::{Arc, OnceLock};

use uuid::Builder;

use crate::crypto::{Place, plain, totp};
use crate::domain::{
    ApprovalStatus, AuditKind, Code, Context, Error, NewUser, Password, Result, SignUpStatus, User, UserId,
    UserView, Ust, Visibility, random_uuid,
};
use crate::ops::access::actor::Caller;
use crate::ops::access::check::PasswordAge;
use crate::ops::access::rate_limit::check_rate_limits;
use crate::ops::audit::Trail;
use crate::ops::call::AUTO;
use crate::ops::{Authority, Sso};
use crate::store;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::{Inserted, UserRow};

/// The longest name, and the longest TOTP label, in characters.
const MAX_NAME_LENGTH: usize = 256;

/// The longest `creation_ctx` or `rate_limit_def`, in bytes.
const MAX_LONG_TEXT_LENGTH: usize = 65_536;

/// A column of `sso_user` that holds an envelope.
#[derive(Clone, Copy)]
pub(in crate::ops) enum Column {
    Email,
    PasswordHash,
    TotpKey,
    TotpLabel,
}

impl Column {
    fn place<'a>(self, user_id: &'a UserId) -> Place<'a> {
        let column = match self {
            Self::Email => "email",
            Self::PasswordHash => "password_hash",
            Self::TotpKey => "totp_key",
            Self::TotpLabel => "totp_label",
        };
        Place { table: "sso_user", column, row: user_id.as_str().as_bytes() }
    }
}

impl Sso {
    /// Makes a user: `final`, and waiting for approval unless configuration or `auto_approve` says otherwise.
    ///
    /// # Errors
    /// E005001 without the right to; a code of the username, email or password that is not acceptable; E008002 for
    /// another value that is not.
    pub async fn create_user(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        new: NewUser,
        auto_approve: bool,
    ) -> Result<User> {
        self.create(ctx, "user.create", authority, new, auto_approve, false).await
    }

    /// Makes a super-user. Only here is the role given.
    ///
    /// # Errors
    /// As [`Sso::create_user`].
    pub async fn create_super_user(
        &self,
        ctx: &Context,
        authority: Authority<'_>,
        new: NewUser,
        auto_approve: bool,
    ) -> Result<User> {
        self.create(ctx, "user.create_super_user", authority, new, auto_approve, true).await
    }

    async fn create(
        &self,
        ctx: &Context,
        op: &'static str,
        authority: Authority<'_>,
        new: NewUser,
        auto_approve: bool,
        is_super_user: bool,
    ) -> Result<User> {
        let mut trail = self.trail(ctx, op, AuditKind::Change);
        let outcome = self.insert_user(ctx, &mut trail, authority, new, auto_approve, is_super_user).await;
        self.conclude(trail, outcome).await
    }

    async fn insert_user(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        authority: Authority<'_>,
        new: NewUser,
        auto_approve: bool,
        is_super_user: bool,
    ) -> Result<User> {
        let by = self.check_authority(ctx, authority).await?;
        if let Some(by) = &by {
            trail.by(by);
        }
        let by = by.as_ref().map_or(AUTO, UserId::as_str);
        let needs_approval = self.config().signup.is_approval_needed && !auto_approve;
        let approval = if needs_approval { ApprovalStatus::BeforeDecision } else { ApprovalStatus::Approved };
        let row = self.new_row(new, by, approval, is_super_user).await?;
        let user = self.open_user(row.clone())?;
        trail.on(&user.user_id);
        trail.note("username", user.username.as_str());
        let mut tx = self.db().write().await?;
        match store::user::account::insert(&mut tx, &row).await? {
            Inserted::Yes => {}
            Inserted::UsernameTaken => return Err(Code::UsernameExists.into()),
            Inserted::EmailTaken => return Err(Code::EmailExists.into()),
        }
        let identity = IdentityRow::first(&row, random_uuid(self.random())?, self.now());
        store::site::identity::insert(&mut tx, &identity).await?;
        self.commit(tx, trail).await?;
        Ok(user)
    }

    /// Checks what a user is to be made of, and makes the row.
    pub(in crate::ops) async fn new_row(
        &self,
        new: NewUser,
        by: &str,
        approval: ApprovalStatus,
        is_super_user: bool,
    ) -> Result<UserRow> {
        let username = self.check_username(new.username)?;
        let email = self.check_email(new.email)?;
        let first_name = check_name("first_name", new.first_name)?;
        let middle_name = check_name("middle_name", new.middle_name)?;
        let last_name = check_name("last_name", new.last_name)?;
        let display_name = match check_name("display_name", new.display_name)? {
            Some(given) => Some(given),
            None => joined([&first_name, &middle_name, &last_name]),
        };
        let totp_label = check_name("totp_label", new.totp_label)?;
        let creation_ctx = check_long_text("creation_ctx", new.creation_ctx)?;
        let rate_limit_def = check_long_text("rate_limit_def", new.rate_limit_def)?;
        let totp_key = self.check_totp_key(new.totp_key)?;
        let is_rate_limit_active = new.is_rate_limit_active.unwrap_or(false);
        check_rate_limits(is_rate_limit_active, rate_limit_def.as_deref())?;

        let random = &*self.core.random;
        let user_id = UserId::random(random)?;
        let now = self.now();
        let password_hash = match new.password {
            Some(password) => {
                let names = [&email, &display_name, &first_name, &middle_name, &last_name];
                let about = std::iter::once(&username).chain(names.into_iter().flatten()).cloned().collect();
                self.check_password(&password, about).await?;
                Some(self.hash_password(&user_id, password).await?)
            }
            None => None,
        };
        let is_locked = new.is_locked.unwrap_or(false);
        let password_last_set = password_hash.as_ref().map(|_| now);
        let password_expiry = password_hash.as_ref().map(|_| self.password_expiry(now, None));
        Ok(UserRow {
            user_token: Builder::from_random_bytes(random.bytes()?).into_uuid(),
            username,
            email_index: email.as_deref().map(|email| self.core.keyring.blind_index(email).to_vec()),
            email: email.as_deref().map(|email| self.seal_email(&user_id, email)).transpose()?,
            email_is_claimed: false,
            display_name,
            first_name,
            middle_name,
            last_name,
            is_active: true,
            is_internal: false,
            is_super_user,
            is_locked,
            locked_time: is_locked.then_some(now),
            locked_by: is_locked.then(|| by.to_owned()),
            sign_up_status: new.sign_up_status.unwrap_or(SignUpStatus::Final),
            sign_up_time: now,
            sign_up_confirm_time: None,
            sign_up_confirm_digest: None,
            approval_status: approval,
            approval_status_mod_time: now,
            approval_status_mod_by: Some(by.to_owned()),
            password_hash,
            password_last_set,
            password_expiry,
            password_must_change: new.password_must_change.unwrap_or(false),
            is_totp_enabled: new.is_totp_enabled.unwrap_or(false),
            totp_key: Some(self.seal(Column::TotpKey, &user_id, totp_key.expose())?),
            totp_label: totp_label
                .as_deref()
                .map(|label| self.seal(Column::TotpLabel, &user_id, label))
                .transpose()?,
            totp_last_step: 0,
            is_rate_limit_active,
            rate_limit_type: None,
            rate_limit_def,
            rate_limit_check_parent_def: false,
            creation_ctx,
            user_id,
        })
    }

    pub(in crate::ops) fn check_username(&self, username: Option<String>) -> Result<String> {
        let username = username.filter(|username| !username.is_empty()).ok_or(Code::UsernameInvalid)?;
        if username.chars().any(char::is_whitespace) {
            return Err(Code::UsernameHasWhitespace.into());
        }
        if username.chars().any(char::is_control) {
            return Err(Error::refused(
                Code::UsernameInvalid,
                "username: control characters are not allowed",
            ));
        }
        let max = self.config().signup.max_length_username;
        if username.chars().count() > max {
            return Err(Error::refused(Code::UsernameTooLong, format!("username: at most {max} characters")));
        }
        Ok(username)
    }

    pub(in crate::ops) fn check_email(&self, email: Option<String>) -> Result<Option<String>> {
        let Some(email) = email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty()) else {
            return Ok(None);
        };
        if email.chars().any(char::is_whitespace) {
            return Err(Code::EmailHasWhitespace.into());
        }
        if email.chars().any(char::is_control) {
            return Err(Error::refused(Code::EmailInvalid, "email: control characters are not allowed"));
        }
        let max = self.config().signup.max_length_email;
        if email.chars().count() > max {
            return Err(Error::refused(Code::EmailTooLong, format!("email: at most {max} characters")));
        }
        Ok(Some(email))
    }

    pub(in crate::ops) fn check_totp_key(&self, key: Option<Password>) -> Result<Password> {
        match key.filter(|key| !key.is_empty()) {
            None => totp::new_key(&*self.core.random),
            Some(key) => totp::validate_key(key.expose())
                .map_err(|error| Error::refused(Code::CommonInvalidInput, format!("totp_key: {error}"))),
        }
    }

    /// The user whose session it is.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn get_current_user(
        &self,
        ctx: &Context,
        current_ust: &Ust,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        let mut trail = self.trail(ctx, "user.get_current", AuditKind::SessionCheck);
        let outcome = self.view(ctx, &mut trail, current_ust, None, return_all_attrs).await;
        self.conclude(trail, outcome).await
    }

    /// Any user for super-users, oneself for everybody.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn get_user_by_id(
        &self,
        ctx: &Context,
        current_ust: &Ust,
        user_id: &str,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        let mut trail = self.trail(ctx, "user.get_by_id", AuditKind::Disclosure);
        let outcome = self.view(ctx, &mut trail, current_ust, Some(user_id), return_all_attrs).await;
        self.conclude(trail, outcome).await
    }

    async fn view(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        current_ust: &Ust,
        user_id: Option<&str>,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        let caller = self.check_ust(ctx, current_ust, PasswordAge::Checked).await?;
        trail.by(caller.user_id());
        let user_id = caller.target(user_id)?;
        trail.on(&user_id);
        self.shown_to(&caller, &user_id, return_all_attrs).await
    }

    /// A user as far as this caller may see it.
    pub(in crate::ops) async fn shown_to(
        &self,
        caller: &Caller,
        user_id: &UserId,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        let visibility = match (return_all_attrs, caller.is_super_user()) {
            (true, _) => Visibility::All,
            (false, true) => Visibility::SuperUser,
            (false, false) => Visibility::Own,
        };
        let cached = (user_id == caller.user_id() && !return_all_attrs).then(|| caller.whole_user());
        if let Some(user) = cached.and_then(OnceLock::get) {
            let user = Arc::clone(user);
            return Ok(UserView { user, visibility, is_current_super_user: caller.is_super_user() });
        }
        let mut conn = self.db().read().await?;
        let row = store::user::account::by_id(&mut conn, user_id).await?.ok_or(Code::UserIdInvalid)?;
        drop(conn);
        let mut user = self.open_user(row)?;
        if cached.is_some() {
            // Nobody sees it without asking for all, so it is not kept in clear.
            user.totp_key = None;
        }
        let user = Arc::new(user);
        if let Some(cached) = cached {
            // Somebody else may have been quicker, with the same.
            drop(cached.set(Arc::clone(&user)));
        }
        Ok(UserView { user, visibility, is_current_super_user: caller.is_super_user() })
    }

    /// The user with this name, for trusted callers in the same process. None if there is none, or, with
    /// `needs_approved`, none that is approved.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn get_user_by_username(
        &self,
        ctx: &Context,
        username: &str,
        needs_approved: bool,
    ) -> Result<Option<UserView>> {
        let trail = self.trail(ctx, "user.get_by_username", AuditKind::Disclosure);
        let outcome = self.find_by_username(username, needs_approved).await;
        self.conclude(trail, outcome).await
    }

    async fn find_by_username(&self, username: &str, needs_approved: bool) -> Result<Option<UserView>> {
        let Some(row) = self.row_by_username(username).await? else { return Ok(None) };
        if needs_approved && row.approval_status != ApprovalStatus::Approved {
            return Ok(None);
        }
        let user = Arc::new(self.open_user(row)?);
        Ok(Some(UserView { user, visibility: Visibility::SuperUser, is_current_super_user: false }))
    }

    /// Users by name, a page of so many after this one: for the command line.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_users(&self, ctx: &Context, after: &str, limit: i64) -> Result<Vec<User>> {
        let trail = self.trail(ctx, "user.list", AuditKind::Disclosure);
        let outcome = self.page_of_users(after, limit).await;
        self.conclude(trail, outcome).await
    }

    async fn page_of_users(&self, after: &str, limit: i64) -> Result<Vec<User>> {
        let mut conn = self.db().read().await?;
        let rows = store::user::account::page_by_username(&mut conn, after, limit).await?;
        drop(conn);
        rows.into_iter().map(|row| self.open_user(row)).collect()
    }

    /// The row with this name. What no username can look like is not asked for: PostgreSQL knows no NUL in text.
    pub(in crate::ops) async fn row_by_username(&self, username: &str) -> Result<Option<UserRow>> {
        if username.is_empty() || username.contains('\0') {
            return Ok(None);
        }
        let mut conn = self.db().read().await?;
        store::user::account::by_username(&mut conn, username).await
    }

    pub(in crate::ops) fn seal(&self, column: Column, user_id: &UserId, text: &str) -> Result<Vec<u8>> {
        self.core.keyring.seal(column.place(user_id), text.as_bytes(), &*self.core.random)
    }

    pub(in crate::ops) fn seal_email(&self, user_id: &UserId, email: &str) -> Result<Vec<u8>> {
        if self.config().main.encrypt_email {
            self.seal(Column::Email, user_id, email)
        } else {
            Ok(plain(email.as_bytes()))
        }
    }

    /// What an envelope of a user holds. Whether emails and hashes are sealed is up to configuration, which may have
    /// been otherwise when they were written; TOTP keys and labels always are.
    pub(in crate::ops) fn unseal(
        &self,
        column: Column,
        user_id: &UserId,
        envelope: &[u8],
    ) -> Result<Password> {
        let place = column.place(user_id);
        let opened = match column {
            Column::Email | Column::PasswordHash => self.core.keyring.open_or_plain(place, envelope),
            Column::TotpKey | Column::TotpLabel => self.core.keyring.open(place, envelope),
        }?;
        let text = std::str::from_utf8(&opened).map_err(Error::internal)?;
        Ok(Password::from(text))
    }

    /// From a row to a user: envelopes opened, states read.
    pub(in crate::ops) fn open_user(&self, row: UserRow) -> Result<User> {
        let user_id = row.user_id;
        let open = |column, envelope: Option<Vec<u8>>| {
            envelope.map(|envelope| self.unseal(column, &user_id, &envelope)).transpose()
        };
        let text = |secret: Option<Password>| secret.map(|secret| secret.expose().to_owned());
        let email = text(open(Column::Email, row.email)?);
        let totp_key = open(Column::TotpKey, row.totp_key)?;
        let totp_label = text(open(Column::TotpLabel, row.totp_label)?);
        Ok(User {
            username: row.username,
            email,
            display_name: row.display_name,
            first_name: row.first_name,
            middle_name: row.middle_name,
            last_name: row.last_name,
            is_active: row.is_active,
            is_internal: row.is_internal,
            is_super_user: row.is_super_user,
            is_locked: row.is_locked,
            locked_time: row.locked_time,
            locked_by: row.locked_by,
            sign_up_status: row.sign_up_status,
            sign_up_time: row.sign_up_time,
            sign_up_confirm_time: row.sign_up_confirm_time,
            approval_status: row.approval_status,
            approval_status_mod_time: row.approval_status_mod_time,
            approval_status_mod_by: row.approval_status_mod_by,
            password_is_set: row.password_hash.is_some(),
            password_last_set: row.password_last_set,
            password_expiry: row.password_expiry,
            password_must_change: row.password_must_change,
            is_totp_enabled: row.is_totp_enabled,
            totp_key,
            totp_label,
            is_rate_limit_active: row.is_rate_limit_active,
            rate_limit_type: row.rate_limit_type,
            rate_limit_def: row.rate_limit_def,
            rate_limit_check_parent_def: row.rate_limit_check_parent_def,
            creation_ctx: row.creation_ctx,
            user_id,
        })
    }
}

/// A name, stripped; empty becomes None.
pub(in crate::ops) fn check_name(field: &'static str, name: Option<String>) -> Result<Option<String>> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some(name) = &name {
        if name.chars().count() > MAX_NAME_LENGTH {
            let detail = format!("{field}: at most {MAX_NAME_LENGTH} characters");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        if name.chars().any(char::is_control) {
            let detail = format!("{field}: control characters are not allowed");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
    }
    Ok(name)
}

pub(in crate::ops) fn joined(names: [&Option<String>; 3]) -> Option<String> {
    let given: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    if given.is_empty() { None } else { Some(given.join(" ")) }
}

/// Text of more than one line, which databases must be able to hold: PostgreSQL knows no NUL.
pub(in crate::ops) fn check_long_text(field: &'static str, text: Option<String>) -> Result<Option<String>> {
    match text {
        Some(text) if text.len() > MAX_LONG_TEXT_LENGTH => {
            let detail = format!("{field}: at most {MAX_LONG_TEXT_LENGTH} bytes");
            Err(Error::refused(Code::CommonInvalidInput, detail))
        }
        Some(text) if text.contains('\0') => {
            let detail = format!("{field}: NUL characters are not allowed");
            Err(Error::refused(Code::CommonInvalidInput, detail))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stripped_and_empty_ones_are_none() {
        assert_eq!(check_name("first_name", Some("  Ann ".into())).unwrap().as_deref(), Some("Ann"));
        assert_eq!(check_name("first_name", Some("  ".into())).unwrap(), None);
        let long = check_name("first_name", Some("x".repeat(257))).unwrap_err();
        assert_eq!(long.to_string(), "E008002 common.invalid_input: first_name: at most 256 characters");
        assert!(check_name("first_name", Some("a\0b".into())).is_err());
    }

    #[test]
    fn long_text_may_have_lines_but_no_nul() {
        let text = |text: &str| check_long_text("rate_limit_def", Some(text.to_owned()));
        assert_eq!(text("*=1/d\n10.0.0.0/8=*").unwrap().as_deref(), Some("*=1/d\n10.0.0.0/8=*"));
        assert!(text("*=1/d\0").is_err());
        assert!(text(&"x".repeat(65_537)).is_err());
    }

    #[test]
    fn a_display_name_is_what_names_there_are() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(joined([&name("Ann"), &None, &name("Lee")]).as_deref(), Some("Ann Lee"));
        assert_eq!(joined([&None, &None, &None]), None);
    }
}
