//! Sessions that sites start for identities of users. They stand in the lists of the users' sessions and end with them;
//! no UST acts as one.

use serde_json::Value;
use uuid::Uuid;

use crate::crypto::{Place, token};
use crate::domain::{
    AttrValue, Code, Context, Error, Operation, Page, PageRequest, Password, Result, SessionId, Site,
    SiteSession, clean_user_agent, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::{PasswordAge, Standing, check_standing};
use crate::ops::site::identity::{no_such_identity, parse_token};
use crate::store;
use crate::store::Conn;
use crate::store::site::session::{NewRow, SiteSessionRow};

/// How long a session lasts if the site does not say, in seconds.
pub const DEFAULT_LIFETIME: i64 = 86_400;

/// The longest that a session may be asked to last, in seconds: ten years.
pub const MAX_LIFETIME: i64 = 315_360_000;

/// The longest realm, in characters.
const MAX_REALM_LENGTH: usize = 256;

/// The longest data, in bytes as JSON.
const MAX_DATA_LENGTH: usize = 65_536;

/// How many entries a page may have.
const MAX_ENTRIES: i64 = 500;

/// What a session is to be made of.
#[derive(Clone, Debug, Default)]
pub struct NewSiteSession {
    /// What the site calls a group of its web sites.
    pub top_realm: Option<String>,
    /// A part of that.
    pub sub_realm: Option<String>,
    /// How long it lasts, in seconds; None is [`DEFAULT_LIFETIME`].
    pub lifetime: Option<i64>,
    /// What the site keeps with it.
    pub data: Option<Value>,
    /// With what the request was made.
    pub user_agent: Option<String>,
}

impl Sso {
    /// Starts a session for an identity. The one that the site has for it ends.
    ///
    /// # Errors
    /// E001100 if there is no such identity, or the site is not trusted, has not made it, and has not verified the password of
    /// its user within an hour; E005001 for a super-user whose password it has not verified; E005001, or the code that
    /// configuration allows to be shown, if the user may not log in; E008002 for a value that is not acceptable.
    pub async fn start_site_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
        new: NewSiteSession,
    ) -> Result<SiteSession> {
        self.run(ctx, Operation::SiteStartSession, actor, async |call| {
            let site = call.site()?;
            let lifetime = check_lifetime(new.lifetime)?;
            let top_realm = check_realm("top_realm", new.top_realm)?;
            let sub_realm = check_realm("sub_realm", new.sub_realm)?;
            let data = check_data(new.data.as_ref())?;
            let told = data.clone().map(AttrValue::from_json_text);
            let user_agent = new.user_agent.as_deref().map(clean_user_agent);
            let identity_token = parse_token(identity_token);

            let now = self.now();
            let session_id = SessionId::random(now, self.random())?;
            let sso_session_token = Password::from(random_uuid(self.random())?.to_string());
            let site_token = self.core.keyring.seal(
                token_place(&session_id),
                sso_session_token.expose().as_bytes(),
                self.random(),
            )?;
            let mut tx = self.db().write().await?;
            // The checks hold until the session is there: the user's row is locked.
            let user = store::site::identity::owner_for_update(&mut tx, identity_token).await?;
            if let Some(user) = &user {
                call.trail.on(&user.user_id);
            }
            let claim = self.claim(&mut tx, &site, identity_token).await?;
            let claimed = user.zip(claim.filter(|claim| claim.may_start));
            let (user, claim) = claimed.ok_or_else(no_such_identity)?;
            if claim.is_super_user && !claim.is_verified {
                let detail = "a super-user needs a look-up with the password first";
                return Err(Error::refused(Code::AuthNotAllowed, detail));
            }
            let user_id = user.user_id.clone();
            check_standing(
                self.config(),
                Standing::from(&user),
                &ctx.remote_addr,
                now,
                PasswordAge::Checked,
            )?;
            let ended =
                store::site::session::delete_of_identity(&mut tx, site.site_id, identity_token).await?;
            let session = SiteSessionRow {
                session_id,
                user_id,
                user_token: user.user_token,
                site_id: site.site_id,
                identity_token,
                top_realm,
                sub_realm,
                data,
                site_token,
                num_cookies_set: 0,
                creation_time: now,
                update_time: now,
                expiration_time: now.plus_seconds(lifetime).min(self.lifetime_limit(now)),
            };
            let row = NewRow {
                session: &session,
                digest: &token_digest(sso_session_token.expose()),
                remote_addr: &ctx.remote_addr.joined(),
                user_agent: user_agent.as_deref(),
                auth_principal: &site.subdomain,
            };
            store::site::session::insert(&mut tx, &row).await?;
            call.trail.note("session_id", session_id.to_string());
            call.trail.note("sessions_ended", ended.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(shown(session, sso_session_token, told))
        })
        .await
    }

    /// The open sessions that a site has started, by the time they were started at.
    ///
    /// # Errors
    /// E008002 for a page that there cannot be.
    pub async fn list_site_sessions(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        request: PageRequest,
    ) -> Result<Page<SiteSession>> {
        self.run(ctx, Operation::SiteListSessions, actor, async |call| {
            let site = call.site()?;
            check_page(request)?;
            let mut conn = self.db().read().await?;
            let page = store::site::session::page(&mut conn, site.site_id, self.now(), request).await?;
            drop(conn);
            page.try_map(|row| self.open_site_session(row))
        })
        .await
    }

    /// The open session of a site with this token; of any site for a trusted one.
    ///
    /// # Errors
    /// E007001 if the site has none.
    pub async fn get_site_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        sso_session_token: &Password,
    ) -> Result<SiteSession> {
        self.run(ctx, Operation::SiteGetSession, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let row = if site.is_trusted {
                let digest = token_digest(sso_session_token.expose());
                let found = store::site::session::by_digest_of_any(&mut conn, &digest, self.now()).await?;
                found.ok_or(Code::SessionNoSuchSession)?
            } else {
                self.row_by_token(&mut conn, site.site_id, sso_session_token).await?
            };
            drop(conn);
            self.open_site_session(row)
        })
        .await
    }

    /// The open session that a site has started for an identity.
    ///
    /// # Errors
    /// E001100 if there is no such identity, E007001 if the site has no open session for it.
    pub async fn get_site_session_of_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
    ) -> Result<SiteSession> {
        self.run(ctx, Operation::SiteGetSessionOfIdentity, actor, async |call| {
            let site = call.site()?;
            let mut conn = self.db().read().await?;
            let row = self.row_by_identity(&mut conn, &site, parse_token(identity_token)).await?;
            drop(conn);
            self.open_site_session(row)
        })
        .await
    }

    /// Ends a session of a site.
    ///
    /// # Errors
    /// As [`Sso::get_site_session`].
    pub async fn end_site_session(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        sso_session_token: &Password,
    ) -> Result<()> {
        self.run(ctx, Operation::SiteEndSession, actor, async |call| {
            let site = call.site()?;
            let mut tx = self.db().write().await?;
            let row = self.row_by_token(&mut tx, site.site_id, sso_session_token).await?;
            call.trail.on(&row.user_id);
            call.trail.note("session_id", row.session_id.to_string());
            if !store::site::session::delete(&mut tx, site.site_id, row.session_id).await? {
                return Err(Code::SessionNoSuchSession.into());
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Ends the session that a site has started for an identity.
    ///
    /// # Errors
    /// As [`Sso::get_site_session_of_identity`].
    pub async fn end_site_session_of_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::SiteEndSessionOfIdentity, actor, async |call| {
            let (site, identity_token) = (call.site()?, parse_token(identity_token));
            let mut tx = self.db().write().await?;
            let row = self.row_by_identity(&mut tx, &site, identity_token).await?;
            call.trail.on(&row.user_id);
            call.trail.note("session_id", row.session_id.to_string());
            if store::site::session::delete_of_identity(&mut tx, site.site_id, identity_token).await? == 0 {
                return Err(Code::SessionNoSuchSession.into());
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// What is not the token of an open session of this site takes the same work: a look-up.
    async fn row_by_token(
        &self,
        conn: &mut Conn,
        site_id: Uuid,
        sso_session_token: &Password,
    ) -> Result<SiteSessionRow> {
        let digest = token_digest(sso_session_token.expose());
        let found = store::site::session::by_digest(conn, site_id, &digest, self.now()).await?;
        found.ok_or_else(|| Code::SessionNoSuchSession.into())
    }

    /// An unknown identity and one without an open session are different refusals; but one that the site could not start a
    /// session for is like an unknown one.
    async fn row_by_identity(
        &self,
        conn: &mut Conn,
        site: &Site,
        identity_token: Uuid,
    ) -> Result<SiteSessionRow> {
        let found = store::site::session::by_identity(conn, site.site_id, identity_token, self.now()).await?;
        if let Some(row) = found {
            return Ok(row);
        }
        match self.claim(conn, site, identity_token).await? {
            Some(claim) if claim.may_start => Err(Code::SessionNoSuchSession.into()),
            Some(_) | None => Err(no_such_identity()),
        }
    }

    pub(in crate::ops::site) fn open_site_session(&self, row: SiteSessionRow) -> Result<SiteSession> {
        let sso_session_token = self.core.keyring.open(token_place(&row.session_id), &row.site_token)?;
        let sso_session_token =
            Password::from(std::str::from_utf8(&sso_session_token).map_err(Error::internal)?);
        let data = row.data.clone().map(AttrValue::from_json_text);
        Ok(shown(row, sso_session_token, data))
    }
}

fn shown(row: SiteSessionRow, sso_session_token: Password, data: Option<AttrValue>) -> SiteSession {
    SiteSession {
        session_id: row.session_id,
        sso_session_token,
        user_id: row.user_id,
        user_token: row.user_token,
        identity_token: row.identity_token,
        top_realm: row.top_realm,
        sub_realm: row.sub_realm,
        data,
        num_cookies_set: row.num_cookies_set,
        creation_time: row.creation_time,
        update_time: row.update_time,
        expiration_time: row.expiration_time,
    }
}

/// Where the sealed token of a session stands.
fn token_place(session_id: &SessionId) -> Place<'_> {
    Place { table: "sso_session", column: "site_token", row: session_id.0.as_bytes() }
}

/// What a session is found by. The column is that of USTs, which begin otherwise.
pub(in crate::ops::site) fn token_digest(sso_session_token: &str) -> [u8; 32] {
    token::digest(&format!("sso_session_token:{sso_session_token}"))
}

/// A page that there can be.
pub(in crate::ops::site) fn check_page(request: PageRequest) -> Result<()> {
    if request.page < 1 {
        return Err(Error::refused(Code::CommonInvalidInput, "page: a whole number from 1"));
    }
    if !(1..=MAX_ENTRIES).contains(&request.entries_per_page) {
        let detail = format!("entries_per_page: a whole number from 1 to {MAX_ENTRIES}");
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    Ok(())
}

fn check_lifetime(lifetime: Option<i64>) -> Result<i64> {
    let lifetime = lifetime.unwrap_or(DEFAULT_LIFETIME);
    if (1..=MAX_LIFETIME).contains(&lifetime) {
        return Ok(lifetime);
    }
    let detail = format!("lifetime: a whole number of seconds from 1 to {MAX_LIFETIME}");
    Err(Error::refused(Code::CommonInvalidInput, detail))
}

fn check_realm(field: &'static str, realm: Option<String>) -> Result<Option<String>> {
    if let Some(realm) = &realm {
        if realm.chars().count() > MAX_REALM_LENGTH {
            let detail = format!("{field}: at most {MAX_REALM_LENGTH} characters");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        if realm.chars().any(char::is_control) {
            let detail = format!("{field}: control characters are not allowed");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
    }
    Ok(realm)
}

fn check_data(data: Option<&Value>) -> Result<Option<String>> {
    let text = data.map(Value::to_string);
    if text.as_ref().is_some_and(|text| text.len() > MAX_DATA_LENGTH) {
        let detail = format!("data: at most {MAX_DATA_LENGTH} bytes as JSON");
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    Ok(text)
}
