//! The languages that the product speaks by itself.

use crate::domain::user::account::named;

named! {
    /// A language of pages and emails.
    Language {
        /// English, which stands in for every other.
        English = "en",
        /// German.
        German = "de",
        /// French.
        French = "fr",
        /// Spanish.
        Spanish = "es",
        /// Polish.
        Polish = "pl",
        /// Japanese.
        Japanese = "ja",
        /// Arabic.
        Arabic = "ar",
    }
}

impl Language {
    /// Every language but English.
    pub const OTHERS: [Self; 6] =
        [Self::German, Self::French, Self::Spanish, Self::Polish, Self::Japanese, Self::Arabic];

    /// The language of a tag, such as `de-AT` (RFC 5646).
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::parse(&primary.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_its_language() {
        for (tag, language) in
            [("de", Language::German), ("de-AT", Language::German), ("JA_JP", Language::Japanese)]
        {
            assert_eq!(Language::of_tag(tag), Some(language), "{tag}");
        }
        for tag in ["", "-", "nl", "deu", "tlh"] {
            assert_eq!(Language::of_tag(tag), None, "{tag}");
        }
    }
}
