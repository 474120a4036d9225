//! What a browser's answer to a login proves, and of whom.

use crate::crypto::passkey::ceremony::{Proof, RelyingParty, verify_login};
use crate::crypto::passkey::response::LoginResponse;
use crate::domain::{Code, Context, Error, PasskeyCeremony, Result, UserId};
use crate::ops::Sso;
use crate::ops::audit::Trail;
use crate::store;
use crate::store::credential::passkey::{KeptPasskey, PasskeyUse};
use crate::store::credential::passkey_ceremony::Ceremony;
use crate::store::user::account::UserRow;

/// Who has shown a passkey.
#[derive(Debug)]
pub(in crate::ops) struct ProvedByPasskey {
    pub row: UserRow,
    /// Whether the authenticator has verified its owner: then it is two factors, what one has and what one knows or is.
    pub is_user_verified: bool,
}

impl Sso {
    /// Finds out who has answered a ceremony of this kind, and notes that the passkey was used, in a transaction of its own:
    /// whatever becomes of the login, its counter has gone on. Of a login's second step, `user_id` is whose it must be.
    ///
    /// A signature cannot be guessed, so that failures count against the address that they come from alone.
    ///
    /// # Errors
    /// E008001 where passkeys are not configured, E012002 if nothing like it was asked for, or too long ago; E005001 for
    /// everything else that is wrong, E005009 while the delay after failures lasts.
    pub(in crate::ops) async fn prove_by_passkey(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        response: &str,
        kind: PasskeyCeremony,
        user_id: Option<&UserId>,
    ) -> Result<ProvedByPasskey> {
        self.passkey_party()?;
        let mut attempt = self.key_attempt(&ctx.remote_addr);
        self.check_throttle(&mut attempt).await?;
        let response = LoginResponse::read(response).map_err(|refusal| {
            trail.note("reason", refusal.to_string());
            Code::AuthNotAllowed
        })?;
        let taken = self.take_ceremony(&response.client_data.challenge).await;
        let ceremony = match taken {
            Ok(ceremony) if ceremony.kind == kind && ceremony.user_id.as_ref() == user_id => ceremony,
            Ok(_) | Err(Error::Refused { .. }) => {
                self.record_failure(&attempt).await?;
                return Err(Code::PasskeyNoSuchCeremony.into());
            }
            Err(other) => return Err(other),
        };
        match self.check_passkey(trail, &response, &ceremony).await? {
            Ok(proved) => Ok(proved),
            Err(reason) => {
                trail.note("reason", reason);
                self.record_failure(&attempt).await?;
                Err(Code::AuthNotAllowed.into())
            }
        }
    }

    /// Whose passkey it is; or why it does not count.
    async fn check_passkey(
        &self,
        trail: &mut Trail,
        response: &LoginResponse,
        ceremony: &Ceremony,
    ) -> Result<Result<ProvedByPasskey, String>> {
        let party = self.passkey_party()?;
        let mut conn = self.db().read().await?;
        let known = store::credential::passkey::by_credential(&mut conn, &response.credential_id).await?;
        let Some(known) = known else { return Ok(Err("there is no such passkey".to_owned())) };
        let row = store::user::account::by_id(&mut conn, &known.passkey.user_id).await?;
        drop(conn);
        let Some(row) = row else { return Ok(Err("there is no such passkey".to_owned())) };
        trail.on(&row.user_id);
        trail.note("passkey_id", known.passkey.passkey_id.as_str());
        let is_whose = ceremony.user_id.as_ref().is_none_or(|user_id| *user_id == row.user_id)
            && response.user_handle.as_ref().is_none_or(|handle| handle == row.user_id.as_str().as_bytes());
        if !is_whose {
            return Ok(Err("the passkey is another user's".to_owned()));
        }
        let has_origin = |origin: &str| party.has_origin(origin);
        let party = RelyingParty {
            id: &party.id,
            has_origin: &has_origin,
            asks_verification: self.asks_verification(),
        };
        let proof = match verify_login(party, response, &known.public_key) {
            Ok(proof) => proof,
            Err(refusal) => return Ok(Err(refusal.to_string())),
        };
        // Whoever it is has the key, so that what follows is in the audit entry of the user, and not one of many strangers'.
        trail.by(&row.user_id);
        if let Err(reason) = check_state(&known, proof) {
            return Ok(Err(reason.to_owned()));
        }
        let mut tx = self.db().write().await?;
        let now = PasskeyUse {
            sign_count: proof.counter.into(),
            is_backed_up: proof.is_backed_up,
            is_user_verified: proof.is_user_verified,
            time: self.now(),
        };
        let is_noted = store::credential::passkey::note_use(&mut tx, &known, now).await?;
        tx.commit().await?;
        if !is_noted {
            return Ok(Err("the passkey was used, or deleted, at the same time".to_owned()));
        }
        Ok(Ok(ProvedByPasskey { row, is_user_verified: proof.is_user_verified }))
    }
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
