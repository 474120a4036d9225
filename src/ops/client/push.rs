//! Authorization requests that a client sends by itself, so that the browser carries nothing but their name (RFC 9126).

use std::time::Duration;

use crate::crypto::token::{self, TokenBits};
use crate::domain::{Context, Error, OAuthError, Operation, Parameters, Result};
use crate::ops::Sso;
use crate::ops::access::how;
use crate::ops::client::asked::{Asked, PUSHED, SEALED};
use crate::ops::client::authenticate::ClientCredential;
use crate::ops::client::dpop::{ProofFor, check_bound};
use crate::store;
use crate::store::client::pushed::NewPushed;

/// For how many seconds a browser may come with it.
const SECONDS: i64 = 60;

/// How many requests of one client wait at most.
const MOST: i64 = 10_000;

/// How long a request may be, in bytes, whose name has all of it, so that nothing is left behind here: else strangers, who have a
/// client push by beginning at it as often as they like, would take all the room. Strangers' own requests may not be longer.
const MOST_SEALED: usize = 2_000;

/// What a client that has pushed a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// By which name the browser comes with it.
    pub request_uri: String,
    /// For how many seconds.
    pub expires_in: i64,
}

impl Sso {
    /// Keeps an authorization request, which is checked as if a browser had come with it.
    ///
    /// # Errors
    /// `invalid_client`, and what is wrong with the request.
    pub async fn push_request(
        &self,
        ctx: &Context,
        credentials: &ClientCredential,
        parameters: Parameters,
        proof: Option<&str>,
    ) -> Result<Pushed> {
        self.record(ctx, Operation::OpenidPushRequest, async |call| {
            call.trail.count_as_activity();
            let client = self.calling_client(call.ctx, credentials).await?;
            call.trail.event.how = Some(how::CLIENT);
            call.trail.note("client_id", client.client_id.as_str());
            if parameters.first("request_uri").is_some() {
                let why = "request_uri is what this endpoint answers with";
                return Err(OAuthError::InvalidRequest.because(why));
            }
            // The client is the one that has proved who it is.
            let client_id = client.client_id.as_str();
            if parameters.one("client_id")?.is_some_and(|given| given != client_id) {
                return Err(OAuthError::InvalidRequest.because("client_id is another client's"));
            }
            // What the code is bound to (RFC 9449, section 10.1).
            let expected = ProofFor { method: "POST", path: "/oauth2/par", access_token: None };
            let proof = proof.map(|proof| self.check_dpop(proof, expected)).transpose()?;
            let named = parameters.one("dpop_jkt")?;
            if let (Some(named), Some(_)) = (named, &proof) {
                check_bound("dpop_jkt: the request", named, proof.as_ref())?;
            }
            let bound_to = proof.map(|proof| proof.thumbprint).or_else(|| named.map(str::to_owned));
            let own =
                ["client_id", "client_secret", "client_assertion", "client_assertion_type", "dpop_jkt"];
            let more = [("client_id", Some(client_id)), ("dpop_jkt", bound_to.as_deref())];
            let more = more.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let query = parameters.encoded_without(&own);
            let query = url::form_urlencoded::Serializer::new(query).extend_pairs(more).finish();
            let asked: Asked = self.asked(call.ctx, Parameters::read(query.as_bytes())?).await?;
            self.checked_request(&asked)?;
            let name = token::new_token(self.random(), TokenBits::Bits256)?;
            let now = self.now();
            let until = now.plus_seconds(SECONDS);
            let is_short = query.len() <= MOST_SEALED;
            if !is_short && client.is_stranger() {
                let why = format!(
                    "the request has {} bytes: one of a client that does not prove who it is, or has registered itself, may \
                     have {MOST_SEALED}",
                    query.len(),
                );
                return Err(OAuthError::InvalidRequest.because(why));
            }
            if is_short {
                call.trail.leave_out();
                let sealed = self.seal_request(client_id, PUSHED, until, name.expose(), &query)?;
                return Ok(Pushed { request_uri: format!("{PUSHED}{SEALED}{sealed}"), expires_in: SECONDS });
            }
            let request_uri = format!("{PUSHED}{}", name.expose());
            let digest = token::digest(&request_uri);
            let new = NewPushed { digest: &digest, client_id, parameters: &query, expiration_time: until };
            let mut tx = self.db().write().await?;
            if !store::client::pushed::insert(&mut tx, &new, now, MOST).await? {
                return Err(Error::RateLimited { retry_after: Duration::from_secs(10) });
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(Pushed { request_uri, expires_in: SECONDS })
        })
        .await
    }
}
