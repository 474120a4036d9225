//! Users a page at a time, behind the last one of the page before: what the administration lists.
//!
//! | criteria | read |
//! |---|---|
//! | none but those that an index has in the order of the list | the page, by that index |
//! | others that many users meet | a stretch of the order, which has a page of them |
//! | others that few meet | all who meet them, found by the indexes of names, emails, members and sessions, and sorted |
//!
//! Which of the last two it is, shows in the stretch.

use crate::domain::{COUNTED, Place, Result, Timestamp, UserCount, UserOrder, UserState};
use crate::store::Conn;
use crate::store::db::dialect::{SEARCH_POSTGRES, SEARCH_SQLITE, Search, strings_postgres, strings_sqlite};
use crate::store::user::account::{UserRow, columns, hidden};
use crate::store::user::search::{Value, dialect, fetch_text};

/// How many users of the order are looked at before all who meet the criteria are looked for.
const STRETCH: i64 = 2_000;

sql! {
    OF_IDS_SQLITE = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE user_id IN (SELECT value FROM ", strings_sqlite!("$1"), ")"
    );
    OF_IDS_POSTGRES = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE user_id IN (SELECT value FROM ", strings_postgres!("$1"), ")"
    );
}

/// Which users, in the forms in which they are compared.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A part of the username, in lower case, and of the display name, upper-cased, in the forms in which it may be stored.
    pub part: Option<(String, Vec<String>)>,
    /// Any of these blind indexes of one email.
    pub email_indexes: Option<Vec<Vec<u8>>>,
    /// The state.
    pub state: Option<UserState>,
    /// The key of a group that they are in.
    pub group: Option<String>,
    /// Since when they have signed up, and before when.
    pub signed_up: [Option<Timestamp>; 2],
    /// Since when they have had a session that is still there.
    pub logged_in_from: Option<Timestamp>,
    /// Whether super-users are left out.
    pub is_without_super_users: bool,
    /// At which time others are hidden, if any are.
    pub hidden: Option<Timestamp>,
    /// The order.
    pub order: UserOrder,
}

/// A page of ids, in order.
#[derive(Clone, Debug)]
pub struct Found {
    /// The users, one more than was asked for where there are more.
    pub rows: Vec<UserRow>,
    /// How many there are in all.
    pub count: UserCount,
}

/// Whether criteria are looked at one user after the other, or found by their indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Order,
    Index,
}

/// A statement under construction.
struct Text<'a> {
    dialect: &'a Search,
    wanted: &'a Wanted,
    values: Vec<Value>,
}

impl<'a> Text<'a> {
    const fn new(dialect: &'a Search, wanted: &'a Wanted) -> Self {
        Self { dialect, wanted, values: Vec::new() }
    }

    fn argument(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// What the index of the order knows: the state by name, the time by time; and what nearly everybody meets.
    fn own_conditions(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        match self.wanted.order {
            UserOrder::Name => all.extend(self.wanted.state.map(|state| state_condition(state).to_owned())),
            UserOrder::Newest => all.extend(self.signed_up()),
        }
        if self.wanted.is_without_super_users {
            all.push("NOT is_super_user".to_owned());
        }
        if let Some(now) = self.wanted.hidden {
            let now = self.argument(Value::Number(now.as_micros()));
            all.push(format!(concat!("NOT ", hidden!("{}")), now));
        }
        all
    }

    /// All other criteria.
    fn filters(&mut self, by: By) -> Vec<String> {
        let (wanted, dialect) = (self.wanted, self.dialect);
        let mut all = Vec::new();
        match wanted.order {
            UserOrder::Name => all.extend(self.signed_up()),
            UserOrder::Newest => all.extend(wanted.state.map(|state| state_condition(state).to_owned())),
        }
        if let Some((username, names)) = &wanted.part {
            let (has_username, has_name) = match by {
                By::Order => (dialect.has_username_part, dialect.has_part),
                By::Index => (dialect.has_username_part_by_index, dialect.has_part_by_index),
            };
            let username = self.argument(Value::Text((dialect.part)(username)));
            let mut any = vec![has_username(&username)];
            for name in names {
                let name = self.argument(Value::Text((dialect.part)(name)));
                any.push(has_name("display_name_upper", &name));
            }
            all.push(format!("({})", any.join(" OR ")));
        }
        if let Some(indexes) = &wanted.email_indexes {
            let any = indexes.iter().map(|index| self.argument(Value::Bytes(index.clone())));
            let any = any.collect::<Vec<_>>().join(", ");
            all.push(format!("email_index IN ({any})"));
        }
        if let Some(group) = &wanted.group {
            let group = self.argument(Value::Text(group.clone()));
            let of_group = format!(
                "FROM sso_group_member m WHERE m.group_id = (SELECT g.group_id FROM sso_group g \
                 WHERE g.group_id = {group} OR g.name_key = {group})"
            );
            all.push(match by {
                By::Order => format!("EXISTS (SELECT 1 {of_group} AND m.user_id = sso_user.user_id)"),
                By::Index => format!("user_id IN (SELECT m.user_id {of_group})"),
            });
        }
        if let Some(time) = wanted.logged_in_from {
            let time = self.argument(Value::Number(time.as_micros()));
            all.push(match by {
                By::Order => format!(
                    "EXISTS (SELECT 1 FROM sso_session s WHERE s.user_id = sso_user.user_id \
                     AND s.creation_time >= {time})"
                ),
                By::Index => {
                    format!("user_id IN (SELECT user_id FROM sso_session WHERE creation_time >= {time})")
                }
            });
        }
        all
    }

    fn signed_up(&mut self) -> Vec<String> {
        let bounds = [" >= ", " < "].into_iter().zip(self.wanted.signed_up);
        let bounds: Vec<_> = bounds.filter_map(|(sign, time)| Some((sign, time?))).collect();
        let condition = |(sign, time): (&str, Timestamp)| {
            format!("sign_up_time{sign}{}", self.argument(Value::Number(time.as_micros())))
        };
        bounds.into_iter().map(condition).collect()
    }

    /// Behind a place.
    fn behind(&mut self, after: Option<&Place>) -> Option<String> {
        Some(match after? {
            Place::Name(name) => format!("username > {}", self.argument(Value::Text(name.clone()))),
            Place::Time(time, user_id) => {
                let time = self.argument(Value::Number(time.as_micros()));
                let user_id = self.argument(Value::Text(user_id.clone()));
                format!("(sign_up_time, user_id) < ({time}, {user_id})")
            }
        })
    }

    const fn order(&self) -> &'static str {
        match self.wanted.order {
            UserOrder::Name => " ORDER BY username",
            UserOrder::Newest => " ORDER BY sign_up_time DESC, user_id DESC",
        }
    }

    /// The table, read by the index that has the order.
    fn in_order(&self) -> String {
        let index = match (self.wanted.order, self.wanted.state) {
            (UserOrder::Newest, _) => "sso_user_signed_up",
            (UserOrder::Name, None) => "sso_user_username",
            (UserOrder::Name, Some(UserState::Waiting | UserState::Rejected)) => "sso_user_undecided",
            (UserOrder::Name, Some(UserState::Unconfirmed)) => "sso_user_unfinished",
            (UserOrder::Name, Some(UserState::Locked)) => "sso_user_locked",
            (UserOrder::Name, Some(UserState::SuperUser)) => "sso_user_super_user",
        };
        format!("sso_user{}", (self.dialect.by_index)(index))
    }

    /// So many ids by the index of the order.
    fn in_order_ids(&mut self, after: Option<&Place>, limit: i64) -> String {
        self.in_order_rows("user_id", after, limit)
    }

    fn in_order_rows(&mut self, selected: &str, after: Option<&Place>, limit: i64) -> String {
        let mut conditions = self.own_conditions();
        conditions.extend(self.behind(after));
        let limit = self.argument(Value::Number(limit));
        format!(
            "SELECT {selected} FROM {}{}{} LIMIT {limit}",
            self.in_order(),
            where_all(&conditions),
            self.order()
        )
    }

    /// Of a stretch of the order, those who meet the other criteria.
    fn stretch_ids(&mut self, after: Option<&Place>) -> String {
        let rows = self.in_order_rows("*", after, STRETCH);
        let filters = where_all(&self.filters(By::Order));
        format!("SELECT user_id FROM ({rows}) sso_user{filters}{}", self.order())
    }

    /// How many there are, up to one more than is counted, and the ids of the page.
    fn few_ids(&mut self, after: Option<&Place>, limit: i64) -> String {
        // Those in a state are few beside all users: they are read by the index of the state.
        let is_of_state = self.wanted.order == UserOrder::Name && self.wanted.state.is_some();
        let (table, by) = match is_of_state {
            true => (self.in_order(), By::Order),
            false => ("sso_user".to_owned(), By::Index),
        };
        let mut conditions = self.filters(by);
        conditions.extend(self.own_conditions());
        let conditions = where_all(&conditions);
        let behind = where_all(self.behind(after).as_slice());
        let counted = self.argument(Value::Number(COUNTED + 1));
        let limit = self.argument(Value::Number(limit));
        let order = self.order();
        format!(
            "WITH found AS MATERIALIZED (SELECT user_id, username, sign_up_time FROM {table}{conditions}), \
             counted AS (SELECT COUNT(*) AS number FROM (SELECT 1 FROM found LIMIT {counted}) AS some_of_them) \
             SELECT counted.number, page.user_id FROM counted LEFT JOIN \
             (SELECT * FROM found{behind}{order} LIMIT {limit}) AS page ON TRUE{order}"
        )
    }

    /// How many are in the order's own index, up to one more than is counted.
    fn count(&mut self) -> String {
        let conditions = where_all(&self.own_conditions());
        let counted = self.argument(Value::Number(COUNTED + 1));
        format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {}{conditions} LIMIT {counted}) AS some_of_them",
            self.in_order()
        )
    }
}

fn where_all(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// A state as its index has it.
const fn state_condition(state: UserState) -> &'static str {
    match state {
        UserState::Waiting => {
            "approval_status <> 'approved' AND approval_status = 'before_decision' \
             AND sign_up_status <> 'before_confirmation'"
        }
        UserState::Rejected => "approval_status <> 'approved' AND approval_status = 'rejected'",
        UserState::Unconfirmed => "sign_up_status <> 'final' AND sign_up_status = 'before_confirmation'",
        UserState::Locked => "is_locked",
        UserState::SuperUser => "is_super_user",
    }
}

/// Users behind a place, so many and one more if there is one, and how many there are in all.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(conn: &mut Conn, wanted: &Wanted, after: Option<&Place>, limit: i64) -> Result<Found> {
    let dialect = dialect(conn);
    let has_filters = !Text::new(dialect, wanted).filters(By::Order).is_empty();
    let (ids, count) = if has_filters {
        filtered(conn, dialect, wanted, after, limit).await?
    } else {
        let mut text = Text::new(dialect, wanted);
        let statement = text.in_order_ids(after, limit.saturating_add(1));
        let ids = ids(conn, statement, &text.values).await?;
        (ids, count(conn, dialect, wanted).await?)
    };
    Ok(Found { rows: rows_in_order(conn, &ids).await?, count })
}

async fn filtered(
    conn: &mut Conn,
    dialect: &Search,
    wanted: &Wanted,
    after: Option<&Place>,
    limit: i64,
) -> Result<(Vec<String>, UserCount)> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    // One email is one look into an index.
    if wanted.email_indexes.is_none() {
        let mut text = Text::new(dialect, wanted);
        let statement = text.stretch_ids(after);
        let mut found = ids(conn, statement, &text.values).await?;
        let share = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let all = about_all(conn, dialect).await?;
        let estimate = all.saturating_mul(share) / STRETCH;
        if found.len() > most && wanted.state.is_none() && estimate > COUNTED {
            found.truncate(most.saturating_add(1));
            return Ok((found, UserCount::about(estimate)));
        }
    }
    let mut text = Text::new(dialect, wanted);
    let statement = text.few_ids(after, limit.saturating_add(1));
    let rows: Vec<(i64, Option<String>)> = fetch_text(conn, statement, &text.values).await?.read()?;
    let number = rows.first().map_or(0, |(number, _)| *number);
    let count = if number > COUNTED { UserCount::MoreThan(COUNTED) } else { UserCount::Exact(number) };
    Ok((rows.into_iter().filter_map(|(_, user_id)| user_id).collect(), count))
}

async fn ids(conn: &mut Conn, text: String, values: &[Value]) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_text(conn, text, values).await?.read()?;
    Ok(rows.into_iter().map(|(user_id,)| user_id).collect())
}

async fn count(conn: &mut Conn, dialect: &Search, wanted: &Wanted) -> Result<UserCount> {
    let mut text = Text::new(dialect, wanted);
    let statement = text.count();
    let rows: Vec<(i64,)> = fetch_text(conn, statement, &text.values).await?.read()?;
    let number = rows.first().map_or(0, |(number,)| *number);
    if number <= COUNTED {
        return Ok(UserCount::Exact(number));
    }
    let is_all = wanted.state.is_none() && wanted.signed_up.iter().all(Option::is_none);
    match is_all {
        true => Ok(UserCount::about(about_all(conn, dialect).await?)),
        false => Ok(UserCount::MoreThan(COUNTED)),
    }
}

async fn about_all(conn: &mut Conn, dialect: &Search) -> Result<i64> {
    let rows: Vec<(i64,)> = fetch_text(conn, dialect.about_all.to_owned(), &[]).await?.read()?;
    Ok(rows.first().map_or(0, |(number,)| *number))
}

/// These users, in the order of their ids here.
async fn rows_in_order(conn: &mut Conn, ids: &[String]) -> Result<Vec<UserRow>> {
    let sql = conn.choose(OF_IDS_SQLITE, OF_IDS_POSTGRES);
    let list = serde_json::to_string(ids).map_err(crate::domain::Error::internal)?;
    let mut rows = fetch_all!(conn, UserRow, sql, list)?;
    let place = |row: &UserRow| ids.iter().position(|user_id| user_id == row.user_id.as_str());
    rows.sort_by_cached_key(place);
    Ok(rows)
}

/// The text of every kind of statement that a list can become on SQLite.
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
    let states = [
        None,
        Some(UserState::Waiting),
        Some(UserState::Rejected),
        Some(UserState::Unconfirmed),
        Some(UserState::Locked),
        Some(UserState::SuperUser),
    ];
    let mut all = vec![dialect.about_all.to_owned()];
    for (bits, order) in
        (0..128_u8).flat_map(|bits| [UserOrder::Name, UserOrder::Newest].map(|order| (bits, order)))
    {
        let has = |bit: u8| (bits >> bit) & 1 == 1;
        let time = Some(Timestamp::NEVER);
        let after = match order {
            UserOrder::Name => Place::Name(String::new()),
            UserOrder::Newest => Place::Time(Timestamp::NEVER, String::new()),
        };
        let after = Some(&after).filter(|_| has(0));
        for state in states {
            let wanted = Wanted {
                part: has(1).then(|| (String::new(), vec![String::new(); 2])),
                email_indexes: has(2).then(|| vec![Vec::new(); 2]),
                state,
                group: has(3).then(String::new),
                signed_up: [time.filter(|_| has(4)), time.filter(|_| has(5))],
                logged_in_from: time.filter(|_| has(6)),
                is_without_super_users: has(0),
                hidden: time.filter(|_| has(6)),
                order,
            };
            let text = || Text::new(dialect, &wanted);
            all.extend([
                text().in_order_ids(after, 1),
                text().stretch_ids(after),
                text().few_ids(after, 1),
                text().count(),
            ]);
        }
    }
    all.sort();
    all.dedup();
    all
}
