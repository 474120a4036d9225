//! Consent: what a user is asked before a client gets anything, and what is remembered of the answer.

use std::sync::Arc;

use crate::domain::{Context, Operation, Parameters, Result, Ust};
use crate::ops::Sso;
use crate::ops::client::asked::Progress;
use crate::ops::client::known::KnownClient;
use crate::ops::client::scope::has_all;
use crate::ops::client::sign_in::check_person;
use crate::store;

/// What a user is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub client: Arc<KnownClient>,
    /// For what.
    pub scopes: Vec<String>,
    /// Which of that is new.
    pub new_scopes: Vec<String>,
    /// The origin that the browser goes on to, or the scheme.
    pub target: String,
}

impl Sso {
    /// What the user of a session is to be asked because of an authorization request.
    ///
    /// # Errors
    /// What is wrong with the request, in words; a code of the session.
    pub async fn get_consent_question(
        &self,
        ctx: &Context,
        ust: Ust,
        parameters: Parameters,
    ) -> Result<Question> {
        let asked = self.asked(ctx, parameters).await?;
        let ctx = self.context_of(ctx, &asked.client);
        self.run(&ctx, Operation::OpenidConsent, ust, async |call| {
            call.trail.leave_out();
            check_person(call)?;
            let request = self.checked_request(&asked)?;
            let user_id = call.caller()?.user_id().clone();
            let client_id = asked.client.client_id.as_str();
            let mut conn = self.db().read().await?;
            let allowed = store::client::grant::of_user_and_client(&mut conn, &user_id, client_id).await?;
            let allowed = allowed.map(|allowed| allowed.scopes).unwrap_or_default();
            let is_new = |scope: &&String| !has_all(&allowed, std::slice::from_ref(*scope));
            let new_scopes = request.scopes.iter().filter(is_new).cloned().collect();
            let target = origin_of(&asked.redirect_uri);
            Ok(Question { client: Arc::clone(&asked.client), scopes: request.scopes, new_scopes, target })
        })
        .await
    }

    /// Takes the answer of the user of a session: the query string with which the browser goes on to the authorization endpoint. A
    /// yes is remembered.
    ///
    /// # Errors
    /// As [`Sso::get_consent_question`].
    pub async fn answer_consent(
        &self,
        ctx: &Context,
        ust: Ust,
        parameters: Parameters,
        is_yes: bool,
    ) -> Result<String> {
        let asked = self.asked(ctx, parameters).await?;
        let ctx = self.context_of(ctx, &asked.client);
        self.run(&ctx, Operation::OpenidConsent, ust, async |call| {
            let client_id = asked.client.client_id.as_str();
            call.trail.note("client_id", client_id);
            check_person(call)?;
            let request = self.checked_request(&asked)?;
            let session_id = call.caller()?.session().session_id;
            let now = self.now();
            let began = self.progress_of(&asked).map_or(now, |progress| progress.began);
            if !is_yes {
                // Nothing has changed, and the authorization endpoint tells the client.
                call.trail.leave_out();
                let denied = Progress { began, chosen: None, consented: None, denied: Some(session_id) };
                return self.query_with(&asked, denied);
            }
            let user_id = call.caller()?.user_id().clone();
            let mut tx = self.db().write().await?;
            self.allow_scopes(&mut tx, &asked.client, &user_id, &request.scopes).await?;
            call.trail.note("scope", request.scopes.join(" "));
            self.commit(tx, &mut call.trail).await?;
            let here = Some(session_id);
            self.query_with(&asked, Progress { began, chosen: here, consented: here, denied: None })
        })
        .await
    }

    /// Where the browser goes on to from an authorization request, or after its user has logged out: an origin, or a scheme with
    /// its colon. None for what leads nowhere.
    pub async fn onward_origin(
        &self,
        ctx: &Context,
        parameters: Parameters,
        is_logout: bool,
    ) -> Option<String> {
        let uri = if is_logout {
            self.end_session_for_client(ctx, &parameters, None).await.ok()?.target?
        } else {
            self.asked(ctx, parameters).await.ok()?.redirect_uri
        };
        Some(origin_of(&uri)).filter(|origin| !origin.is_empty())
    }
}

/// The origin of a URI as policies of pages name it; of a scheme of its own, the scheme.
pub(in crate::ops) fn origin_of(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.origin().ascii_serialization(),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}
