//! One's own sessions: where one is signed in, and the end of that.

use minijinja::{Value, context};

use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::SessionListing;

const TEMPLATE: &str = "account_sessions.html";

/// What a page shows of a session.
pub(in crate::http::page) fn item(listing: &SessionListing) -> Value {
    let session = &listing.session;
    let last = listing.state_changes.last();
    context! {
        id => session.session_id.to_string(),
        began => session.creation_time.to_string(),
        seen => last.map_or(session.creation_time, |change| change.timestamp_utc).to_string(),
        ends => session.expiration_time.to_string(),
        remote_addr => &*session.remote_addr,
        user_agent => session.user_agent.as_deref(),
        kind => session.auth_type.as_str(),
        is_current => listing.is_current,
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let sessions = visit.sso().list_sessions(visit.ctx(), visit.ust(), None).await?;
    let sessions: Vec<Value> = sessions.iter().map(item).collect();
    Ok(Answer::page(TEMPLATE, context! { sessions }))
}

/// Ends one, or all but the one that asks.
pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let (sso, ctx, ust) = (visit.sso(), visit.ctx(), visit.ust());
    let ended = match visit.form.text("session_id") {
        Some(session_id) => sso.end_session(ctx, ust, session_id, None).await.map(drop),
        None => sso.end_all_sessions(ctx, ust, None, true).await.map(drop),
    };
    match ended {
        Ok(()) => Ok(Answer::to(visit.target("account/sessions?done=session"))),
        Err(error) => visit.again(TEMPLATE, context! {}, error),
    }
}
