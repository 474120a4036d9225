//! How reports say what they are about, and why something was not taken.

use crate::domain::Error;

/// Why, for a report: what a refusal says beside its code, where it says something.
pub(in crate::ops) fn because(error: &Error) -> String {
    match error {
        Error::Refused { detail: Some(detail), .. } => detail.clone().into_owned(),
        Error::Refused { code, detail: None } => format!("{} {}", code.group(), code.label()),
        Error::Internal(source) => source.to_string(),
        other => other.to_string(),
    }
}

/// A name for a report: control characters escaped, and not longer than anybody reads.
pub(in crate::ops) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut text = String::new();
    for (index, c) in name.chars().enumerate() {
        if index == LONGEST {
            text.push('…');
            break;
        }
        if c.is_control() { text.extend(c.escape_unicode()) } else { text.push(c) }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_report_is_short_and_steers_no_terminal() {
        assert_eq!(shown("a\x1b[31m"), r"a\u{1b}[31m");
        assert_eq!(shown(&"é".repeat(10_000_000)).chars().count(), 81);
    }
}
