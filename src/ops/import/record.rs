//! One user in the documented format: a JSON object, or a row of cells behind a header.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use crate::domain::{
    ApprovalStatus, AttrValue, ImportedAttr, ImportedLink, ImportedUser, Password, SignUpStatus, Timestamp,
    Unusable, joined_names,
};
use crate::ops::import::credential::{put_codes, put_groups, put_passkeys};
use crate::ops::import::told::shown;

/// What the columns of attributes begin with.
const ATTR_COLUMN: &str = "attr.";

/// The fields of a user, in the order of the documentation.
pub(in crate::ops) const FIELDS: [&str; 38] = [
    "user_id",
    "username",
    "password_hash",
    "email",
    "email_is_verified",
    "display_name",
    "first_name",
    "middle_name",
    "last_name",
    "is_active",
    "is_internal",
    "is_super_user",
    "is_locked",
    "locked_time",
    "locked_by",
    "sign_up_status",
    "sign_up_time",
    "sign_up_confirm_time",
    "approval_status",
    "approval_status_mod_time",
    "approval_status_mod_by",
    "password_last_set",
    "password_expiry",
    "password_must_change",
    "is_totp_enabled",
    "totp_key",
    "totp_label",
    "totp_last_step",
    "is_rate_limit_active",
    "rate_limit_type",
    "rate_limit_def",
    "rate_limit_check_parent_def",
    "creation_ctx",
    "attrs",
    "linked_auth",
    "groups",
    "passkeys",
    "recovery_codes",
];

/// The members of a JSON object in their order, their values as they stand there.
pub(in crate::ops) struct Members<'a>(Vec<(String, &'a RawValue)>);

/// Collects members. Those in front of a mistake stay.
struct Collect<'a, 'm>(&'m mut Vec<(String, &'a RawValue)>);

impl<'de> Visitor<'de> for Collect<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}

impl<'a> Members<'a> {
    /// Reads an object. The reason never quotes it, but for the username that stands in front of a mistake.
    pub(in crate::ops) fn parse(text: &'a str) -> Result<Self, Unusable> {
        let mut members = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = deserializer.deserialize_map(Collect(&mut members)).and_then(|()| deserializer.end());
        let members = Self(members);
        match read {
            Ok(()) => Ok(members),
            Err(error) if error.is_eof() => Err(members.unusable("the JSON object is cut off".to_owned())),
            Err(error) => Err(members.unusable(format!("not a JSON object: column {}", error.column()))),
        }
    }

    /// The username in the beginning of an object.
    pub(in crate::ops) fn named_in(start: &'a str) -> Option<String> {
        Self::parse(start).err().and_then(|unusable| unusable.username)
    }

    fn unusable(&self, reason: String) -> Unusable {
        let named = self.0.iter().find(|(name, _)| name == "username").map(|(_, value)| value.get());
        // A number is no username, and says who is meant.
        let username = named.and_then(|named| match serde_json::from_str(named) {
            Ok(serde_json::Value::String(username)) => Some(username),
            Ok(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        });
        Unusable { username, reason }
    }
}

/// The user that the text of a JSON object describes.
///
/// # Errors
/// Why there is none. Never a value but the username.
pub fn read_user(text: &str) -> Result<ImportedUser, Unusable> {
    let members = Members::parse(text)?;
    user_of(&members).map_err(|reason| members.unusable(reason))
}

/// A given value of a field.
#[derive(Clone, Copy)]
enum Given<'a> {
    Json(&'a RawValue),
    Cell(&'a str),
}

impl Given<'_> {
    /// None is null. The outer one: it is of another type.
    fn read<'a, T: Deserialize<'a>>(&'a self, cell: impl FnOnce(&'a str) -> Option<T>) -> Option<Option<T>> {
        match self {
            Self::Json(json) => serde_json::from_str(json.get()).ok(),
            Self::Cell(text) => cell(text).map(Some),
        }
    }

    fn text(self, field: &str) -> Result<Option<String>, String> {
        self.read(|cell| Some(cell.to_owned())).ok_or_else(|| format!("{field}: expected text"))
    }

    fn flag(self, field: &str, user: &mut bool) -> Result<(), String> {
        let cell = |cell: &str| match cell.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "0" => Some(false),
            _ => None,
        };
        let given = self.read(cell).ok_or_else(|| format!("{field}: expected true or false"))?;
        *user = given.unwrap_or(*user);
        Ok(())
    }

    fn time(self, field: &str) -> Result<Option<Timestamp>, String> {
        let expected =
            || format!("{field}: expected a time such as 2026-02-25T15:51:52, in UTC or with an offset");
        let text = self.read(|cell| Some(cell.to_owned())).ok_or_else(expected)?;
        text.map(|text| Timestamp::parse(text.trim()).ok_or_else(expected)).transpose()
    }

    fn step(self, field: &str) -> Result<i64, String> {
        let given: Option<Option<i64>> = self.read(|cell| cell.trim().parse().ok());
        let given = given.map(Option::unwrap_or_default).filter(|step| *step >= 0);
        given.ok_or_else(|| format!("{field}: expected a number"))
    }

    fn secret(self, field: &str) -> Result<Option<Password>, String> {
        Ok(self.text(field)?.map(Password::from))
    }
}

fn user_of(members: &Members<'_>) -> Result<ImportedUser, String> {
    let mut user = ImportedUser::default();
    for (index, (name, value)) in members.0.iter().enumerate() {
        if members.0.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(format!("field `{}` stands there twice", shown(name)));
        }
        put(&mut user, name, Given::Json(value))?;
    }
    let has_display_name = members.0.iter().any(|(name, _)| name == "display_name");
    complete(user, has_display_name)
}

/// The user that a row describes. Empty cells say nothing.
///
/// # Errors
/// As [`read_user`].
pub(in crate::ops) fn user_of_row(header: &[String], cells: &[String]) -> Result<ImportedUser, Unusable> {
    row(header, cells).map_err(|reason| {
        let named = header.iter().zip(cells).find(|(name, _)| *name == "username");
        Unusable { username: named.map(|(_, cell)| cell.clone()), reason }
    })
}

fn row(header: &[String], cells: &[String]) -> Result<ImportedUser, String> {
    if cells.len() != header.len() {
        return Err(format!("{} values, and the header names {} columns", cells.len(), header.len()));
    }
    let mut user = ImportedUser::default();
    for (name, cell) in header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        put(&mut user, name, Given::Cell(cell))?;
    }
    let has_display_name = user.display_name.is_some();
    complete(user, has_display_name)
}

/// Whether a column of this name can be: those of lists cannot.
pub(in crate::ops) fn is_column(name: &str) -> bool {
    let is_list = matches!(name, "attrs" | "linked_auth" | "groups" | "passkeys" | "recovery_codes");
    (FIELDS.contains(&name) && !is_list)
        || name.strip_prefix(ATTR_COLUMN).is_some_and(|name| !name.is_empty())
}

/// Whether the values of a column may have more than one line.
pub(in crate::ops) fn may_have_lines(name: &str) -> bool {
    matches!(name, "creation_ctx" | "rate_limit_def") || name.starts_with(ATTR_COLUMN)
}

fn complete(mut user: ImportedUser, has_display_name: bool) -> Result<ImportedUser, String> {
    if user.username.is_empty() {
        return Err("username: needed".to_owned());
    }
    if !has_display_name {
        user.display_name = joined_names([&user.first_name, &user.middle_name, &user.last_name]);
    }
    Ok(user)
}

fn put(user: &mut ImportedUser, name: &str, given: Given<'_>) -> Result<(), String> {
    match name {
        "user_id" => user.user_id = given.text(name)?,
        "username" => user.username = given.text(name)?.unwrap_or_default(),
        "password_hash" => user.password_hash = password_hash(name, given)?,
        "email" => user.email = given.text(name)?,
        "email_is_verified" => given.flag(name, &mut user.email_is_verified)?,
        "display_name" => user.display_name = given.text(name)?,
        "first_name" => user.first_name = given.text(name)?,
        "middle_name" => user.middle_name = given.text(name)?,
        "last_name" => user.last_name = given.text(name)?,
        "is_active" => given.flag(name, &mut user.is_active)?,
        "is_internal" => given.flag(name, &mut user.is_internal)?,
        "is_super_user" => given.flag(name, &mut user.is_super_user)?,
        "is_locked" => given.flag(name, &mut user.is_locked)?,
        "locked_time" => user.locked_time = given.time(name)?,
        "locked_by" => user.locked_by = given.text(name)?,
        "sign_up_status" => {
            if let Some(status) = given.text(name)? {
                user.sign_up_status = SignUpStatus::parse(&status)
                    .ok_or("sign_up_status: before_confirmation, to_approve or final")?;
            }
        }
        "sign_up_time" => user.sign_up_time = given.time(name)?,
        "sign_up_confirm_time" => user.sign_up_confirm_time = given.time(name)?,
        "approval_status" => {
            if let Some(status) = given.text(name)? {
                user.approval_status = ApprovalStatus::parse(&status)
                    .ok_or("approval_status: before_decision, approved or rejected")?;
            }
        }
        "approval_status_mod_time" => user.approval_status_mod_time = given.time(name)?,
        "approval_status_mod_by" => user.approval_status_mod_by = given.text(name)?,
        "password_last_set" => user.password_last_set = given.time(name)?,
        "password_expiry" => user.password_expiry = given.time(name)?,
        "password_must_change" => given.flag(name, &mut user.password_must_change)?,
        "is_totp_enabled" => given.flag(name, &mut user.is_totp_enabled)?,
        "totp_key" => user.totp_key = given.secret(name)?,
        "totp_label" => user.totp_label = given.text(name)?,
        "totp_last_step" => user.totp_last_step = given.step(name)?,
        "is_rate_limit_active" => given.flag(name, &mut user.is_rate_limit_active)?,
        "rate_limit_type" => user.rate_limit_type = given.text(name)?,
        "rate_limit_def" => user.rate_limit_def = given.text(name)?,
        "rate_limit_check_parent_def" => given.flag(name, &mut user.rate_limit_check_parent_def)?,
        "creation_ctx" => user.creation_ctx = given.text(name)?,
        "password" => {
            return Err("password: passwords in clear are not taken, give a hash in password_hash".to_owned());
        }
        _ => match (given, name.strip_prefix(ATTR_COLUMN)) {
            (Given::Json(json), _) if name == "attrs" => put_attrs(user, json)?,
            (Given::Json(json), _) if name == "linked_auth" => put_links(user, json)?,
            (Given::Json(json), _) if name == "groups" => put_groups(user, json)?,
            (Given::Json(json), _) if name == "passkeys" => put_passkeys(user, json)?,
            (Given::Json(json), _) if name == "recovery_codes" => put_codes(user, json)?,
            (Given::Cell(text), Some(name)) => user.attrs.push(plain_attr(name, &text.into())),
            _ => return Err(format!("unknown field `{}`", shown(name))),
        },
    }
    Ok(())
}

/// A hash, or the object that Keycloak has for one. What Django has for no password begins with `!`.
fn password_hash(name: &str, given: Given<'_>) -> Result<Option<Password>, String> {
    if let Given::Json(json) = given
        && json.get().starts_with('{')
    {
        return Ok(Some(Password::from(json.get())));
    }
    let hash = given.secret(name)?;
    Ok(hash.filter(|hash| !hash.is_empty() && !hash.expose().starts_with('!')))
}

fn plain_attr(name: &str, value: &serde_json::Value) -> ImportedAttr {
    attr_of(name.to_owned(), AttrValue::from(value))
}

const fn attr_of(name: String, value: AttrValue) -> ImportedAttr {
    ImportedAttr {
        name,
        value,
        is_encrypted: false,
        creation_time: None,
        last_modified: None,
        expiration_time: None,
    }
}

/// Attributes: an object of values by name, or a list of objects that say more of each.
fn put_attrs(user: &mut ImportedUser, json: &RawValue) -> Result<(), String> {
    if json.get() == "null" {
        return Ok(());
    }
    if let Ok(plain) = Members::parse(json.get()) {
        let attr = |(name, value): (String, &RawValue)| attr_of(name, raw_value(value));
        user.attrs.extend(plain.0.into_iter().map(attr));
        return Ok(());
    }
    let list: Vec<&RawValue> = serde_json::from_str(json.get())
        .map_err(|_| "attrs: expected an object, or a list of objects".to_owned())?;
    for (index, item) in list.into_iter().enumerate() {
        match attr(item) {
            Ok(attr) => user.attrs.push(attr),
            Err(reason) => user.lost.push(format!("attribute {}: {reason}", index + 1)),
        }
    }
    Ok(())
}

fn raw_value(value: &RawValue) -> AttrValue {
    AttrValue::from_json_text(value.get().to_owned())
}

fn attr(json: &RawValue) -> Result<ImportedAttr, String> {
    let members = Members::parse(json.get()).map_err(|unusable| unusable.reason)?;
    let (mut name, mut value) = (None, None);
    let mut attr = attr_of(String::new(), AttrValue::from_json_text(String::new()));
    for (field, json) in members.0 {
        let given = Given::Json(json);
        match field.as_str() {
            "name" => name = given.text(&field)?,
            "value" => value = Some(raw_value(json)),
            "is_encrypted" => given.flag(&field, &mut attr.is_encrypted)?,
            "creation_time" => attr.creation_time = given.time(&field)?,
            "last_modified" => attr.last_modified = given.time(&field)?,
            "expiration_time" => attr.expiration_time = given.time(&field)?,
            _ => return Err(format!("unknown field `{}`", shown(&field))),
        }
    }
    let (Some(name), Some(value)) = (name, value) else { return Err("name and value are needed".to_owned()) };
    Ok(ImportedAttr { name, value, ..attr })
}

fn put_links(user: &mut ImportedUser, json: &RawValue) -> Result<(), String> {
    let list: Option<Vec<&RawValue>> =
        serde_json::from_str(json.get()).map_err(|_| "linked_auth: expected a list of objects".to_owned())?;
    for (index, item) in list.unwrap_or_default().into_iter().enumerate() {
        match link(item) {
            Ok(link) => user.linked_auth.push(link),
            Err(reason) => user.lost.push(format!("linked_auth {}: {reason}", index + 1)),
        }
    }
    Ok(())
}

fn link(json: &RawValue) -> Result<ImportedLink, String> {
    let members = Members::parse(json.get()).map_err(|unusable| unusable.reason)?;
    let (mut auth_type, mut auth_username, mut is_active, mut creation_time) = (None, None, true, None);
    for (field, json) in members.0 {
        let given = Given::Json(json);
        match field.as_str() {
            "auth_type" => auth_type = given.text(&field)?,
            "auth_username" => auth_username = given.text(&field)?,
            "is_active" => given.flag(&field, &mut is_active)?,
            "creation_time" => creation_time = given.time(&field)?,
            _ => return Err(format!("unknown field `{}`", shown(&field))),
        }
    }
    match (auth_type, auth_username) {
        (Some(auth_type), Some(auth_username)) => {
            Ok(ImportedLink { auth_type, auth_username, is_active, creation_time })
        }
        _ => Err("auth_type and auth_username are needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ImportedUser, String> {
        read_user(text).map_err(|unusable| unusable.reason)
    }

    #[test]
    fn the_user_is_named_where_so_much_can_be_read() {
        let named = |text: &str| read_user(text).unwrap_err().username;
        for text in [
            r#"{"username": "ann", "password_hash": 12345}"#,
            r#"{"password_hash": 12345, "username": "ann"}"#,
            r#"{"username": "ann", "colour": "red"}"#,
            r#"{"username": "ann", "email": "ann@exa"#,
            r#"{"username": "ann", "email": }"#,
            r#"{"username": "ann"} {"username": "bob"}"#,
        ] {
            assert_eq!(named(text).as_deref(), Some("ann"), "{text}");
        }
        assert_eq!(named(r#"{"username": 7}"#).as_deref(), Some("7"));
        for text in
            ["", "[]", r#"{"username": "an"#, r#"{"username": ["ann"]}"#, r#"{"email": "a@example.com"}"#]
        {
            assert_eq!(named(text), None, "{text}");
        }
        let header = ["is_locked".to_owned(), "username".to_owned()];
        for cells in [vec!["maybe", "ann"], vec!["", "ann", ""]] {
            let cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
            assert_eq!(user_of_row(&header, &cells).unwrap_err().username.as_deref(), Some("ann"));
        }
    }

    #[test]
    fn every_field_of_the_list_is_known_and_nothing_else() {
        let mut user = ImportedUser::default();
        let null: &RawValue = serde_json::from_str("null").unwrap();
        for field in FIELDS {
            put(&mut user, field, Given::Json(null)).unwrap();
        }
        assert_eq!(read(r#"{"username": "a", "frist_name": 1}"#).unwrap_err(), "unknown field `frist_name`");
        assert!(is_column("attr.colour") && is_column("email"));
        assert!(!is_column("attr.") && !is_column("attrs") && !is_column("colour"));
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let user = read(r#"{"username": "ann", "first_name": "Ann", "last_name": "Lee"}"#).unwrap();
        assert_eq!(user.display_name.as_deref(), Some("Ann Lee"));
        assert!(user.is_active && !user.is_locked);
        assert_eq!(
            (user.sign_up_status, user.approval_status),
            (SignUpStatus::Final, ApprovalStatus::Approved)
        );
        let nameless = read(r#"{"username": "ann", "first_name": "Ann", "display_name": null}"#).unwrap();
        assert_eq!(nameless.display_name, None);
    }

    #[test]
    fn attributes_are_told_shortly_or_at_length() {
        let short = read(r#"{"username": "a", "attrs": {"n": 12345678901234567890123, "s": "x"}}"#).unwrap();
        assert_eq!(short.attrs[0].value.as_json_text(), "12345678901234567890123");
        let long = r#"{"username": "a", "attrs": [
            {"name": "n", "value": null, "is_encrypted": true, "expiration_time": "2027-01-01"}, {"name": "m"}, 7]}"#;
        let long = read(long).unwrap();
        assert!(long.attrs[0].is_encrypted);
        assert_eq!(long.attrs[0].value.as_json_text(), "null");
        assert_eq!(long.attrs[0].expiration_time, Timestamp::parse("2027-01-01"));
        assert_eq!(
            long.lost,
            ["attribute 2: name and value are needed", "attribute 3: not a JSON object: column 1"]
        );
    }

    #[test]
    fn reasons_name_the_field_and_never_quote_its_value() {
        let cases = [
            (r#"{"username": "a", "password_hash": 5511223344}"#, "password_hash: expected text"),
            (r#"{"username": "a", "is_locked": "5511223344"}"#, "is_locked: expected true or false"),
            (r#"{"username": "a", "totp_key": ["5511223344"]}"#, "totp_key: expected text"),
            (
                r#"{"username": "a", "attrs": "5511223344"}"#,
                "attrs: expected an object, or a list of objects",
            ),
            (r#"{"username": "a", "attrs": {"b": "5511223344"#, "the JSON object is cut off"),
            (
                r#"{"username": "a", "groups": ["b", 5511223344]}"#,
                "groups: expected a list of names or objects",
            ),
            (r#"{"username": "a", "username": "b"}"#, "field `username` stands there twice"),
            (r#"{"email": "a@example.com"}"#, "username: needed"),
            ("[5511223344]", "not a JSON object: column 0"),
        ];
        for (text, reason) in cases {
            assert_eq!(read(text).unwrap_err(), reason, "{text}");
        }
        let clear = read(r#"{"username": "a", "password": "hunter2"}"#).unwrap_err();
        assert!(clear.contains("in clear are not taken") && !clear.contains("hunter2"));
    }

    #[test]
    fn a_password_that_cannot_be_used_is_none() {
        let hash = |text: &str| read(&format!(r#"{{"username": "a", "password_hash": {text}}}"#)).unwrap();
        assert!(hash(r#""!mSI3kq""#).password_hash.is_none());
        assert!(hash("null").password_hash.is_none());
        assert_eq!(hash(r#"{"secretData": 1}"#).password_hash.unwrap().expose(), r#"{"secretData": 1}"#);
    }
}
