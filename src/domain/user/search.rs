//! What users are searched by.

use crate::domain::user::account::named;
use crate::domain::{ApprovalStatus, SignUpStatus};

named! {
    /// How criteria on names are joined.
    NameOp {
        /// All of them hold.
        And = "and",
        /// One of them holds.
        Or = "or",
    }
}

/// A search of users. What is None, or empty, is no criterion. The user ID wins over everything else, then a whole username;
/// all others, a part of the username among them, are joined by "and", but for names, which are joined by `name_op`.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the documented ones of the concepts page")]
pub struct UserSearch {
    pub user_id: Option<String>,
    pub username: Option<String>,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub sign_up_status: Option<SignUpStatus>,
    pub approval_status: Option<ApprovalStatus>,
    /// The id or name of a group that they are in.
    pub group: Option<String>,
    /// Whether to return one page instead of all results.
    pub paginate: bool,
    /// Which page; below 1 is the first one.
    pub cur_page: i64,
    /// How many a page holds; None and below 1 are the configured number.
    pub page_size: Option<i64>,
    pub name_op: NameOp,
    /// Whether names and the username are given whole; otherwise a part of them is enough. Case does not matter, but in a
    /// whole username.
    pub is_name_exact: bool,
}

impl Default for UserSearch {
    fn default() -> Self {
        Self {
            user_id: None,
            username: None,
            email: None,
            display_name: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            sign_up_status: None,
            approval_status: None,
            group: None,
            paginate: true,
            cur_page: 1,
            page_size: None,
            name_op: NameOp::And,
            is_name_exact: true,
        }
    }
}
