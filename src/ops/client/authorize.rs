//! The authorization endpoint: a browser comes with a request of a client, and goes back with a code, once its user has signed in
//! and consented.
//!
//! ```text
//!            ┌─ client or redirect URI unknown ─> a page, never a redirect
//! request ───┼─ wrong otherwise ────────────────> back with an error
//!            ├─ nobody is signed in ────────────> sign-in page ──┐
//!            ├─ a new client, or new scopes ────> consent page ──┤ back to this endpoint, with proof of when it began
//!            └─ all done ───────────────────────> back with a code
//! ```

use crate::config::LogLevel;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    AuthType, AuthorizationRequest, Context, Error, Grant, OAuthError, Operation, Parameters, Result,
    SessionId, Timestamp, Ust, shown,
};
use crate::ops::Sso;
use crate::ops::access::actor::Caller;
use crate::ops::access::check::PasswordAge;
use crate::ops::access::methods::{Acr, acr_of};
use crate::ops::call::Call;
use crate::ops::client::asked::{Asked, Progress, Reply, plain};
use crate::ops::client::sign_in::SignIn;
use crate::store;
use crate::store::client::authorization::NewCode;

/// For how many seconds a code is kept, so that a second use is noticed.
pub(in crate::ops) const CODE_KEPT_SECONDS: i64 = 600;

/// What an authorization request comes to.
#[derive(Clone, Debug)]
pub enum Authorized {
    /// The browser goes back to the client.
    Back(Reply),
    /// The user is to sign in, and come back with this query string.
    LogIn {
        /// With which query string.
        query: String,
        /// Whether somebody is signed in, who is to prove once more who they are.
        is_again: bool,
        /// Who it is likely to be.
        hint: Option<String>,
    },
    /// The user is to sign up, or in, and come back with this query string.
    SignUp {
        /// With which query string.
        query: String,
    },
    /// The user is to be asked, by a page that gets this query string.
    Ask {
        /// With which query string.
        query: String,
    },
}

/// Who is signed in, and how they have proved that.
struct SignedIn {
    caller: Caller,
    methods: String,
}

impl SignedIn {
    fn auth_time(&self) -> Timestamp {
        self.caller.session().auth_time
    }

    fn session_id(&self) -> SessionId {
        self.caller.session().session_id
    }
}

impl Sso {
    /// Does what an authorization request asks for, as far as that is possible now. `ust` is the session of the browser.
    ///
    /// # Errors
    /// What is wrong with client or redirect URI, for the person in front of the browser. Everything else goes back to the client.
    pub async fn authorize(
        &self,
        ctx: &Context,
        parameters: Parameters,
        ust: Option<Ust>,
    ) -> Result<Authorized> {
        let asked = match self.asked(ctx, parameters).await {
            Ok(asked) => asked,
            Err(error) => return self.record(ctx, Operation::OpenidAuthorize, async |_| Err(error)).await,
        };
        let ctx = self.context_of(ctx, &asked.client);
        let outcome = self.record(&ctx, Operation::OpenidAuthorize, async |call| {
            call.trail.note("client_id", asked.client.client_id.as_str());
            self.check_app(call.ctx)?;
            let decided = self.decide(call, &asked, ust).await?;
            if !matches!(decided, Authorized::Back(_)) {
                call.trail.leave_out();
            }
            Ok(decided)
        });
        match outcome.await {
            Ok(decided) => Ok(decided),
            Err(error) => Ok(Authorized::Back(asked.refusal(self.issuer(), &error))),
        }
    }

    async fn decide(&self, call: &mut Call<'_>, asked: &Asked, ust: Option<Ust>) -> Result<Authorized> {
        let request = self.checked_request(asked)?;
        let progress = self.progress_of(asked);
        let signed_in = self.signed_in(call.ctx, ust).await?;
        let now = self.now();
        let begun = Progress { began: now, chosen: None, consented: None, denied: None };
        let on_the_way = progress.unwrap_or(begun);

        let Some(signed_in) = signed_in else {
            if request.prompts.none {
                return Err(
                    OAuthError::LoginRequired.because("nobody is signed in, and prompt=none shows nothing")
                );
            }
            let query = self.query_with(asked, on_the_way)?;
            if request.prompts.create && progress.is_none() {
                return Ok(Authorized::SignUp { query });
            }
            return Ok(Authorized::LogIn { query, is_again: false, hint: request.login_hint });
        };
        // Who has signed in since the browser first came has done all that it can do about that.
        let is_new = progress.is_some_and(|progress| signed_in.auth_time() >= progress.began);
        if let Some(why) = self.why_again(asked, &request, &signed_in, is_new).await? {
            if request.prompts.none || is_new {
                return Err(why);
            }
            let query = self.query_with(asked, on_the_way)?;
            return Ok(Authorized::LogIn { query, is_again: true, hint: request.login_hint });
        }
        let in_this_session = |session: Option<SessionId>| session == Some(signed_in.session_id());
        if in_this_session(on_the_way.denied) {
            call.trail.by(signed_in.caller.user_id());
            return Err(OAuthError::AccessDenied.because("the user has not consented"));
        }
        let has_chosen = in_this_session(on_the_way.chosen) || is_new;
        let has_consented = in_this_session(on_the_way.consented);
        let needs_choice = request.prompts.select_account && !has_chosen;
        // Any application of the device may pretend to be one whose redirect URI it can take over (RFC 8252, section 8.6): its user
        // has to say yes each time, also for one that is trusted. That they have signed in since says nothing: whoever begins early
        // can show when.
        let is_uncertain = asked.is_uncertain();
        let is_to_consent = if asked.client.is_trusted {
            is_uncertain
        } else {
            let user_id = signed_in.caller.user_id();
            is_uncertain
                || request.prompts.consent
                || !self.has_allowed(&asked.client, user_id, &request.scopes).await?
        };
        let needs_consent = is_to_consent && !has_consented;
        if needs_choice || needs_consent {
            if request.prompts.none {
                let why = "the user has to consent, and prompt=none shows nothing";
                return Err(OAuthError::ConsentRequired.because(why));
            }
            return Ok(Authorized::Ask { query: self.query_with(asked, on_the_way)? });
        }
        self.issue_code(call, asked, &request, &signed_in).await
    }

    /// Reads a request, and checks that the client may ask for it.
    pub(in crate::ops) fn checked_request(&self, asked: &Asked) -> Result<AuthorizationRequest> {
        let client = &asked.client;
        for name in ["redirect_uri", "state", "response_mode", "client_id"] {
            asked.parameters.one(name)?;
        }
        if asked.parameters.first("response_mode").is_some_and(|mode| mode != asked.mode.as_str()) {
            let given = shown(asked.parameters.first("response_mode").unwrap_or_default());
            let why = format!("response_mode has to be query, fragment or form_post, not {given}");
            return Err(OAuthError::InvalidRequest.because(why));
        }
        // What was pushed has taken its place by now.
        if asked.parameters.first("request_uri").is_some() {
            let why = "request_uri has to be one that this server gave to a pushed request";
            return Err(OAuthError::RequestUriNotSupported.because(why));
        }
        let mut request =
            AuthorizationRequest::read(&asked.parameters, client.is_public() || client.require_pkce)?;
        if !client.may_use(Grant::AuthorizationCode) {
            let why = "this client is not registered for the grant authorization_code";
            return Err(OAuthError::UnauthorizedClient.because(why));
        }
        (request.scopes, request.ignored_scopes) = self.scopes_for(client, request.scopes)?;
        self.check_resources_of(client, &request.resources)?;
        // A claim that is asked for by its name is allowed, or not, with its scope.
        let claims = &request.claims_request;
        let named = claims.id_token.keys().chain(claims.userinfo.keys());
        let implied: Vec<String> = named
            .filter_map(|claim| self.implied_scope(claim))
            .filter(|scope| client.may_ask_for(scope))
            .map(str::to_owned)
            .collect();
        for scope in implied {
            if !request.has_scope(&scope) {
                request.scopes.push(scope);
            }
        }
        Ok(request)
    }

    /// Whose session a browser has, if it is good. Whatever is wrong with it is up to the sign-in page.
    async fn signed_in(&self, ctx: &Context, ust: Option<Ust>) -> Result<Option<SignedIn>> {
        let Some(ust) = ust else { return Ok(None) };
        let caller = match self.check_ust(ctx, &ust, PasswordAge::Checked).await {
            Ok(caller) => caller,
            Err(Error::Refused { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        // A definition or a site is no person in front of a browser.
        if caller.session().auth_type != AuthType::Default {
            return Ok(None);
        }
        let methods = self.methods_of(&caller).await?;
        Ok(Some(SignedIn { caller, methods }))
    }

    /// Why who is signed in has to prove once more who they are, or somebody else has to; None if they need not.
    async fn why_again(
        &self,
        asked: &Asked,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
        is_new: bool,
    ) -> Result<Option<Error>> {
        let login = |why: &str| Some(OAuthError::LoginRequired.because(why));
        if request.prompts.login && !is_new {
            return Ok(login("the user has to sign in again"));
        }
        let age = self.now().since(signed_in.auth_time()).as_secs();
        let is_too_old = |limit: i64| u64::try_from(limit).is_ok_and(|limit| age > limit || limit == 0);
        if request.max_age.is_some_and(is_too_old) && !is_new {
            return Ok(login("the user has signed in too long ago for max_age"));
        }
        let whose = self.subject_of(&asked.client, signed_in.caller.user_id()).await?;
        if let Some(hint) = &request.id_token_hint {
            let hinted = self.hinted(hint).await?;
            if hinted.subject != whose || hinted.client_id != asked.client.client_id {
                return Ok(login("somebody else than the user of id_token_hint is signed in"));
            }
        }
        let wanted = request.claims_request.id_token.get("sub").and_then(|sub| sub.get("value"));
        if wanted.is_some_and(|sub| sub.as_str() != Some(whose.as_str())) {
            return Ok(login("somebody else than the user that claims asks for is signed in"));
        }
        let acr = acr_of(&signed_in.methods);
        if let Some(essential) = request.claims_request.essential("acr")
            && !essential.is_empty()
            && !essential.iter().any(|wanted| acr.satisfies(wanted))
        {
            let why = "the user cannot sign in in the way that is essential";
            return Ok(Some(OAuthError::UnmetAuthenticationRequirements.because(why)));
        }
        // Wanted, and not more than that: who can sign in that way is asked to, others go on as they are.
        let prefers_two = request.acr_values.first().is_some_and(|wanted| wanted == Acr::Two.as_str());
        if prefers_two && acr == Acr::One && !is_new && !request.prompts.none {
            return Ok(login("a second factor is wanted"));
        }
        Ok(None)
    }

    async fn issue_code(
        &self,
        call: &mut Call<'_>,
        asked: &Asked,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Authorized> {
        let (client, user_id) = (&asked.client, signed_in.caller.user_id());
        call.trail.by(user_id);
        let now = self.now();
        let code = token::new_token(self.random(), TokenBits::Bits256)?;
        let kept_until = now.plus_seconds(CODE_KEPT_SECONDS);
        let mut tx = self.db().write().await?;
        // A pushed request makes one code.
        if let Some(pushed) = &asked.pushed
            && !self.use_pushed(&mut tx, pushed).await?
        {
            let why = "request_uri was used before: push the request again";
            return Err(OAuthError::InvalidRequestUri.because(why));
        }
        if client.is_trusted {
            self.allow_scopes(&mut tx, client, user_id, &request.scopes).await?;
        }
        let sign_in = SignIn {
            client,
            caller: &signed_in.caller,
            methods: &signed_in.methods,
            scopes: &request.scopes,
            audiences: &self.audiences_of(client, &request.scopes, &request.resources),
            claims: request.claims.as_deref(),
            thumbprint: request.dpop_jkt.as_deref(),
            redirect_uri: Some(&asked.redirect_uri),
            expiration_time: kept_until,
        };
        let authorization_id = self.insert_sign_in(&mut tx, &sign_in).await?;
        let new_code = NewCode {
            digest: &token::digest(code.expose()),
            authorization_id,
            redirect_uri: &asked.redirect_uri,
            code_challenge: request.code_challenge.as_deref(),
            nonce: request.nonce.as_deref(),
            good_until: now.plus_seconds(i64::from(self.config().oidc.code_lifetime)),
            expiration_time: kept_until,
        };
        store::client::authorization::insert_code(&mut tx, &new_code).await?;
        call.trail.note("session_id", signed_in.session_id().to_string());
        call.trail.note("scope", request.scopes.join(" "));
        if !request.ignored_scopes.is_empty() {
            let ignored = plain(&request.ignored_scopes.join(" "));
            let text = format!(
                "the client {} ({}) asked for {ignored}, which is ignored: it may ask for {}",
                client.client_id.as_str(),
                client.name,
                client.scopes.join(" "),
            );
            self.log().say(LogLevel::Info, "openid.scope", &text, Some(&call.ctx.cid));
            call.trail.note("ignored_scope", ignored);
        }
        self.commit(tx, &mut call.trail).await?;
        Ok(Authorized::Back(asked.reply(self.issuer(), [("code", code.expose().to_owned())])))
    }
}
