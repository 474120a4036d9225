//! Clients that register themselves (RFC 7591), and manage that by a token of their own (RFC 7592). Off unless the configuration
//! says otherwise; then everybody may, or who has the token of the configuration.

use std::time::Duration;

use crate::config::Registration;
use crate::crypto::compare;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{
    Client, ClientId, Context, Error, Metadata, OAuthError, Operation, Password, Result, as_metadata_error,
};
use crate::ops::Sso;
use crate::ops::call::Call;
use crate::store;
use crate::store::client::registration::Most;

/// How many clients register themselves from one network within a day, and how many there are of them in all.
const MOST: Most = Most { of_place: Some(20), in_all: 5_000 };

/// The same where they need the token of the configuration: who has it is no stranger, and may have one network for all.
const MOST_WITH_TOKEN: Most = Most { of_place: None, in_all: 5_000 };

/// What a client that has registered itself is answered.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// The client.
    pub client: Client,
    /// Its secret, where it has one and this is the first answer.
    pub client_secret: Option<Password>,
    /// By what it manages its registration.
    pub registration_token: Password,
}

fn is_digest_of(stored: Option<&[u8]>, given: &Password) -> bool {
    stored.is_some_and(|stored| compare::equal(stored, &token::digest(given.expose())))
}

impl Sso {
    /// Registers a client that says itself what it is.
    ///
    /// # Errors
    /// `invalid_token` without the token of the configuration where it takes one, `invalid_client_metadata`, `invalid_redirect_uri`;
    /// E005009 where too many were registered from this network.
    pub async fn register_client(
        &self,
        ctx: &Context,
        initial: Option<&Password>,
        json: &[u8],
    ) -> Result<RegisteredClient> {
        self.record(ctx, Operation::OpenidRegister, async |call| {
            self.may_register(call, initial).await?;
            let metadata = Metadata::read(json)?;
            let now = self.now();
            let client_id = ClientId::random(self.random())?;
            let mut client = Client::plain(client_id, metadata.kind, now);
            client.apply(metadata.settings).map_err(as_metadata_error)?;
            self.check_client(&client).map_err(as_metadata_error)?;
            call.trail.note("client_id", client.client_id.as_str());
            call.trail.note("client", client.name.as_str());
            let client_secret = self.new_client_secret(&client)?;
            let registration_token = token::new_token(self.random(), TokenBits::Bits256)?;
            let digest = token::digest(registration_token.expose());
            let place = self.place_digest(&ctx.remote_addr);
            let mut tx = self.db().write().await?;
            let is_open = self.config().oidc.registration == Registration::Open;
            let most = if is_open { MOST } else { MOST_WITH_TOKEN };
            if !store::client::registration::has_room(&mut tx, &place, now, most).await? {
                return Err(Error::RateLimited { retry_after: Duration::from_secs(3_600) });
            }
            store::client::registry::insert(&mut tx, &client).await?;
            store::client::registration::set(&mut tx, &client.client_id, &digest, &place).await?;
            if let Some(secret) = &client_secret {
                self.store_secret(&mut tx, &client, secret, None).await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(RegisteredClient { client, client_secret, registration_token })
        })
        .await
    }

    async fn may_register(&self, call: &Call<'_>, initial: Option<&Password>) -> Result<()> {
        let oidc = &self.config().oidc;
        match oidc.registration {
            Registration::Off => {
                let why = "clients do not register themselves here: oidc.registration is off";
                Err(OAuthError::AccessDenied.because(why))
            }
            Registration::Open => Ok(()),
            Registration::Token => {
                use secrecy::ExposeSecret as _;
                let wanted = oidc.registration_token.as_ref().map(|token| token.expose_secret());
                let is_right = match (wanted, initial) {
                    (Some(wanted), Some(given)) => {
                        let [wanted, given] = [wanted, given.expose()].map(token::digest);
                        compare::equal(&wanted, &given)
                    }
                    _ => false,
                };
                if is_right {
                    return Ok(());
                }
                self.count_guess(call.ctx).await?;
                let why =
                    "registration takes the token of the configuration (oidc.registration_token), as Bearer";
                Err(OAuthError::InvalidToken.because(why))
            }
        }
    }

    /// What a client is that has registered itself.
    ///
    /// # Errors
    /// `invalid_token` for another token than the one that it got.
    pub async fn get_registration(
        &self,
        ctx: &Context,
        client_id: &str,
        token: &Password,
    ) -> Result<RegisteredClient> {
        self.record(ctx, Operation::OpenidGetRegistration, async |call| {
            let client = self.registered(call, client_id, token).await?;
            Ok(RegisteredClient { client, client_secret: None, registration_token: token.clone() })
        })
        .await
    }

    /// Changes a client that has registered itself to what it says now: what it leaves out is as it is for its kind.
    ///
    /// # Errors
    /// As [`Sso::get_registration`] and [`Sso::register_client`].
    pub async fn update_registration(
        &self,
        ctx: &Context,
        client_id: &str,
        token: &Password,
        json: &[u8],
    ) -> Result<RegisteredClient> {
        self.record(ctx, Operation::OpenidUpdateRegistration, async |call| {
            let before = self.registered(call, client_id, token).await?;
            let metadata = Metadata::read(json)?;
            if metadata.client_id.as_deref() != Some(before.client_id.as_str()) {
                let why = "client_id has to be the one of the client that is changed";
                return Err(OAuthError::InvalidClientMetadata.because(why));
            }
            if metadata.kind != before.kind {
                let why = format!(
                    "application_type and token_endpoint_auth_method: the client is of the kind {}, and cannot become {}",
                    before.kind.as_str(),
                    metadata.kind.as_str(),
                );
                return Err(OAuthError::InvalidClientMetadata.because(why));
            }
            let mut tx = self.db().write().await?;
            // Who runs the server may have changed it since, which is not to be undone.
            let before = store::client::registry::by_id_for_update(&mut tx, &before.client_id).await?;
            let digest = match &before {
                Some(before) => {
                    store::client::registry::registration_digest(&mut tx, &before.client_id).await?
                }
                None => None,
            };
            let is_its = is_digest_of(digest.as_deref(), token);
            let in_force = |before: &Client| is_its && before.is_active && before.kind == metadata.kind;
            let Some(before) = before.filter(in_force) else {
                return Err(OAuthError::InvalidToken.because("the registration has ended meanwhile"));
            };
            if before.is_trusted {
                let why = "the client is trusted since it registered itself: who runs the server changes it";
                return Err(OAuthError::AccessDenied.because(why));
            }
            let mut client = before.clone();
            client.apply(metadata.settings).map_err(as_metadata_error)?;
            self.check_client(&client).map_err(as_metadata_error)?;
            client.last_modified = self.now();
            let is_new = client.auth_method.needs_secret() && !before.auth_method.needs_secret();
            let client_secret = if is_new { self.new_client_secret(&client)? } else { None };
            if !client.auth_method.needs_secret() {
                store::client::secret::delete_all(&mut tx, &client.client_id).await?;
            }
            store::client::registry::update(&mut tx, &client).await?;
            if let Some(secret) = &client_secret {
                self.store_secret(&mut tx, &client, secret, None).await?;
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(RegisteredClient { client, client_secret, registration_token: token.clone() })
        })
        .await
    }

    /// Deletes a client that has registered itself.
    ///
    /// # Errors
    /// As [`Sso::get_registration`].
    pub async fn delete_registration(&self, ctx: &Context, client_id: &str, token: &Password) -> Result<()> {
        self.record(ctx, Operation::OpenidDeleteRegistration, async |call| {
            let client = self.registered(call, client_id, token).await?;
            let mut tx = self.db().write().await?;
            store::client::registry::delete(&mut tx, &client.client_id).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// The client whose registration this token manages.
    async fn registered(&self, call: &mut Call<'_>, client_id: &str, given: &Password) -> Result<Client> {
        let found = match ClientId::parse(client_id) {
            Some(client_id) => {
                let mut conn = self.db().read().await?;
                let digest = store::client::registry::registration_digest(&mut conn, &client_id).await?;
                let is_right = is_digest_of(digest.as_deref(), given);
                let client = store::client::registry::by_id(&mut conn, &client_id).await?;
                client.filter(|client| is_right && client.is_active)
            }
            None => None,
        };
        let Some(client) = found else {
            self.count_guess(call.ctx).await?;
            let why = "there is no client of this id that has registered itself and got this token";
            return Err(OAuthError::InvalidToken.because(why));
        };
        call.trail.note("client_id", client.client_id.as_str());
        Ok(client)
    }
}
