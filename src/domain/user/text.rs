//! Names and longer texts of a user: what can be stored.

use crate::domain::unicode::name::prepare_shown_name;
use crate::domain::{Code, Error, Result};

/// The longest name, and the longest label, in characters.
const MAX_NAME_LENGTH: usize = 256;

/// The longest `creation_ctx` or `rate_limit_def`, in bytes.
const MAX_LONG_TEXT_LENGTH: usize = 65_536;

/// A name, stripped; empty becomes None.
///
/// # Errors
/// E008002 for one that is too long, or holds characters that are not seen or nothing that is.
pub fn check_name(field: &'static str, name: Option<String>) -> Result<Option<String>> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some(name) = &name {
        if name.chars().count() > MAX_NAME_LENGTH {
            let detail = format!("{field}: at most {MAX_NAME_LENGTH} characters");
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        return prepare_shown_name(name)
            .map(Some)
            .map_err(|why| Error::refused(Code::CommonInvalidInput, format!("{field}: {why}")));
    }
    Ok(None)
}

/// What a user is called who has no display name: the names there are. None for no name at all.
#[must_use]
pub fn joined_names(names: [&Option<String>; 3]) -> Option<String> {
    let given: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    if given.is_empty() { None } else { Some(given.join(" ")) }
}

/// Text of more than one line, which databases must be able to hold: PostgreSQL knows no NUL.
///
/// # Errors
/// E008002 for one that is too long or holds NUL.
pub fn check_long_text(field: &'static str, text: Option<String>) -> Result<Option<String>> {
    match text {
        Some(text) if text.len() > MAX_LONG_TEXT_LENGTH => {
            let detail = format!("{field}: at most {MAX_LONG_TEXT_LENGTH} bytes");
            Err(Error::refused(Code::CommonInvalidInput, detail))
        }
        Some(text) if text.contains('\0') => {
            let detail = format!("{field}: NUL characters are not allowed");
            Err(Error::refused(Code::CommonInvalidInput, detail))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stripped_and_empty_ones_are_none() {
        assert_eq!(check_name("first_name", Some("  Ann ".into())).unwrap().as_deref(), Some("Ann"));
        assert_eq!(check_name("first_name", Some("  ".into())).unwrap(), None);
        let long = check_name("first_name", Some("x".repeat(257))).unwrap_err();
        assert_eq!(long.to_string(), "E008002 common.invalid_input: first_name: at most 256 characters");
        assert!(check_name("first_name", Some("a\0b".into())).is_err());
    }

    #[test]
    fn long_text_may_have_lines_but_no_nul() {
        let text = |text: &str| check_long_text("rate_limit_def", Some(text.to_owned()));
        assert_eq!(text("*=1/d\n10.0.0.0/8=*").unwrap().as_deref(), Some("*=1/d\n10.0.0.0/8=*"));
        assert!(text("*=1/d\0").is_err());
        assert!(text(&"x".repeat(65_537)).is_err());
    }

    #[test]
    fn a_display_name_is_what_names_there_are() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(joined_names([&name("Ann"), &None, &name("Lee")]).as_deref(), Some("Ann Lee"));
        assert_eq!(joined_names([&None, &None, &None]), None);
    }
}
