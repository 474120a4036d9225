//! Searching users. Which criteria there are differs from search to search, and an index serves only those that stand in
//! the statement: it is put together from constant fragments, and every value is bound.

use sqlx::AssertSqlSafe;

use super::Conn;
use super::user::{UserRow, columns};
use crate::domain::{NameOp, Result};

/// The columns that names are compared in, upper-cased.
const NAME_COLUMNS: [&str; 4] =
    ["display_name_upper", "first_name_upper", "middle_name_upper", "last_name_upper"];

/// The order of results. A username stands once, so nothing behind it can matter.
const FORWARDS: &str = " ORDER BY display_name NULLS FIRST, username";
const BACKWARDS: &str = " ORDER BY display_name DESC NULLS LAST, username DESC";

/// What users have to be like.
#[derive(Clone, Debug)]
pub enum Criteria {
    /// The one with this id.
    UserId(String),
    /// The one with this name.
    Username(String),
    /// All for whom this holds.
    All(Filter),
}

/// Criteria that are joined by "and".
#[derive(Clone, Debug)]
pub struct Filter {
    /// Display, first, middle and last name, upper-cased.
    pub names: [Option<String>; 4],
    /// How names are joined.
    pub name_op: NameOp,
    /// Whether names are whole ones, not parts.
    pub is_name_exact: bool,
    /// Any of these blind indexes of one email.
    pub email_indexes: Option<Vec<Vec<u8>>>,
    /// A sign-up status.
    pub sign_up_status: Option<&'static str>,
    /// An approval status.
    pub approval_status: Option<&'static str>,
}

/// A value to be bound.
#[derive(Clone)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
}

/// A statement under construction.
struct Query {
    text: String,
    values: Vec<Value>,
}

impl Query {
    fn new(selected: &str, criteria: &Criteria) -> Self {
        let mut query = Self { text: format!("SELECT {selected} FROM sso_user"), values: Vec::new() };
        let conditions = match criteria {
            Criteria::UserId(user_id) => {
                vec![query.condition("user_id = ", Value::Text(user_id.clone()), "")]
            }
            Criteria::Username(name) => vec![query.condition("username = ", Value::Text(name.clone()), "")],
            Criteria::All(filter) => query.conditions(filter),
        };
        if !conditions.is_empty() {
            query.text.push_str(" WHERE ");
            query.text.push_str(&conditions.join(" AND "));
        }
        query
    }

    /// The next value's place in the statement, between two fragments.
    fn condition(&mut self, before: &str, value: Value, after: &str) -> String {
        self.values.push(value);
        format!("{before}${}{after}", self.values.len())
    }

    fn conditions(&mut self, filter: &Filter) -> Vec<String> {
        let mut names = Vec::new();
        for (column, name) in NAME_COLUMNS.into_iter().zip(&filter.names) {
            let Some(name) = name else { continue };
            names.push(if filter.is_name_exact {
                self.condition(&format!("{column} = "), Value::Text(name.clone()), "")
            } else {
                self.condition(&format!("{column} LIKE "), Value::Text(part(name)), " ESCAPE '!'")
            });
        }
        let mut all = match filter.name_op {
            NameOp::Or if names.len() > 1 => vec![format!("({})", names.join(" OR "))],
            NameOp::Or | NameOp::And => names,
        };
        if let Some(indexes) = &filter.email_indexes {
            let any = indexes.iter().map(|index| self.condition("", Value::Bytes(index.clone()), ""));
            let any = any.collect::<Vec<_>>().join(", ");
            all.push(format!("email_index IN ({any})"));
        }
        for (before, status) in
            [("sign_up_status = ", filter.sign_up_status), ("approval_status = ", filter.approval_status)]
        {
            if let Some(status) = status {
                all.push(self.condition(before, Value::Text(status.to_owned()), ""));
            }
        }
        all
    }

    /// Of all that is found, in this order, so many after so many.
    fn slice(mut self, order: &str, limit: i64, offset: i64) -> Self {
        self.text.push_str(order);
        let slice = self.condition(" LIMIT ", Value::Number(limit), "");
        self.text.push_str(&slice);
        let slice = self.condition(" OFFSET ", Value::Number(offset), "");
        self.text.push_str(&slice);
        self
    }
}

/// The pattern for names with this somewhere in them: what has a meaning in patterns is taken literally.
fn part(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len() + 2);
    pattern.push('%');
    for c in name.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Runs a query that gives any number of rows.
macro_rules! fetch_found {
    ($conn:expr, $row:ty, $query:expr) => {{
        let Query { text, values } = $query;
        on_driver!($conn, driver => {
            let mut query = sqlx::query_as::<_, $row>(AssertSqlSafe(text));
            for value in values {
                query = match value {
                    Value::Text(text) => query.bind(text),
                    Value::Bytes(bytes) => query.bind(bytes),
                    Value::Number(number) => query.bind(number),
                };
            }
            query.fetch_all(driver).await
        })
    }};
}

/// How many there are.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn, criteria: &Criteria) -> Result<i64> {
    let rows: Vec<(i64,)> = fetch_found!(conn, (i64,), Query::new("COUNT(*)", criteria))?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Of `total` there are, so many after so many, by display name and username; those without a display name come first.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    criteria: &Criteria,
    total: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<UserRow>> {
    let limit = limit.min(total - offset);
    if limit <= 0 {
        return Ok(Vec::new());
    }
    let query = Query::new(columns!(), criteria);
    // Whichever end is nearer: what is skipped is read, too.
    let behind = total - offset - limit;
    if offset <= behind {
        return fetch_found!(conn, UserRow, query.slice(FORWARDS, limit, offset));
    }
    let mut rows = fetch_found!(conn, UserRow, query.slice(BACKWARDS, limit, behind))?;
    rows.reverse();
    Ok(rows)
}

/// The text of every statement that a search can become, with one email index and with two.
#[must_use]
pub fn statements() -> Vec<String> {
    let mut all = vec![Criteria::UserId(String::new()), Criteria::Username(String::new())];
    let status = [None, Some("")];
    for names in 0..16_u8 {
        for (name_op, is_name_exact) in
            [(NameOp::And, true), (NameOp::And, false), (NameOp::Or, true), (NameOp::Or, false)]
        {
            for email_indexes in [None, Some(vec![Vec::new()]), Some(vec![Vec::new(); 2])] {
                for sign_up_status in status {
                    all.extend(status.map(|approval_status| {
                        Criteria::All(Filter {
                            names: [0, 1, 2, 3].map(|bit| ((names >> bit) & 1 == 1).then(String::new)),
                            name_op,
                            is_name_exact,
                            email_indexes: email_indexes.clone(),
                            sign_up_status,
                            approval_status,
                        })
                    }));
                }
            }
        }
    }
    let texts = all.iter().flat_map(|criteria| {
        let page = || Query::new(columns!(), criteria);
        [Query::new("COUNT(*)", criteria), page().slice(FORWARDS, 1, 0), page().slice(BACKWARDS, 1, 0)]
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
    fn wildcards_are_taken_literally() {
        assert_eq!(part("ANN"), "%ANN%");
        assert_eq!(part("100%_!"), "%100!%!_!!%");
    }

    #[test]
    fn only_what_is_given_stands_in_the_statement() {
        let filter = Filter {
            names: [None, Some("ANN".into()), None, Some("LEE".into())],
            name_op: NameOp::Or,
            is_name_exact: false,
            email_indexes: Some(vec![vec![1], vec![2]]),
            sign_up_status: None,
            approval_status: Some("approved"),
        };
        let query = Query::new("COUNT(*)", &Criteria::All(filter));
        insta::assert_snapshot!(query.text, @"SELECT COUNT(*) FROM sso_user WHERE (first_name_upper LIKE $1 ESCAPE '!' OR last_name_upper LIKE $2 ESCAPE '!') AND email_index IN ($3, $4) AND approval_status = $5");
        assert_eq!(query.values.len(), 5);
    }
}
