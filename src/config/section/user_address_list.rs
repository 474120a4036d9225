//! The section `user_address_list`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::load::error::Error;
use crate::config::load::schema::{Key, SectionInfo};
use crate::config::load::section::{Section, Validate};
use crate::config::load::setting::{self, Setting, parse_network, show_list, show_network};
use crate::config::load::value::{Value, quoted};
use crate::config::load::values::Values;
use crate::domain::username_key;

/// Where users may come from: a list by username. Users without one may come from anywhere, unless
/// `login.reject_if_not_listed` is on.
#[derive(Clone, Debug, Default)]
pub struct UserAddressList {
    lists: BTreeMap<String, AddressList>,
    /// The same by the form in which usernames are compared.
    by_key: BTreeMap<String, AddressList>,
}

impl UserAddressList {
    /// The list of a user, if there is one, in whatever form the name is written.
    #[must_use]
    pub fn get(&self, username: &str) -> Option<&AddressList> {
        if self.lists.is_empty() {
            return None;
        }
        self.lists.get(username).or_else(|| self.by_key.get(&username_key(username, true)))
    }

    /// Sets the list of a user.
    pub fn insert(&mut self, username: impl Into<String>, list: AddressList) {
        let username = username.into();
        match self.by_key.entry(username_key(&username, true)) {
            Entry::Vacant(entry) => drop(entry.insert(list.clone())),
            // Which of two lists is meant is not known: who has the name in a third form may come from nowhere.
            Entry::Occupied(mut entry) => drop(entry.insert(AddressList::default())),
        }
        self.lists.insert(username, list);
    }

    /// Whether no user has a list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

/// The names here are usernames, so the section is a table itself.
impl Section for UserAddressList {
    const INFO: SectionInfo = SectionInfo {
        name: "user_address_list",
        about: &[
            " Where users may come from: addresses and CIDR blocks by username. \"*\" is anywhere, an empty list is nowhere.",
            " Users who are not here may come from anywhere, unless login.reject_if_not_listed is on.",
        ],
        keys: &[Key {
            dotted: "user_address_list",
            about: &[" joe = [\"10.0.0.0/8\", \"2001:db8::1\"]"],
            is_table: true,
            is_secret: false,
        }],
    };

    fn read(values: &Values) -> Result<Self, Error> {
        let lists: BTreeMap<String, AddressList> = setting::read(values, Self::INFO.name, BTreeMap::new())?;
        let mut all = Self::default();
        lists.into_iter().for_each(|(username, list)| all.insert(username, list));
        Ok(all)
    }

    fn list(&self) -> Vec<(String, String)> {
        self.lists.list(Self::INFO.name)
    }
}

impl Validate for UserAddressList {}

/// A list of addresses and CIDR blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList {
    anywhere: bool,
    networks: Vec<IpNet>,
}

impl AddressList {
    /// From texts: addresses, CIDR blocks, and `*`, which is anywhere.
    ///
    /// # Errors
    /// The first text that is none of these.
    pub fn parse<'a>(items: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut list = Self::default();
        for item in items {
            match item.trim() {
                "*" => list.anywhere = true,
                text => list.networks.push(parse_network(text).ok_or(item)?),
            }
        }
        Ok(list)
    }

    /// Whether one may come from this address. What is not an IP address comes only from anywhere.
    #[must_use]
    pub fn allows(&self, ip: Option<IpAddr>) -> bool {
        // An IPv4 client of a dual-stack socket looks like ::ffff:10.0.0.1.
        let inside = |ip: IpAddr| self.networks.iter().any(|network| network.contains(&ip.to_canonical()));
        self.anywhere || ip.is_some_and(inside)
    }
}

impl Setting for AddressList {
    const EXPECTED: &'static str =
        r#"a list of addresses, CIDR blocks or "*", such as ["10.0.0.0/8", "::1"]"#;

    fn read(value: &Value) -> Result<Self, String> {
        Self::parse(value.list().ok_or_else(|| value.found())?).map_err(quoted)
    }

    fn show(&self) -> String {
        let anywhere = self.anywhere.then(|| "*".to_owned());
        show_list(anywhere.into_iter().chain(self.networks.iter().map(show_network)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &[&str], ip: &str) -> bool {
        AddressList::parse(list.iter().copied()).unwrap().allows(ip.parse().ok())
    }

    #[test]
    fn addresses_and_blocks_allow_what_they_hold() {
        let list = ["10.0.0.0/8", "192.168.1.7", "2001:db8::/32"];
        for ip in ["10.255.0.1", "192.168.1.7", "2001:db8::5", "::ffff:10.0.0.1"] {
            assert!(allows(&list, ip), "{ip}");
        }
        for ip in ["11.0.0.1", "192.168.1.8", "2001:db9::5", "::1", "localhost", ""] {
            assert!(!allows(&list, ip), "{ip}");
        }
    }

    #[test]
    fn a_star_is_anywhere_and_an_empty_list_is_nowhere() {
        for ip in ["10.0.0.1", "::1", "localhost", ""] {
            assert!(allows(&["10.0.0.1", "*"], ip));
            assert!(!allows(&[], ip));
        }
    }

    #[test]
    fn a_list_is_that_of_a_user_however_the_name_is_written() {
        let mut lists = UserAddressList::default();
        lists.insert("J\u{fc}rgen", AddressList::parse(["10.0.0.0/8"]).unwrap());
        assert!(["Ju\u{308}rgen", "JU\u{308}RGEN"].iter().all(|name| lists.get(name).is_some()));
        assert!(lists.get("jurgen").is_none());
        // Of two lists for one name, the one of exactly that name counts.
        lists.insert("j\u{fc}rgen", AddressList::parse(["*"]).unwrap());
        let allows = |name: &str| lists.get(name).unwrap().allows("192.168.0.1".parse().ok());
        assert!(allows("j\u{fc}rgen") && !allows("J\u{fc}rgen") && !allows("J\u{dc}RGEN"));
    }

    #[test]
    fn what_is_no_address_is_named() {
        assert_eq!(AddressList::parse(["10.0.0.1", "localhost"]), Err("localhost"));
        assert_eq!(AddressList::parse([""]), Err(""));
        assert_eq!(AddressList::parse(["10.0.0.0/33"]), Err("10.0.0.0/33"));
    }
}
