//! `list-passkeys` and `delete-passkeys`.

use serde_json::{Value, json};

use crate::cli::args::UserArgs;
use crate::cli::command::user;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream, yes_or_no};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::Passkey;
use crate::ops::{Actor, Sso};

const TITLES: [&str; 6] = ["PASSKEY ID", "NAME", "CREATED", "LAST USED", "VERIFIED", "SYNCED"];

/// Lists a user's passkeys, the oldest first.
pub(in crate::cli) async fn list(config: Config, args: UserArgs, out: &Output) -> Result<(), Failure> {
    let passkeys = setup::with_existing(config, async |sso| listed(sso, &args.username).await).await?;
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for passkey in &passkeys {
            array.push(&object(passkey))?;
        }
        return array.end();
    }
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(passkeys.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

async fn listed(sso: &Sso, username: &str) -> Result<Vec<Passkey>, Failure> {
    let user = user::find(sso, username).await?;
    let (ctx, by) = (setup::context(sso)?, Actor::Trusted(None));
    Ok(sso.list_passkeys(&ctx, by, Some(user.user_id.as_str())).await?)
}

fn row(passkey: &Passkey) -> [String; 6] {
    [
        passkey.passkey_id.as_str().to_owned(),
        passkey.name.clone(),
        passkey.creation_time.to_string(),
        passkey.last_use.map_or_else(|| "never".to_owned(), |time| time.to_string()),
        yes_or_no(passkey.is_user_verified).to_owned(),
        yes_or_no(passkey.is_backed_up).to_owned(),
    ]
}

fn object(passkey: &Passkey) -> Value {
    json!({
        "passkey_id": passkey.passkey_id.as_str(),
        "name": passkey.name,
        "aaguid": passkey.aaguid.to_string(),
        "transports": passkey.transports,
        "is_backup_eligible": passkey.is_backup_eligible,
        "is_backed_up": passkey.is_backed_up,
        "is_user_verified": passkey.is_user_verified,
        "creation_time": passkey.creation_time.to_string(),
        "last_use": passkey.last_use.map(|time| time.to_string()),
    })
}

/// Deletes all passkeys of a user.
pub(in crate::cli) async fn delete(config: Config, args: UserArgs, out: &Output) -> Result<(), Failure> {
    let count = setup::with_existing(config, async |sso| {
        let user = user::find(sso, &args.username).await?;
        let (ctx, by) = (setup::context(sso)?, Actor::Trusted(None));
        Ok(sso.delete_passkeys(&ctx, by, Some(user.user_id.as_str()), None).await?)
    })
    .await?;
    let noun = if count == 1 { "passkey was" } else { "passkeys were" };
    out.result(&format!("{count} {noun} deleted"), &json!({"username": args.username, "num_deleted": count}))
}
