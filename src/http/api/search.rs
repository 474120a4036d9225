//! Searching users.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{NameOp, Operation, UserSearch};
use crate::http::api::endpoint::Endpoint;
use crate::http::api::user::Shown;
use crate::http::reply::success::{Answer, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Decision, Flag, Number, Operator, Stage, Text};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/user/search", &[Operation::UserSearch], search)
            .about("Searches users, for super-users"),
    ]
}

input! {
    /// The session that acts, and whom it looks for.
    Search {
        required { ust: Acting }
        optional {
            user_id: Text, username: Text, email: Text, display_name: Text, first_name: Text,
            middle_name: Text, last_name: Text, sign_up_status: Stage, approval_status: Decision, group: Text,
            paginate: Flag, cur_page: Number, page_size: Number, name_op: Operator, is_name_exact: Flag
        }
    }
}

/// One page. What has no value is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Found {
    total: i64,
    num_pages: i64,
    page_size: i64,
    cur_page: i64,
    has_next_page: bool,
    has_prev_page: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_page: Option<i64>,
    result: Vec<Shown>,
}

async fn search(call: Call, input: Search) -> Answer<Found> {
    let search = UserSearch {
        user_id: Text::given(input.user_id),
        username: Text::given(input.username),
        email: Text::given(input.email),
        display_name: Text::given(input.display_name),
        first_name: Text::given(input.first_name),
        middle_name: Text::given(input.middle_name),
        last_name: Text::given(input.last_name),
        sign_up_status: Stage::given(input.sign_up_status),
        approval_status: Decision::given(input.approval_status),
        group: Text::given(input.group),
        paginate: Flag::given(input.paginate).unwrap_or(true),
        cur_page: Number::given(input.cur_page).unwrap_or(1),
        page_size: Number::given(input.page_size),
        name_op: Operator::given(input.name_op).unwrap_or(NameOp::And),
        is_name_exact: Flag::given(input.is_name_exact).unwrap_or(true),
    };
    let page = call.sso.search_users(&call.ctx, input.ust.0, search).await?;
    let (next_page, prev_page) = (page.next_page(), page.prev_page());
    Ok(Reply::ok(Found {
        total: page.total,
        num_pages: page.num_pages(),
        page_size: page.page_size,
        cur_page: page.cur_page,
        has_next_page: next_page.is_some(),
        has_prev_page: prev_page.is_some(),
        next_page,
        prev_page,
        result: page.result.into_iter().map(Shown).collect(),
    }))
}
