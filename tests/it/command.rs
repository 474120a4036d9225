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
    rest: Vec<BufReader<Box<dyn std::io::Read>>>,
}

impl Running {
    /// Waits for the line by which the server says that it listens: on standard error, or with JSON on standard output.
    pub fn start(folder: &Folder, line: &str) -> Self {
        let mut child = folder.command(line).spawn().unwrap();
        let out = BufReader::new(Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read>);
        let err = BufReader::new(Box::new(child.stderr.take().unwrap()) as Box<dyn std::io::Read>);
        let mut rest = if line.contains("--json") { vec![out, err] } else { vec![err, out] };
        let mut announced = String::new();
        while !announced.contains("http://") {
            announced.clear();
            assert_ne!(rest[0].read_line(&mut announced).unwrap(), 0, "the server ended");
        }
        Self { child, line: announced.trim_end().to_owned(), rest }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit status, and what it wrote since it began to listen.
    pub fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut text = String::new();
        for stream in &mut self.rest {
            std::io::Read::read_to_string(stream, &mut text).unwrap();
        }
        (status.code(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a test that failed half-way.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
