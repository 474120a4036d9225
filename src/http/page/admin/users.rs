//! Users, page by page: all of them, those that a search finds, those who wait for approval.

use minijinja::{Value, context};

use crate::domain::{
    Code, Error, Place, Result, Timestamp, UserBrowse, UserCount, UserOrder, UserPage, UserState, UserView,
};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin.html";

/// The lists that can be asked for.
const LISTS: [&str; 6] = ["all", "waiting", "rejected", "unconfirmed", "locked", "super-users"];

/// The orders that can be asked for.
const ORDERS: [UserOrder; 2] = [UserOrder::Name, UserOrder::Newest];

/// The criteria behind the first two.
const MORE: [&str; 4] = ["group", "from", "until", "since"];

/// What a page shows of a user.
fn item(view: &UserView) -> Value {
    let user = &view.user;
    context! {
        user_id => user.user_id.as_str(),
        username => &*user.username,
        display_name => user.display_name.as_deref(),
        email => user.email.as_deref(),
        approval_status => user.approval_status.as_str(),
        is_locked => user.is_locked,
        is_super_user => user.is_super_user,
        signed_up => user.sign_up_time.to_string(),
        groups => user.groups.clone(),
    }
}

/// A day of a field; None for none.
fn day(visit: &Visit, name: &str) -> Result<Option<Timestamp>> {
    let invalid = || Error::refused(Code::CommonInvalidInput, format!("{name}: a date such as 2026-02-25"));
    visit.query.text(name).map(|text| Timestamp::parse(text).ok_or_else(invalid)).transpose()
}

fn order(visit: &Visit) -> UserOrder {
    UserOrder::parse(visit.query.get("order")).unwrap_or(UserOrder::Name)
}

/// What is looked for: an email address, or a part of a name, and more.
fn browse(visit: &Visit) -> Result<UserBrowse> {
    let wanted = visit.query.text("q").map(str::to_owned);
    let is_email = wanted.as_ref().is_some_and(|wanted| wanted.contains('@'));
    let (email, part) = if is_email { (wanted, None) } else { (None, wanted) };
    let order = order(visit);
    Ok(UserBrowse {
        part,
        email,
        state: UserState::parse(visit.query.get("list")),
        group: visit.query.text("group").map(str::to_owned),
        signed_up_from: day(visit, "from")?,
        // The last day is one of them.
        signed_up_before: day(visit, "until")?.map(|day| day.plus_days(1)),
        logged_in_from: day(visit, "since")?,
        order,
        after: visit.query.text("after").map(|after| Place::parse(order, after)).transpose()?,
        limit: None,
    })
}

/// The address of another part of the same list.
fn address(visit: &Visit, after: Option<&Place>) -> String {
    let kept = visit.query.without(&["after", "done", "ui_locales"]);
    let after = after.map(|place| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &place.to_text());
        query.finish()
    });
    let parts: Vec<String> = [kept].into_iter().filter(|kept| !kept.is_empty()).chain(after).collect();
    format!("?{}", parts.join("&"))
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let asked = visit.query.get("list");
    let list = LISTS.into_iter().find(|list| *list == asked).unwrap_or("all");
    let text = |name: &str| visit.query.text(name).unwrap_or_default().to_owned();
    let form = context! {
        list,
        lists => LISTS.to_vec(),
        order => order(visit).as_str(),
        orders => ORDERS.map(UserOrder::as_str).to_vec(),
        q => text("q"),
        group => text("group"),
        from => text("from"),
        until => text("until"),
        since => text("since"),
        has_more => MORE.iter().any(|name| visit.query.text(name).is_some()),
    };
    let found = match browse(visit) {
        Ok(browse) => visit.sso().browse_users(visit.ctx(), visit.actor(), browse).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => Ok(Answer::page(TEMPLATE, context! { ..shown(visit, &found), ..form })),
        Err(error) => visit.again(TEMPLATE, form, error),
    }
}

fn shown(visit: &Visit, found: &UserPage) -> Value {
    let (how, count) = match found.count {
        UserCount::Exact(count) => ("found", count),
        UserCount::About(count) => ("found-about", count),
        UserCount::MoreThan(count) => ("found-more", count),
    };
    context! {
        users => found.users.iter().map(item).collect::<Vec<_>>(),
        how,
        count,
        first_page => visit.query.text("after").map(|_| address(visit, None)),
        next_page => found.next.as_ref().map(|place| address(visit, Some(place))),
    }
}
