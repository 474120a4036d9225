//! Tickets: what a step of a login has proved, sealed, for whoever logs in to keep until the next.
//!
//! A ticket says whose password, and code, was right; it holds neither. It is good for some minutes, and for as long as
//! password and TOTP key are the same. Everything else about the user is checked anew in each step.

use std::sync::{Arc, OnceLock};

use data_encoding::BASE64URL_NOPAD;

use crate::crypto::{Place, token};
use crate::domain::{Password, Result};
use crate::ops::Sso;
use crate::ops::access::methods;
use crate::store::user::account::UserRow;

/// For how long a ticket is good.
const GOOD_FOR_MINUTES: i64 = 10;

const PLACE: Place<'static> = Place { table: "login", column: "ticket", row: b"" };

/// Where a login leaves its ticket.
pub(in crate::ops) type Slot = Arc<OnceLock<Left>>;

/// A ticket, and the username of whom it is about.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Left {
    pub ticket: Password,
    pub username: String,
}

/// What earlier steps of a login have proved, and where this one leaves what it has.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    pub(in crate::ops) ticket: Option<Password>,
    pub(in crate::ops) slot: Option<Slot>,
}

/// What a ticket has proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Proved {
    Password,
    /// A passkey that has not verified its user.
    Passkey,
    /// All that was asked for, by these methods; None for a password alone.
    All(Option<&'static str>),
}

impl Proved {
    fn word(self) -> String {
        match self {
            Self::Password => "password".to_owned(),
            Self::Passkey => "passkey".to_owned(),
            Self::All(methods) => format!("all:{}", methods.unwrap_or_default().replace(' ', "+")),
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "password" => Some(Self::Password),
            "passkey" => Some(Self::Passkey),
            "all:" => Some(Self::All(None)),
            _ => methods::known(&word.strip_prefix("all:")?.replace('+', " ")).map(Some).map(Self::All),
        }
    }
}

impl Sso {
    /// Leaves a ticket where the login asks for one.
    pub(in crate::ops) fn leave_ticket(&self, steps: &Steps, row: &UserRow, proved: Proved) -> Result<()> {
        let Some(slot) = &steps.slot else { return Ok(()) };
        let until = self.now().plus_minutes(GOOD_FOR_MINUTES).as_micros();
        let text = format!("{} {until} {} {}", proved.word(), row.user_id.as_str(), secrets_of(row));
        let sealed = self.core.keyring.seal(PLACE, text.as_bytes(), &*self.core.random)?;
        // There is one in it already where a step has got further than the one before.
        let ticket = Password::from(BASE64URL_NOPAD.encode(&sealed));
        drop(slot.set(Left { ticket, username: row.username.clone() }));
        Ok(())
    }

    /// What a ticket has proved of a user; None if it is not good.
    pub(in crate::ops) fn open_ticket(&self, ticket: &Password, row: &UserRow) -> Option<Proved> {
        let sealed = BASE64URL_NOPAD.decode(ticket.expose().as_bytes()).ok()?;
        let opened = self.core.keyring.open(PLACE, &sealed).ok()?;
        let mut parts = std::str::from_utf8(&opened).ok()?.split(' ');
        let proved = Proved::parse(parts.next()?)?;
        let until: i64 = parts.next()?.parse().ok()?;
        let is_whose = parts.next()? == row.user_id.as_str() && parts.next()? == secrets_of(row);
        (is_whose && self.now().as_micros() < until).then_some(proved)
    }
}

/// What stands for the password and the TOTP key that a user has now: their envelopes are new with each.
fn secrets_of(row: &UserRow) -> String {
    let encode = |envelope: Option<&Vec<u8>>| envelope.map(|bytes| BASE64URL_NOPAD.encode(bytes));
    let (hash, key) = (encode(row.password_hash.as_ref()), encode(row.totp_key.as_ref()));
    BASE64URL_NOPAD.encode(&token::digest(&format!("{hash:?} {key:?} {}", row.is_totp_enabled)))
}
