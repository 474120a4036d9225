//! One's own sessions: where one is signed in, and the end of that.

use minijinja::{Value, context};

use crate::domain::browser_and_system;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::SessionListing;

const TEMPLATE: &str = "account_sessions.html";

/// What a program calls itself, in words where it is a browser; None of one that does not say.
fn device(visit: &Visit, user_agent: Option<&str>) -> Option<String> {
    let user_agent = user_agent?;
    match browser_and_system(user_agent) {
        Some((browser, Some(system))) => {
            visit.say_with("device-on", &[("browser", browser), ("system", system)])
        }
        Some((browser, None)) => Some(browser.to_owned()),
        None => Some(user_agent.to_owned()),
    }
}

/// What a page shows of a session: with what and from where it was last renewed, and when it was last used.
pub(in crate::http::page) fn item(visit: &Visit, listing: &SessionListing) -> Value {
    let session = &listing.session;
    let last = listing.state_changes.last();
    let user_agent = last.and_then(|change| change.user_agent.as_deref()).or(session.user_agent.as_deref());
    let changed = last.map_or(session.creation_time, |change| change.timestamp_utc);
    context! {
        id => session.session_id.to_string(),
        began => session.creation_time.to_string(),
        seen => session.last_use.max(changed).to_string(),
        ends => session.expiration_time.to_string(),
        remote_addr => last.map_or(&*session.remote_addr, |change| &*change.remote_addr),
        device => device(visit, user_agent).or_else(|| visit.say("unknown-program")),
        kind => session.auth_type.as_str(),
        is_current => listing.is_current,
    }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let sessions = visit.sso().list_sessions(visit.ctx(), visit.actor(), None).await?;
    let sessions: Vec<Value> = sessions.iter().map(|one| item(visit, one)).collect();
    Ok(Answer::page(TEMPLATE, context! { sessions }))
}

/// Ends one, or all but the one that asks.
pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let (sso, ctx, actor) = (visit.sso(), visit.ctx(), visit.actor());
    let ended = match visit.form.text("session_id") {
        Some(session_id) => sso.end_session(ctx, actor, session_id, None).await.map(drop),
        None => sso.end_all_sessions(ctx, actor, None, true).await.map(drop),
    };
    match ended {
        Ok(()) => Ok(Answer::to(visit.target("account/sessions?done=session"))),
        Err(error) => visit.again(TEMPLATE, context! {}, error),
    }
}
