//! Security definitions: credentials of API clients, which linked auth lets act as users.

use data_encoding::HEXLOWER;

use crate::crypto::jose::linked as jwt;
use crate::crypto::{Place, compare, token};
use crate::domain::{
    Code, Context, Error, Operation, Password, Result, SecDef, SecType, TokenRules, check_name,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store::linked_auth::sec_def::{Inserted, SecDefRow};
use crate::store::{self, Conn, Tx};

/// What the digest of a generated secret begins with; the hash of a chosen one begins with a dollar sign.
const DIGEST: &str = "sha256:";

/// The longest audience, in characters.
const MAX_AUDIENCE_LENGTH: usize = 256;

/// The longest time that tokens may be valid, in seconds: ten years.
const MAX_TOKEN_LIFETIME: i64 = 315_360_000;

/// What a security definition is to be made of.
#[derive(Clone, Debug)]
pub struct NewSecDef {
    /// Its kind.
    pub sec_type: SecType,
    /// What it is called.
    pub name: String,
    /// What requests name it by.
    pub username: String,
    /// Its secret; None for a generated one.
    pub secret: Option<Password>,
    /// What it asks of tokens, for JWT.
    pub token: TokenRules,
}

/// A security definition that was just made.
#[derive(Clone, Debug)]
pub struct CreatedSecDef {
    /// The definition.
    pub definition: SecDef,
    /// The secret, if it was generated. It cannot be shown again.
    pub secret: Option<Password>,
}

impl Sso {
    /// Makes a security definition, for the command line. A secret that is not given is 256 random bits.
    ///
    /// # Errors
    /// E008003 without a name, E008002 for one, or for rules of tokens, that are not acceptable, E008001 for one that is taken; E001xxx for the
    /// username; E003xxx for the secret.
    pub async fn create_sec_def(&self, ctx: &Context, new: NewSecDef) -> Result<CreatedSecDef> {
        self.run(ctx, Operation::SecDefCreate, Actor::Trusted(None), async |call| {
            let NewSecDef { sec_type, name, username, secret, token: rules } = new;
            check_token_rules(sec_type, &rules)?;
            let name = check_name("name", Some(name))?
                .ok_or_else(|| Error::refused(Code::CommonMissingInput, "name: it must not be empty"))?;
            let username = self.check_definition(username)?;
            // In a request the username ends at the first colon (RFC 7617, section 2).
            if sec_type == SecType::BasicAuth && username.contains(':') {
                return Err(Error::refused(Code::UsernameInvalid, "username: colons are not allowed"));
            }
            call.trail.note("name", name.as_str());
            let (secret, generated) = match secret {
                Some(secret) => (secret, None),
                None => {
                    let secret = token::new_token(&*self.core.random, token::TokenBits::Bits256)?;
                    (secret.clone(), Some(secret))
                }
            };
            let stored = self.stored_form(sec_type, &secret, generated.is_some()).await?;

            let now = self.now();
            let mut tx = self.db().write().await?;
            let sec_def_id =
                match store::linked_auth::sec_def::insert(&mut tx, sec_type, &name, &username, &rules, now)
                    .await?
                {
                    Inserted::Yes(sec_def_id) => sec_def_id,
                    Inserted::NameTaken => {
                        let detail = "name: there is a definition with this name";
                        return Err(Error::refused(Code::CommonInvalidOperation, detail));
                    }
                    Inserted::UsernameTaken => return Err(Code::UsernameExists.into()),
                };
            let row = sec_def_id.to_string();
            let sealed =
                self.core.keyring.seal(place(&row), stored.expose().as_bytes(), &*self.core.random)?;
            store::linked_auth::sec_def::set_secret(&mut tx, sec_def_id, &sealed).await?;
            self.commit(tx, &mut call.trail).await?;
            let definition = SecDef {
                sec_def_id,
                sec_type,
                name,
                username,
                is_active: true,
                creation_time: now,
                linked_to: None,
                token: rules,
            };
            Ok(CreatedSecDef { definition, secret: generated })
        })
        .await
    }

    /// The username of a definition, which programs send: it is compared as it is.
    fn check_definition(&self, username: String) -> Result<String> {
        let max = self.config().signup.max_length_username;
        match username {
            username if username.is_empty() => Err(Code::UsernameInvalid.into()),
            username if username.chars().any(char::is_whitespace) => Err(Code::UsernameHasWhitespace.into()),
            username if username.chars().any(char::is_control) => {
                Err(Error::refused(Code::UsernameInvalid, "username: control characters are not allowed"))
            }
            username if username.chars().count() > max => {
                Err(Error::refused(Code::UsernameTooLong, format!("username: at most {max} characters")))
            }
            username => Ok(username),
        }
    }

    /// What is sealed of a secret. That of Basic Auth is only ever compared: of a generated one, which cannot be guessed,
    /// a digest is enough; a chosen one is hashed like a password. With that of JWT signatures are
    /// computed, so it must be known again.
    async fn stored_form(
        &self,
        sec_type: SecType,
        secret: &Password,
        is_generated: bool,
    ) -> Result<Password> {
        match (sec_type, is_generated) {
            (SecType::BasicAuth, true) => {
                let digest = HEXLOWER.encode(&token::digest(secret.expose()));
                Ok(Password::from(format!("{DIGEST}{digest}")))
            }
            (SecType::BasicAuth, false) => {
                self.check_password(secret, Vec::new()).await?;
                let salt = self.core.random.bytes()?;
                Ok(Password::from(self.core.hashing.hash(secret.clone(), salt).await?))
            }
            (SecType::Jwt, _) => {
                let length = secret.expose().len();
                if length < jwt::MIN_KEY_BYTES {
                    let detail = format!("a key of JWT has at least {} bytes", jwt::MIN_KEY_BYTES);
                    return Err(Error::refused(Code::PasswordTooShort, detail));
                }
                if length > jwt::MAX_KEY_BYTES {
                    let detail = format!("a key of JWT has at most {} bytes", jwt::MAX_KEY_BYTES);
                    return Err(Error::refused(Code::PasswordTooLong, detail));
                }
                Ok(secret.clone())
            }
        }
    }

    /// What [`Self::stored_form`] has made of a definition's secret.
    pub(in crate::ops) fn open_secret(&self, row: &SecDefRow) -> Result<Password> {
        let opened = self.core.keyring.open(place(&row.sec_def_id.to_string()), &row.secret)?;
        let text = std::str::from_utf8(&opened).map_err(Error::internal)?;
        Ok(Password::from(text))
    }

    /// Whether this is the generated secret, which nobody can guess, of a Basic Auth definition. That costs no hash.
    pub(in crate::ops) fn is_generated_secret(
        &self,
        row: Option<&SecDefRow>,
        secret: &Password,
    ) -> Result<bool> {
        let given = HEXLOWER.encode(&token::digest(secret.expose()));
        let stored = row.map(|row| self.open_secret(row)).transpose()?;
        let digest = stored.as_ref().and_then(|stored| stored.expose().strip_prefix(DIGEST));
        Ok(digest.is_some_and(|digest| compare::equal(digest.as_bytes(), given.as_bytes())))
    }

    /// Whether this, which is not a generated secret, is the chosen one of a Basic Auth definition. A wrong one costs a hash
    /// for every reason.
    pub(in crate::ops) async fn is_chosen_secret(
        &self,
        row: Option<&SecDefRow>,
        secret: &Password,
    ) -> Result<bool> {
        let stored = row.map(|row| self.open_secret(row)).transpose()?;
        match stored.filter(|stored| !stored.expose().starts_with(DIGEST)) {
            Some(stored) => {
                let verdict = self.core.hashing.verify(stored.expose().to_owned(), secret.clone()).await?;
                Ok(verdict != crate::crypto::Verdict::Wrong)
            }
            None => {
                self.core.hashing.verify_unknown(secret.clone()).await?;
                Ok(false)
            }
        }
    }

    /// All security definitions, by name, for trusted callers and super-users. Never their secrets.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn list_sec_defs(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Vec<SecDef>> {
        self.run(ctx, Operation::SecDefList, actor, async |_| {
            let mut conn = self.db().read().await?;
            store::linked_auth::sec_def::all(&mut conn).await
        })
        .await
    }

    /// The security definition with this name, for the command line.
    ///
    /// # Errors
    /// E008002 if there is none.
    pub async fn get_sec_def(&self, ctx: &Context, name: &str) -> Result<SecDef> {
        self.run(ctx, Operation::SecDefGet, Actor::Trusted(None), async |_| {
            let mut conn = self.db().read().await?;
            named(&mut conn, name).await
        })
        .await
    }

    /// Deletes a security definition and its link, for the command line, and ends the sessions that it opened.
    ///
    /// # Errors
    /// E008002 if there is none with this name, E012003 if the user that it is linked to could not log in any more.
    pub async fn delete_sec_def(&self, ctx: &Context, name: &str) -> Result<SecDef> {
        self.run(ctx, Operation::SecDefDelete, Actor::Trusted(None), async |call| {
            let mut tx = self.db().write().await?;
            let definition = named(&mut tx, name).await?;
            call.trail.note("name", definition.name.as_str());
            let (sec_type, id) = (definition.sec_type, definition.sec_def_id);
            // The user's row is held first wherever links and sessions go, so that there is no deadlock.
            let row =
                store::linked_auth::sec_def::by_username(&mut tx, sec_type, &definition.username).await?;
            let user = match row.and_then(|row| row.user_id) {
                Some(user_id) => store::user::account::by_id_for_update(&mut tx, &user_id).await?,
                None => None,
            };
            let could_log_in = match &user {
                Some(user) => self.can_log_in(&mut tx, user).await?,
                None => false,
            };
            // The link goes with it: from here on no session can be opened, and those that are come after.
            if !store::linked_auth::sec_def::delete(&mut tx, id).await? {
                return Err(Error::refused(Code::CommonInvalidInput, "the definition was deleted meanwhile"));
            }
            if let Some(user) = &user {
                self.check_still_can_log_in(&mut tx, user, could_log_in).await?;
            }
            let ended = self.end_sessions_of_definition(&mut tx, sec_type, id).await?;
            call.trail.note("sessions_ended", ended.to_string());
            self.commit(tx, &mut call.trail).await?;
            Ok(definition)
        })
        .await
    }

    /// Ends the sessions that a definition has opened; how many there were.
    pub(in crate::ops) async fn end_sessions_of_definition(
        &self,
        tx: &mut Tx,
        sec_type: SecType,
        sec_def_id: i64,
    ) -> Result<u64> {
        store::session::record::delete_of_definition(tx, &common_ext_session_id(sec_type, sec_def_id)).await
    }
}

async fn named(conn: &mut Conn, name: &str) -> Result<SecDef> {
    let unknown = || Error::refused(Code::CommonInvalidInput, "there is no definition with this name");
    // PostgreSQL knows no NUL in text.
    if name.contains('\0') {
        return Err(unknown());
    }
    store::linked_auth::sec_def::by_name(conn, name).await?.ok_or_else(unknown)
}

/// What all sessions of a definition have in common: it is the id of the only one, or theirs begin with it and a dot.
pub(in crate::ops) fn common_ext_session_id(sec_type: SecType, sec_def_id: i64) -> String {
    format!("{}.{sec_def_id}", sec_type.as_str())
}

/// Where the secret of a definition stands.
fn place(row: &str) -> Place<'_> {
    Place { table: "sso_sec_def", column: "secret", row: row.as_bytes() }
}

fn check_token_rules(sec_type: SecType, rules: &TokenRules) -> Result<()> {
    let refused = |detail: &'static str| Err(Error::refused(Code::CommonInvalidInput, detail));
    if sec_type != SecType::Jwt && *rules != TokenRules::default() {
        return refused("audience and max_lifetime are for definitions of type jwt");
    }
    if let Some(audience) = &rules.audience {
        let length = audience.chars().count();
        if length == 0 || length > MAX_AUDIENCE_LENGTH || audience.chars().any(char::is_control) {
            return refused("audience: 1 to 256 characters, none of them control characters");
        }
    }
    if rules.max_lifetime.is_some_and(|seconds| !(1..=MAX_TOKEN_LIFETIME).contains(&seconds)) {
        return refused("max_lifetime: from 1 second to 315360000, which is ten years");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::config::Loader;
    use crate::crypto::HashPool;
    use crate::domain::{Cid, RemoteAddr};
    use crate::ops::ExternalCredential;

    /// One hashing thread, whose work can be told.
    async fn sso() -> Sso {
        let settings = json!({
            "database.url": "sqlite::memory:",
            "audit.file": "off",
            "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true},
        });
        let sso = Sso::open(Loader::new().arguments(settings).load().unwrap()).await.unwrap();
        let mut core = Arc::into_inner(sso.core).unwrap();
        core.hashing = HashPool::new(core.hashing.params(), 1, core.hashing.limits());
        Sso { core: Arc::new(core) }
    }

    #[tokio::test]
    async fn a_wrong_secret_costs_one_hash_whatever_there_is() {
        let sso = sso().await;
        let ctx = Context {
            cid: Cid::new("test"),
            current_app: "CRM".to_owned(),
            remote_addr: RemoteAddr::default(),
            language: None,
        };
        let define = async |name: &str, secret: Option<&str>| {
            let (sec_type, secret) = (SecType::BasicAuth, secret.map(Password::from));
            let new = NewSecDef {
                sec_type,
                name: name.to_owned(),
                username: name.to_owned(),
                secret,
                token: TokenRules::default(),
            };
            sso.create_sec_def(&ctx, new).await.unwrap().secret
        };
        let generated = define("generated", None).await.unwrap();
        define("chosen", Some("correct horse")).await;
        let cost = async |username: &str, secret: &Password| {
            let mut conn = sso.db().read().await.unwrap();
            let row = store::linked_auth::sec_def::by_username(&mut conn, SecType::BasicAuth, username)
                .await
                .unwrap();
            drop(conn);
            let before = sso.core.hashing.work_kib().await.unwrap();
            let is_right = sso.is_generated_secret(row.as_ref(), secret).unwrap()
                || sso.is_chosen_secret(row.as_ref(), secret).await.unwrap();
            (is_right, sso.core.hashing.work_kib().await.unwrap() - before)
        };
        let wrong = Password::from("wrong");
        for username in ["generated", "chosen", "nobody"] {
            assert_eq!(cost(username, &wrong).await, (false, 64), "{username}");
        }
        assert_eq!(cost("chosen", &Password::from("correct horse")).await, (true, 64));
        assert_eq!(cost("generated", &generated).await, (true, 0));
    }

    #[tokio::test]
    async fn a_throttled_attempt_costs_no_hash() {
        let sso = sso().await;
        let ctx = Context {
            cid: Cid::new("test"),
            current_app: "CRM".to_owned(),
            remote_addr: RemoteAddr::default(),
            language: None,
        };
        let wrong =
            ExternalCredential::Basic { username: "nobody".to_owned(), secret: Password::from("wrong") };
        let mut costs = Vec::new();
        for _ in 0..7 {
            let before = sso.core.hashing.work_kib().await.unwrap();
            sso.authenticate_request(&ctx, &wrong, None, None).await.unwrap_err();
            costs.push(sso.core.hashing.work_kib().await.unwrap() - before);
        }
        assert_eq!(costs, [64, 64, 64, 64, 64, 0, 0]);
    }
}
