//! The clients of the OpenID Provider, and a new one.

use minijinja::{Value, context};

use crate::domain::{Client, ClientId, ClientWithSecret, Result, Timestamp};
use crate::http::page::admin::client_form::{new_fields, update};
use crate::http::page::admin::listing::part;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin_clients.html";
const NEW: &str = "admin_client_new.html";

/// What a page shows of a client.
pub(super) fn item(client: &Client) -> Value {
    context! {
        client_id => client.client_id.as_str(),
        name => &*client.name,
        kind => client.kind.as_str(),
        is_active => client.is_active,
        is_trusted => client.is_trusted,
        has_secret => client.auth_method.needs_secret(),
        created => client.creation_time.to_string(),
        changed => client.last_modified.to_string(),
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let all = visit.sso().list_clients(visit.ctx(), visit.actor()).await?;
    // Parts of ids are found everywhere.
    let is_id = visit.query.text("q").is_some_and(|q| ClientId::parse(q).is_some());
    let (clients, list) = part(
        visit,
        all,
        |client| match is_id {
            true => vec![client.client_id.as_str()],
            false => vec![client.name.as_str()],
        },
        |client| client.creation_time,
    );
    let is_off = !visit.sso().config().oidc.is_active();
    let clients: Vec<Value> = clients.iter().map(item).collect();
    Ok(Answer::page(TEMPLATE, context! { clients, is_off, ..list }))
}

/// The form of a new one. It would be refused without a fresh login, which is asked for first.
pub(in crate::http) async fn show_new(visit: &mut Visit) -> Outcome {
    match visit.to_fresh_login().await? {
        Some(answer) => Ok(answer),
        None => Ok(Answer::page(NEW, new_fields(visit, visit.is_draft.then_some(&visit.form)))),
    }
}

pub(in crate::http) async fn submit_new(visit: &mut Visit) -> Outcome {
    if is_sent_again(visit).await? {
        return Ok(Answer::to(visit.target("admin/clients?done=client-created")));
    }
    let made = match update(&visit.form, true) {
        Ok(new) => {
            let kind = visit.form.get("kind");
            visit.sso().create_client(visit.ctx(), visit.actor(), kind, new).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => Ok(shown_once(visit, &made, "client-created", None)),
        Err(error) => visit.again(NEW, new_fields(visit, Some(&visit.form)), error),
    }
}

/// Whether this form has made its client already: a reload of the page with the secret sends it once more.
async fn is_sent_again(visit: &Visit) -> Result<bool> {
    let Some(shown) = visit.form.text("shown").and_then(Timestamp::parse) else { return Ok(false) };
    let (kind, name) = (visit.form.get("kind"), visit.form.get("name").trim());
    let all = visit.sso().list_clients(visit.ctx(), visit.actor()).await?;
    let is_it = |client: &Client| {
        client.creation_time >= shown && client.kind.as_str() == kind && client.name == name
    };
    Ok(all.iter().any(is_it))
}

/// The secret of a client, which is at no address of its own; without one, the client.
pub(super) fn shown_once(
    visit: &Visit,
    made: &ClientWithSecret,
    done: &str,
    keep_old_for: Option<u32>,
) -> Answer {
    let client_id = made.client.client_id.as_str();
    let Some(secret) = &made.client_secret else {
        return Answer::to(visit.target(&format!("admin/client/{client_id}?done={done}")));
    };
    let shown = context! {
        client => item(&made.client),
        secret => secret.expose(),
        said => format!("done-{done}"),
        keep_old_for => keep_old_for.filter(|hours| *hours > 0),
    };
    Answer::page("admin_client_secret.html", shown)
}
