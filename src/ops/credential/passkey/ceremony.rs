//! Ceremonies: what a browser is asked, and that it answers once, within minutes, on any node.
//!
//! ```text
//! begin ──> waits, by the digest of its challenge ──> an answer takes it, right or wrong
//!             └──> 5 minutes are over, or its asker has begun too many others
//! ```

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::config::{PasskeyParty, UserVerification};
use crate::crypto::token::{self, TokenBits};
use crate::domain::{Code, Error, PasskeyCeremony, Password, Result};
use crate::ops::Sso;
use crate::store;
use crate::store::Tx;
use crate::store::credential::passkey::KeptPasskey;
use crate::store::credential::passkey_ceremony::{Asker, Ceremony, NewCeremony};

/// For how long a browser may take to answer.
const GOOD_FOR_MINUTES: i64 = 5;

/// How many ceremonies wait at most: of one user, of one network, of all strangers.
const MOST: (i64, i64, i64) = (5, 200, 20_000);

/// When to try again while too many strangers' wait.
const WHEN_FULL: Duration = Duration::from_secs(60);

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

    /// Has a ceremony wait for its answer; its challenge.
    ///
    /// # Errors
    /// E005009 while too many of strangers wait.
    pub(in crate::ops) async fn begin_ceremony(
        &self,
        tx: &mut Tx,
        kind: PasskeyCeremony,
        asker: Asker<'_>,
        name: Option<&str>,
    ) -> Result<Password> {
        let challenge = token::new_token(self.random(), TokenBits::Bits256)?;
        let now = self.now();
        let new = NewCeremony {
            challenge_digest: &token::digest(challenge.expose()),
            kind,
            asker,
            name,
            creation_time: now,
            expiration_time: now.plus_minutes(GOOD_FOR_MINUTES),
        };
        let (of_user, of_place, of_strangers) = MOST;
        let of_asker = match asker {
            Asker::User(_) => of_user,
            Asker::Stranger(_) => of_place,
        };
        if !store::credential::passkey_ceremony::insert(tx, &new, of_asker, of_strangers).await? {
            return Err(Error::RateLimited { retry_after: WHEN_FULL });
        }
        Ok(challenge)
    }

    /// Takes the ceremony that a browser has answered: whatever becomes of the answer, there is no second one.
    ///
    /// # Errors
    /// E012002 if there is none with this challenge, or it was answered, or too late.
    pub(in crate::ops) async fn take_ceremony(&self, challenge: &[u8; 32]) -> Result<Ceremony> {
        let digest = token::digest(&BASE64URL_NOPAD.encode(challenge));
        let mut tx = self.db().write().await?;
        let taken = store::credential::passkey_ceremony::take(&mut tx, &digest, self.now()).await?;
        tx.commit().await?;
        taken.ok_or_else(|| Code::PasskeyNoSuchCeremony.into())
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
    pub(in crate::ops) fn login_options(
        &self,
        party: &PasskeyParty,
        challenge: &Password,
        allowed: Vec<Value>,
    ) -> Value {
        json!({
            "challenge": challenge.expose(),
            "timeout": timeout(),
            "rpId": party.id,
            "allowCredentials": allowed,
            "userVerification": self.verification(),
        })
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

/// The credential that is told of for a name that has none, always the same: whether there is such a user is not told.
pub(in crate::ops) fn decoy(digest: &[u8; 32]) -> Value {
    json!({"type": "public-key", "id": BASE64URL_NOPAD.encode(digest), "transports": ["hybrid", "internal"]})
}
