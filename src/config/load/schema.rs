//! The known sections and keys, and which of them an unknown name is nearest to.

/// One key.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Key {
    /// Its dotted name.
    pub(in crate::config) dotted: &'static str,
    /// Its documentation, line by line.
    pub(in crate::config) about: &'static [&'static str],
    /// Whether it is a table with names of the user's choice.
    pub(in crate::config) is_table: bool,
    /// Whether its value is masked where it is shown.
    pub(in crate::config) is_secret: bool,
}

/// One section.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct SectionInfo {
    /// Its name.
    pub(in crate::config) name: &'static str,
    /// Its documentation, line by line.
    pub(in crate::config) about: &'static [&'static str],
    /// Its keys.
    pub(in crate::config) keys: &'static [Key],
}

/// Every section, and with them every key.
#[derive(Clone, Debug)]
pub(in crate::config) struct Schema(Vec<SectionInfo>);

/// How much of an unknown name is looked at: the comparison is quadratic.
const COMPARED: usize = 100;

impl Schema {
    /// The schema of these sections.
    pub(in crate::config) const fn new(sections: Vec<SectionInfo>) -> Self {
        Self(sections)
    }

    /// Every key.
    pub(in crate::config) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter().flat_map(|section| section.keys)
    }

    /// Whether there is such a section.
    pub(in crate::config) fn is_section(&self, name: &str) -> bool {
        self.0.iter().any(|section| section.name == name)
    }

    /// Whether a table of this key is one to look into.
    pub(in crate::config) fn has_children(&self, key: &str) -> bool {
        self.is_section(key) || self.keys().any(|known| known.is_table && known.dotted == key)
    }

    /// Whether the value of this key is a secret.
    pub(in crate::config) fn is_secret(&self, key: &str) -> bool {
        self.keys().any(|known| known.is_secret && known.dotted == key)
    }

    /// Whether a value may have this key.
    pub(in crate::config) fn is_known(&self, key: &str) -> bool {
        self.keys().any(|known| match key.strip_prefix(known.dotted) {
            Some("") => true,
            Some(rest) => known.is_table && rest.len() > 1 && rest.starts_with('.'),
            None => false,
        })
    }

    /// The known section that looks most like this name.
    pub(in crate::config) fn nearest_section(&self, name: &str) -> &'static str {
        nearest(name, self.0.iter().map(|section| section.name), |known| known)
    }

    /// The known key that looks most like this one; a name without its section is compared to names without theirs.
    pub(in crate::config) fn nearest_key(&self, name: &str) -> &'static str {
        let has_section = name.contains('.');
        let last = |known: &'static str| known.rsplit_once('.').map_or(known, |(_, last)| last);
        nearest(
            name,
            self.keys().map(|key| key.dotted),
            |known| if has_section { known } else { last(known) },
        )
    }

    /// The key of an environment variable; as an error the known variable that looks most like it.
    pub(in crate::config) fn key_of_variable(&self, variable: &str) -> Result<String, String> {
        for key in self.keys() {
            match variable.strip_prefix(variable_of(key.dotted).as_str()) {
                Some("") => return Ok(key.dotted.to_owned()),
                Some(rest) if key.is_table => match rest.strip_prefix("__") {
                    Some(name) if !name.is_empty() => return Ok(format!("{}.{name}", key.dotted)),
                    _ => {}
                },
                _ => {}
            }
        }
        let variables: Vec<_> = self.keys().map(|key| variable_of(key.dotted)).collect();
        Err(nearest(variable, variables.iter().map(String::as_str), |known| known).to_owned())
    }
}

/// The environment variable of a key.
pub(in crate::config) fn variable_of(key: &str) -> String {
    format!("ZATO_SSO_{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// The candidate whose part looks most like the name, ignoring case.
pub(in crate::config) fn nearest<'a>(
    name: &str,
    all: impl Iterator<Item = &'a str>,
    part: impl Fn(&'a str) -> &'a str,
) -> &'a str {
    let name: String = name.chars().take(COMPARED).collect::<String>().to_ascii_lowercase();
    all.min_by_key(|known| strsim::damerau_levenshtein(&name, &part(known).to_ascii_lowercase()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn names_inside_tables_are_free_and_may_have_dots() {
        let schema = Schema::new(Config::sections());
        assert!(schema.is_known("user_address_list.joe.doe"));
        assert!(schema.is_known("password_reset.email_title.en_GB"));
        assert!(!schema.is_known("user_address_list."));
        assert!(!schema.is_known("session.expiry.x"));
        assert!(!schema.is_known("session"));
    }

    #[test]
    fn variables_name_keys_and_keep_the_case_of_free_names() {
        let schema = Schema::new(Config::sections());
        assert_eq!(schema.key_of_variable("ZATO_SSO_SESSION__EXPIRY").unwrap(), "session.expiry");
        let list = schema.key_of_variable("ZATO_SSO_USER_ADDRESS_LIST__Joe.Doe");
        assert_eq!(list.unwrap(), "user_address_list.Joe.Doe");
        let title = schema.key_of_variable("ZATO_SSO_PASSWORD_RESET__EMAIL_TITLE__en_GB");
        assert_eq!(title.unwrap(), "password_reset.email_title.en_GB");
        assert_eq!(
            schema.key_of_variable("ZATO_SSO_SESION__EXPIRY").unwrap_err(),
            "ZATO_SSO_SESSION__EXPIRY"
        );
    }

    #[test]
    fn the_nearest_key_is_found() {
        let schema = Schema::new(Config::sections());
        assert_eq!(schema.nearest_key("session.expirty"), "session.expiry");
        assert_eq!(schema.nearest_key("trusted_proxy"), "http.trusted_proxies");
        assert_eq!(schema.nearest_section("sesion"), "session");
        assert_eq!(schema.nearest_key("password.min_lenght"), "password.min_length");
        schema.nearest_key(&"x".repeat(1_000_000));
    }
}
