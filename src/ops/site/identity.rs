//! Identities: every user has one from the start, and one for each site that has made, or told about, the user.

use serde_json::Value;
use uuid::Uuid;

use crate::crypto::Place;
use crate::domain::{Code, Context, Error, Identity, Operation, Result, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;
use crate::store::Conn;
use crate::store::site::identity::IdentityRow;

/// The longest profile, in bytes as JSON.
const MAX_PROFILE_LENGTH: usize = 65_536;

impl Sso {
    /// An identity, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such identity.
    pub async fn get_identity(&self, ctx: &Context, identity_token: &str) -> Result<Identity> {
        self.run(ctx, Operation::IdentityGet, Actor::Trusted(None), async |_| {
            self.identity(identity_token).await
        })
        .await
    }

    /// An identity, for sites.
    ///
    /// # Errors
    /// E001100 if there is no such identity.
    pub async fn get_site_identity(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        identity_token: &str,
    ) -> Result<Identity> {
        self.run(ctx, Operation::SiteGetIdentity, actor, async |_| self.identity(identity_token).await).await
    }

    async fn identity(&self, identity_token: &str) -> Result<Identity> {
        let mut conn = self.db().read().await?;
        let found = store::site::identity::by_token(&mut conn, parse_token(identity_token)).await?;
        drop(conn);
        self.open_identity(found.ok_or_else(no_such_identity)?)
    }

    /// The identities of a user, oldest first, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such user.
    pub async fn list_identities(&self, ctx: &Context, user_id: &str) -> Result<Vec<Identity>> {
        self.run(ctx, Operation::IdentityList, Actor::Trusted(None), async |call| {
            let user_id = call.target(Some(user_id))?;
            let mut conn = self.db().read().await?;
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
