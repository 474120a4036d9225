//! Changing users.

use crate::domain::{
    Code, Context, Edit, Error, Operation, Result, Timestamp, UserId, UserUpdate, check_long_text,
    check_name, composed, is_reserved_name,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::rate_limit::check_rate_limits;
use crate::ops::access::user_row::Column;
use crate::ops::call::Call;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::{HeldUser, Updated, UserRow};

/// 0001-01-01T00:00:00: no earlier time can be shown.
const FIRST_DAY: Timestamp = Timestamp::from_micros(-62_135_596_800_000_000);

impl Sso {
    /// Changes the user whose session it is.
    ///
    /// # Errors
    /// As [`Sso::update_user_by_id`].
    pub async fn update_current_user(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        update: UserUpdate,
    ) -> Result<()> {
        self.run(ctx, Operation::UserUpdateCurrent, actor, async |call| {
            self.change_user(call, None, update).await
        })
        .await
    }

    /// Changes any user for super-users, oneself for everybody.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user, E008003 where nothing is to be changed, E008002
    /// for what only super-users may change, for a value that is not acceptable and for what would take away the last super-user, E001xxx and E002xxx for a username
    /// or email that is not; E005010 for a username, an email, TOTP or the role if the caller's login is not fresh; who switches
    /// TOTP on for oneself without a code of the key is refused with E005008, with a wrong one with E005001.
    pub async fn update_user_by_id(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: &str,
        update: UserUpdate,
    ) -> Result<()> {
        self.run(ctx, Operation::UserUpdateById, actor, async |call| {
            self.change_user(call, Some(user_id), update).await
        })
        .await
    }

    async fn change_user(
        &self,
        call: &mut Call<'_>,
        user_id: Option<&str>,
        mut update: UserUpdate,
    ) -> Result<()> {
        let user_id = call.target(user_id)?;
        let (personal, administrative) = (update.personal(), update.administrative());
        if personal.is_empty() && administrative.is_empty() {
            return Err(Error::refused(Code::CommonMissingInput, "nothing to change was given"));
        }
        if !administrative.is_empty() && !call.may_act_on_all() {
            let detail = format!("only super-users may change {}", administrative.join(", "));
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        if update.changes_proof() {
            self.require_own_login(call.caller().ok(), &user_id).await?;
        }
        let is_own = call.session_to_keep(&user_id).is_some();
        let proof = if is_own { self.check_totp_proof(&user_id, &update).await? } else { None };
        call.trail.note("changed", [personal, administrative].concat().join(", "));

        let mut tx = self.db().write().await?;
        let takes_role = update.is_super_user == Edit::Set(false);
        if takes_role || update.may_shut_out() && call.user_id().is_some() {
            self.check_another_super_user(&mut tx, &user_id).await?;
        }
        let mut row =
            store::user::account::by_id_for_update(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
        let former = row.clone();
        let is_email_given = update.email != Edit::Keep;
        let is_status_set = update.sign_up_status != Edit::Keep;
        let to_confirm = if is_own { self.email_to_confirm(&row, &mut update)? } else { None };
        self.apply(&mut row, &user_id, update, call.changed_by())?;
        if !call.may_act_on_all() {
            self.check_rename(&former.username, &row.username)?;
        }
        if let Some(proof) = proof {
            self.use_totp_proof(&mut tx, &mut row, proof).await?;
            // The login is fresh, and a code was shown.
            self.note_code(&mut tx, call.caller()?.session().session_id).await?;
        }
        if row.username != former.username {
            self.make_room(&mut tx, &row, None).await?;
        }
        let is_new_email = row.email_index != former.email_index;
        if is_new_email {
            self.check_new_email(&mut tx, &row, call.may_act_on_all()).await?;
        }
        if is_status_set {
            store::user::signup::keep(&mut tx, &user_id).await?;
        }
        match store::user::account::update(&mut tx, &row).await? {
            Updated::Yes => {}
            Updated::UsernameTaken => return Err(Code::UsernameExists.into()),
            Updated::EmailTaken => return Err(Code::EmailExists.into()),
        }
        store::user::profile::set_time(&mut tx, &user_id, self.now()).await?;
        if is_new_email {
            self.end_sign_up_token(&mut tx, &user_id).await?;
        }
        if let Some(email) = to_confirm {
            self.ask_to_confirm_email(&mut tx, call, &former, email).await?;
        } else if is_email_given {
            self.replace_email(&mut tx, call, &former, is_new_email).await?;
        }
        if row.username != former.username && !call.may_act_on_all() {
            self.check_look_alikes(&mut tx, &row).await?;
        }
        if !HeldUser::from(&row).may_have_sessions() {
            self.end_sessions_on_lock(call, &mut tx, &user_id).await?;
        } else if (row.is_totp_enabled, &row.totp_key) != (former.is_totp_enabled, &former.totp_key) {
            self.end_sessions_on_totp_change(call, &mut tx, &user_id).await?;
        }
        if let Some(change) = change_of_totp(&former, &row) {
            self.tell_of_second_factor(&mut tx, call.ctx, &mut call.trail, &former, change).await?;
        }
        self.commit(tx, &mut call.trail).await
    }

    /// A new email must not be somebody else's who owns it. Where emails can be sent, owning one is proved by a link: who
    /// gives oneself another without one owns it no more than anybody else does.
    pub(in crate::ops) async fn check_new_email(
        &self,
        tx: &mut Tx,
        row: &UserRow,
        is_proven: bool,
    ) -> Result<()> {
        let Some(index) = row.email_index.as_deref().and_then(|index| index.try_into().ok()) else {
            return Ok(());
        };
        self.clear_expired(tx, "", Some(index)).await?;
        if store::user::signup::is_claimed_by_another(tx, &row.user_id, &index).await? {
            return Err(Code::EmailExists.into());
        }
        if !is_proven && self.can_send_email() {
            store::user::signup::disclaim(tx, &row.user_id).await?;
        }
        Ok(())
    }

    /// A user's own choice of a new name, by the rules of a sign-up. Where a user may come from is configured by name: a new
    /// name must not evade or take over such a list.
    pub(in crate::ops) fn check_rename(&self, former: &str, username: &str) -> Result<()> {
        let listed = &self.config().user_address_list;
        if former != username && (listed.get(former).is_some() || listed.get(username).is_some()) {
            let detail = "username: it is in user_address_list, only super-users may change it";
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        if former != username && is_reserved_name(username, &self.config().user_validation.reject_username) {
            return Err(Error::refused(Code::UsernameInvalid, "username: reserved, choose another one"));
        }
        Ok(())
    }

    /// Checks every new value and puts it into the row. What was not given stays as it is.
    fn apply(&self, row: &mut UserRow, user_id: &UserId, update: UserUpdate, by: &str) -> Result<()> {
        let now = self.now();
        if let Some(username) = required("username", update.username)? {
            self.rename(row, self.check_username(Some(username))?);
        }
        if let Some(email) = update.email.given() {
            let email = self.check_email(email)?;
            let index = email.as_deref().map(|email| self.core.keyring.blind_index(email).to_vec());
            row.email_is_verified &= row.email_index == index;
            row.email_index = index;
            row.email = email.map(|email| self.seal_email(user_id, &email)).transpose()?;
        }
        for (field, edit, column) in [
            ("display_name", update.display_name, &mut row.display_name),
            ("first_name", update.first_name, &mut row.first_name),
            ("middle_name", update.middle_name, &mut row.middle_name),
            ("last_name", update.last_name, &mut row.last_name),
        ] {
            *column = match edit.given() {
                Some(name) => check_name(field, name)?,
                None => column.take().map(|name| composed(&name)),
            };
        }
        if let Some(is_enabled) = update.is_totp_enabled.given() {
            row.is_totp_enabled = is_enabled.unwrap_or(false);
        }
        if let Some(key) = update.totp_key.given() {
            let key = self.check_totp_key(key)?;
            self.put_totp_key(row, user_id, &key)?;
        }
        if let Some(label) = update.totp_label.given() {
            let label = check_name("totp_label", label)?;
            row.totp_label = label.map(|label| self.seal(Column::TotpLabel, user_id, &label)).transpose()?;
        }

        if let Some(is_super_user) = required("is_super_user", update.is_super_user)? {
            row.is_super_user = is_super_user;
        }
        if let Some(is_locked) = required("is_locked", update.is_locked)? {
            row.is_locked = is_locked;
            row.locked_time = Some(now);
            row.locked_by = Some(by.to_owned());
        }
        if let Some(expiry) = update.password_expiry.given() {
            row.password_expiry = expiry.map(check_expiry).transpose()?;
        }
        if let Some(must_change) = required("password_must_change", update.password_must_change)? {
            row.password_must_change = must_change;
        }
        if let Some(status) = required("sign_up_status", update.sign_up_status)? {
            row.sign_up_status = status;
        }
        if let Some(status) = required("approval_status", update.approval_status)? {
            row.approval_status = status;
            row.approval_status_mod_time = now;
            row.approval_status_mod_by = Some(by.to_owned());
        }
        let limits_change = update.is_rate_limit_active != Edit::Keep || update.rate_limit_def != Edit::Keep;
        if let Some(is_active) = required("is_rate_limit_active", update.is_rate_limit_active)? {
            row.is_rate_limit_active = is_active;
        }
        if let Some(rules) = required("rate_limit_def", update.rate_limit_def)? {
            row.rate_limit_def = check_long_text("rate_limit_def", Some(rules))?;
        }
        if limits_change {
            check_rate_limits(row.is_rate_limit_active, row.rate_limit_def.as_deref())?;
        }
        Ok(())
    }
}

/// What an email about a change of TOTP says; None where it has not changed.
fn change_of_totp(former: &UserRow, row: &UserRow) -> Option<&'static str> {
    match (former.is_totp_enabled, row.is_totp_enabled) {
        (false, true) => Some("totp-on"),
        (true, false) => Some("totp-off"),
        (true, true) | (false, false) => (row.totp_key != former.totp_key).then_some("totp-key"),
    }
}

/// A value that may change and not be taken away.
fn required<T>(field: &'static str, edit: Edit<T>) -> Result<Option<T>> {
    match edit {
        Edit::Keep => Ok(None),
        Edit::Clear => Err(Error::refused(Code::CommonInvalidInput, format!("{field}: a value is needed"))),
        Edit::Set(value) => Ok(Some(value)),
    }
}

/// An expiry that every face can show.
fn check_expiry(expiry: Timestamp) -> Result<Timestamp> {
    if expiry < FIRST_DAY {
        return Err(Error::refused(Code::CommonInvalidInput, format!("password_expiry: before {FIRST_DAY}")));
    }
    Ok(expiry.min(Timestamp::NEVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_can_be_shown() {
        assert_eq!(FIRST_DAY.to_string(), "0001-01-01T00:00:00");
        let earlier = Timestamp::from_micros(FIRST_DAY.as_micros() - 1);
        assert_eq!(check_expiry(earlier).unwrap_err().code(), Code::CommonInvalidInput);
        assert_eq!(check_expiry(FIRST_DAY).unwrap(), FIRST_DAY);
        assert_eq!(check_expiry(Timestamp::from_micros(i64::MAX)).unwrap(), Timestamp::NEVER);
    }
}
