//! How hard a password is to guess, by zxcvbn (Wheeler, USENIX Security 2016).

use zeroize::Zeroizing;
use zxcvbn::zxcvbn;

use crate::domain::Password;

/// How much of a password is looked at, in characters. The work grows faster than the length, to a quarter of a second for
/// what is made to take long; whoever chooses more than this is none the worse for it, since what follows can only make a
/// password harder to guess.
const MAX_CHARACTERS: usize = 40;

/// How many words about a user are looked at, and how long they may be.
const MAX_WORDS: usize = 64;
const WORD_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=64;

/// The score of a password: 0 is guessed immediately, 4 not in a lifetime. `about` is what is known of its user, which
/// who guesses tries first: names, the email address. Takes milliseconds.
#[must_use]
pub fn score(password: &Password, about: &[String]) -> u8 {
    let looked_at: Zeroizing<String> =
        Zeroizing::new(password.expose().chars().take(MAX_CHARACTERS).collect());
    let words: Vec<&str> = about.iter().flat_map(|text| words(text)).take(MAX_WORDS).collect();
    zxcvbn(&looked_at, &words).score().into()
}

/// A text and the words in it: of `ann.lee@example.com` also `ann.lee`, `ann`, `lee`, `example` and so on.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split('@').chain(text.split(|c: char| !c.is_alphanumeric()));
    std::iter::once(text).chain(parts).filter(|word| WORD_CHARACTERS.contains(&word.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score_of(password: &str, about: &[&str]) -> u8 {
        let about: Vec<String> = about.iter().map(|text| (*text).to_owned()).collect();
        score(&Password::from(password), &about)
    }

    #[test]
    fn scores_are_those_of_the_method() {
        for (password, expected) in
            [("", 0), ("password", 0), ("qwER43@!", 2), ("correct horse battery staple", 4)]
        {
            assert_eq!(score_of(password, &[]), expected, "{password}");
        }
    }

    #[test]
    fn what_is_known_of_the_user_makes_a_password_weaker() {
        let password = "krzysztof.wozniak";
        let without = score_of(password, &[]);
        for about in [["krzysztof.wozniak"], ["krzysztof.wozniak@example.com"], ["Krzysztof.Wozniak"]] {
            assert!(score_of(password, &about) < without, "{about:?}");
        }
        assert_eq!(score_of("correct horse battery staple", &["a", "co"]), 4);
    }

    #[test]
    fn what_follows_the_part_that_is_looked_at_takes_nothing_away() {
        let strong = "correct horse battery staple";
        assert_eq!(score_of(&format!("{strong}{}", "a".repeat(10_000)), &[]), 4);
        assert_eq!(score_of(&"a".repeat(10_000), &[]), score_of(&"a".repeat(40), &[]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_text_has_a_score(password in "\\PC{0,80}|[4@8({\\[<3691!|70$5+%2]{30,80}", about in "\\PC{0,40}") {
            prop_assert!(score_of(&password, &[&about]) <= 4);
        }
    }
}
