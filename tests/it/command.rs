//! The command as a process in a folder of its own: what it is given, and what it gives.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use zato_sso::config::Config;
use zato_sso::domain::ManualClock;
use zato_sso::ops::Sso;

use crate::support::{KEY, Kind, START, TestDb, World, config, parts};

/// An empty folder, and the environment that commands run in there.
pub struct Folder {
    pub folder: TempDir,
    environment: BTreeMap<&'static str, String>,
}

/// How a command ended. Displayed for snapshots: the status, and each line with where it was written.
#[derive(Debug)]
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    /// Nothing but what commands make themselves: the defaults, but for a hash that is quick.
    pub fn new() -> Self {
        let environment = [
            ("ZATO_SSO_HASH_SECRET__ALLOW_WEAK", "true"),
            ("ZATO_SSO_HASH_SECRET__MEMORY_KIB", "64"),
            ("ZATO_SSO_HASH_SECRET__ITERATIONS", "1"),
        ];
        let environment = environment.map(|(name, value)| (name, value.to_owned()));
        Self { folder: tempfile::tempdir().unwrap(), environment: environment.into() }
    }

    /// With a fresh database of this kind, and the key that tests share.
    pub async fn with_database(kind: Kind) -> Self {
        let TestDb { url, folder } = TestDb::new(kind).await;
        let mut this = Self { folder, ..Self::new() };
        this.set("ZATO_SSO_DATABASE_URL", &url);
        this.set("ZATO_SSO_SECRET_KEY", KEY);
        this
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.insert(name, value.to_owned());
    }

    pub fn get(&self, name: &str) -> &str {
        &self.environment[name]
    }

    pub fn unset(&mut self, name: &str) -> Option<String> {
        self.environment.remove(name)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// What is in the folder, by name: a file's content, None for a folder.
    pub fn content(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        entries.map(|path| (name(&path), std::fs::read(&path).ok())).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.content().into_keys().collect()
    }

    /// A command line, split at spaces, with nothing on standard input.
    pub fn run(&self, line: &str) -> Done {
        self.run_with(line, "")
    }

    /// The same with standard input.
    pub fn run_with(&self, line: &str, input: &str) -> Done {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        // A command that does not read it may have ended already.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        Done {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A process still to be started, with pipes for its output.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zato-sso"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The configuration by which tests open the same database.
    fn config(&self) -> Config {
        config(&self.environment["ZATO_SSO_DATABASE_URL"], json!({}))
    }

    /// The same database, opened in this process.
    pub async fn world(&self) -> World {
        let clock = Arc::new(ManualClock::new(START));
        let sso = Sso::open_with(self.config(), parts(&clock)).await.unwrap();
        let url = self.environment["ZATO_SSO_DATABASE_URL"].clone();
        World { sso, clock, db: TestDb { url, folder: tempfile::tempdir().unwrap() } }
    }
}

impl Done {
    /// What a successful command printed, and nothing else.
    #[track_caller]
    pub fn text(&self) -> &str {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{self}");
        &self.stdout
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        let out = self.stdout.lines().map(|line| ("out", line));
        let err = self.stderr.lines().map(|line| ("err", line));
        out.chain(err).try_for_each(|(stream, line)| write!(f, "\n{stream}: {line}"))
    }
}

/// A server that runs until it is told to stop.
pub struct Running {
    pub child: Child,
    /// What it has announced.
    pub line: String,
    out: Stream,
    err: Stream,
}

type Stream = BufReader<Box<dyn std::io::Read + Send>>;

impl Running {
    /// Waits for the line by which the server says that it listens: on standard error, or with JSON on standard output.
    pub fn start(folder: &Folder, line: &str) -> Self {
        Self::spawn(folder.command(line), line.contains("--json"))
    }

    /// The same where no file may be longer than so many bytes.
    pub fn start_limited(folder: &Folder, line: &str, bytes: u64) -> Self {
        let inner = folder.command(line);
        let mut command = Command::new("/bin/sh");
        // In units of 512 bytes.
        command.arg("-c").arg(format!("ulimit -f {}; exec \"$@\"", bytes / 512)).arg("sh");
        command.arg(inner.get_program()).args(inner.get_args()).env_clear();
        for (name, value) in inner.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.current_dir(inner.get_current_dir().unwrap());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::spawn(command, line.contains("--json"))
    }

    fn spawn(mut command: Command, is_json: bool) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out: Stream = BufReader::new(Box::new(child.stdout.take().unwrap()));
        let mut err: Stream = BufReader::new(Box::new(child.stderr.take().unwrap()));
        let announcing = if is_json { &mut out } else { &mut err };
        let mut announced = String::new();
        while !announced.contains("http://") {
            announced.clear();
            assert_ne!(announcing.read_line(&mut announced).unwrap(), 0, "the server ended");
        }
        Self { child, line: announced.trim_end().to_owned(), out, err }
    }

    /// Where it listens, if it has said so as JSON.
    pub fn address(&self) -> String {
        let said: Value = serde_json::from_str(&self.line).unwrap();
        said["listen"].as_str().unwrap().to_owned()
    }

    /// The next line of its log.
    pub fn logged(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }

    /// The next line of its log that is about this.
    pub fn until_logged(&mut self, event: &str) -> Value {
        loop {
            let line = self.logged();
            if line["event"] == event {
                return line;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit status, and what it wrote to standard error since it began to listen.
    pub fn end(self) -> (Option<i32>, String) {
        let (status, err, _) = self.end_with_log();
        (status, err)
    }

    /// The same, and the rest of its log.
    pub fn end_with_log(mut self) -> (Option<i32>, String, Vec<Value>) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let (mut out, mut err) = (String::new(), String::new());
        std::io::Read::read_to_string(&mut self.err, &mut err).unwrap();
        std::io::Read::read_to_string(&mut self.out, &mut out).unwrap();
        (status.code(), err, out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a test that failed half-way.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
