//! Access tokens that services in the same process are shown: JWTs are verified by the keys that are known, without a query, opaque
//! ones are looked up, with the state of their user and session.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::crypto::jose::claims::Audience;
use crate::crypto::token;
use crate::domain::{
    ClientId, Code, Context, Error, Operation, Password, Result, Timestamp, UserView, VerifiedToken,
    Visibility,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::fast_path::Asker;
use crate::ops::client::provider::Purpose;
use crate::ops::client::tokens::{ACCESS_TYP, authorization_of};
use crate::store;
use crate::store::client::signing_key::TOUCHED;

fn bad(detail: &'static str) -> Error {
    Error::refused(Code::SessionNoSuchSession, detail)
}

fn text_of(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// What a token says that was issued here; None unless that is all that an access token says.
fn read(claims: Map<String, Value>, authorization_id: Option<Uuid>) -> Option<VerifiedToken> {
    let audience: Audience = serde_json::from_value(claims.get("aud")?.clone()).ok()?;
    let scope = text_of(&claims, "scope").unwrap_or_default();
    Some(VerifiedToken {
        sub: text_of(&claims, "sub")?,
        client_id: text_of(&claims, "client_id")?,
        scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
        audiences: audience.all().to_vec(),
        expiration_time: Timestamp::from_micros(claims.get("exp")?.as_i64()?.checked_mul(1_000_000)?),
        authorization_id,
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

    /// Verifies an access token that a service in this process was shown. A JWT is good until it expires: what was called back, or
    /// whose session has ended, is known by introspection, and by [`Self::get_user_of_token`]. An opaque one is looked up each time.
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
            let text = access_token.expose();
            // No opaque token has a dot.
            let verified = if text.contains('.') {
                self.verified_jwt(text)
                    .await?
                    .ok_or_else(|| bad("access_token: not one that was signed here"))?
            } else {
                let verified = self.verified_opaque(text).await?;
                verified.ok_or_else(|| bad("access_token: unknown, expired, or its sign-in has ended"))?
            };
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

    /// The user on whose behalf an access token acts, as they would see themselves; None for one that a client has for itself.
    ///
    /// # Errors
    /// E007001 if it has expired, or if its sign-in has ended since: with the session, or because the user may not sign in any more.
    pub async fn get_user_of_token(&self, ctx: &Context, token: &VerifiedToken) -> Result<Option<UserView>> {
        self.run(ctx, Operation::TokenGetUser, Actor::Anonymous, async |call| {
            call.trail.note("client_id", token.client_id.as_str());
            let now = self.now();
            if token.expiration_time <= now {
                return Err(bad("access_token: it has expired"));
            }
            // A JWT is verified without a look at either.
            let client_id = ClientId::from_stored(token.client_id.clone());
            if self.client_in_force(&client_id).await?.is_none() {
                return Err(bad("access_token: its client is not active any more"));
            }
            let mut conn = self.db().read().await?;
            if let Some(jti) = text_of(&token.claims, "jti")
                && store::client::access_token::is_revoked(&mut conn, &token::digest(&jti)).await?
            {
                return Err(bad("access_token: it was called back"));
            }
            let Some(authorization_id) = token.authorization_id else { return Ok(None) };
            let held = store::client::authorization::by_id(&mut conn, authorization_id).await?;
            let held =
                held.filter(|held| held.holder == token.client_id && self.why_over(held, now).is_none());
            let held = held.ok_or_else(|| bad("access_token: its sign-in has ended"))?;
            call.trail.by(&held.user_id);
            let row = store::user::account::by_id(&mut conn, &held.user_id).await?;
            let row = row.ok_or_else(|| bad("access_token: its user is gone"))?;
            let user = Arc::new(self.open_with_groups(conn, row).await?);
            Ok(Some(UserView { user, visibility: Visibility::Own, is_current_super_user: false }))
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
        let claims = self.verified(text, ACCESS_TYP, Purpose::Now).await?;
        // One that is bound to a key (RFC 9449) is good for nothing without a proof, which services here are not shown.
        let claims = claims.filter(|claims| !claims.contains_key("cnf"));
        let read = claims.and_then(|claims| {
            let authorization_id = text_of(&claims, "jti").as_deref().and_then(authorization_of);
            read(claims, authorization_id)
        });
        let Some(verified) = read.map(Arc::new) else { return Ok(None) };
        if moment.may_keep() && verified.expiration_time > now {
            let kept = Arc::new(moment.read(TOUCHED, Arc::clone(&verified)));
            self.core.clients.tokens.insert(digest, kept);
        }
        Ok(Some(verified))
    }

    /// An access token that is kept here, and whose sign-in and client are in force.
    async fn verified_opaque(&self, text: &str) -> Result<Option<Arc<VerifiedToken>>> {
        let good = self.examine_access(text).await?;
        let Some(good) = good.filter(|good| good.thumbprint.is_none()) else { return Ok(None) };
        let authorization_id = good.held.as_ref().map(|held| held.authorization_id);
        let mut told = self.told_of(good).await?;
        told.remove("active");
        Ok(read(told, authorization_id).map(Arc::new))
    }
}
