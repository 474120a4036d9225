//! One's own passkeys: add, rename, remove.

use minijinja::{Value, context};

use crate::domain::Passkey;
use crate::http::failure::Failure;
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "account_passkeys.html";

/// What a page shows of a passkey.
pub(in crate::http::page) fn item(passkey: &Passkey) -> Value {
    context! {
        id => passkey.passkey_id.as_str(),
        name => &*passkey.name,
        created => passkey.creation_time.to_string(),
        used => passkey.last_use.map(|time| time.to_string()),
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    if let Some(answer) = visit.to_own_login().await? {
        return Ok(answer);
    }
    Ok(Answer::page(TEMPLATE, shown(visit).await?))
}

async fn shown(visit: &Visit) -> Result<Value, Failure> {
    let passkeys = visit.sso().list_passkeys(visit.ctx(), visit.ust(), None).await?;
    Ok(context! { passkeys => passkeys.iter().map(item).collect::<Vec<_>>() })
}

/// Renames one, or removes it.
pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let (sso, ctx, ust) = (visit.sso(), visit.ctx(), visit.ust());
    let passkey_id = visit.form.get("passkey_id");
    let (done, outcome) = if visit.form.get("action") == "remove" {
        ("passkey-removed", sso.delete_passkeys(ctx, ust, None, Some(passkey_id)).await.map(drop))
    } else {
        let name = visit.form.get("name").to_owned();
        ("passkey-renamed", sso.rename_passkey(ctx, ust, passkey_id, name).await)
    };
    answer(visit, done, outcome).await
}

/// What a browser is to be asked to make one.
pub(in crate::http) async fn options(visit: &mut Visit) -> Outcome {
    let name = visit.form.text("name").map(str::to_owned);
    let options = visit.sso().begin_passkey_registration(visit.ctx(), visit.ust(), name).await?;
    Ok(Answer::of(Kind::Json(options.to_string())))
}

/// Adds the one that the browser has made.
pub(in crate::http) async fn add(visit: &mut Visit) -> Outcome {
    let response = visit.form.get("response");
    let added = visit.sso().finish_passkey_registration(visit.ctx(), visit.ust(), response).await;
    answer(visit, "passkey-added", added.map(drop)).await
}

async fn answer(visit: &Visit, done: &str, outcome: crate::domain::Result<()>) -> Outcome {
    match outcome {
        Ok(()) => Ok(Answer::to(visit.target(&format!("account/passkeys?done={done}")))),
        Err(error) => {
            let shown = shown(visit).await?;
            visit.again(TEMPLATE, shown, error)
        }
    }
}
