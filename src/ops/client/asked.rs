//! What a browser comes with: which client sends it, where it is to go back to, and what it has been through already.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;

use crate::config::LogLevel;
use crate::crypto::Place;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    Client, ClientId, ClientKind, Code, Context, Error, OAuthError, Parameters, ResponseMode, Result,
    SessionId, Timestamp,
};
use crate::ops::Sso;
use crate::ops::client::known::KnownClient;
use crate::store;
use crate::store::Tx;

/// The parameter by which a browser shows what it has been through.
pub(in crate::ops) const PROGRESS: &str = "zato_sso_progress";

/// What the URI of a pushed request begins with (RFC 9126, section 2.2), and that of one that a browser has come with.
pub(in crate::ops) const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
/// What the name of a request begins with, behind that, which has all of it in itself.
pub(in crate::ops) const SEALED: &str = "s:";
const OPENED: &str = "urn:zato-sso:request_uri:";

/// For how long a browser may take for a pushed request that it has come with: as long as a sign-up takes.
const OPENED_FOR_MINUTES: i64 = 30;

/// For how much longer it is noted that it was used: longer than any browser may come with it the first time.
const USED_FOR_MINUTES: i64 = 2;

/// A progress that is older counts for nothing.
const PROGRESS_FOR_MINUTES: i64 = 60;

/// A request of a client that is known, with a redirect URI of its own.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Asked {
    pub client: Arc<KnownClient>,
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub state: Option<String>,
    pub parameters: Parameters,
    /// With which query string the browser comes back to it, but for its progress.
    pub query: String,
    /// What it is known by, where it was pushed.
    pub pushed: Option<PushedAs>,
    /// What came with the progress.
    progress: Option<String>,
}

/// How a request was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum PushedAs {
    /// It is kept, by the digest of its name.
    Kept([u8; 32]),
    /// Its name has all of it, sealed; when that was used is noted.
    Sealed {
        /// What is noted.
        digest: [u8; 32],
        /// Until when.
        until: Timestamp,
    },
}

/// What a browser has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Progress {
    /// When it first came.
    pub began: Timestamp,
    /// In which session its user has chosen the account.
    pub chosen: Option<SessionId>,
    /// In which session its user has consented.
    pub consented: Option<SessionId>,
    /// In which session its user has said no.
    pub denied: Option<SessionId>,
}

/// An answer to a client, by way of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where it goes.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// Names and values.
    pub pairs: Vec<(&'static str, String)>,
}

impl Asked {
    /// Why nothing comes of it, for the client.
    pub fn refusal(&self, issuer: &str, error: &Error) -> Reply {
        let (name, why) = match (OAuthError::of(error), error) {
            (Some((name, why)), _) => (name, why.to_owned()),
            (None, Error::Refused { .. }) => {
                (OAuthError::AccessDenied, "the user may not sign in here".to_owned())
            }
            (None, Error::RateLimited { retry_after }) => {
                let seconds = retry_after.as_secs().saturating_add(1);
                (
                    OAuthError::TemporarilyUnavailable,
                    format!("too many requests: try again in {seconds} seconds"),
                )
            }
            (None, Error::Overloaded(_) | Error::Unavailable(_)) => (
                OAuthError::TemporarilyUnavailable,
                "the server is busy: try again in some seconds".to_owned(),
            ),
            (None, Error::Internal(_)) => {
                (OAuthError::ServerError, "the server has a fault, which its log tells of".to_owned())
            }
        };
        self.reply(issuer, [("error", name.as_str().to_owned()), ("error_description", plain(&why))])
    }

    /// An answer to the client.
    pub fn reply(&self, issuer: &str, pairs: impl IntoIterator<Item = (&'static str, String)>) -> Reply {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.extend(self.state.clone().map(|state| ("state", state)));
        // Who speaks with several issuers knows by it which one answers (RFC 9207).
        pairs.push(("iss", issuer.to_owned()));
        Reply { redirect_uri: self.redirect_uri.clone(), mode: self.mode, pairs }
    }

    /// Whether another application of the same device could get what is sent to the redirect URI: on a loopback address, or by a
    /// scheme that anybody may register. A link by https belongs to the host's owner.
    pub fn is_uncertain(&self) -> bool {
        self.client.kind == ClientKind::Native && !self.redirect_uri.starts_with("https://")
    }

    fn place<'a>(row: &'a [u8]) -> Place<'a> {
        Place { table: "openid", column: "progress", row }
    }

    /// What the request is for, so that its progress is good for no other.
    fn digest(&self) -> [u8; 32] {
        token::digest(&self.query)
    }
}

/// A description as clients take it (RFC 6749, section 4.1.2.1).
pub(in crate::ops) fn plain(text: &str) -> String {
    let is_plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().filter(is_plain).collect()
}

impl Sso {
    /// Finds out which client a browser comes from, and whether it may go back to where it is to go back to. Nothing is sent there
    /// before that.
    ///
    /// # Errors
    /// What is wrong, for the person in front of the browser: E014001 for a client that is unknown or not active, E014003
    /// for anything else.
    pub(in crate::ops) async fn asked(&self, ctx: &Context, parameters: Parameters) -> Result<Asked> {
        let client = self.asking_client(&parameters).await?;
        let progress = parameters.first(PROGRESS).map(str::to_owned);
        let request_uri = parameters.one("request_uri")?.map(str::to_owned);
        let (parameters, query, pushed) = match request_uri.as_deref() {
            Some(uri) if uri.starts_with(PUSHED) || uri.starts_with(OPENED) => {
                self.pushed_request(&client, uri).await?
            }
            _ => {
                let query = parameters.encoded_without(&[PROGRESS]);
                (parameters, query, None)
            }
        };
        let redirect_uri = parameters.needed("redirect_uri")?.to_owned();
        if !client.has_redirect_uri(&redirect_uri) {
            let registered = client.redirect_uris.join(" ");
            let text = format!(
                "the client {} ({}) asked for the redirect URI {}, which is none of its own: {registered}",
                client.client_id.as_str(),
                client.name,
                plain(&redirect_uri.chars().take(500).collect::<String>()),
            );
            self.log().say(LogLevel::Warning, "openid.redirect_uri", &text, Some(&ctx.cid));
            let why = "redirect_uri is not one that is registered for this client, letter by letter";
            return Err(OAuthError::InvalidRequest.because(why));
        }
        // From here on the client is told what is wrong.
        let mode = parameters.first("response_mode").and_then(ResponseMode::parse);
        let state = parameters.first("state").map(str::to_owned);
        let mode = mode.unwrap_or(ResponseMode::Query);
        Ok(Asked { client, redirect_uri, mode, state, parameters, query, pushed, progress })
    }

    async fn asking_client(&self, parameters: &Parameters) -> Result<Arc<KnownClient>> {
        let client_id = ClientId::parse(parameters.needed("client_id")?);
        let client = match &client_id {
            Some(client_id) => self.client_in_force(client_id).await?,
            None => None,
        };
        client.ok_or_else(|| {
            Error::refused(
                Code::ClientNoSuchClient,
                "client_id: there is no such client, or it is not active",
            )
        })
    }

    /// What was pushed. The first browser that comes with it gets a name of its own for it: nobody else can come with the first.
    async fn pushed_request(
        &self,
        client: &Client,
        uri: &str,
    ) -> Result<(Parameters, String, Option<PushedAs>)> {
        let client_id = client.client_id.as_str();
        let until = self.now().plus_minutes(OPENED_FOR_MINUTES);
        let found = if let Some(sealed) = uri.strip_prefix(PUSHED).and_then(|name| name.strip_prefix(SEALED))
        {
            match self.open_request(client_id, PUSHED, sealed) {
                None => None,
                Some((id, query, _)) => {
                    let name = self.seal_request(client_id, OPENED, until, &id, &query)?;
                    let digest = token::digest(&id);
                    Some((query, format!("{OPENED}{SEALED}{name}"), PushedAs::Sealed { digest, until }))
                }
            }
        } else if let Some(sealed) = uri.strip_prefix(OPENED).and_then(|name| name.strip_prefix(SEALED)) {
            self.open_request(client_id, OPENED, sealed).map(|(id, query, until)| {
                (query, uri.to_owned(), PushedAs::Sealed { digest: token::digest(&id), until })
            })
        } else {
            self.kept_request(client_id, uri, until).await?
        };
        let Some((found, uri, pushed)) = found else {
            let why = "request_uri is unknown, was used before, or has expired: push the request again";
            return Err(OAuthError::InvalidRequestUri.because(why));
        };
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client_id)
            .append_pair("request_uri", &uri)
            .finish();
        Ok((Parameters::read(found.as_bytes())?, query, Some(pushed)))
    }

    async fn kept_request(
        &self,
        client_id: &str,
        uri: &str,
        until: Timestamp,
    ) -> Result<Option<(String, String, PushedAs)>> {
        let now = self.now();
        let given = token::digest(uri);
        if uri.starts_with(OPENED) {
            let mut conn = self.db().read().await?;
            let found = store::client::pushed::read(&mut conn, &given, client_id, now).await?;
            return Ok(found.map(|found| (found, uri.to_owned(), PushedAs::Kept(given))));
        }
        let name = token::new_token(self.random(), TokenBits::Bits256)?;
        let opened = format!("{OPENED}{}", name.expose());
        let digest = token::digest(&opened);
        let mut tx = self.db().write().await?;
        let found = store::client::pushed::open(&mut tx, &given, &digest, client_id, now, until).await?;
        tx.commit().await?;
        Ok(found.map(|found| (found, opened, PushedAs::Kept(digest))))
    }

    /// Seals a request for its client, under the name that it is known by.
    pub(in crate::ops) fn seal_request(
        &self,
        client_id: &str,
        column: &'static str,
        until: Timestamp,
        id: &str,
        query: &str,
    ) -> Result<String> {
        let place = Place { table: "openid", column, row: client_id.as_bytes() };
        let text = format!("{} {id} {query}", until.as_micros());
        Ok(BASE64URL_NOPAD.encode(&self.core.keyring.seal(place, text.as_bytes(), self.random())?))
    }

    /// Its id, the request, and until when it is good; None if it is not one, another client's, or has expired.
    fn open_request(
        &self,
        client_id: &str,
        column: &'static str,
        sealed: &str,
    ) -> Option<(String, String, Timestamp)> {
        let place = Place { table: "openid", column, row: client_id.as_bytes() };
        let opened = self.core.keyring.open(place, &BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?).ok()?;
        let mut parts = std::str::from_utf8(&opened).ok()?.splitn(3, ' ');
        let until = Timestamp::from_micros(parts.next()?.parse().ok()?);
        let (id, query) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        (self.now() < until).then_some((id, query, until))
    }

    /// Uses a pushed request up; false if it was used before.
    pub(in crate::ops) async fn use_pushed(&self, tx: &mut Tx, pushed: &PushedAs) -> Result<bool> {
        match pushed {
            PushedAs::Kept(digest) => store::client::pushed::delete(tx, digest, self.now()).await,
            PushedAs::Sealed { digest, until } => {
                // Another browser may have come with it later than this one: the note outlives what it was given.
                let until = until.plus_minutes(USED_FOR_MINUTES);
                store::client::used_jwt::insert(tx, digest, until).await
            }
        }
    }

    /// What a browser has been through, if it can show that.
    pub(in crate::ops) fn progress_of(&self, asked: &Asked) -> Option<Progress> {
        let sealed = BASE64URL_NOPAD.decode(asked.progress.as_deref()?.as_bytes()).ok()?;
        let digest = asked.digest();
        let opened = self.core.keyring.open(Asked::place(&digest), &sealed).ok()?;
        let mut parts = std::str::from_utf8(&opened).ok()?.split(' ');
        let began = Timestamp::from_micros(parts.next()?.parse().ok()?);
        let mut session = || parts.next().and_then(SessionId::parse);
        let progress = Progress { began, chosen: session(), consented: session(), denied: session() };
        let is_recent = self.now() < began.plus_minutes(PROGRESS_FOR_MINUTES);
        is_recent.then_some(progress)
    }

    /// The query string with which a browser comes back, and shows what it has been through.
    pub(in crate::ops) fn query_with(&self, asked: &Asked, progress: Progress) -> Result<String> {
        let session = |session: Option<SessionId>| session.map_or("-".to_owned(), |id| id.to_string());
        let sessions = [progress.chosen, progress.consented, progress.denied].map(session).join(" ");
        let text = format!("{} {sessions}", progress.began.as_micros());
        let digest = asked.digest();
        let sealed = self.core.keyring.seal(Asked::place(&digest), text.as_bytes(), self.random())?;
        Ok(format!("{}&{PROGRESS}={}", asked.query, BASE64URL_NOPAD.encode(&sealed)))
    }
}
