//! Authenticator data: what an authenticator says and signs (section 6.1).

use coset::cbor::de::from_reader_with_recursion_limit;
use coset::cbor::value::Value;

use crate::crypto::passkey::refusal::Refusal;

/// The longest id of a credential, in bytes.
pub const MAX_CREDENTIAL_ID: usize = 1_023;

/// How deep CBOR may be nested: deeper than any of what is known.
const MAX_DEPTH: usize = 16;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Authenticator data.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    pub rp_id_hash: &'a [u8],
    flags: u8,
    /// How many signatures there were; 0 for who does not count.
    pub counter: u32,
    /// The credential, if it is a new one.
    pub credential: Option<Attested<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub(super) struct Attested<'a> {
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    pub id: &'a [u8],
    /// A COSE key.
    pub key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest, 32)?;
        let [flags] = array(&mut rest)?;
        let counter = u32::from_be_bytes(array(&mut rest)?);
        let credential = match flags & HAS_CREDENTIAL {
            0 => None,
            _ => Some(Attested::read(&mut rest)?),
        };
        if flags & HAS_EXTENSIONS != 0 {
            let extensions = cbor(&mut rest).map_err(|()| Refusal::AuthenticatorData)?;
            if !extensions.is_map() {
                return Err(Refusal::AuthenticatorData);
            }
        }
        let is_possible = flags & BACKED_UP == 0 || flags & BACKUP_ELIGIBLE != 0;
        if !rest.is_empty() || !is_possible {
            return Err(Refusal::AuthenticatorData);
        }
        Ok(Self { rp_id_hash, flags, counter, credential })
    }

    /// Whether somebody has touched the authenticator.
    pub const fn is_user_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    /// Whether that was its owner, by a PIN, a finger or a face.
    pub const fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// Whether the credential may be on several devices.
    pub const fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    /// Whether it is.
    pub const fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

impl<'a> Attested<'a> {
    fn read(rest: &mut &'a [u8]) -> Result<Self, Refusal> {
        let aaguid = array(rest)?;
        let length = usize::from(u16::from_be_bytes(array(rest)?));
        if length == 0 || length > MAX_CREDENTIAL_ID {
            return Err(Refusal::CredentialId);
        }
        let id = take(rest, length)?;
        let before = *rest;
        cbor(rest).map_err(|()| Refusal::Key)?;
        let length = before.len().saturating_sub(rest.len());
        let key = before.get(..length).ok_or(Refusal::Key)?;
        Ok(Self { aaguid, id, key })
    }
}

/// Takes one value of CBOR from the beginning.
pub(super) fn cbor(rest: &mut &[u8]) -> Result<Value, ()> {
    from_reader_with_recursion_limit(rest, MAX_DEPTH).map_err(drop)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refusal> {
    let (taken, left) = rest.split_at_checked(length).ok_or(Refusal::AuthenticatorData)?;
    *rest = left;
    Ok(taken)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Refusal> {
    take(rest, N)?.try_into().map_err(|_| Refusal::AuthenticatorData)
}
