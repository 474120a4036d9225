//! How a value becomes what a key needs, and how it is shown.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

use crate::config::load::error::Error;
use crate::config::load::value::{Value, quoted};
use crate::config::load::values::Values;

/// A type that a key may have.
pub(in crate::config) trait Setting: Sized {
    /// What a value must look like, to be read after "expected".
    const EXPECTED: &'static str;

    /// Whether it is a table with names of the user's choice.
    const IS_TABLE: bool = false;

    /// Whether a value, a wrong one included, may hold a secret.
    const IS_SECRET: bool = false;

    /// From a value.
    ///
    /// # Errors
    /// What was found where it is not what was expected.
    fn read(value: &Value) -> Result<Self, String>;

    /// As TOML, secrets masked.
    fn show(&self) -> String;

    /// From the merged values of all sources; None if they do not have it.
    fn find(values: &Values, key: &str) -> Result<Option<Self>, Error> {
        one(values, key)
    }

    /// The dotted key and its value as TOML, one for each name of a table.
    fn list(&self, key: &str) -> Vec<(String, String)> {
        vec![(key.to_owned(), self.show())]
    }
}

/// The value of a key, or its default.
pub(in crate::config) fn read<T: Setting>(values: &Values, key: &str, default: T) -> Result<T, Error> {
    Ok(T::find(values, key)?.unwrap_or(default))
}

/// The value of exactly this key.
fn one<T: Setting>(values: &Values, key: &str) -> Result<Option<T>, Error> {
    let Some((value, origin)) = values.get(key) else { return Ok(None) };
    T::read(value).map(Some).map_err(|found| Error::WrongValue {
        origin: origin.clone(),
        key: key.to_owned(),
        expected: T::EXPECTED.into(),
        found: if T::IS_SECRET { value.found_in_secret() } else { found },
    })
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Value) -> Result<Self, String> {
        value.boolean().ok_or_else(|| value.found())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// "auto" is None: what is right depends on other keys.
impl Setting for Option<bool> {
    const EXPECTED: &'static str = r#"true, false or "auto""#;

    fn read(value: &Value) -> Result<Self, String> {
        match value.string() {
            Some(text) if text.trim().eq_ignore_ascii_case("auto") => Ok(None),
            _ => bool::read(value).map(Some),
        }
    }

    fn show(&self) -> String {
        self.map_or_else(|| as_toml("auto"), |truth| truth.show())
    }
}

macro_rules! whole_number {
    ($($type:ty: $expected:literal,)*) => {$(
        impl Setting for $type {
            const EXPECTED: &'static str = $expected;

            fn read(value: &Value) -> Result<Self, String> {
                value.integer().and_then(|number| number.try_into().ok()).ok_or_else(|| value.found())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number! {
    u8: "a whole number from 0 to 255",
    u32: "a whole number from 0 to 4294967295",
    usize: "a whole number of 0 or more",
}

impl Setting for String {
    const EXPECTED: &'static str = "a string";

    fn read(value: &Value) -> Result<Self, String> {
        value.string().map(str::to_owned).ok_or_else(|| value.found())
    }

    fn show(&self) -> String {
        as_toml(self)
    }
}

impl Setting for Vec<String> {
    const EXPECTED: &'static str = "a list of strings";

    fn read(value: &Value) -> Result<Self, String> {
        Ok(value.list().ok_or_else(|| value.found())?.into_iter().map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        show_list(self.iter())
    }
}

/// A single address is a block of one.
impl Setting for Vec<IpNet> {
    const EXPECTED: &'static str = r#"a list of addresses and CIDR blocks, such as ["10.0.0.0/8", "::1"]"#;

    fn read(value: &Value) -> Result<Self, String> {
        let items = value.list().ok_or_else(|| value.found())?;
        items.into_iter().map(|item| parse_network(item).ok_or_else(|| quoted(item))).collect()
    }

    fn show(&self) -> String {
        show_list(self.iter().map(show_network))
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = r#"an address and a port, such as "127.0.0.1:17010" or "[::1]:17010""#;

    fn read(value: &Value) -> Result<Self, String> {
        value.string().and_then(|text| text.trim().parse().ok()).ok_or_else(|| value.found())
    }

    fn show(&self) -> String {
        as_toml(&self.to_string())
    }
}

/// An empty string is None.
impl Setting for Option<SocketAddr> {
    const EXPECTED: &'static str = <SocketAddr as Setting>::EXPECTED;

    fn read(value: &Value) -> Result<Self, String> {
        match value.string().map(str::trim) {
            Some("") => Ok(None),
            _ => SocketAddr::read(value).map(Some),
        }
    }

    fn show(&self) -> String {
        as_toml(&self.as_ref().map(SocketAddr::to_string).unwrap_or_default())
    }
}

impl Setting for Duration {
    const EXPECTED: &'static str = r#"seconds, or a duration such as "30 s", "500 ms" or "2 m""#;

    fn read(value: &Value) -> Result<Self, String> {
        let parsed = match value {
            Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Self::from_secs),
            Value::Float(seconds) => Self::try_from_secs_f64(*seconds).ok(),
            _ => value.string().and_then(parse_duration),
        };
        parsed.ok_or_else(|| value.found())
    }

    fn show(&self) -> String {
        let millis = self.as_millis();
        if millis.is_multiple_of(1000) {
            format!("\"{} s\"", self.as_secs())
        } else {
            format!("\"{millis} ms\"")
        }
    }
}

/// An empty string is None.
impl Setting for Option<PathBuf> {
    const EXPECTED: &'static str = "a path";

    fn read(value: &Value) -> Result<Self, String> {
        let text = value.string().ok_or_else(|| value.found())?;
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(&self) -> String {
        as_toml(&self.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default())
    }
}

/// An empty string is None.
impl Setting for Option<SecretString> {
    const EXPECTED: &'static str = "a string";
    const IS_SECRET: bool = true;

    fn read(value: &Value) -> Result<Self, String> {
        let text = value.string().ok_or_else(|| value.found_in_secret())?;
        Ok((!text.is_empty()).then(|| SecretString::from(text)))
    }

    fn show(&self) -> String {
        as_toml(if self.is_some() { "***" } else { "" })
    }
}

/// A table whose names are the user's to choose. Each name can be given, and overridden, on its own.
impl<T: Setting> Setting for BTreeMap<String, T> {
    const EXPECTED: &'static str = "a table";
    const IS_TABLE: bool = true;

    fn read(value: &Value) -> Result<Self, String> {
        Err(value.found())
    }

    fn show(&self) -> String {
        "{}".into()
    }

    fn find(values: &Values, key: &str) -> Result<Option<Self>, Error> {
        // Something that is no table stands where one belongs: `read` says what.
        one::<Self>(values, key)?;
        let mut table = Self::new();
        for (dotted, name) in values.names(key) {
            if let Some(value) = one(values, dotted)? {
                table.insert(name.to_owned(), value);
            }
        }
        Ok(Some(table))
    }

    fn list(&self, key: &str) -> Vec<(String, String)> {
        if self.is_empty() {
            return vec![(key.to_owned(), self.show())];
        }
        self.iter().map(|(name, value)| (format!("{key}.{name}"), value.show())).collect()
    }
}

/// Makes an enum whose variants have names in the configuration.
macro_rules! choices {
    (
        $(#[doc = $about:literal])+
        $name:ident: $expected:literal { $(#[doc = $doc:literal] $variant:ident = $text:literal,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $doc] $variant,)+ }

        impl $crate::config::load::setting::Setting for $name {
            const EXPECTED: &'static str = $expected;

            fn read(value: &$crate::config::load::value::Value) -> Result<Self, String> {
                match value.string() {
                    $(Some($text) => Ok(Self::$variant),)+
                    _ => Err(value.found()),
                }
            }

            fn show(&self) -> String {
                match self { $(Self::$variant => concat!('"', $text, '"').into(),)+ }
            }
        }
    };
}
pub(in crate::config) use choices;

/// Makes an enum whose variants have names in the configuration; any other text is the path of a file.
macro_rules! choices_or_file {
    (
        $(#[doc = $about:literal])+
        $name:ident: $expected:literal { $(#[doc = $doc:literal] $variant:ident = $text:literal,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $doc] $variant,)+
            /// Appended to a file.
            File(std::path::PathBuf),
        }

        impl $crate::config::load::setting::Setting for $name {
            const EXPECTED: &'static str = $expected;

            fn read(value: &$crate::config::load::value::Value) -> Result<Self, String> {
                match value.string() {
                    $(Some($text) => Ok(Self::$variant),)+
                    Some(path) if !path.trim().is_empty() => Ok(Self::File(path.into())),
                    _ => Err(value.found()),
                }
            }

            fn show(&self) -> String {
                match self {
                    $(Self::$variant => concat!('"', $text, '"').into(),)+
                    Self::File(path) => $crate::config::load::setting::as_toml(&path.to_string_lossy()),
                }
            }
        }
    };
}
pub(in crate::config) use choices_or_file;

/// A string as TOML writes it.
pub(in crate::config) fn as_toml(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of strings as TOML writes it, on one line.
pub(in crate::config) fn show_list<S: AsRef<str>>(items: impl Iterator<Item = S>) -> String {
    let items: Vec<_> = items.map(|item| as_toml(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// An address or a CIDR block.
pub(in crate::config) fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A block of one is shown as the address that it is.
pub(in crate::config) fn show_network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::from_variable(text.to_owned())
    }

    #[test]
    fn durations_are_seconds_or_have_a_unit() {
        for (given, millis) in
            [("30", 30_000), ("30 s", 30_000), ("1.5s", 1500), ("250 ms", 250), (" 2 m ", 120_000)]
        {
            assert_eq!(Duration::read(&text(given)), Ok(Duration::from_millis(millis)), "{given}");
        }
        assert_eq!(Duration::read(&Value::Float(0.25)), Ok(Duration::from_millis(250)));
        for wrong in ["", "s", "-1", "1 week", "1e400", "nan", "inf", "30 ß"] {
            assert!(Duration::read(&text(wrong)).is_err(), "{wrong}");
        }
        for shown in [30_000, 250] {
            let duration = Duration::from_millis(shown);
            assert_eq!(Duration::read(&text(duration.show().trim_matches('"'))), Ok(duration));
        }
    }

    #[test]
    fn truth_has_many_names_where_there_are_no_types() {
        for yes in ["True", "true", "yes", "ON", "1"] {
            assert_eq!(bool::read(&text(yes)), Ok(true));
        }
        for no in ["False", "false", "no", "off", "0"] {
            assert_eq!(bool::read(&text(no)), Ok(false));
        }
        assert!(bool::read(&text("maybe")).is_err());
        assert!(bool::read(&Value::String("true".into())).is_err());
        assert!(bool::read(&Value::Integer(1)).is_err());
    }

    #[test]
    fn what_depends_on_other_keys_may_be_left_to_them() {
        for (given, expected) in [("auto", None), ("Auto", None), ("True", Some(true)), ("off", Some(false))]
        {
            assert_eq!(Option::<bool>::read(&text(given)), Ok(expected), "{given}");
        }
        assert_eq!(Option::<bool>::read(&Value::String("auto".into())), Ok(None));
        assert!(Option::<bool>::read(&text("maybe")).is_err());
        assert_eq!(Option::<bool>::None.show(), "\"auto\"");
        assert_eq!(Some(true).show(), "true");
    }

    #[test]
    fn numbers_must_fit() {
        assert_eq!(u8::read(&Value::Integer(255)), Ok(255));
        assert_eq!(u8::read(&Value::Integer(256)), Err("256".into()));
        assert_eq!(u32::read(&Value::Integer(-1)), Err("-1".into()));
        assert_eq!(u32::read(&text("5 minutes")), Err(r#""5 minutes""#.into()));
    }

    #[test]
    fn a_wrong_item_of_a_list_is_named() {
        let networks = Vec::<IpNet>::read(&text("10.0.0.0/8, ::1"));
        assert_eq!(networks.unwrap().show(), r#"["10.0.0.0/8", "::1"]"#);
        assert_eq!(Vec::<IpNet>::read(&text("10.0.0.0/8, 10.0.0.0/33")), Err(r#""10.0.0.0/33""#.into()));
    }
}
