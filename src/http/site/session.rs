//! The sessions of sites.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::domain::{Direction, Password, SiteSession};
use crate::http::failure::Failure;
use crate::http::site::envelope::{Done, SiteCall, SiteEndpoint, listed, text};
use crate::ops::NewSiteSession;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (all, one, of_identity) =
        ("/sso/sessions", "/sso/sessions/{token}", "/sso/sessions/identities/{token}");
    let ok = StatusCode::OK;
    vec![
        SiteEndpoint::new(Method::GET, all, ok, "Lists the open sessions of the site", list),
        SiteEndpoint::new(Method::GET, one, ok, "Reads a session of the site", get),
        SiteEndpoint::new(Method::DELETE, one, ok, "Ends a session of the site", delete),
        SiteEndpoint::new(
            Method::PUT,
            of_identity,
            StatusCode::CREATED,
            "Starts a session for an identity, and ends the one that the site has for it",
            start,
        ),
        SiteEndpoint::new(Method::GET, of_identity, ok, "Reads the session of an identity", get_of_identity),
        SiteEndpoint::new(
            Method::DELETE,
            of_identity,
            ok,
            "Ends the session of an identity",
            delete_of_identity,
        ),
    ]
}

async fn list(request: SiteCall) -> Result<Done, Failure> {
    let wanted = request.page(Direction::Descending)?;
    let call = &request.call;
    let page = call.sso.list_site_sessions(&call.ctx, &request.site, wanted).await?;
    let entries = page.result.iter().map(|session| Value::Object(entry(session))).collect();
    Ok(Done::with("sso_sessions", listed(wanted, "date_creation", &page, entries)))
}

async fn get(request: SiteCall) -> Result<Done, Failure> {
    let (call, token) = (&request.call, Password::from(request.token));
    let session = call.sso.get_site_session(&call.ctx, &request.site, &token).await?;
    Ok(Done::with("sso_session", object(&session)))
}

async fn delete(request: SiteCall) -> Result<Done, Failure> {
    request.check_confirmed()?;
    let (call, token) = (&request.call, Password::from(request.token));
    call.sso.end_site_session(&call.ctx, &request.site, &token).await?;
    Ok(removed())
}

async fn start(request: SiteCall) -> Result<Done, Failure> {
    let mut given = request.object("sso_session")?;
    let new = NewSiteSession {
        top_realm: text(&mut given, "top_realm")?,
        sub_realm: text(&mut given, "sub_realm")?,
        lifetime: lifetime(given.remove("lifetime"))?,
        data: given.remove("data").filter(|data| !data.is_null()),
        user_agent: request.call.user_agent.clone(),
    };
    let call = &request.call;
    let session = call.sso.start_site_session(&call.ctx, &request.site, &request.token, new).await?;
    let data = Some(json!({"sso_session": object(&session)}));
    Ok(Done { info: "The SSO session has been created successfully", data })
}

async fn get_of_identity(request: SiteCall) -> Result<Done, Failure> {
    let call = &request.call;
    let session = call.sso.get_site_session_of_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with("sso_session", object(&session)))
}

async fn delete_of_identity(request: SiteCall) -> Result<Done, Failure> {
    request.check_confirmed()?;
    let call = &request.call;
    call.sso.end_site_session_of_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(removed())
}

const fn removed() -> Done {
    Done { info: "The SSO session has been removed successfully", data: None }
}

/// Seconds, as a number or as a string of digits.
fn lifetime(given: Option<Value>) -> Result<Option<i64>, Failure> {
    let seconds = match &given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    let expected = "lifetime is not a whole number of seconds: send one, or leave it out";
    seconds.map(Some).ok_or_else(|| Failure::bad(expected))
}

/// A session in a list.
fn entry(session: &SiteSession) -> Map<String, Value> {
    let pairs = [
        ("sso_session_token", json!(session.sso_session_token.expose())),
        ("user_token", json!(session.user_token.to_string())),
        ("identity_token", json!(session.identity_token.to_string())),
        ("top_realm", json!(session.top_realm)),
        ("sub_realm", json!(session.sub_realm)),
        ("data", json!(session.data)),
        ("date_update", json!(session.update_time.to_rfc_2822())),
        ("date_creation", json!(session.creation_time.to_rfc_2822())),
        ("date_expiration", json!(session.expiration_time.to_rfc_2822())),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A session alone.
pub(in crate::http) fn object(session: &SiteSession) -> Value {
    let mut object = entry(session);
    object.insert("num_cookies_set".to_owned(), json!(session.num_cookies_set));
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_or_a_string_of_digits() {
        for (given, expected) in [
            (None, None),
            (Some(json!(null)), None),
            (Some(json!(7200)), Some(7200)),
            (Some(json!("7200")), Some(7200)),
            (Some(json!(0)), Some(0)),
        ] {
            assert_eq!(lifetime(given).ok(), Some(expected));
        }
        for bad in [json!(""), json!("-1"), json!("1.5"), json!(1.5), json!("7 "), json!([]), json!(u64::MAX)]
        {
            assert!(lifetime(Some(bad.clone())).is_err(), "{bad}");
        }
        assert!(lifetime(Some(json!("9".repeat(40)))).is_err());
    }
}
