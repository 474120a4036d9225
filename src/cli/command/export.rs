//! `export users`.

use crate::cli::args::{ExportFormat, ExportUsersArgs};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Stream;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::Error;
use crate::ops::Sso;

/// Writes all users, however many there are: no more than a page of them is held.
pub(in crate::cli) async fn users(config: Config, args: ExportUsersArgs) -> Result<(), Failure> {
    let ExportFormat::Jsonl = args.format;
    setup::with_existing(config, async |sso| write(sso, args.with_secrets).await).await
}

async fn write(sso: &Sso, with_secrets: bool) -> Result<(), Failure> {
    let mut stream = Stream::new();
    let mut failed = None;
    let ctx = setup::context(sso)?;
    let outcome = sso.export_users(&ctx, with_secrets, |line| {
        stream.line(line).map_err(|failure| {
            let reason = failure.to_string();
            failed = Some(failure);
            Error::unavailable(reason)
        })
    });
    let outcome = outcome.await;
    if let Some(failure) = failed {
        return Err(failure);
    }
    outcome?;
    stream.finish()
}
