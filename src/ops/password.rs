//! Passwords: the rules they must keep, and changing them.

use super::Sso;
use super::access::{Caller, PasswordAge};
use super::audit::Trail;
use super::user::Column;
use crate::crypto::{Verdict, plain};
use crate::domain::{AuditKind, Code, Context, Error, Password, Result, SessionId, Timestamp, UserId, Ust};
use crate::store;
use crate::store::Tx;
use crate::store::user::UserRow;

/// The latest expiry that may be asked for, in days.
const MAX_EXPIRY_DAYS: i64 = 36_500;

/// A password change as asked for.
#[derive(Clone, Debug)]
pub struct ChangePassword {
    /// The current password; needed to change one's own.
    pub old_password: Option<Password>,
    /// The new one.
    pub new_password: Password,
    /// Whose; None is oneself. Others' only for super-users.
    pub user_id: Option<String>,
    /// In how many days it expires; None or negative is the default. Only for super-users.
    pub password_expiry: Option<i64>,
    /// Whether it must be changed at the next login. Only for super-users.
    pub must_change: Option<bool>,
}

/// A new password, checked and hashed, ready to be stored.
pub(super) struct NewPassword {
    pub envelope: Vec<u8>,
    pub set_time: Timestamp,
    pub expiry: Timestamp,
    pub must_change: bool,
}

impl Sso {
    /// Checks a password against the rules of configuration.
    ///
    /// # Errors
    /// E003002 or E003003 for its length, E003001 if it contains a string of the reject list.
    pub fn check_password_rules(&self, password: &Password) -> Result<()> {
        let rules = &self.config().password;
        let length = password.expose().chars().count();
        if length < rules.min_length {
            let detail = format!("password: at least {} characters", rules.min_length);
            return Err(Error::refused(Code::PasswordTooShort, detail));
        }
        if length > rules.max_length {
            let detail = format!("password: at most {} characters", rules.max_length);
            return Err(Error::refused(Code::PasswordTooLong, detail));
        }
        let lower = Password::from(password.expose().to_lowercase());
        if rules.reject_list.iter().any(|rejected| lower.expose().contains(&rejected.to_lowercase())) {
            let detail = "password: contains a string that is too common";
            return Err(Error::refused(Code::PasswordInvalid, detail));
        }
        Ok(())
    }

    /// When a password set now expires.
    pub(super) fn password_expiry(&self, now: Timestamp, days: Option<i64>) -> Timestamp {
        let days = days.filter(|days| *days >= 0);
        now.plus_days(days.unwrap_or_else(|| i64::from(self.config().password.expiry)))
    }

    /// Hashes a password for storage. Never inside a transaction: it takes its time.
    pub(super) async fn hash_password(&self, user_id: &UserId, password: Password) -> Result<Vec<u8>> {
        let salt = self.core.random.bytes()?;
        let hash = self.core.hashing.hash(password, salt).await?;
        if self.config().main.encrypt_password {
            self.seal(Column::PasswordHash, user_id, &hash)
        } else {
            Ok(plain(hash.as_bytes()))
        }
    }

    /// Whether this is the user's password. For a user that does not exist, or has none, it is not, and finding that
    /// out takes the same work.
    pub(super) async fn verify_password(&self, row: Option<&UserRow>, password: Password) -> Result<Verdict> {
        let stored = row.and_then(|row| Some((row, row.password_hash.as_deref()?)));
        let Some((row, envelope)) = stored else {
            self.core.hashing.verify_unknown(password).await?;
            return Ok(Verdict::Wrong);
        };
        let user_id = UserId::from_stored(row.user_id.clone());
        let hash = self.unseal(Column::PasswordHash, &user_id, envelope)?;
        let verdict = self.core.hashing.verify(hash.expose().to_owned(), password).await?;
        let outdated = verdict == Verdict::Right
            && self.config().main.encrypt_password
            && self.core.keyring.needs_reseal(envelope);
        Ok(if outdated { Verdict::RightButOutdated } else { verdict })
    }

    /// Changes a password: one's own with the old one, anybody's as a super-user.
    ///
    /// # Errors
    /// E005001 without the right to or with a wrong old password, E008003 where the old one is missing, E001100 if
    /// there is no such user, a code of [`Sso::check_password_rules`], E008002 for an expiry out of range.
    pub async fn change_password(
        &self,
        ctx: &Context,
        current_ust: &Ust,
        request: ChangePassword,
    ) -> Result<()> {
        let mut trail = self.trail(ctx, "user.change_password", AuditKind::Change);
        let outcome = self.replace_password(ctx, &mut trail, current_ust, request).await;
        self.conclude(trail, outcome).await
    }

    async fn replace_password(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        current_ust: &Ust,
        request: ChangePassword,
    ) -> Result<()> {
        let caller = self.check_ust(ctx, current_ust, PasswordAge::Checked).await?;
        trail.by(caller.user_id());
        let row = self.row_to_change(&caller, request.user_id.as_deref()).await?;
        let user_id = UserId::from_stored(row.user_id.clone());
        trail.on(&user_id);
        if request.password_expiry.is_some() || request.must_change.is_some() {
            caller.require_super_user()?;
        }
        if request.password_expiry.is_some_and(|days| days > MAX_EXPIRY_DAYS) {
            let detail = format!("password_expiry: at most {MAX_EXPIRY_DAYS} days");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }

        let is_own = user_id == *caller.user_id();
        if is_own {
            let missing =
                || Error::refused(Code::CommonMissingInput, "old_password: needed to change one's own");
            let old = request.old_password.filter(|old| !old.is_empty()).ok_or_else(missing)?;
            let is_same = old.expose() == request.new_password.expose();
            if self.verify_password(Some(&row), old).await? == Verdict::Wrong {
                return Err(Code::AuthNotAllowed.into());
            }
            if is_same {
                return Err(Error::refused(Code::PasswordInvalid, "new_password: same as the old one"));
            }
        }
        self.check_password_rules(&request.new_password)?;
        let set_time = self.now();
        let new = NewPassword {
            envelope: self.hash_password(&user_id, request.new_password).await?,
            set_time,
            expiry: self.password_expiry(set_time, request.password_expiry),
            must_change: request.must_change.unwrap_or(false),
        };
        let keep = is_own.then_some(caller.session.session_id);
        let mut tx = self.db().write().await?;
        if store::user::lock_row(&mut tx, &user_id).await? != Some(row.password_last_set) {
            return Err(Error::refused(Code::AuthNotAllowed, "the password was changed meanwhile"));
        }
        self.store_password(&mut tx, &user_id, &new, keep).await?;
        self.commit(tx, trail).await
    }

    async fn row_to_change(&self, caller: &Caller, user_id: Option<&str>) -> Result<UserRow> {
        let user_id = caller.target(user_id)?;
        let mut conn = self.db().read().await?;
        let row = store::user::by_id(&mut conn, &user_id).await?;
        row.ok_or_else(|| Code::UserIdInvalid.into())
    }

    /// Stores a new password and, where configuration says so, ends the user's sessions but for one. Resets under way
    /// end too: nobody needs them any more.
    pub(super) async fn store_password(
        &self,
        tx: &mut Tx,
        user_id: &UserId,
        new: &NewPassword,
        keep: Option<SessionId>,
    ) -> Result<()> {
        let (set_time, expiry) = (new.set_time.as_micros(), new.expiry.as_micros());
        store::user::set_password(tx, user_id, &new.envelope, set_time, expiry, new.must_change).await?;
        store::password_reset::delete_of_user(tx, user_id).await?;
        if self.config().session.end_on_password_change {
            store::session::delete_of_user(tx, user_id, keep).await?;
        }
        Ok(())
    }
}
