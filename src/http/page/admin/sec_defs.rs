//! Security definitions: credentials of API clients.

use minijinja::{Value, context};

use crate::domain::SecDef;
use crate::http::page::admin::listing::part;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

fn item(one: &SecDef) -> Value {
    // Where the user is found that it is linked to.
    let found = one.linked_to.as_deref().map(|username| {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("q", username).finish()
    });
    context! {
        name => &*one.name,
        kind => one.sec_type.as_str(),
        username => &*one.username,
        is_active => one.is_active,
        linked_to => one.linked_to.as_deref(),
        found,
        created => one.creation_time.to_string(),
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let all = visit.sso().list_sec_defs(visit.ctx(), visit.actor()).await?;
    let (found, list) = part(
        visit,
        all,
        |one| vec![&*one.name, &*one.username, one.linked_to.as_deref().unwrap_or_default()],
        |one| one.creation_time,
    );
    let definitions: Vec<Value> = found.iter().map(item).collect();
    Ok(Answer::page("admin_sec_defs.html", context! { definitions, ..list }))
}
