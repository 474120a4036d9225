//! The keys that sign tokens. They are made once for all nodes, when the first of them needs one; published for a day before
//! they sign, and for as long after it as a token may be valid; and replaced every `oidc.key_lifetime` days.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::LogLevel;
use crate::crypto::Place;
use crate::crypto::jose::jwk::PublicKey;
use crate::crypto::jose::signing_key::{SigningKey, generate};
use crate::domain::{Code, Context, Error, Operation, Result, SigningAlg, SigningKeyInfo, Timestamp};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::audit::Trail;
use crate::ops::kept::key_set::{Known, SigningKeys};
use crate::store;
use crate::store::Tx;
use crate::store::client::signing_key::{StoredKey, TOUCHED};

/// Hours that a key is published before it signs: clients read the list of keys anew at least once a day.
const PUBLISHED_BEFORE: i64 = 24;

/// Hours that it is published after it: the longest that a token may be valid (`oidc.access_token_lifetime` and the like), and
/// clocks that differ.
const PUBLISHED_AFTER: i64 = 25;

/// Days after that until a key is deleted: ID tokens that have expired still tell who wants to log out.
const KEPT_FOR_HINTS: i64 = 400;

fn place(kid: &str) -> Place<'_> {
    Place { table: "sso_signing_key", column: "private_key", row: kid.as_bytes() }
}

impl Sso {
    /// The keys, with one of this algorithm that signs: it is made if there is none yet.
    ///
    /// # Errors
    /// When the database cannot answer, or a key does not open.
    pub async fn signing_keys_for(&self, alg: SigningAlg) -> Result<Arc<SigningKeys>> {
        let keys = self.known_signing_keys().await?;
        if keys.has(alg, self.now()) {
            return Ok(keys);
        }
        self.make_first_key(alg).await?;
        self.known_signing_keys().await
    }

    /// The keys, with one of each algorithm.
    ///
    /// # Errors
    /// As [`Self::signing_keys_for`].
    pub async fn signing_keys(&self) -> Result<Arc<SigningKeys>> {
        let keys = self.known_signing_keys().await?;
        let now = self.now();
        let missing = SigningAlg::ALL.into_iter().filter(|alg| !keys.has(*alg, now));
        let missing: Vec<SigningAlg> = missing.collect();
        if missing.is_empty() {
            return Ok(keys);
        }
        for alg in missing {
            self.make_first_key(alg).await?;
        }
        self.known_signing_keys().await
    }

    /// The keys that there are.
    pub async fn known_signing_keys(&self) -> Result<Arc<SigningKeys>> {
        let now = self.now();
        let moment = self.db().epochs().moment(now);
        let known = &self.core.clients.keys;
        if let Some(kept) = known.load().as_ref().filter(|kept| moment.holds(kept)) {
            return Ok(Arc::clone(&kept.value));
        }
        let mut conn = self.db().read().await?;
        let stored = store::client::signing_key::all(&mut conn).await?;
        drop(conn);
        // A key that is known already need not be opened again.
        let before = known.load_full();
        let before = before.as_deref().map(|kept| kept.value.as_ref());
        let opened = stored.into_iter().map(|stored| self.open_key(&stored, before, now));
        let keys = Arc::new(SigningKeys(opened.collect::<Result<_>>()?));
        if moment.may_keep() {
            known.store(Some(Arc::new(moment.read(TOUCHED, Arc::clone(&keys)))));
        }
        Ok(keys)
    }

    fn open_key(&self, stored: &StoredKey, before: Option<&SigningKeys>, now: Timestamp) -> Result<Known> {
        let info = stored.info.clone();
        let public = PublicKey::parse(&stored.public_jwk)
            .ok_or_else(|| Error::internal("a value of sso_signing_key.public_jwk is damaged"))?;
        // A node whose clock is behind may sign with it a little longer.
        if info.retirement_time.is_some_and(|retirement| retirement.plus_hours(1) <= now) {
            return Ok(Known { info, public, private: None });
        }
        let known = before.and_then(|keys| keys.0.iter().find(|known| known.info.kid == info.kid));
        let private = match known.and_then(|known| known.private.clone()) {
            Some(private) => private,
            None => {
                let pkcs8 = self.core.keyring.open(place(&info.kid), &stored.private_key)?;
                Arc::new(SigningKey::from_pkcs8(info.alg, &pkcs8)?)
            }
        };
        if private.kid() != info.kid || *private.public() != public {
            return Err(Error::internal("a row of sso_signing_key has the public half of another key"));
        }
        Ok(Known { info, public, private: Some(private) })
    }

    /// Makes the first key of an algorithm, which signs at once. Of several nodes that do, one succeeds, and all have its key.
    async fn make_first_key(&self, alg: SigningAlg) -> Result<()> {
        let now = self.now();
        let key = self.new_key(alg, 1, now, now).await?;
        self.add_own_key(&key).await.map(drop)
    }

    /// Adds a key that nobody has asked for; false if another node was quicker.
    async fn add_own_key(&self, key: &StoredKey) -> Result<bool> {
        self.record(&self.own_context()?, Operation::SigningKeyRotate, async |call| {
            note(&mut call.trail, &key.info);
            let mut tx = self.db().write().await?;
            let is_added = add_key(&mut tx, key, false).await?;
            if is_added {
                self.commit(tx, &mut call.trail).await?;
            } else {
                // The other's may be in the same transaction of the writer: it is there once this has ended.
                tx.commit().await?;
                call.trail.leave_out();
            }
            Ok(is_added)
        })
        .await
    }

    /// Makes a key outside of the async workers: for RSA it takes a while.
    async fn new_key(
        &self,
        alg: SigningAlg,
        number: i64,
        now: Timestamp,
        activation_time: Timestamp,
    ) -> Result<StoredKey> {
        let random = Arc::clone(&self.core.random);
        let made = tokio::task::spawn_blocking(move || -> Result<(Zeroizing<Vec<u8>>, SigningKey)> {
            let pkcs8 = generate(alg, &*random)?;
            let key = SigningKey::from_pkcs8(alg, &pkcs8)?;
            Ok((pkcs8, key))
        });
        let (pkcs8, key) = made.await.map_err(Error::internal)??;
        Ok(StoredKey {
            info: SigningKeyInfo {
                kid: key.kid().to_owned(),
                alg,
                creation_time: now,
                activation_time,
                retirement_time: None,
                expiration_time: None,
            },
            number,
            private_key: self.core.keyring.seal(place(key.kid()), &pkcs8, self.random())?,
            public_jwk: key.public().to_jwk(key.kid()).to_string(),
        })
    }

    /// Makes a new key of each algorithm, for trusted callers. It signs in a day, when all clients know it; or, if the present
    /// ones are not to be trusted any more, at once: then those are published no longer, and what they signed is not valid any
    /// more.
    ///
    /// # Errors
    /// E008001 if there is no provider.
    pub async fn rotate_signing_keys(&self, ctx: &Context, at_once: bool) -> Result<Vec<SigningKeyInfo>> {
        self.run(ctx, Operation::SigningKeyRotate, Actor::Trusted(None), async |call| {
            if !self.config().oidc.is_active() {
                let detail = "there is no OpenID Provider: set oidc.issuer in the configuration";
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            call.trail.note("at_once", at_once.to_string());
            let mut made = Vec::new();
            for alg in SigningAlg::ALL {
                made.push(self.next_key(alg, at_once).await?);
            }
            let mut tx = self.db().write().await?;
            for key in &made {
                if !add_key(&mut tx, key, at_once).await? {
                    let detail =
                        "another node is making new keys as well: look which there are, and try again";
                    return Err(Error::refused(Code::CommonInvalidOperation, detail));
                }
                note(&mut call.trail, &key.info);
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(made.into_iter().map(|key| key.info).collect())
        })
        .await
    }

    /// All signing keys that there are, by algorithm and age. For super-users.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn list_signing_keys(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
    ) -> Result<Vec<SigningKeyInfo>> {
        self.run(ctx, Operation::SigningKeyGetList, actor, async |_| {
            let mut conn = self.db().read().await?;
            let stored = store::client::signing_key::all(&mut conn).await?;
            Ok(stored.into_iter().map(|key| key.info).collect())
        })
        .await
    }

    /// A key that takes the place of the newest of its algorithm.
    async fn next_key(&self, alg: SigningAlg, at_once: bool) -> Result<StoredKey> {
        let mut conn = self.db().read().await?;
        let stored = store::client::signing_key::all(&mut conn).await?;
        drop(conn);
        let newest = stored.iter().filter(|key| key.info.alg == alg).map(|key| key.number).max();
        let now = self.now();
        // The first one has none to take over from.
        let activation = if at_once || newest.is_none() { now } else { now.plus_hours(PUBLISHED_BEFORE) };
        self.new_key(alg, newest.unwrap_or(0) + 1, now, activation).await
    }

    /// Replaces the keys that have signed for long enough, forgets those that nobody asks for any more, and seals what an older
    /// master key has sealed. Every node does it in the background; one succeeds.
    ///
    /// # Errors
    /// When the database cannot answer, or a key does not open.
    pub async fn maintain_signing_keys(&self) -> Result<()> {
        if !self.config().oidc.is_active() {
            return Ok(());
        }
        let mut conn = self.db().read().await?;
        let stored = store::client::signing_key::all(&mut conn).await?;
        drop(conn);
        let now = self.now();
        let lifetime = i64::from(self.config().oidc.key_lifetime);
        for alg in SigningAlg::ALL {
            let newest = stored.iter().filter(|key| key.info.alg == alg).max_by_key(|key| key.number);
            let Some(newest) = newest else { continue };
            let due = newest.info.activation_time.plus_days(lifetime).plus_hours(-PUBLISHED_BEFORE);
            if due > now {
                continue;
            }
            let key = self.new_key(alg, newest.number + 1, now, now.plus_hours(PUBLISHED_BEFORE)).await?;
            if self.add_own_key(&key).await? {
                let told = format!("a new key for {} signs from {}", alg.as_str(), key.info.activation_time);
                self.log().say(LogLevel::Info, "signing_key.made", &told, None);
            }
        }
        let old = |key: &&StoredKey| {
            key.info.expiration_time.is_some_and(|end| end.plus_days(KEPT_FOR_HINTS) < now)
        };
        let to_reseal = |key: &&StoredKey| self.core.keyring.needs_reseal(&key.private_key);
        if stored.iter().any(|key| old(&key) || to_reseal(&key)) {
            let mut tx = self.db().write().await?;
            store::client::signing_key::delete_before(&mut tx, now.plus_days(-KEPT_FOR_HINTS)).await?;
            for key in stored.iter().filter(to_reseal) {
                let pkcs8 = self.core.keyring.open(place(&key.info.kid), &key.private_key)?;
                let sealed = self.core.keyring.seal(place(&key.info.kid), &pkcs8, self.random())?;
                store::client::signing_key::reseal(&mut tx, &key.info.kid, &sealed).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Makes the keys that are missing, before anybody asks for them; a server does it as it starts.
    pub(in crate::ops) fn start_making_keys(&self) {
        if !self.config().oidc.is_active() || !self.core.is_server {
            return;
        }
        let core = Arc::downgrade(&self.core);
        self.core.background.keep(tokio::spawn(async move {
            let Some(core) = core.upgrade() else { return };
            let sso = Self { core };
            // Who needs one makes it, if it cannot be made now.
            if let Err(error) = sso.signing_keys().await {
                sso.log().say(LogLevel::Warning, "signing_key.not_made", &error.to_string(), None);
            }
        }));
    }
}

/// Adds a key that takes the place of those before it; false if another node was quicker.
async fn add_key(tx: &mut Tx, key: &StoredKey, at_once: bool) -> Result<bool> {
    if !store::client::signing_key::insert(tx, key).await? {
        return Ok(false);
    }
    let (alg, activation) = (key.info.alg, key.info.activation_time);
    if at_once {
        store::client::signing_key::withdraw_before(tx, alg, key.number, activation).await?;
    } else {
        let end = activation.plus_hours(PUBLISHED_AFTER);
        store::client::signing_key::retire_before(tx, alg, key.number, activation, end).await?;
    }
    Ok(true)
}

fn note(trail: &mut Trail, info: &SigningKeyInfo) {
    trail.note(info.alg.as_str(), info.kid.as_str());
}
