//! The file that holds the keyring: read, or made once however many processes start at the same moment.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::crypto::keyring::ring::{Keyring, KeyringError};
use crate::domain::{Random, Timestamp};

/// More than any keyring needs; less than what a wrong path may lead to.
const MAX_BYTES: u64 = 1024 * 1024;

/// A keyring that comes from a file.
#[derive(Debug)]
pub struct LoadedKeyring {
    /// The keys.
    pub keyring: Keyring,
    /// Whether the file was made just now.
    pub created: bool,
    /// The mode of the file where it lets others than its owner in, which is worth a warning: it should be 0600.
    pub wide_mode: Option<u32>,
}

impl Keyring {
    /// Reads the key file. For a database that exists: a new key would not open it.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn load(path: &Path) -> Result<LoadedKeyring, KeyringError> {
        let (text, wide_mode) = read(path).map_err(|error| not_read(path, error))?;
        let keyring = Self::parse(&text)
            .map_err(|source| KeyringError::Invalid { path: path.to_owned(), source: Box::new(source) })?;
        Ok(LoadedKeyring { keyring, created: false, wide_mode })
    }

    /// Reads the key file, or makes one with a new key and mode 0600 if there is none. For a new database.
    /// When several processes do so at the same time, one of them makes the file and all return its key.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn load_or_create(
        path: &Path,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<LoadedKeyring, KeyringError> {
        match Self::load(path) {
            Err(KeyringError::Missing { .. }) => {}
            result => return result,
        }
        let keyring = Self::generate(random, now).map_err(KeyringError::Random)?;
        let suffix: [u8; 8] = random.bytes().map_err(KeyringError::Random)?;
        let draft = draft_path(path, suffix);
        let result = publish(&keyring, &draft, path);
        // Also after an error half-way. What is left after a kill is a key that nothing was sealed with.
        let _ = fs::remove_file(&draft);
        match result {
            Ok(()) => Ok(LoadedKeyring { keyring, created: true, wide_mode: None }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(KeyringError::NotCreated { path: path.to_owned(), source }),
        }
    }
}

fn read(path: &Path) -> io::Result<(Zeroizing<String>, Option<u32>)> {
    let file = File::open(path)?;
    let mode = wide_mode(&file)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is too large for a keyring"));
    }
    let text = str::from_utf8(&bytes)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it holds something else than text"))?;
    Ok((Zeroizing::new(text.to_owned()), mode))
}

fn not_read(path: &Path, source: io::Error) -> KeyringError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => KeyringError::Missing { path },
        ErrorKind::PermissionDenied => KeyringError::Forbidden { path },
        _ => KeyringError::Unreadable { path, source },
    }
}

/// Beside the file itself: a link cannot lead to another file system.
fn draft_path(path: &Path, suffix: [u8; 8]) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}.tmp", HEXLOWER.encode(&suffix)));
    path.with_file_name(name)
}

/// Writes the whole file under another name first, then links it to its own. Unlike a rename, a link fails where
/// there is a file already; so exactly one of many succeeds, and no process ever reads half a file.
fn publish(keyring: &Keyring, draft: &Path, path: &Path) -> io::Result<()> {
    let mut file = private_options().write(true).create_new(true).open(draft)?;
    file.write_all(keyring.to_file_text().as_bytes())?;
    file.sync_all()?;
    fs::hard_link(draft, path)?;
    sync_folder(path);
    Ok(())
}

/// So that the name of the file survives a power failure as its content does. Not every file system can.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(unix)]
fn private_options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_options() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn wide_mode(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn wide_mode(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Error, SystemRandom};
    use std::sync::Barrier;

    const NOW: Timestamp = Timestamp::from_micros(1_772_034_712_000_000);

    fn load_or_create(path: &Path) -> Result<LoadedKeyring, KeyringError> {
        Keyring::load_or_create(path, &SystemRandom, NOW)
    }

    #[test]
    fn a_missing_file_is_made_once_and_read_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.db.key");
        let first = load_or_create(&path).unwrap();
        let second = load_or_create(&path).unwrap();
        assert_eq!((first.created, second.created), (true, false));
        assert_eq!(first.keyring.active_id(), second.keyring.active_id());
        assert_eq!(Keyring::load(&path).unwrap().keyring.active_id(), first.keyring.active_id());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn sixteen_at_once_make_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.db.key");
        let start = Barrier::new(16);
        let loaded: Vec<_> = std::thread::scope(|scope| {
            let race = || {
                start.wait();
                load_or_create(&path).unwrap()
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(race)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let expected = Keyring::load(&path).unwrap().keyring.active_id();
        assert!(loaded.iter().all(|loaded| loaded.keyring.active_id() == expected));
        assert_eq!(loaded.iter().filter(|loaded| loaded.created).count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_a_wider_mode_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.db.key");
        assert_eq!(load_or_create(&path).unwrap().wide_mode, None);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(load_or_create(&path).unwrap().wide_mode, Some(0o640));
    }

    #[test]
    fn errors_name_the_file_and_fit_in_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.db.key");
        let check = |error: KeyringError, part: &str| {
            let text = error.to_string();
            assert!(text.contains("sso.db.key") && text.contains(part) && !text.contains('\n'), "{text}");
        };
        check(Keyring::load(&path).unwrap_err(), "does not exist");
        check(not_read(&path, ErrorKind::PermissionDenied.into()), "may not be read by this user");
        check(load_or_create(&path.join("key")).unwrap_err(), "cannot be made");

        fs::write(&path, b"\xff\xfe").unwrap();
        check(load_or_create(&path).unwrap_err(), "something else than text");
        fs::write(&path, "not a key at all!").unwrap();
        check(load_or_create(&path).unwrap_err(), "line 1 of the keyring");
        fs::write(&path, "").unwrap();
        check(load_or_create(&path).unwrap_err(), "the keyring is empty");
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        check(load_or_create(&path).unwrap_err(), "too large");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        check(load_or_create(&path).unwrap_err(), "cannot be read");
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.db.key");
        fs::write(&path, "precious").unwrap();
        assert!(load_or_create(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn without_randomness_nothing_is_made() {
        #[derive(Debug)]
        struct Broken;
        impl Random for Broken {
            fn fill(&self, _bytes: &mut [u8]) -> Result<(), Error> {
                Err(Error::internal("no randomness"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let error = Keyring::load_or_create(&folder.path().join("key"), &Broken, NOW).unwrap_err();
        assert!(matches!(error, KeyringError::Random(_)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
