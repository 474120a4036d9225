//! Tokens that somebody shows: the userinfo endpoint, introspection (RFC 7662) and revocation (RFC 7009).
//!
//! The state of the user and of the session is read each time: what is told holds now.

use serde_json::{Map, Value, json};

use crate::config::LogLevel;
use crate::crypto::{compare, token};
use crate::domain::{
    Client, ClientId, Context, Error, OAuthError, Operation, Parameters, Password, Result, Timestamp,
};
use crate::ops::Sso;
use crate::ops::access::how;
use crate::ops::client::authenticate::ClientCredential;
use crate::ops::client::dpop::{ProofFor, use_proof};
use crate::ops::client::id_token::claims_request;
use crate::ops::client::provider::Purpose;
use crate::ops::client::scope::words;
use crate::ops::client::tokens::{ACCESS_TYP, Refresh, audience, authorization_of, seconds};
use crate::store;
use crate::store::client::access_token::NewAccessToken;
use crate::store::client::authorization::Held;

/// An access token, as somebody shows it.
#[derive(Clone, Debug)]
pub struct ShownToken {
    /// The token.
    pub access_token: Password,
    /// Whether it is said to be bound to a key (RFC 9449, section 7.1).
    pub is_dpop: bool,
    /// The proof that came along.
    pub proof: Option<Password>,
    /// By which method.
    pub method: String,
}

/// A token that is good now.
#[derive(Clone, Debug)]
pub(in crate::ops) struct GoodToken {
    pub client_id: String,
    /// None where a client acts for itself.
    pub held: Option<Held>,
    pub scopes: String,
    pub audiences: Vec<String>,
    pub thumbprint: Option<String>,
    /// In seconds since 1970.
    pub issued: i64,
    pub expires: i64,
    pub jti: Option<String>,
}

impl Sso {
    /// What an access token is good for; None where it is not good, or not any more.
    pub(in crate::ops) async fn examine_access(&self, text: &str) -> Result<Option<GoodToken>> {
        let now = self.now();
        let good = match self.verified(text, ACCESS_TYP, Purpose::Now).await? {
            Some(claims) => self.examine_jwt(&claims).await?,
            None => {
                let mut conn = self.db().read().await?;
                let found =
                    store::client::access_token::by_digest(&mut conn, &token::digest(text), now).await?;
                found.map(|(row, held)| GoodToken {
                    client_id: row.client_id,
                    held,
                    scopes: row.scopes,
                    audiences: row.audiences.lines().map(str::to_owned).collect(),
                    thumbprint: row.thumbprint,
                    issued: seconds(row.creation_time),
                    expires: seconds(row.expiration_time),
                    jti: None,
                })
            }
        };
        let Some(good) = good.filter(|good| good.expires > seconds(now)) else { return Ok(None) };
        if good.held.as_ref().is_some_and(|held| self.why_over(held, now).is_some()) {
            return Ok(None);
        }
        // A client that is gone, or not active, has no tokens.
        let Some(client_id) = ClientId::parse(&good.client_id) else { return Ok(None) };
        let is_known = self.client_in_force(&client_id).await?.is_some();
        Ok(is_known.then_some(good))
    }

    async fn examine_jwt(&self, claims: &Map<String, Value>) -> Result<Option<GoodToken>> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let (Some(jti), Some(client_id), Some(expires)) = (text("jti"), text("client_id"), number("exp"))
        else {
            return Ok(None);
        };
        let mut conn = self.db().read().await?;
        if store::client::access_token::is_revoked(&mut conn, &token::digest(&jti)).await? {
            return Ok(None);
        }
        let held = match authorization_of(&jti) {
            None => None,
            Some(id) => match store::client::authorization::by_id(&mut conn, id).await? {
                Some(held) if held.holder == client_id => Some(held),
                _ => return Ok(None),
            },
        };
        let audiences = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let thumbprint = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
        Ok(Some(GoodToken {
            client_id,
            held,
            scopes: text("scope").unwrap_or_default(),
            audiences,
            thumbprint: thumbprint.map(str::to_owned),
            issued: number("iat").unwrap_or_default(),
            expires,
            jti: Some(jti),
        }))
    }

    /// What is told of the user of an access token.
    ///
    /// # Errors
    /// `invalid_token`, or `insufficient_scope` without the scope openid.
    pub async fn get_user_info(&self, ctx: &Context, shown: &ShownToken) -> Result<Map<String, Value>> {
        self.record(ctx, Operation::OpenidGetUserInfo, async |call| {
            let good = self.examine_access(shown.access_token.expose()).await?;
            let good = good.ok_or_else(|| {
                OAuthError::InvalidToken
                    .because("the access token is unknown, has expired, or its sign-in has ended")
            })?;
            self.check_possession(shown, good.thumbprint.as_deref()).await?;
            call.trail.note("client_id", good.client_id.as_str());
            let held = good.held.clone().filter(|_| words(&good.scopes).contains(&"openid"));
            let held = held.ok_or_else(|| {
                OAuthError::InsufficientScope.because("the access token is not good for the scope openid")
            })?;
            // One for an API is not one for here: who is shown it there could ask for all that the user's client may know.
            if !good.audiences.iter().any(|audience| audience == self.issuer()) {
                let why = format!(
                    "the access token is for {}, not for {}: ask for it with resource={} or without resource",
                    good.audiences.join(" "),
                    self.issuer(),
                    self.issuer(),
                );
                return Err(OAuthError::InvalidToken.because(why));
            }
            call.trail.by(&held.user_id);
            let client_id = ClientId::from_stored(held.holder.clone());
            let client = self.client_in_force(&client_id).await?;
            let client =
                client.ok_or_else(|| OAuthError::InvalidToken.because("the client is not active"))?;
            let mut claims = Map::new();
            claims.insert("sub".into(), self.subject_of(&client, &held.user_id).await?.into());
            let asked = claims_request(&held).userinfo;
            for (name, value) in self.claims_about(&held, &good.scopes, &asked, "userinfo").await? {
                claims.entry(name).or_insert(value);
            }
            Ok(claims)
        })
        .await
    }

    /// A token that is bound to a key is shown as such, with a proof of the key; any other is not.
    async fn check_possession(&self, shown: &ShownToken, bound_to: Option<&str>) -> Result<()> {
        let wrong = |why: &str| Err(OAuthError::InvalidToken.because(why));
        let (Some(bound_to), true) = (bound_to, shown.is_dpop) else {
            return match bound_to {
                None if !shown.is_dpop => Ok(()),
                None => wrong("the access token is bound to no key: send it as Bearer"),
                Some(_) => wrong("the access token is bound to a key: send it as DPoP, with a proof"),
            };
        };
        let Some(proof) = &shown.proof else {
            return Err(OAuthError::InvalidDpopProof.because("the header DPoP is missing"));
        };
        let access_token = Some(shown.access_token.expose());
        let expected = ProofFor { method: &shown.method, path: "/oauth2/userinfo", access_token };
        let proof = self.check_dpop(proof.expose(), expected)?;
        if !compare::equal(proof.thumbprint.as_bytes(), bound_to.as_bytes()) {
            return wrong("the access token is bound to another key than the one of the DPoP proof");
        }
        let mut tx = self.db().write().await?;
        let used = use_proof(&mut tx, &proof).await;
        // Also where it was used before: that may be in the transaction of another call, which is to last first.
        tx.commit().await?;
        used
    }

    /// Tells an authenticated client whether a token is good, and for what.
    ///
    /// # Errors
    /// `invalid_client`, and `unauthorized_client` for clients that do not prove who they are.
    pub async fn introspect_token(
        &self,
        ctx: &Context,
        credentials: &ClientCredential,
        parameters: &Parameters,
    ) -> Result<Map<String, Value>> {
        self.record(ctx, Operation::OpenidIntrospect, async |call| {
            let client = &*self.calling_client(call.ctx, credentials).await?;
            call.trail.event.how = Some(how::CLIENT);
            call.trail.note("client_id", client.client_id.as_str());
            if client.is_public() {
                let why = "introspection needs a client that proves who it is";
                return Err(OAuthError::UnauthorizedClient.because(why));
            }
            let text = parameters.needed("token")?;
            if let Some(refresh) = Refresh::parse(text) {
                return self.introspect_refresh(client, &refresh).await;
            }
            let Some(good) = self.examine_access(text).await? else { return Ok(inactive()) };
            // What a token tells of its user is for who holds it, and for whom it was made.
            if !is_business_of(client, &good) {
                let text = format!(
                    "the client {} ({}) asked about a token of the client {} for {}: it learns about its own, and about those for \
                     its own_audiences: {}",
                    client.client_id.as_str(),
                    client.name,
                    good.client_id,
                    good.audiences.join(" "),
                    client.own_audiences.join(" "),
                );
                self.log().say(LogLevel::Warning, "openid.introspect", &text, Some(&ctx.cid));
                return Ok(inactive());
            }
            self.told_of(good).await
        })
        .await
    }

    /// What introspection tells of an access token.
    pub(in crate::ops) async fn told_of(&self, good: GoodToken) -> Result<Map<String, Value>> {
        let mut told = Map::new();
        told.insert("active".into(), true.into());
        told.insert("iss".into(), self.issuer().into());
        told.insert("client_id".into(), good.client_id.as_str().into());
        told.insert("token_type".into(), if good.thumbprint.is_some() { "DPoP" } else { "Bearer" }.into());
        told.insert("aud".into(), audience(&good.audiences));
        told.insert("iat".into(), good.issued.into());
        told.insert("exp".into(), good.expires.into());
        if !good.scopes.is_empty() {
            told.insert("scope".into(), good.scopes.as_str().into());
        }
        if let Some(jti) = good.jti {
            told.insert("jti".into(), jti.into());
        }
        if let Some(thumbprint) = good.thumbprint {
            told.insert("cnf".into(), json!({ "jkt": thumbprint }));
        }
        if let Some(act) = good.held.as_ref().and_then(|held| held.act.as_deref()) {
            told.insert("act".into(), serde_json::from_str(act).map_err(Error::internal)?);
        }
        self.tell_whose(&mut told, &good.client_id, &good.scopes, good.held.as_ref()).await?;
        Ok(told)
    }

    async fn tell_whose(
        &self,
        told: &mut Map<String, Value>,
        client_id: &str,
        scopes: &str,
        held: Option<&Held>,
    ) -> Result<()> {
        let Some(held) = held else {
            told.insert("sub".into(), client_id.into());
            return Ok(());
        };
        let holder = self.client_in_force(&ClientId::from_stored(client_id.to_owned())).await?;
        if let Some(client) = &holder {
            told.insert("sub".into(), self.subject_of(client, &held.user_id).await?.into());
            told.insert("sid".into(), self.sid_of(client, held.sid).await?.into());
        }
        // Who is known to each client by another name is not told by the one that all know.
        let is_told = holder.as_ref().is_some_and(|client| client.pairwise_sector.is_none());
        if is_told && words(scopes).contains(&"profile") {
            told.insert("username".into(), held.username.as_str().into());
        }
        told.insert("auth_time".into(), seconds(held.auth_time).into());
        Ok(())
    }

    /// A refresh token is its client's own affair.
    async fn introspect_refresh(&self, client: &Client, refresh: &Refresh) -> Result<Map<String, Value>> {
        let mut tx = self.db().write().await?;
        let found = store::client::authorization::by_refresh_key(&mut tx, &refresh.key).await?;
        drop(tx);
        let now = self.now();
        let good = found.filter(|found| {
            let is_current =
                found.refresh_digest.as_deref().is_some_and(|digest| compare::equal(digest, &refresh.digest));
            is_current
                && found.held.holder == client.client_id.as_str()
                && found.idle_end.is_none_or(|end| end > now)
                && self.why_over(&found.held, now).is_none()
        });
        let Some(found) = good else { return Ok(inactive()) };
        let mut told = Map::new();
        told.insert("active".into(), true.into());
        told.insert("iss".into(), self.issuer().into());
        told.insert("client_id".into(), client.client_id.as_str().into());
        told.insert("exp".into(), seconds(found.held.end_time).into());
        told.insert("scope".into(), found.held.granted_scopes.as_str().into());
        let scopes = &found.held.granted_scopes;
        self.tell_whose(&mut told, client.client_id.as_str(), scopes, Some(&found.held)).await?;
        Ok(told)
    }

    /// Ends a token of an authenticated client: a refresh token with all that came of the same sign-in, an access token alone. A
    /// token that is unknown, or another client's, is none of its business, which is no error (RFC 7009, section 2.2).
    ///
    /// # Errors
    /// `invalid_client`, `invalid_request`.
    pub async fn revoke_token(
        &self,
        ctx: &Context,
        credentials: &ClientCredential,
        parameters: &Parameters,
    ) -> Result<()> {
        self.record(ctx, Operation::OpenidRevoke, async |call| {
            let client = self.calling_client(call.ctx, credentials).await?;
            let client_id = client.client_id.as_str();
            call.trail.event.how = Some(how::CLIENT);
            call.trail.note("client_id", client_id);
            let text = parameters.needed("token")?;
            if let Some(refresh) = Refresh::parse(text) {
                let mut tx = self.db().write().await?;
                let found = store::client::authorization::by_refresh_key(&mut tx, &refresh.key).await?;
                let is = |digest: &Option<Vec<u8>>| {
                    digest.as_deref().is_some_and(|digest| compare::equal(digest, &refresh.digest))
                };
                let found = found.filter(|found| {
                    found.held.holder == client_id && (is(&found.refresh_digest) || is(&found.former_digest))
                });
                let Some(found) = found else {
                    call.trail.leave_out();
                    return Ok(());
                };
                call.trail.on(&found.held.user_id);
                store::client::authorization::end(&mut tx, found.held.authorization_id).await?;
                return self.commit(tx, &mut call.trail).await;
            }
            // Before the transaction: keys may have to be read.
            let claims = self.verified(text, ACCESS_TYP, Purpose::Now).await?;
            let mut tx = self.db().write().await?;
            let is_ended = match claims {
                None => store::client::access_token::delete(&mut tx, &token::digest(text), client_id).await?,
                Some(claims) => {
                    let text = |name: &str| claims.get(name).and_then(Value::as_str);
                    let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
                    match (text("jti"), text("client_id")) {
                        (Some(jti), Some(owner)) if owner == client_id => {
                            let now = self.now();
                            let new = NewAccessToken {
                                digest: &token::digest(jti),
                                client_id,
                                authorization_id: None,
                                scopes: "",
                                audiences: "",
                                thumbprint: None,
                                is_revoked: true,
                                creation_time: now,
                                expiration_time: Timestamp::from_micros(expires.saturating_mul(1_000_000)),
                            };
                            store::client::access_token::insert(&mut tx, &new).await?;
                            true
                        }
                        _ => false,
                    }
                }
            };
            if !is_ended {
                call.trail.leave_out();
                return Ok(());
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }
}

/// Whether a token is a client's own, or was made for it.
pub(in crate::ops) fn is_business_of(client: &Client, good: &GoodToken) -> bool {
    good.client_id == client.client_id.as_str()
        || good.audiences.iter().any(|audience| client.is_audience(audience))
}

/// What is told of a token that is not good: nothing (RFC 7662, section 2.2).
fn inactive() -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("active".into(), false.into());
    told
}
