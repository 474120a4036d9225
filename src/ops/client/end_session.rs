//! Logging out because a client asks for it (RP-Initiated Logout 1.0).

use std::sync::Arc;

use serde_json::Value;

use crate::config::LogLevel;
use crate::domain::{
    Client, ClientId, Context, Error, OAuthError, Operation, Parameters, Result, Ust, with_query,
};
use crate::ops::Sso;
use crate::ops::client::asked::plain;
use crate::ops::client::known::KnownClient;
use crate::ops::client::provider::Purpose;
use crate::store;

/// Whose ID token a client has shown.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Hinted {
    pub client_id: ClientId,
    pub subject: String,
    /// The session, as the client knows it.
    pub sid: Option<String>,
}

/// What a request to log out comes to.
#[derive(Clone, Debug)]
pub struct EndSession {
    /// Where the browser goes afterwards; None for a page of ours.
    pub target: Option<String>,
    /// Whether the session has ended: where not, its user is to be asked.
    pub is_done: bool,
    /// Who asks for it.
    pub client: Option<Arc<KnownClient>>,
}

impl Sso {
    /// Ends the session of a browser if the client shows an ID token of that session; otherwise says that its user is to be
    /// asked. Where the browser may go afterwards is told in any case.
    ///
    /// # Errors
    /// What is wrong, for the person in front of the browser.
    pub async fn end_session_for_client(
        &self,
        ctx: &Context,
        parameters: &Parameters,
        ust: Option<Ust>,
    ) -> Result<EndSession> {
        self.record(ctx, Operation::OpenidEndSession, async |call| {
            let (hint, is_wrong) = match parameters.one("id_token_hint")? {
                Some(hint) => match self.hinted(hint).await {
                    Ok(hint) => (Some(hint), false),
                    // Anybody may have made it up: the user is asked, as without one.
                    Err(Error::Refused { .. }) => (None, true),
                    Err(other) => return Err(other),
                },
                None => (None, false),
            };
            let named = parameters.one("client_id")?;
            if let (Some(hint), Some(named)) = (&hint, named)
                && hint.client_id.as_str() != named
            {
                let why = "client_id is another client than the one that id_token_hint is for";
                return Err(OAuthError::InvalidRequest.because(why));
            }
            let client_id =
                hint.as_ref().map(|hint| hint.client_id.as_str()).or(named).and_then(ClientId::parse);
            let client = match &client_id {
                Some(client_id) => self.client_in_force(client_id).await?,
                None => None,
            };
            let target = match &client {
                // It says nothing of whose URI it would be.
                None if is_wrong => None,
                client => {
                    let client = client.as_ref().map(|known| &known.client);
                    self.logout_target(call.ctx, client, parameters)?
                }
            };
            if let Some(client) = &client {
                call.trail.note("client_id", client.client_id.as_str());
            }
            let session = match &ust {
                Some(ust) => match self.valid_session(ust).await {
                    Ok(session) => Some(session),
                    Err(Error::Refused { .. }) => None,
                    Err(other) => return Err(other),
                },
                None => None,
            };
            let Some(session) = session else {
                // There is nobody to log out any more.
                call.trail.leave_out();
                return Ok(EndSession { target, is_done: true, client });
            };
            let session_id = session.session.session_id;
            let sid = match &client {
                Some(client) => Some(self.sid_of(client, session_id).await?),
                None => None,
            };
            let is_its = sid.is_some() && hint.is_some_and(|hint| hint.sid == sid);
            if !is_its {
                call.trail.leave_out();
                return Ok(EndSession { target, is_done: false, client });
            }
            let user_id = session.session.user_id.clone();
            call.trail.by(&user_id);
            call.trail.on(&user_id);
            let mut tx = self.db().write().await?;
            store::session::record::delete(&mut tx, session_id).await?;
            call.trail.note("session_id", session_id.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(EndSession { target, is_done: true, client })
        })
        .await
    }

    /// Where the browser may go after its user has logged out: a URI that is registered for a client that is known.
    fn logout_target(
        &self,
        ctx: &Context,
        client: Option<&Client>,
        parameters: &Parameters,
    ) -> Result<Option<String>> {
        let Some(uri) = parameters.one("post_logout_redirect_uri")? else { return Ok(None) };
        let Some(client) = client else {
            let why =
                "post_logout_redirect_uri needs client_id, or the id_token_hint of a client that is active";
            return Err(OAuthError::InvalidRequest.because(why));
        };
        if !client.has_post_logout_redirect_uri(uri) {
            let text = format!(
                "the client {} ({}) asked for the post-logout redirect URI {}, which is none of its own: {}",
                client.client_id.as_str(),
                client.name,
                plain(&uri.chars().take(500).collect::<String>()),
                client.post_logout_redirect_uris.join(" "),
            );
            self.log().say(LogLevel::Warning, "openid.redirect_uri", &text, Some(&ctx.cid));
            let why =
                "post_logout_redirect_uri is not one that is registered for this client, letter by letter";
            return Err(OAuthError::InvalidRequest.because(why));
        }
        let Some(state) = parameters.one("state")? else { return Ok(Some(uri.to_owned())) };
        let state = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
        Ok(Some(with_query(uri, &state)))
    }

    /// Whose ID token it is. It may have expired; it has to be one of ours, signed.
    ///
    /// # Errors
    /// `invalid_request` for anything else.
    pub(in crate::ops) async fn hinted(&self, hint: &str) -> Result<Hinted> {
        let wrong =
            || OAuthError::InvalidRequest.because("id_token_hint is not an ID token that this server signed");
        let claims = self.verified(hint, "JWT", Purpose::Hint).await?.ok_or_else(wrong)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        // A logout token is of the same shape, and no ID token.
        if claims.contains_key("events") {
            return Err(wrong());
        }
        let client_id = text("aud").and_then(ClientId::parse).ok_or_else(wrong)?;
        let subject = text("sub").ok_or_else(wrong)?.to_owned();
        Ok(Hinted { client_id, subject, sid: text("sid").map(str::to_owned) })
    }
}
