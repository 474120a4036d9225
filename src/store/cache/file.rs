//! The file by which processes that share an SQLite file tell each other of changes: `<database>-epoch`.
//!
//! ```text
//! offset  0  what it is: 8 bytes
//!         8  the word: twice the number of entries ever written, plus 1 while a commit is under way
//!        16  the word, with all bits turned over: a read that catches half of a write is noticed
//!        24  a ring of the last entries: the number of a slot each, or EVERYBODY; 8 bytes, least significant first
//! ```
//!
//! A writer holds the database's write lock, locks this file (which the system undoes should the process die), writes
//! the entries, then the word, with 1 added; commits; takes the 1 off again, and unlocks. A reader reads the word: if it
//! has grown, it raises the slots of the entries that are new, or all of them if the ring has gone round.
//!
//! While the 1 is there no reader caches what it reads: it could be from before the commit. So if a process dies before it
//! has taken the 1 off, sessions are read from the database until the next change of one, whose writer finds the
//! database unlocked, and so the commit of the dead one made or undone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::{Instant, sleep};

use crate::domain::{Error, Result};
use crate::store::cache::slots::{Slot, Slots, Touched, Trust};

const MAGIC: &[u8; 8] = b"zssoepo1";
const WORD: u64 = 8;
const ENTRIES: u64 = 24;
/// How many entries the ring has.
const RING: u64 = 4096;
const EVERYBODY: u64 = u64::MAX;

/// How long a writer waits for one that has committed and not yet said so: no longer than for the database itself.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// The file, and how much of it has been heard.
#[derive(Debug)]
pub struct EpochFile {
    file: ArcSwap<File>,
    path: PathBuf,
    mode: u32,
    /// The number of entries whose slots have been raised here.
    heard: AtomicU64,
    /// It was taken away, and no other could be opened in its place.
    is_lost: AtomicBool,
    catching_up: Mutex<()>,
    /// One commit at a time, as the lock on the file is for processes only.
    committing: tokio::sync::Mutex<()>,
}

impl EpochFile {
    /// The file beside this database, made if it is not there, with the same mode.
    ///
    /// # Errors
    /// When it cannot be opened, written or understood.
    pub fn beside(database: &Path) -> io::Result<Self> {
        // Processes may call the same file by different names.
        let database = database.canonicalize()?;
        let mode = database.metadata()?.mode() & 0o666;
        let mut name = database.into_os_string();
        name.push("-epoch");
        let path = PathBuf::from(name);
        let file = open(&path, mode)?;
        let heard = AtomicU64::new(prepare(&file)?);
        let (catching_up, committing) = (Mutex::default(), tokio::sync::Mutex::default());
        let (file, is_lost) = (ArcSwap::from_pointee(file), AtomicBool::new(false));
        Ok(Self { file, path, mode, heard, is_lost, catching_up, committing })
    }

    /// Takes another file that has come in the place of this one, or none, for what it is: nothing was heard of since.
    ///
    /// # Errors
    /// As [`Self::beside`].
    pub fn check_identity(&self, slots: &Slots) -> io::Result<()> {
        let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
        let here = identity(self.file.load().metadata()?);
        if std::fs::metadata(&self.path).is_ok_and(|there| identity(there) == here) {
            return self.mend(slots);
        }
        let _turn = self.turn();
        self.is_lost.store(true, SeqCst);
        let file = open(&self.path, self.mode)?;
        let written = prepare(&file)?;
        self.file.store(Arc::new(file));
        self.heard.store(written, SeqCst);
        slots.raise_all();
        self.is_lost.store(false, SeqCst);
        Ok(())
    }

    /// Writes the head of the file anew if it is not there any more, because somebody has emptied the file or a disk was full.
    fn mend(&self, slots: &Slots) -> io::Result<()> {
        let file = self.file.load();
        if file.metadata()?.len() >= ENTRIES {
            return Ok(());
        }
        let _turn = self.turn();
        // Whoever holds it is about to write.
        if file.try_lock().is_err() {
            return Ok(());
        }
        let outcome = mend_locked(&file, self.heard.load(SeqCst));
        file.unlock()?;
        self.heard.store(outcome?, SeqCst);
        slots.raise_all();
        Ok(())
    }

    /// Hears of what other processes have changed.
    pub fn hear(&self, slots: &Slots) -> Trust {
        let Ok(Some(word)) = read_word(&self.file.load()) else { return Trust::None };
        if self.is_lost.load(SeqCst) {
            return Trust::None;
        }
        if word / 2 != self.heard.load(SeqCst) && self.catch_up(slots).is_err() {
            return Trust::None;
        }
        if word % 2 == 0 { Trust::Keep } else { Trust::Believe }
    }

    /// Raises the slots of the entries that are new; how many have been written.
    fn catch_up(&self, slots: &Slots) -> io::Result<u64> {
        let _turn = self.turn();
        let file = self.file.load();
        let (heard, written) = (self.heard.load(SeqCst), whole_word(&file)? / 2);
        // A file that was emptied has fewer.
        let is_lost = written < heard || written - heard > RING / 2;
        // Nor does one that was cut off have those that were heard of.
        if is_lost || !raise_entries(&file, heard..written, slots).unwrap_or(false) {
            slots.raise_all();
        }
        self.heard.store(written, SeqCst);
        Ok(written)
    }

    /// Tells other processes that these users are about to change.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file cannot be written, or another process keeps it.
    pub async fn begin(&self, touched: &Touched, slots: &Slots) -> Result<Mark<'_>> {
        let turn = self.committing.lock().await;
        self.check_identity(slots).map_err(Error::unavailable)?;
        let file = self.file.load_full();
        let start = Instant::now();
        while !try_lock(&file)? {
            if start.elapsed() > PATIENCE {
                let path = self.path.display();
                return Err(Error::unavailable(format!("another process keeps {path} locked")));
            }
            sleep(PAUSE).await;
        }
        let mark = Mark { file, _turn: turn };
        self.write(&mark.file, touched, slots).map_err(Error::unavailable)?;
        Ok(mark)
    }

    fn write(&self, file: &File, touched: &Touched, slots: &Slots) -> io::Result<()> {
        if whole_word(file).is_err() {
            mend_locked(file, self.heard.load(SeqCst))?;
        }
        // What others have written first: entries are counted.
        let mut written = self.catch_up(slots)?;
        let _turn = self.turn();
        let numbers = match touched.slots() {
            // More than fit are all.
            Some(slots) if slots.len() as u64 <= RING / 2 => slots.iter().map(|slot| slot.number()).collect(),
            Some(_) | None => vec![EVERYBODY],
        };
        for number in numbers {
            file.write_all_at(&number.to_le_bytes(), place(written))?;
            written += 1;
        }
        write_word(file, written * 2 + 1)?;
        slots.raise(touched);
        self.heard.store(written, SeqCst);
        Ok(())
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.catching_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A commit that other processes have been told of. Dropped without [`Mark::end`], no reader caches what it reads until the
/// next commit has ended.
#[derive(Debug)]
#[must_use]
pub struct Mark<'a> {
    file: Arc<File>,
    _turn: tokio::sync::MutexGuard<'a, ()>,
}

impl Mark<'_> {
    /// The commit has ended.
    pub fn end(self) {
        // Should this fail, nothing is kept until a later commit succeeds in it.
        if let Ok(word) = whole_word(&self.file) {
            drop(write_word(&self.file, word & !1));
        }
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        // A lock that cannot be given back goes with the file.
        drop(self.file.unlock());
    }
}

fn open(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)
}

/// Writes the head of a new file, checks that of an old one; how many entries have been written.
fn prepare(file: &File) -> io::Result<u64> {
    file.lock()?;
    let outcome = prepare_locked(file);
    file.unlock()?;
    outcome
}

/// Writes the head of a file that has lost it; how many entries it then counts: more than any process has heard of.
fn mend_locked(file: &File, heard: u64) -> io::Result<u64> {
    if let Some(word) = read_word(file).ok().flatten() {
        return Ok(word / 2);
    }
    let written = (heard + 4 * RING) % (1 << 61);
    file.write_all_at(MAGIC, 0)?;
    write_word(file, written * 2)?;
    Ok(written)
}

fn prepare_locked(file: &File) -> io::Result<u64> {
    if file.metadata()?.len() < ENTRIES {
        file.write_all_at(MAGIC, 0)?;
        write_word(file, 0)?;
    }
    let mut magic = [0; 8];
    file.read_exact_at(&mut magic, 0)?;
    if &magic != MAGIC {
        let what = "it is not what zato-sso keeps there: remove it while no process uses the database";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    if read_word(file)?.is_none() {
        // Half of it was written when the machine stopped. No other process has read that far.
        let (word, _) = halves(file)?;
        write_word(file, (word & !1).wrapping_add(4 * RING) % (1 << 62))?;
    }
    Ok(whole_word(file)? / 2)
}

/// Raises the slots of these entries. False if some may have been written over meanwhile.
fn raise_entries(file: &File, entries: std::ops::Range<u64>, slots: &Slots) -> io::Result<bool> {
    let first = entries.start;
    for entry in entries {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, place(entry))?;
        match u64::from_le_bytes(bytes) {
            EVERYBODY => slots.raise_all(),
            number => slots.raise_slot(Slot::from_number(number)),
        }
    }
    // Entries of a commit that has not written the word yet are beyond it.
    Ok(read_word(file)?.is_some_and(|word| (word / 2).checked_sub(first).is_some_and(|new| new <= RING / 2)))
}

fn try_lock(file: &File) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(Error::unavailable(error)),
    }
}

fn halves(file: &File) -> io::Result<(u64, u64)> {
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, WORD)?;
    let both = u128::from_le_bytes(bytes);
    Ok((both as u64, (both >> 64) as u64))
}

/// The word; None while it is being written.
fn read_word(file: &File) -> io::Result<Option<u64>> {
    let (word, turned) = halves(file)?;
    Ok((word == !turned).then_some(word))
}

/// The word, when no writer is at work.
fn whole_word(file: &File) -> io::Result<u64> {
    read_word(file)?.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn write_word(file: &File, word: u64) -> io::Result<()> {
    let both = u128::from(word) | u128::from(!word) << 64;
    file.write_all_at(&both.to_le_bytes(), WORD)
}

/// Where an entry stands.
const fn place(entry: u64) -> u64 {
    ENTRIES + entry % RING * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cache::epoch::Epochs;
    use crate::store::cache::slots::Count;
    use tempfile::TempDir;

    /// A database's file, and what two processes know of changes.
    struct Stage {
        folder: TempDir,
        one: Epochs,
        other: Epochs,
    }

    impl Stage {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            std::fs::write(folder.path().join("sso.db"), "").unwrap();
            let open = || Epochs::beside(EpochFile::beside(&folder.path().join("sso.db")).unwrap());
            Self { one: open(), other: open(), folder }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("sso.db-epoch")
        }
    }

    fn touched(user: &str) -> Touched {
        let mut touched = Touched::default();
        touched.user(user);
        touched
    }

    fn holds(epochs: &Epochs, user: &str, since: Count) -> bool {
        assert_ne!(epochs.hear(), Trust::None);
        epochs.is_current(Slot::of(user), since)
    }

    #[tokio::test]
    async fn others_hear_of_a_change_before_its_commit_and_keep_nothing_during_it() {
        let stage = Stage::new();
        let since = stage.other.now();
        assert_eq!(stage.other.hear(), Trust::Keep);
        let change = stage.one.before_commit(touched("a")).await.unwrap();
        assert_eq!((stage.other.hear(), stage.one.hear()), (Trust::Believe, Trust::Believe));
        assert!(!holds(&stage.other, "a", since) && holds(&stage.other, "b", since));
        change.after_commit();
        assert_eq!((stage.other.hear(), stage.one.hear()), (Trust::Keep, Trust::Keep));
        assert!(holds(&stage.other, "a", stage.other.now()));
    }

    #[tokio::test]
    async fn after_the_death_of_a_writer_nothing_is_kept_until_the_next_change() {
        let stage = Stage::new();
        let since = stage.other.now();
        drop(stage.one.before_commit(touched("a")).await.unwrap());
        assert_eq!(stage.other.hear(), Trust::Believe);
        assert!(!holds(&stage.other, "a", since) && holds(&stage.other, "b", since));
        stage.other.before_commit(touched("b")).await.unwrap().after_commit();
        assert_eq!((stage.other.hear(), stage.one.hear()), (Trust::Keep, Trust::Keep));
    }

    #[tokio::test]
    async fn one_commits_at_a_time() {
        let stage = Stage::new();
        let change = stage.one.before_commit(touched("a")).await.unwrap();
        for epochs in [&stage.one, &stage.other] {
            let next = tokio::time::timeout(Duration::from_millis(20), epochs.before_commit(touched("b")));
            next.await.unwrap_err();
        }
        change.after_commit();
        stage.other.before_commit(touched("b")).await.unwrap().after_commit();
        stage.one.before_commit(touched("b")).await.unwrap().after_commit();
    }

    #[tokio::test]
    async fn whoever_has_missed_too_many_changes_believes_nothing() {
        let stage = Stage::new();
        for changes in [RING / 2, RING / 2 + 1] {
            assert_eq!(stage.other.hear(), Trust::Keep);
            let since = stage.other.now();
            for _ in 0..changes {
                stage.one.before_commit(touched("a")).await.unwrap().after_commit();
            }
            assert_eq!(holds(&stage.other, "b", since), changes == RING / 2);
            assert!(!holds(&stage.other, "a", since));
        }
    }

    #[tokio::test]
    async fn a_change_of_more_users_than_fit_is_one_of_everybody() {
        let stage = Stage::new();
        let since = stage.other.now();
        let mut many = Touched::default();
        (0..3000).for_each(|number| many.user(&format!("user{number}")));
        stage.one.before_commit(many).await.unwrap().after_commit();
        assert!(!holds(&stage.other, "b", since));
    }

    #[tokio::test]
    async fn a_file_that_was_taken_away_is_noticed() {
        let stage = Stage::new();
        let since = stage.one.now();
        std::fs::remove_file(stage.path()).unwrap();
        stage.one.before_commit(touched("a")).await.unwrap().after_commit();
        assert!(!holds(&stage.one, "b", since));
        let since = stage.other.now();
        stage.other.check_identity();
        assert!(!holds(&stage.other, "b", since));
        let since = stage.other.now();
        stage.one.before_commit(touched("a")).await.unwrap().after_commit();
        assert!(!holds(&stage.other, "a", since) && holds(&stage.other, "b", since));
    }

    #[test]
    fn what_is_half_written_is_not_believed_and_put_right_on_opening() {
        let stage = Stage::new();
        let since = stage.other.now();
        let file = OpenOptions::new().write(true).open(stage.path()).unwrap();
        file.write_all_at(&[7], WORD).unwrap();
        assert_eq!(stage.other.hear(), Trust::None);
        let third = EpochFile::beside(&stage.folder.path().join("sso.db")).unwrap();
        assert_eq!(third.hear(&Slots::default()), Trust::Keep);
        assert!(!holds(&stage.other, "b", since));
    }

    #[tokio::test]
    async fn what_was_cut_off_mends_itself() {
        for length in [0, 5, 20, 24, 100] {
            for mended_by_commit in [true, false] {
                let stage = Stage::new();
                for _ in 0..20 {
                    stage.one.before_commit(touched("a")).await.unwrap().after_commit();
                }
                assert_eq!(stage.other.hear(), Trust::Keep);
                let since = stage.other.now();
                OpenOptions::new().write(true).open(stage.path()).unwrap().set_len(length).unwrap();
                if mended_by_commit {
                    stage.one.before_commit(touched("b")).await.unwrap().after_commit();
                } else {
                    stage.one.check_identity();
                }
                assert_eq!((stage.one.hear(), stage.other.hear()), (Trust::Keep, Trust::Keep), "{length}");
                if mended_by_commit {
                    assert!(!holds(&stage.other, "b", since), "{length}");
                }
                let since = stage.other.now();
                stage.one.before_commit(touched("a")).await.unwrap().after_commit();
                assert!(!holds(&stage.other, "a", since) && holds(&stage.other, "b", since), "{length}");
            }
        }
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let stage = Stage::new();
        std::fs::write(stage.path(), "this is no such file, and is longer than its head").unwrap();
        let error = EpochFile::beside(&stage.folder.path().join("sso.db")).unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
    }

    #[test]
    fn it_has_the_mode_of_the_database() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("sso.db");
        std::fs::write(&database, "").unwrap();
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o600)).unwrap();
        EpochFile::beside(&database).unwrap();
        assert_eq!(folder.path().join("sso.db-epoch").metadata().unwrap().mode() & 0o777, 0o600);
    }
}
