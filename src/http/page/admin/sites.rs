//! The sites of the sessions API.

use minijinja::{Value, context};

use crate::domain::Site;
use crate::http::page::admin::listing::part;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

fn item(site: &Site) -> Value {
    context! {
        subdomain => &*site.subdomain,
        public_key => site.public_key.to_string(),
        is_active => site.is_active,
        is_trusted => site.is_trusted,
        created => site.creation_time.to_string(),
        callback_uris => site.callback_uris.clone(),
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let all = visit.sso().list_sites(visit.ctx(), visit.actor()).await?;
    let (found, list) = part(visit, all, |site| vec![site.subdomain.as_str()], |site| site.creation_time);
    let sites: Vec<Value> = found.iter().map(item).collect();
    Ok(Answer::page("admin_sites.html", context! { sites, ..list }))
}
