//! The groups of imported users. One that does not exist yet comes into being as the first user of it describes it; one that
//! does stays as it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::{
    Edit, GroupId, GroupUpdate, Result, UserId, check_group_name, check_long_text, check_name, check_scopes,
    group_key,
};
use crate::ops::Sso;
use crate::ops::group::manage::{MAX_GROUPS, apply};
use crate::ops::group::member::MAX_GROUPS_OF_USER;
use crate::ops::import::told::{because, shown};
use crate::store::{self, Tx};

/// The groups that can be, each once. What is wrong with one goes to `lost`.
pub(in crate::ops) fn check_groups(groups: Vec<GroupUpdate>, lost: &mut Vec<String>) -> Vec<GroupUpdate> {
    let (mut kept, mut keys) = (Vec::new(), HashSet::new());
    for group in groups {
        let named = name_of(&group).to_owned();
        match check_group(group) {
            Ok(_) if keys.len() as i64 >= MAX_GROUPS_OF_USER => {
                let why = format!("a user is in {MAX_GROUPS_OF_USER} groups at most");
                lost.push(format!("group `{}`: {why}", shown(&named)));
            }
            Ok(group) if keys.insert(group_key(name_of(&group))) => kept.push(group),
            Ok(_) => {}
            Err(error) => lost.push(format!("group `{}`: {}", shown(&named), because(&error))),
        }
    }
    kept
}

fn name_of(group: &GroupUpdate) -> &str {
    match &group.name {
        Edit::Set(name) => name,
        Edit::Keep | Edit::Clear => "",
    }
}

fn check_group(group: GroupUpdate) -> Result<GroupUpdate> {
    let name = check_group_name(Some(name_of(&group).to_owned()))?;
    let scopes = check_scopes(group.scopes.clone().given().flatten().unwrap_or_default())?;
    check_name("display_name", group.display_name.clone().given().flatten())?;
    check_long_text("description", group.description.clone().given().flatten())?;
    Ok(GroupUpdate { name: Edit::Set(name), scopes: Edit::Set(scopes), ..group })
}

/// New members of a group, each with the number of the user.
type Members<'a> = Vec<(usize, &'a UserId)>;

impl Sso {
    /// Makes new users members of their groups; why they are not in those that could not be, each with the number of the
    /// user.
    pub(in crate::ops) async fn put_into_groups(
        &self,
        tx: &mut Tx,
        users: &[(usize, &UserId, &[GroupUpdate])],
    ) -> Result<Vec<(usize, String)>> {
        let mut names: BTreeMap<String, (&GroupUpdate, Members<'_>)> = BTreeMap::new();
        for (number, user_id, groups) in users {
            for group in *groups {
                let key = group_key(name_of(group));
                let (_, members) = names.entry(key).or_insert_with(|| (group, Vec::new()));
                members.push((*number, *user_id));
            }
        }
        let mut lost = Vec::new();
        if names.is_empty() {
            return Ok(lost);
        }
        let keys: Vec<&str> = names.keys().map(String::as_str).collect();
        let found = store::group::ids_of_keys(tx, &keys).await?;
        let found: HashMap<String, GroupId> = found.into_iter().collect();
        // In the order of their keys, so that two imports do not wait for each other.
        for (key, (group, members)) in &names {
            let group_id = match found.get(key) {
                Some(group_id) => Some(group_id.clone()),
                None => self.imported_group(tx, key, group).await?,
            };
            let Some(group_id) = group_id else {
                let why = format!("group `{}`: there are {MAX_GROUPS} groups already", shown(name_of(group)));
                lost.extend(members.iter().map(|(number, _)| (*number, why.clone())));
                continue;
            };
            let user_ids: Vec<&str> = members.iter().map(|(_, user_id)| user_id.as_str()).collect();
            store::group::add_new_users(tx, &group_id, &user_ids, self.now()).await?;
        }
        Ok(lost)
    }

    /// A new group as it is described, or the one that somebody else has just made; None if there are too many.
    async fn imported_group(&self, tx: &mut Tx, key: &str, new: &GroupUpdate) -> Result<Option<GroupId>> {
        if store::group::count(tx).await? >= MAX_GROUPS {
            return Ok(None);
        }
        let mut group = self.plain_group(name_of(new).to_owned())?;
        apply(&mut group, GroupUpdate { name: Edit::Keep, ..new.clone() })?;
        if store::group::insert(tx, &group, key).await? {
            return Ok(Some(group.group_id));
        }
        Ok(store::group::ids_of_keys(tx, &[key]).await?.pop().map(|(_, group_id)| group_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_once_and_what_is_none_is_told() {
        let mut lost = Vec::new();
        let named = |name: String| GroupUpdate { name: Edit::Set(name), ..GroupUpdate::default() };
        let names = [" Sales ", "SALES", "", "zgrpx", "it"].map(|name| named(name.to_owned()));
        let kept = check_groups(names.into(), &mut lost);
        assert_eq!(kept.iter().map(name_of).collect::<Vec<_>>(), ["Sales", "it"]);
        assert_eq!(lost, ["group ``: name: a group needs one", "group `zgrpx`: name: zgrp is how ids begin"]);
        lost.clear();
        let many = (0..=MAX_GROUPS_OF_USER).map(|number| named(number.to_string())).collect();
        assert_eq!(check_groups(many, &mut lost).len() as i64, MAX_GROUPS_OF_USER);
        assert_eq!(lost, ["group `200`: a user is in 200 groups at most"]);
        lost.clear();
        let wrong = GroupUpdate { scopes: Edit::Set(vec!["a b".to_owned()]), ..named("it".to_owned()) };
        assert!(check_groups(vec![wrong], &mut lost).is_empty() && lost[0].starts_with("group `it`: scopes"));
    }
}
