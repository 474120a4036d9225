//! Creating users.

use crate::config::UserSearchBy;
use crate::domain::{
    ApprovalStatus, Code, Context, EmailAddress, Error, InvalidEmail, NewUser, Operation, Result,
    SignUpStatus, User, UserId, check_long_text, check_name, joined_names, prepare_username, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::rate_limit::check_rate_limits;
use crate::ops::access::user_row::Column;
use crate::ops::call::Call;
use crate::store;
use crate::store::Tx;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::{Inserted, UserRow};

impl Sso {
    /// Creates a user: `final`, and waiting for approval unless configuration or `auto_approve` says otherwise. Without a
    /// password the user gets a random one, which nobody is told and which does not expire.
    ///
    /// # Errors
    /// E005001 without the right to; a code of the username, email or password that is not acceptable; E008002 for
    /// another value that is not.
    pub async fn create_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        new: NewUser,
        auto_approve: bool,
    ) -> Result<User> {
        self.run(ctx, Operation::UserCreate, actor, async |call| {
            self.insert_account(call, new, auto_approve, false).await
        })
        .await
    }

    /// Creates a super-user. Only here is the role given.
    ///
    /// # Errors
    /// As [`Sso::create_user`], and E005010 if the caller's login is not fresh.
    pub async fn create_super_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        new: NewUser,
        auto_approve: bool,
    ) -> Result<User> {
        self.run(ctx, Operation::UserCreateSuperUser, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            self.insert_account(call, new, auto_approve, true).await
        })
        .await
    }

    /// Makes sure that there is a super-user of this name, for programs as they start: creates one, approved, or leaves one
    /// who exists as they are. Whether the user is new. Of several programs that start at once, one creates the user.
    ///
    /// # Errors
    /// As [`Sso::create_user`]; E001002 if the name is that of a user who is no super-user.
    pub async fn ensure_super_user(&self, ctx: &Context, new: NewUser) -> Result<(User, bool)> {
        self.run(ctx, Operation::UserEnsureSuperUser, Actor::Trusted(None), async |call| {
            let username = prepare_username(new.username.as_deref().unwrap_or_default()).unwrap_or_default();
            if let Some(row) = self.row_by_username(&username).await? {
                return Ok((self.existing_super_user(call, row)?, false));
            }
            match self.insert_account(call, new, true, true).await {
                Ok(user) => Ok((user, true)),
                Err(error) if error.code() == Code::UsernameExists => {
                    // Another program was quicker. On SQLite its transaction may still wait for the commit that this
                    // one shares: what was read counts when that is done.
                    let mut tx = self.db().write().await?;
                    let key = self.username_key(&username);
                    let row = store::user::account::by_username(&mut tx, &username, &key).await?;
                    tx.commit().await?;
                    Ok((self.existing_super_user(call, row.ok_or(error)?)?, false))
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    fn existing_super_user(&self, call: &mut Call<'_>, row: UserRow) -> Result<User> {
        if !row.is_super_user {
            // Anybody may have signed up by this name.
            let detail = "username: a user of this name exists who is not a super-user";
            return Err(Error::refused(Code::UsernameExists, detail));
        }
        call.trail.on(&row.user_id);
        self.open_user(row)
    }

    async fn insert_account(
        &self,
        call: &mut Call<'_>,
        new: NewUser,
        auto_approve: bool,
        is_super_user: bool,
    ) -> Result<User> {
        let needs_approval = self.config().signup.is_approval_needed && !auto_approve;
        let approval = if needs_approval { ApprovalStatus::BeforeDecision } else { ApprovalStatus::Approved };
        let mut row = self.new_row(new, call.changed_by(), approval, is_super_user).await?;
        if row.password_hash.is_none() {
            // Nobody has set it, and nobody knows it.
            row.password_hash = Some(self.hash_unknown_password(&row.user_id).await?);
        }
        let user = self.open_user(row.clone())?;
        call.trail.on(&user.user_id);
        call.trail.note("username", user.username.as_str());
        let mut tx = self.db().write().await?;
        self.insert_user(&mut tx, &row).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(user)
    }

    /// Stores a new user, with the identity that every user has.
    pub(in crate::ops) async fn insert_user(&self, tx: &mut Tx, row: &UserRow) -> Result<()> {
        self.insert_row(tx, row).await?;
        let identity = IdentityRow::first(row, random_uuid(self.random())?, self.now());
        store::site::identity::insert(tx, &identity).await.map(drop)
    }

    /// The same without the identity.
    pub(in crate::ops) async fn insert_row(&self, tx: &mut Tx, row: &UserRow) -> Result<()> {
        let index = row.email_index.as_deref().and_then(|index| index.try_into().ok());
        self.make_room(tx, row, index).await?;
        match store::user::account::insert(tx, row).await? {
            Inserted::Yes => Ok(()),
            Inserted::UsernameTaken => Err(Code::UsernameExists.into()),
            Inserted::EmailTaken => Err(Code::EmailExists.into()),
        }
    }

    /// Makes room for a new name of a user, and for an email with it, and checks that the name is nobody's email.
    ///
    /// # Errors
    /// E001002, and E008001 if all names have changed meanwhile.
    pub(in crate::ops) async fn make_room(
        &self,
        tx: &mut Tx,
        row: &UserRow,
        index: Option<[u8; 32]>,
    ) -> Result<()> {
        self.check_case(tx).await?;
        self.clear_expired(tx, &row.username, index).await?;
        self.check_name_is_nobodys_email(tx, &row.user_id, &row.username).await
    }

    /// Sign-ups that were not confirmed in time are gone, deleted or not: they keep nobody from a name or an email.
    pub(in crate::ops) async fn clear_expired(
        &self,
        tx: &mut Tx,
        username: &str,
        index: Option<[u8; 32]>,
    ) -> Result<()> {
        let key = self.username_key(username);
        store::user::signup::delete_expired(tx, &key, index.as_slice(), self.now()).await
    }

    /// Where users are looked up by username or email, both are one namespace: a username that is somebody's email would
    /// take what is meant for them.
    ///
    /// # Errors
    /// E001002.
    async fn check_name_is_nobodys_email(&self, tx: &mut Tx, user_id: &UserId, username: &str) -> Result<()> {
        if self.config().password_reset.user_search_by != UserSearchBy::UsernameOrEmail
            || !username.contains('@')
        {
            return Ok(());
        }
        for index in self.core.keyring.blind_index_candidates(username) {
            if store::user::signup::other_with_email(tx, user_id, &index).await?.is_some() {
                return Err(Code::UsernameExists.into());
            }
        }
        Ok(())
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
            None => joined_names([&first_name, &middle_name, &last_name]),
        };
        let totp_label = check_name("totp_label", new.totp_label)?;
        let creation_ctx = check_long_text("creation_ctx", new.creation_ctx)?;
        let rate_limit_def = check_long_text("rate_limit_def", new.rate_limit_def)?;
        let totp_key = self.check_totp_key(new.totp_key)?;
        let is_rate_limit_active = new.is_rate_limit_active.unwrap_or(false);
        check_rate_limits(is_rate_limit_active, rate_limit_def.as_deref())?;

        let user_id = UserId::random(&*self.core.random)?;
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
        let password_expiry = password_hash.as_ref().and_then(|_| self.password_expiry(now, None));
        Ok(UserRow {
            user_token: random_uuid(self.random())?,
            username_key: Some(self.username_key(&username)),
            username_skeleton: Some(self.username_skeleton(&username)),
            email_is_verified: false,
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

    /// The name of a user, in the form in which it is kept.
    pub(in crate::ops) fn check_username(&self, username: Option<String>) -> Result<String> {
        let username = username.filter(|username| !username.is_empty()).ok_or(Code::UsernameInvalid)?;
        if username.chars().any(char::is_whitespace) {
            return Err(Code::UsernameHasWhitespace.into());
        }
        let max = self.config().signup.max_length_username;
        let too_long =
            || Error::refused(Code::UsernameTooLong, format!("username: at most {max} characters"));
        // What is written in parts has more characters than it has when it is kept: four for a letter with three marks.
        if username.chars().count() > max.saturating_mul(4) {
            return Err(too_long());
        }
        let username = prepare_username(&username)
            .map_err(|why| Error::refused(Code::UsernameInvalid, format!("username: {why}")))?;
        if username.chars().count() > max {
            return Err(too_long());
        }
        Ok(username)
    }

    pub(in crate::ops) fn check_email(&self, email: Option<String>) -> Result<Option<String>> {
        let Some(email) = email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty()) else {
            return Ok(None);
        };
        let max = self.config().signup.max_length_email;
        let too_long = |most: &str| Error::refused(Code::EmailTooLong, format!("email: at most {most}"));
        if email.chars().count() > max {
            return Err(too_long(&format!("{max} characters")));
        }
        let address = EmailAddress::parse(&email).map_err(|invalid| match invalid {
            InvalidEmail::HasWhitespace => {
                Error::refused(Code::EmailHasWhitespace, "email: white space is not allowed")
            }
            InvalidEmail::TooLong => too_long("254 bytes, and 64 before the @"),
            InvalidEmail::Wrong(why) => Error::refused(Code::EmailInvalid, format!("email: {why}")),
        })?;
        Ok(Some(address.as_str().to_owned()))
    }
}
