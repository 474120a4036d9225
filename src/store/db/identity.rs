//! Which file an SQLite database is. One that was deleted or replaced goes on existing for those who have it open, and
//! for nobody else: what is written into it is lost, and what is read from it is not what others see.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::{Error, Result};

/// The file that was opened.
#[derive(Debug)]
pub struct Identity {
    path: PathBuf,
    opened: (u64, u64),
}

impl Identity {
    /// The file that is there now, which has just been opened.
    ///
    /// # Errors
    /// When there is none any more.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: std::path::absolute(path)?, opened: number(&std::fs::metadata(path)?) })
    }

    /// Makes sure that it is still there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it was deleted, or another one has come in its place.
    pub fn check(&self) -> Result<()> {
        let what = match std::fs::metadata(&self.path) {
            Ok(found) if number(&found) == self.opened => return Ok(()),
            Ok(_) => "replaced",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "deleted",
            Err(error) => return Err(Error::unavailable(error)),
        };
        Err(Error::unavailable(format!(
            "the database file {} was {what} while it was in use: nothing is read from it or written to it any more until \
             it is back, or this process is started again",
            self.path.display()
        )))
    }
}

/// Device and inode.
fn number(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// The path of a file that stands beside a database: its name, with something behind it.
#[must_use]
pub fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
