//! Which characters identifiers may have: the string classes of PRECIS (RFC 8264), with the rules for characters that depend
//! on their neighbours (RFC 5892, appendix A) and for directions (RFC 5893, section 2).

use icu_properties::props::{
    BidiClass, CanonicalCombiningClass, GeneralCategory, HangulSyllableType, JoiningType,
    NoncharacterCodePoint, Script,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::domain::unicode::property::{category, is_ignorable, nfkc};

/// What a character is to an identifier (RFC 8264, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Allowed.
    Valid,
    /// Allowed in free text only: spaces, symbols, punctuation, and characters that are another form of others.
    Free,
    /// Allowed between certain characters.
    Contextual,
    /// Not allowed.
    Disallowed,
    /// Not a character yet.
    Unassigned,
}

/// The class of a character, in the order of RFC 8264, section 8.
#[must_use]
pub fn class_of(character: char) -> Class {
    use GeneralCategory as Gc;
    match character {
        // RFC 5892, section 2.6.
        'ß' | 'ς' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '〇' => return Class::Valid,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' => return Class::Contextual,
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => return Class::Contextual,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            return Class::Disallowed;
        }
        '!'..='~' => return Class::Valid,
        ZWNJ | ZWJ => return Class::Contextual,
        _ => {}
    }
    let category = category(character);
    let is_jamo = matches!(
        CodePointMapData::<HangulSyllableType>::new().get(character),
        HangulSyllableType::LeadingJamo | HangulSyllableType::VowelJamo | HangulSyllableType::TrailingJamo
    );
    let is_none = CodePointSetData::new::<NoncharacterCodePoint>().contains(character);
    if category == Gc::Unassigned && !is_none {
        return Class::Unassigned;
    }
    if is_jamo || is_none || is_ignorable(character) || category == Gc::Control {
        return Class::Disallowed;
    }
    let mut text = [0; 4];
    let text = character.encode_utf8(&mut text);
    if nfkc(text) != *text {
        return Class::Free;
    }
    match category {
        Gc::LowercaseLetter
        | Gc::UppercaseLetter
        | Gc::OtherLetter
        | Gc::DecimalNumber
        | Gc::ModifierLetter
        | Gc::NonspacingMark
        | Gc::SpacingMark => Class::Valid,
        Gc::Format
        | Gc::LineSeparator
        | Gc::ParagraphSeparator
        | Gc::PrivateUse
        | Gc::Surrogate
        | Gc::Control
        | Gc::Unassigned => Class::Disallowed,
        _ => Class::Free,
    }
}

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';

/// Whether the character at this place may stand between its neighbours (RFC 5892, appendix A).
#[must_use]
pub fn may_stand_there(text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
    let after = text.get(at + 1).copied();
    let script = |character: char| CodePointMapData::<Script>::new().get(character);
    match text.get(at).copied() {
        Some(ZWJ) => before.is_some_and(is_virama),
        Some(ZWNJ) => before.is_some_and(is_virama) || is_between_joining_letters(text, at),
        Some('\u{b7}') => before == Some('l') && after == Some('l'),
        Some('\u{375}') => after.is_some_and(|after| script(after) == Script::Greek),
        Some('\u{5f3}' | '\u{5f4}') => before.is_some_and(|before| script(before) == Script::Hebrew),
        Some('\u{30fb}') => text.iter().any(|character| {
            *character != '\u{30fb}'
                && matches!(script(*character), Script::Hiragana | Script::Katakana | Script::Han)
        }),
        Some('\u{660}'..='\u{669}') => !text.iter().any(|other| ('\u{6f0}'..='\u{6f9}').contains(other)),
        Some('\u{6f0}'..='\u{6f9}') => !text.iter().any(|other| ('\u{660}'..='\u{669}').contains(other)),
        _ => true,
    }
}

fn is_virama(character: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(character) == CanonicalCombiningClass::Virama
}

/// Letters that would be joined but for what stands between them.
fn is_between_joining_letters(text: &[char], at: usize) -> bool {
    let joining = |character: &char| CodePointMapData::<JoiningType>::new().get(*character);
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let nearest = |joining: &JoiningType| *joining != JoiningType::Transparent;
    let left = before.iter().rev().map(joining).find(nearest);
    let right = after.iter().map(joining).find(nearest);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether a text is read in one direction only, whatever stands around it (RFC 5893, section 2). Text without letters that
/// are read from right to left always is.
#[must_use]
pub fn has_one_direction(text: &[char]) -> bool {
    use BidiClass as Bidi;
    let classes: Vec<BidiClass> =
        text.iter().map(|character| CodePointMapData::<BidiClass>::new().get(*character)).collect();
    let is_rtl =
        |class: &BidiClass| matches!(*class, Bidi::RightToLeft | Bidi::ArabicLetter | Bidi::ArabicNumber);
    if !classes.iter().any(is_rtl) {
        return true;
    }
    // What begins from left to right may hold nothing from right to left.
    if !matches!(classes.first(), Some(&(Bidi::RightToLeft | Bidi::ArabicLetter))) {
        return false;
    }
    let is_allowed = |class: &BidiClass| {
        matches!(
            *class,
            Bidi::RightToLeft
                | Bidi::ArabicLetter
                | Bidi::ArabicNumber
                | Bidi::EuropeanNumber
                | Bidi::EuropeanSeparator
                | Bidi::CommonSeparator
                | Bidi::EuropeanTerminator
                | Bidi::OtherNeutral
                | Bidi::BoundaryNeutral
                | Bidi::NonspacingMark
        )
    };
    let ends_well = classes.iter().rev().find(|class| **class != Bidi::NonspacingMark).is_some_and(|class| {
        matches!(*class, Bidi::RightToLeft | Bidi::ArabicLetter | Bidi::EuropeanNumber | Bidi::ArabicNumber)
    });
    let has_both_numbers = classes.contains(&Bidi::EuropeanNumber) && classes.contains(&Bidi::ArabicNumber);
    classes.iter().all(is_allowed) && ends_well && !has_both_numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(text: &str, at: usize) -> bool {
        may_stand_there(&text.chars().collect::<Vec<_>>(), at)
    }

    #[test]
    fn characters_have_the_class_of_the_standard() {
        for character in "az09.@_~ßςéжש李ツ한\u{301}".chars() {
            assert_eq!(class_of(character), Class::Valid, "{character:?}");
        }
        for character in " ☃€…ﬁａ①Ⅳ\u{a0}\u{3000}\u{2800}".chars() {
            assert_eq!(class_of(character), Class::Free, "{character:?}");
        }
        for character in "\0\u{7f}\u{ad}\u{200b}\u{202e}\u{2060}\u{3164}\u{ffa0}\u{1160}\u{fe0f}\u{e0041}\u{feff}\u{e000}\u{fffe}\u{640}\u{1100}"
            .chars()
        {
            assert_eq!(class_of(character), Class::Disallowed, "{character:?}");
        }
        for character in "\u{378}\u{e0080}\u{3ffff}".chars() {
            assert!(matches!(class_of(character), Class::Unassigned | Class::Disallowed), "{character:?}");
        }
        assert_eq!(class_of('\u{378}'), Class::Unassigned);
        for character in "\u{200c}\u{200d}\u{b7}\u{660}".chars() {
            assert_eq!(class_of(character), Class::Contextual, "{character:?}");
        }
    }

    #[test]
    fn some_characters_need_certain_neighbours() {
        // Catalan, Persian, Devanagari, Japanese.
        assert!(stands("col·lega", 3) && !stands("a·b", 1) && !stands("·", 0));
        assert!(stands("علی\u{200c}رضا", 3) && !stands("an\u{200c}na", 2) && !stands("\u{200c}", 0));
        assert!(stands("क\u{94d}\u{200d}ष", 2) && !stands("क\u{200d}ष", 1));
        assert!(stands("ジョン・スミス", 3) && !stands("a・b", 1));
        assert!(stands("٣٤", 0) && !stands("٣۴", 0) && !stands("٣۴", 1));
        assert!(stands("א׳", 1) && !stands("a׳", 1));
    }

    #[test]
    fn a_name_has_one_direction() {
        let one = |text: &str| has_one_direction(&text.chars().collect::<Vec<_>>());
        for text in ["anna", "anna1", "1anna", "", "משה", "علي", "علي1", "علي٣", "משה\u{5b0}", "مح.علي"]
        {
            assert!(one(text), "{text:?}");
        }
        for text in ["annaמשה", "משהanna", "1משה", "علي1٣", "משה-", "anna٣"] {
            assert!(!one(text), "{text:?}");
        }
    }
}
