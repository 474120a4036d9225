//! One client: its settings, its secret, its end.

use minijinja::{Value, context};

use crate::domain::{Code, Error, Result};
use crate::http::page::admin::client_form::{fields, is_more, update};
use crate::http::page::admin::clients::{item, shown_once};
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin_client.html";

async fn shown(visit: &Visit, is_form: bool) -> Result<Value> {
    let client = visit.sso().get_client(visit.ctx(), visit.actor(), visit.last()).await?;
    let form = (is_form && visit.form.get("action") == "save").then_some(&visit.form);
    Ok(context! { client => item(&client), ..fields(visit, &client, form) })
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    // What was typed is shown once more after a login that a change has asked for.
    match shown(visit, visit.is_draft).await {
        Ok(shown) => Ok(Answer::page(TEMPLATE, shown)),
        Err(error) => {
            let said = context! { title => "no-client-title", text => "no-client-text" };
            visit.again("message.html", said, error)
        }
    }
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    match act(visit).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let is_open = match &error {
                Error::Refused { code: Code::ClientInvalid, detail: Some(detail) } => {
                    detail.split_once(':').is_some_and(|(field, _)| is_more(field))
                }
                _ => false,
            };
            let shown = shown(visit, true).await.unwrap_or_else(|_| context! {});
            visit.again(TEMPLATE, context! { is_open, ..shown }, error)
        }
    }
}

/// Does what a button asks for.
async fn act(visit: &Visit) -> Result<Answer> {
    let (sso, ctx, actor, client_id) = (visit.sso(), visit.ctx(), visit.actor(), visit.last());
    let target = match visit.form.get("action") {
        "save" => {
            sso.update_client(ctx, actor, client_id, update(&visit.form, false)?).await?;
            format!("{}?done=client-saved", visit.path)
        }
        "rotate" => {
            let invalid = || Error::refused(Code::ClientInvalid, "keep_old_for: a number of hours");
            let keep_old_for =
                visit.form.text("keep_old_for").unwrap_or("0").parse().map_err(|_| invalid())?;
            // A reload of the page with the secret sends this form once more.
            let seen = visit.form.text("changed");
            let made = sso.rotate_seen_client_secret(ctx, actor, client_id, keep_old_for, seen).await?;
            match made {
                Some(made) => return Ok(shown_once(visit, &made, "client-rotated", Some(keep_old_for))),
                None => format!("{}?done=client-meanwhile", visit.path),
            }
        }
        "delete" => {
            sso.delete_client(ctx, actor, client_id).await?;
            "admin/clients?done=client-deleted".to_owned()
        }
        _ => visit.path.clone(),
    };
    Ok(Answer::of(Kind::SeeOther(visit.target(&target))))
}
