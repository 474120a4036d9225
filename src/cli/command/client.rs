//! `create-client`, `list-clients`, `show-client`, `update-client`, `delete-client`, `rotate-client-secret` and
//! `rotate-signing-keys`.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::args::{
    ClientCommand, ClientTerms, DeleteClientArgs, NewClientArgs, RotateSecretArgs, UpdateClientArgs,
};
use crate::cli::command::user::is_agreed;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Client, ClientUpdate, ClientWithSecret, Edit, SigningKeyInfo, one_line};
use crate::ops::{Actor, Sso};

/// The column titles of `list-clients`.
const TITLES: [&str; 6] = ["NAME", "CLIENT ID", "KIND", "ACTIVE", "TRUSTED", "REDIRECT URIS"];

/// Runs one of the commands.
pub(in crate::cli) async fn run(config: Config, command: ClientCommand, out: &Output) -> Result<(), Failure> {
    match command {
        ClientCommand::CreateClient(args) => create(config, args, out).await,
        ClientCommand::ListClients => list(config, out).await,
        ClientCommand::ShowClient(args) => {
            let client = setup::with_existing(config, async |sso| get(sso, &args.client_id).await).await?;
            show(&client, out)
        }
        ClientCommand::UpdateClient(args) => {
            let client = setup::with_existing(config, async |sso| change(sso, args).await).await?;
            out.result(&format!("Updated client `{}`", client.name), &object(&client))
        }
        ClientCommand::DeleteClient(args) => delete(config, args, out).await,
        ClientCommand::RotateClientSecret(args) => rotate_secret(config, args, out).await,
        ClientCommand::RotateSigningKeys(args) => {
            let keys = setup::with_existing(config, async |sso| {
                Ok(sso.rotate_signing_keys(&setup::context(sso)?, args.at_once).await?)
            });
            told_keys(&keys.await?, out)
        }
    }
}

async fn create(config: Config, args: NewClientArgs, out: &Output) -> Result<(), Failure> {
    let made = setup::with_existing(config, async |sso| insert(sso, args).await).await?;
    let mut text =
        format!("Created client `{}`\nClient id: {}", made.client.name, made.client.client_id.as_str());
    add_secret(&mut text, &made);
    out.result(&text, &object_with_secret(&made))
}

async fn insert(sso: &Sso, args: NewClientArgs) -> Result<ClientWithSecret, Failure> {
    let new = ClientUpdate { name: Edit::Set(args.name), ..update_of(args.terms)? };
    Ok(sso.create_client(&setup::context(sso)?, Actor::Trusted(None), &args.kind, new).await?)
}

async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    let clients = setup::with_existing(config, async |sso| {
        Ok(sso.list_clients(&setup::context(sso)?, Actor::Trusted(None)).await?)
    });
    let clients: Vec<Client> = clients.await?;
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for client in &clients {
            array.push(&object(client))?;
        }
        return array.end();
    }
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(clients.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

async fn get(sso: &Sso, client_id: &str) -> Result<Client, Failure> {
    Ok(sso.get_client(&setup::context(sso)?, Actor::Trusted(None), client_id).await?)
}

fn show(client: &Client, out: &Output) -> Result<(), Failure> {
    let object = object(client);
    let lines = object.as_object().into_iter().flatten().map(|(name, value)| {
        let shown = match value {
            Value::Null => String::new(),
            Value::String(text) => one_line(text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                items.join(" ")
            }
            other => other.to_string(),
        };
        format!("{name}: {shown}").trim_end().to_owned()
    });
    out.result(&lines.collect::<Vec<_>>().join("\n"), &object)
}

async fn change(sso: &Sso, args: UpdateClientArgs) -> Result<Client, Failure> {
    let name = args.name.map_or(Edit::Keep, Edit::Set);
    let update = ClientUpdate { name, ..update_of(args.terms)? };
    Ok(sso.update_client(&setup::context(sso)?, Actor::Trusted(None), &args.client_id, update).await?)
}

async fn delete(config: Config, args: DeleteClientArgs, out: &Output) -> Result<(), Failure> {
    let (client, is_deleted) = setup::with_existing(config, async |sso| remove(sso, &args).await).await?;
    let text = if is_deleted { "Deleted client `" } else { "Client `" };
    let end = if is_deleted { "`" } else { "` kept intact" };
    let object =
        json!({"client_id": client.client_id.as_str(), "name": client.name, "is_deleted": is_deleted});
    out.result(&format!("{text}{}{end}", client.name), &object)
}

async fn remove(sso: &Sso, args: &DeleteClientArgs) -> Result<(Client, bool), Failure> {
    let client = get(sso, &args.client_id).await?;
    let question = format!("Delete client? `{}` [y/n]", one_line(&client.name));
    if !args.yes && !is_agreed(&question, io::stderr().lock(), io::stdin().lock())? {
        return Ok((client, false));
    }
    sso.delete_client(&setup::context(sso)?, Actor::Trusted(None), client.client_id.as_str()).await?;
    Ok((client, true))
}

async fn rotate_secret(config: Config, args: RotateSecretArgs, out: &Output) -> Result<(), Failure> {
    let rotated = setup::with_existing(config, async |sso| {
        let ctx = setup::context(sso)?;
        let (by, hours) = (Actor::Trusted(None), args.keep_old_for);
        Ok(sso.rotate_client_secret(&ctx, by, &args.client_id, hours).await?)
    });
    let rotated: ClientWithSecret = rotated.await?;
    let mut text = format!("Client `{}` has a new secret", rotated.client.name);
    add_secret(&mut text, &rotated);
    if args.keep_old_for > 0 {
        text.push_str(&format!("\nThe former secret is valid for {} hours more", args.keep_old_for));
    }
    out.result(&text, &object_with_secret(&rotated))
}

fn told_keys(keys: &[SigningKeyInfo], out: &Output) -> Result<(), Failure> {
    let line = |key: &SigningKeyInfo| {
        format!("{} key {} signs from {}", key.alg.as_str(), key.kid, key.activation_time)
    };
    let object = |key: &SigningKeyInfo| {
        json!({
            "kid": key.kid,
            "alg": key.alg.as_str(),
            "creation_time": key.creation_time.to_string(),
            "activation_time": key.activation_time.to_string(),
        })
    };
    let text = keys.iter().map(line).collect::<Vec<_>>().join("\n");
    out.result(&text, &json!(keys.iter().map(object).collect::<Vec<_>>()))
}

fn add_secret(text: &mut String, with_secret: &ClientWithSecret) {
    if let Some(secret) = &with_secret.client_secret {
        text.push_str(&format!("\nClient secret, shown only now: {}", secret.expose()));
    }
}

/// An empty text takes a value away.
fn text(given: Option<String>) -> Edit<String> {
    match given {
        None => Edit::Keep,
        Some(text) if text.is_empty() => Edit::Clear,
        Some(text) => Edit::Set(text),
    }
}

/// The same of a list: one empty text is none.
fn texts(given: Option<Vec<String>>) -> Edit<Vec<String>> {
    match given {
        None => Edit::Keep,
        Some(list) if list.iter().all(String::is_empty) => Edit::Clear,
        Some(list) => Edit::Set(list),
    }
}

fn update_of(terms: ClientTerms) -> Result<ClientUpdate, Failure> {
    let jwks = match &terms.jwks {
        None => Edit::Keep,
        Some(path) if path.as_os_str().is_empty() => Edit::Clear,
        Some(path) => Edit::Set(read(path)?),
    };
    Ok(ClientUpdate {
        name: Edit::Keep,
        redirect_uris: texts(terms.redirect_uris),
        post_logout_redirect_uris: texts(terms.post_logout_redirect_uris),
        backchannel_logout_uri: text(terms.backchannel_logout_uri),
        scopes: texts(terms.scopes),
        grants: texts(terms.grants),
        auth_method: text(terms.auth_method),
        jwks,
        jwks_uri: text(terms.jwks_uri),
        id_token_alg: text(terms.id_token_alg),
        access_token_format: text(terms.access_token_format),
        access_token_lifetime: terms.access_token_lifetime.map_or(Edit::Keep, Edit::Set),
        refresh_token_lifetime: terms.refresh_token_lifetime.map_or(Edit::Keep, Edit::Set),
        refresh_token_idle: terms.refresh_token_idle.map_or(Edit::Keep, Edit::Set),
        default_audience: text(terms.default_audience),
        audiences: texts(terms.audiences),
        own_audiences: texts(terms.own_audiences),
        is_trusted: terms.trusted.map_or(Edit::Keep, Edit::Set),
        require_pkce: terms.require_pkce.map_or(Edit::Keep, Edit::Set),
        app: text(terms.app),
        logo_uri: text(terms.logo_uri),
        policy_uri: text(terms.policy_uri),
        tos_uri: text(terms.tos_uri),
        pairwise_sector: text(terms.pairwise_sector),
        is_active: terms.active.map_or(Edit::Keep, Edit::Set),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Message(format!("cannot read {}: {error}", path.display())))
}

fn object(client: &Client) -> Value {
    json!({
        "client_id": client.client_id.as_str(),
        "name": client.name,
        "kind": client.kind.as_str(),
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "scopes": client.scopes,
        "grants": client.grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        "auth_method": client.auth_method.as_str(),
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        "id_token_alg": client.id_token_alg.as_str(),
        "access_token_format": client.access_token_format.as_str(),
        "access_token_lifetime": client.access_token_lifetime,
        "refresh_token_lifetime": client.refresh_token_lifetime,
        "refresh_token_idle": client.refresh_token_idle,
        "default_audience": client.default_audience,
        "audiences": client.audiences,
        "own_audiences": client.own_audiences,
        "is_trusted": client.is_trusted,
        "require_pkce": client.require_pkce,
        "app": client.app,
        "logo_uri": client.logo_uri,
        "policy_uri": client.policy_uri,
        "tos_uri": client.tos_uri,
        "pairwise_sector": client.pairwise_sector,
        "is_active": client.is_active,
        "creation_time": client.creation_time.to_string(),
        "last_modified": client.last_modified.to_string(),
    })
}

fn object_with_secret(with_secret: &ClientWithSecret) -> Value {
    let mut object = object(&with_secret.client);
    if let (Value::Object(object), Some(secret)) = (&mut object, &with_secret.client_secret) {
        object.insert("client_secret".to_owned(), Value::from(secret.expose()));
    }
    object
}

fn row(client: &Client) -> [String; 6] {
    let yes = |is: bool| if is { "yes" } else { "no" };
    [
        client.name.clone(),
        client.client_id.as_str().to_owned(),
        client.kind.as_str().to_owned(),
        yes(client.is_active).to_owned(),
        yes(client.is_trusted).to_owned(),
        client.redirect_uris.join(" "),
    ]
}
