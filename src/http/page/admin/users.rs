//! Users, page by page: all of them, those that a search finds, those who wait for approval.

use minijinja::{Value, context};

use crate::domain::{ApprovalStatus, Page, SignUpStatus, UserSearch, UserView};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin.html";

/// The lists that can be asked for.
const LISTS: [&str; 4] = ["all", "waiting", "rejected", "unconfirmed"];

/// What a page shows of a user.
fn item(view: &UserView) -> Value {
    let user = &view.user;
    context! {
        user_id => user.user_id.as_str(),
        username => &*user.username,
        display_name => user.display_name.as_deref(),
        email => user.email.as_deref(),
        sign_up_status => user.sign_up_status.as_str(),
        approval_status => user.approval_status.as_str(),
        is_locked => user.is_locked,
        is_super_user => user.is_super_user,
        signed_up => user.sign_up_time.to_string(),
    }
}

/// What is looked for: an email address, or a part of a username.
fn search(visit: &Visit, list: &str, page: i64) -> UserSearch {
    let wanted = visit.query.text("q").map(str::to_owned);
    let is_email = wanted.as_ref().is_some_and(|wanted| wanted.contains('@'));
    let (email, username) = if is_email { (wanted, None) } else { (None, wanted) };
    UserSearch {
        username,
        email,
        approval_status: match list {
            "waiting" => Some(ApprovalStatus::BeforeDecision),
            "rejected" => Some(ApprovalStatus::Rejected),
            _ => None,
        },
        sign_up_status: match list {
            "waiting" => Some(SignUpStatus::ToApprove),
            "unconfirmed" => Some(SignUpStatus::BeforeConfirmation),
            _ => None,
        },
        cur_page: page,
        is_name_exact: false,
        ..UserSearch::default()
    }
}

/// The address of another page of the same list.
fn address(visit: &Visit, list: &str, page: Option<i64>) -> Option<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(wanted) = visit.query.text("q") {
        query.append_pair("q", wanted);
    }
    query.append_pair("list", list).append_pair("page", &page?.to_string());
    Some(format!("?{}", query.finish()))
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    let asked = visit.query.get("list");
    let list = LISTS.into_iter().find(|list| *list == asked).unwrap_or("all");
    let page = visit.query.get("page").parse().unwrap_or(1);
    let form = context! { list, lists => LISTS.to_vec(), q => visit.query.text("q") };
    match visit.sso().search_users(visit.ctx(), visit.ust(), search(visit, list, page)).await {
        Ok(found) => {
            let found = shown(visit, list, &found);
            Ok(Answer::page(TEMPLATE, context! { ..found, ..form }))
        }
        Err(error) => visit.again(TEMPLATE, form, error),
    }
}

fn shown(visit: &Visit, list: &str, found: &Page<UserView>) -> Value {
    context! {
        users => found.result.iter().map(item).collect::<Vec<_>>(),
        total => found.total,
        page => found.cur_page,
        pages => found.num_pages(),
        next_page => address(visit, list, found.next_page()),
        prev_page => address(visit, list, found.prev_page()),
    }
}
