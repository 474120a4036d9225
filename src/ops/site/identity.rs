//! Identities: every user has one from the start, and one for each site that has made, or told about, the user.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::crypto::Place;
use crate::domain::{Code, Context, Error, Identity, Operation, Result, Site, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;
use crate::store::Conn;
use crate::store::site::identity::IdentityRow;

/// The longest profile, in bytes as JSON.
const MAX_PROFILE_LENGTH: usize = 65_536;

/// How long a site may start sessions for a user whose password it has verified, in seconds.
pub(in crate::ops::site) const VERIFIED_FOR: i64 = 3600;

/// The element of a profile that greets somebody (Portable Contacts 1.0).
pub(in crate::ops::site) const DISPLAY_NAME: &str = "displayName";

impl Sso {
    /// An identity, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such identity.
    pub async fn get_identity(&self, ctx: &Context, identity_token: &str) -> Result<Identity> {
        self.run(ctx, Operation::IdentityGet, Actor::Trusted(None), async |_| {
            self.open_identity(self.identity_row(identity_token).await?.ok_or_else(no_such_identity)?)
        })
        .await
    }

    /// An identity, for sites: one that the site has made.
    ///
    /// # Errors
    /// E001100 if there is no such identity, or for this site none.
    pub async fn get_site_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
    ) -> Result<Identity> {
        self.run(ctx, Operation::SiteGetIdentity, actor, async |call| {
            let site = call.site()?;
            let found = self.identity_row(identity_token).await?;
            let row = found.filter(|row| has_made(&site, row.site_id)).ok_or_else(no_such_identity)?;
            self.open_identity(row)
        })
        .await
    }

    pub(in crate::ops::site) async fn identity_row(
        &self,
        identity_token: &str,
    ) -> Result<Option<IdentityRow>> {
        let mut conn = self.db().read().await?;
        let found = store::site::identity::by_token(&mut conn, parse_token(identity_token)).await?;
        let Some(row) = &found else { return Ok(None) };
        // Nobody whom a site has made is hidden.
        let is_hidden = row.site_id.is_none()
            && store::user::signup::is_hidden(&mut conn, &row.user_id, self.now()).await?;
        Ok(found.filter(|_| !is_hidden))
    }

    /// The identities of a user, oldest first, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such user.
    pub async fn list_identities(&self, ctx: &Context, user_id: &str) -> Result<Vec<Identity>> {
        self.run(ctx, Operation::IdentityList, Actor::Trusted(None), async |call| {
            let user_id = call.target(Some(user_id))?;
            let mut conn = self.db().read().await?;
            if store::user::signup::is_hidden(&mut conn, &user_id, self.now()).await? {
                return Err(Code::UserIdInvalid.into());
            }
            let identities = self.identities_of(&mut conn, &user_id).await?;
            // Every user has one.
            if identities.is_empty() { Err(Code::UserIdInvalid.into()) } else { Ok(identities) }
        })
        .await
    }

    pub(in crate::ops::site) async fn identities_of(
        &self,
        conn: &mut Conn,
        user_id: &UserId,
    ) -> Result<Vec<Identity>> {
        let rows = store::site::identity::list_of_user(conn, user_id).await?;
        rows.into_iter().map(|row| self.open_identity(row)).collect()
    }

    /// A profile as the row of this identity holds it.
    pub(in crate::ops::site) fn seal_profile(
        &self,
        identity_token: Uuid,
        profile: &Value,
    ) -> Result<Vec<u8>> {
        let text = profile.to_string();
        if text.len() > MAX_PROFILE_LENGTH {
            let detail = format!("identity: at most {MAX_PROFILE_LENGTH} bytes as JSON");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        self.core.keyring.seal(profile_place(&identity_token), text.as_bytes(), &*self.core.random)
    }

    pub(in crate::ops::site) fn open_identity(&self, row: IdentityRow) -> Result<Identity> {
        let place = profile_place(&row.identity_token);
        let open = |envelope: Vec<u8>| -> Result<Value> {
            let profile = self.core.keyring.open(place, &envelope)?;
            serde_json::from_slice(&profile).map_err(Error::internal)
        };
        Ok(Identity {
            profile: row.profile.map(open).transpose()?,
            identity_token: row.identity_token,
            user_id: row.user_id,
            user_token: row.user_token,
            site_id: row.site_id,
            provider: row.provider,
            external_id: row.external_id,
            creation_time: row.creation_time,
            last_modified: row.last_modified,
        })
    }
}

/// What connects a site with an identity.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops::site) struct Claim {
    /// Whether the site may start sessions for it. If not, there is no such identity for the site.
    pub may_start: bool,
    /// Whether the site has verified the password of its user within [`VERIFIED_FOR`].
    pub is_verified: bool,
    /// Whether its user is a super-user.
    pub is_super_user: bool,
}

impl Sso {
    /// What connects a site with an identity; None if there is none.
    pub(in crate::ops::site) async fn claim(
        &self,
        conn: &mut Conn,
        site: &Site,
        identity_token: Uuid,
    ) -> Result<Option<Claim>> {
        let found = store::site::identity::claim(conn, identity_token, site.site_id).await?;
        let since = self.now().plus_seconds(-VERIFIED_FOR);
        Ok(found.map(|row| {
            let is_verified = row.verification_time.is_some_and(|time| time > since);
            let may_start = is_verified || has_made(site, row.site_id);
            Claim { may_start, is_verified, is_super_user: row.is_super_user }
        }))
    }
}

/// Whether what this site has made is the other's; for a trusted one everything is.
pub(in crate::ops::site) fn has_made(site: &Site, made_by: Option<Uuid>) -> bool {
    site.is_trusted || made_by == Some(site.site_id)
}

/// An identity as a site sees it that has to do with its user. Of what another site has told, it is only the name to greet
/// somebody by.
pub(in crate::ops::site) fn seen_by(site: &Site, identity: Identity) -> Identity {
    if has_made(site, identity.site_id) {
        return identity;
    }
    let greeting = identity.profile.as_ref().and_then(|profile| profile.get(DISPLAY_NAME));
    let profile = greeting.map(|name| json!({DISPLAY_NAME: name}));
    Identity { external_id: None, profile, ..identity }
}

/// What is no token is looked up too, so that it takes as long.
pub(in crate::ops::site) fn parse_token(token: &str) -> Uuid {
    Uuid::try_parse(token).unwrap_or(Uuid::nil())
}

/// The identity does not exist.
pub(in crate::ops::site) fn no_such_identity() -> Error {
    Error::refused(Code::UserIdInvalid, "identity_token: there is no such identity")
}

/// Where the profile of an identity stands.
fn profile_place(identity_token: &Uuid) -> Place<'_> {
    Place { table: "sso_identity", column: "profile", row: identity_token.as_bytes() }
}
