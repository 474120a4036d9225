//! Custom attributes of users and of sessions: one implementation for both.

use std::collections::{HashMap, HashSet};

use crate::crypto::{Place, plain};
use crate::domain::{Attr, AttrOwner, AttrValue, Code, Context, Error, Operation, Result, Timestamp, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::check::PasswordAge;
use crate::ops::attr::quota::{Growth, check_value_sizes};
use crate::ops::attr::request::{
    AttrExpiry, AttrItem, AttrTarget, AttrWrite, MAX_UNMEASURED, check_answer, check_count, check_name,
    check_names, check_values, end, invalid, parse_user_id, repeated,
};
use crate::ops::audit::Trail;
use crate::ops::call::Call;
use crate::store::attr::{AttrRow, Current};
use crate::store::{self, Conn, Tx};

/// What an audit entry knows of the attributes: how many.
const COUNT: &str = "attributes";

/// What a call is about, after its checks.
struct Access {
    owner: AttrOwner,
    /// The user that it comes down to.
    user_id: UserId,
    /// Whether that is not the caller, so that it is not known yet whether the user exists.
    is_other: bool,
    /// Whether items may be anybody's.
    may_be_anybodys: bool,
}

impl Access {
    /// Whose an item is.
    fn owner_of(&self, user_id: Option<&str>) -> Result<AttrOwner> {
        let Some(user_id) = user_id.filter(|user_id| *user_id != self.user_id.as_str()) else {
            return Ok(self.owner.clone());
        };
        match self.owner {
            AttrOwner::User(_) if self.may_be_anybodys => Ok(AttrOwner::User(parse_user_id(user_id)?)),
            AttrOwner::User(_) => Err(Code::AuthNotAllowed.into()),
            AttrOwner::Session(_) => Err(invalid("user_id: a session has attributes of its own user only")),
        }
    }
}

impl Sso {
    /// Writes attributes: all of them or none.
    ///
    /// # Errors
    /// E005001 without the right to, E009001 or E009002 as [`AttrWrite`] says, E001100 if there is no such user, E008002
    /// for a name, a value or an expiration that is not acceptable and for what is more than `attr.*` allows, E008003 if
    /// there is none.
    pub async fn write_attrs(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        write: AttrWrite,
        items: Vec<AttrItem>,
    ) -> Result<()> {
        let operations = match write {
            AttrWrite::Create => [Operation::UserAttrCreate, Operation::SessionAttrCreate],
            AttrWrite::Update => [Operation::UserAttrUpdate, Operation::SessionAttrUpdate],
            AttrWrite::Set => [Operation::UserAttrSet, Operation::SessionAttrSet],
        };
        self.run_on_attrs(ctx, operations, actor, target, Some(items.len()), async |call, access| {
            check_values(&items)?;
            let limits = &self.config().attr;
            check_value_sizes(limits, &items)?;
            let now = self.now();
            let keys = items.iter().map(|item| (item.user_id.as_deref(), item.name.as_str()));
            let owners = owners_of(&access, keys)?;
            let mut ends = Vec::with_capacity(items.len());
            for item in &items {
                ends.push(item.expiration.map(|seconds| end(now, seconds)).transpose()?);
            }

            let mut tx = self.db().write().await?;
            let keys: Vec<_> =
                owners.iter().zip(&items).map(|(owner, item)| (owner, item.name.as_str())).collect();
            let current = self.hold(&mut tx, &mut call.trail, &keys, now).await?;
            let mut rows = Vec::with_capacity(items.len());
            let mut growth = Growth::default();
            for ((&(owner, name), item), end) in keys.iter().zip(&items).zip(ends) {
                let before = current.get(&(store::attr::id_text(owner), name.to_owned()));
                match (write, before) {
                    (AttrWrite::Create, Some(_)) => return Err(Code::AttrAlreadyExists.into()),
                    (AttrWrite::Update, None) => return Err(Code::AttrNoSuchAttr.into()),
                    (AttrWrite::Create | AttrWrite::Set, None)
                    | (AttrWrite::Update | AttrWrite::Set, Some(_)) => {}
                }
                let row = self.attr_row(owner, item, before, end, now)?;
                growth.count(owner, &row, before);
                rows.push((owner, row));
            }
            store::attr::write(&mut tx, &rows).await?;
            growth.check(limits, &mut tx, now).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Sets when attributes end, and nothing else of them: all of them or none.
    ///
    /// # Errors
    /// As [`Sso::write_attrs`] when updating.
    pub async fn set_attr_expiry(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        items: Vec<AttrExpiry>,
    ) -> Result<()> {
        let operations = [Operation::UserAttrSetExpiry, Operation::SessionAttrSetExpiry];
        self.run_on_attrs(ctx, operations, actor, target, Some(items.len()), async |call, access| {
            let now = self.now();
            let keys = items.iter().map(|item| (item.user_id.as_deref(), item.name.as_str()));
            let owners = owners_of(&access, keys)?;
            let mut ends = Vec::with_capacity(items.len());
            for (owner, item) in owners.iter().zip(&items) {
                let time = item.expiration.map_or(Ok(Timestamp::NEVER), |seconds| end(now, seconds))?;
                ends.push((owner, item.name.as_str(), time));
            }

            let mut tx = self.db().write().await?;
            let keys: Vec<_> = ends.iter().map(|&(owner, name, _)| (owner, name)).collect();
            if self.hold(&mut tx, &mut call.trail, &keys, now).await?.len() < keys.len() {
                return Err(Code::AttrNoSuchAttr.into());
            }
            store::attr::set_expiration(&mut tx, &ends).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Deletes attributes; one that there is not is no error.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user, E008002 for what cannot be a name and for a name
    /// that stands there twice.
    pub async fn delete_attrs(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        names: Vec<String>,
    ) -> Result<()> {
        let operations = [Operation::UserAttrDelete, Operation::SessionAttrDelete];
        self.run_on_attrs(ctx, operations, actor, target, Some(names.len()), async |call, access| {
            check_names(&names)?;
            let mut tx = self.db().write().await?;
            if !store::attr::hold_owners(&mut tx, &[&access.owner]).await? {
                return Err(no_such(&access.owner));
            }
            store::attr::delete(&mut tx, &access.owner, &names).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Attributes by name, in the order they were asked for; None for one that there is not. Without `decrypt`, those
    /// that are encrypted come without a value.
    ///
    /// # Errors
    /// As [`Sso::delete_attrs`]; E008002 also where the values are more than one answer may hold.
    pub async fn get_attrs(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        names: Vec<String>,
        decrypt: bool,
    ) -> Result<Vec<(String, Option<Attr>)>> {
        let operations = [Operation::UserAttrGet, Operation::SessionAttrGet];
        self.run_on_attrs(ctx, operations, actor, target, Some(names.len()), async |_, access| {
            check_names(&names)?;
            let mut conn = self.attr_reader(&access).await?;
            if names.len() > MAX_UNMEASURED {
                let length =
                    store::attr::length_of_some(&mut conn, &access.owner, &names, self.now()).await?;
                check_answer(length)?;
            }
            let rows = store::attr::some(&mut conn, &access.owner, &names, self.now()).await?;
            drop(conn);
            let mut found = HashMap::with_capacity(rows.len());
            for row in rows {
                found.insert(row.name.clone(), self.open_attr(&access.owner, row, decrypt)?);
            }
            let with_attr = |name: String| {
                let attr = found.remove(&name);
                (name, attr)
            };
            Ok(names.into_iter().map(with_attr).collect())
        })
        .await
    }

    /// Whether there are attributes with these names, in the order they were asked for.
    ///
    /// # Errors
    /// As [`Sso::delete_attrs`].
    pub async fn attrs_exist(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        names: Vec<String>,
    ) -> Result<Vec<(String, bool)>> {
        let operations = [Operation::UserAttrExists, Operation::SessionAttrExists];
        self.run_on_attrs(ctx, operations, actor, target, Some(names.len()), async |_, access| {
            check_names(&names)?;
            let mut conn = self.attr_reader(&access).await?;
            let found = store::attr::some_names(&mut conn, &access.owner, &names, self.now()).await?;
            let found: HashSet<String> = found.into_iter().collect();
            Ok(names.into_iter().map(|name| (name.clone(), found.contains(&name))).collect())
        })
        .await
    }

    /// The names of all attributes, in order.
    ///
    /// # Errors
    /// E005001 without the right to, E001100 if there is no such user.
    pub async fn attr_names(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
    ) -> Result<Vec<String>> {
        let operations = [Operation::UserAttrNames, Operation::SessionAttrNames];
        self.run_on_attrs(ctx, operations, actor, target, None, async |_, access| {
            let mut conn = self.attr_reader(&access).await?;
            store::attr::all_names(&mut conn, &access.owner, self.now()).await
        })
        .await
    }

    /// All attributes, by name. Without `decrypt`, those that are encrypted come without a value.
    ///
    /// # Errors
    /// As [`Sso::attr_names`].
    pub async fn all_attrs(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        target: &AttrTarget,
        decrypt: bool,
    ) -> Result<Vec<Attr>> {
        let operations = [Operation::UserAttrGetAll, Operation::SessionAttrGetAll];
        self.run_on_attrs(ctx, operations, actor, target, None, async |_, access| {
            let mut conn = self.attr_reader(&access).await?;
            let rows = store::attr::all(&mut conn, &access.owner, self.now()).await?;
            drop(conn);
            rows.into_iter().map(|row| self.open_attr(&access.owner, row, decrypt)).collect()
        })
        .await
    }

    /// Runs one of two operations: that on a user's attributes, or that on a session's. The entry tells how many names
    /// were given, where names are.
    async fn run_on_attrs<T>(
        &self,
        ctx: &Context,
        [of_user, of_session]: [Operation; 2],
        actor: impl Into<Actor>,
        target: &AttrTarget,
        count: Option<usize>,
        body: impl AsyncFnOnce(&mut Call<'_>, Access) -> Result<T>,
    ) -> Result<T> {
        let actor = actor.into();
        let (operation, is_own) = match target {
            AttrTarget::User(user_id) => (of_user, user_id.is_none() && !matches!(actor, Actor::Trusted(_))),
            AttrTarget::Session(ust) => (of_session, actor.other_session(ust.as_ref()).is_none()),
        };
        self.record(ctx, operation, async |call| {
            if is_own {
                call.trail.is_of_oneself();
            }
            if let Some(count) = count {
                call.trail.note(COUNT, count.to_string());
            }
            self.admit(call, operation.who(), &actor, PasswordAge::Checked).await?;
            let access = self.attr_access(call, &actor, target).await?;
            body(call, access).await
        })
        .await
    }

    /// Whose attributes they are, and what the caller may do.
    async fn attr_access(&self, call: &mut Call<'_>, actor: &Actor, target: &AttrTarget) -> Result<Access> {
        match target {
            AttrTarget::Session(ust) => {
                let other = actor.other_session(ust.as_ref());
                let session = self.target_session(call, other, PasswordAge::Checked).await?.session;
                let owner = AttrOwner::Session(session.session_id);
                Ok(Access { owner, user_id: session.user_id, is_other: false, may_be_anybodys: false })
            }
            AttrTarget::User(user_id) => {
                let user_id = call.target(user_id.as_deref())?;
                let is_other = !call.caller().is_ok_and(|caller| *caller.user_id() == user_id);
                let owner = AttrOwner::User(user_id.clone());
                Ok(Access { owner, user_id, is_other, may_be_anybodys: call.may_act_on_all() })
            }
        }
    }

    /// A connection for reading attributes, after a check that the user exists.
    async fn attr_reader(&self, access: &Access) -> Result<Conn> {
        let mut conn = self.db().read().await?;
        if access.is_other && store::user::account::by_id(&mut conn, &access.user_id).await?.is_none() {
            return Err(no_such(&access.owner));
        }
        Ok(conn)
    }

    /// Keeps others from writing attributes of these owners, so that what is read of them now stays true until the
    /// transaction ends; those of the attributes that exist, by owner and name.
    async fn hold(
        &self,
        tx: &mut Tx,
        trail: &mut Trail,
        keys: &[(&AttrOwner, &str)],
        now: Timestamp,
    ) -> Result<HashMap<(String, String), Current>> {
        let distinct: HashSet<&AttrOwner> = keys.iter().map(|&(owner, _)| owner).collect();
        let owners: Vec<&AttrOwner> = distinct.into_iter().collect();
        match owners.as_slice() {
            [AttrOwner::User(user_id)] => trail.on(user_id),
            [_] => {}
            several => trail.note("users", several.len().to_string()),
        }
        if let Some(owner) = owners.first()
            && !store::attr::hold_owners(tx, &owners).await?
        {
            return Err(no_such(owner));
        }
        let current = store::attr::current(tx, keys, now).await?;
        Ok(current.into_iter().map(|row| ((row.owner.clone(), row.name.clone()), row)).collect())
    }

    /// An attribute as it will be stored.
    fn attr_row(
        &self,
        owner: &AttrOwner,
        item: &AttrItem,
        before: Option<&Current>,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<AttrRow> {
        let is_encrypted = item.encrypt.or(before.map(|before| before.is_encrypted)).unwrap_or(false);
        let value = self.seal_attr(owner, &item.name, &item.value, is_encrypted)?;
        let kept = before.map_or(Timestamp::NEVER, |before| before.expiration_time);
        Ok(AttrRow {
            name: item.name.clone(),
            value,
            is_encrypted,
            creation_time: before.map_or(now, |before| before.creation_time),
            last_modified: now,
            expiration_time: end.unwrap_or(kept),
        })
    }

    /// A value as it will be stored.
    pub(in crate::ops) fn seal_attr(
        &self,
        owner: &AttrOwner,
        name: &str,
        value: &AttrValue,
        is_encrypted: bool,
    ) -> Result<Vec<u8>> {
        let text = value.as_json_text().as_bytes();
        if !is_encrypted {
            return Ok(plain(text));
        }
        let row = place_row(owner, name);
        self.core.keyring.seal(place(owner, &row), text, &*self.core.random)
    }

    /// From a row to an attribute. What says that it is encrypted must be.
    pub(in crate::ops) fn open_attr(&self, owner: &AttrOwner, row: AttrRow, decrypt: bool) -> Result<Attr> {
        let place_row = place_row(owner, &row.name);
        let place = place(owner, &place_row);
        let opened = match (row.is_encrypted, decrypt) {
            (true, false) => None,
            (true, true) => Some(self.core.keyring.open(place, &row.value)?),
            (false, _) => Some(self.core.keyring.open_or_plain(place, &row.value)?),
        };
        let text = opened.map(|opened| std::str::from_utf8(&opened).map(str::to_owned));
        let text = text.transpose().map_err(|_| Error::internal("the value of an attribute is not text"))?;
        Ok(Attr {
            name: row.name,
            value: text.map(AttrValue::from_json_text),
            creation_time: row.creation_time,
            last_modified: row.last_modified,
            expiration_time: row.expiration_time,
            is_encrypted: row.is_encrypted,
        })
    }
}

/// What identifies an attribute: its owner, and its name behind its length.
fn place_row(owner: &AttrOwner, name: &str) -> Vec<u8> {
    let mut row = store::attr::id_text(owner).into_bytes();
    row.extend((name.len() as u64).to_le_bytes());
    row.extend(name.as_bytes());
    row
}

const fn place<'a>(owner: &AttrOwner, row: &'a [u8]) -> Place<'a> {
    let table = match owner {
        AttrOwner::User(_) => "sso_user_attr",
        AttrOwner::Session(_) => "sso_session_attr",
    };
    Place { table, column: "value", row }
}

/// Whose each of these attributes is, in their order. There is at least one, and none stands there twice.
fn owners_of<'a>(
    access: &Access,
    keys: impl Iterator<Item = (Option<&'a str>, &'a str)>,
) -> Result<Vec<AttrOwner>> {
    let mut owners = Vec::new();
    let mut seen = HashSet::new();
    for (user_id, name) in keys {
        check_name(name)?;
        let owner = access.owner_of(user_id)?;
        if !seen.insert((owner.clone(), name)) {
            return Err(repeated());
        }
        owners.push(owner);
    }
    check_count(owners.len())?;
    if owners.is_empty() {
        return Err(Error::refused(Code::CommonMissingInput, "at least one attribute is needed"));
    }
    Ok(owners)
}

fn no_such(owner: &AttrOwner) -> Error {
    match owner {
        AttrOwner::User(_) => Code::UserIdInvalid.into(),
        AttrOwner::Session(_) => Code::SessionNoSuchSession.into(),
    }
}
