//! Groups: named sets of users, what their members may be granted, and their rights in this product itself.

use super::{Code, Edit, Error, GroupId, Result, Timestamp, UserId, check_name, username_key};

/// The longest name of a group, in characters.
const MAX_NAME: usize = 128;

/// How many scopes a group has at most, and how long each may be in bytes.
const MAX_SCOPES: (usize, usize) = (100, 128);

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub group_id: GroupId,
    /// Its name, unique in any case of letters.
    pub name: String,
    /// The name to show.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What its members may be granted.
    pub scopes: Vec<String>,
    /// Whether members may approve, reject, lock and unlock users, and reset their passwords and TOTP keys; not those of
    /// super-users.
    pub can_manage_users: bool,
    /// Whether members may read the audit.
    pub can_read_audit: bool,
    /// How many members it has.
    pub num_members: i64,
    /// When it was created.
    pub creation_time: Timestamp,
    /// When it was last changed, its members aside.
    pub last_modified: Timestamp,
}

/// What a group is, or is to become. Of a new one, what is not given is empty or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of `Group`")]
pub struct GroupUpdate {
    pub name: Edit<String>,
    pub display_name: Edit<String>,
    pub description: Edit<String>,
    pub scopes: Edit<Vec<String>>,
    pub can_manage_users: Edit<bool>,
    pub can_read_audit: Edit<bool>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct GroupMember {
    pub user_id: UserId,
    pub username: String,
    pub display_name: Option<String>,
    pub added_time: Timestamp,
}

/// The groups of one user, and the rights that they give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The names of the groups, in order.
    pub groups: Vec<String>,
    /// Whether one of them gives the right to manage users.
    pub can_manage_users: bool,
    /// Whether one of them gives the right to read the audit.
    pub can_read_audit: bool,
}

impl Membership {
    /// Reads what the database tells of a user's groups: a line for each, a digit for each right before the name.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        let mut membership = Self::default();
        for line in text.unwrap_or_default().lines() {
            let mut characters = line.chars();
            membership.can_manage_users |= characters.next() == Some('1');
            membership.can_read_audit |= characters.next() == Some('1');
            membership.groups.push(characters.as_str().to_owned());
        }
        membership.groups.sort_unstable();
        membership
    }

    /// Whether it gives every right that the other one does.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        (self.can_manage_users || !other.can_manage_users) && (self.can_read_audit || !other.can_read_audit)
    }
}

/// The form in which names of groups are compared. Ids are in it already, so that either names a group.
#[must_use]
pub fn group_key(name: &str) -> String {
    username_key(name.trim(), true)
}

/// A name of a group in the form in which it is kept.
///
/// # Errors
/// E008003 for none, E008002 for one that is too long, has characters that are not seen, or looks like an id.
pub fn check_group_name(name: Option<String>) -> Result<String> {
    let missing = || Error::refused(Code::CommonMissingInput, "name: a group needs one");
    let name = check_name("name", name)?.ok_or_else(missing)?;
    if name.chars().count() > MAX_NAME {
        return Err(Error::refused(Code::CommonInvalidInput, format!("name: at most {MAX_NAME} characters")));
    }
    if GroupId::parse(&group_key(&name)).is_some() {
        return Err(Error::refused(Code::CommonInvalidInput, "name: zgrp is how ids begin"));
    }
    Ok(name)
}

/// Scopes, each once, in order: what OAuth allows in them (RFC 6749, section 3.3).
///
/// # Errors
/// E008002 for a scope that is none, and for too many.
pub fn check_scopes(mut scopes: Vec<String>) -> Result<Vec<String>> {
    let is_scope = |scope: &String| {
        let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        !scope.is_empty() && scope.len() <= MAX_SCOPES.1 && scope.bytes().all(is_allowed)
    };
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.len() > MAX_SCOPES.0 || !scopes.iter().all(is_scope) {
        let (count, length) = MAX_SCOPES;
        let detail =
            format!("scopes: at most {count}, each of 1 to {length} visible ASCII characters but \" and \\");
        return Err(Error::refused(Code::CommonInvalidInput, detail));
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_is_read_as_it_was_written() {
        assert_eq!(Membership::parse(None), Membership::default());
        let both = Membership::parse(Some("10sales\n01Auditors of all"));
        assert_eq!(both.groups, ["Auditors of all", "sales"]);
        assert!(both.can_manage_users && both.can_read_audit);
        let plain = Membership::parse(Some("00sales"));
        assert!(both.covers(&plain) && !plain.covers(&both) && plain.covers(&plain));
    }

    #[test]
    fn names_are_compared_in_one_form_and_are_no_ids() {
        assert_eq!(group_key(" Vertrieb "), group_key("VERTRIEB"));
        assert_eq!(check_group_name(Some(" Sales ".to_owned())).unwrap(), "Sales");
        for wrong in ["", " ", "a\nb", "ZGRP00", &"x".repeat(129)] {
            assert!(check_group_name(Some(wrong.to_owned())).is_err(), "{wrong}");
        }
        assert!(check_group_name(None).is_err());
    }

    #[test]
    fn scopes_are_those_of_oauth() {
        let scopes = |list: &[&str]| check_scopes(list.iter().map(|scope| (*scope).to_owned()).collect());
        assert_eq!(scopes(&["write", "read", "read"]).unwrap(), ["read", "write"]);
        for wrong in ["", "a b", "a\"", "a\\", "ä", &"x".repeat(129)] {
            assert!(scopes(&[wrong]).is_err(), "{wrong}");
        }
    }
}
