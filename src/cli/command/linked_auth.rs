//! `create-sec-def`, `list-sec-defs` and `delete-sec-def`.

use std::io;

use serde_json::{Value, json};

use crate::cli::args::{DeleteSecDefArgs, NewSecDefArgs};
use crate::cli::command::user::is_agreed;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::{open as setup, secret};
use crate::config::Config;
use crate::domain::{SecDef, TokenRules, one_line};
use crate::ops::{Actor, NewSecDef, Sso};

/// The column titles of `list-sec-defs`.
const TITLES: [&str; 8] =
    ["NAME", "ID", "TYPE", "USERNAME", "ACTIVE", "LINKED TO", "AUDIENCE", "MAX LIFETIME"];

/// Makes a definition. Its secret is shown if it was generated, this once.
pub(in crate::cli) async fn create(config: Config, args: NewSecDefArgs, out: &Output) -> Result<(), Failure> {
    // Before anything is opened: without a password nothing has changed.
    let secret = args.password.map(secret::new_password).transpose()?;
    let token = TokenRules { audience: args.audience, max_lifetime: args.max_lifetime };
    let new = NewSecDef { sec_type: args.sec_type, name: args.name, username: args.username, secret, token };
    let created = setup::with_existing(config, async |sso| insert(sso, new).await).await?;
    let mut text =
        format!("Created {} definition `{}`", created.definition.sec_type.as_str(), created.definition.name);
    let mut object = object(&created.definition);
    if let Some(secret) = &created.secret {
        text = format!("{text}\nSecret, shown only now: {}", secret.expose());
        if let Value::Object(object) = &mut object {
            object.insert("secret".to_owned(), Value::from(secret.expose()));
        }
    }
    out.result(&text, &object)
}

async fn insert(sso: &Sso, new: NewSecDef) -> Result<crate::ops::CreatedSecDef, Failure> {
    Ok(sso.create_sec_def(&setup::context(sso)?, new).await?)
}

/// Lists all definitions. They are made by hand, so there are not so many that they could not be held.
pub(in crate::cli) async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    let definitions = setup::with_existing(config, async |sso| all(sso).await).await?;
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for definition in &definitions {
            array.push(&object(definition))?;
        }
        return array.end();
    }
    let rows: Vec<_> =
        std::iter::once(TITLES.map(str::to_owned)).chain(definitions.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

async fn all(sso: &Sso) -> Result<Vec<SecDef>, Failure> {
    Ok(sso.list_sec_defs(&setup::context(sso)?, Actor::Trusted(None)).await?)
}

/// Deletes a definition, after asking.
pub(in crate::cli) async fn delete(
    config: Config,
    args: DeleteSecDefArgs,
    out: &Output,
) -> Result<(), Failure> {
    let (definition, is_deleted) = setup::with_existing(config, async |sso| remove(sso, &args).await).await?;
    let text = if is_deleted {
        format!("Deleted security definition `{}`", definition.name)
    } else {
        format!("Security definition `{}` kept intact", definition.name)
    };
    let id = definition.sec_def_id;
    out.result(&text, &json!({"sec_def_id": id, "name": definition.name, "is_deleted": is_deleted}))
}

async fn remove(sso: &Sso, args: &DeleteSecDefArgs) -> Result<(SecDef, bool), Failure> {
    let ctx = setup::context(sso)?;
    let definition = sso.get_sec_def(&ctx, &args.name).await?;
    let question = format!("Delete security definition? `{}` [y/n]", one_line(&definition.name));
    let is_deleted = args.yes || is_agreed(&question, io::stderr().lock(), io::stdin().lock())?;
    if is_deleted {
        sso.delete_sec_def(&ctx, &definition.name).await?;
    }
    Ok((definition, is_deleted))
}

fn object(definition: &SecDef) -> Value {
    json!({
        "sec_def_id": definition.sec_def_id,
        "sec_type": definition.sec_type.as_str(),
        "name": definition.name,
        "username": definition.username,
        "is_active": definition.is_active,
        "creation_time": definition.creation_time.to_string(),
        "linked_to": definition.linked_to,
        "audience": definition.token.audience,
        "max_lifetime": definition.token.max_lifetime,
    })
}

fn row(definition: &SecDef) -> [String; 8] {
    [
        definition.name.clone(),
        definition.sec_def_id.to_string(),
        definition.sec_type.as_str().to_owned(),
        definition.username.clone(),
        if definition.is_active { "yes" } else { "no" }.to_owned(),
        definition.linked_to.clone().unwrap_or_default(),
        definition.token.audience.clone().unwrap_or_default(),
        definition.token.max_lifetime.map(|seconds| seconds.to_string()).unwrap_or_default(),
    ]
}
