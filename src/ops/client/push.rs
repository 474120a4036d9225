//! Authorization requests that a client sends by itself, so that the browser carries nothing but their name (RFC 9126).

use std::time::Duration;

use crate::crypto::token::{self, TokenBits};
use crate::domain::{Context, Error, OAuthError, Operation, Parameters, Result};
use crate::ops::Sso;
use crate::ops::client::asked::{Asked, PUSHED};
use crate::ops::client::authenticate::ClientCredential;
use crate::store;

/// For how many seconds a browser may come with it.
const SECONDS: i64 = 60;

/// How many requests of one client wait at most.
const MOST: i64 = 10_000;

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
    ) -> Result<Pushed> {
        self.record(ctx, Operation::OpenidPushRequest, async |call| {
            call.trail.count_as_activity();
            let client = self.calling_client(call.ctx, credentials).await?;
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
            let secret = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
            let query = parameters.encoded_without(&secret);
            let query =
                url::form_urlencoded::Serializer::new(query).append_pair("client_id", client_id).finish();
            let asked: Asked = self.asked(call.ctx, Parameters::read(query.as_bytes())?).await?;
            self.checked_request(&asked)?;
            let name = token::new_token(self.random(), TokenBits::Bits256)?;
            let request_uri = format!("{PUSHED}{}", name.expose());
            let until = self.now().plus_seconds(SECONDS);
            let digest = token::digest(&request_uri);
            let mut tx = self.db().write().await?;
            if !store::client::pushed::insert(&mut tx, &digest, client_id, &query, until, MOST).await? {
                return Err(Error::RateLimited { retry_after: Duration::from_secs(10) });
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(Pushed { request_uri, expires_in: SECONDS })
        })
        .await
    }
}
