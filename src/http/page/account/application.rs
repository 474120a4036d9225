//! Applications that one has given access to, and the end of that.

use minijinja::{Value, context};

use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::consent::scope_texts;
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "account_applications.html";

async fn list(visit: &Visit) -> Result<Value, crate::http::failure::Failure> {
    let grants = visit.sso().list_user_grants(visit.ctx(), visit.ust(), None).await?;
    let item = |grant: &crate::ops::UserGrant| {
        context! {
            client_id => grant.client_id.as_str(),
            name => &*grant.name,
            scopes => scope_texts(visit, &grant.scopes),
            since => grant.creation_time.to_string(),
            seen => grant.last_sign_in.map(|time| time.to_string()),
        }
    };
    Ok(context! { grants => grants.iter().map(item).collect::<Vec<_>>() })
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(TEMPLATE, list(visit).await?))
}

/// Withdraws the access of one.
pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let client_id = visit.form.get("client_id");
    match visit.sso().revoke_user_grant(visit.ctx(), visit.ust(), client_id, None).await {
        Ok(()) => Ok(Answer::to(visit.target("account/applications?done=application"))),
        Err(error) => visit.again(TEMPLATE, list(visit).await?, error),
    }
}
