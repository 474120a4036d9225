//! Token exchange (RFC 8693): a client that is shown a token of a user, or the token of a session, gets an access token for another
//! audience, to go on for that user. It is good for no more and for no longer than what it was exchanged for, and ends with it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::crypto::token;
use crate::domain::{
    AuthType, Client, Error, OAuthError, Result, SessionId, Timestamp, UserId, Ust, random_uuid,
    time_ordered_uuid,
};
use crate::ops::Sso;
use crate::ops::access::check::PasswordAge;
use crate::ops::call::Call;
use crate::ops::client::dpop::check_bound;
use crate::ops::client::examine::is_business_of;
use crate::ops::client::known::KnownClient;
use crate::ops::client::scope::{has_all, words};
use crate::ops::client::tokens::{Asked, Granted, NewAccess, seconds};
use crate::store;
use crate::store::client::authorization::NewExchange;

/// What is taken, and what is given.
pub(in crate::ops::client) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SESSION_TOKEN: &str = "urn:zato-sso:token-type:ust";

/// How many clients may have exchanged a token, one after the other.
const MAX_ACTORS: usize = 5;

/// What a token was exchanged for is known by.
enum Origin {
    /// The sign-in of an access token, which ends its children.
    SignIn(Uuid),
    /// A session.
    Session(SessionId),
}

/// Whose token was shown, and what it is good for.
struct Subject {
    user_id: UserId,
    origin: Origin,
    session_id: Option<SessionId>,
    sid: SessionId,
    auth_time: Timestamp,
    methods: String,
    /// None where it has none: a session may do all that its user may.
    scopes: Option<String>,
    is_for_issuer: bool,
    end: Timestamp,
    act: Option<Value>,
}

fn wrong(why: impl std::fmt::Display) -> Error {
    OAuthError::InvalidRequest.because(why)
}

impl Sso {
    /// Begins the token that is given for another.
    ///
    /// # Errors
    /// `invalid_request` for a token that is not good or not for this client, `invalid_scope`, `invalid_target`.
    pub(in crate::ops::client) async fn exchange(
        &self,
        call: &mut Call<'_>,
        client: &KnownClient,
        asked: Asked<'_>,
    ) -> Result<Granted> {
        let parameters = asked.parameters;
        if parameters.first("actor_token").is_some() {
            return Err(wrong("actor_token is not taken: the client that calls is the one that acts"));
        }
        if let Some(wanted) = parameters.one("requested_token_type")?.filter(|wanted| *wanted != ACCESS_TOKEN)
        {
            return Err(wrong(format!("requested_token_type has to be {ACCESS_TOKEN}, not {wanted}")));
        }
        let text = parameters.needed("subject_token")?;
        let subject = match parameters.needed("subject_token_type")? {
            ACCESS_TOKEN => self.subject_by_access_token(client, text, asked).await?,
            SESSION_TOKEN => self.subject_by_session(call, client, text).await?,
            other => {
                let why =
                    format!("subject_token_type has to be {ACCESS_TOKEN} or {SESSION_TOKEN}, not {other}");
                return Err(wrong(why));
            }
        };
        call.trail.on(&subject.user_id);
        let scopes = scopes_for(client, &subject, parameters.one("scope")?)?;
        let audiences = self.audiences_for(client, &subject, asked)?;
        let act = acting(client, subject.act.as_ref())?;
        let now = self.now();
        let left = seconds(subject.end) - seconds(now);
        let most = self.access_seconds(client).min(left);
        if most <= 0 {
            return Err(wrong("subject_token has just expired"));
        }
        let exchange_key = match &subject.origin {
            Origin::SignIn(id) => token::digest(&format!("{id}\n{}", client.client_id.as_str())),
            Origin::Session(id) => token::digest(&format!("session {id}\n{}", client.client_id.as_str())),
        };
        let client_id = client.client_id.as_str();
        let mut tx = self.db().write().await?;
        // Its user sees that the client acts for them, and may put an end to it.
        let grant_id = self.grant_of(&mut tx, client, &subject.user_id, &scopes).await?;
        let new = NewExchange {
            authorization_id: time_ordered_uuid(now, self.random())?,
            grant_id,
            client_id,
            user_id: &subject.user_id,
            session_id: subject.session_id,
            sid: subject.sid,
            scopes: &scopes.join(" "),
            audiences: &audiences.join("\n"),
            auth_time: subject.auth_time,
            auth_methods: &subject.methods,
            parent_id: match subject.origin {
                Origin::SignIn(id) => Some(id),
                Origin::Session(_) => None,
            },
            exchange_key: &exchange_key,
            act: &act.to_string(),
            creation_time: now,
            expiration_time: now.plus_seconds(most),
        };
        let id = store::client::authorization::exchange(&mut tx, &new).await?;
        let held = match id {
            Some(id) => store::client::authorization::by_id(&mut tx, id).await?,
            None => None,
        };
        let held = held.ok_or_else(|| wrong("subject_token: its session or its sign-in has just ended"))?;
        let scope = scopes.join(" ");
        call.trail.note("session_id", held.sid.to_string());
        call.trail.note("scope", scope.as_str());
        call.trail.note("audience", audiences.join(" "));
        let id = Some(held.authorization_id);
        let new = NewAccess { authorization_id: id, scope, audiences, seconds: most };
        let access = self.begin_access(&mut tx, client, new, asked.proof).await?;
        self.commit(tx, &mut call.trail).await?;
        Ok(Granted { held: Some(held), access, nonce: None, refresh: None, has_id_token: false })
    }

    async fn subject_by_access_token(
        &self,
        client: &Client,
        text: &str,
        asked: Asked<'_>,
    ) -> Result<Subject> {
        let good = self.examine_access(text).await?.ok_or_else(|| {
            wrong("subject_token is no access token of this server, has expired, or its sign-in has ended")
        })?;
        if !is_business_of(client, &good) {
            return Err(wrong(format!(
                "subject_token is another client's, for {}: this client exchanges its own, and those for its own_audiences: {}",
                good.audiences.join(" "),
                client.own_audiences.join(" "),
            )));
        }
        // Whom it was shown to, has seen a proof. Whose own it is, has the key.
        let is_own = good.client_id == client.client_id.as_str();
        if let Some(bound_to) = good.thumbprint.as_deref().filter(|_| is_own) {
            check_bound("subject_token", bound_to, asked.proof)?;
        }
        let held = good.held.ok_or_else(|| wrong("subject_token is a client's own: it has no user"))?;
        let act = held.act.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
        Ok(Subject {
            user_id: held.user_id,
            origin: Origin::SignIn(held.authorization_id),
            session_id: held.session_id,
            sid: held.sid,
            auth_time: held.auth_time,
            methods: held.auth_methods,
            is_for_issuer: good.audiences.iter().any(|audience| audience == self.issuer()),
            scopes: Some(good.scopes),
            end: Timestamp::from_micros(good.expires.saturating_mul(1_000_000)),
            act,
        })
    }

    async fn subject_by_session(&self, call: &Call<'_>, client: &Client, text: &str) -> Result<Subject> {
        let ctx = self.context_of(call.ctx, client);
        let caller = match self.check_ust(&ctx, &Ust::from(text), PasswordAge::Checked).await {
            Ok(caller) => caller,
            Err(Error::Refused { .. }) => {
                return Err(wrong("subject_token is not the token of a session that is good"));
            }
            Err(other) => return Err(other),
        };
        let session = caller.session();
        if session.auth_type != AuthType::Default {
            return Err(wrong("subject_token is of a session that no user has opened by logging in"));
        }
        Ok(Subject {
            user_id: session.user_id.clone(),
            origin: Origin::Session(session.session_id),
            session_id: Some(session.session_id),
            sid: session.session_id,
            auth_time: session.auth_time,
            methods: self.methods_of(&caller).await?,
            scopes: None,
            is_for_issuer: true,
            end: session.expiration_time,
            act: None,
        })
    }

    /// For whom the new token is: whom the client names, or its default.
    fn audiences_for(&self, client: &Client, subject: &Subject, asked: Asked<'_>) -> Result<Vec<String>> {
        let parameters = asked.parameters;
        let mut audiences: Vec<String> =
            parameters.all("resource").chain(parameters.all("audience")).map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences.extend(client.default_audience.clone());
        }
        if audiences.is_empty() {
            let why = "audience or resource is missing, and the client has no default_audience";
            return Err(OAuthError::InvalidTarget.because(why));
        }
        let is_its = |audience: &&String| {
            client.may_address(audience) || (*audience == self.issuer() && subject.is_for_issuer)
        };
        if let Some(other) = audiences.iter().find(|audience| !is_its(audience)) {
            let mut allowed: Vec<&str> = client.default_audience.as_deref().into_iter().collect();
            allowed.extend(client.audiences.iter().map(String::as_str));
            let why =
                format!("audience has to be one that is registered, {}, not {other}", allowed.join(" "));
            return Err(OAuthError::InvalidTarget.because(why));
        }
        Ok(audiences)
    }

    async fn grant_of(
        &self,
        tx: &mut store::Tx,
        client: &Client,
        user_id: &UserId,
        scopes: &[String],
    ) -> Result<Uuid> {
        // Its user is not here to consent: that the client acts for them is seen in their list, and allows it nothing else.
        if client.is_trusted {
            self.allow_scopes(tx, client, user_id, scopes).await?;
        }
        let client_id = client.client_id.as_str();
        if let Some(allowed) = store::client::grant::of_user_and_client(tx, user_id, client_id).await? {
            return Ok(allowed.grant_id);
        }
        let new_id = random_uuid(self.random())?;
        let grant_id = store::client::grant::allow(tx, new_id, user_id, client_id, "", self.now()).await?;
        grant_id.ok_or_else(|| Error::internal("a grant was not written"))
    }
}

/// What the new token is good for: never for more than the one that was shown, nor for what the client may not have.
fn scopes_for(client: &Client, subject: &Subject, asked: Option<&str>) -> Result<Vec<String>> {
    let may_have = |scope: &&str| client.may_ask_for(scope) && *scope != "offline_access";
    let Some(asked) = asked else {
        let all = match &subject.scopes {
            Some(scopes) => words(scopes),
            None => client.scopes.iter().map(String::as_str).collect(),
        };
        return Ok(all.into_iter().filter(may_have).map(str::to_owned).collect());
    };
    let asked: Vec<String> = words(asked).into_iter().map(str::to_owned).collect();
    if let Some(scopes) = &subject.scopes
        && !has_all(scopes, &asked)
    {
        let why = format!("subject_token is good for {scopes}, and not for all of {}", asked.join(" "));
        return Err(OAuthError::InvalidScope.because(why));
    }
    if let Some(other) = asked.iter().find(|scope| !may_have(&scope.as_str())) {
        let why = format!("this client may ask for {}, not for {other}", client.scopes.join(" "));
        return Err(OAuthError::InvalidScope.because(why));
    }
    Ok(asked)
}

/// Who acts: the client, and behind it those that have exchanged before (RFC 8693, section 4.1).
fn acting(client: &Client, before: Option<&Value>) -> Result<Value> {
    let depth = std::iter::successors(before, |act| act.get("act")).count();
    if depth >= MAX_ACTORS {
        return Err(wrong(format!("subject_token was exchanged {MAX_ACTORS} times, which is the most")));
    }
    let client_id = client.client_id.as_str();
    Ok(match before {
        Some(before) => json!({"sub": client_id, "act": before}),
        None => json!({"sub": client_id}),
    })
}
