//! What calls about attributes take, and what of it is acceptable.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::domain::{AttrValue, Code, Error, Result, Timestamp, UserId, Ust};

/// The longest name, in characters.
const MAX_NAME_LENGTH: usize = 191;

/// The longest value, in bytes of JSON.
const MAX_VALUE_LENGTH: usize = 1 << 20;

/// The most bytes of JSON that the values of one call have together.
const MAX_CALL_LENGTH: usize = 1 << 25;

/// The most names in one call.
const MAX_NAMES: usize = 10_000;

/// The most bytes that the values of one answer have together.
const MAX_ANSWER_LENGTH: i64 = 1 << 25;

/// Up to how many names an answer cannot be longer than that, whatever there is.
pub(in crate::ops) const MAX_UNMEASURED: usize = 31;

/// Whose attributes a call is about.
#[derive(Clone, Debug)]
pub enum AttrTarget {
    /// A user's; None is the caller. Others' are for super-users.
    User(Option<String>),
    /// A session's: one of the caller, or, for super-users, anybody's. None is the session that acts.
    Session(Option<Ust>),
}

/// What becomes of an attribute that is there already, and of one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrWrite {
    /// It must not be there: E009001.
    Create,
    /// It must be there: E009002.
    Update,
    /// It is made or updated.
    Set,
}

/// An attribute to write.
#[derive(Clone, Debug)]
pub struct AttrItem {
    /// Its name: 1 to 191 characters.
    pub name: String,
    /// Its value: at most `attr.max_value_bytes` of JSON.
    pub value: AttrValue,
    /// In how many seconds it ends. None: with its owner, or, where it is updated, when it would have ended.
    pub expiration: Option<i64>,
    /// Whether its value is encrypted at rest. None: it is not, or, where it is updated, as it was.
    pub encrypt: Option<bool>,
    /// Whose it is, if not that of the call.
    pub user_id: Option<String>,
}

/// A new end of an attribute.
#[derive(Clone, Debug)]
pub struct AttrExpiry {
    /// Its name.
    pub name: String,
    /// In how many seconds it ends. None: with its owner.
    pub expiration: Option<i64>,
    /// Whose it is, if not that of the call.
    pub user_id: Option<String>,
}

pub(in crate::ops) fn check_names(names: &[String]) -> Result<()> {
    check_count(names.len())?;
    let mut seen = HashSet::with_capacity(names.len());
    names.iter().try_for_each(|name| {
        check_name(name)?;
        if seen.insert(name.as_str()) { Ok(()) } else { Err(repeated()) }
    })
}

/// A name that stands in a list twice.
pub(in crate::ops) fn repeated() -> Error {
    invalid("name: stands there twice")
}

/// Values that are to be answered together.
pub(in crate::ops) fn check_answer(length: i64) -> Result<()> {
    if length > MAX_ANSWER_LENGTH {
        let detail = format!("names: their values have more than {MAX_ANSWER_LENGTH} bytes, ask for fewer");
        return Err(invalid(detail));
    }
    Ok(())
}

pub(in crate::ops) fn check_count(count: usize) -> Result<()> {
    if count > MAX_NAMES {
        return Err(invalid(format!("at most {MAX_NAMES} attributes in one call")));
    }
    Ok(())
}

/// PostgreSQL knows no NUL in text.
pub(in crate::ops) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') || name.chars().count() > MAX_NAME_LENGTH {
        return Err(invalid(format!("name: 1 to {MAX_NAME_LENGTH} characters, none of them NUL")));
    }
    Ok(())
}

pub(in crate::ops) fn check_values(items: &[AttrItem]) -> Result<()> {
    items.iter().try_for_each(|item| check_value(&item.value))?;
    let lengths = items.iter().map(|item| item.value.as_json_text().len());
    if lengths.sum::<usize>() > MAX_CALL_LENGTH {
        return Err(invalid(format!("values: at most {MAX_CALL_LENGTH} bytes of JSON in one call")));
    }
    Ok(())
}

pub(in crate::ops) fn check_value(value: &AttrValue) -> Result<()> {
    if value.as_json_text().len() > MAX_VALUE_LENGTH {
        return Err(invalid(format!("value: at most {MAX_VALUE_LENGTH} bytes of JSON")));
    }
    Ok(())
}

/// In so many seconds from now.
pub(in crate::ops) fn end(now: Timestamp, seconds: i64) -> Result<Timestamp> {
    if seconds < 1 {
        return Err(invalid("expiration: at least 1 second from now"));
    }
    Ok(now.plus_seconds(seconds))
}

pub(in crate::ops) fn parse_user_id(user_id: &str) -> Result<UserId> {
    UserId::parse(user_id).ok_or_else(|| Code::UserIdInvalid.into())
}

pub(in crate::ops) fn invalid(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::refused(Code::CommonInvalidInput, detail)
}
