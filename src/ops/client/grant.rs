//! What users have allowed clients: they see it, and withdraw it, which ends its tokens.

use crate::domain::{ClientId, Code, Context, Operation, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::client::scope::words;
use crate::store;

/// What a user has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGrant {
    /// Which client.
    pub client_id: ClientId,
    /// Its name.
    pub name: String,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Since when.
    pub creation_time: Timestamp,
    /// Since when as it is now.
    pub last_modified: Timestamp,
    /// Of the sign-ins whose tokens are still there, the last.
    pub last_sign_in: Option<Timestamp>,
}

impl Sso {
    /// What a user has allowed clients: one's own, or for super-users anybody's.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn list_user_grants(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        user_id: Option<&str>,
    ) -> Result<Vec<UserGrant>> {
        self.run(ctx, Operation::UserGrantGetList, actor, async |call| {
            let user_id = call.target(user_id)?;
            if call.user_id() == Some(&user_id) {
                call.trail.is_of_oneself();
            }
            let mut conn = self.db().read().await?;
            store::user::account::by_id(&mut conn, &user_id).await?.ok_or(Code::UserIdInvalid)?;
            let rows = store::client::grant::of_user(&mut conn, &user_id).await?;
            let grants = rows.into_iter().map(|row| UserGrant {
                client_id: ClientId::from_stored(row.client_id),
                name: row.name,
                logo_uri: row.logo_uri,
                scopes: words(&row.scopes).into_iter().map(str::to_owned).collect(),
                creation_time: row.creation_time,
                last_modified: row.last_modified,
                last_sign_in: row.last_sign_in,
            });
            Ok(grants.collect())
        })
        .await
    }

    /// Withdraws what a user has allowed a client. Its tokens end: JWTs are refused by introspection and by the userinfo endpoint at
    /// once, and by who checks signatures alone when they expire.
    ///
    /// # Errors
    /// E005001 without the right to, E014001 if the user has not allowed that client anything.
    pub async fn revoke_user_grant(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
        user_id: Option<&str>,
    ) -> Result<()> {
        self.run(ctx, Operation::UserGrantRevoke, actor, async |call| {
            let user_id = call.target(user_id)?;
            let client_id = ClientId::parse(client_id).ok_or(Code::ClientNoSuchClient)?;
            call.trail.note("client_id", client_id.as_str());
            let mut tx = self.db().write().await?;
            if !store::client::grant::withdraw(&mut tx, &user_id, client_id.as_str()).await? {
                return Err(Code::ClientNoSuchClient.into());
            }
            self.commit(tx, &mut call.trail).await
        })
        .await
    }
}
