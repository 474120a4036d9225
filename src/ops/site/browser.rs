//! Browsers that several sites recognise: one registers a session with them, and the others learn whose it is.
//!
//! A browser has a cookie of this server's own, so it is looked at only when the browser itself comes here: sent by a page of
//! one site to be registered, by a page of another to be checked. What it carries from here is a code that is good once, for
//! the site that it is sent to.

use uuid::Uuid;

use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    AuditKind, Code, Context, Error, Identity, Password, Result, SiteSession, Timestamp, UserId,
};
use crate::ops::Sso;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::audit::Trail;
use crate::ops::site::registry::{SiteCaller, check_callback};
use crate::ops::site::session::token_digest;
use crate::store;
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

/// Who was recognised.
#[derive(Clone, Debug)]
pub struct Connection {
    /// When that was.
    pub time: Timestamp,
    /// For which of the user's identities the session was started.
    pub identity: Identity,
    /// The session.
    pub session: SiteSession,
    /// Whether the site that asks has started it. Otherwise its token is none of its business.
    pub is_own_session: bool,
}

impl Sso {
    /// Has a browser be recognised by a session, which a page of its site asks for.
    ///
    /// # Errors
    /// E005001 if no site has a callback URI on the origin that the browser says the page is of: so nobody else can plant a
    /// session. E008002 if the browser is to go back to another one.
    pub async fn register_browser(
        &self,
        ctx: &Context,
        origin: &str,
        sso_session_token: &Password,
        return_uri: &str,
    ) -> Result<Registration> {
        let mut trail = self.trail(ctx, "site.register_browser", AuditKind::Change);
        let outcome = self.insert_cookie(ctx, &mut trail, origin, sso_session_token, return_uri).await;
        self.conclude(trail, outcome).await
    }

    async fn insert_cookie(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        origin: &str,
        sso_session_token: &Password,
        return_uri: &str,
    ) -> Result<Registration> {
        self.check_app(ctx)?;
        // `null` is what pages send that say nothing about themselves.
        let given = check_callback(origin).map_err(|_| Code::AuthNotAllowed)?;
        let origin = given.origin().ascii_serialization();
        let mut conn = self.db().read().await?;
        let is_known = store::site::browser::is_origin(&mut conn, &origin).await?;
        drop(conn);
        if !is_known {
            return Err(Code::AuthNotAllowed.into());
        }
        trail.note("origin", origin.as_str());
        let return_uri = check_return(return_uri, &origin)?;
        let value = token::new_token(self.random(), TokenBits::Bits256)?;
        let digest = token_digest(sso_session_token.expose());
        let now = self.now();
        let mut tx = self.db().write().await?;
        let session = store::site::browser::session_at_origin(&mut tx, &origin, &digest, now).await?;
        let session = match session {
            Some(session)
                if store::site::browser::insert_cookie(&mut tx, &cookie_digest(&value), &session, now)
                    .await? =>
            {
                session
            }
            // A page may be shown for longer than its session lasts: its visitor is not to be kept here for that.
            _ => {
                trail.note("session", "not open");
                return Ok(Registration { cookie: None, return_uri });
            }
        };
        trail.on(&UserId::from_stored(session.user_id));
        trail.note("session_id", session.session_id.to_string());
        self.commit(tx, trail).await?;
        let lifetime = (session.expiration_time - now.as_micros()) / 1_000_000;
        Ok(Registration { cookie: Some(BrowserCookie { value, lifetime }), return_uri })
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
        let mut trail = self.trail(ctx, "site.check_browser", AuditKind::SessionCheck);
        let outcome = self.insert_code(ctx, &mut trail, cookie, check).await;
        self.conclude(trail, outcome).await
    }

    async fn insert_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        cookie: Option<&Password>,
        check: BrowserCheck,
    ) -> Result<Checked> {
        self.check_app(ctx)?;
        check_state(check.state.as_deref())?;
        let callback = check_callback(&check.callback_uri)?;
        let origin = callback.origin().ascii_serialization();
        let callback_uri = String::from(callback);
        let mut conn = self.db().read().await?;
        let site = store::site::browser::site_of_callback(&mut conn, &callback_uri).await?;
        drop(conn);
        let (site_id, subdomain) = site.ok_or_else(|| {
            Error::refused(Code::CommonInvalidInput, "callback_uri: it is not on the list of a site")
        })?;
        trail.note("site", subdomain);
        let return_uri = check.return_uri.as_deref().map(|uri| check_return(uri, &origin)).transpose()?;
        let found = self.session_of_browser(ctx, cookie).await?;
        let in_realm = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        let found = found.filter(|session| {
            in_realm(&check.top_realm, &session.top_realm) && in_realm(&check.sub_realm, &session.sub_realm)
        });
        if let Some(session) = found {
            trail.on(&UserId::from_stored(session.user_id));
            trail.note("session_id", session.session_id.to_string());
            let connection_token = self.new_code(site_id, session.session_id, &callback_uri).await?;
            if connection_token.is_some() {
                return Ok(Checked { target: callback_uri, return_uri, connection_token });
            }
        }
        let target = return_uri.clone().unwrap_or(callback_uri);
        Ok(Checked { target, return_uri, connection_token: None })
    }

    /// The open session that the cookie of a browser stands for, if its user may come from there.
    async fn session_of_browser(
        &self,
        ctx: &Context,
        cookie: Option<&Password>,
    ) -> Result<Option<SiteSessionRow>> {
        let Some(cookie) = cookie else { return Ok(None) };
        let now = self.now();
        let mut conn = self.db().read().await?;
        let Some(session) =
            store::site::browser::session_of_cookie(&mut conn, &cookie_digest(cookie), now).await?
        else {
            return Ok(None);
        };
        let user_id = UserId::from_stored(session.user_id.clone());
        let user = store::user::account::by_id(&mut conn, &user_id).await?;
        drop(conn);
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
        session_id: Uuid,
        callback_uri: &str,
    ) -> Result<Option<Password>> {
        let connection_token = Password::from(self.new_uuid()?.to_string());
        let mut tx = self.db().write().await?;
        let code = NewCode {
            digest: &code_digest(connection_token.expose()),
            site_id,
            session_id,
            callback_uri,
            expiration_time: self.now().plus_seconds(CODE_LIFETIME),
        };
        if !store::site::browser::insert_code(&mut tx, code).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(connection_token))
    }

    /// Tells a site who was recognised, once.
    ///
    /// # Errors
    /// E007001 if the code was not made for this site, was used or has expired, or if the session has ended meanwhile.
    pub async fn redeem_connection(
        &self,
        ctx: &Context,
        site: &SiteCaller,
        connection_token: &Password,
    ) -> Result<Connection> {
        let mut trail = self.site_trail(ctx, "site.redeem_connection", AuditKind::Change, site);
        let outcome = self.take_code(ctx, &mut trail, site, connection_token).await;
        self.conclude(trail, outcome).await
    }

    async fn take_code(
        &self,
        ctx: &Context,
        trail: &mut Trail,
        site: &SiteCaller,
        connection_token: &Password,
    ) -> Result<Connection> {
        self.check_app(ctx)?;
        let now = self.now();
        let digest = code_digest(connection_token.expose());
        let mut tx = self.db().write().await?;
        let code = store::site::browser::take_code(&mut tx, &digest, now, site.id()).await?;
        let code = code.ok_or_else(no_such_connection)?;
        let found = store::site::browser::session_by_id(&mut tx, code.session_id, now).await?;
        let (row, site_id) = found.ok_or_else(no_such_connection)?;
        trail.on(&UserId::from_stored(row.user_id.clone()));
        trail.note("session_id", row.session_id.to_string());
        let session = self.open_site_session(row)?;
        self.commit(tx, trail).await?;
        let identity = self.identity_row(&session.identity_token.to_string()).await?;
        Ok(Connection {
            time: Timestamp::from_micros(code.expiration_time).plus_seconds(-CODE_LIFETIME),
            identity: self.open_identity(identity)?,
            session,
            is_own_session: site_id == site.id(),
        })
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

/// What a code is found by.
fn code_digest(connection_token: &str) -> [u8; 32] {
    token::digest(connection_token)
}
