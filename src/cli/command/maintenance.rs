//! `cleanup` and `expiring-passwords`.

use serde_json::{Map, Value, json};

use crate::cli::args::ExpiringPasswordsArgs;
use crate::cli::output::failure::Failure;
use crate::cli::output::paged::Shown;
use crate::cli::output::print::Output;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Clock as _, ExpiringPassword, SystemClock};
use crate::ops::{Cleaned, Sso};

/// How many users are read at a time.
const PAGE: i64 = 500;

/// How who must change the password soon is shown.
const LIST: Shown<ExpiringPassword, 4> =
    Shown { titles: ["USERNAME", "USER ID", "PASSWORD EXPIRES", "DAYS LEFT"], row, object };

/// Deletes what has expired.
pub(in crate::cli) async fn clean_up(config: Config, out: &Output) -> Result<(), Failure> {
    let cleaned = setup::with_existing(config, async |sso| cleaned(sso).await).await?;
    let counts: Map<String, Value> =
        cleaned.counts().iter().map(|(name, count)| ((*name).to_owned(), Value::from(*count))).collect();
    out.fields(counts)
}

async fn cleaned(sso: &Sso) -> Result<Cleaned, Failure> {
    Ok(sso.clean_up(&setup::context(sso)?).await?)
}

/// Lists who must change the password soon.
pub(in crate::cli) async fn expiring_passwords(
    config: Config,
    args: ExpiringPasswordsArgs,
    out: &Output,
) -> Result<(), Failure> {
    setup::with_existing(config, async |sso| {
        let mut pages = Pages { sso, days: args.days, last: None, is_done: false };
        LIST.print(out, async || pages.next().await).await
    })
    .await
}

/// All who must change the password soon, a page at a time: what is held does not grow with their number.
struct Pages<'a> {
    sso: &'a Sso,
    days: Option<i64>,
    last: Option<ExpiringPassword>,
    is_done: bool,
}

impl Pages<'_> {
    /// The next page; after the last one, an empty one.
    async fn next(&mut self) -> Result<Vec<ExpiringPassword>, Failure> {
        if self.is_done {
            return Ok(Vec::new());
        }
        let ctx = setup::context(self.sso)?;
        let page = self.sso.list_expiring_passwords(&ctx, self.days, self.last.as_ref(), PAGE).await?;
        self.is_done = page.is_empty();
        self.last = page.last().cloned();
        Ok(page)
    }
}

/// Whole days until it expires.
fn days_left(user: &ExpiringPassword) -> u64 {
    user.password_expiry.since(SystemClock.now()).as_secs() / 86_400
}

fn row(user: &ExpiringPassword) -> [String; 4] {
    [
        user.username.clone(),
        user.user_id.as_str().to_owned(),
        user.password_expiry.to_string(),
        days_left(user).to_string(),
    ]
}

fn object(user: &ExpiringPassword) -> Value {
    json!({
        "username": user.username,
        "user_id": user.user_id.as_str(),
        "password_expiry": user.password_expiry.to_string(),
        "days_left": days_left(user),
    })
}
