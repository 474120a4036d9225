//! `import users`, and what every import tells.

use std::fs::File;
use std::io::{BufWriter, Write as _, stdin};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::args::{ImportFormat, ImportTerms, ImportUsersArgs};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{Output, say};
use crate::cli::output::progress::Progress;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::crypto::FirebaseParams;
use crate::domain::{Error, ImportFinding, ImportObserver, ImportSource, ImportSummary, Result};
use crate::ops::{FileFormat, FileSource, ImportOptions};

/// Brings users over from a file.
pub(in crate::cli) async fn users(
    config: Config,
    args: ImportUsersArgs,
    out: &Output,
) -> Result<(), Failure> {
    let ImportUsersArgs { format, file, firebase_params, terms } = args;
    let (format, origin) = match format {
        ImportFormat::Jsonl => (FileFormat::JsonLines, "jsonl"),
        ImportFormat::Csv => (FileFormat::Csv, "csv"),
    };
    let mut options = ImportOptions::new(origin, terms.dry_run);
    options.firebase = firebase_params.as_deref().map(read_firebase).transpose()?.map(Arc::new);
    let source = open(&file, format)?;
    let outcome = bring_over(config, source, options, &terms, out).await;
    outcome.map_err(|failure| match failure {
        // What is wrong with a source is wrong with this file.
        Failure::Operation(Error::Refused { detail: Some(detail), .. }) => {
            Failure::Message(format!("{}: {detail}", file.display()))
        }
        other => other,
    })
}

fn read_firebase(path: &Path) -> Result<FirebaseParams, Failure> {
    let wrong = |reason: &dyn std::fmt::Display| Failure::Message(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| wrong(&error))?;
    FirebaseParams::parse(&text).map_err(|reason| wrong(&reason))
}

fn open(path: &Path, format: FileFormat) -> Result<FileSource, Failure> {
    if path == Path::new("-") {
        return Ok(FileSource::new(stdin(), format, None));
    }
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Message(format!("cannot read {}: {error}; correct the path, or its rights", path.display()))
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let about = file.metadata().map_err(|error| failed(&error))?;
    if about.is_dir() {
        return Err(failed(&"it is a folder"));
    }
    // What is a pipe has no length that means anything.
    let total = about.is_file().then_some(about.len());
    Ok(FileSource::new(file, format, total))
}

/// Brings users over from any source, and sums up. The status says whether all of it came.
async fn bring_over(
    config: Config,
    source: impl ImportSource,
    options: ImportOptions,
    terms: &ImportTerms,
    out: &Output,
) -> Result<(), Failure> {
    let summary = read_all(config, source, options, terms).await?;
    out.result(&in_words(&summary, terms.dry_run), &object(&summary, terms.dry_run))?;
    status(&summary)
}

/// Brings users over from any source, and tells how it goes.
pub(in crate::cli) async fn read_all(
    config: Config,
    source: impl ImportSource,
    options: ImportOptions,
    terms: &ImportTerms,
) -> Result<ImportSummary, Failure> {
    setup::with_existing(config, async |sso| {
        let mut teller = Teller::new(terms.report.as_deref())?;
        let outcome = sso.import_users(&setup::context(sso)?, source, options, &mut teller).await;
        let finished = teller.finish();
        if (outcome.is_err() || finished.is_err()) && teller.imported > 0 && !terms.dry_run {
            let imported = teller.imported;
            say(&format!(
                "zato-sso: {imported} users are there: run it once more, and it goes on behind them"
            ));
        }
        finished?;
        Ok(outcome?)
    })
    .await
}

/// A failure, which the result has told already, where something did not come.
pub(in crate::cli) const fn status(summary: &ImportSummary) -> Result<(), Failure> {
    if summary.refused > 0 || summary.incomplete > 0 { Err(Failure::Told) } else { Ok(()) }
}

pub(in crate::cli) fn in_words(summary: &ImportSummary, dry_run: bool) -> String {
    let ImportSummary { read, imported, already_there, refused, incomplete } = summary;
    let done = if dry_run { "would be imported" } else { "imported" };
    let parts = match incomplete {
        0 => String::new(),
        some => format!(" ({some} of them not in all parts)"),
    };
    format!("{read} records: {imported} {done}{parts}, {already_there} there already, {refused} refused")
}

pub(in crate::cli) fn object(summary: &ImportSummary, dry_run: bool) -> serde_json::Value {
    json!({
        "read": summary.read,
        "imported": summary.imported,
        "already_there": summary.already_there,
        "refused": summary.refused,
        "incomplete": summary.incomplete,
        "dry_run": dry_run,
    })
}

/// Prints findings on a terminal and writes the report.
struct Teller {
    report: Option<BufWriter<File>>,
    progress: Progress,
    /// How many users have been imported so far.
    imported: u64,
}

impl Teller {
    fn new(report: Option<&Path>) -> Result<Self, Failure> {
        let create = |path: &Path| {
            File::create(path).map(BufWriter::new).map_err(|error| {
                Failure::Message(format!("cannot write the report {}: {error}", path.display()))
            })
        };
        Ok(Self { report: report.map(create).transpose()?, progress: Progress::begin("users"), imported: 0 })
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.progress.clear();
        let flushed = self.report.as_mut().map_or(Ok(()), |report| report.flush());
        flushed.map_err(|error| Failure::Message(format!("cannot write the report: {error}")))
    }
}

impl ImportObserver for Teller {
    fn found(&mut self, finding: ImportFinding) -> Result<()> {
        let ImportFinding { position, username, is_refused, reason } = finding;
        if let Some(report) = &mut self.report {
            let object = json!({
                "position": position, "username": username, "is_refused": is_refused, "reason": reason,
            });
            return writeln!(report, "{object}")
                .map_err(|error| Error::unavailable(format!("the report cannot be written: {error}")));
        }
        self.progress.clear();
        let who = username.map(|username| format!(" `{username}`")).unwrap_or_default();
        let what = if is_refused { "refused" } else { "left behind" };
        say(&format!("zato-sso: {position}{who}: {what}: {reason}"));
        Ok(())
    }

    fn progressed(&mut self, summary: &ImportSummary, done: u64, total: Option<u64>) {
        self.imported = summary.imported;
        let share = total.filter(|total| *total > 0).map(|total| done as f64 / total as f64);
        self.progress.show(summary.read, share);
    }
}
