//! Keys that a client publishes itself, by `jwks_uri`: fetched when they are needed, and kept for a while.

use std::sync::Arc;

use crate::config::LogLevel;
use crate::crypto::jose::jwk::Jwk;
use crate::domain::{Client, Context, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::client::known::refused;
use crate::ops::courier::Reach;
use crate::ops::kept::client::FetchedKeys;

/// For how many seconds fetched keys are good without a question.
const FRESH: i64 = 600;

/// For how many seconds nobody is asked again, whatever comes: strangers may make up as many tokens as they like.
const PAUSE: i64 = 30;

/// For how many seconds keys are still good whose server does not answer any more.
const STALE: i64 = 3_600;

impl Sso {
    /// Which addresses are asked that a client names.
    pub(in crate::ops) fn reach(&self) -> Reach {
        if self.config().oidc.allow_private_addresses { Reach::Everywhere } else { Reach::Public }
    }

    /// The keys that a client publishes there. They are fetched anew after a while, and where none has this id.
    ///
    /// # Errors
    /// E005001 where there are none, which is `invalid_client`.
    pub(in crate::ops::client) async fn published_by(
        &self,
        ctx: &Context,
        client: &Client,
        uri: &str,
        kid: Option<&str>,
    ) -> Result<Arc<FetchedKeys>> {
        if let Some(known) = self.fetched(client, uri, kid) {
            return usable(uri, known, self.now());
        }
        let core = &self.core;
        let permit = core.clients.fetching.acquire().await;
        // Somebody else may have fetched them meanwhile.
        if let Some(known) = self.fetched(client, uri, kid) {
            return usable(uri, known, self.now());
        }
        let before = core.clients.fetched.get(&client.client_id).filter(|before| before.uri == uri);
        let answer = core.courier.get(uri, self.reach()).await;
        drop(permit);
        let now = self.now();
        let read = answer.and_then(|text| Jwk::parse_set(&text).map_err(|why| why.to_string()));
        let fetched = match read {
            Ok(keys) => FetchedKeys { uri: uri.to_owned(), keys, fetched: now, tried: now },
            Err(why) => {
                let text = format!(
                    "the keys of the client {} ({}) were not read from its jwks_uri {uri}: {why}",
                    client.client_id.as_str(),
                    client.name,
                );
                self.log().say(LogLevel::Warning, "openid.jwks_uri", &text, Some(&ctx.cid));
                let (keys, fetched) =
                    before.map_or((Vec::new(), now), |before| (before.keys.clone(), before.fetched));
                FetchedKeys { uri: uri.to_owned(), keys, fetched, tried: now }
            }
        };
        let fetched = Arc::new(fetched);
        core.clients.fetched.insert(client.client_id.clone(), Arc::clone(&fetched));
        usable(uri, fetched, now)
    }

    /// What need not be fetched now.
    fn fetched(&self, client: &Client, uri: &str, kid: Option<&str>) -> Option<Arc<FetchedKeys>> {
        let known = self.core.clients.fetched.get(&client.client_id).filter(|known| known.uri == uri)?;
        let now = self.now();
        let has_kid = kid.is_none_or(|kid| {
            known.keys.iter().any(|key| key.kid.as_deref().is_none_or(|known| known == kid))
        });
        let is_fresh = now < known.fetched.plus_seconds(FRESH) && has_kid && !known.keys.is_empty();
        (is_fresh || now < known.tried.plus_seconds(PAUSE)).then_some(known)
    }
}

fn usable(uri: &str, known: Arc<FetchedKeys>, now: Timestamp) -> Result<Arc<FetchedKeys>> {
    if known.keys.is_empty() || now > known.fetched.plus_seconds(STALE) {
        return Err(refused(format!(
            "the keys of this client could not be read from its jwks_uri, {uri}: the log of this server says why"
        )));
    }
    Ok(known)
}
