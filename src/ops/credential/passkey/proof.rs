//! What a browser's answer to a login proves, and of whom.

use crate::crypto::passkey::ceremony::{Proof, RelyingParty, verify_login};
use crate::crypto::passkey::response::LoginResponse;
use crate::domain::{Code, Context, PasskeyCeremony, Result, UserId};
use crate::ops::Sso;
use crate::ops::audit::Trail;
use crate::ops::credential::passkey::ceremony::{Opened, Purpose};
use crate::store;
use crate::store::credential::passkey::{KeptPasskey, PasskeyUse};
use crate::store::user::account::UserRow;

/// For how long a challenge that was used is kept after its end.
const KEPT_FOR_MINUTES: i64 = 5;

/// Who has shown a passkey.
#[derive(Debug)]
pub(in crate::ops) struct ProvedByPasskey {
    pub row: UserRow,
    /// Whether the authenticator has verified its owner: then it is two factors, what one has and what one knows or is.
    pub is_user_verified: bool,
}

/// Why an answer does not count.
enum Unproved {
    /// It was counted before.
    Used,
    /// What is wrong with it.
    Wrong(String),
}

impl Unproved {
    fn wrong<T>(why: &str) -> Result<Result<T, Self>> {
        Ok(Err(Self::Wrong(why.to_owned())))
    }
}

impl Sso {
    /// Finds out who has answered a challenge for this purpose, and notes that the passkey and the challenge were used, in a
    /// transaction of its own: whatever becomes of the login, the counter has gone on.
    ///
    /// A signature cannot be guessed, so that failures count against the address that they come from alone.
    ///
    /// # Errors
    /// E008001 where passkeys are not configured, E012002 if nothing like it was asked for, or too long ago, or it was answered
    /// before; E005001 for everything else that is wrong, E005009 while the delay after failures lasts.
    pub(in crate::ops) async fn prove_by_passkey(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        response: &str,
        purpose: Purpose<'_>,
    ) -> Result<ProvedByPasskey> {
        self.passkey_party()?;
        let mut attempt = self.key_attempt(&ctx.remote_addr);
        self.check_throttle(&mut attempt).await?;
        let response = LoginResponse::read(response).map_err(|refusal| {
            trail.note("reason", refusal.to_string());
            Code::AuthNotAllowed
        })?;
        let Some(opened) = self.open_challenge(&response.client_data.challenge, purpose) else {
            self.record_failure(&attempt).await?;
            return Err(Code::PasskeyNoSuchCeremony.into());
        };
        let code = match self.check_passkey(trail, &response, (purpose, &opened)).await? {
            Ok(proved) => return Ok(proved),
            Err(Unproved::Used) => Code::PasskeyNoSuchCeremony,
            Err(Unproved::Wrong(reason)) => {
                trail.note("reason", reason);
                Code::AuthNotAllowed
            }
        };
        self.record_failure(&attempt).await?;
        Err(code.into())
    }

    /// Whose passkey it is; or why it does not count.
    async fn check_passkey(
        &self,
        trail: &mut Trail,
        response: &LoginResponse,
        (purpose, opened): (Purpose<'_>, &Opened),
    ) -> Result<Result<ProvedByPasskey, Unproved>> {
        let party = self.passkey_party()?;
        let mut conn = self.db().read().await?;
        let known = store::credential::passkey::by_credential(&mut conn, &response.credential_id).await?;
        let Some(known) = known else { return Unproved::wrong("there is no such passkey") };
        let row = store::user::account::by_id(&mut conn, &known.passkey.user_id).await?;
        drop(conn);
        let Some(row) = row else { return Unproved::wrong("there is no such passkey") };
        trail.on(&row.user_id);
        trail.note("passkey_id", known.passkey.passkey_id.as_str());
        if !is_of(purpose, &row.user_id) || !self.is_for(opened, &row) || !is_handle_of(response, &row) {
            return Unproved::wrong("the passkey is another user's");
        }
        let has_origin = |origin: &str| party.has_origin(origin);
        let party = RelyingParty {
            id: &party.id,
            has_origin: &has_origin,
            asks_verification: self.asks_verification(),
        };
        let proof = match verify_login(party, response, &known.public_key) {
            Ok(proof) => proof,
            Err(refusal) => return Unproved::wrong(&refusal.to_string()),
        };
        let is_first_step = purpose.kind() == PasskeyCeremony::Login;
        if is_first_step && known.passkey.is_second_factor_only() && !proof.is_user_verified {
            return Unproved::wrong("the passkey is good for a second step only");
        }
        // Whoever it is has the key, so that what follows is in the audit entry of the user, and not one of many strangers'.
        trail.by(&row.user_id);
        let mut tx = self.db().write().await?;
        // It is kept for longer than it is good for: the clock of the node that cleans may be ahead.
        let until = opened.expiration.plus_minutes(KEPT_FOR_MINUTES);
        let is_first = store::credential::passkey_ceremony::use_challenge(&mut tx, &opened.digest, until);
        if !is_first.await? {
            return Ok(Err(Unproved::Used));
        }
        if let Err(reason) = check_state(&known, proof) {
            tx.commit().await?;
            return Unproved::wrong(reason);
        }
        let now = PasskeyUse {
            sign_count: proof.counter.into(),
            is_backed_up: proof.is_backed_up,
            is_user_verified: proof.is_user_verified,
            is_discovered: purpose.kind() == PasskeyCeremony::Login,
            time: self.now(),
        };
        let is_noted = store::credential::passkey::note_use(&mut tx, &known, now).await?;
        tx.commit().await?;
        if !is_noted {
            return Unproved::wrong("the passkey was used, or deleted, at the same time");
        }
        Ok(Ok(ProvedByPasskey { row, is_user_verified: proof.is_user_verified }))
    }
}

/// Whether a passkey of this user is what was asked for.
fn is_of(purpose: Purpose<'_>, user_id: &UserId) -> bool {
    match purpose {
        Purpose::Login(_) => true,
        Purpose::SecondFactor(whose) | Purpose::Again(_, whose) => whose == user_id,
    }
}

/// Whether the authenticator, where it says so, knows the credential as this user's.
fn is_handle_of(response: &LoginResponse, row: &UserRow) -> bool {
    response.user_handle.as_ref().is_none_or(|handle| handle == row.user_id.as_str().as_bytes())
}

/// What an authenticator says must fit what it said before.
fn check_state(known: &KeptPasskey, proof: Proof) -> Result<(), &'static str> {
    if known.passkey.is_backup_eligible != proof.is_backup_eligible {
        return Err("whether the passkey may be on several devices has changed");
    }
    let counts = known.sign_count != 0 || proof.counter != 0;
    if counts && i64::from(proof.counter) <= known.sign_count {
        return Err("the signature counter went back: the authenticator may have been copied");
    }
    Ok(())
}
