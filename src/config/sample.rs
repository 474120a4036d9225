//! The sample file.

use crate::config::Config;
use crate::config::load::schema::Key;

const HEAD: &str = "\
# The configuration of zato-sso. Every key is here at its default: to change one, remove the # before it.
# Any key can also be given in the environment, as ZATO_SSO_<SECTION>__<KEY>, for instance ZATO_SSO_SESSION__EXPIRY=30,
# which overrides this file. The command line and arguments in Python override both.
";

impl Config {
    /// An `sso.toml` with every key explained and, commented out, at its default. A line that begins with `#` and no space
    /// is such a key.
    #[must_use]
    pub fn sample() -> String {
        Self::explained(HEAD, |_| Vec::new())
    }

    /// A file with every key explained: the lines that it is given with, or else, commented out, its default.
    pub(in crate::config) fn explained(head: &str, given: impl Fn(&Key) -> Vec<String>) -> String {
        let defaults = Self::default().list();
        let mut text = String::from(head);
        for section in Self::sections() {
            text.push('\n');
            text.extend(section.about.iter().map(|line| format!("#{line}\n")));
            text.push_str(&format!("[{}]\n", section.name));
            for key in section.keys {
                text.push('\n');
                text.extend(key.about.iter().map(|line| format!("#{line}\n")));
                let given = given(key);
                text.extend(given.iter().map(|line| format!("{line}\n")));
                // A section that is itself a table of free names has no keys to list.
                if given.is_empty()
                    && let Some((_, name)) = key.dotted.split_once('.')
                {
                    let default = defaults
                        .iter()
                        .find(|(dotted, _)| dotted == key.dotted)
                        .map_or("", |(_, value)| value);
                    text.push_str(&format!("#{name} = {default}\n"));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Loader};

    fn load(text: &str) -> Config {
        Loader::new().text("sso.toml", text).load().unwrap()
    }

    #[test]
    fn it_loads_as_it_is_and_with_every_key_uncommented() {
        let sample = Config::sample();
        assert_eq!(load(&sample).list(), Config::default().list());

        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ");
        let uncommented: Vec<&str> =
            sample.lines().map(|line| if is_key(line) { &line[1..] } else { line }).collect();
        assert_eq!(load(&uncommented.join("\n")).list(), Config::default().list());
        let keys = Config::sections().iter().flat_map(|section| section.keys).count();
        assert_eq!(sample.lines().filter(|line| is_key(line)).count(), keys - 1);
    }

    #[test]
    fn every_section_and_key_is_explained() {
        for section in Config::sections() {
            assert!(!section.about.is_empty());
            assert!(section.keys.iter().all(|key| !key.about.is_empty()));
        }
    }
}
