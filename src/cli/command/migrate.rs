//! `migrate`: the database's schema, created or brought up to date.

use serde_json::json;

use crate::cli::args::MigrateArgs;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::Output;
use crate::cli::setup::open::context;
use crate::config::Config;
use crate::domain::one_line;
use crate::ops::{LATEST_VERSION, SchemaState, Sso, UsernamesMigrated, schema_state};

/// Brings the schema up to date, or only tells whether it is.
pub(in crate::cli) async fn run(config: Config, args: &MigrateArgs, out: &Output) -> Result<(), Failure> {
    if args.usernames {
        return usernames(config, out).await;
    }
    let url = config.database.url.to_string();
    let state = schema_state(&config).await?;
    let found = version(state);
    if args.check {
        return tell(&url, state, out);
    }
    // A newer schema is refused here.
    Sso::open(config).await?.close().await;
    let text = match state {
        SchemaState::Empty => format!("Created the schema of {url}, version {LATEST_VERSION}"),
        SchemaState::Older(_) | SchemaState::Newer(_) => {
            format!("Upgraded the schema of {url} from version {found} to version {LATEST_VERSION}")
        }
        SchemaState::Current => format!("The schema of {url} is up to date, version {LATEST_VERSION}"),
    };
    out.result(&text, &json!({"database": url, "from_version": found, "to_version": LATEST_VERSION}))
}

/// Brings the keys of all usernames up to date, or lists those that clash.
async fn usernames(config: Config, out: &Output) -> Result<(), Failure> {
    let sso = Sso::open(config).await?;
    let outcome = sso.migrate_usernames(&context(&sso)?).await;
    sso.close().await;
    match outcome? {
        UsernamesMigrated::Done { users, is_case_insensitive } => {
            let case = if is_case_insensitive { "does not matter" } else { "matters" };
            let text = format!("Usernames of {users} users are up to date: the case of letters {case}");
            out.result(
                &text,
                &json!({"users": users, "case_insensitive": is_case_insensitive, "clashes": []}),
            )
        }
        UsernamesMigrated::Clashes(clashes) => {
            let lines = clashes.iter().map(|names| one_line(&names.join(" "))).collect::<Vec<_>>().join("\n");
            let text =
                format!("These would be one name, nothing was changed. Rename or delete users:\n{lines}");
            out.result(&text, &json!({"clashes": clashes}))?;
            Err(Failure::Told)
        }
    }
}

fn tell(url: &str, state: SchemaState, out: &Output) -> Result<(), Failure> {
    let is_current = state == SchemaState::Current;
    let text = match state {
        SchemaState::Current => format!("The schema of {url} is up to date, version {LATEST_VERSION}"),
        SchemaState::Empty => format!("There is no schema in {url} yet: create it with zato-sso migrate"),
        SchemaState::Older(found) => format!(
            "The schema of {url} has version {found}, the latest is version {LATEST_VERSION}: upgrade it with \
             zato-sso migrate"
        ),
        SchemaState::Newer(found) => format!(
            "The schema of {url} has version {found}, which is newer than version {LATEST_VERSION} that this zato-sso \
             knows: upgrade zato-sso"
        ),
    };
    let object = json!({
        "database": url,
        "version": version(state),
        "latest_version": LATEST_VERSION,
        "is_current": is_current,
    });
    out.result(&text, &object)?;
    if is_current { Ok(()) } else { Err(Failure::Told) }
}

/// The version of a schema; none at all is version 0.
const fn version(state: SchemaState) -> i64 {
    match state {
        SchemaState::Empty => 0,
        SchemaState::Older(version) | SchemaState::Newer(version) => version,
        SchemaState::Current => LATEST_VERSION,
    }
}
