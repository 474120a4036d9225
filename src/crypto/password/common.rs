//! The most common passwords, which are guessed first. Where they come from, and under which licence, stands in
//! `common.LICENSE`.

/// In lower case, one a line, in the order of their bytes.
const LIST: &str = include_str!("common.txt");

/// Whether a password is one of the 10,000 most common ones, in any case of letters.
#[must_use]
pub fn is_common(password: &str) -> bool {
    let lower = zeroize::Zeroizing::new(password.to_lowercase());
    let mut list = LIST;
    // A binary search among lines: half of what is left, cut where a line begins.
    while !list.is_empty() {
        let middle = list.as_bytes().iter().take(list.len() / 2).rposition(|byte| *byte == b'\n');
        let start = middle.map_or(0, |end| end + 1);
        let (before, rest) = list.split_at_checked(start).unwrap_or(("", list));
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        list = match lower.as_str().cmp(line) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => before,
            std::cmp::Ordering::Greater => after,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_of_ten_thousand_is_found() {
        assert_eq!(LIST.lines().count(), 10_000);
        assert!(LIST.lines().is_sorted());
        for line in LIST.lines() {
            assert!(is_common(line) && is_common(&line.to_uppercase()), "{line}");
        }
    }

    #[test]
    fn what_people_choose_first_is_common_and_a_phrase_is_not() {
        for common in ["iloveyou", "sunshine", "00000000", "Password1", "QWERTY123"] {
            assert!(is_common(common), "{common}");
        }
        for other in
            ["", "\n", "correct horse battery staple", "iloveyou iloveyou", "sunshin", "zzzzzzzzzzzzzzzz"]
        {
            assert!(!is_common(other), "{other}");
        }
    }
}
