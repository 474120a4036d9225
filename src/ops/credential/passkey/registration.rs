//! Registering a passkey for oneself.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::crypto::passkey::ceremony::{RelyingParty, verify_registration};
use crate::crypto::passkey::key::ALGORITHMS;
use crate::crypto::passkey::refusal::Refusal;
use crate::crypto::passkey::response::RegistrationResponse;
use crate::domain::{
    Code, Context, Error, Operation, Passkey, PasskeyId, Result, check_passkey_name, joined_names,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::credential::passkey::ceremony::{descriptor, timeout};
use crate::store;
use crate::store::credential::passkey::KeptPasskey;

/// How many passkeys a user has at most.
pub(in crate::ops) const MOST: usize = 20;

impl Sso {
    /// Begins to register a passkey for the user of the session that acts: what a browser is to be asked, as
    /// `PublicKeyCredential.parseCreationOptionsFromJSON` takes it.
    ///
    /// # Errors
    /// A code of the session; E005010 if the login is not fresh, E008001 where passkeys are not configured or the user has
    /// twenty, E008002 for a name that is none.
    pub async fn begin_passkey_registration(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        name: Option<String>,
    ) -> Result<Value> {
        self.run(ctx, Operation::PasskeyBeginRegistration, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let party = self.passkey_party()?;
            let name = check_passkey_name(name)?;
            let mut tx = self.db().write().await?;
            let row = store::user::account::by_id(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::SessionNoSuchSession)?;
            let passkeys = store::credential::passkey::list_of_user(&mut tx, &user_id).await?;
            check_room(passkeys.len())?;
            let challenge = self.begin_ceremony(&mut tx, &user_id, &name).await?;
            self.commit(tx, &mut call.trail).await?;
            let joined = joined_names([&row.first_name, &row.middle_name, &row.last_name]);
            let shown = row.display_name.or(joined).unwrap_or_else(|| row.username.clone());
            let algorithms: Vec<Value> =
                ALGORITHMS.iter().map(|alg| json!({"type": "public-key", "alg": alg})).collect();
            Ok(json!({
                "rp": {"id": party.id, "name": self.config().main.site_name},
                "user": {
                    "id": BASE64URL_NOPAD.encode(user_id.as_str().as_bytes()),
                    "name": row.username,
                    "displayName": shown,
                },
                "challenge": challenge.expose(),
                "pubKeyCredParams": algorithms,
                "timeout": timeout(),
                "excludeCredentials": passkeys.iter().map(descriptor).collect::<Vec<_>>(),
                "authenticatorSelection": {
                    "residentKey": "preferred",
                    "requireResidentKey": false,
                    "userVerification": self.verification(),
                },
                "attestation": "none",
                "extensions": {"credProps": true},
            }))
        })
        .await
    }

    /// Registers the passkey that a browser has made, by what its `toJSON()` says. The user is emailed.
    ///
    /// # Errors
    /// A code of the session; E005010 if the login is not fresh, E012001 for an answer that is not acceptable, E012002 if
    /// nothing like it was asked for, or too long ago.
    pub async fn finish_passkey_registration(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        response: &str,
    ) -> Result<Passkey> {
        self.run(ctx, Operation::PasskeyFinishRegistration, actor, async |call| {
            let user_id = call.target(None)?;
            self.require_own_login(call.caller().ok(), &user_id).await?;
            let party = self.passkey_party()?;
            let response = RegistrationResponse::read(response).map_err(not_acceptable)?;
            let name = self.take_ceremony(&response.client_data.challenge, &user_id).await?;
            let has_origin = |origin: &str| party.has_origin(origin);
            let party = RelyingParty {
                id: &party.id,
                has_origin: &has_origin,
                asks_verification: self.asks_verification(),
            };
            let new = verify_registration(party, &response).map_err(not_acceptable)?;
            let passkey = Passkey {
                passkey_id: PasskeyId::random(self.random())?,
                user_id: user_id.clone(),
                name,
                aaguid: Uuid::from_bytes(new.aaguid),
                transports: response.transports,
                is_backup_eligible: new.proof.is_backup_eligible,
                is_backed_up: new.proof.is_backed_up,
                is_user_verified: new.proof.is_user_verified,
                is_discoverable: response.is_discoverable,
                creation_time: self.now(),
                last_use: None,
            };
            let kept = KeptPasskey {
                passkey,
                credential_id: new.credential_id,
                public_key: new.public_key,
                sign_count: new.proof.counter.into(),
            };
            let mut tx = self.db().write().await?;
            // Of several registrations at the same time, one comes after the other.
            let row = store::user::account::by_id_for_update(&mut tx, &user_id).await?;
            let row = row.ok_or(Code::SessionNoSuchSession)?;
            check_room(store::credential::passkey::list_of_user(&mut tx, &user_id).await?.len())?;
            if !store::credential::passkey::insert(&mut tx, &kept).await? {
                return Err(Error::refused(Code::PasskeyNotAcceptable, "response: it is registered already"));
            }
            // The login is fresh, and the passkey was shown.
            self.note_passkey(&mut tx, call.caller()?.session().session_id).await?;
            call.trail.note("passkey_id", kept.passkey.passkey_id.as_str());
            self.tell_of_second_factor(&mut tx, call.ctx, &mut call.trail, &row, "passkey-added").await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(kept.passkey)
        })
        .await
    }
}

fn check_room(count: usize) -> Result<()> {
    if count < MOST {
        return Ok(());
    }
    Err(Error::refused(Code::CommonInvalidOperation, format!("a user has at most {MOST} passkeys")))
}

fn not_acceptable(refusal: Refusal) -> Error {
    Error::refused(Code::PasskeyNotAcceptable, format!("response: {refusal}"))
}
