//! Client data: what the browser says of a ceremony (section 5.8.1). The authenticator signs their hash.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::crypto::passkey::refusal::Refusal;

/// The longest client data that are read, in bytes.
const MAX_LENGTH: usize = 8_192;

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A new credential.
    Create,
    /// A login.
    Get,
}

/// Client data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientData {
    /// What the ceremony was for.
    pub kind: Kind,
    /// The challenge that was answered.
    pub challenge: Vec<u8>,
    /// The web site, as `https://login.example.com`.
    pub origin: String,
    /// Whether it was in a frame of another site.
    pub is_cross_origin: bool,
    hash: [u8; 32],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<serde::de::IgnoredAny>,
}

impl ClientData {
    /// Reads them.
    ///
    /// # Errors
    /// [`Refusal::ClientData`] and [`Refusal::Kind`].
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        if json.len() > MAX_LENGTH {
            return Err(Refusal::ClientData);
        }
        let written: Written = serde_json::from_slice(json).map_err(|_| Refusal::ClientData)?;
        let kind = match written.r#type.as_str() {
            "webauthn.create" => Kind::Create,
            "webauthn.get" => Kind::Get,
            _ => return Err(Refusal::Kind),
        };
        let challenge = BASE64URL_NOPAD.decode(written.challenge.as_bytes());
        let challenge = challenge.ok().filter(|bytes| !bytes.is_empty()).ok_or(Refusal::ClientData)?;
        let is_cross_origin = written.cross_origin.unwrap_or(false) || written.top_origin.is_some();
        let hash = Sha256::digest(json).into();
        Ok(Self { kind, challenge, origin: written.origin, is_cross_origin, hash })
    }

    /// What the authenticator signs.
    pub(super) const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}
