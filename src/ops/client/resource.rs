//! Access tokens that services in the same process are shown: JWTs are verified by the keys that are known, without a query.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::crypto::jose::claims::Audience;
use crate::crypto::jose::jws::Jws;
use crate::crypto::token;
use crate::domain::{Code, Context, Error, Operation, Password, Result, Timestamp, VerifiedToken};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::fast_path::Asker;
use crate::store::client::signing_key::TOUCHED;

/// The type of JWTs that are access tokens (RFC 9068, section 2.1).
const TYP: &str = "at+jwt";

fn bad(detail: &'static str) -> Error {
    Error::refused(Code::SessionNoSuchSession, detail)
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// What a JWT says whose signature is right; None unless it is an access token of this issuer.
fn read(claims: Map<String, Value>, issuer: &str) -> Option<VerifiedToken> {
    if text(&claims, "iss")? != issuer {
        return None;
    }
    let audience: Audience = serde_json::from_value(claims.get("aud")?.clone()).ok()?;
    let scope = text(&claims, "scope").unwrap_or_default();
    Some(VerifiedToken {
        sub: text(&claims, "sub")?,
        client_id: text(&claims, "client_id")?,
        scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
        audiences: audience.all().to_vec(),
        expiration_time: Timestamp::from_micros(claims.get("exp")?.as_i64()?.checked_mul(1_000_000)?),
        claims,
    })
}

impl Sso {
    /// The fast path of [`Sso::verify_access_token`].
    #[must_use]
    pub fn verify_access_token_fast(
        &self,
        asker: Asker<'_>,
        access_token: &str,
        audience: Option<&str>,
        scopes: Option<&str>,
    ) -> Option<Arc<VerifiedToken>> {
        let config = self.config();
        let app = asker.current_app.unwrap_or(&config.apps.default);
        if config.audit.session_checks || !config.apps.all.iter().any(|known| known == app) {
            return None;
        }
        let now = self.now();
        let kept = self.core.clients.tokens.get(&token::digest(access_token))?;
        let is_good = self.db().epochs().moment(now).holds(&kept)
            && kept.value.expiration_time > now
            && kept.value.is_for(audience)
            && kept.value.covers(scopes);
        if !is_good {
            return None;
        }
        self.core.counters.cached(Operation::TokenVerify);
        Some(Arc::clone(&kept.value))
    }

    /// Verifies an access token that a service in this process was shown: a JWT, until it expires. What was called back, or
    /// whose session has ended, is known by introspection alone.
    ///
    /// # Errors
    /// E007001 for one that is not good, has expired, or is for somebody else (`invalid_token`); E005001 for one that is not good for
    /// all of these scopes (`insufficient_scope`).
    pub async fn verify_access_token(
        &self,
        ctx: &Context,
        access_token: &Password,
        audience: Option<&str>,
        scopes: Option<&str>,
    ) -> Result<Arc<VerifiedToken>> {
        self.run(ctx, Operation::TokenVerify, Actor::Anonymous, async |call| {
            let verified = self.verified_jwt(access_token.expose()).await?;
            let verified = verified.ok_or_else(|| bad("access_token: not one that was signed here"))?;
            call.trail.note("client_id", verified.client_id.as_str());
            if let Some(user_id) = verified.user_id() {
                call.trail.by(&user_id);
            }
            if verified.expiration_time <= self.now() {
                return Err(bad("access_token: it has expired"));
            }
            if !verified.is_for(audience) {
                return Err(bad("access_token: it is for another audience"));
            }
            if !verified.covers(scopes) {
                return Err(Error::refused(Code::AuthNotAllowed, "scope: the access token does not have it"));
            }
            Ok(verified)
        })
        .await
    }

    /// An access token whose signature is right. It may have expired.
    async fn verified_jwt(&self, text: &str) -> Result<Option<Arc<VerifiedToken>>> {
        let now = self.now();
        let digest = token::digest(text);
        let moment = self.db().epochs().moment(now);
        if let Some(kept) = self.core.clients.tokens.get(&digest).filter(|kept| moment.holds(kept)) {
            return Ok(Some(Arc::clone(&kept.value)));
        }
        let Some(jws) = Jws::parse(text).filter(|jws| jws.is_typ(TYP)) else { return Ok(None) };
        let Some(kid) = jws.header.kid.as_deref() else { return Ok(None) };
        let keys = self.known_signing_keys().await?;
        let is_ours = keys.verifier(kid, now).is_some_and(|key| jws.is_signed_by(key));
        let claims = if is_ours { jws.all_claims() } else { None };
        // One that is bound to a key (RFC 9449) is good for nothing without a proof, which services here are not shown.
        let claims = claims.filter(|claims| !claims.contains_key("cnf"));
        let Some(verified) = claims.and_then(|claims| read(claims, &self.config().oidc.issuer)) else {
            return Ok(None);
        };
        let verified = Arc::new(verified);
        if moment.may_keep() && verified.expiration_time > now {
            let kept = Arc::new(moment.read(TOUCHED, Arc::clone(&verified)));
            self.core.clients.tokens.insert(digest, kept);
        }
        Ok(Some(verified))
    }
}
