//! The forms of names and passwords: what is kept, what is unique, what is hashed.
//!
//! Usernames follow the profiles UsernameCasePreserved and UsernameCaseMapped, passwords the profile OpaqueString of
//! RFC 8265; but text comes into normal form C before its characters are looked at, so that what a system writes in parts
//! (Korean on macOS) is the same name.

use crate::domain::unicode::precis::{Class, class_of, has_one_direction, may_stand_there};
use crate::domain::unicode::property::{is_mark, nfc, nfd, nfkc};

/// A username in the form in which it is kept: normal form C, letters of the usual width.
///
/// # Errors
/// What is said about a name that is none.
pub fn prepare_username(text: &str) -> Result<String, &'static str> {
    let name = usual_width(text);
    let characters: Vec<char> = name.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        match class_of(*character) {
            Class::Valid => {}
            Class::Contextual if may_stand_there(&characters, at) => {}
            Class::Contextual => return Err("a character stands where it has no meaning"),
            Class::Free => return Err("symbols, and other forms of letters, are not allowed"),
            Class::Disallowed if character.is_control() => return Err("control characters are not allowed"),
            Class::Disallowed | Class::Unassigned => {
                return Err("characters that are not seen, or have no meaning, are not allowed");
            }
        }
    }
    if characters.first().is_some_and(|first| is_mark(*first)) {
        return Err("a mark needs a letter before it");
    }
    if !has_one_direction(&characters) {
        return Err("letters that are read in different directions are not allowed together");
    }
    Ok(name)
}

/// The form in which usernames are compared and unique: as they are kept, in lower case where case does not matter. Every
/// text has one, so that names of earlier versions are found.
#[must_use]
pub fn username_key(text: &str, is_case_insensitive: bool) -> String {
    let name = usual_width(text);
    if !is_case_insensitive {
        return name;
    }
    nfc(&name.to_lowercase())
}

/// A name that is shown: normal form C, with usual spaces.
///
/// # Errors
/// What is said about one with characters that are not seen, or with nothing to be seen.
pub fn prepare_shown_name(text: &str) -> Result<String, &'static str> {
    let name = nfc(&usual_spaces(text));
    let characters: Vec<char> = name.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        match class_of(*character) {
            Class::Valid | Class::Free if *character != BRAILLE_BLANK => {}
            Class::Contextual if !is_joiner(*character) || may_stand_there(&characters, at) => {}
            Class::Disallowed if is_seen(*character) => {}
            Class::Disallowed if character.is_control() => return Err("control characters are not allowed"),
            _ => return Err("characters that are not seen, or have no meaning, are not allowed"),
        }
    }
    if characters.iter().all(|character| is_mark(*character) || character.is_whitespace()) {
        return Err("there is nothing to be seen");
    }
    Ok(name)
}

/// A name that an earlier version has stored, with accents in whatever form: as it would be stored now.
#[must_use]
pub fn composed(name: &str) -> String {
    nfc(name)
}

/// The forms in which a name may be stored: accents are part of a letter, or, by earlier versions, characters of their own.
#[must_use]
pub fn stored_forms(name: &str) -> Vec<String> {
    let (usual, other) = (nfc(name), nfd(name));
    if usual == other { vec![usual] } else { vec![usual, other] }
}

/// Whether a name has the beginning of a link in it, which programs that show emails would follow.
#[must_use]
pub fn has_link(name: &str) -> bool {
    let name = nfkc(name).to_lowercase();
    name.contains("://") || name.contains("www.")
}

/// A password in the form in which it is hashed: normal form C, with usual spaces. None where it has that form already.
#[must_use]
pub fn opaque_string(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let opaque = nfc(&usual_spaces(text));
    (opaque != text).then_some(opaque)
}

const BRAILLE_BLANK: char = '\u{2800}';

fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// What identifiers must not have, and names may: letters that are drawn out or repeated, old Korean ones.
fn is_seen(character: char) -> bool {
    matches!(
        character,
        '\u{640}'
            | '\u{7fa}'
            | '\u{302e}'
            | '\u{302f}'
            | '\u{3031}'..='\u{3035}'
            | '\u{303b}'
            | '\u{1100}'..='\u{115e}'
            | '\u{1161}'..='\u{11ff}'
            | '\u{a960}'..='\u{a97c}'
            | '\u{d7b0}'..='\u{d7fb}'
    )
}

/// Every space becomes the usual one (RFC 8265, section 4.2.2).
fn usual_spaces(text: &str) -> String {
    let usual = |character: char| match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    };
    text.chars().map(usual).collect()
}

/// Normal form C, with letters of full and half width mapped to the usual ones (RFC 8265, section 3.3.2).
fn usual_width(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut usual = String::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in nfc(text).chars() {
        match character {
            // Parts of Korean syllables have another form still, which names do not have.
            '\u{ffa0}'..='\u{ffdc}' => usual.push(character),
            '\u{ff01}'..='\u{ffef}' => usual.push_str(&nfkc(character.encode_utf8(&mut buffer))),
            other => usual.push(other),
        }
    }
    nfc(&usual)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usernames_are_letters_of_any_language() {
        for (given, kept) in [
            ("ann.lee+1@example.com", "ann.lee+1@example.com"),
            ("Ju\u{308}rgen", "Jürgen"),
            ("\u{ff21}nna\u{ff11}", "Anna1"),
            ("\u{ff76}\u{ff9e}\u{ff97}", "ガラ"),
            ("Åsa", "Åsa"),
            ("\u{212b}sa", "Åsa"),
            ("李小龍", "李小龍"),
            ("\u{1112}\u{1161}\u{11ab}글", "한글"),
            ("Нина", "Нина"),
            ("עומר", "עומר"),
            ("علی\u{200c}رضا", "علی\u{200c}رضا"),
            ("straße", "straße"),
        ] {
            assert_eq!(prepare_username(given).as_deref(), Ok(kept), "{given:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_no_part_of_a_username() {
        for name in [
            "ad\u{200b}min",
            "\u{200b}\u{200b}\u{200b}",
            "\u{202e}nna",
            "an\u{2066}na",
            "anna\u{feff}",
            "an\u{ad}na",
            "an\u{200d}na",
            "an\u{200c}na",
            "an\u{34f}na",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f}",
            "\u{2800}",
            "anna\u{fe0f}",
            "anna\u{e0061}",
            "anna\u{180e}",
            "an\u{378}na",
            "anna\u{e000}",
            "anna\u{ffff}",
            "a\0b",
            "\u{301}",
            "\u{301}anna",
            "anna☃",
            "ﬁona",
            "anna①",
            "annaמשה",
        ] {
            assert!(prepare_username(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn shown_names_have_spaces_and_symbols_and_nothing_unseen() {
        for (given, kept) in [
            ("O\u{2019}Brien, Jr.", "O\u{2019}Brien, Jr."),
            ("Jose\u{301} Ángel", "José Ángel"),
            ("山田\u{3000}太郎", "山田 太郎"),
            ("علی\u{200c}رضا", "علی\u{200c}رضا"),
            ("محـمد", "محـمد"),
            ("Ann ☃ 🚀", "Ann ☃ 🚀"),
            ("ﬁ & Ⅳ", "ﬁ & Ⅳ"),
            ("Li\u{b7}Na", "Li\u{b7}Na"),
        ] {
            assert_eq!(prepare_shown_name(given).as_deref(), Ok(kept), "{given:?}");
        }
        for name in [
            "An\u{200b}n",
            "\u{202e}nnA",
            "\u{2066}Ann",
            "Ann\u{feff}",
            "\u{3164}",
            "\u{2800}",
            "\u{301}",
            "\u{3000}\u{301}",
            "An\u{200d}n",
            "Ann\u{378}",
            "Ann\u{e000}",
            "Ann\u{e0041}",
            "a\tb",
            "a\u{2028}b",
        ] {
            assert!(prepare_shown_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn links_are_no_names() {
        for name in ["http://x", "x HTTPS://y", "www.x", "WWW.x", "a www.b", "ｗｗｗ．x", "http：／／x"]
        {
            assert!(has_link(name), "{name}");
        }
        for name in ["ann.lee", "w.w.w", "a:b/c", "wwwann", "Ann / Bob", "ann@example.com"] {
            assert!(!has_link(name), "{name}");
        }
    }

    #[test]
    fn passwords_have_one_form() {
        assert_eq!(opaque_string("correct horse"), None);
        assert_eq!(opaque_string("pässword"), None);
        assert_eq!(opaque_string("pa\u{308}ss\u{a0}word").as_deref(), Some("päss word"));
        assert_eq!(opaque_string("ｗide"), None);
    }

    proptest! {
        #[test]
        fn a_key_is_one_for_all_forms_of_a_name(name in "\\PC{0,20}", case in any::<bool>()) {
            let key = username_key(&name, case);
            prop_assert_eq!(username_key(&nfd(&name), case), key.clone());
            prop_assert_eq!(username_key(&nfc(&name), case), key.clone());
            prop_assert_eq!(username_key(&key, case), key);
        }

        #[test]
        fn what_is_kept_stays_as_it_is(name in "\\PC{0,20}|\\w{0,20}") {
            if let Ok(kept) = prepare_username(&name) {
                prop_assert_eq!(prepare_username(&kept), Ok(kept.clone()));
                prop_assert_eq!(prepare_username(&nfd(&name)), Ok(kept.clone()));
                prop_assert_eq!(username_key(&kept, true), username_key(&name, true));
                prop_assert_eq!(username_key(&kept, false), kept);
            }
            if let Ok(shown) = prepare_shown_name(&name) {
                prop_assert_eq!(prepare_shown_name(&shown), Ok(shown.clone()));
            }
            let opaque = opaque_string(&name).unwrap_or_else(|| name.clone());
            prop_assert_eq!(opaque_string(&opaque), None);
            prop_assert_eq!(opaque_string(&nfd(&name)).unwrap_or_else(|| nfd(&name)), opaque);
        }
    }
}
