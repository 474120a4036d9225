//! A new password: the rules that it must keep, its hash, and what storing it does.

use uuid::Uuid;

use crate::crypto::token::new_password;
use crate::crypto::{Place, Verdict, is_common, plain};
use crate::domain::{
    Code, EmailKind, Error, Password, Result, SessionId, Timestamp, UserId, opaque_string, time_ordered_uuid,
};
use crate::ops::Sso;
use crate::ops::access::user_row::Column;
use crate::ops::breached::BreachedFilter;
use crate::ops::call::Call;
use crate::ops::mail::message::About;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::UserRow;

/// How many characters a password must have beside those of common strings: as many as NIST SP 800-63B-4 asks of one that is
/// the only factor.
const LONG_ENOUGH: usize = 15;

/// The latest expiry that may be asked for, in days.
const MAX_EXPIRY_DAYS: i64 = 36_500;

/// A new password, checked and hashed, ready to be stored.
pub(in crate::ops) struct NewPassword {
    envelope: Vec<u8>,
    set_time: Timestamp,
    expiry: Option<Timestamp>,
    must_change: bool,
    former: Option<Former>,
}

/// A password that is about to be replaced, as the history keeps it.
struct Former {
    history_id: Uuid,
    envelope: Vec<u8>,
}

/// What is said about a new password beside the password itself.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ops) struct Terms {
    /// In how many days it expires; None or negative is the default of configuration.
    pub expiry_days: Option<i64>,
    /// Whether it must be changed at the next login.
    pub must_change: bool,
}

impl Sso {
    /// Checks a password against the rules of configuration that say what passwords must be like. What they were before,
    /// and whose it is to be, only those know who change it.
    ///
    /// # Errors
    /// E003002 or E003003 for its length, E003001 if little is left of it without the strings of the reject list, or if it is
    /// one of the most common ones or known from a breach, E003008 if it is too easy to guess.
    pub async fn validate_password(&self, password: &Password) -> Result<()> {
        self.check_password(password, Vec::new()).await
    }

    /// The same for a user of whom something is known, which is easy to guess: names, the email address. It is all there is
    /// to check for a user that does not exist yet; for one that does, [`Sso::accept_password`] is the one to call.
    pub(in crate::ops) async fn check_password(
        &self,
        password: &Password,
        mut about: Vec<String>,
    ) -> Result<()> {
        let opaque = opaque(password);
        let (raw, password) = (password, opaque.as_ref().unwrap_or(password));
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
        if is_too_common(password, &rules.reject_list, rules.min_length.max(LONG_ENOUGH)) {
            let detail = "password: contains a string that is too common";
            return Err(Error::refused(Code::PasswordInvalid, detail));
        }
        if rules.reject_common && is_common(password.expose()) {
            let detail = "password: one of the most common ones, which are guessed first";
            return Err(Error::refused(Code::PasswordInvalid, detail));
        }
        if self.is_breached(raw)? || (opaque.is_some() && self.is_breached(password)?) {
            let detail = "password: known from a data breach, which others try first";
            return Err(Error::refused(Code::PasswordInvalid, detail));
        }
        if rules.min_complexity == 0 {
            return Ok(());
        }
        about.push(self.config().main.site_name.clone());
        if self.core.hashing.complexity(password.clone(), about).await? < rules.min_complexity {
            let detail = "password: too easy to guess, make it longer or less usual";
            return Err(Error::refused(Code::PasswordNotComplexEnough, detail));
        }
        Ok(())
    }

    /// Whether the filter of breached passwords has it, where there is one.
    fn is_breached(&self, password: &Password) -> Result<bool> {
        let has = |filter: &BreachedFilter| filter.has(password.expose().as_bytes());
        self.core.breached.as_ref().map_or(Ok(false), has).map_err(Error::internal)
    }

    /// Checks a password that anybody has chosen for a user against every rule, the user's former passwords included, and
    /// hashes it. Every change of a password comes through here; [`Sso::store_password`] is what follows,
    /// in a transaction that has made sure (`store::user::lock_row`) that the password is still the one of this row.
    ///
    /// # Errors
    /// As [`Sso::validate_password`], E003001 for a password that was used before, E008002 for an expiry out of range.
    pub(in crate::ops) async fn accept_password(
        &self,
        row: &UserRow,
        password: Password,
        terms: Terms,
    ) -> Result<NewPassword> {
        if terms.expiry_days.is_some_and(|days| days > MAX_EXPIRY_DAYS) {
            let detail = format!("password_expiry: at most {MAX_EXPIRY_DAYS} days");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        self.check_password(&password, self.known_about(row)?).await?;
        self.check_history(row, &password).await?;
        let set_time = self.now();
        Ok(NewPassword {
            envelope: self.hash_password(&row.user_id, password).await?,
            set_time,
            expiry: self.password_expiry(set_time, terms.expiry_days),
            must_change: terms.must_change,
            former: self.former_password(row, set_time)?,
        })
    }

    /// What who guesses knows of a user.
    fn known_about(&self, row: &UserRow) -> Result<Vec<String>> {
        if self.config().password.min_complexity == 0 {
            return Ok(Vec::new());
        }
        let open = |email: &Vec<u8>| self.unseal(Column::Email, &row.user_id, email);
        let email = row.email.as_ref().map(open).transpose()?.map(|email| email.expose().to_owned());
        let names = [&row.display_name, &row.first_name, &row.middle_name, &row.last_name];
        let names = names.into_iter().flatten().cloned();
        Ok(std::iter::once(row.username.clone()).chain(email).chain(names).collect())
    }

    /// Neither the current password nor one of the last that came before it may be chosen again.
    async fn check_history(&self, row: &UserRow, password: &Password) -> Result<()> {
        let count = self.config().password.history;
        if count == 0 {
            return Ok(());
        }
        let used = || Err(Error::refused(Code::PasswordInvalid, "password: used before"));
        if row.password_hash.is_some()
            && self.verify_password(Some(row), password.clone()).await? != Verdict::Wrong
        {
            return used();
        }
        let mut conn = self.db().read().await?;
        let former = store::password::history::latest(&mut conn, &row.user_id, i64::from(count)).await?;
        drop(conn);
        for (history_id, envelope) in former {
            let hash = self.core.keyring.open_or_plain(history_place(&history_id), &envelope)?;
            let hash = std::str::from_utf8(&hash).map_err(Error::internal)?.to_owned();
            if self.verify_hash(hash, password.clone()).await? != Verdict::Wrong {
                return used();
            }
        }
        Ok(())
    }

    /// The current password as the history keeps it: an envelope is bound to its row. None where no history is kept.
    fn former_password(&self, row: &UserRow, now: Timestamp) -> Result<Option<Former>> {
        let Some(current) = row.password_hash.as_deref().filter(|_| self.config().password.history > 0)
        else {
            return Ok(None);
        };
        let hash = self.unseal(Column::PasswordHash, &row.user_id, current)?;
        let history_id = time_ordered_uuid(now, &*self.core.random)?;
        let envelope = if self.config().main.encrypt_password {
            let place = history_place(&history_id);
            self.core.keyring.seal(place, hash.expose().as_bytes(), &*self.core.random)?
        } else {
            plain(hash.expose().as_bytes())
        };
        Ok(Some(Former { history_id, envelope }))
    }

    /// When a password set now expires; None is never.
    pub(in crate::ops) fn password_expiry(&self, now: Timestamp, days: Option<i64>) -> Option<Timestamp> {
        let by_default = || Some(i64::from(self.config().password.expiry)).filter(|days| *days > 0);
        days.filter(|days| *days >= 0).or_else(by_default).map(|days| now.plus_days(days))
    }

    /// Hashes a password for storage. Never inside a transaction: it takes its time.
    pub(in crate::ops) async fn hash_password(
        &self,
        user_id: &UserId,
        password: Password,
    ) -> Result<Vec<u8>> {
        let salt = self.core.random.bytes()?;
        let password = opaque(&password).unwrap_or(password);
        let hash = self.core.hashing.hash(password, salt).await?;
        if self.config().main.encrypt_password {
            self.seal(Column::PasswordHash, user_id, &hash)
        } else {
            Ok(plain(hash.as_bytes()))
        }
    }

    /// The hash of a random password that is forgotten here. For a user without a password of their own a login costs
    /// what it costs for others, and a password comes by a reset.
    pub(in crate::ops) async fn hash_unknown_password(&self, user_id: &UserId) -> Result<Vec<u8>> {
        self.hash_password(user_id, new_password(&*self.core.random)?).await
    }

    /// Whether this is the user's password. For a user that does not exist, or has none, it is not, and finding that
    /// out takes the same work: how much depends on the password alone.
    pub(in crate::ops) async fn verify_password(
        &self,
        row: Option<&UserRow>,
        password: Password,
    ) -> Result<Verdict> {
        let stored = row.and_then(|row| Some((row, row.password_hash.as_deref()?)));
        let Some((row, envelope)) = stored else {
            if let Some(opaque) = opaque(&password) {
                self.core.hashing.verify_unknown(opaque).await?;
            }
            self.core.hashing.verify_unknown(password).await?;
            return Ok(Verdict::Wrong);
        };
        let hash = self.unseal(Column::PasswordHash, &row.user_id, envelope)?;
        let verdict = self.verify_hash(hash.expose().to_owned(), password).await?;
        let outdated = verdict == Verdict::Right
            && self.config().main.encrypt_password
            && self.core.keyring.needs_reseal(envelope);
        Ok(if outdated { Verdict::RightButOutdated } else { verdict })
    }

    /// Compares a password with a hash, in the form in which it would be hashed now, and then as it is: earlier versions and
    /// other systems hash what they are given.
    async fn verify_hash(&self, hash: String, password: Password) -> Result<Verdict> {
        let Some(opaque) = opaque(&password) else {
            return self.core.hashing.verify(hash, password).await;
        };
        let verdict = self.core.hashing.verify(hash.clone(), opaque).await?;
        if verdict != Verdict::Wrong {
            return Ok(verdict);
        }
        Ok(match self.core.hashing.verify(hash, password).await? {
            Verdict::Wrong => Verdict::Wrong,
            Verdict::Right | Verdict::RightButOutdated => Verdict::RightButOutdated,
        })
    }

    /// Stores a new password, keeps the former one in the history where there is one, and ends the user's sessions but for
    /// one where configuration says so. Resets under way end too, and failed logins are forgotten: what was guessed for is
    /// not the password any more. The user is told.
    pub(in crate::ops) async fn store_password(
        &self,
        tx: &mut Tx,
        call: &mut Call<'_>,
        row: &UserRow,
        new: &NewPassword,
        keep: Option<SessionId>,
    ) -> Result<()> {
        let user_id = &row.user_id;
        self.forgive(tx, user_id, &row.username).await?;
        store::user::account::set_password(
            tx,
            user_id,
            &new.envelope,
            new.set_time,
            new.expiry,
            new.must_change,
        )
        .await?;
        self.end_resets(tx, user_id).await?;
        self.give_up_email_change(tx, user_id).await?;
        // What a site has verified was the former one.
        store::site::identity::delete_verifications(tx, user_id).await?;
        // So is whoever has logged in with that one.
        store::session::device::delete_of_user(tx, user_id).await?;
        if let Some(Former { history_id, envelope }) = &new.former {
            let keep = i64::from(self.config().password.history);
            store::password::history::insert(tx, *history_id, user_id, envelope, new.set_time, keep).await?;
        }
        if self.config().session.end_on_password_change {
            store::session::record::delete_of_user(tx, user_id, keep).await?;
        }
        let about = About::plain(EmailKind::PasswordChanged);
        self.tell_of_change(tx, call.ctx, &mut call.trail, row, about).await
    }

    /// Gives up the email that a user wanted, and takes back the email about it that waits.
    pub(in crate::ops) async fn give_up_email_change(&self, tx: &mut Tx, user_id: &UserId) -> Result<()> {
        store::user::email_change::delete_of_user(tx, user_id).await?;
        store::mail::outbox::withdraw(tx, EmailKind::EmailConfirm.as_str(), user_id).await
    }

    /// Ends every reset of a user under way, and takes back the email about it that waits.
    pub(in crate::ops) async fn end_resets(&self, tx: &mut Tx, user_id: &UserId) -> Result<()> {
        store::password::reset::delete_of_user(tx, user_id).await?;
        store::mail::outbox::withdraw(tx, EmailKind::PasswordReset.as_str(), user_id).await
    }
}

/// A password in the form in which it is hashed (RFC 8265, OpaqueString); None where it has that form.
fn opaque(password: &Password) -> Option<Password> {
    opaque_string(password.expose()).map(Password::from)
}

/// Whether two passwords are one, however they are written.
pub(in crate::ops) fn is_same_password(one: &Password, other: &Password) -> bool {
    let (one_opaque, other_opaque) = (opaque(one), opaque(other));
    one_opaque.as_ref().unwrap_or(one).expose() == other_opaque.as_ref().unwrap_or(other).expose()
}

/// Whether a password is little more than strings of this list: without them it is too short to be safe on its own.
fn is_too_common(password: &Password, reject_list: &[String], long_enough: usize) -> bool {
    let lower = Password::from(password.expose().to_lowercase());
    let mut rejected: Vec<String> = reject_list.iter().map(|rejected| rejected.to_lowercase()).collect();
    // Of strings that contain each other, the longest counts.
    rejected.sort_by_key(|rejected| std::cmp::Reverse(rejected.len()));
    let mut rest = lower.clone();
    for rejected in &rejected {
        if rest.expose().contains(rejected.as_str()) {
            rest = Password::from(rest.expose().replace(rejected.as_str(), ""));
        }
    }
    rest.expose().len() < lower.expose().len() && rest.expose().chars().count() < long_enough
}

/// Where the envelope of a former password belongs.
fn history_place(history_id: &Uuid) -> Place<'_> {
    Place { table: "sso_password_history", column: "password_hash", row: history_id.as_bytes() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::config::Loader;
    use crate::crypto::HashPool;
    use crate::domain::{Cid, Context, NewUser, RemoteAddr};
    use crate::ops::{Actor, LoginRequest};

    const OLDER: &str = "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a";

    /// One hashing thread, whose work can be told.
    async fn sso() -> Sso {
        let settings = json!({
            "database.url": "sqlite::memory:",
            "audit.file": "off",
            "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true},
        });
        let sso = Sso::open(Loader::new().arguments(settings).load().unwrap()).await.unwrap();
        let mut core = Arc::into_inner(sso.core).unwrap();
        core.hashing = HashPool::new(core.hashing.params(), 1, core.hashing.limits());
        Sso { core: Arc::new(core) }
    }

    #[test]
    fn a_password_is_too_common_if_little_is_left_without_common_strings() {
        let reject_list = ["password", "123456", "1234567890", "qwerty"].map(str::to_owned);
        for text in [
            "password",
            "PassWord1",
            "my QWERTY keyboard",
            "password123456",
            "xqwertyQWERTY123456x",
            "1234567890",
        ] {
            assert!(is_too_common(&Password::from(text), &reject_list, LONG_ENOUGH), "{text}");
        }
        for text in ["correct horse battery staple", "xK4-password-vT9!zzqpLm3", "short"] {
            assert!(!is_too_common(&Password::from(text), &reject_list, LONG_ENOUGH), "{text}");
        }
    }

    #[tokio::test]
    async fn a_refused_login_costs_one_hash_whatever_there_is_and_an_older_one_a_second_once() {
        let sso = sso().await;
        let remote_addr = RemoteAddr::from("10.0.0.1");
        let ctx =
            Context { cid: Cid::new("test"), current_app: "CRM".to_owned(), remote_addr, language: None };
        for username in ["current", "older"] {
            let (username, password) = (Some(username.to_owned()), Some(Password::from("correct horse")));
            let new = NewUser { username, password, ..NewUser::default() };
            sso.create_user(&ctx, Actor::Trusted(None), new, true).await.unwrap();
        }
        let row = sso.row_by_username("older").await.unwrap().unwrap();
        let user_id = row.user_id;
        let mut tx = sso.db().write().await.unwrap();
        let old = row.password_hash.unwrap();
        assert!(
            store::user::account::replace_hash(&mut tx, &user_id, &plain(OLDER.as_bytes()), &old)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();

        let cost = async |username: &str, password: &str| {
            let before = sso.core.hashing.hashes().await.unwrap();
            let (username, password) = (username.to_owned(), Some(Password::from(password)));
            let request = LoginRequest { username, password, ..LoginRequest::default() };
            let is_right = sso.login(&ctx, request).await.is_ok();
            (is_right, sso.core.hashing.hashes().await.unwrap() - before)
        };
        for username in ["nobody", "current", "older"] {
            assert_eq!(cost(username, "wrong").await, (false, 1), "{username}");
        }
        assert_eq!(cost("current", "correct horse").await, (true, 1));
        assert_eq!(cost("older", "U*U*U").await, (true, 2));
        assert_eq!(cost("older", "U*U*U").await, (true, 1));
        assert_eq!(cost("older", "wrong").await, (false, 1));
        // A password that has another form too costs two, whatever there is.
        for username in ["nobody", "current", "older"] {
            assert_eq!(cost(username, "wro\u{308}ng").await, (false, 2), "{username}");
        }
    }
}
