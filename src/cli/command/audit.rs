//! `audit`.

use serde_json::{Map, Value, json};

use crate::cli::args::{AuditArgs, AuditCommand};
use crate::cli::command::user;
use crate::cli::output::failure::Failure;
use crate::cli::output::paged::Shown;
use crate::cli::output::print::Output;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{AuditEntry, AuditSearch, UserId, one_line};
use crate::ops::{Actor, Sso};

/// How many entries are read at a time.
const PAGE: i64 = 500;

/// How entries are shown.
const LIST: Shown<AuditEntry, 8> =
    Shown { titles: ["TIME", "OPERATION", "RESULT", "BY", "ON", "HOW", "ADDRESS", "CID"], row, object };

/// Runs a command of the audit.
pub(in crate::cli) async fn run(config: Config, command: AuditCommand, out: &Output) -> Result<(), Failure> {
    match command {
        AuditCommand::Audit(args) => list(config, args, out).await,
    }
}

async fn list(config: Config, args: AuditArgs, out: &Output) -> Result<(), Failure> {
    setup::with_existing(config, async |sso| {
        let mut pages = Pages::of(sso, args).await?;
        LIST.print(out, async || pages.next().await).await
    })
    .await
}

/// Entries a page at a time: what is held does not grow with their number.
struct Pages<'a> {
    sso: &'a Sso,
    search: AuditSearch,
    left: i64,
}

impl<'a> Pages<'a> {
    async fn of(sso: &'a Sso, args: AuditArgs) -> Result<Self, Failure> {
        let user_id = match args.user {
            None => None,
            Some(user_id) if UserId::parse(&user_id).is_some() => Some(user_id),
            Some(username) => Some(user::find(sso, &username).await?.user_id.as_str().to_owned()),
        };
        let search = AuditSearch {
            time_from: args.since,
            time_before: args.until,
            op: args.op,
            result: args.result,
            user_id,
            username: None,
            cid: args.cid,
            remote_addr: args.address,
            after: None,
            limit: None,
        };
        Ok(Self { sso, search, left: args.limit })
    }

    /// The next page; after the last one, an empty one.
    async fn next(&mut self) -> Result<Vec<AuditEntry>, Failure> {
        if self.left == 0 {
            return Ok(Vec::new());
        }
        self.search.limit = Some(self.left.min(PAGE));
        let ctx = setup::context(self.sso)?;
        let page = self.sso.search_audit(&ctx, Actor::Trusted(None), self.search.clone()).await?;
        let count = i64::try_from(page.entries.len()).unwrap_or(i64::MAX);
        self.left = if page.next.is_some() { self.left.saturating_sub(count) } else { 0 };
        self.search.after = page.next.map(|place| place.to_string());
        Ok(page.entries)
    }
}

fn object(entry: &AuditEntry) -> Value {
    json!({
        "audit_id": entry.audit_id.to_string(),
        "time": entry.time.to_string(),
        "cid": entry.cid,
        "op": entry.op,
        "current_user": entry.current_user,
        "current_username": entry.current_username,
        "target_user": entry.target_user,
        "target_username": entry.target_username,
        "result": entry.result,
        "current_app": entry.current_app,
        "remote_addr": entry.remote_addr,
        "how": entry.how,
        "extra": serde_json::from_str::<Map<String, Value>>(&entry.extra).unwrap_or_default(),
    })
}

fn row(entry: &AuditEntry) -> [String; 8] {
    let name = |username: &Option<String>, user_id: &Option<String>| {
        username.as_ref().or(user_id.as_ref()).map(|name| one_line(name)).unwrap_or_default()
    };
    [
        entry.time.to_string(),
        entry.op.clone(),
        entry.result.clone(),
        name(&entry.current_username, &entry.current_user),
        name(&entry.target_username, &entry.target_user),
        entry.how.clone().unwrap_or_default(),
        entry.remote_addr.clone(),
        one_line(&entry.cid),
    ]
}
