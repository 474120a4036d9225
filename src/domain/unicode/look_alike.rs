//! Names that look like other names (UTS 39, confusable detection).

use crate::domain::unicode::property::nfc;

/// What a name looks like: two names that look alike have the same skeleton.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let shapes = |text: &str| unicode_security::skeleton(text).collect::<String>();
    nfc(&shapes(&shapes(text).to_lowercase()))
}

/// What a name can be taken for, by who reads it as it stands, and by who reads it in small letters.
#[must_use]
pub fn looks(text: &str) -> [String; 2] {
    [skeleton(text), skeleton(&text.to_lowercase())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_of_other_scripts_look_like_latin_ones() {
        for (one, other) in [
            ("\u{430}nna", "anna"),
            ("p\u{430}yp\u{430}l", "paypal"),
            ("\u{412}\u{41e}\u{412}", "bob"),
            ("Iarry", "larry"),
            ("b\u{3bf}b", "bob"),
            ("modern", "modem"),
            ("an\u{200b}na", "anna"),
        ] {
            assert!(looks(one).contains(&skeleton(other)), "{one} {other}");
        }
        for (one, other) in [("anna", "anne"), ("jürgen", "jurgen"), ("李", "王"), ("user1", "user2")] {
            assert!(!looks(one).contains(&skeleton(other)), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_skeleton_is_one_in_every_normal_form(text in "\\PC{0,20}") {
            prop_assert_eq!(skeleton(&nfc(&text)), skeleton(&text));
        }
    }
}
