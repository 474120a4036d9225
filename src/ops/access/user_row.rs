//! Rows of users: found by name, and the envelopes in them.

use crate::crypto::{Place, plain};
use crate::domain::{Error, Password, Result, UserId};
use crate::ops::Sso;
use crate::store;
use crate::store::user::account::UserRow;

/// A column of `sso_user` that holds an envelope.
#[derive(Clone, Copy)]
pub(in crate::ops) enum Column {
    Email,
    PasswordHash,
    TotpKey,
    TotpLabel,
    SignUpToken,
}

impl Column {
    fn place<'a>(self, user_id: &'a UserId) -> Place<'a> {
        let column = match self {
            Self::Email => "email",
            Self::PasswordHash => "password_hash",
            Self::TotpKey => "totp_key",
            Self::TotpLabel => "totp_label",
            Self::SignUpToken => "sign_up_token",
        };
        Place { table: "sso_user", column, row: user_id.as_str().as_bytes() }
    }
}

impl Sso {
    /// The row with this name, in whatever form the name is written.
    pub(in crate::ops) async fn row_by_username(&self, username: &str) -> Result<Option<UserRow>> {
        let mut conn = self.db().read().await?;
        store::user::account::by_username(&mut conn, username, &self.username_key(username)).await
    }

    pub(in crate::ops) fn seal(&self, column: Column, user_id: &UserId, text: &str) -> Result<Vec<u8>> {
        self.core.keyring.seal(column.place(user_id), text.as_bytes(), &*self.core.random)
    }

    pub(in crate::ops) fn seal_email(&self, user_id: &UserId, email: &str) -> Result<Vec<u8>> {
        if self.config().main.encrypt_email {
            self.seal(Column::Email, user_id, email)
        } else {
            Ok(plain(email.as_bytes()))
        }
    }

    /// What an envelope of a user holds. Whether emails and hashes are sealed is up to configuration, which may have
    /// been otherwise when they were written; TOTP keys and labels always are.
    pub(in crate::ops) fn unseal(
        &self,
        column: Column,
        user_id: &UserId,
        envelope: &[u8],
    ) -> Result<Password> {
        let place = column.place(user_id);
        let opened = match column {
            Column::Email | Column::PasswordHash => self.core.keyring.open_or_plain(place, envelope),
            Column::TotpKey | Column::TotpLabel | Column::SignUpToken => {
                self.core.keyring.open(place, envelope)
            }
        }?;
        let text = std::str::from_utf8(&opened).map_err(Error::internal)?;
        Ok(Password::from(text))
    }
}
