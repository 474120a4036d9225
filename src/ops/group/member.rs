//! Members of groups, and what rights of a group allow them.

use std::collections::HashMap;

use crate::domain::{
    Code, Context, Error, Group, GroupMember, Membership, Operation, Result, User, UserId, group_key,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::call::Call;
use crate::ops::group::manage::note;
use crate::store;
use crate::store::user::account::UserRow;
use crate::store::{Conn, Tx};

/// In how many groups a user is at most: each session that is cached has their names.
pub(in crate::ops) const MAX_GROUPS_OF_USER: i64 = 200;

/// How many members one answer has at most.
const MAX_MEMBERS: i64 = 1_000;

impl Sso {
    /// Makes a user a member of a group; one who is a member stays one.
    ///
    /// # Errors
    /// E005001 without the right to, E013001 and E001100 if there is no such group or user, E005010 if the group has rights
    /// and the caller's login is not fresh, E008001 if the user is in too many groups.
    pub async fn add_group_member(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        group: &str,
        user_id: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::GroupAddMember, actor, async |call| {
            let (mut tx, user_id) = self.of_user(call, user_id).await?;
            let group = self.group_to_fill(call, &mut tx, group).await?;
            self.check_rights(call, &group)?;
            if store::group::count_of_user(&mut tx, &user_id).await? >= MAX_GROUPS_OF_USER {
                let detail = format!("user_id: in {MAX_GROUPS_OF_USER} groups already");
                return Err(Error::refused(Code::CommonInvalidOperation, detail));
            }
            store::group::add_member(&mut tx, &group.group_id, &user_id, self.now()).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// Takes a user out of a group, if they are a member.
    ///
    /// # Errors
    /// E005001 without the right to, E013001 and E001100 if there is no such group or user.
    pub async fn remove_group_member(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        group: &str,
        user_id: &str,
    ) -> Result<()> {
        self.run(ctx, Operation::GroupRemoveMember, actor, async |call| {
            let (mut tx, user_id) = self.of_user(call, user_id).await?;
            let group = self.group_to_fill(call, &mut tx, group).await?;
            store::group::remove_member(&mut tx, &group.group_id, &user_id).await?;
            self.commit(tx, &mut call.trail).await
        })
        .await
    }

    /// The group whose members are to change, noted in the audit entry.
    async fn group_to_fill(&self, call: &mut Call<'_>, tx: &mut Tx, group: &str) -> Result<Group> {
        let found = store::group::by_key_for_members(tx, &group_key(group)).await?;
        let found = found.ok_or(Code::GroupNoSuchGroup)?;
        note(call, &found);
        Ok(found)
    }

    /// A transaction in which this user is there, and stays.
    async fn of_user(&self, call: &mut Call<'_>, user_id: &str) -> Result<(Tx, UserId)> {
        let user_id = call.target(Some(user_id))?;
        let mut tx = self.db().write().await?;
        store::user::account::lock_row(&mut tx, &user_id).await?.ok_or(Code::UserIdInvalid)?;
        Ok((tx, user_id))
    }

    /// Members of a group by their ids: so many after this one, 1,000 at most.
    ///
    /// # Errors
    /// E005001 without the right to, E013001 if there is no such group.
    pub async fn list_group_members(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        group: &str,
        after: Option<&str>,
        limit: Option<i64>,
    ) -> Result<Vec<GroupMember>> {
        self.run(ctx, Operation::GroupGetMembers, actor, async |call| {
            let after = match after.filter(|after| !after.is_empty()) {
                None => String::new(),
                Some(after) => UserId::parse(after).ok_or(Code::UserIdInvalid)?.as_str().to_owned(),
            };
            let limit = limit.filter(|limit| *limit >= 1).unwrap_or(MAX_MEMBERS).min(MAX_MEMBERS);
            let mut conn = self.db().read().await?;
            let group = self.find_group(call, &mut conn, group).await?;
            store::group::members(&mut conn, &group.group_id, &after, limit).await
        })
        .await
    }

    /// Adds their groups to users, with one statement.
    pub(in crate::ops) async fn add_groups(&self, conn: &mut Conn, users: &mut [User]) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
        let found = store::group::names_of_users(conn, &ids).await?;
        let mut groups = HashMap::<UserId, Vec<String>>::new();
        for (user_id, name) in found {
            groups.entry(user_id).or_default().push(name);
        }
        for user in users {
            user.groups = groups.remove(&user.user_id).unwrap_or_default();
            user.groups.sort_unstable();
        }
        Ok(())
    }

    /// The groups of one user, and their rights.
    pub(in crate::ops) async fn membership(&self, conn: &mut Conn, user_id: &UserId) -> Result<Membership> {
        let text = store::group::membership_of(conn, user_id).await?;
        Ok(Membership::parse(text.as_deref()))
    }

    /// A member of a group that may manage users acts on others who have no more rights: neither on super-users, nor on
    /// those who may do something that the member may not.
    ///
    /// # Errors
    /// E005001.
    pub(in crate::ops) async fn check_may_manage(
        &self,
        call: &Call<'_>,
        conn: &mut Conn,
        row: &UserRow,
    ) -> Result<()> {
        if call.may_act_on_all() || call.user_id() == Some(&row.user_id) {
            return Ok(());
        }
        let caller = call.caller()?;
        if row.is_super_user || !caller.membership().covers(&self.membership(conn, &row.user_id).await?) {
            return Err(Code::AuthNotAllowed.into());
        }
        // Who can give a user another password can become that user, and be granted what their groups allow.
        let scopes = store::group::scopes_of_user(conn, &row.user_id).await?;
        if !scopes.is_empty()
            && !scopes.is_subset(&store::group::scopes_of_user(conn, caller.user_id()).await?)
        {
            return Err(Code::AuthNotAllowed.into());
        }
        Ok(())
    }

    /// Who manages users by the right of a group does not act on super-users, whatever becomes of the target meanwhile.
    pub(in crate::ops) async fn hold_to_manage(
        &self,
        call: &Call<'_>,
        tx: &mut Tx,
        user_id: &UserId,
    ) -> Result<()> {
        if call.may_act_on_all() || call.user_id() == Some(user_id) {
            return Ok(());
        }
        let row = store::user::account::by_id_for_update(tx, user_id).await?.ok_or(Code::UserIdInvalid)?;
        self.check_may_manage(call, tx, &row).await
    }
}
