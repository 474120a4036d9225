//! `backup` and `restore`: the SQLite database into a file and back, while it is in use.

use std::path::Path;

use serde_json::json;

use crate::cli::args::BackupArgs;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Output;
use crate::config::Config;
use crate::ops::{Backup, back_up, restore};

/// Writes a backup.
pub(in crate::cli) async fn make(config: Config, args: BackupArgs, out: &Output) -> Result<(), Failure> {
    let file = &args.file;
    let made = back_up(&config, file).await.map_err(|error| Failure::Message(error.to_string()))?;
    tell("Backed up", &config, file, made, out)
}

/// Puts a backup in the place of what the database has.
pub(in crate::cli) async fn put_back(config: Config, args: BackupArgs, out: &Output) -> Result<(), Failure> {
    let file = &args.file;
    let restored = restore(&config, file).await.map_err(|error| Failure::Message(error.to_string()))?;
    tell("Restored", &config, file, restored, out)
}

fn tell(done: &str, config: &Config, file: &Path, backup: Backup, out: &Output) -> Result<(), Failure> {
    let (url, Backup { bytes, key }) = (config.database.url.to_string(), backup);
    let relation = if done == "Restored" { "from" } else { "to" };
    let text = format!("{done} {url} {relation} {}: {bytes} bytes, of the key {key}", file.display());
    let object =
        json!({"database": url, "file": file.to_string_lossy(), "bytes": bytes, "key": key.to_string()});
    out.result(&text, &object)
}
