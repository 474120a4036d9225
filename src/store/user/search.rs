//! Searching users. Which criteria there are differs from search to search, and an index serves only those that stand in
//! the statement: it is put together from constant fragments, and every value is bound.

use sqlx::AssertSqlSafe;

use crate::domain::{ApprovalStatus, NameOp, Result, SignUpStatus, Timestamp};
use crate::store::Conn;
use crate::store::db::dialect::{SEARCH_POSTGRES, SEARCH_SQLITE, Search};
use crate::store::db::statement::Rows;
use crate::store::user::account::{UserRow, columns, hidden};

/// The columns that names are compared in, upper-cased.
const NAME_COLUMNS: [&str; 4] =
    ["display_name_upper", "first_name_upper", "middle_name_upper", "last_name_upper"];

/// The order of results. A username stands once, so nothing behind it can matter.
const FORWARDS: &str = " ORDER BY display_name NULLS FIRST, username";
const BACKWARDS: &str = " ORDER BY display_name DESC NULLS LAST, username DESC";

/// Which part of all users may have to be read for a page, at most, until it costs less to find all that there are by the
/// indexes of the criteria, and to sort them.
const LARGEST_PART_IN_ORDER: i64 = 50;

/// What users have to be like.
#[derive(Clone, Debug)]
pub enum Criteria {
    /// The one with this id.
    UserId(String),
    /// The one with this name: its key, and the name of a user who has none.
    Username(String, String),
    /// All for whom this holds.
    All(Filter),
}

/// Criteria that are joined by "and".
#[derive(Clone, Debug)]
pub struct Filter {
    /// Display, first, middle and last name, upper-cased, each in the forms in which it may be stored; none are no criterion.
    pub names: [Vec<String>; 4],
    /// How names are joined.
    pub name_op: NameOp,
    /// Whether names are whole ones, not parts.
    pub is_name_exact: bool,
    /// A part of the username, in lower case.
    pub username_part: Option<String>,
    /// Any of these blind indexes of one email.
    pub email_indexes: Option<Vec<Vec<u8>>>,
    /// A sign-up status.
    pub sign_up_status: Option<SignUpStatus>,
    /// An approval status.
    pub approval_status: Option<ApprovalStatus>,
    /// The key of a group that they are in: its id, or the form of its name in which it is compared.
    pub group: Option<String>,
}

/// A value to be bound.
#[derive(Clone)]
pub(in crate::store) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
}

/// What a statement is to do.
#[derive(Clone, Copy)]
enum Task {
    /// Say how many there are.
    Count,
    /// Read users in the order of results, and pass over those for whom the criteria do not hold.
    PageInOrder,
    /// Find all by the indexes of the criteria, and sort them.
    PageOfFew,
}

impl Task {
    /// What finds a page with so many before it, of `total`. Where few are found, users in order are mostly others; where
    /// many are, a page comes soon.
    const fn of_page(before: i64, limit: i64, total: i64) -> Self {
        let read = before.saturating_add(limit).saturating_mul(LARGEST_PART_IN_ORDER);
        if read <= total { Self::PageInOrder } else { Self::PageOfFew }
    }
}

/// A statement under construction.
struct Query {
    text: String,
    values: Vec<Value>,
}

impl Query {
    /// The first value of every user for whom criteria hold.
    fn new(
        selected: &str,
        dialect: &Search,
        task: Task,
        criteria: &Criteria,
        hidden: Option<Timestamp>,
    ) -> Self {
        let in_order = if matches!(task, Task::PageInOrder) { dialect.in_order } else { "" };
        let mut query =
            Self { text: format!("SELECT {selected} FROM sso_user{in_order}"), values: Vec::new() };
        let mut conditions = match criteria {
            Criteria::UserId(user_id) => {
                vec![query.condition("user_id = ", Value::Text(user_id.clone()), "")]
            }
            Criteria::Username(key, name) => {
                let key = query.condition("(username_key = ", Value::Text(key.clone()), "");
                let name = Value::Text(name.clone());
                vec![key + &query.condition(" OR (username_key IS NULL AND username = ", name, "))")]
            }
            Criteria::All(filter) => query.conditions(dialect, task, filter),
        };
        if let Some(now) = hidden {
            let now = query.argument(Value::Number(now.as_micros()));
            conditions.push(format!(concat!("NOT ", hidden!("{}")), now));
        }
        if !conditions.is_empty() {
            query.text.push_str(" WHERE ");
            query.text.push_str(&conditions.join(" AND "));
        }
        query
    }

    fn count(dialect: &Search, criteria: &Criteria, hidden: Option<Timestamp>) -> Self {
        Self::new("COUNT(*)", dialect, Task::Count, criteria, hidden)
    }

    /// A page in this order. What is skipped is skipped in an index; whole users are read only of the page itself.
    fn page(
        dialect: &Search,
        task: Task,
        (criteria, hidden): (&Criteria, Option<Timestamp>),
        order: &str,
        slice: (i64, i64),
    ) -> Self {
        let mut query = Self::new("username", dialect, task, criteria, hidden);
        query.text.push_str(order);
        let (limit, offset) = slice;
        for (word, number) in [(" LIMIT ", limit), (" OFFSET ", offset)] {
            let part = query.condition(word, Value::Number(number), "");
            query.text.push_str(&part);
        }
        let Self { text: usernames, values } = query;
        let columns = columns!();
        let text = format!("SELECT {columns} FROM sso_user WHERE username IN ({usernames}){order}");
        Self { text, values }
    }

    /// The next value's place in the statement.
    fn argument(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// The same between two fragments.
    fn condition(&mut self, before: &str, value: Value, after: &str) -> String {
        let argument = self.argument(value);
        format!("{before}{argument}{after}")
    }

    fn conditions(&mut self, dialect: &Search, task: Task, filter: &Filter) -> Vec<String> {
        let has_part = match task {
            Task::Count => dialect.has_part_to_count,
            Task::PageInOrder => dialect.has_part,
            Task::PageOfFew => dialect.has_part_by_index,
        };
        let mut names = Vec::new();
        for (column, forms) in NAME_COLUMNS.into_iter().zip(&filter.names) {
            let forms: Vec<_> = forms
                .iter()
                .map(|name| {
                    if filter.is_name_exact {
                        return self.condition(&format!("{column} = "), Value::Text(name.clone()), "");
                    }
                    let argument = self.argument(Value::Text((dialect.part)(name)));
                    has_part(column, &argument)
                })
                .collect();
            match forms.as_slice() {
                [] => {}
                [one] => names.push(one.clone()),
                several => names.push(format!("({})", several.join(" OR "))),
            }
        }
        let mut all = match filter.name_op {
            NameOp::Or if names.len() > 1 => vec![format!("({})", names.join(" OR "))],
            NameOp::Or | NameOp::And => names,
        };
        if let Some(part) = &filter.username_part {
            let argument = self.argument(Value::Text((dialect.part)(part)));
            all.push((dialect.has_username_part)(&argument));
        }
        if let Some(indexes) = &filter.email_indexes {
            let any = indexes.iter().map(|index| self.argument(Value::Bytes(index.clone())));
            let any = any.collect::<Vec<_>>().join(", ");
            all.push(format!("email_index IN ({any})"));
        }
        if let Some(status) = filter.sign_up_status {
            all.push(self.condition("sign_up_status = ", Value::Text(status.as_str().to_owned()), ""));
        }
        if let Some(status) = filter.approval_status {
            all.push(self.condition("approval_status = ", Value::Text(status.as_str().to_owned()), ""));
        }
        if let Some(group) = &filter.group {
            let argument = self.argument(Value::Text(group.clone()));
            all.push(format!(
                "user_id IN (SELECT m.user_id FROM sso_group_member m JOIN sso_group g ON g.group_id = m.group_id \
                 WHERE g.group_id = {argument} OR g.name_key = {argument})"
            ));
        }
        all
    }
}

/// What the database is told differently.
pub(super) fn dialect(conn: &Conn) -> &'static Search {
    if conn.is_sqlite() { &SEARCH_SQLITE } else { &SEARCH_POSTGRES }
}

/// Runs a query that gives any number of rows.
async fn fetch_found(conn: &mut Conn, query: Query) -> Result<Rows> {
    fetch_text(conn, query.text, &query.values).await
}

/// The same of a text that was put together from constant fragments.
pub(in crate::store) async fn fetch_text(conn: &mut Conn, text: String, values: &[Value]) -> Result<Rows> {
    let mut statement = conn.statement(AssertSqlSafe(text));
    for value in values {
        match value {
            Value::Text(text) => statement.bind(text.as_str()),
            Value::Bytes(bytes) => statement.bind(bytes.as_slice()),
            Value::Number(number) => statement.bind(*number),
        };
    }
    conn.rows(statement).await
}

/// How many there are, but for those that are hidden at a time, if there are any.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn, criteria: &Criteria, hidden: Option<Timestamp>) -> Result<i64> {
    let query = Query::count(dialect(conn), criteria, hidden);
    let rows: Vec<(i64,)> = fetch_found(conn, query).await?.read()?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Of `total` there are, so many after so many, by display name and username; those without a display name come first.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    criteria: (&Criteria, Option<Timestamp>),
    total: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<UserRow>> {
    let limit = limit.min(total - offset);
    if limit <= 0 {
        return Ok(Vec::new());
    }
    // From whichever end is nearer: what is skipped is read, too.
    let behind = total - offset - limit;
    let (order, before) = if offset <= behind { (FORWARDS, offset) } else { (BACKWARDS, behind) };
    let task = Task::of_page(before, limit, total);
    let query = Query::page(dialect(conn), task, criteria, order, (limit, before));
    let mut rows: Vec<UserRow> = fetch_found(conn, query).await?.read()?;
    if order == BACKWARDS {
        rows.reverse();
    }
    Ok(rows)
}

/// The text of every statement that a search can become on SQLite, with one email index and with two.
#[must_use]
pub fn statements_sqlite() -> Vec<String> {
    statements(&SEARCH_SQLITE)
}

/// The same on PostgreSQL.
#[must_use]
pub fn statements_postgres() -> Vec<String> {
    statements(&SEARCH_POSTGRES)
}

fn statements(dialect: &Search) -> Vec<String> {
    let mut all = vec![Criteria::UserId(String::new()), Criteria::Username(String::new(), String::new())];
    for (names, forms) in (0..16_u8).flat_map(|names| [(names, 1), (names, 2)]) {
        for (name_op, is_name_exact) in
            [(NameOp::And, true), (NameOp::And, false), (NameOp::Or, true), (NameOp::Or, false)]
        {
            for email_indexes in [None, Some(vec![Vec::new()]), Some(vec![Vec::new(); 2])] {
                for sign_up_status in [None, Some(SignUpStatus::Final)] {
                    let kinds = [None, Some(ApprovalStatus::Approved)];
                    let kinds = kinds.into_iter().flat_map(|approval_status| {
                        [None, Some(String::new())].map(|text| (approval_status, text))
                    });
                    all.extend(kinds.map(|(approval_status, text)| {
                        Criteria::All(Filter {
                            names: [0, 1, 2, 3].map(|bit| {
                                let count = if (names >> bit) & 1 == 1 { forms } else { 0 };
                                vec![String::new(); count]
                            }),
                            name_op,
                            is_name_exact,
                            username_part: text.clone(),
                            email_indexes: email_indexes.clone(),
                            sign_up_status,
                            approval_status,
                            group: text,
                        })
                    }));
                }
            }
        }
    }
    let all = all.iter().flat_map(|criteria| [(criteria, None), (criteria, Some(Timestamp::NEVER))]);
    let texts = all.flat_map(|(criteria, hidden)| {
        let page = |task, order| Query::page(dialect, task, (criteria, hidden), order, (1, 0));
        [
            Query::count(dialect, criteria, hidden),
            page(Task::PageInOrder, FORWARDS),
            page(Task::PageInOrder, BACKWARDS),
            page(Task::PageOfFew, FORWARDS),
            page(Task::PageOfFew, BACKWARDS),
        ]
    });
    let mut texts: Vec<String> = texts.map(|query| query.text).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_stands_in_the_statement() {
        let filter = Filter {
            names: [vec![], vec!["ANN".into()], vec![], vec!["LEE".into()]],
            name_op: NameOp::Or,
            is_name_exact: false,
            username_part: Some("an".into()),
            email_indexes: Some(vec![vec![1], vec![2]]),
            sign_up_status: None,
            approval_status: Some(ApprovalStatus::Approved),
            group: None,
        };
        let query = Query::count(&SEARCH_POSTGRES, &Criteria::All(filter), None);
        insta::assert_snapshot!(query.text, @"SELECT COUNT(*) FROM sso_user WHERE (first_name_upper LIKE $1 ESCAPE '!' OR last_name_upper LIKE $2 ESCAPE '!') AND lower(username) LIKE $3 ESCAPE '!' AND email_index IN ($4, $5) AND approval_status = $6");
        assert_eq!(query.values.len(), 6);
    }

    #[test]
    fn a_page_is_read_in_order_when_it_comes_soon() {
        let in_order =
            |before, limit, total| matches!(Task::of_page(before, limit, total), Task::PageInOrder);
        assert!(in_order(0, 50, 2_500) && !in_order(0, 50, 2_499));
        assert!(in_order(450, 50, 1_000_000) && !in_order(500_000, 50, 1_000_000));
    }

    #[test]
    fn whole_users_are_read_of_the_page_alone() {
        let all = Filter {
            names: Default::default(),
            name_op: NameOp::And,
            is_name_exact: true,
            username_part: None,
            email_indexes: None,
            sign_up_status: None,
            approval_status: None,
            group: None,
        };
        let query =
            Query::page(&SEARCH_SQLITE, Task::PageInOrder, (&Criteria::All(all), None), FORWARDS, (50, 100));
        let (_, rest) = query.text.split_once(" FROM ").unwrap();
        insta::assert_snapshot!(rest, @"sso_user WHERE username IN (SELECT username FROM sso_user INDEXED BY sso_user_order ORDER BY display_name NULLS FIRST, username LIMIT $1 OFFSET $2) ORDER BY display_name NULLS FIRST, username");
        assert_eq!(query.values.len(), 2);
    }
}
