//! Groups: created, read, changed and deleted by super-users.

use crate::domain::{
    Code, Context, Edit, Error, Group, GroupId, GroupUpdate, Operation, Result, check_group_name,
    check_long_text, check_name, check_scopes, group_key,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::store;
use crate::store::{Conn, Tx};

/// How many groups there are at most: a list has all of them.
pub(in crate::ops) const MAX_GROUPS: i64 = 10_000;

impl Sso {
    /// Creates a group.
    ///
    /// # Errors
    /// E005001 without the right to, E013002 if there is one with the name, E008002 and E008003 for values that are not
    /// acceptable, E005010 if it is to have rights and the caller's login is not fresh.
    pub async fn create_group(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        new: GroupUpdate,
    ) -> Result<Group> {
        self.run(ctx, Operation::GroupCreate, actor, async |call| {
            let name = check_group_name(new.name.clone().given().flatten())?;
            let mut group = self.plain_group(name)?;
            apply(&mut group, GroupUpdate { name: Edit::Keep, ..new })?;
            self.check_rights(call, &group)?;
            note(call, &group);
            let mut tx = self.db().write().await?;
            if store::group::count(&mut tx).await? >= MAX_GROUPS {
                let detail = format!("there are {MAX_GROUPS} groups already");
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            if !store::group::insert(&mut tx, &group, &group_key(&group.name)).await? {
                return Err(Code::GroupExists.into());
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(group)
        })
        .await
    }

    /// A new group that has nothing but a name.
    pub(in crate::ops) fn plain_group(&self, name: String) -> Result<Group> {
        let now = self.now();
        Ok(Group {
            group_id: GroupId::random(&*self.core.random)?,
            name,
            display_name: None,
            description: None,
            scopes: Vec::new(),
            can_manage_users: false,
            can_read_audit: false,
            num_members: 0,
            creation_time: now,
            last_modified: now,
        })
    }

    /// A group, by its id or its name.
    ///
    /// # Errors
    /// E005001 without the right to, E013001 if there is no such group.
    pub async fn get_group(&self, ctx: &Context, actor: impl Into<Actor>, group: &str) -> Result<Group> {
        self.run(ctx, Operation::GroupGet, actor, async |call| {
            let mut conn = self.db().read().await?;
            self.find_group(call, &mut conn, group).await
        })
        .await
    }

    /// All groups, by name.
    ///
    /// # Errors
    /// E005001 without the right to.
    pub async fn list_groups(&self, ctx: &Context, actor: impl Into<Actor>) -> Result<Vec<Group>> {
        self.run(ctx, Operation::GroupGetList, actor, async |_| {
            let mut conn = self.db().read().await?;
            store::group::list(&mut conn, MAX_GROUPS).await
        })
        .await
    }

    /// Changes a group; what it is now.
    ///
    /// # Errors
    /// As [`Sso::create_group`], and E013001 if there is no such group.
    pub async fn update_group(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        group: &str,
        update: GroupUpdate,
    ) -> Result<Group> {
        self.run(ctx, Operation::GroupUpdate, actor, async |call| {
            if update == GroupUpdate::default() {
                return Err(Error::refused(Code::CommonMissingInput, "nothing to change was given"));
            }
            let mut tx = self.db().write().await?;
            let mut group = self.group_to_change(call, &mut tx, group).await?;
            // Neither are rights given nor taken in a session that is not fresh.
            self.check_rights(call, &group)?;
            apply(&mut group, update)?;
            self.check_rights(call, &group)?;
            group.last_modified = self.now();
            if !store::group::update(&mut tx, &group, &group_key(&group.name)).await? {
                return Err(Code::GroupExists.into());
            }
            self.commit(tx, &mut call.trail).await?;
            Ok(group)
        })
        .await
    }

    /// Deletes a group; its members stay.
    ///
    /// # Errors
    /// E005001 without the right to, E013001 if there is no such group.
    pub async fn delete_group(&self, ctx: &Context, actor: impl Into<Actor>, group: &str) -> Result<Group> {
        self.run(ctx, Operation::GroupDelete, actor, async |call| {
            let mut tx = self.db().write().await?;
            let group = self.group_to_change(call, &mut tx, group).await?;
            store::group::delete(&mut tx, &group.group_id).await?;
            self.commit(tx, &mut call.trail).await?;
            Ok(group)
        })
        .await
    }

    /// The group that is to be changed, noted in the audit entry.
    async fn group_to_change(&self, call: &mut Call<'_>, tx: &mut Tx, group: &str) -> Result<Group> {
        let found = store::group::by_key_for_update(tx, &group_key(group)).await?;
        let found = found.ok_or(Code::GroupNoSuchGroup)?;
        note(call, &found);
        Ok(found)
    }

    /// The group with this id or name, noted in the audit entry.
    pub(in crate::ops) async fn find_group(
        &self,
        call: &mut Call<'_>,
        conn: &mut Conn,
        group: &str,
    ) -> Result<Group> {
        let found = store::group::by_key(conn, &group_key(group)).await?.ok_or(Code::GroupNoSuchGroup)?;
        note(call, &found);
        Ok(found)
    }

    /// Who gives rights, by a group or by membership in it, has logged in not long ago.
    pub(in crate::ops) fn check_rights(&self, call: &Call<'_>, group: &Group) -> Result<()> {
        if group.can_manage_users || group.can_read_audit || !group.scopes.is_empty() {
            self.require_fresh_login(call.caller().ok())?;
        }
        Ok(())
    }
}

/// Says in the audit entry which group it is.
pub(in crate::ops) fn note(call: &mut Call<'_>, group: &Group) {
    call.trail.note("group_id", group.group_id.as_str());
    call.trail.note("group", group.name.as_str());
}

/// Changes a group as asked for.
///
/// # Errors
/// E008002 and E008003 for values that are not acceptable.
pub(in crate::ops) fn apply(group: &mut Group, update: GroupUpdate) -> Result<()> {
    if let Some(name) = update.name.given() {
        group.name = check_group_name(name)?;
    }
    if let Some(name) = update.display_name.given() {
        group.display_name = check_name("display_name", name)?;
    }
    if let Some(text) = update.description.given() {
        let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        group.description = check_long_text("description", text)?;
    }
    if let Some(scopes) = update.scopes.given() {
        group.scopes = check_scopes(scopes.unwrap_or_default())?;
    }
    if let Some(may) = update.can_manage_users.given() {
        group.can_manage_users = may.unwrap_or(false);
    }
    if let Some(may) = update.can_read_audit.given() {
        group.can_read_audit = may.unwrap_or(false);
    }
    Ok(())
}
