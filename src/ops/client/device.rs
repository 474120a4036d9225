//! Devices without a browser, or without keys to type with (RFC 8628): the device shows a code, which its user enters in a browser
//! elsewhere, and the device asks meanwhile whether that has happened.

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    ClientId, Code, Context, Error, Grant, OAuthError, Operation, Parameters, Password, Result, Timestamp,
    Ust,
};
use crate::ops::Sso;
use crate::ops::access::how;
use crate::ops::client::asked::plain;
use crate::ops::client::authenticate::ClientCredential;
use crate::ops::client::known::KnownClient;
use crate::ops::client::scope::words;
use crate::ops::client::sign_in::{SignIn, check_person};
use crate::store;
use crate::store::Tx;
use crate::store::client::authorization::Held;
use crate::store::client::device::{DeviceRow, Most, NewDeviceCode};

/// For how many seconds a code may be entered.
const SECONDS: i64 = 600;

/// How often a device may ask, in seconds, and by how much that grows where it asks more often.
const INTERVAL: i64 = 5;
const SLOWER: i64 = 5;

/// How many devices wait at most. Anybody can begin what a public client begins: a network takes its own place alone.
const MOST: Most = Most { of_client: 10_000, of_strangers: 100_000, of_place: 100 };

/// The letters of codes for users: neither vowels, which would make words, nor what looks like a digit (RFC 8628, section 6.1).
const LETTERS: [char; 20] =
    ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'];
const LENGTH: usize = 8;

/// What a device is answered.
#[derive(Clone, Debug)]
pub struct DeviceAnswer {
    /// By which it asks.
    pub device_code: Password,
    /// What its user enters.
    pub user_code: Password,
    /// For how many seconds both are good.
    pub expires_in: i64,
    /// How often it may ask, in seconds.
    pub interval: i64,
}

/// What a user is asked because of a device.
#[derive(Clone, Debug)]
pub struct DeviceQuestion {
    /// Who asks.
    pub client: Arc<KnownClient>,
    /// For what.
    pub scopes: Vec<String>,
}

impl Sso {
    /// Begins a sign-in of a device.
    ///
    /// # Errors
    /// `invalid_client`, `unauthorized_client`, `invalid_scope`, `invalid_target`.
    pub async fn begin_device_sign_in(
        &self,
        ctx: &Context,
        credentials: &ClientCredential,
        parameters: &Parameters,
    ) -> Result<DeviceAnswer> {
        self.record(ctx, Operation::OpenidBeginDevice, async |call| {
            call.trail.count_as_activity();
            let client = self.calling_client(call.ctx, credentials).await?;
            call.trail.event.how = Some(how::CLIENT);
            call.trail.note("client_id", client.client_id.as_str());
            if !client.may_use(Grant::DeviceCode) {
                let why = "this client is not registered for the device flow";
                return Err(OAuthError::UnauthorizedClient.because(why));
            }
            let mut scopes: Vec<String> = Vec::new();
            for scope in words(parameters.one("scope")?.unwrap_or_default()) {
                if !scopes.iter().any(|known| known == scope) {
                    scopes.push(scope.to_owned());
                }
            }
            let (scopes, ignored) = self.scopes_for(&client, scopes)?;
            if !ignored.is_empty() {
                call.trail.note("ignored_scope", plain(&ignored.join(" ")));
            }
            let resources: Vec<String> = parameters.all("resource").map(str::to_owned).collect();
            self.check_resources_of(&client, &resources)?;
            let now = self.now();
            let device_code = token::new_token(self.random(), TokenBits::Bits256)?;
            let user_code = self.new_user_code()?;
            let place = client.is_stranger().then(|| self.place_digest(&call.ctx.remote_addr));
            let new = NewDeviceCode {
                device_digest: &token::digest(device_code.expose()),
                user_code_digest: &self.user_code_digest(user_code.expose()),
                client_id: client.client_id.as_str(),
                place_digest: place.as_ref().map(<[u8; 32]>::as_slice),
                scopes: &scopes.join(" "),
                audiences: &self.audiences_of(&client, &scopes, &resources).join("\n"),
                next_poll: now,
                poll_interval: INTERVAL,
                expiration_time: now.plus_seconds(SECONDS),
            };
            let mut tx = self.db().write().await?;
            if !store::client::device::insert(&mut tx, &new, now, MOST).await? {
                return Err(Error::RateLimited { retry_after: Duration::from_secs(10) });
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(DeviceAnswer { device_code, user_code, expires_in: SECONDS, interval: INTERVAL })
        })
        .await
    }

    /// What the user of a session is to be asked who has entered a code. Who enters wrong ones is slowed down by address.
    ///
    /// # Errors
    /// A code of the session; E005001 for a code that no device waits with; E005009 while the delay after wrong ones lasts.
    pub async fn get_device_question(
        &self,
        ctx: &Context,
        ust: Ust,
        user_code: &str,
    ) -> Result<DeviceQuestion> {
        self.run(ctx, Operation::OpenidAnswerDevice, ust, async |call| {
            call.trail.leave_out();
            check_person(call)?;
            let (row, client) = self.waiting_device(call.ctx, user_code).await?;
            let scopes = words(&row.scopes).into_iter().map(str::to_owned).collect();
            Ok(DeviceQuestion { client, scopes })
        })
        .await
    }

    /// Takes the answer of the user of a session.
    ///
    /// # Errors
    /// As [`Sso::get_device_question`].
    pub async fn answer_device(&self, ctx: &Context, ust: Ust, user_code: &str, is_yes: bool) -> Result<()> {
        self.run(ctx, Operation::OpenidAnswerDevice, ust, async |call| {
            check_person(call)?;
            let (row, client) = self.waiting_device(call.ctx, user_code).await?;
            call.trail.note("client_id", client.client_id.as_str());
            call.trail.note("answer", if is_yes { "yes" } else { "no" });
            let caller = call.caller()?.clone();
            let methods = self.methods_of(&caller).await?;
            let scopes: Vec<String> = words(&row.scopes).into_iter().map(str::to_owned).collect();
            let audiences: Vec<String> = row.audiences.lines().map(str::to_owned).collect();
            let mut tx = self.db().write().await?;
            let is_taken = if is_yes {
                self.allow_scopes(&mut tx, &client, caller.user_id(), &scopes).await?;
                let sign_in = SignIn {
                    client: &client,
                    caller: &caller,
                    methods: &methods,
                    scopes: &scopes,
                    audiences: &audiences,
                    claims: None,
                    thumbprint: None,
                    redirect_uri: None,
                    expiration_time: row.expiration_time,
                };
                let authorization_id = self.insert_sign_in(&mut tx, &sign_in).await?;
                store::client::device::allow(&mut tx, &row.device_digest, authorization_id).await?
            } else {
                store::client::device::deny(&mut tx, &row.device_digest).await?
            };
            if !is_taken {
                return Err(Code::AuthNotAllowed.into());
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    async fn waiting_device(&self, ctx: &Context, user_code: &str) -> Result<(DeviceRow, Arc<KnownClient>)> {
        let mut attempt = self.key_attempt(&ctx.remote_addr);
        self.check_throttle(&mut attempt).await?;
        let digest = self.user_code_digest(user_code);
        let mut conn = self.db().read().await?;
        let found = store::client::device::by_user_code(&mut conn, &digest, self.now()).await?;
        drop(conn);
        let client = match &found {
            Some(row) => self.client_in_force(&ClientId::from_stored(row.client_id.clone())).await?,
            None => None,
        };
        match (found, client) {
            (Some(row), Some(client)) => Ok((row, client)),
            _ => {
                self.record_failure(&attempt).await?;
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// The sign-in of a device whose user has said yes. The device has its answer by that.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`.
    pub(in crate::ops) async fn redeem_device(
        &self,
        mut tx: Tx,
        client: &KnownClient,
        device_code: &str,
    ) -> Result<(Tx, Held)> {
        let digest = token::digest(device_code);
        let now = self.now();
        let found = store::client::device::by_device(&mut tx, &digest).await?;
        let found = found.filter(|row| row.client_id == client.client_id.as_str()).ok_or_else(|| {
            OAuthError::InvalidGrant.because("device_code: unknown, of another client, or used before")
        })?;
        if found.expiration_time <= now {
            return Err(OAuthError::ExpiredToken.because("nobody has entered the code in time: begin again"));
        }
        if found.is_denied {
            store::client::device::delete(&mut tx, &digest).await?;
            tx.commit().await?;
            return Err(OAuthError::AccessDenied.because("the user has not consented"));
        }
        let Some(authorization_id) = found.authorization_id else {
            let is_early = now < found.next_poll;
            let interval = if is_early { found.poll_interval + SLOWER } else { found.poll_interval };
            store::client::device::polled(&mut tx, &digest, next(now, interval), interval).await?;
            tx.commit().await?;
            return Err(if is_early {
                OAuthError::SlowDown.because(format!("ask every {interval} seconds"))
            } else {
                OAuthError::AuthorizationPending.because("the user has not answered yet")
            });
        };
        store::client::device::delete(&mut tx, &digest).await?;
        let held = store::client::authorization::by_id(&mut tx, authorization_id).await?;
        let held =
            held.ok_or_else(|| OAuthError::InvalidGrant.because("device_code: its sign-in has ended"))?;
        Ok((tx, held))
    }

    fn new_user_code(&self) -> Result<Password> {
        let mut code = String::with_capacity(LENGTH + 1);
        while code.chars().filter(|c| *c != '-').count() < LENGTH {
            let [byte] = self.random().bytes::<1>()?;
            // Of 256 values, 240 are twelve times each letter.
            if let Some(letter) =
                (byte < 240).then(|| LETTERS.get(usize::from(byte) % LETTERS.len())).flatten()
            {
                if code.len() == LENGTH / 2 {
                    code.push('-');
                }
                code.push(*letter);
            }
        }
        Ok(Password::from(code))
    }

    /// However it was typed: in small letters, without the hyphen, with blanks. There are few enough to try all, so that it takes the
    /// key to find one in the database.
    fn user_code_digest(&self, code: &str) -> [u8; 32] {
        let letters: String = code.chars().filter(char::is_ascii_alphabetic).collect();
        self.core.keyring.subject_digest(&format!("device\n{}", letters.to_ascii_uppercase()))
    }
}

fn next(now: Timestamp, interval: i64) -> Timestamp {
    // Clocks and networks are not exact: half a second early is no haste.
    Timestamp::from_micros(now.plus_seconds(interval).as_micros() - 500_000)
}
