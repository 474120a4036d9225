//! Browsers that several sites recognise: one registers a session with them, and the others learn whose it is.
//!
//! A browser has a cookie of this server's own, so it is looked at only when the browser itself comes here: sent by a page of
//! one site to be registered, by a page of another to be checked. What it carries from here is a code that is good once, for
//! the site that it is sent to.

use uuid::Uuid;

use crate::crypto::Place;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    Code, Context, Error, Identity, Operation, Page, PageRequest, Password, Result, SessionId, SiteSession,
    Timestamp, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::site::identity::{has_made, seen_by};
use crate::ops::site::registry::check_callback;
use crate::ops::site::session::{check_page, token_digest};
use crate::store;
use crate::store::Conn;
use crate::store::site::browser::NewCode;
use crate::store::site::session::SiteSessionRow;

/// How long a code is good for, in seconds: for one request of a site's server.
const CODE_LIFETIME: i64 = 60;

/// The longest that a site may have sent back to it, in bytes.
const MAX_STATE_LENGTH: usize = 512;

/// A cookie for a browser.
#[derive(Clone, Debug)]
pub struct BrowserCookie {
    /// What it holds.
    pub value: Password,
    /// For how many seconds it is good.
    pub lifetime: i64,
}

/// What became of a browser that was sent to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// None if the session is not open: the browser goes back as it came.
    pub cookie: Option<BrowserCookie>,
    /// Where it goes back to.
    pub return_uri: String,
}

/// What a page wants to know of the browser that it is shown in.
#[derive(Clone, Debug, Default)]
pub struct BrowserCheck {
    /// Where a browser goes that is recognised: an entry of a site's list.
    pub callback_uri: String,
    /// Where it goes otherwise, on the same origin; None is the callback.
    pub return_uri: Option<String>,
    /// What the page wants to see again.
    pub state: Option<String>,
    /// Only a session of this realm counts.
    pub top_realm: Option<String>,
    /// Only a session of this part of a realm counts.
    pub sub_realm: Option<String>,
}

/// What a page learns of a browser, by where that goes from here.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Where it goes: to the callback if it was recognised.
    pub target: String,
    /// The page that it came from, as far as it said.
    pub return_uri: Option<String>,
    /// The code that the site's server finds out with who it is; None if it was not recognised.
    pub connection_token: Option<Password>,
}

/// A code that a site can read.
#[derive(Clone, Debug)]
pub struct WaitingConnection {
    /// The code.
    pub connection_token: Password,
    /// Who was recognised.
    pub user_token: Uuid,
    /// When that was.
    pub time: Timestamp,
}

/// Who was recognised.
#[derive(Clone, Debug)]
pub struct Connection {
    /// When that was.
    pub time: Timestamp,
    /// For which of the user's identities the session was started. If another site has made it, and the one that asks is not
    /// trusted, only its token and the display name are told.
    pub identity: Identity,
    /// The session. If another site has started it, and the one that asks is not trusted, without its data.
    pub session: SiteSession,
    /// Whether the site that asks has started it. Otherwise its token is none of its business.
    pub is_own_session: bool,
}

impl Sso {
    /// Has a browser be recognised by a session, which a page of its site asks for.
    ///
    /// # Errors
    /// E005001 if no site has a callback URI on the origin that the browser says the page is of: so no other site can plant a
    /// session. E008002 if the browser is to go back to another one.
    pub async fn register_browser(
        &self,
        ctx: &Context,
        origin: &str,
        sso_session_token: &Password,
        return_uri: &str,
    ) -> Result<Registration> {
        self.run(ctx, Operation::SiteRegisterBrowser, Actor::Anonymous, async |call| {
            // `null` is what pages send that say nothing about themselves.
            let given = check_callback(origin).map_err(|_| Code::AuthNotAllowed)?;
            let origin = given.origin().ascii_serialization();
            let mut conn = self.db().read().await?;
            let is_known = store::site::browser::is_origin(&mut conn, &origin).await?;
            drop(conn);
            if !is_known {
                return Err(Code::AuthNotAllowed.into());
            }
            call.trail.note("origin", origin.as_str());
            let return_uri = check_return(return_uri, &origin)?;
            let value = token::new_token(self.random(), TokenBits::Bits256)?;
            let digest = token_digest(sso_session_token.expose());
            let now = self.now();
            let mut tx = self.db().write().await?;
            let session = store::site::browser::session_at_origin(&mut tx, &origin, &digest, now).await?;
            let session = match session {
                Some(session)
                    if store::site::browser::insert_cookie(
                        &mut tx,
                        &cookie_digest(&value),
                        &session,
                        now,
                    )
                    .await? =>
                {
                    session
                }
                // A page may be shown for longer than its session lasts: its visitor is not to be kept here for that.
                _ => {
                    call.trail.note("session", "not open");
                    return Ok(Registration { cookie: None, return_uri });
                }
            };
            call.trail.on(&session.user_id);
            call.trail.note("session_id", session.session_id.to_string());
            self.commit(tx, &mut call.trail).await?;
            let lifetime = (session.expiration_time.as_micros() - now.as_micros()) / 1_000_000;
            Ok(Registration { cookie: Some(BrowserCookie { value, lifetime }), return_uri })
        })
        .await
    }

    /// Finds out whether a browser is known, for a page of a site. A code is made for that site's server then.
    ///
    /// # Errors
    /// E008002 if the callback URI is not one of a site, if the browser is to go back to another origin, or for a state that
    /// is not acceptable: the browser is not to be sent anywhere.
    pub async fn check_browser(
        &self,
        ctx: &Context,
        cookie: Option<&Password>,
        check: BrowserCheck,
    ) -> Result<Checked> {
        self.run(ctx, Operation::SiteCheckBrowser, Actor::Anonymous, async |call| {
            check_state(check.state.as_deref())?;
            let callback = check_callback(&check.callback_uri)?;
            let origin = callback.origin().ascii_serialization();
            let callback_uri = String::from(callback);
            let mut conn = self.db().read().await?;
            let site = store::site::browser::site_of_callback(&mut conn, &callback_uri).await?;
            let (site_id, subdomain) = site.ok_or_else(|| {
                Error::refused(Code::CommonInvalidInput, "callback_uri: it is not on the list of a site")
            })?;
            call.trail.note("site", subdomain);
            let return_uri = check.return_uri.as_deref().map(|uri| check_return(uri, &origin)).transpose()?;
            let found = self.session_of_browser(&mut conn, ctx, cookie).await?;
            drop(conn);
            let in_realm = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
            let found = found.filter(|session| {
                in_realm(&check.top_realm, &session.top_realm)
                    && in_realm(&check.sub_realm, &session.sub_realm)
            });
            if let Some(session) = found {
                call.trail.on(&session.user_id);
                call.trail.note("session_id", session.session_id.to_string());
                let connection_token = self.new_code(site_id, session.session_id, &callback_uri).await?;
                if connection_token.is_some() {
                    return Ok(Checked { target: callback_uri, return_uri, connection_token });
                }
            }
            let target = return_uri.clone().unwrap_or(callback_uri);
            Ok(Checked { target, return_uri, connection_token: None })
        })
        .await
    }

    /// The open session that the cookie of a browser stands for, if its user may come from there.
    async fn session_of_browser(
        &self,
        conn: &mut Conn,
        ctx: &Context,
        cookie: Option<&Password>,
    ) -> Result<Option<SiteSessionRow>> {
        let Some(cookie) = cookie else { return Ok(None) };
        let now = self.now();
        let found = store::site::browser::session_of_cookie(conn, &cookie_digest(cookie), now).await?;
        let Some(session) = found else { return Ok(None) };
        let user = store::user::account::by_id(conn, &session.user_id).await?;
        let may_log_in = user.is_some_and(|user| {
            let standing = Standing::from(&user);
            check_standing(self.config(), standing, &ctx.remote_addr, now, PasswordAge::Checked).is_ok()
        });
        Ok(may_log_in.then_some(session))
    }

    /// None if the session has ended meanwhile.
    async fn new_code(
        &self,
        site_id: Uuid,
        session_id: SessionId,
        callback_uri: &str,
    ) -> Result<Option<Password>> {
        let connection_token = Password::from(random_uuid(self.random())?.to_string());
        let digest = code_digest(connection_token.expose());
        let place = code_place(&digest);
        let token = self.core.keyring.seal(place, connection_token.expose().as_bytes(), self.random())?;
        let code = NewCode {
            digest: &digest,
            token: &token,
            site_id,
            session_id,
            callback_uri,
            expiration_time: self.now().plus_seconds(CODE_LIFETIME),
        };
        let mut tx = self.db().write().await?;
        if !store::site::browser::insert_code(&mut tx, code).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(connection_token))
    }

    /// The codes that browsers have for a site and that it has not read yet, by the time they were made at.
    ///
    /// # Errors
    /// E008002 for a page that there cannot be.
    pub async fn list_connections(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: PageRequest,
    ) -> Result<Page<WaitingConnection>> {
        self.run(ctx, Operation::SiteListConnections, actor, async |call| {
            let site = call.site()?;
            check_page(request)?;
            let mut conn = self.db().read().await?;
            let (site_id, now) = (site.site_id, self.now());
            let page = store::site::browser::page_of_codes(&mut conn, site_id, now, request).await?;
            drop(conn);
            page.try_map(|row| {
                let token = self.core.keyring.open(code_place(&row.code_digest), &row.token)?;
                Ok(WaitingConnection {
                    connection_token: Password::from(std::str::from_utf8(&token).map_err(Error::internal)?),
                    user_token: row.user_token,
                    time: row.expiration_time.plus_seconds(-CODE_LIFETIME),
                })
            })
        })
        .await
    }

    /// Tells a site who was recognised, once.
    ///
    /// # Errors
    /// E007001 if the code was not made for this site, was used or has expired, or if the session has ended meanwhile.
    pub async fn redeem_connection(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        connection_token: &Password,
    ) -> Result<Connection> {
        self.run(ctx, Operation::SiteRedeemConnection, actor, async |call| {
            let site = call.site()?;
            let now = self.now();
            let digest = code_digest(connection_token.expose());
            let mut tx = self.db().write().await?;
            let code = store::site::browser::take_code(&mut tx, &digest, now, site.site_id).await?;
            let code = code.ok_or_else(no_such_connection)?;
            let found = store::site::browser::session_by_id(&mut tx, code.session_id, now).await?;
            let row = found.ok_or_else(no_such_connection)?;
            call.trail.on(&row.user_id);
            call.trail.note("session_id", row.session_id.to_string());
            let identity = store::site::identity::by_token(&mut tx, row.identity_token).await?;
            let identity = self.open_identity(identity.ok_or_else(no_such_connection)?)?;
            let identity = seen_by(&site, identity);
            let is_own_session = row.site_id == site.site_id;
            let may_see_data = has_made(&site, Some(row.site_id));
            let mut session = self.open_site_session(row)?;
            session.data = session.data.filter(|_| may_see_data);
            self.commit(tx, &mut call.trail).await?;
            let time = code.expiration_time.plus_seconds(-CODE_LIFETIME);
            Ok(Connection { time, identity, session, is_own_session })
        })
        .await
    }
}

fn no_such_connection() -> Error {
    let detail = "connection_token: it was used already, has expired, or was not made for this site";
    Error::refused(Code::SessionNoSuchSession, detail)
}

/// A page of the same origin.
fn check_return(return_uri: &str, origin: &str) -> Result<String> {
    match check_callback(return_uri) {
        Ok(uri) if uri.origin().ascii_serialization() == origin => Ok(String::from(uri)),
        _ => {
            let detail = "return_uri: it must be a page of the same web site";
            Err(Error::refused(Code::CommonInvalidInput, detail))
        }
    }
}

fn check_state(state: Option<&str>) -> Result<()> {
    let is_acceptable = |state: &str| state.len() <= MAX_STATE_LENGTH && !state.chars().any(char::is_control);
    if state.is_none_or(is_acceptable) {
        return Ok(());
    }
    let detail = format!("state: at most {MAX_STATE_LENGTH} bytes, none of them control characters");
    Err(Error::refused(Code::CommonInvalidInput, detail))
}

/// What a cookie is found by.
fn cookie_digest(cookie: &Password) -> [u8; 32] {
    token::digest(cookie.expose())
}

/// Where the sealed text of a code stands.
const fn code_place(digest: &[u8]) -> Place<'_> {
    Place { table: "sso_connection", column: "token", row: digest }
}

/// What a code is found by.
fn code_digest(connection_token: &str) -> [u8; 32] {
    token::digest(connection_token)
}
