//! What the sections have in common.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::config::load::error::{Error, Invalid};
use crate::config::load::schema::SectionInfo;
use crate::config::load::values::Values;

/// A section: its keys, and how it is read and shown. [`section!`] writes it.
pub(in crate::config) trait Section: Sized + Default {
    /// Name, documentation and keys.
    const INFO: SectionInfo;

    /// From the merged values of all sources.
    fn read(values: &Values) -> Result<Self, Error>;

    /// Every dotted key with its value as TOML, secrets masked.
    fn list(&self) -> Vec<(String, String)>;
}

/// The rules that the values of a section must keep beside their types.
pub(in crate::config) trait Validate {
    /// The first rule that is broken.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

/// Makes the struct of a section. Each key is written once: its documentation, its type and its default; reading it,
/// showing it and its place in the sample file follow from that.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident = $section:literal {
            $($(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[doc = $doc])+ pub $key: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $crate::config::load::section::Section for $name {
            const INFO: $crate::config::load::schema::SectionInfo = $crate::config::load::schema::SectionInfo {
                name: $section,
                about: &[$($about),+],
                keys: &[$($crate::config::load::schema::Key {
                    dotted: concat!($section, ".", stringify!($key)),
                    about: &[$($doc),+],
                    is_table: <$type as $crate::config::load::setting::Setting>::IS_TABLE,
                    is_secret: <$type as $crate::config::load::setting::Setting>::IS_SECRET,
                }),+],
            };

            fn read(values: &$crate::config::load::values::Values) -> Result<Self, $crate::config::Error> {
                let default = Self::default();
                Ok(Self { $($key: $crate::config::load::setting::read(values, concat!($section, ".", stringify!($key)), default.$key)?,)+ })
            }

            fn list(&self) -> Vec<(String, String)> {
                use crate::config::load::setting::Setting as _;
                let mut all = Vec::new();
                $(all.extend(self.$key.list(concat!($section, ".", stringify!($key))));)+
                all
            }
        }
    };
}
pub(in crate::config) use section;

/// Refuses a number outside of a range.
pub(in crate::config) fn within<T: PartialOrd + Display>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Invalid> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(key, format!("must be from {} to {}, not {value}", range.start(), range.end())))
}

/// Refuses a blank text in a list of texts that must not appear inside something: it appears inside everything.
pub(in crate::config) fn no_blanks(key: &'static str, list: &[String]) -> Result<(), Invalid> {
    if list.iter().any(|item| item.trim().is_empty()) {
        return Err(Invalid::new(key, "has a blank string, which would refuse everything"));
    }
    Ok(())
}
