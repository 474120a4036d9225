//! `create-site`, `list-sites`, `update-site` and `delete-site`.

use std::io;

use serde_json::{Value, json};

use crate::cli::args::{DeleteSiteArgs, NewSiteArgs, UpdateSiteArgs};
use crate::cli::command::user::is_agreed;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Site, one_line};
use crate::ops::{Actor, CreatedSite, KeyChange, NewSite, SiteUpdate, Sso, UpdatedSite};

/// The column titles of `list-sites`.
const TITLES: [&str; 5] = ["SUBDOMAIN", "PUBLIC KEY", "ACTIVE", "TRUSTED", "CALLBACK URIS"];

/// Makes a site. Its private key is shown this once.
pub(in crate::cli) async fn create(config: Config, args: NewSiteArgs, out: &Output) -> Result<(), Failure> {
    let CreatedSite { site, private_key } =
        setup::with_existing(config, async |sso| insert(sso, args).await).await?;
    let text = format!(
        "Created site `{}`\nPublic key: {}\nPrivate key, shown only now: {}",
        site.subdomain,
        site.public_key,
        private_key.expose()
    );
    let mut object = object(&site);
    if let Value::Object(object) = &mut object {
        object.insert("private_key".to_owned(), Value::from(private_key.expose()));
    }
    out.result(&text, &object)
}

async fn insert(sso: &Sso, args: NewSiteArgs) -> Result<CreatedSite, Failure> {
    let NewSiteArgs { subdomain, callback_uri, trusted, long_key } = args;
    let new = NewSite { subdomain, callback_uris: callback_uri, is_trusted: trusted, has_long_key: long_key };
    Ok(sso.create_site(&setup::context(sso)?, new).await?)
}

/// Gives a site other callback URIs or another private key, or changes whether it is trusted.
pub(in crate::cli) async fn update(
    config: Config,
    args: UpdateSiteArgs,
    out: &Output,
) -> Result<(), Failure> {
    let UpdatedSite { site, private_key } =
        setup::with_existing(config, async |sso| replace(sso, args).await).await?;
    let mut text = format!("Updated site `{}`", site.subdomain);
    let mut object = object(&site);
    if let Some(private_key) = &private_key {
        text.push_str(&format!("\nPrivate key, shown only now: {}", private_key.expose()));
        if site.has_old_key {
            text.push_str("\nThe former key is valid as well, until --end-old-key");
        }
        if let Value::Object(object) = &mut object {
            object.insert("private_key".to_owned(), Value::from(private_key.expose()));
        }
    }
    out.result(&text, &object)
}

async fn replace(sso: &Sso, args: UpdateSiteArgs) -> Result<UpdatedSite, Failure> {
    let is_about_uris = args.no_callback_uri || !args.callback_uri.is_empty();
    let key = if args.new_key {
        KeyChange::New { is_long: args.long_key, keeps_old: args.keep_old_key }
    } else if args.end_old_key {
        KeyChange::EndOld
    } else {
        KeyChange::Keep
    };
    let update = SiteUpdate {
        callback_uris: is_about_uris.then_some(args.callback_uri),
        is_trusted: args.trusted,
        key,
    };
    Ok(sso.update_site(&setup::context(sso)?, &args.subdomain, update).await?)
}

/// Lists all sites. They are made by hand, so there are not so many that they could not be held.
pub(in crate::cli) async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    let sites = setup::with_existing(config, async |sso| all(sso).await).await?;
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for site in &sites {
            array.push(&object(site))?;
        }
        return array.end();
    }
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(sites.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

async fn all(sso: &Sso) -> Result<Vec<Site>, Failure> {
    Ok(sso.list_sites(&setup::context(sso)?, Actor::Trusted(None)).await?)
}

/// Deletes a site, after asking.
pub(in crate::cli) async fn delete(
    config: Config,
    args: DeleteSiteArgs,
    out: &Output,
) -> Result<(), Failure> {
    let ended = setup::with_existing(config, async |sso| remove(sso, &args).await).await?;
    let subdomain = &args.subdomain;
    let text = match ended {
        Some(ended) => format!("Deleted site `{subdomain}`, sessions ended: {ended}"),
        None => format!("Site `{subdomain}` kept intact"),
    };
    out.result(
        &text,
        &json!({"subdomain": subdomain, "is_deleted": ended.is_some(), "sessions_ended": ended.unwrap_or(0)}),
    )
}

/// How many sessions were ended; None if that was not agreed to.
async fn remove(sso: &Sso, args: &DeleteSiteArgs) -> Result<Option<u64>, Failure> {
    let ctx = setup::context(sso)?;
    // Whether there is such a site is said before anything is asked.
    sso.act_as_site(&ctx, &args.subdomain).await?;
    let question = format!("Delete site? `{}` [y/n]", one_line(&args.subdomain));
    if !args.yes && !is_agreed(&question, io::stderr().lock(), io::stdin().lock())? {
        return Ok(None);
    }
    Ok(Some(sso.delete_site(&ctx, &args.subdomain).await?))
}

fn object(site: &Site) -> Value {
    let mut object = json!({
        "subdomain": site.subdomain,
        "public_key": site.public_key.to_string(),
        "is_active": site.is_active,
        "is_trusted": site.is_trusted,
        "creation_time": site.creation_time.to_string(),
        "callback_uris": site.callback_uris,
    });
    if let Value::Object(object) = &mut object
        && site.has_old_key
    {
        object.insert("has_old_key".to_owned(), Value::Bool(true));
    }
    object
}

fn row(site: &Site) -> [String; 5] {
    let said = |is: bool| if is { "yes" } else { "no" }.to_owned();
    [
        site.subdomain.clone(),
        site.public_key.to_string(),
        said(site.is_active),
        said(site.is_trusted),
        site.callback_uris.join(" "),
    ]
}
