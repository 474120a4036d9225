//! The audit: entries by what they are about, newest first.

use minijinja::{Value, context};
use serde_json::Map;

use crate::domain::{AuditEntry, AuditPlace, AuditSearch, Code, Error, Result, Timestamp, UserId};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin_audit.html";

/// The criteria behind the first three.
const MORE: [&str; 4] = ["from", "until", "address", "cid"];

/// What a page shows of an entry.
pub(in crate::http) fn item(entry: &AuditEntry) -> Value {
    let extra: Map<String, serde_json::Value> = serde_json::from_str(&entry.extra).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let name = |username: &Option<String>, user_id: &Option<String>| {
        username.as_ref().or(user_id.as_ref()).cloned().unwrap_or_default()
    };
    context! {
        time => entry.time.to_string(),
        op => &*entry.op,
        result => &*entry.result,
        by => name(&entry.current_username, &entry.current_user),
        on => name(&entry.target_username, &entry.target_user),
        how => entry.how.as_deref().unwrap_or_default(),
        address => &*entry.remote_addr,
        cid => &*entry.cid,
        extra => extra.iter().map(|(name, value)| (name.clone(), text(value))).collect::<Vec<_>>(),
    }
}

/// A day of a field; None for none.
fn day(visit: &Visit, name: &str) -> Result<Option<Timestamp>> {
    let invalid = || Error::refused(Code::CommonInvalidInput, format!("{name}: a date such as 2026-02-25"));
    visit.query.text(name).map(|text| Timestamp::parse(text).ok_or_else(invalid)).transpose()
}

fn search(visit: &Visit) -> Result<AuditSearch> {
    let text = |name: &str| visit.query.text(name).map(str::to_owned);
    let is_id = |user: &String| UserId::parse(user).is_some();
    Ok(AuditSearch {
        time_from: day(visit, "from")?,
        // The last day is one of them.
        time_before: day(visit, "until")?.map(|day| day.plus_days(1)),
        op: text("op"),
        result: text("result"),
        user_id: text("user").filter(is_id),
        username: text("user").filter(|user| !is_id(user)),
        cid: text("cid"),
        remote_addr: text("address"),
        after: text("after"),
        limit: None,
    })
}

/// The address of another part of the same list.
fn address(visit: &Visit, after: Option<AuditPlace>) -> String {
    let kept = visit.query.without(&["after", "done", "ui_locales"]);
    // Cursors have no characters that mean anything in a query.
    let after = after.map(|place| format!("after={place}"));
    let parts: Vec<String> = [kept].into_iter().filter(|kept| !kept.is_empty()).chain(after).collect();
    format!("?{}", parts.join("&"))
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let text = |name: &str| visit.query.text(name).unwrap_or_default().to_owned();
    let form = context! {
        op => text("op"),
        user_asked => text("user"),
        result => text("result"),
        from => text("from"),
        until => text("until"),
        address => text("address"),
        cid => text("cid"),
        has_more => MORE.iter().any(|name| visit.query.text(name).is_some()),
    };
    let found = match search(visit) {
        Ok(search) => visit.sso().search_audit(visit.ctx(), visit.actor(), search).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(page) => {
            let shown = context! {
                entries => page.entries.iter().map(item).collect::<Vec<_>>(),
                first_page => visit.query.text("after").map(|_| address(visit, None)),
                next_page => page.next.map(|place| address(visit, Some(place))),
            };
            Ok(Answer::page(TEMPLATE, context! { ..shown, ..form }))
        }
        Err(error) => visit.again(TEMPLATE, form, error),
    }
}
