//! What the administration shows of the keys and of the server.

use crate::crypto::{KeyId, SEALED_HEAD, head_of};
use crate::domain::{Context, Operation, Result};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::keyring::database_options;
use crate::ops::metrics::text::{Sample, Text};
use crate::store::LATEST_VERSION;
use crate::store::maintenance::sealed;

/// What has sealed a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBy {
    /// The key that seals what is new.
    Active(KeyId),
    /// An older key of the keyring.
    Other(KeyId),
    /// A key that is not in the keyring: nobody can read the value.
    Missing(KeyId),
    /// Nothing: configuration says that it need not be.
    Nothing,
}

/// Values of one kind that the same key has sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelopes {
    /// The kind, such as `password`.
    pub place: &'static str,
    /// The key.
    pub by: SealedBy,
    /// How many there are.
    pub count: i64,
}

/// The keyring of this process.
#[derive(Clone, Debug)]
pub struct KeyringState {
    /// The ids of its keys, the active one first.
    pub keys: Vec<KeyId>,
    /// What each key has sealed; empty where that was not asked for.
    pub envelopes: Vec<Envelopes>,
}

/// This process and its database.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// Why it cannot do its work; None if it can.
    pub trouble: Option<String>,
    /// The version of this product.
    pub version: &'static str,
    /// Where the database is, without its password.
    pub database: String,
    /// The version of the schema.
    pub schema: i64,
    /// What this process counts.
    pub samples: Vec<Sample>,
}

impl Sso {
    /// The ids of the keys that encrypt what is secret in the database and, if asked for, what each has sealed, for which every row is
    /// read. For super-users.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn get_keyring_state(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        is_counted: bool,
    ) -> Result<KeyringState> {
        self.run(ctx, Operation::KeyringGetState, actor, async |call| {
            let keys: Vec<KeyId> = self.core.keyring.ids().collect();
            call.trail.note("is_counted", is_counted.to_string());
            if !is_counted {
                return Ok(KeyringState { keys, envelopes: Vec::new() });
            }
            let active = self.core.keyring.active_id();
            let mut conn = self.db().read().await?;
            let counted = sealed::count(&mut conn, SEALED_HEAD).await?;
            let envelopes = counted.into_iter().map(|heads| Envelopes {
                place: heads.place,
                by: match head_of(&heads.head) {
                    None => SealedBy::Nothing,
                    Some(key) if key == active => SealedBy::Active(key),
                    Some(key) if keys.contains(&key) => SealedBy::Other(key),
                    Some(key) => SealedBy::Missing(key),
                },
                count: heads.count,
            });
            let envelopes = envelopes.collect();
            Ok(KeyringState { keys, envelopes })
        })
        .await
    }

    /// Whether this process can do its work, and what it counts. For super-users.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn get_server_state(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<ServerState> {
        self.run(ctx, Operation::ServerGetState, actor, async |_| {
            let trouble = self.check_ready().await.err().map(|error| error.to_string());
            let mut text = Text::table();
            self.write_metrics(&mut text).await;
            Ok(ServerState {
                trouble,
                version: env!("CARGO_PKG_VERSION"),
                database: database_options(self.config()).display(),
                schema: LATEST_VERSION,
                samples: text.into_samples(),
            })
        })
        .await
    }
}
