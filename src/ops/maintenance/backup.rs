//! Backup and restore of an SQLite database, both while others use it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::config::{Config, DatabaseUrl};
use crate::crypto::KeyId;
use crate::ops::keyring::{KEYRING_CHECK, OpenError, existing_keyring, missing_key};
use crate::store::maintenance::copy::{replace_data, write_copy};
use crate::store::maintenance::doctor::{Health, health};
use crate::store::{self, Db, Options, SchemaState, beside};

/// What stands behind the name of a backup in the name of the file that says which key it needs.
const KEY_ID: &str = ".key-id";

/// Why there is no backup, or nothing was restored. Each is one line that says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something about the database or the key.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something about a file.
    #[error("{0}")]
    File(String),
}

/// A backup that was made or restored.
#[derive(Clone, Copy, Debug)]
pub struct Backup {
    /// How large its file is, in bytes.
    pub bytes: u64,
    /// Which key belongs to it.
    pub key: KeyId,
}

/// Writes a copy of the database, as it is at one moment, into a new file that only its owner may read. Beside it, in
/// `FILE.key-id`, stands which key belongs to it; the key itself does not. What a crash leaves is no file of that name.
///
/// # Errors
/// When the database is not of SQLite or does not fit its key, or the file cannot be written or is there already.
pub async fn back_up(config: &Config, to: &Path) -> Result<Backup, BackupError> {
    let from = sqlite_path(config, "pg_dump")?;
    if !from.exists() {
        return Err(BackupError::File(format!("there is no database {}", from.display())));
    }
    if to.exists() {
        return Err(BackupError::File(format!("{} exists already: choose another name", to.display())));
    }
    let failed = |error: io::Error| BackupError::File(format!("cannot write {}: {error}", to.display()));
    let part = Scratch::new(beside(to, ".part")).map_err(failed)?;
    write_copy(from, &part.path).await.map_err(OpenError::from)?;
    let key = check_copy(config, &part.path).await?;
    let file = File::open(&part.path).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let mut about = private(&beside(to, KEY_ID)).map_err(failed)?;
    about.set_len(0).map_err(failed)?;
    writeln!(about, "{key}").and_then(|()| about.sync_all()).map_err(failed)?;
    fs::rename(&part.path, to).map_err(failed)?;
    sync_folder(to).map_err(failed)?;
    Ok(Backup { bytes, key })
}

/// Puts the data of a backup in the place of the data that the database has, in one transaction: it may be in use, and a
/// crash leaves the one or the other. The backup may be of an older version. A database that is not there is created.
///
/// # Errors
/// When the backup is damaged, of a newer version, or of another key, or the database is damaged; nothing has changed then.
pub async fn restore(config: &Config, from: &Path) -> Result<Backup, BackupError> {
    let path = sqlite_path(config, "pg_restore")?;
    let failed = |error: io::Error| BackupError::File(format!("cannot read {}: {error}", from.display()));
    let bytes = fs::metadata(from).map_err(failed)?.len();
    if beside(from, "-wal").metadata().is_ok_and(|wal| wal.len() > 0) {
        let reason = format!(
            "{} is a database in use, or a copy of one: part of its data is in the file beside it that ends in -wal; \
             create a backup with zato-sso backup",
            from.display()
        );
        return Err(BackupError::File(reason));
    }
    let scratch = Scratch::new(beside(path, ".restore"))
        .map_err(|error| BackupError::File(format!("cannot write {}.restore: {error}", path.display())))?;
    copy_file(from, &scratch.path).map_err(failed)?;
    let key = check_copy(config, &scratch.path).await.map_err(|error| in_file(from, error))?;
    // What is migrated is a copy of the backup.
    let options = Options::SqliteFile(scratch.path.clone());
    let source = Db::connect(&options, 1).await.map_err(OpenError::from)?;
    let migrated = source.migrate(&from.display().to_string()).await;
    source.close().await;
    migrated.map_err(OpenError::from)?;

    let replaced = put_back(path, &scratch.path).await;
    replaced.map_err(|error| {
        BackupError::File(format!(
            "nothing was restored: {error}; if the database is damaged, stop all processes that use it, move {0}, {0}-wal \
             and {0}-shm away, and run this again",
            path.display()
        ))
    })?;
    Ok(Backup { bytes, key })
}

async fn put_back(path: &Path, copy: &Path) -> Result<(), OpenError> {
    let options = Options::SqliteFile(path.to_owned());
    let db = Db::connect(&options, 1).await?;
    let replaced = async {
        // What is damaged may give the restored data back damaged.
        if let Health::Sqlite { damage: Some(damage), .. } = health(&db).await? {
            return Err(OpenError::Config(format!("{} is damaged: {damage}", options.display())));
        }
        db.migrate(&options.display()).await?;
        Ok(replace_data(&db, copy).await?)
    };
    let replaced = replaced.await;
    db.close().await;
    replaced
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = OpenOptions::new().write(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    Ok(())
}

/// Whether a copy is whole, has a schema that is known, and belongs to the key that is here; which key that is.
async fn check_copy(config: &Config, path: &Path) -> Result<KeyId, BackupError> {
    let options = Options::SqliteFile(path.to_owned());
    let url = options.display();
    let db = Db::connect_to_look(&options).await.map_err(OpenError::from)?;
    let looked = async {
        let state = db.schema_state(&url).await?;
        let damage = match health(&db).await? {
            Health::Sqlite { damage, .. } => damage,
            Health::Postgres { .. } => None,
        };
        let mut conn = db.read().await?;
        Ok::<_, OpenError>((state, damage, store::db::setting::get(&mut conn, KEYRING_CHECK).await))
    };
    let looked = looked.await;
    db.close().await;
    let (state, damage, check) = looked?;
    if let Some(damage) = damage {
        return Err(BackupError::File(format!("it is damaged: {damage}")));
    }
    match state {
        SchemaState::Current | SchemaState::Older(_) => {}
        SchemaState::Empty => return Err(BackupError::File("it is no database of zato-sso".to_owned())),
        SchemaState::Newer(version) => {
            let reason = format!("its schema has version {version}, which is newer than this zato-sso knows");
            return Err(BackupError::File(reason));
        }
    }
    let check = check.map_err(OpenError::from)?;
    let keyring = existing_keyring(config)?.ok_or_else(|| missing_key(config, &url))?.keyring;
    if let Some(check) = check {
        keyring.verify_check(&check).map_err(OpenError::from)?;
    }
    Ok(keyring.active_id())
}

fn in_file(file: &Path, error: BackupError) -> BackupError {
    match error {
        BackupError::File(reason) => BackupError::File(format!("{}: {reason}", file.display())),
        BackupError::Open(error) => BackupError::File(format!("{}: {error}", file.display())),
    }
}

fn sqlite_path<'a>(config: &'a Config, program: &str) -> Result<&'a Path, BackupError> {
    match &config.database.url {
        DatabaseUrl::SqliteFile(path) => Ok(path),
        DatabaseUrl::SqliteMemory => {
            Err(BackupError::File("a database in memory ends with its process".to_owned()))
        }
        DatabaseUrl::Postgres(_) => Err(BackupError::File(format!(
            "this is for SQLite: use {program}, or the usual backup of your PostgreSQL server"
        ))),
    }
}

/// A file that only its owner may read. What is in it stays until it is written.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A rename lasts when the folder does.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A file that goes away with what SQLite puts beside it, unless it was renamed. One process has it at a time.
struct Scratch {
    path: PathBuf,
    /// Held as long as the process has the file: a crash frees it.
    _lock: File,
}

impl Scratch {
    /// Makes it, empty. What an earlier run has left behind is removed.
    fn new(path: PathBuf) -> io::Result<Self> {
        let lock = private(&path)?;
        lock.try_lock()
            .map_err(|_| io::Error::new(ErrorKind::WouldBlock, "another process is writing it"))?;
        if !is_at(&lock, &path) {
            return Err(io::Error::new(ErrorKind::WouldBlock, "another process has just written it"));
        }
        lock.set_len(0)?;
        let scratch = Self { path, _lock: lock };
        scratch.remove_beside();
        Ok(scratch)
    }

    fn remove_beside(&self) {
        for end in ["-wal", "-shm", "-journal", "-epoch"] {
            drop(fs::remove_file(beside(&self.path, end)));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove_beside();
        drop(fs::remove_file(&self.path));
    }
}

/// Whether an open file is the one of this name: its last owner may have removed it meanwhile.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same =
        |here: &fs::Metadata, there: &fs::Metadata| here.dev() == there.dev() && here.ino() == there.ino();
    matches!((file.metadata(), fs::metadata(path)), (Ok(here), Ok(there)) if same(&here, &there))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
