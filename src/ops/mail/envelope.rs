//! What a row of the outbox holds, sealed: an email with its address, or what somebody asked for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::crypto::{Keyring, Place};
use crate::domain::{Cid, Context, EmailKind, Error, Language, Random, RemoteAddr, Result};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::ops) enum RequestKind {
    /// A token to choose a new password with.
    PasswordReset,
    /// The token of a sign-up once more.
    SignUpConfirm,
}

impl RequestKind {
    /// The kind of its rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset-request",
            Self::SignUpConfirm => "signup-confirm-request",
        }
    }

    /// The email that may come of it.
    pub const fn email(self) -> EmailKind {
        match self {
            Self::PasswordReset => EmailKind::PasswordReset,
            Self::SignUpConfirm => EmailKind::SignupConfirm,
        }
    }
}

/// The longest credential that is kept: no username and no email is longer.
const MAX_CREDENTIAL: usize = 1024;

/// A row's content, and the call that it comes from.
#[derive(Serialize, Deserialize)]
pub(in crate::ops) struct Envelope {
    cid: String,
    current_app: String,
    remote_addr: String,
    /// Of who has asked for it; none in what was put there before languages were.
    #[serde(default)]
    language: Option<String>,
    /// What it is about.
    pub content: Content,
}

/// What a row is about.
#[derive(Serialize, Deserialize)]
pub(in crate::ops) enum Content {
    /// An email that is written.
    Letter(Letter),
    /// A request of somebody who may be a stranger. Whom it is about is looked up later, so that the answer takes as
    /// long whoever that is.
    Request(Request),
}

/// An email that is written. Its id is the row's, and its sender what configuration says when it is sent.
#[derive(Serialize, Deserialize)]
pub(in crate::ops) struct Letter {
    pub username: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

/// What somebody asked for.
#[derive(Serialize, Deserialize)]
pub(in crate::ops) struct Request {
    /// What for.
    pub kind: RequestKind,
    /// A username or an email.
    pub credential: String,
    /// What they asked with.
    pub user_agent: Option<String>,
}

impl Request {
    /// A request. A credential that is too long to be anybody's is as good as none.
    pub fn new(kind: RequestKind, credential: &str, user_agent: Option<String>) -> Self {
        let credential = if credential.len() > MAX_CREDENTIAL { "" } else { credential };
        Self { kind, credential: credential.to_owned(), user_agent }
    }
}

impl Envelope {
    /// An envelope of this call.
    pub fn new(ctx: &Context, content: Content) -> Self {
        Self {
            cid: ctx.cid.as_str().to_owned(),
            current_app: ctx.current_app.clone(),
            remote_addr: ctx.remote_addr.joined(),
            language: ctx.language.map(|language| language.as_str().to_owned()),
            content,
        }
    }

    /// The call that it comes from.
    pub fn context(&self) -> Context {
        Context {
            cid: Cid::new(&self.cid),
            current_app: self.current_app.clone(),
            remote_addr: RemoteAddr::from(self.remote_addr.as_str()),
            language: self.language.as_deref().and_then(Language::of_tag),
        }
    }

    /// Seals it for the row with this id.
    pub fn seal(&self, keyring: &Keyring, message_id: Uuid, random: &dyn Random) -> Result<Vec<u8>> {
        let json = Zeroizing::new(serde_json::to_vec(self).map_err(Error::internal)?);
        keyring.seal(place(&message_id), &json, random)
    }

    /// Opens what was sealed for the row with this id.
    ///
    /// # Errors
    /// For anything else.
    pub fn open(keyring: &Keyring, message_id: Uuid, sealed: &[u8]) -> Result<Self> {
        let json = keyring.open(place(&message_id), sealed)?;
        // What is wrong with it may quote it.
        serde_json::from_slice(&json)
            .map_err(|_| Error::internal("a message of the outbox is not understood"))
    }
}

fn place(message_id: &Uuid) -> Place<'_> {
    Place { table: "sso_outbox", column: "message", row: message_id.as_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SystemRandom;

    #[test]
    fn an_envelope_opens_in_its_row_only() {
        let keyring = Keyring::parse("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let ctx = Context {
            cid: Cid::new("cid"),
            current_app: "CRM".to_owned(),
            remote_addr: RemoteAddr::from("10.0.0.1, 10.0.0.2"),
            language: Some(Language::Polish),
        };
        let request = Request::new(RequestKind::PasswordReset, "planted", None);
        let id = Uuid::from_u128(1);
        let sealed =
            Envelope::new(&ctx, Content::Request(request)).seal(&keyring, id, &SystemRandom).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("planted"));
        let opened = Envelope::open(&keyring, id, &sealed).unwrap();
        assert_eq!(opened.context().remote_addr, ctx.remote_addr);
        assert_eq!(opened.context().language, ctx.language);
        assert!(
            matches!(opened.content, Content::Request(Request { credential, .. }) if credential == "planted")
        );
        assert!(Envelope::open(&keyring, Uuid::from_u128(2), &sealed).is_err());
    }

    #[test]
    fn a_credential_that_nobody_can_have_is_not_kept() {
        assert_eq!(Request::new(RequestKind::PasswordReset, &"x".repeat(100_000), None).credential, "");
    }
}
