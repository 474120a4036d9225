//! What this machine has seen of the chain, in memory and in a file outside of the database: who can change the database alone
//! cannot put an older one in its place, or cut its end off, without that being told.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;

use crate::config::{Config, LogLevel};
use crate::crypto::audit::{AuditKeys, Digested};
use crate::domain::{Result, Timestamp};
use crate::ops::journal::Log;
use crate::store::audit::chain::Head;
use crate::store::{self, Conn, beside};

/// A place of the chain that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Seen {
    pub seq: i64,
    pub digest: Vec<u8>,
    pub time: Timestamp,
}

/// The last place that this process knows of.
#[derive(Debug, Default)]
pub(in crate::ops) struct LastSeen(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    seen: Option<Seen>,
    is_told: bool,
    is_unwritable: bool,
}

impl Seen {
    fn new(head: &Head) -> Self {
        Self { seq: head.head_seq, digest: head.head_digest.clone(), time: head.head_time }
    }

    fn text(&self, keys: &AuditKeys) -> Option<String> {
        let seal =
            keys.newest()?.digest(Digested::Seen, &self.parts(&self.seq.to_be_bytes(), &self.time_bytes()));
        let (digest, seal) = (HEXLOWER.encode(&self.digest), HEXLOWER.encode(&seal));
        Some(format!("{} {digest} {} {seal}\n", self.seq, self.time.as_micros()))
    }

    fn time_bytes(&self) -> [u8; 8] {
        self.time.as_micros().to_be_bytes()
    }

    fn parts<'a>(&'a self, seq: &'a [u8; 8], time: &'a [u8; 8]) -> [Option<&'a [u8]>; 3] {
        [Some(seq), Some(&self.digest), Some(time)]
    }

    /// Reads a line; None if nobody with a key has written it.
    fn parse(text: &str, keys: &AuditKeys) -> Option<Self> {
        let mut words = text.split_whitespace();
        let seq = words.next()?.parse().ok()?;
        let digest = HEXLOWER.decode(words.next()?.as_bytes()).ok()?;
        let time = Timestamp::from_micros(words.next()?.parse().ok()?);
        let seal = HEXLOWER.decode(words.next()?.as_bytes()).ok()?;
        let seen = Self { seq, digest, time };
        let is_ours = keys.verify(Digested::Seen, &seen.parts(&seq.to_be_bytes(), &seen.time_bytes()), &seal);
        is_ours.then_some(seen)
    }

    /// Whether the database still has what was seen, or has deleted it after it was checked.
    pub async fn is_in(&self, conn: &mut Conn, head: Option<&Head>) -> Result<bool> {
        let Some(head) = head else { return Ok(self.seq == 0) };
        if self.seq < head.checkpoint_seq || self.seq == 0 {
            return Ok(true);
        }
        if self.seq == head.checkpoint_seq {
            return Ok(self.digest == head.checkpoint_digest);
        }
        Ok(store::audit::chain::digest_of(conn, self.seq).await?.as_ref() == Some(&self.digest))
    }
}

/// The file of what was seen, if there is to be one: as configured; else beside the key file, of servers and where it is already.
pub(in crate::ops) fn file(config: &Config, is_server: bool) -> Option<PathBuf> {
    if let Some(path) = &config.audit.head_file {
        return Some(path.clone());
    }
    let path = beside(&config.secret_key_file().filter(|path| path.exists())?, ".audit-head");
    (is_server || path.exists()).then_some(path)
}

/// What the file says.
///
/// # Errors
/// Why it cannot be read, or is not what was written.
pub(in crate::ops) fn read(path: &Path, keys: &AuditKeys) -> std::result::Result<Option<Seen>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Seen::parse(&text, keys).map(Some).ok_or_else(|| {
            format!("{} is not what this product has written for this database", path.display())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = beside(path, &format!(".{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft)?.write_all(text.as_bytes())?;
    fs::rename(&draft, path).inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// What is remembered, and where.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Memory<'a> {
    pub seen: &'a LastSeen,
    pub config: &'a Config,
    pub is_server: bool,
    pub log: &'a Log,
}

impl Memory<'_> {
    /// Compares what was seen with what is there, and remembers where the chain ends now. What does not fit is told in the log, and
    /// stays remembered.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn note(&self, conn: &mut Conn, keys: &AuditKeys) -> Result<()> {
        let path = file(self.config, self.is_server);
        // Other processes of this machine may have seen more.
        let (of_file, is_ours) = match path.as_deref().map(|path| read(path, keys)) {
            None | Some(Ok(None)) => (None, true),
            Some(Ok(seen)) => (seen, true),
            Some(Err(why)) => {
                if self.seen.is_first_failure() {
                    self.log.say(LogLevel::Warning, "audit.head_not_kept", &why, None);
                }
                (None, false)
            }
        };
        let own = self.seen.get();
        let head = store::audit::chain::head(conn).await?;
        for former in [&own, &of_file].into_iter().flatten() {
            if former.is_in(conn, head.as_ref()).await? {
                continue;
            }
            if self.seen.is_first_loss() {
                let text = format!(
                    "the audit's chain had entry {} on {}, and has it no more: an older copy of the database is in its \
                     place, or entries were deleted; run zato-sso doctor --audit",
                    former.seq, former.time
                );
                self.log.say(LogLevel::Error, "audit.went_back", &text, None);
            }
            return Ok(());
        }
        let Some(seen) = head.as_ref().map(Seen::new) else { return Ok(()) };
        let is_news = of_file.as_ref() != Some(&seen) && is_ours;
        if let (Some(path), Some(text), true) = (&path, seen.text(keys), is_news)
            && let Err(error) = write(path, &text)
            && self.seen.is_first_failure()
        {
            let text = format!(
                "{} cannot be written: {error}; set audit.head_file to a path that can",
                path.display()
            );
            self.log.say(LogLevel::Warning, "audit.head_not_kept", &text, None);
        }
        self.seen.set(seen);
        Ok(())
    }
}

impl LastSeen {
    fn get(&self) -> Option<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    fn set(&self, seen: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen = Some(seen);
    }

    fn is_first_loss(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).is_told, true)
    }

    fn is_first_failure(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).is_unwritable, true)
    }
}
