//! Lines on their way out: to a file, or to a stream that somebody reads, or nobody does. No caller waits for a reader.
//!
//! A line for a file is written before its caller goes on. Streams have a thread, which may be blocked for good. What cannot
//! be written waits, up to [`ROOM`]; what comes then is lost, counted, and said once lines can be written again.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes wait at most.
const ROOM: usize = 1 << 20;

/// After how long a thread tries again what failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Target {
    Stdout,
    Stderr,
    File(PathBuf),
}

/// What has changed about a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Change {
    /// Lines cannot be written any more, for this reason.
    Broken(String),
    /// They can again; so many were lost.
    Mended(u64),
}

type OnChange = Box<dyn Fn(Change) + Send + Sync>;

/// A way out for lines.
#[derive(Debug)]
pub(in crate::ops) struct Sink(Arc<Shared>);

struct Shared {
    target: Target,
    /// None until it is open, and where there is none.
    out: Mutex<Option<File>>,
    /// A file that was opened in the place of that one.
    next: Mutex<Option<File>>,
    /// Whether lines are written by their caller.
    is_direct: AtomicBool,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    lost: AtomicU64,
    /// The line that says how many lines were lost.
    remark: fn(u64) -> String,
    on_change: OnChange,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The lost ones that nobody was told of.
    lost: u64,
    /// Why the last attempt failed.
    fault: Option<String>,
    /// Bytes that the thread is writing.
    is_writing: bool,
    has_thread: bool,
    is_closed: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Sink {
    /// Opens it. A file is appended to, and made if missing, for its owner to read.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(target: Target, remark: fn(u64) -> String, on_change: OnChange) -> Result<Self, String> {
        let file = match &target {
            Target::Stdout => io::stdout().as_fd().try_clone_to_owned().ok().map(File::from),
            Target::Stderr => io::stderr().as_fd().try_clone_to_owned().ok().map(File::from),
            Target::File(path) => Some(open(path)?),
        };
        let is_direct = file.as_ref().is_some_and(is_direct);
        Ok(Self(Arc::new(Shared {
            target,
            out: Mutex::new(file),
            next: Mutex::default(),
            is_direct: AtomicBool::new(is_direct),
            waiting: Mutex::default(),
            changed: Condvar::new(),
            lost: AtomicU64::default(),
            remark,
            on_change,
        })))
    }

    /// Sends a line, with its end.
    pub fn send(&self, line: &str) {
        let shared = &self.0;
        let mut waiting = shared.waiting();
        let has_room = waiting.bytes.len() + line.len() <= ROOM;
        if has_room {
            waiting.bytes.extend_from_slice(line.as_bytes());
        } else {
            waiting.lost += 1;
            shared.lost.fetch_add(1, Ordering::Relaxed);
        }
        // Also where there was no room: nobody else may try again.
        if shared.is_direct.load(Ordering::Relaxed) {
            drop(waiting);
            shared.write_waiting();
            return;
        }
        if !has_room {
            return;
        }
        if !waiting.has_thread {
            let worker = Arc::clone(shared);
            let started =
                thread::Builder::new().name("zato-sso-lines".to_owned()).spawn(move || worker.work());
            waiting.has_thread = started.is_ok();
        }
        drop(waiting);
        shared.changed.notify_all();
    }

    /// Opens a file anew, by its name: it may have been moved away.
    ///
    /// # Errors
    /// When that is not possible; then lines go where they went.
    pub fn reopen(&self) -> Result<(), String> {
        let Target::File(path) = &self.0.target else { return Ok(()) };
        let file = open(path)?;
        *lock(&self.0.next) = Some(file);
        if self.0.is_direct.load(Ordering::Relaxed) {
            self.0.write_waiting();
        } else {
            self.0.changed.notify_all();
        }
        Ok(())
    }

    /// Why lines cannot be written at the moment. What failed before is tried again.
    pub fn fault(&self) -> Option<String> {
        if self.0.is_direct.load(Ordering::Relaxed) && self.0.waiting().fault.is_some() {
            self.0.write_waiting();
        }
        self.0.waiting().fault.clone()
    }

    /// How many lines were lost.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was sent is written, for so long at most; nothing may be sent later. It blocks.
    pub fn close(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let shared = &self.0;
        shared.waiting().is_closed = true;
        shared.changed.notify_all();
        if shared.is_direct.load(Ordering::Relaxed) {
            shared.write_waiting();
            return;
        }
        let mut waiting = shared.waiting();
        while waiting.has_thread
            && (waiting.is_writing || !waiting.bytes.is_empty())
            && waiting.fault.is_none()
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = shared.changed.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    /// The life of the thread.
    fn work(&self) {
        loop {
            let mut waiting = self.waiting();
            while waiting.bytes.is_empty() && !waiting.is_closed {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.bytes.is_empty() {
                waiting.has_thread = false;
                return;
            }
            drop(waiting);
            self.write_waiting();
            let waiting = self.waiting();
            if waiting.fault.is_some() {
                if waiting.is_closed {
                    return;
                }
                drop(self.changed.wait_timeout_while(waiting, PAUSE, |waiting| !waiting.is_closed));
            }
        }
    }

    /// Writes what waits, one caller at a time.
    fn write_waiting(&self) {
        let mut out = lock(&self.out);
        if let Some(next) = lock(&self.next).take() {
            self.is_direct.store(is_direct(&next), Ordering::Relaxed);
            *out = Some(next);
        }
        loop {
            let mut waiting = self.waiting();
            let lost = waiting.lost;
            if lost > 0 && waiting.fault.is_none() {
                // Behind the lines that there was room for.
                waiting.lost = 0;
                let remark = (self.remark)(lost);
                waiting.bytes.extend_from_slice(remark.as_bytes());
            }
            if waiting.bytes.is_empty() {
                waiting.is_writing = false;
                drop(waiting);
                self.changed.notify_all();
                return;
            }
            let bytes = std::mem::take(&mut waiting.bytes);
            waiting.is_writing = true;
            drop(waiting);
            let (written, outcome) = match out.as_mut() {
                Some(file) => write(file, &bytes),
                // The stream was closed before this process began: nobody wants it.
                None => (bytes.len(), Ok(())),
            };
            let change = self.after(bytes, written, outcome.err());
            let is_broken = self.waiting().fault.is_some();
            if let Some(change) = change {
                (self.on_change)(change);
            }
            if is_broken {
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Keeps what could not be written; what has changed by that.
    fn after(&self, mut bytes: Vec<u8>, written: usize, error: Option<io::Error>) -> Option<Change> {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        match error {
            None => waiting.fault.take().map(|_| Change::Mended(waiting.lost)),
            Some(error) => {
                bytes.drain(..written);
                bytes.append(&mut waiting.bytes);
                waiting.bytes = bytes;
                let fault = format!("cannot write to {}: {error}", self.target.name());
                let is_new = waiting.fault.replace(fault.clone()).is_none();
                is_new.then_some(Change::Broken(fault))
            }
        }
    }
}

impl Target {
    fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".to_owned(),
            Self::Stderr => "standard error".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(path: &Path) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| format!("cannot write to {}: {error}", path.display()))
}

/// A file on a disk takes lines without a reader.
fn is_direct(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// How many of these bytes were written, and why not all.
fn write(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use tempfile::TempDir;

    use super::*;

    fn remark(lost: u64) -> String {
        format!("{lost} lost\n")
    }

    fn sink(target: Target) -> (Sink, mpsc::Receiver<Change>) {
        let (tell, told) = mpsc::channel();
        // Most tests do not listen.
        let on_change = Box::new(move |change| drop(tell.send(change)));
        (Sink::open(target, remark, on_change).unwrap(), told)
    }

    #[test]
    fn a_file_has_a_line_at_once_and_is_opened_anew_by_its_name() {
        let folder = TempDir::new().unwrap();
        let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
        let (sink, _) = sink(Target::File(path.clone()));
        sink.send("one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        std::fs::rename(&path, &moved).unwrap();
        sink.send("two\n");
        sink.reopen().unwrap();
        sink.send("three\n");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        // Where it cannot be opened, lines go where they went.
        std::fs::rename(&path, &moved).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(sink.reopen().unwrap_err().contains("log"));
        sink.send("four\n");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "three\nfour\n");
    }

    #[test]
    fn a_full_disk_is_told_and_what_was_lost_is_counted() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("log");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let (sink, told) = sink(Target::File(path.clone()));
        sink.send("one\n");
        let Change::Broken(why) = told.recv_timeout(Duration::from_secs(5)).unwrap() else { panic!() };
        assert!(why.contains("No space left"), "{why}");
        assert_eq!(sink.fault(), Some(why));
        let long = format!("{}\n", "x".repeat(ROOM / 4 - 1));
        for _ in 0..6 {
            sink.send(&long);
        }
        assert_eq!(sink.lost(), 3);
        // There is room again.
        std::fs::remove_file(&path).unwrap();
        sink.reopen().unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(5)).unwrap(), Change::Mended(3));
        sink.close(Duration::from_secs(5));
        assert_eq!(sink.fault(), None);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("one\nxx") && text.ends_with("xx\n3 lost\n"), "{}", text.len());
        assert_eq!(text.len(), 4 + 3 * long.len() + 7);
    }

    #[test]
    fn a_file_that_had_no_room_for_long_is_written_again_by_the_next_line() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("log");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let (sink, told) = sink(Target::File(path));
        // As a file on a disk, which is full.
        sink.0.is_direct.store(true, Ordering::Relaxed);
        let line = format!("{}\n", "x".repeat(ROOM / 4 - 1));
        for _ in 0..5 {
            sink.send(&line);
        }
        assert_eq!(sink.lost(), 1);
        assert!(matches!(told.try_recv(), Ok(Change::Broken(_))));
        // There is room again.
        let found = folder.path().join("found");
        *lock(&sink.0.out) = Some(open(&found).unwrap());
        sink.send("last\n");
        assert_eq!(told.try_recv(), Ok(Change::Mended(2)));
        assert_eq!(std::fs::read_to_string(&found).unwrap(), format!("{}2 lost\n", line.repeat(4)));
        sink.send("next\n");
        assert!(std::fs::read_to_string(&found).unwrap().ends_with("2 lost\nnext\n"));
    }

    #[test]
    fn nobody_waits_for_a_reader_and_who_reads_later_finds_what_there_was_room_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer)));
        let (sink, _) = sink(Target::File(path));
        let line = format!("{}\n", "x".repeat(99));
        let start = Instant::now();
        let sent: u64 = 20_000;
        for _ in 0..sent {
            sink.send(&line);
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let lost = sink.lost();
        assert!(lost > 0 && lost < sent, "{lost}");
        let start = Instant::now();
        sink.close(Duration::from_millis(100));
        assert!(start.elapsed() < Duration::from_secs(2));
        drop((sink, writer));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        // They are said when there is room again, which there may have been in between.
        let remarks = text.lines().filter_map(|line| line.strip_suffix(" lost"));
        assert_eq!(remarks.map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), lost);
        assert_eq!(text.matches(&line).count(), usize::try_from(sent - lost).unwrap());
    }
}
