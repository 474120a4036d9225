//! The list of users in the administration.

use std::sync::Arc;

use crate::domain::{
    Context, Operation, Place, Result, UserBrowse, UserOrder, UserPage, UserView, Visibility, group_key,
    username_key,
};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::user::search::name_criterion;
use crate::store;
use crate::store::user::browse::Wanted;

impl Sso {
    /// Users a page at a time, for super-users. Members of groups that may manage users see those who are no super-users, and
    /// of them what their decisions are about.
    ///
    /// # Errors
    /// E005001 without the right to, E008002 for a part of a name that is too short or that no name can have.
    pub async fn browse_users(
        &self,
        ctx: &Context,
        actor: impl Into<Actor>,
        browse: UserBrowse,
    ) -> Result<UserPage> {
        self.run(ctx, Operation::UserBrowse, actor, async |call| {
            call.trail.note("criteria", given(&browse).join(", "));
            let limits = &self.config().search;
            let limit = browse.limit.filter(|limit| *limit >= 1);
            let limit =
                limit.unwrap_or_else(|| limits.default_page_size.into()).min(limits.max_page_size.into());
            let is_all = call.may_act_on_all();
            let (order, after) = (browse.order, browse.after.clone());
            let mut wanted = self.wanted(browse)?;
            wanted.is_without_super_users = !is_all;
            let now = self.now();
            let mut conn = self.db().read().await?;
            wanted.hidden = store::user::signup::is_any_hidden(&mut conn, now).await?.then_some(now);
            let found = store::user::browse::page(&mut conn, &wanted, after.as_ref(), limit).await?;
            let mut users =
                found.rows.into_iter().map(|row| self.open_user(row)).collect::<Result<Vec<_>>>()?;
            let has_more = users.len() > usize::try_from(limit).unwrap_or(usize::MAX);
            if has_more {
                users.pop();
            }
            self.add_groups(&mut conn, &mut users).await?;
            drop(conn);
            let next = users.last().filter(|_| has_more).map(|last| match order {
                UserOrder::Name => Place::Name(last.username.clone()),
                UserOrder::Newest => Place::Time(last.sign_up_time, last.user_id.as_str().to_owned()),
            });
            let visibility = if is_all { Visibility::SuperUser } else { Visibility::UserManager };
            let shown = |user| UserView { user: Arc::new(user), visibility, is_current_super_user: is_all };
            Ok(UserPage { users: users.into_iter().map(shown).collect(), next, count: found.count })
        })
        .await
    }

    /// What storage is asked for.
    fn wanted(&self, browse: UserBrowse) -> Result<Wanted> {
        // PostgreSQL knows no NUL in text, and no name has one.
        let text = |text: Option<String>| {
            let text = text.map(|text| text.replace('\0', "\u{fffd}").trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let part = match text(browse.part) {
            None => None,
            Some(part) => {
                let username = username_key(&part, false).to_ascii_lowercase();
                Some((username, name_criterion("q", Some(part), false)?))
            }
        };
        let indexes = |email: String| {
            let indexes = self.core.keyring.blind_index_candidates(&email).into_iter();
            indexes.map(|index| index.to_vec()).collect()
        };
        Ok(Wanted {
            part,
            email_indexes: text(browse.email).map(indexes),
            state: browse.state,
            group: text(browse.group).map(|group| group_key(&group)),
            signed_up: [browse.signed_up_from, browse.signed_up_before],
            logged_in_from: browse.logged_in_from,
            is_without_super_users: false,
            hidden: None,
            order: browse.order,
        })
    }
}

/// The names of the criteria, for the audit trail, which does not keep their values.
fn given(browse: &UserBrowse) -> Vec<&'static str> {
    let criteria = [
        ("part", browse.part.is_some()),
        ("email", browse.email.is_some()),
        ("state", browse.state.is_some()),
        ("group", browse.group.is_some()),
        ("signed_up", browse.signed_up_from.is_some() || browse.signed_up_before.is_some()),
        ("logged_in", browse.logged_in_from.is_some()),
    ];
    criteria.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}
