//! `export users` and `export audit`.

use crate::cli::args::{ExportAuditArgs, ExportFormat, ExportUsersArgs};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Stream;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Error, Result};
use crate::ops::Sso;

/// Writes all users, however many there are: no more than a page of them is held.
pub(in crate::cli) async fn users(config: Config, args: ExportUsersArgs) -> std::result::Result<(), Failure> {
    let ExportFormat::Jsonl = args.format;
    setup::with_existing(config, async |sso| write(sso, args.with_secrets).await).await
}

/// Writes the entries of the audit, however many there are: no more than a page of them is held.
pub(in crate::cli) async fn audit(config: Config, args: ExportAuditArgs) -> std::result::Result<(), Failure> {
    setup::with_existing(config, async |sso| {
        let ctx = setup::context(sso)?;
        let mut lines = Lines::new();
        let outcome = sso.export_audit(&ctx, [args.since, args.until], |line| lines.write(line)).await;
        lines.finish(outcome)
    })
    .await
}

async fn write(sso: &Sso, with_secrets: bool) -> std::result::Result<(), Failure> {
    let ctx = setup::context(sso)?;
    let mut lines = Lines::new();
    let outcome = sso.export_users(&ctx, with_secrets, |line| lines.write(line)).await;
    lines.finish(outcome)
}

/// Standard output, and what has kept a line from it.
struct Lines {
    stream: Stream,
    failed: Option<Failure>,
}

impl Lines {
    fn new() -> Self {
        Self { stream: Stream::new(), failed: None }
    }

    fn write(&mut self, line: &str) -> Result<()> {
        self.stream.line(line).map_err(|failure| {
            let reason = failure.to_string();
            self.failed = Some(failure);
            Error::unavailable(reason)
        })
    }

    fn finish(self, outcome: Result<u64>) -> std::result::Result<(), Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        outcome?;
        self.stream.finish()
    }
}
