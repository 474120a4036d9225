//! `create-site`, `list-sites`, `update-site` and `delete-site`.

use std::io;

use serde_json::{Value, json};

use crate::cli::args::{DeleteSiteArgs, SiteArgs};
use crate::cli::command::user::is_agreed;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Site, one_line};
use crate::ops::{CreatedSite, Sso};

/// The column titles of `list-sites`.
const TITLES: [&str; 4] = ["SUBDOMAIN", "PUBLIC KEY", "ACTIVE", "CALLBACK URIS"];

/// Makes a site. Its private key is shown this once.
pub(in crate::cli) async fn create(config: Config, args: SiteArgs, out: &Output) -> Result<(), Failure> {
    let sso = setup::open_existing(config).await?;
    let outcome = insert(&sso, &args).await;
    sso.close().await;
    let CreatedSite { site, private_key } = outcome?;
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

async fn insert(sso: &Sso, args: &SiteArgs) -> Result<CreatedSite, Failure> {
    Ok(sso.create_site(&setup::context(sso)?, &args.subdomain, &args.callback_uri).await?)
}

/// Gives a site other callback URIs.
pub(in crate::cli) async fn update(config: Config, args: SiteArgs, out: &Output) -> Result<(), Failure> {
    let sso = setup::open_existing(config).await?;
    let outcome = replace(&sso, &args).await;
    sso.close().await;
    let site = outcome?;
    out.result(&format!("Updated site `{}`", site.subdomain), &object(&site))
}

async fn replace(sso: &Sso, args: &SiteArgs) -> Result<Site, Failure> {
    Ok(sso.update_site(&setup::context(sso)?, &args.subdomain, &args.callback_uri).await?)
}

/// Lists all sites. They are made by hand, so there are not so many that they could not be held.
pub(in crate::cli) async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    let sso = setup::open_existing(config).await?;
    let outcome = all(&sso).await;
    sso.close().await;
    let sites = outcome?;
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
    Ok(sso.list_sites(&setup::context(sso)?).await?)
}

/// Deletes a site, after asking.
pub(in crate::cli) async fn delete(
    config: Config,
    args: DeleteSiteArgs,
    out: &Output,
) -> Result<(), Failure> {
    let sso = setup::open_existing(config).await?;
    let outcome = remove(&sso, &args).await;
    sso.close().await;
    let (subdomain, ended) = (&args.subdomain, outcome?);
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
    json!({
        "subdomain": site.subdomain,
        "public_key": site.public_key.to_string(),
        "is_active": site.is_active,
        "creation_time": site.creation_time.to_string(),
        "callback_uris": site.callback_uris,
    })
}

fn row(site: &Site) -> [String; 4] {
    [
        site.subdomain.clone(),
        site.public_key.to_string(),
        if site.is_active { "yes" } else { "no" }.to_owned(),
        site.callback_uris.join(" "),
    ]
}
