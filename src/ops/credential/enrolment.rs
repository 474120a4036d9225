//! Switching TOTP on and off for oneself. A new key takes effect when a code of it has been shown to be right:
//!
//! ```text
//! begin ──> waits ──> a code of it: TOTP is on with this key, recovery codes are made, other sessions end
//!             └─────> half an hour is over, or another one has begun
//! ```

use crate::crypto::{Place, Verdict, totp};
use crate::domain::{Code, Context, Error, Operation, Password, Result, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::throttle::Origin;
use crate::ops::call::Call;
use crate::ops::credential::totp::wrong_code;
use crate::store;
use crate::store::Tx;
use crate::store::user::account::{HeldUser, Updated, UserRow};

/// For how long a key waits for its code.
const WAITS_FOR_MINUTES: i64 = 30;

/// A key that waits for its code.
#[derive(Clone, Debug)]
pub struct TotpEnrolment {
    /// The `otpauth://` URI, for authenticator apps. It contains the key.
    pub uri: Password,
    /// The key, in base32.
    pub key: Password,
}

/// What shows that it is the user who switches TOTP off.
#[derive(Clone, Debug)]
pub enum TotpDisabler {
    /// The password.
    Password(Password),
    /// A TOTP code, or a recovery code.
    Code(Password),
}

impl Sso {
    /// Makes a key that takes effect when [`Sso::finish_totp_enrolment`] gets a code of it. One that waited is over.
    ///
    /// # Errors
    /// A code of the session; E005010 if the login is not fresh.
    pub async fn begin_totp_enrolment(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
    ) -> Result<TotpEnrolment> {
        self.run(ctx, Operation::TotpBeginEnrolment, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let key = totp::new_key(&*self.core.random)?;
            let sealed =
                self.core.keyring.seal(place(&user_id), key.expose().as_bytes(), &*self.core.random)?;
            let now = self.now();
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::SessionNoSuchSession)?;
            let end = now.plus_minutes(WAITS_FOR_MINUTES);
            store::credential::enrolment::put(&mut tx, &user_id, &sealed, now, end).await?;
            self.commit(tx, &mut call.trail).await?;
            let uri = totp::provisioning_uri(&key, &row.username, &self.config().main.site_name)?;
            Ok(TotpEnrolment { uri, key })
        })
        .await
    }

    /// Switches TOTP on with the key that waits, if this is a code of it, and makes recovery codes, which are shown this once.
    /// The user's other sessions end.
    ///
    /// # Errors
    /// A code of the session; E005010 if the login is not fresh, E008001 if no key waits, E005001 for a wrong code, E005009
    /// while the delay after wrong codes lasts.
    pub async fn finish_totp_enrolment(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        code: Password,
    ) -> Result<Vec<Password>> {
        let actor = actor.into();
        self.to_the_end(ctx, |sso, ctx| async move { sso.try_totp_enrolment(&ctx, actor, &code).await }).await
    }

    async fn try_totp_enrolment(
        &self,
        ctx: &Context,
        actor: Actor,
        code: &Password,
    ) -> Result<Vec<Password>> {
        self.run(ctx, Operation::TotpFinishEnrolment, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let now = self.now();
            let mut conn = self.db().read().await?;
            let sealed = store::credential::enrolment::get(&mut conn, &user_id, now).await?;
            drop(conn);
            let sealed = sealed.ok_or_else(no_enrolment)?;
            let key = self.waiting_key(&user_id, &sealed)?;
            let mut attempt = self.own_totp_attempt(&user_id, "session");
            self.check_throttle(&mut attempt).await?;
            let Some(step) = totp::matching_step(&key, code, self.system_time())? else {
                self.record_failure(&attempt).await?;
                return Err(wrong_code());
            };

            let mut tx = self.db().write().await?;
            let has_failures = self.check_throttle_on(&mut tx, &mut attempt).await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let mut row = row.ok_or(Code::SessionNoSuchSession)?;
            // Another key may have come in the place of this one meanwhile.
            if store::credential::enrolment::take(&mut tx, &user_id, now).await? != Some(sealed) {
                return Err(no_enrolment());
            }
            self.put_totp_key(&mut row, &user_id, &key)?;
            if self.config().login.totp_single_use {
                row.totp_last_step = step.max(row.totp_last_step);
            }
            row.is_totp_enabled = true;
            if has_failures {
                self.clear_failures(&mut tx, &attempt).await?;
            }
            self.change_totp(&mut tx, call, &row, "totp-on").await?;
            // The login is fresh, and a code was shown.
            self.note_code(&mut tx, call.caller()?.session().session_id).await?;
            let codes = self.replace_recovery_codes(&mut tx, &user_id).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(codes)
        })
        .await
    }

    /// Switches TOTP off for oneself, and ends the recovery codes. Whoever acts in the session has to show the password or
    /// a code as well. The user's other sessions end.
    ///
    /// # Errors
    /// A code of the session; E005010 if the login is not fresh, E005001 for a wrong password or code, E005009 while the
    /// delay after wrong ones lasts.
    pub async fn disable_totp(&self, ctx: &Context, actor: impl Into<Actor>, by: TotpDisabler) -> Result<()> {
        let actor = actor.into();
        self.to_the_end(ctx, |sso, ctx| async move { sso.try_to_disable_totp(&ctx, actor, by).await }).await
    }

    async fn try_to_disable_totp(&self, ctx: &Context, actor: Actor, by: TotpDisabler) -> Result<()> {
        self.run(ctx, Operation::TotpDisable, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let mut conn = self.db().read().await?;
            let row = store::user::account::by_id(&mut conn, &user_id).await?;
            drop(conn);
            let known = row.ok_or(Code::SessionNoSuchSession)?;
            self.check_totp_disabler(call, &known, by).await?;

            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let mut row = row.ok_or(Code::SessionNoSuchSession)?;
            // What was shown must still count.
            if HeldUser::from(&row) != HeldUser::from(&known) || row.totp_key != known.totp_key {
                return Err(Code::AuthNotAllowed.into());
            }
            store::credential::recovery_code::delete_of_user(&mut tx, &user_id).await?;
            if row.is_totp_enabled {
                row.is_totp_enabled = false;
                self.change_totp(&mut tx, call, &row, "totp-off").await?;
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    async fn check_totp_disabler(&self, call: &mut Call<'_>, row: &UserRow, by: TotpDisabler) -> Result<()> {
        match by {
            TotpDisabler::Password(password) => {
                let origin = Origin::Session(&call.ctx.remote_addr);
                let mut attempt = self.password_attempt(&row.username, Some(&row.user_id), origin);
                self.check_throttle(&mut attempt).await?;
                if self.verify_password(Some(row), password).await? == Verdict::Wrong {
                    self.record_failure(&attempt).await?;
                    return Err(Code::AuthNotAllowed.into());
                }
                self.check_throttle(&mut attempt).await.map(drop)
            }
            TotpDisabler::Code(code) => {
                let mut attempt = self.own_totp_attempt(&row.user_id, "session");
                self.check_throttle(&mut attempt).await?;
                self.check_totp_code(call.ctx, &mut call.trail, row, Some(&code), &attempt).await?;
                self.check_throttle(&mut attempt).await.map(drop)
            }
        }
    }

    /// Writes a row whose TOTP has changed, ends the other sessions, and tells the user.
    async fn change_totp(&self, tx: &mut Tx, call: &mut Call<'_>, row: &UserRow, change: &str) -> Result<()> {
        if store::user::account::update(tx, row).await? != Updated::Yes {
            return Err(Error::internal("a change of TOTP met another of the name"));
        }
        self.end_sessions_on_totp_change(call, tx, &row.user_id).await?;
        self.tell_of_second_factor(tx, call.ctx, &mut call.trail, row, change).await
    }

    fn waiting_key(&self, user_id: &UserId, sealed: &[u8]) -> Result<Password> {
        let key = self.core.keyring.open(place(user_id), sealed)?;
        Ok(Password::from(std::str::from_utf8(&key).map_err(Error::internal)?))
    }
}

fn no_enrolment() -> Error {
    Error::refused(Code::CommonInvalidOperation, "no TOTP key waits for its code: begin the enrolment first")
}

/// Where the sealed key that waits belongs.
fn place(user_id: &UserId) -> Place<'_> {
    Place { table: "sso_totp_enrolment", column: "totp_key", row: user_id.as_str().as_bytes() }
}
