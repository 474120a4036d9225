//! Text that came from elsewhere, as it is kept and shown: on one line.

/// The text without control characters, cut to so many characters: what callers send along is kept like that.
#[must_use]
pub fn without_controls(text: &str, max_length: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max_length).collect()
}
