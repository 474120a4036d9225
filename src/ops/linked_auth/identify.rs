//! Finds out which security definition a request comes from.

use crate::crypto::jose::linked as jwt;
use crate::domain::{Code, Context, Password, Result, SecType};
use crate::ops::Sso;
use crate::ops::access::throttle::Attempt;
use crate::store;
use crate::store::linked_auth::sec_def::SecDefRow;

/// What signatures of definitions that do not exist are compared with: finding out takes the same work.
const DUMMY_KEY: &[u8] = &[0; jwt::MIN_KEY_BYTES];

/// What a request is authenticated with in place of a session's token.
#[derive(Clone, Debug)]
pub enum ExternalCredential {
    /// Username and secret of a Basic Auth definition.
    Basic {
        /// The username.
        username: String,
        /// The secret.
        secret: Password,
    },
    /// A token signed with the secret of a JWT definition.
    Jwt(Password),
}

/// What shows that a request comes from the client of a definition.
enum Proof<'a> {
    Secret(&'a Password),
    Token(Box<jwt::Jwt<'a>>),
}

/// A definition whose client a request has shown to come from. Whether it may act is not known yet.
pub(in crate::ops) struct Identified {
    pub sec_type: SecType,
    pub username: String,
    pub row: SecDefRow,
    /// What it counts as, and whether others, or it itself, have failed before.
    pub attempt: Attempt,
    pub has_failures: bool,
}

impl Sso {
    /// The definition that a credential is right for.
    ///
    /// # Errors
    /// E005001 for one that is unknown and for a wrong secret or token; E005009 while the delay after wrong secrets lasts.
    pub(in crate::ops) async fn identify(
        &self,
        ctx: &Context,
        credential: &ExternalCredential,
    ) -> Result<Identified> {
        let (sec_type, username, proof) = match credential {
            ExternalCredential::Basic { username, secret } => {
                (SecType::BasicAuth, username.clone(), Proof::Secret(secret))
            }
            ExternalCredential::Jwt(text) => {
                let token = jwt::Jwt::parse(text.expose()).ok_or(Code::AuthNotAllowed)?;
                (SecType::Jwt, token.subject().to_owned(), Proof::Token(Box::new(token)))
            }
        };
        let mut conn = self.db().read().await?;
        let found = store::linked_auth::sec_def::by_username(&mut conn, sec_type, &username).await?;
        // What nobody can guess comes first: who has it does not wait for those who try.
        let is_certain = match &proof {
            Proof::Secret(secret) => self.is_generated_secret(found.as_ref(), secret)?,
            Proof::Token(token) => self.is_signed_for(found.as_ref(), token)?,
        };
        let mut attempt = Attempt::default();
        let mut has_failures = false;
        let mut is_right = is_certain;
        if !is_certain {
            let user_id = found.as_ref().and_then(|row| row.user_id.as_ref());
            attempt = self.secret_attempt(sec_type, &username, user_id, &ctx.remote_addr);
            self.check_throttle_on(&mut conn, &mut attempt).await?;
        }
        drop(conn);
        if let (false, Proof::Secret(secret)) = (is_certain, &proof) {
            is_right = self.is_chosen_secret(found.as_ref(), secret).await?;
        }
        let Some(row) = found.filter(|_| is_right) else {
            self.record_failure(&attempt).await?;
            return Err(Code::AuthNotAllowed.into());
        };
        if !is_certain {
            has_failures = self.check_throttle(&mut attempt).await?;
        }
        // A valid signature was not guessed, whatever the claims say.
        if let Proof::Token(token) = &proof
            && !token.is_good_for(&row.name, &row.token_rules(), self.system_time())
        {
            return Err(Code::AuthNotAllowed.into());
        }
        Ok(Identified { sec_type, username, row, attempt, has_failures })
    }

    /// Ends an attempt that was right: failures are forgotten, and where it came from is remembered.
    pub(in crate::ops) async fn conclude_attempt(&self, attempt: &Attempt, has_failures: bool) -> Result<()> {
        if !has_failures && self.is_place_noted(attempt) {
            return Ok(());
        }
        let mut tx = self.db().write().await?;
        // The user's row before the counters, as everywhere, so that there is no deadlock.
        self.remember_place(&mut tx, attempt).await?;
        if has_failures {
            self.clear_failures(&mut tx, attempt).await?;
        }
        tx.commit().await
    }

    fn is_signed_for(&self, row: Option<&SecDefRow>, token: &jwt::Jwt<'_>) -> Result<bool> {
        let Some(row) = row else {
            let _ = token.is_signed_with(DUMMY_KEY);
            return Ok(false);
        };
        Ok(token.is_signed_with(self.open_secret(row)?.expose().as_bytes()))
    }
}
