//! The commands for the audit trail.

use clap::{Args, Subcommand};

use crate::domain::Timestamp;

#[derive(Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// List entries of the audit, newest first
    Audit(AuditArgs),
}

#[derive(Args)]
pub(in crate::cli) struct AuditArgs {
    /// From this time on, in UTC: 2026-02-25T15:51:52, or 2026-02-25
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Before this time, in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
    /// An operation, such as user.login
    #[arg(long, value_name = "NAME")]
    pub op: Option<String>,
    /// ok, a status code, or refused for all but ok
    #[arg(long)]
    pub result: Option<String>,
    /// Who acted, or to whom it was done: a username, or the id of a user, who may be deleted
    #[arg(long)]
    pub user: Option<String>,
    /// The correlation ID of a call
    #[arg(long)]
    pub cid: Option<String>,
    /// The address that the call came from
    #[arg(long)]
    pub address: Option<String>,
    /// How many entries at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..))]
    pub limit: i64,
}

#[derive(Args)]
pub(in crate::cli) struct DoctorArgs {
    /// Check the chain of the audit as well: whether entries were changed, inserted or deleted. It reads all of them
    #[arg(long)]
    pub audit: bool,
}

#[derive(Args)]
pub(in crate::cli) struct ExportAuditArgs {
    /// From this time on, in UTC: 2026-02-25T15:51:52, or 2026-02-25
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Before this time, in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "give a time such as 2026-02-25T15:51:52".to_owned())
}
