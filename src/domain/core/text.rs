//! Text that came from elsewhere, as it is kept and shown: on one line.

/// The text without control characters, cut to so many characters: what callers send along is kept like that.
#[must_use]
pub fn without_controls(text: &str, max_length: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max_length).collect()
}

/// Text of any origin on one line: line ends become spaces, and what could steer a terminal is escaped.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            // U+2028 and U+2029 end lines, U+202A to U+202E and U+2066 to U+2069 turn their direction.
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => line.extend(c.escape_unicode()),
            c if c.is_control() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_ends_it_or_steers_the_terminal() {
        assert_eq!(one_line("a\nb\tc \n"), "a b c");
        assert_eq!(one_line("\x1b[31mred\u{202e}"), r"\u{1b}[31mred\u{202e}");
        assert_eq!(one_line("Zoë Ünal"), "Zoë Ünal");
    }
}
