//! Clients: created, read, changed and deleted by super-users.

use crate::crypto::jose::jwk::Jwk;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    Client, ClientId, ClientKind, ClientUpdate, ClientWithSecret, Code, Context, Error, Operation, Password,
    Result,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::store;
use crate::store::{Conn, Tx};

/// How many clients there are at most: a list has all of them.
const MAX_CLIENTS: i64 = 10_000;

/// The longest that two secrets are valid at the same time, in hours.
const MAX_OVERLAP: u32 = 24 * 90;

impl Sso {
    /// Creates a client of this kind: `web`, `spa`, `native` or `service`.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E014002 for settings that are not acceptable.
    pub async fn create_client(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        kind: &str,
        new: ClientUpdate,
    ) -> Result<ClientWithSecret> {
        self.run(ctx, Operation::ClientCreate, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            let client_id = ClientId::random(self.random())?;
            let mut client = Client::plain(client_id, ClientKind::check(kind)?, self.now());
            client.apply(new)?;
            self.check_client(&client)?;
            note(call, &client);
            let client_secret = self.new_client_secret(&client)?;
            let mut tx = self.db().write().await?;
            if store::client::registry::count(&mut tx).await? >= MAX_CLIENTS {
                let detail = format!("there are {MAX_CLIENTS} clients already");
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            store::client::registry::insert(&mut tx, &client).await?;
            if let Some(secret) = &client_secret {
                self.store_secret(&mut tx, &client, secret, None).await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(ClientWithSecret { client, client_secret })
        })
        .await
    }

    /// A client.
    ///
    /// # Errors
    /// E005001 without the right to, E014001 if there is none with this id.
    pub async fn get_client(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
    ) -> Result<Client> {
        self.run(ctx, Operation::ClientGet, actor, async |call| {
            let mut conn = self.db().read().await?;
            let client = find(&mut conn, client_id).await?;
            note(call, &client);
            Ok(client)
        })
        .await
    }

    /// All clients, by name.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn list_clients(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Vec<Client>> {
        self.run(ctx, Operation::ClientGetList, actor, async |_| {
            let mut conn = self.db().read().await?;
            store::client::registry::list(&mut conn, MAX_CLIENTS).await
        })
        .await
    }

    /// Changes a client; what it is now. One that begins to prove itself by a secret gets its first one by
    /// [`Sso::rotate_client_secret`].
    ///
    /// # Errors
    /// As [`Sso::create_client`], E014001 if there is none with this id, and E008003 if nothing is to be changed.
    pub async fn update_client(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
        update: ClientUpdate,
    ) -> Result<Client> {
        self.run(ctx, Operation::ClientUpdate, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            if update == ClientUpdate::default() {
                return Err(Error::refused(Code::CommonMissingInput, "nothing to change was given"));
            }
            let mut tx = self.db().write().await?;
            let mut client = find_for_update(&mut tx, client_id).await?;
            note(call, &client);
            client.apply(update)?;
            self.check_client(&client)?;
            client.last_modified = self.now();
            if !client.auth_method.needs_secret() {
                store::client::secret::delete_all(&mut tx, &client.client_id).await?;
            }
            store::client::registry::update(&mut tx, &client).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(client)
        })
        .await
    }

    /// Deletes a client, and what users allowed it.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E014001 if there is none with this id.
    pub async fn delete_client(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
    ) -> Result<Client> {
        self.run(ctx, Operation::ClientDelete, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            let mut tx = self.db().write().await?;
            let client = find_for_update(&mut tx, client_id).await?;
            note(call, &client);
            store::client::registry::delete(&mut tx, &client.client_id).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(client)
        })
        .await
    }

    /// Gives a client a new secret. The one that it has stays valid for so many hours, in which the client gets to know the new
    /// one; of none, it ends at once.
    ///
    /// # Errors
    /// E005001 without the right to, E005010 if the caller's login is not fresh, E014001 if there is none with this id, E014002 for
    /// a client that has no secret, and for too many hours.
    pub async fn rotate_client_secret(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
        keep_old_for: u32,
    ) -> Result<ClientWithSecret> {
        let rotated = self.rotate_seen_client_secret(ctx, actor, client_id, keep_old_for, None).await?;
        rotated.ok_or_else(|| Error::internal("a client was not as it was seen, and nobody had seen it"))
    }

    /// The same for who has seen the client as it was changed last at this time; None where it has been changed since, perhaps by
    /// the same form: who sends it twice has one new secret.
    ///
    /// # Errors
    /// As [`Sso::rotate_client_secret`].
    pub async fn rotate_seen_client_secret(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        client_id: &str,
        keep_old_for: u32,
        seen: Option<&str>,
    ) -> Result<Option<ClientWithSecret>> {
        self.run(ctx, Operation::ClientRotateSecret, actor, async |call| {
            self.require_fresh_login(call.caller().ok())?;
            if keep_old_for > MAX_OVERLAP {
                let detail = format!("keep_old_for: from 0 to {MAX_OVERLAP} hours");
                return Err(Error::refused(Code::ClientInvalid, detail));
            }
            let mut tx = self.db().write().await?;
            let mut client = find_for_update(&mut tx, client_id).await?;
            note(call, &client);
            if seen.is_some_and(|seen| seen != client.last_modified.to_string()) {
                call.trail.note("secret", "kept: the client was changed meanwhile");
                return Ok(None);
            }
            call.trail.note("keep_old_for", keep_old_for.to_string());
            let client_secret = self.new_client_secret(&client)?.ok_or_else(|| {
                let method = client.auth_method.as_str();
                Error::refused(
                    Code::ClientInvalid,
                    format!("auth_method: with {method}, a client has no secret"),
                )
            })?;
            self.store_secret(&mut tx, &client, &client_secret, Some(keep_old_for)).await?;
            client.last_modified = self.now();
            store::client::registry::update(&mut tx, &client).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(Some(ClientWithSecret { client, client_secret: Some(client_secret) }))
        })
        .await
    }

    /// A secret, for a client that proves itself by one: 256 random bits.
    pub(in crate::ops::client) fn new_client_secret(&self, client: &Client) -> Result<Option<Password>> {
        let needs_secret = client.auth_method.needs_secret();
        needs_secret.then(|| token::new_token(self.random(), TokenBits::Bits256)).transpose()
    }

    pub(in crate::ops::client) async fn store_secret(
        &self,
        tx: &mut Tx,
        client: &Client,
        secret: &Password,
        keep_old_for: Option<u32>,
    ) -> Result<()> {
        let now = self.now();
        let old_until = keep_old_for.filter(|hours| *hours > 0).map(|hours| now.plus_hours(i64::from(hours)));
        let digest = token::digest(secret.expose());
        store::client::secret::replace(tx, &client.client_id, &digest, now, old_until).await
    }

    /// What only the configuration, and who can read keys, knows to be right.
    pub(in crate::ops::client) fn check_client(&self, client: &Client) -> Result<()> {
        let refused = |detail: String| Err(Error::refused(Code::ClientInvalid, detail));
        if let Some(app) = &client.app
            && !self.config().apps.all.contains(app)
        {
            return refused(format!("app: one of apps.all: {}", self.config().apps.all.join(", ")));
        }
        if let Some(jwks) = &client.jwks
            && let Err(why) = Jwk::parse_set(jwks)
        {
            return refused(format!("jwks: {why}"));
        }
        Ok(())
    }
}

async fn find(conn: &mut Conn, client_id: &str) -> Result<Client> {
    let client_id = ClientId::parse(client_id).ok_or(Code::ClientNoSuchClient)?;
    let found = store::client::registry::by_id(conn, &client_id).await?;
    found.ok_or_else(|| Code::ClientNoSuchClient.into())
}

async fn find_for_update(tx: &mut Tx, client_id: &str) -> Result<Client> {
    let client_id = ClientId::parse(client_id).ok_or(Code::ClientNoSuchClient)?;
    let found = store::client::registry::by_id_for_update(tx, &client_id).await?;
    found.ok_or_else(|| Code::ClientNoSuchClient.into())
}

/// Says in the audit entry which client it is.
fn note(call: &mut Call<'_>, client: &Client) {
    call.trail.note("client_id", client.client_id.as_str());
    call.trail.note("client", client.name.as_str());
}
