//! What the benchmarks share.

pub mod argon2id;
pub mod database;
pub mod measure;
pub mod report;
pub mod rest_client;

use std::error::Error;
use std::path::Path;
use std::thread::available_parallelism;

/// A benchmark that meets what it does not expect ends with one line that says what.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many threads can run at a time.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Where cargo puts what it builds; a benchmark's databases and results go there too, on the same disk.
pub fn target_folder() -> &'static Path {
    let temporary = Path::new(
        option_env!("CARGO_TARGET_TMPDIR").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp")),
    );
    temporary.parent().unwrap_or(temporary)
}
