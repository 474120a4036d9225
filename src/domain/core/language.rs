//! The languages that the product speaks by itself.

/// A language of pages and emails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, which stands in for every other.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Polish.
    Polish,
    /// Japanese.
    Japanese,
    /// Arabic.
    Arabic,
}

impl Language {
    /// Every language but English.
    pub const OTHERS: [Self; 6] =
        [Self::German, Self::French, Self::Spanish, Self::Polish, Self::Japanese, Self::Arabic];

    /// Its tag (RFC 5646).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Polish => "pl",
            Self::Japanese => "ja",
            Self::Arabic => "ar",
        }
    }

    /// The language of a tag, such as `de-AT`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let mut all = Self::OTHERS.into_iter().chain([Self::English]);
        all.find(|language| language.as_str().eq_ignore_ascii_case(primary))
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
