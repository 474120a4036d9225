//! Ceremonies: what a browser is asked, and that it answers once, within minutes, on any node.
//!
//! ```text
//! registration ──> waits, by the digest of its challenge ──> an answer takes it, right or wrong
//! login ─────────> nothing is kept: the challenge itself says, sealed, what it is for ──> a right answer uses it up
//! ```

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::{PasskeyParty, UserVerification};
use crate::crypto::Place;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{Code, Error, PasskeyCeremony, Password, Result, SessionId, Timestamp, UserId};
use crate::ops::Sso;
use crate::store;
use crate::store::Tx;
use crate::store::credential::passkey::KeptPasskey;
use crate::store::credential::passkey_ceremony::NewCeremony;
use crate::store::user::account::UserRow;

/// For how long a browser may take to answer.
const GOOD_FOR_MINUTES: i64 = 5;

/// How many passkeys a user is about to register at most.
const MOST: i64 = 5;

const PLACE: Place<'static> = Place { table: "passkey", column: "challenge", row: b"" };

/// Why a browser is asked to show a passkey, and whose.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) enum Purpose<'a> {
    /// To log in; with the name of a user, as nobody else.
    Login(Option<&'a str>),
    /// To log in after the password of this user.
    SecondFactor(&'a UserId),
    /// To prove once more whose this session is.
    Again(SessionId, &'a UserId),
}

impl Purpose<'_> {
    pub const fn kind(self) -> PasskeyCeremony {
        match self {
            Self::Login(_) => PasskeyCeremony::Login,
            Self::SecondFactor(_) => PasskeyCeremony::SecondFactor,
            Self::Again(..) => PasskeyCeremony::Again,
        }
    }
}

/// What a challenge says that has come back.
#[derive(Debug)]
pub(in crate::ops) struct Opened {
    kind: PasskeyCeremony,
    subject: String,
    pub digest: [u8; 32],
    pub expiration: Timestamp,
}

impl Sso {
    /// Whom passkeys are for.
    ///
    /// # Errors
    /// E008001 where they are not configured.
    pub(in crate::ops) fn passkey_party(&self) -> Result<PasskeyParty> {
        let off = || {
            let detail = "there are no passkeys: set passkey.rp_id and passkey.origins, or pages.url";
            Error::refused(Code::CommonInvalidOperation, detail)
        };
        self.config().passkey_party().ok_or_else(off)
    }

    /// Has a registration wait for its answer; its challenge.
    pub(in crate::ops) async fn begin_ceremony(
        &self,
        tx: &mut Tx,
        user_id: &UserId,
        name: &str,
    ) -> Result<Password> {
        let challenge = token::new_token(self.random(), TokenBits::Bits256)?;
        let now = self.now();
        let new = NewCeremony {
            challenge_digest: &token::digest(challenge.expose()),
            user_id,
            name,
            creation_time: now,
            expiration_time: now.plus_minutes(GOOD_FOR_MINUTES),
        };
        store::credential::passkey_ceremony::insert(tx, &new, MOST).await?;
        Ok(challenge)
    }

    /// Takes the registration that a browser has answered: whatever becomes of the answer, there is no second one. The name
    /// that the passkey is to have.
    ///
    /// # Errors
    /// E012002 if the user has none with this challenge, or it was answered, or too late.
    pub(in crate::ops) async fn take_ceremony(&self, challenge: &[u8], user_id: &UserId) -> Result<String> {
        let digest = token::digest(&BASE64URL_NOPAD.encode(challenge));
        let mut tx = self.db().write().await?;
        let taken = store::credential::passkey_ceremony::take(&mut tx, &digest, user_id, self.now()).await?;
        tx.commit().await?;
        taken.ok_or_else(|| Code::PasskeyNoSuchCeremony.into())
    }

    /// A challenge for a login. Strangers may begin as many as they like: nothing is kept.
    pub(in crate::ops) fn new_challenge(&self, purpose: Purpose<'_>) -> Result<String> {
        let until = self.now().plus_minutes(GOOD_FOR_MINUTES).as_micros();
        let text = format!("{until} {} {}", purpose.kind().as_str(), self.purpose_subject(purpose));
        let sealed = self.core.keyring.seal(PLACE, text.as_bytes(), &*self.core.random)?;
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    /// What a challenge says that a browser has answered; None if it is none of ours, has expired, or was given for something
    /// else.
    pub(in crate::ops) fn open_challenge(&self, challenge: &[u8], purpose: Purpose<'_>) -> Option<Opened> {
        let opened = self.core.keyring.open(PLACE, challenge).ok()?;
        let mut parts = std::str::from_utf8(&opened).ok()?.split(' ');
        let expiration = Timestamp::from_micros(parts.next()?.parse().ok()?);
        let kind = PasskeyCeremony::parse(parts.next()?)?;
        let subject = parts.next()?.to_owned();
        let is_for_this = match purpose {
            // Whose it must be shows once it is known whose it is.
            Purpose::Login(_) => kind == PasskeyCeremony::Login,
            Purpose::SecondFactor(_) | Purpose::Again(..) => {
                kind == purpose.kind() && subject == self.purpose_subject(purpose)
            }
        };
        let digest = Sha256::digest(challenge).into();
        (is_for_this && self.now() < expiration).then_some(Opened { kind, subject, digest, expiration })
    }

    /// Whether a challenge is for this user: one that was given for a name is for nobody else.
    pub(in crate::ops) fn is_for(&self, opened: &Opened, row: &UserRow) -> bool {
        opened.kind != PasskeyCeremony::Login
            || opened.subject.is_empty()
            || opened.subject == self.purpose_subject(Purpose::Login(Some(&row.username)))
    }

    /// Whom a challenge is for, without blanks. A name is not looked up: whether there is a user with it makes no difference.
    fn purpose_subject(&self, purpose: Purpose<'_>) -> String {
        match purpose {
            Purpose::Login(None) => String::new(),
            Purpose::Login(Some(name)) => {
                let key = self.username_key(name);
                HEXLOWER.encode(&self.core.keyring.subject_digest(&format!("passkey\n{key}")))
            }
            Purpose::SecondFactor(user_id) => user_id.as_str().to_owned(),
            Purpose::Again(session_id, _) => session_id.to_string(),
        }
    }

    /// Whether what an authenticator does without verifying its owner is refused.
    pub(in crate::ops) fn asks_verification(&self) -> bool {
        self.config().passkey.user_verification == UserVerification::Required
    }

    /// The same as browsers call it.
    pub(in crate::ops) fn verification(&self) -> &'static str {
        if self.asks_verification() { "required" } else { "preferred" }
    }

    /// What `navigator.credentials.get` takes, but for the names of its bytes.
    ///
    /// # Errors
    /// E008001 where passkeys are not configured.
    pub(in crate::ops) fn login_options(
        &self,
        purpose: Purpose<'_>,
        allowed: &[KeptPasskey],
    ) -> Result<Value> {
        let party = self.passkey_party()?;
        Ok(json!({
            "challenge": self.new_challenge(purpose)?,
            "timeout": timeout(),
            "rpId": party.id,
            "allowCredentials": allowed.iter().map(descriptor).collect::<Vec<_>>(),
            "userVerification": self.verification(),
        }))
    }
}

/// For how long a browser waits, in milliseconds.
pub(in crate::ops) const fn timeout() -> i64 {
    GOOD_FOR_MINUTES * 60_000
}

/// A credential as browsers are told of it.
pub(in crate::ops) fn descriptor(kept: &KeptPasskey) -> Value {
    let id = BASE64URL_NOPAD.encode(&kept.credential_id);
    match kept.passkey.transports.as_slice() {
        [] => json!({"type": "public-key", "id": id}),
        transports => json!({"type": "public-key", "id": id, "transports": transports}),
    }
}
