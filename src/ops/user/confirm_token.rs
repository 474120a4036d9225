//! The tokens that confirm sign-ups, after those that a sign-up begins with.

use crate::crypto::token::{self, TokenBits};
use crate::domain::{Password, Result, Timestamp, UserId};
use crate::ops::Sso;
use crate::ops::access::user_row::Column;
use crate::store;
use crate::store::Tx;

impl Sso {
    /// When a sign-up ends that begins now; None is never.
    pub(in crate::ops) fn sign_up_end(&self) -> Option<Timestamp> {
        let hours = i64::from(self.config().signup.confirm_within);
        (hours > 0).then(|| self.now().plus_minutes(hours.saturating_mul(60)))
    }

    /// A sign-up that waits with another email than the one that its token went to gets another token, which is mailed when it
    /// is asked for: who has the former one has not shown that the new email is theirs.
    pub(in crate::ops) async fn end_sign_up_token(&self, tx: &mut Tx, user_id: &UserId) -> Result<()> {
        store::user::signup::set_not_mailed(tx, user_id).await?;
        if store::user::signup::confirmable(tx, user_id, self.now()).await?.is_some() {
            self.give_sign_up_token(tx, user_id).await?;
        }
        Ok(())
    }

    /// Gives a sign-up another token, which is to go to the email that the user has, and nowhere else.
    pub(in crate::ops) async fn give_sign_up_token(&self, tx: &mut Tx, user_id: &UserId) -> Result<Password> {
        let token = token::new_token(&*self.core.random, TokenBits::Bits192)?;
        let sealed = self.seal(Column::SignUpToken, user_id, token.expose())?;
        let digest = token::digest(token.expose());
        store::user::signup::set_token(tx, user_id, &digest, &sealed, self.sign_up_end()).await?;
        Ok(token)
    }
}
