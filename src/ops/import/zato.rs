//! Users of a Zato 3.x server, on their way in: its database is read, and what its Fernet keys protect is opened.
//!
//! What a user cannot do without (who they are, the password, the TOTP key, the email, what was decided about them) is
//! read, or the user is rejected: one imported without it would count as present the next time. Of the rest, what cannot
//! be read is left behind, and told.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::config::{AtRest, DatabaseUrl};
use crate::crypto::fernet::{self, FernetKey};
use crate::domain::{ImportBatch, ImportRecord, ImportSource, Result, Timestamp, Unusable};
use crate::ops::import::zato_user::{Reader, SecDefHere, token_text};
use crate::ops::keyring::options_of;
use crate::store::import::zato::{ZatoAttr, ZatoDb, ZatoError, ZatoLink, ZatoPage, ZatoTotals, ZatoUser};

/// How many users are looked at to see whether the keys are the right ones.
const LOOKED_AT: i64 = 100;

/// Why users of a Zato server cannot be read. Each is one line that says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ZatoOpenError {
    /// Something is wrong with the database.
    #[error(transparent)]
    Database(#[from] ZatoError),
    /// A key is not one.
    #[error(
        "key number {0} of secrets.conf is no Fernet key: it must be 32 bytes in base64url; give the secrets.conf of \
         the server that made the database"
    )]
    NoKey(usize),
    /// No value opens.
    #[error(
        "nothing in the database {0} decrypts with the keys of secrets.conf: give the secrets.conf of the server that \
         made it"
    )]
    WrongKeys(String),
    /// The database went away.
    #[error(transparent)]
    Other(#[from] crate::domain::Error),
}

/// What it takes to read the database of a Zato server.
pub struct ZatoOptions {
    /// Where it is.
    pub from: DatabaseUrl,
    /// The Fernet keys of `secrets.conf`.
    pub keys: Vec<SecretString>,
    /// What is encrypted in it beside TOTP keys and such attributes.
    pub at_rest: AtRest,
    /// The definitions that links are to lead to.
    pub sec_defs: Vec<SecDefHere>,
    /// What has expired by then is not there.
    pub now: Timestamp,
}

/// What is in a database and not imported. Displayed on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// What.
    pub what: &'static str,
    /// How many of them.
    pub count: i64,
    /// Why, or what follows from it.
    pub why: &'static str,
}

impl fmt::Display for LeftBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} not imported, {}", self.what, self.count, self.why)
    }
}

/// The users of a Zato server, one page of its database after the other.
pub struct ZatoSource {
    db: ZatoDb,
    reader: Reader,
    totals: ZatoTotals,
    waiting: VecDeque<ImportRecord>,
    done: u64,
}

impl ZatoSource {
    /// Opens a database for reading, and makes sure that the keys are its own.
    ///
    /// # Errors
    /// [`ZatoOpenError`].
    pub async fn open(options: ZatoOptions) -> Result<Self, ZatoOpenError> {
        let ZatoOptions { from, keys, at_rest, sec_defs, now } = options;
        let key = |(number, key): (usize, &SecretString)| {
            FernetKey::parse(key.expose_secret()).ok_or(ZatoOpenError::NoKey(number))
        };
        let keys: Vec<_> = (1..).zip(&keys).map(key).collect::<Result<_, _>>()?;
        let mut db = ZatoDb::connect(&options_of(&from)).await?;
        check_keys(&mut db, &keys).await?;
        let totals = db.totals().await?;
        let reader = Reader::new(keys, at_rest, sec_defs, now);
        Ok(Self { db, reader, totals, waiting: VecDeque::new(), done: 0 })
    }

    /// What of the database as a whole is not imported. That of single users is told with them. Complete once all of
    /// it was read.
    #[must_use]
    pub fn left_behind(&self) -> Vec<LeftBehind> {
        let ZatoTotals { sessions, session_attrs, password_resets, groups, orphans, .. } = self.totals;
        [
            (sessions, "sessions", "everybody logs in anew"),
            (session_attrs, "attributes of sessions", "their sessions are not imported"),
            (password_resets, "password resets", "users who wait for one ask for it again"),
            (groups, "groups and memberships in them", "there are no groups here"),
            (orphans, "attributes and links of deleted users", "Zato left them behind"),
            (self.reader.expired_attrs(), "expired attributes", "they do not exist any more"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, why)| LeftBehind { what, count, why })
        .collect()
    }
}

/// By reference: when all of it was read, there is more to ask.
impl ImportSource for &mut ZatoSource {
    async fn next_batch(&mut self, limit: usize) -> Result<ImportBatch> {
        if self.waiting.is_empty() {
            let page = self.db.next_page(i64::try_from(limit).unwrap_or(i64::MAX)).await?;
            self.waiting.extend(records(&mut self.reader, page));
        }
        let count = limit.min(self.waiting.len());
        let records: Vec<_> = self.waiting.drain(..count).collect();
        self.done = self.done.saturating_add(u64::try_from(records.len()).unwrap_or(u64::MAX));
        Ok(ImportBatch { records, done: self.done, total: u64::try_from(self.totals.users).ok() })
    }
}

fn records(reader: &mut Reader, page: ZatoPage) -> Vec<ImportRecord> {
    let mut attrs: HashMap<Option<Vec<u8>>, Vec<ZatoAttr>> = HashMap::new();
    for attr in page.attrs {
        attrs.entry(attr.user_id.clone()).or_default().push(attr);
    }
    let mut links: HashMap<Option<Vec<u8>>, Vec<ZatoLink>> = HashMap::new();
    for link in page.links {
        links.entry(link.user_id.clone()).or_default().push(link);
    }
    let mut record = |user: ZatoUser| {
        let attrs = attrs.remove(&user.user_id).unwrap_or_default();
        let links = links.remove(&user.user_id).unwrap_or_default();
        let position = format!("row {}", user.id.unwrap_or_default());
        let username = user.username.as_ref().map(|name| String::from_utf8_lossy(name).into_owned());
        let user = reader.user(user, attrs, links).map(Box::new);
        ImportRecord { position, user: user.map_err(|reason| Unusable { username, reason }) }
    };
    page.users.into_iter().map(&mut record).collect()
}

/// Of what is encrypted, something must open: before anything is written, for with another server's keys nobody would
/// come over. That not all of it does is a matter of single users.
async fn check_keys(db: &mut ZatoDb, keys: &[FernetKey]) -> Result<(), ZatoOpenError> {
    let page = db.next_page(LOOKED_AT).await?;
    db.rewind();
    let values = page.users.iter().flat_map(|user| [&user.password, &user.email, &user.totp_key]);
    let texts = values.flatten().filter_map(|value| token_text(value));
    let mut is_any = false;
    for text in texts {
        match fernet::open(keys, &text) {
            Ok(_) => return Ok(()),
            Err(fernet::FernetError::NotOurs) => is_any = true,
            Err(fernet::FernetError::Malformed) => {}
        }
    }
    if is_any { Err(ZatoOpenError::WrongKeys(db.url().to_owned())) } else { Ok(()) }
}
