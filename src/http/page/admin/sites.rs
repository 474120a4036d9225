//! The sites of the sessions API.

use minijinja::{Value, context};

use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let sites = visit.sso().list_sites(visit.ctx(), visit.actor()).await?;
    let sites: Vec<Value> = sites
        .iter()
        .map(|site| {
            context! {
                subdomain => &*site.subdomain,
                public_key => site.public_key.to_string(),
                is_active => site.is_active,
                is_trusted => site.is_trusted,
                created => site.creation_time.to_string(),
                callback_uris => site.callback_uris.clone(),
            }
        })
        .collect();
    Ok(Answer::page("admin_sites.html", context! { sites }))
}
