//! Groups and their members. Whoever's groups change is touched: their sessions are read anew.

use std::collections::BTreeSet;

use crate::domain::{Error, Group, GroupId, GroupMember, Result, Timestamp, UserId};
use crate::store::db::dialect::{strings_postgres, strings_sqlite};
use crate::store::db::error::unique_violation;
use crate::store::{Conn, Tx};

/// Of how many members of a group each is touched, rather than everybody.
const TOUCHED_ONE_BY_ONE: i64 = 500;

macro_rules! groups {
    ($num_members:literal, $rest:literal) => {
        concat!(
            "SELECT g.group_id, g.name, g.display_name, g.description, g.scopes, g.can_manage_users, g.can_read_audit, \
             g.creation_time, g.last_modified, ",
            $num_members,
            " AS num_members FROM sso_group g ",
            $rest
        )
    };
    ($rest:literal) => {
        groups!("(SELECT COUNT(*) FROM sso_group_member m WHERE m.group_id = g.group_id)", $rest)
    };
}

/// The groups of a user, as `Membership::parse` reads them.
macro_rules! membership {
    ($user_id:literal) => {
        concat!(
            "(SELECT string_agg(CASE WHEN g.can_manage_users THEN '1' ELSE '0' END || \
             CASE WHEN g.can_read_audit THEN '1' ELSE '0' END || g.name, '\n') \
             FROM sso_group_member m JOIN sso_group g ON g.group_id = m.group_id WHERE m.user_id = ",
            $user_id,
            ")"
        )
    };
}

pub(in crate::store) use membership;

macro_rules! ids_of_keys {
    ($strings:ident) => {
        concat!(
            "SELECT name_key, group_id FROM sso_group WHERE name_key IN (SELECT value FROM ",
            $strings!("$1"),
            ")"
        )
    };
}

/// New users alone: nobody of them is in the group yet.
macro_rules! add_members {
    ($strings:ident) => {
        concat!(
            "INSERT INTO sso_group_member (group_id, user_id, added_time) SELECT $1, value, $3 FROM ",
            $strings!("$2")
        )
    };
}

macro_rules! of_users {
    ($strings:ident) => {
        concat!(
            "SELECT m.user_id, g.group_id, g.name, g.display_name, g.description, g.scopes, g.can_manage_users, \
             g.can_read_audit, g.creation_time, g.last_modified, CAST(0 AS BIGINT) AS num_members \
             FROM sso_group_member m JOIN sso_group g ON g.group_id = m.group_id WHERE m.user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY g.name"
        )
    };
}

macro_rules! names_of_users {
    ($strings:ident) => {
        concat!(
            "SELECT m.user_id, g.name FROM sso_group_member m JOIN sso_group g ON g.group_id = m.group_id \
             WHERE m.user_id IN (SELECT value FROM ",
            $strings!("$1"),
            ") ORDER BY g.name"
        )
    };
}

sql! {
    INSERT = "INSERT INTO sso_group (group_id, name, name_key, display_name, description, scopes, can_manage_users, \
        can_read_audit, creation_time, last_modified) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
        ON CONFLICT DO NOTHING";
    BY_KEY = groups!("WHERE g.group_id = $1 OR g.name_key = $1");
    UNCOUNTED = groups!("CAST(0 AS BIGINT)", "WHERE g.group_id = $1 OR g.name_key = $1");
    SHARED_POSTGRES = groups!("CAST(0 AS BIGINT)", "WHERE g.group_id = $1 OR g.name_key = $1 FOR SHARE");
    HOLD_POSTGRES = "SELECT g.group_id FROM sso_group g WHERE g.group_id = $1 OR g.name_key = $1 FOR UPDATE";
    LIST = groups!("ORDER BY g.name_key LIMIT $1");
    COUNT = "SELECT COUNT(*) FROM sso_group";
    UPDATE = "UPDATE sso_group SET name = $2, name_key = $3, display_name = $4, description = $5, scopes = $6, \
        can_manage_users = $7, can_read_audit = $8, last_modified = $9 WHERE group_id = $1";
    DELETE = "DELETE FROM sso_group WHERE group_id = $1";
    ADD_MEMBER = "INSERT INTO sso_group_member (group_id, user_id, added_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    REMOVE_MEMBER = "DELETE FROM sso_group_member WHERE group_id = $1 AND user_id = $2";
    COUNT_OF_USER = "SELECT COUNT(*) FROM sso_group_member WHERE user_id = $1";
    MEMBER_IDS = "SELECT user_id FROM sso_group_member WHERE group_id = $1 LIMIT $2";
    MEMBERS = "SELECT u.user_id, u.username, u.display_name, m.added_time FROM sso_group_member m \
        JOIN sso_user u ON u.user_id = m.user_id WHERE m.group_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3";
    SCOPES_OF_USER = "SELECT g.scopes FROM sso_group_member m JOIN sso_group g ON g.group_id = m.group_id \
        WHERE m.user_id = $1 AND g.scopes <> ''";
    OF_USER = concat!("SELECT ", membership!("$1"), " AS membership");
    IDS_OF_KEYS_SQLITE = ids_of_keys!(strings_sqlite);
    IDS_OF_KEYS_POSTGRES = ids_of_keys!(strings_postgres);
    ADD_MEMBERS_SQLITE = add_members!(strings_sqlite);
    ADD_MEMBERS_POSTGRES = add_members!(strings_postgres);
    OF_USERS_SQLITE = of_users!(strings_sqlite);
    OF_USERS_POSTGRES = of_users!(strings_postgres);
    NAMES_OF_USERS_SQLITE = names_of_users!(strings_sqlite);
    NAMES_OF_USERS_POSTGRES = names_of_users!(strings_postgres);
}

row! {
    struct GroupRow {
        group_id: String,
        name: String,
        display_name: Option<String>,
        description: Option<String>,
        scopes: String,
        can_manage_users: bool,
        can_read_audit: bool,
        creation_time: Timestamp,
        last_modified: Timestamp,
        num_members: i64,
    }
}

row! {
    struct OwnedRow {
        user_id: UserId,
    } with {
        group: GroupRow,
    }
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self {
            group_id: GroupId::from_stored(row.group_id),
            name: row.name,
            display_name: row.display_name,
            description: row.description,
            scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            can_manage_users: row.can_manage_users,
            can_read_audit: row.can_read_audit,
            num_members: row.num_members,
            creation_time: row.creation_time,
            last_modified: row.last_modified,
        }
    }
}

row! {
    struct MemberRow {
        user_id: UserId,
        username: String,
        display_name: Option<String>,
        added_time: Timestamp,
    }
}

/// Adds a group; false if another one has the name.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, group: &Group, key: &str) -> Result<bool> {
    let inserted = execute!(
        tx,
        INSERT,
        group.group_id.as_str(),
        &group.name,
        key,
        group.display_name.as_deref(),
        group.description.as_deref(),
        group.scopes.join(" "),
        group.can_manage_users,
        group.can_read_audit,
        group.creation_time,
    )?;
    Ok(inserted == 1)
}

/// The group with this id, or whose name has this form.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_key(conn: &mut Conn, key: &str) -> Result<Option<Group>> {
    if key.contains('\0') {
        return Ok(None);
    }
    Ok(fetch_optional!(conn, GroupRow, BY_KEY, key)?.map(Group::from))
}

/// The same, to be changed: nobody else changes it, or its members, until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_key_for_update(tx: &mut Tx, key: &str) -> Result<Option<Group>> {
    if !tx.is_sqlite() && !key.contains('\0') {
        fetch_optional!(tx, (String,), HOLD_POSTGRES, key)?;
    }
    by_key(tx, key).await
}

/// The same, whose members are to change: it stays as it is until the transaction ends. Its members are not counted.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_key_for_members(tx: &mut Tx, key: &str) -> Result<Option<Group>> {
    if key.contains('\0') {
        return Ok(None);
    }
    let text = tx.choose(UNCOUNTED, SHARED_POSTGRES);
    Ok(fetch_optional!(tx, GroupRow, text, key)?.map(Group::from))
}

/// The ids of the groups whose names have these forms, with the forms.
///
/// # Errors
/// When the database cannot answer.
pub async fn ids_of_keys(conn: &mut Conn, keys: &[&str]) -> Result<Vec<(String, GroupId)>> {
    let text = conn.choose(IDS_OF_KEYS_SQLITE, IDS_OF_KEYS_POSTGRES);
    let rows = fetch_all!(conn, (String, String), text, &array(keys)?)?;
    Ok(rows.into_iter().map(|(key, group_id)| (key, GroupId::from_stored(group_id))).collect())
}

fn array(members: &[&str]) -> Result<String> {
    serde_json::to_string(members).map_err(Error::internal)
}

/// So many groups, by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Group>> {
    let rows = fetch_all!(conn, GroupRow, LIST, limit)?;
    Ok(rows.into_iter().map(Group::from).collect())
}

/// How many groups there are.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    Ok(fetch_optional!(conn, (i64,), COUNT)?.map_or(0, |(count,)| count))
}

/// Changes a group, and its members' sessions are read anew; false if another one has the name. After that the transaction
/// is good for nothing but its end.
///
/// # Errors
/// When the database cannot answer.
pub async fn update(tx: &mut Tx, group: &Group, key: &str) -> Result<bool> {
    let group_id = group.group_id.as_str();
    touch_members(tx, group_id).await?;
    let updated = execute!(
        tx,
        UPDATE,
        group_id,
        &group.name,
        key,
        group.display_name.as_deref(),
        group.description.as_deref(),
        group.scopes.join(" "),
        group.can_manage_users,
        group.can_read_audit,
        group.last_modified,
    );
    match updated {
        Ok(_) => Ok(true),
        Err(error) if unique_violation(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes a group.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, group_id: &GroupId) -> Result<()> {
    touch_members(tx, group_id.as_str()).await?;
    execute!(tx, DELETE, group_id.as_str()).map(drop)
}

async fn touch_members(tx: &mut Tx, group_id: &str) -> Result<()> {
    let members = fetch_all!(tx, (String,), MEMBER_IDS, group_id, TOUCHED_ONE_BY_ONE + 1)?;
    if i64::try_from(members.len()).is_ok_and(|count| count > TOUCHED_ONE_BY_ONE) {
        tx.touch_everybody();
    } else {
        tx.touch_all(&members);
    }
    Ok(())
}

/// Makes a user a member; false if they are one already.
///
/// # Errors
/// When the database cannot answer.
pub async fn add_member(tx: &mut Tx, group_id: &GroupId, user_id: &UserId, now: Timestamp) -> Result<bool> {
    tx.touch(user_id.as_str());
    Ok(execute!(tx, ADD_MEMBER, group_id.as_str(), user_id, now)? == 1)
}

/// Makes users members of a group who are new, and in none yet: no session of theirs is to be read anew.
///
/// # Errors
/// When the database cannot answer.
pub async fn add_new_users(tx: &mut Tx, group_id: &GroupId, user_ids: &[&str], now: Timestamp) -> Result<()> {
    let text = tx.choose(ADD_MEMBERS_SQLITE, ADD_MEMBERS_POSTGRES);
    execute!(tx, text, group_id.as_str(), &array(user_ids)?, now).map(drop)
}

/// Takes a user out of a group; false if they are no member.
///
/// # Errors
/// When the database cannot answer.
pub async fn remove_member(tx: &mut Tx, group_id: &GroupId, user_id: &UserId) -> Result<bool> {
    tx.touch(user_id.as_str());
    Ok(execute!(tx, REMOVE_MEMBER, group_id.as_str(), user_id)? == 1)
}

/// How many groups a user is in.
///
/// # Errors
/// When the database cannot answer.
pub async fn count_of_user(conn: &mut Conn, user_id: &UserId) -> Result<i64> {
    Ok(fetch_optional!(conn, (i64,), COUNT_OF_USER, user_id)?.map_or(0, |(count,)| count))
}

/// So many members whose ids come after this one.
///
/// # Errors
/// When the database cannot answer.
pub async fn members(
    conn: &mut Conn,
    group_id: &GroupId,
    after: &str,
    limit: i64,
) -> Result<Vec<GroupMember>> {
    let rows = fetch_all!(conn, MemberRow, MEMBERS, group_id.as_str(), after, limit)?;
    let member = |row: MemberRow| GroupMember {
        user_id: row.user_id,
        username: row.username,
        display_name: row.display_name,
        added_time: row.added_time,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// What `Membership::parse` reads of a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn membership_of(conn: &mut Conn, user_id: &UserId) -> Result<Option<String>> {
    Ok(fetch_optional!(conn, (Option<String>,), OF_USER, user_id)?.and_then(|(membership,)| membership))
}

/// What a user may be granted by groups.
///
/// # Errors
/// When the database cannot answer.
pub async fn scopes_of_user(conn: &mut Conn, user_id: &UserId) -> Result<BTreeSet<String>> {
    let rows = fetch_all!(conn, (String,), SCOPES_OF_USER, user_id)?;
    Ok(rows.iter().flat_map(|(scopes,)| scopes.split_whitespace()).map(str::to_owned).collect())
}

/// The names of the groups of these users: a user and a name a row.
///
/// # Errors
/// When the database cannot answer.
pub async fn names_of_users(conn: &mut Conn, user_ids: &[&str]) -> Result<Vec<(UserId, String)>> {
    let text = conn.choose(NAMES_OF_USERS_SQLITE, NAMES_OF_USERS_POSTGRES);
    fetch_all!(conn, (UserId, String), text, &array(user_ids)?)
}

/// The groups of these users, whose members are not counted: a user and a group a row.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_users(conn: &mut Conn, user_ids: &[&str]) -> Result<Vec<(UserId, Group)>> {
    let text = conn.choose(OF_USERS_SQLITE, OF_USERS_POSTGRES);
    let rows = fetch_all!(conn, OwnedRow, text, &array(user_ids)?)?;
    Ok(rows.into_iter().map(|row| (row.user_id, Group::from(row.group))).collect())
}
