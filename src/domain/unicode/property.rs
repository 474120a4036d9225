//! Normal forms, and properties of characters.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Normal form C: the same text has the same characters, however accents were written.
#[must_use]
pub fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// Normal form D: as C, but accents are characters of their own.
#[must_use]
pub fn nfd(text: &str) -> String {
    DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned()
}

/// Normal form KC: as C, and without differences of form, such as width, ligatures and styles.
#[must_use]
pub fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

/// Whether nothing of it is seen (`Default_Ignorable_Code_Point`): zero-width, bidirectional controls, fillers.
#[must_use]
pub fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// What kind of character it is.
#[must_use]
pub fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

/// Whether it is a mark that is drawn on the character before it.
#[must_use]
pub fn is_mark(character: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(character))
}
