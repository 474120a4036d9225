//! The search of entries, newest first, a page behind the one before. Whatever is looked for, the page is read from an index in
//! the order of the answer: nothing is sorted, and nothing is counted.

use uuid::Uuid;

use crate::domain::{AuditEntry, AuditPlace, Result, Timestamp};
use crate::store::Conn;
use crate::store::db::dialect::{uuid_postgres, uuid_sqlite};
use crate::store::user::search::{Value, fetch_text};

/// Behind the criteria of each index.
const ORDER: &str = " ORDER BY event_time DESC, audit_id DESC";

/// How results are narrowed down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It succeeded.
    Well,
    /// It was refused, with whatever code.
    Refused,
    /// It was refused with this code.
    With(String),
}

/// Which entries, in the forms in which they are compared.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From this time on, and before that one.
    pub time: [Option<Timestamp>; 2],
    /// The operation.
    pub op: Option<String>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The user who acted, or to whom it was done.
    pub user_id: Option<String>,
    /// The call.
    pub cid: Option<String>,
    /// Any of these forms of an address, if there are any.
    pub addresses: Vec<String>,
    /// Behind this entry.
    pub after: Option<AuditPlace>,
}

row! {
    struct Row {
        audit_id: Uuid,
        event_time: Timestamp,
        cid: String,
        op: String,
        actor_id: Option<String>,
        actor_name: Option<String>,
        target_id: Option<String>,
        target_name: Option<String>,
        result: String,
        current_app: String,
        remote_addr: String,
        how: Option<String>,
        extra: String,
    }
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            audit_id: row.audit_id,
            time: row.event_time,
            cid: row.cid,
            op: row.op,
            current_user: row.actor_id,
            current_username: row.actor_name,
            target_user: row.target_id,
            target_username: row.target_name,
            result: row.result,
            current_app: row.current_app,
            remote_addr: row.remote_addr,
            how: row.how,
            extra: row.extra,
        }
    }
}

/// A statement under construction.
struct Text<'a> {
    is_sqlite: bool,
    wanted: &'a Wanted,
    values: Vec<Value>,
}

impl Text<'_> {
    fn argument(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn equal(&mut self, column: &str, value: &str) -> String {
        let value = self.argument(Value::Text(value.to_owned()));
        format!("{column} = {value}")
    }

    /// Each index that is read, with the conditions that it serves before all others: one, or as many as there are ways to meet
    /// the criteria. What is likely to be met by the fewest entries comes first.
    fn ways(&mut self) -> Vec<(&'static str, Option<String>)> {
        let wanted = self.wanted;
        if let Some(cid) = &wanted.cid {
            return vec![("sso_audit_cid", Some(self.equal("cid", cid)))];
        }
        if let Some(user_id) = &wanted.user_id {
            let acted = self.equal("actor_id", user_id);
            return vec![
                ("sso_audit_actor", Some(acted)),
                ("sso_audit_target", Some(self.equal("target_id", user_id))),
            ];
        }
        match &wanted.ended {
            Some(Ended::With(_)) => return vec![("sso_audit_result", None)],
            Some(Ended::Refused) if wanted.addresses.is_empty() && wanted.op.is_none() => {
                return vec![("sso_audit_refused", None)];
            }
            Some(Ended::Refused | Ended::Well) | None => {}
        }
        if !wanted.addresses.is_empty() {
            let each = |address: &String| ("sso_audit_address", Some(self.equal("remote_addr", address)));
            return wanted.addresses.iter().map(each).collect();
        }
        let index = if wanted.op.is_some() { "sso_audit_op" } else { "sso_audit_time" };
        vec![(index, None)]
    }

    /// All criteria but those that are ways of their own.
    fn conditions(&mut self) -> Vec<String> {
        let wanted = self.wanted;
        let mut all = Vec::new();
        for (sign, time) in [" >= ", " < "].into_iter().zip(wanted.time) {
            if let Some(time) = time {
                let time = self.argument(Value::Number(time.as_micros()));
                all.push(format!("event_time{sign}{time}"));
            }
        }
        if let Some(op) = &wanted.op {
            all.push(self.equal("op", op));
        }
        match &wanted.ended {
            None => {}
            Some(Ended::Well) => all.push("result = 'ok'".to_owned()),
            Some(Ended::Refused) => all.push("result <> 'ok'".to_owned()),
            Some(Ended::With(code)) => {
                all.push("result <> 'ok'".to_owned());
                all.push(self.equal("result", code));
            }
        }
        if !wanted.addresses.is_empty() {
            let any = wanted.addresses.iter().map(|one| self.argument(Value::Text(one.clone())));
            let any = any.collect::<Vec<_>>().join(", ");
            all.push(format!("remote_addr IN ({any})"));
        }
        if let Some(place) = wanted.after {
            let time = self.argument(Value::Number(place.time.as_micros()));
            let digits = self.argument(Value::Text(place.audit_id.simple().to_string()));
            let is_sqlite = self.is_sqlite;
            let uuid = if is_sqlite {
                format!(uuid_sqlite!("{}"), digits)
            } else {
                format!(uuid_postgres!("{}"), digits)
            };
            all.push(format!("(event_time, audit_id) < ({time}, {uuid})"));
        }
        all
    }

    /// The ids of a page.
    fn ids(&mut self, limit: i64) -> String {
        let conditions = self.conditions();
        let ways = self.ways();
        let limit = self.argument(Value::Number(limit));
        let way = |(index, own): &(&str, Option<String>)| {
            let by = if self.is_sqlite { format!(" INDEXED BY {index}") } else { String::new() };
            let all: Vec<&str> = own.iter().chain(&conditions).map(String::as_str).collect();
            let all = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
            format!("SELECT audit_id, event_time FROM sso_audit{by}{all}{ORDER} LIMIT {limit}")
        };
        let ways: Vec<String> = ways.iter().map(way).collect();
        match ways.as_slice() {
            [one] => one.clone(),
            several => {
                let each = several.iter().enumerate();
                let each = each.map(|(index, way)| format!("SELECT * FROM ({way}) AS way_{index}"));
                let all = each.collect::<Vec<_>>().join(" UNION ");
                format!("SELECT audit_id, event_time FROM ({all}) AS found{ORDER} LIMIT {limit}")
            }
        }
    }

    fn page(&mut self, limit: i64) -> String {
        let ids = self.ids(limit);
        format!(
            "SELECT a.audit_id, a.event_time, a.cid, a.op, a.actor_id, actor.username AS actor_name, a.target_id, \
             target.username AS target_name, a.result, a.current_app, a.remote_addr, a.how, a.extra FROM ({ids}) AS page \
             JOIN sso_audit a ON a.audit_id = page.audit_id LEFT JOIN sso_user actor ON actor.user_id = a.actor_id \
             LEFT JOIN sso_user target ON target.user_id = a.target_id ORDER BY page.event_time DESC, page.audit_id DESC"
        )
    }
}

/// So many entries at most, newest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<AuditEntry>> {
    let mut text = Text { is_sqlite: conn.is_sqlite(), wanted, values: Vec::new() };
    let statement = text.page(limit);
    let rows: Vec<Row> = fetch_text(conn, statement, &text.values).await?.read()?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// How the database would read a page, for tests.
///
/// # Errors
/// When the database cannot answer.
#[doc(hidden)]
pub async fn plan(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<String> {
    let mut text = Text { is_sqlite: conn.is_sqlite(), wanted, values: Vec::new() };
    let statement = text.ids(limit);
    let lines: Vec<String> = if conn.is_sqlite() {
        let rows: Vec<(i64, i64, i64, String)> =
            fetch_text(conn, format!("EXPLAIN QUERY PLAN {statement}"), &text.values).await?.read()?;
        rows.into_iter().map(|(.., line)| line).collect()
    } else {
        let rows: Vec<(String,)> =
            fetch_text(conn, format!("EXPLAIN {statement}"), &text.values).await?.read()?;
        rows.into_iter().map(|(line,)| line).collect()
    };
    Ok(lines.join("\n"))
}
