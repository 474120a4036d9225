//! What is known of somebody, for them to keep: a file.

use serde_json::{Map, Value, json};

use crate::domain::Field;
use crate::http::failure::Failure;
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::AttrTarget;

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let (sso, ctx, actor) = (visit.sso(), visit.ctx(), visit.actor());
    let view = sso.get_current_user(ctx, &actor, false).await?;
    let user: Map<String, Value> = view
        .fields()
        .into_iter()
        .map(|(name, field)| {
            let value = match field {
                Field::None => Value::Null,
                Field::Bool(truth) => truth.into(),
                Field::Text(text) => text.into(),
                Field::List(texts) => texts.into(),
                Field::Time(time) => time.to_string().into(),
            };
            (name.to_owned(), value)
        })
        .collect();
    let sessions = sso.list_sessions(ctx, &actor, None).await?;
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|listing| {
            let session = &listing.session;
            json!({
                "session_id": session.session_id.to_string(),
                "creation_time": session.creation_time.to_string(),
                "expiration_time": session.expiration_time.to_string(),
                "remote_addr": session.remote_addr,
                "user_agent": session.user_agent,
            })
        })
        .collect();
    let passkeys = sso.list_passkeys(ctx, &actor, None).await?;
    let passkeys: Vec<Value> = passkeys
        .iter()
        .map(|passkey| {
            json!({
                "name": passkey.name,
                "aaguid": passkey.aaguid.to_string(),
                "creation_time": passkey.creation_time.to_string(),
                "last_use": passkey.last_use.map(|time| time.to_string()),
            })
        })
        .collect();
    let attrs = sso.all_attrs(ctx, &actor, &AttrTarget::User(None), true).await?;
    let attrs: Vec<Value> = attrs.iter().map(attr).collect();
    let all = json!({"user": user, "sessions": sessions, "passkeys": passkeys, "attributes": attrs});
    let body = serde_json::to_string_pretty(&all).map_err(|_| Failure::Internal)?;
    Ok(Answer::of(Kind::File { name: "my-data.json", body }))
}

fn attr(attr: &crate::domain::Attr) -> Value {
    let value = attr.value.as_ref().map(|value| value.as_json_text().to_owned());
    json!({
        "name": attr.name,
        "value": value.and_then(|text| serde_json::from_str::<Value>(&text).ok()),
        "creation_time": attr.creation_time.to_string(),
        "last_modified": attr.last_modified.to_string(),
        "expiration_time": attr.expiration_time.to_string(),
    })
}
