//! The groups of imported users. One that does not exist yet comes into being with nothing but its name.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::{GroupId, Result, UserId, check_group_name, group_key};
use crate::ops::Sso;
use crate::ops::group::manage::MAX_GROUPS;
use crate::ops::group::member::MAX_GROUPS_OF_USER;
use crate::ops::import::told::{because, shown};
use crate::store::{self, Tx};

/// The names of groups in the form in which they are kept, each once. What is wrong with one goes to `lost`.
pub(in crate::ops) fn check_groups(names: Vec<String>, lost: &mut Vec<String>) -> Vec<String> {
    let (mut kept, mut keys) = (Vec::new(), HashSet::new());
    for name in names {
        match check_group_name(Some(name.clone())) {
            Ok(_) if keys.len() as i64 >= MAX_GROUPS_OF_USER => {
                let why = format!("a user is in {MAX_GROUPS_OF_USER} groups at most");
                lost.push(format!("group `{}`: {why}", shown(&name)));
            }
            Ok(name) if keys.insert(group_key(&name)) => kept.push(name),
            Ok(_) => {}
            Err(error) => lost.push(format!("group `{}`: {}", shown(&name), because(&error))),
        }
    }
    kept
}

/// New members of a group, each with the number of the user.
type Members<'a> = Vec<(usize, &'a UserId)>;

impl Sso {
    /// Makes new users members of their groups; why they are not in those that could not be, each with the number of the
    /// user.
    pub(in crate::ops) async fn put_into_groups(
        &self,
        tx: &mut Tx,
        users: &[(usize, &UserId, &[String])],
    ) -> Result<Vec<(usize, String)>> {
        let mut names: BTreeMap<String, (&String, Members<'_>)> = BTreeMap::new();
        for (number, user_id, groups) in users {
            for name in *groups {
                let (_, members) = names.entry(group_key(name)).or_insert_with(|| (name, Vec::new()));
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
        for (key, (name, members)) in &names {
            let group_id = match found.get(key) {
                Some(group_id) => Some(group_id.clone()),
                None => self.imported_group(tx, key, name).await?,
            };
            let Some(group_id) = group_id else {
                let why = format!("group `{}`: there are {MAX_GROUPS} groups already", shown(name));
                lost.extend(members.iter().map(|(number, _)| (*number, why.clone())));
                continue;
            };
            let user_ids: Vec<&str> = members.iter().map(|(_, user_id)| user_id.as_str()).collect();
            store::group::add_new_users(tx, &group_id, &user_ids, self.now()).await?;
        }
        Ok(lost)
    }

    /// A new group without rights, or the one that somebody else has just made; None if there are too many.
    async fn imported_group(&self, tx: &mut Tx, key: &str, name: &str) -> Result<Option<GroupId>> {
        if store::group::count(tx).await? >= MAX_GROUPS {
            return Ok(None);
        }
        let group = self.plain_group(name.to_owned())?;
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
        let names = [" Sales ", "SALES", "", "zgrpx", "it"].map(str::to_owned);
        assert_eq!(check_groups(names.into(), &mut lost), ["Sales", "it"]);
        assert_eq!(lost, ["group ``: name: a group needs one", "group `zgrpx`: name: zgrp is how ids begin"]);
        lost.clear();
        let many = (0..=MAX_GROUPS_OF_USER).map(|number| number.to_string()).collect();
        assert_eq!(check_groups(many, &mut lost).len() as i64, MAX_GROUPS_OF_USER);
        assert_eq!(lost, ["group `200`: a user is in 200 groups at most"]);
    }
}
