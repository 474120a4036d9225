//! Identities: every user has one from the start, and one for each site that has made, or told about, the user.

use serde_json::Value;
use uuid::Uuid;

use crate::crypto::Place;
use crate::domain::{AuditKind, Code, Context, Error, Identity, Result, Timestamp, UserId};
use crate::ops::Sso;
use crate::ops::site::session::no_such_identity;
use crate::store;
use crate::store::Tx;
use crate::store::site::identity::{IdentityRow, STORAGE};
use crate::store::user::account::UserRow;

/// The longest profile, in bytes as JSON.
const MAX_PROFILE_LENGTH: usize = 65_536;

impl Sso {
    /// An identity, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such identity.
    pub async fn get_identity(&self, ctx: &Context, identity_token: &str) -> Result<Identity> {
        let trail = self.trail(ctx, "identity.get", AuditKind::Disclosure);
        let outcome = self.identity(ctx, identity_token).await;
        self.conclude(trail, outcome).await
    }

    pub(in crate::ops) async fn identity(&self, ctx: &Context, identity_token: &str) -> Result<Identity> {
        self.check_app(ctx)?;
        let row = self.identity_row(identity_token).await?;
        self.open_identity(row)
    }

    /// The identities of a user, oldest first, for trusted callers.
    ///
    /// # Errors
    /// E001100 if there is no such user.
    pub async fn list_identities(&self, ctx: &Context, user_id: &str) -> Result<Vec<Identity>> {
        let mut trail = self.trail(ctx, "identity.list", AuditKind::Disclosure);
        let outcome = async {
            self.check_app(ctx)?;
            let user_id = UserId::parse(user_id).ok_or(Code::UserIdInvalid)?;
            trail.on(&user_id);
            let identities = self.identities_of(&user_id).await?;
            // Every user has one.
            if identities.is_empty() { Err(Code::UserIdInvalid.into()) } else { Ok(identities) }
        };
        let outcome = outcome.await;
        self.conclude(trail, outcome).await
    }

    pub(in crate::ops) async fn identities_of(&self, user_id: &UserId) -> Result<Vec<Identity>> {
        let mut conn = self.db().read().await?;
        let rows = store::site::identity::list_of_user(&mut conn, user_id).await?;
        drop(conn);
        rows.into_iter().map(|row| self.open_identity(row)).collect()
    }

    /// What is no token is looked up too, so that it takes as long.
    pub(in crate::ops) async fn identity_row(&self, identity_token: &str) -> Result<IdentityRow> {
        let identity_token = Uuid::try_parse(identity_token).unwrap_or(Uuid::nil());
        let mut conn = self.db().read().await?;
        store::site::identity::by_token(&mut conn, identity_token).await?.ok_or_else(no_such_identity)
    }

    /// Gives a new user the identity that every user has.
    pub(in crate::ops) async fn insert_first_identity(&self, tx: &mut Tx, user: &UserRow) -> Result<()> {
        let row = self.new_identity(user, None)?;
        store::site::identity::insert(tx, &row).await.map(drop)
    }

    /// An identity of a user, for the user oneself or as a site knows it, of which nothing is said yet.
    pub(in crate::ops) fn new_identity(&self, user: &UserRow, site_id: Option<Uuid>) -> Result<IdentityRow> {
        let now = self.now().as_micros();
        Ok(IdentityRow {
            identity_token: self.new_uuid()?,
            user_id: user.user_id.as_str().to_owned(),
            user_token: user.user_token,
            site_id,
            provider: STORAGE.to_owned(),
            external_id: None,
            profile: None,
            creation_time: now,
            last_modified: now,
        })
    }

    /// A profile as the row of this identity holds it.
    pub(in crate::ops) fn seal_profile(&self, identity_token: Uuid, profile: &Value) -> Result<Vec<u8>> {
        let text = profile.to_string();
        if text.len() > MAX_PROFILE_LENGTH {
            let detail = format!("identity: at most {MAX_PROFILE_LENGTH} bytes as JSON");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        self.core.keyring.seal(profile_place(&identity_token), text.as_bytes(), &*self.core.random)
    }

    pub(in crate::ops) fn open_identity(&self, row: IdentityRow) -> Result<Identity> {
        let place = profile_place(&row.identity_token);
        let open = |envelope: Vec<u8>| -> Result<Value> {
            let profile = self.core.keyring.open(place, &envelope)?;
            serde_json::from_slice(&profile).map_err(Error::internal)
        };
        Ok(Identity {
            profile: row.profile.map(open).transpose()?,
            identity_token: row.identity_token,
            user_id: UserId::from_stored(row.user_id),
            user_token: row.user_token,
            site_id: row.site_id,
            provider: row.provider,
            external_id: row.external_id,
            creation_time: Timestamp::from_micros(row.creation_time),
            last_modified: Timestamp::from_micros(row.last_modified),
        })
    }
}

/// Where the profile of an identity stands.
fn profile_place(identity_token: &Uuid) -> Place<'_> {
    Place { table: "sso_identity", column: "profile", row: identity_token.as_bytes() }
}
