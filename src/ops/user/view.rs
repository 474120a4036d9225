//! Reading users.

use std::sync::{Arc, OnceLock};

use crate::domain::{
    ApprovalStatus, Code, Context, Operation, Password, Result, SignUpStatus, User, UserId, UserView,
    Visibility,
};
use crate::ops::Sso;
use crate::ops::access::actor::{Actor, Caller};
use crate::ops::access::user_row::Column;
use crate::store;
use crate::store::Conn;
use crate::store::user::account::UserRow;

impl Sso {
    /// The user whose session it is.
    ///
    /// # Errors
    /// A code of the session or of the common checks.
    pub async fn get_current_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        let actor = actor.into();
        if !return_all_attrs
            && let Actor::Session(current) = &actor
            && let Some(view) = self.get_current_user_fast(ctx.into(), current.expose())
        {
            return Ok(view);
        }
        // Boxed, so that the future of the fast path stays small.
        Box::pin(self.run(ctx, Operation::UserGetCurrent, actor, async |call| {
            let user_id = call.target(None)?;
            self.shown_to(call.caller()?, &user_id, return_all_attrs).await
        }))
        .await
    }

    /// Any user for super-users, oneself for everybody.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn get_user_by_id(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
        return_all_attrs: bool,
    ) -> Result<UserView> {
        self.run(ctx, Operation::UserGetById, actor, async |call| {
            let user_id = call.target(Some(user_id))?;
            self.shown_to(call.caller()?, &user_id, return_all_attrs).await
        })
        .await
    }

    /// A user as far as who may manage them sees it: super-users, and members of groups that may manage users, of users who
    /// have no more rights.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn get_user_to_manage(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
    ) -> Result<UserView> {
        self.run(ctx, Operation::UserGetToManage, actor, async |call| {
            let user_id = call.target_to_manage(Some(user_id))?;
            let mut conn = self.db().read().await?;
            let row = store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            if self.is_hidden(&mut conn, &row).await? {
                return Err(Code::UserIdInvalid.into());
            }
            self.check_may_manage(call, &mut conn, &row).await?;
            let user = self.open_with_groups(conn, row).await?;
            let is_all = call.may_act_on_all();
            let visibility = if is_all { Visibility::SuperUser } else { Visibility::UserManager };
            Ok(UserView { user: Arc::new(user), visibility, is_current_super_user: is_all })
        })
        .await
    }

    /// A user with their groups, and without the TOTP key.
    pub(in crate::ops) async fn open_with_groups(&self, mut conn: Conn, row: UserRow) -> Result<User> {
        let mut user = self.open_user(row)?;
        (user.groups, user.totp_key) = (self.membership(&mut conn, &user.user_id).await?.groups, None);
        Ok(user)
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
        if self.is_hidden(&mut conn, &row).await? {
            return Err(Code::UserIdInvalid.into());
        }
        // Of the caller it is known already.
        let membership = match cached {
            Some(_) => caller.membership(),
            None => self.membership(&mut conn, user_id).await?,
        };
        drop(conn);
        let mut user = self.open_user(row)?;
        user.groups = membership.groups;
        // It is shown only on request, so it is not cached in clear; and with it a stolen session would be a stolen account.
        if cached.is_some() || self.require_fresh_login(Some(caller)).is_err() {
            user.totp_key = None;
        }
        let user = Arc::new(user);
        if let Some(cached) = cached {
            // Another call may have been quicker, with the same value.
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
        self.record(ctx, Operation::UserGetByUsername, async |_| {
            let Some(row) = self.row_by_username(username).await? else { return Ok(None) };
            if needs_approved && row.approval_status != ApprovalStatus::Approved {
                return Ok(None);
            }
            let mut conn = self.db().read().await?;
            if self.is_hidden(&mut conn, &row).await? {
                return Ok(None);
            }
            let mut user = self.open_user(row)?;
            user.groups = self.membership(&mut conn, &user.user_id).await?.groups;
            drop(conn);
            let user = Arc::new(user);
            Ok(Some(UserView { user, visibility: Visibility::SuperUser, is_current_super_user: false }))
        })
        .await
    }

    /// Users by name, a page of so many after this one: for the command line.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn list_users(&self, ctx: &Context, after: &str, limit: i64) -> Result<Vec<User>> {
        self.record(ctx, Operation::UserList, async |_| {
            let mut conn = self.db().read().await?;
            let rows = store::user::account::page_by_username(&mut conn, after, limit, self.now()).await?;
            let mut users = rows.into_iter().map(|row| self.open_user(row)).collect::<Result<Vec<_>>>()?;
            self.add_groups(&mut conn, &mut users).await?;
            Ok(users)
        })
        .await
    }

    /// Whether there is no such user, but a row: of a sign-up that was not confirmed in time, or one that nobody can confirm.
    pub(in crate::ops) async fn is_hidden(&self, conn: &mut Conn, row: &UserRow) -> Result<bool> {
        Ok(row.sign_up_status == SignUpStatus::BeforeConfirmation
            && store::user::signup::is_hidden(conn, &row.user_id, self.now()).await?)
    }

    /// From a row to a user: envelopes opened, states read. Groups stand elsewhere.
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
            groups: Vec::new(),
            user_id,
        })
    }
}
