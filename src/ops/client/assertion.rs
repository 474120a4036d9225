//! Clients that prove who they are by a JWT that they sign (RFC 7523, section 3; OpenID Connect Core, section 9).

use std::sync::Arc;

use serde::Deserialize;

use crate::crypto::jose::claims::{Audience, ends_within, is_valid_at};
use crate::crypto::jose::jws::Jws;
use crate::crypto::token;
use crate::domain::{AuthMethod, Context, Password, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::client::known::{KnownClient, check_method, refused};
use crate::store;

/// How long such a token may be valid, in seconds.
const MAX_LIFETIME: i64 = 3_600;

/// The same for a client that has registered itself: each is noted until it expires, and anybody can make as many as they like.
const MAX_LIFETIME_OF_STRANGERS: i64 = 120;

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 512;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    jti: String,
}

impl Sso {
    pub(in crate::ops::client) async fn client_by_assertion(
        &self,
        ctx: &Context,
        assertion: &Password,
        client_id: Option<&str>,
        audiences: &[&str],
    ) -> Result<Arc<KnownClient>> {
        let jws =
            Jws::parse(assertion.expose()).ok_or_else(|| refused("client_assertion is no signed JWT"))?;
        let claims: Claims = jws
            .claims()
            .ok_or_else(|| refused("client_assertion must have iss, sub, aud, exp and jti, each once"))?;
        let is_typed =
            jws.header.typ.is_none() || jws.is_typ("JWT") || jws.is_typ("client-authentication+jwt");
        if !is_typed {
            return Err(refused("client_assertion: typ must be JWT, client-authentication+jwt, or left out"));
        }
        if claims.iss != claims.sub || client_id.is_some_and(|client_id| client_id != claims.sub) {
            return Err(refused("client_assertion: iss and sub must both be the client_id"));
        }
        let Some(known) = self.active_client(&claims.sub).await? else {
            self.count_guess(ctx).await?;
            return Err(refused("client_assertion: there is no active client with this id"));
        };
        check_method(&known, AuthMethod::PrivateKeyJwt)?;
        let has_kid =
            |kid: &Option<String>| kid.is_none() || jws.header.kid.is_none() || *kid == jws.header.kid;
        let published = match known.client.jwks_uri.as_deref() {
            Some(uri) => Some(self.published_by(ctx, &known.client, uri, jws.header.kid.as_deref()).await?),
            None => None,
        };
        let keys = published.as_ref().map_or(&known.keys, |published| &published.keys);
        let mut candidates = keys.iter().filter(|jwk| has_kid(&jwk.kid));
        if !candidates.any(|jwk| jws.is_signed_by(&jwk.key)) {
            self.count_guess(ctx).await?;
            return Err(refused(
                "client_assertion is not signed with a key of this client's jwks or jwks_uri",
            ));
        }
        if !audiences.iter().any(|audience| claims.aud.has(audience)) {
            return Err(refused(format!("client_assertion: aud must be {}", audiences.join(" or "))));
        }
        let now = self.system_time();
        if !is_valid_at(now, claims.exp, claims.nbf) {
            return Err(refused("client_assertion has expired, or is not valid yet"));
        }
        let most = if known.is_self_registered { MAX_LIFETIME_OF_STRANGERS } else { MAX_LIFETIME };
        if !ends_within(now, claims.exp, most) {
            return Err(refused(format!("client_assertion: exp must be at most {most} seconds from now")));
        }
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
            return Err(refused(format!("client_assertion: jti must have 1 to {MAX_JTI} bytes")));
        }
        let expiration = Timestamp::from_micros((claims.exp * 1e6) as i64).plus_minutes(1);
        if !self.use_jwt(&claims.sub, &claims.jti, expiration).await? {
            return Err(refused(
                "client_assertion was used before: make a new one, with another jti, each time",
            ));
        }
        Ok(known)
    }

    /// Notes that a token by this maker with this `jti` was used; false if it was before.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn use_jwt(&self, maker: &str, jti: &str, expiration: Timestamp) -> Result<bool> {
        // No id of a maker has a line break in it.
        let digest = token::digest(&format!("{maker}\n{jti}"));
        let mut tx = self.db().write().await?;
        let is_new = store::client::used_jwt::insert(&mut tx, &digest, expiration).await?;
        // Also where it was used before: that may be in the transaction of another call, which is to last first.
        tx.commit().await?;
        Ok(is_new)
    }
}
