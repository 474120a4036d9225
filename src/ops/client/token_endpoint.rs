//! The token endpoint: codes, refresh tokens and a client's own credentials become tokens.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::crypto::{compare, token};
use crate::domain::{AuditKind, Client, Context, Grant, OAuthError, Operation, Parameters, Result, shown};
use crate::ops::Sso;
use crate::ops::access::how;
use crate::ops::call::Call;
use crate::ops::client::asked::plain;
use crate::ops::client::authenticate::ClientCredential;
use crate::ops::client::authorize::CODE_KEPT_SECONDS;
use crate::ops::client::dpop::{ProofFor, check_bound};
use crate::ops::client::exchange::ACCESS_TOKEN;
use crate::ops::client::id_token::IdTokenAbout;
use crate::ops::client::known::KnownClient;
use crate::ops::client::scope::{has_all, words};
use crate::ops::client::tokens::{Asked, Granted, NewAccess, Refresh, TokenAnswer};
use crate::store;
use crate::store::Tx;
use crate::store::client::authorization::{Held, NewRefresh, RefreshRow, Rotation};

/// What a refresh token turned out to be.
enum Refreshed {
    /// The one that is good: there is a new one.
    Rotated(Refresh),
    /// The one before, whose answer was lost perhaps: the same new one.
    Again(Refresh),
    /// One from earlier: somebody else has it.
    Stolen,
}

impl Sso {
    /// Answers a request to the token endpoint, which may come with a proof of possession (RFC 9449).
    ///
    /// # Errors
    /// E014003 with the name that OAuth has for it; 401 is for `invalid_client`.
    pub async fn request_token(
        &self,
        ctx: &Context,
        credentials: ClientCredential,
        parameters: Parameters,
        proof: Option<&str>,
    ) -> Result<TokenAnswer> {
        self.record(ctx, Operation::OpenidToken, async |call| {
            let client = self.calling_client(call.ctx, &credentials).await?;
            call.trail.event.how = Some(how::CLIENT);
            call.trail.note("client_id", client.client_id.as_str());
            let expected = ProofFor { method: "POST", path: "/oauth2/token", access_token: None };
            let proof = proof.map(|proof| self.check_dpop(proof, expected)).transpose()?;
            let asked = Asked { parameters: &parameters, proof: proof.as_ref() };
            let name = parameters.needed("grant_type")?;
            let Some(grant) = Grant::parse(name) else {
                let known = Grant::ALL.map(Grant::as_str).join(", ");
                let why = format!("grant_type has to be one of {known}, not {}", plain(&shown(name)));
                return Err(OAuthError::UnsupportedGrantType.because(why));
            };
            call.trail.note("grant_type", grant.as_str());
            if !client.may_use(grant) {
                let grants: Vec<&str> = client.grants.iter().map(|grant| grant.as_str()).collect();
                let why =
                    format!("this client is registered for {}, not for {}", grants.join(" "), grant.as_str());
                return Err(OAuthError::UnauthorizedClient.because(why));
            }
            let granted = match grant {
                Grant::AuthorizationCode => self.redeem_code(call, &client, asked).await?,
                Grant::RefreshToken => self.refresh(call, &client, asked).await?,
                Grant::ClientCredentials => self.grant_to_client(call, &client, asked).await?,
                Grant::DeviceCode => self.grant_to_device(call, &client, asked).await?,
                Grant::TokenExchange => self.exchange(call, &client, asked).await?,
            };
            let issued_token_type = (grant == Grant::TokenExchange).then_some(ACCESS_TOKEN);
            Ok(TokenAnswer { issued_token_type, ..self.make_tokens(&client, granted).await? })
        })
        .await
    }

    /// Signs what is to be signed. The transaction is committed by then: an answer that gets lost now is one that a client asks for
    /// again.
    async fn make_tokens(&self, client: &Client, granted: Granted) -> Result<TokenAnswer> {
        let Granted { held, access, nonce, refresh, has_id_token } = granted;
        let access_token = self.finish_access(client, held.as_ref(), &access).await?;
        let id_token = match &held {
            Some(held) if has_id_token => {
                let about = IdTokenAbout { held, nonce: nonce.as_deref(), access_token: &access_token };
                Some(self.make_id_token(client, about).await?)
            }
            _ => None,
        };
        Ok(TokenAnswer {
            access_token,
            token_type: if access.thumbprint.is_some() { "DPoP" } else { "Bearer" },
            expires_in: access.seconds,
            refresh_token: refresh.map(|refresh| refresh.token),
            id_token,
            scope: access.scope,
            issued_token_type: None,
        })
    }

    /// An access token that is good for as long as those of its client are.
    fn new_access(
        &self,
        client: &Client,
        authorization_id: Option<Uuid>,
        scope: String,
        audiences: Vec<String>,
    ) -> NewAccess {
        NewAccess { authorization_id, scope, audiences, seconds: self.access_seconds(client) }
    }

    async fn redeem_code(
        &self,
        call: &mut Call<'_>,
        client: &Arc<KnownClient>,
        asked: Asked<'_>,
    ) -> Result<Granted> {
        let parameters = asked.parameters;
        let code = parameters.needed("code")?;
        let redirect_uri = parameters.needed("redirect_uri")?;
        let verifier = parameters.one("code_verifier")?;
        let wrong = |why: &str| OAuthError::InvalidGrant.because(why);
        let digest = token::digest(code);
        let now = self.now();
        let mut tx = self.db().write().await?;
        let found = store::client::authorization::by_code(&mut tx, &digest).await?;
        let found = found.filter(|found| found.held.holder == client.client_id.as_str());
        let found = found.ok_or_else(|| wrong("code: unknown, of another client, or it has expired"))?;
        let held = found.held;
        call.trail.on(&held.user_id);
        if found.use_time.is_some() {
            // Somebody has it who should not: whoever came first has no tokens any more (RFC 6749, section 4.1.2).
            store::client::authorization::end(&mut tx, held.authorization_id).await?;
            call.trail.note("code", "used twice: its tokens have ended");
            self.commit(tx, &mut call.trail).await?;
            return Err(wrong("code: used before. All tokens that came of it have ended"));
        }
        if found.good_until <= now {
            return Err(wrong("code: unknown, of another client, or it has expired"));
        }
        if found.redirect_uri != redirect_uri {
            return Err(wrong(
                "redirect_uri has to be the one of the authorization request, letter by letter",
            ));
        }
        check_verifier(found.code_challenge.as_deref(), verifier)?;
        if let Some(why) = self.why_over(&held, now) {
            return Err(wrong(why));
        }
        // A replay of the code is noticed as long as there is something to end.
        let kept_until = now.plus_seconds(CODE_KEPT_SECONDS);
        if !store::client::authorization::use_code(&mut tx, &digest, now, kept_until).await? {
            return Err(wrong("code: used before"));
        }
        self.begin_tokens(call, tx, client, held, asked, found.nonce).await
    }

    /// Begins the tokens of a sign-in, and commits.
    async fn begin_tokens(
        &self,
        call: &mut Call<'_>,
        mut tx: Tx,
        client: &Arc<KnownClient>,
        mut held: Held,
        asked: Asked<'_>,
        nonce: Option<String>,
    ) -> Result<Granted> {
        if let Some(bound_to) = &held.bound_to {
            check_bound("the code", bound_to, asked.proof)?;
        }
        self.narrow(client, &mut held).map_err(|why| OAuthError::InvalidGrant.because(why))?;
        let audiences = narrowed(&held.granted_audiences, asked.parameters)?;
        let now = self.now();
        let refresh = client.may_use(Grant::RefreshToken).then(|| self.new_refresh()).transpose()?;
        let access_end = now.plus_seconds(self.access_seconds(client));
        let (most, idle) = self.refresh_seconds(client);
        let end = if refresh.is_some() { now.plus_seconds(most).max(access_end) } else { access_end };
        let end = end.max(now.plus_seconds(CODE_KEPT_SECONDS));
        let new_refresh = refresh.as_ref().map(|refresh| NewRefresh {
            key: &refresh.key,
            digest: &refresh.digest,
            idle_end: now.plus_seconds(idle),
        });
        // Who has a refresh token of a public client could use it: it is bound. Others prove who they are each time.
        let bound_to = asked.proof.filter(|_| client.is_public()).map(|proof| proof.thumbprint.as_str());
        let id = held.authorization_id;
        store::client::authorization::begin(&mut tx, id, bound_to, end, new_refresh).await?;
        let scope = held.granted_scopes.clone();
        let new = self.new_access(client, Some(id), scope, audiences);
        let access = self.begin_access(&mut tx, client, new, asked.proof).await?;
        call.trail.note("session_id", held.sid.to_string());
        self.commit(tx, &mut call.trail).await?;
        let has_id_token = words(&held.granted_scopes).contains(&"openid");
        Ok(Granted { access, nonce, refresh, has_id_token, held: Some(held) })
    }

    /// A device asks whether its user has answered.
    async fn grant_to_device(
        &self,
        call: &mut Call<'_>,
        client: &Arc<KnownClient>,
        asked: Asked<'_>,
    ) -> Result<Granted> {
        let parameters = asked.parameters;
        let device_code = parameters.needed("device_code")?;
        // It asks all the time: only what comes of it is a change.
        call.trail.count_as_activity();
        let tx = self.db().write().await?;
        let (tx, held) = self.redeem_device(tx, client, device_code).await?;
        call.trail.event.kind = AuditKind::Change;
        call.trail.on(&held.user_id);
        if let Some(why) = self.why_over(&held, self.now()) {
            return Err(OAuthError::InvalidGrant.because(why));
        }
        self.begin_tokens(call, tx, client, held, asked, None).await
    }

    async fn refresh(
        &self,
        call: &mut Call<'_>,
        client: &Arc<KnownClient>,
        asked: Asked<'_>,
    ) -> Result<Granted> {
        let parameters = asked.parameters;
        let wrong = |why: &str| OAuthError::InvalidGrant.because(why);
        let unknown = || wrong("refresh_token: unknown, of another client, or it has expired");
        let given = Refresh::parse(parameters.needed("refresh_token")?).ok_or_else(unknown)?;
        let now = self.now();
        // Who refreshes all the time changes nothing that the database is to tell of for years.
        call.trail.count_as_activity();
        let mut tx = self.db().write().await?;
        let found = store::client::authorization::by_refresh_key(&mut tx, &given.key).await?;
        let found = found.filter(|found| found.held.holder == client.client_id.as_str());
        let RefreshRow { mut held, refresh_digest, former_digest, successor, rotation_time, idle_end } =
            found.ok_or_else(unknown)?;
        call.trail.on(&held.user_id);
        if let Some(why) = self.why_over(&held, now) {
            return Err(wrong(&format!("refresh_token: {why}")));
        }
        // Who has no key ends nothing either.
        if let Some(bound_to) = &held.bound_to {
            check_bound("the refresh token", bound_to, asked.proof)?;
        }
        let is = |digest: &Option<Vec<u8>>| {
            digest.as_deref().is_some_and(|digest| compare::equal(digest, &given.digest))
        };
        let is_recent = rotation_time
            .is_some_and(|time| now < time.plus_seconds(i64::from(self.config().oidc.refresh_grace)));
        let refreshed = match successor {
            _ if is(&refresh_digest) => Refreshed::Rotated(self.next_refresh(&given)?),
            Some(sealed) if is(&former_digest) && is_recent => {
                Refreshed::Again(self.open_successor(&given, &sealed)?)
            }
            _ => Refreshed::Stolen,
        };
        if idle_end.is_some_and(|end| end <= now) {
            return Err(wrong("refresh_token: it was not used for too long"));
        }
        let next = match refreshed {
            Refreshed::Stolen => {
                store::client::authorization::end(&mut tx, held.authorization_id).await?;
                call.trail.event.kind = AuditKind::Change;
                call.trail.note("refresh_token", "an old one was used: its tokens have ended");
                self.commit(tx, &mut call.trail).await?;
                return Err(wrong("refresh_token: used before. All tokens of this sign-in have ended"));
            }
            Refreshed::Again(next) => next,
            Refreshed::Rotated(next) => {
                let (_, idle) = self.refresh_seconds(client);
                let rotation = Rotation {
                    authorization_id: held.authorization_id,
                    new_digest: &next.digest,
                    former_digest: &given.digest,
                    successor: &self.seal_successor(&given, &next)?,
                    rotation_time: now,
                    idle_end: now.plus_seconds(idle),
                };
                if !store::client::authorization::rotate(&mut tx, &rotation).await? {
                    return Err(unknown());
                }
                next
            }
        };
        if let Err(why) = self.narrow(client, &mut held) {
            store::client::authorization::end(&mut tx, held.authorization_id).await?;
            call.trail.event.kind = AuditKind::Change;
            call.trail.note("refresh_token", "its client may have less now: its tokens have ended");
            self.commit(tx, &mut call.trail).await?;
            return Err(wrong(&format!("refresh_token: {why}")));
        }
        let scope = match parameters.one("scope")? {
            None => held.granted_scopes.clone(),
            Some(wanted) => {
                let wanted: Vec<String> = words(wanted).into_iter().map(str::to_owned).collect();
                if !has_all(&held.granted_scopes, &wanted) {
                    let why = format!(
                        "scope has to be of those that were granted, {}, not {}",
                        held.granted_scopes,
                        wanted.join(" ")
                    );
                    return Err(OAuthError::InvalidScope.because(why));
                }
                wanted.join(" ")
            }
        };
        let audiences = narrowed(&held.granted_audiences, parameters)?;
        let has_id_token = words(&scope).contains(&"openid");
        let new = self.new_access(client, Some(held.authorization_id), scope, audiences);
        let access = self.begin_access(&mut tx, client, new, asked.proof).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(Granted { access, nonce: None, refresh: Some(next), has_id_token, held: Some(held) })
    }

    /// A client acts for itself.
    async fn grant_to_client(
        &self,
        call: &mut Call<'_>,
        client: &Arc<KnownClient>,
        asked: Asked<'_>,
    ) -> Result<Granted> {
        let parameters = asked.parameters;
        if client.is_public() {
            let why = "client_credentials needs a client that proves who it is";
            return Err(OAuthError::UnauthorizedClient.because(why));
        }
        // What is about users has no meaning here.
        let of_users = ["openid", "profile", "email", "groups", "offline_access"];
        let wanted: Vec<String> = match parameters.one("scope")? {
            Some(wanted) => words(wanted).into_iter().map(str::to_owned).collect(),
            None => client.scopes.clone(),
        };
        self.check_scopes_of(client, &wanted)?;
        let scopes: Vec<String> =
            wanted.into_iter().filter(|scope| !of_users.contains(&scope.as_str())).collect();
        let resources: Vec<String> = parameters.all("resource").map(str::to_owned).collect();
        self.check_resources_of(client, &resources)?;
        let audiences = self.audiences_of(client, &scopes, &resources);
        call.trail.count_as_activity();
        let mut tx = self.db().write().await?;
        let new = self.new_access(client, None, scopes.join(" "), audiences);
        let access = self.begin_access(&mut tx, client, new, asked.proof).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(Granted { held: None, access, nonce: None, refresh: None, has_id_token: false })
    }
}

/// The audiences that were granted, a line each, or those of them that the client names now (RFC 8707, section 2.2).
fn narrowed(granted: &str, parameters: &Parameters) -> Result<Vec<String>> {
    let granted: Vec<&str> = granted.lines().collect();
    let named: Vec<&str> = parameters.all("resource").collect();
    if let Some(other) = named.iter().find(|named| !granted.contains(named)) {
        let why =
            format!("resource has to be of those that were granted, {}, not {other}", granted.join(" "));
        return Err(OAuthError::InvalidTarget.because(why));
    }
    let chosen = if named.is_empty() { granted } else { named };
    Ok(chosen.into_iter().map(str::to_owned).collect())
}

/// Whether a verifier is the one of the challenge (RFC 7636, section 4.6). One without a challenge is a mistake that an attacker
/// would make use of (RFC 9700, section 4.8.2).
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<()> {
    let wrong = |why: &str| Err(OAuthError::InvalidGrant.because(why));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            wrong("code_verifier was sent, and no code_challenge with the authorization request")
        }
        (Some(_), None) => wrong("code_verifier is missing"),
        (Some(challenge), Some(verifier)) => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(is_plain) {
                return wrong("code_verifier has to be 43 to 128 letters, digits, -, ., _ and ~");
            }
            let digest = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
            if compare::equal(digest.as_bytes(), challenge.as_bytes()) {
                Ok(())
            } else {
                wrong("code_verifier is not the one of the code_challenge")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn a_verifier_is_the_one_of_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(check_verifier(Some(challenge), Some(verifier)).is_ok());
        assert!(check_verifier(None, None).is_ok());
        for (challenge, verifier) in [
            (Some(challenge), Some(challenge)),
            (Some(challenge), Some("short")),
            (Some(challenge), None),
            (None, Some(verifier)),
        ] {
            assert!(check_verifier(challenge, verifier).is_err(), "{verifier:?}");
        }
    }
}
