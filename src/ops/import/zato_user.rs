//! One user of a Zato server: from the rows of its database to what an import takes.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::Value;

use crate::config::AtRest;
use crate::crypto::fernet::{self, FernetKey};
use crate::domain::{
    ApprovalStatus, AttrValue, ImportedAttr, ImportedLink, ImportedUser, Password, SecType, SignUpStatus,
    Timestamp,
};
use crate::store::import::zato::{ZatoAttr, ZatoLink, ZatoUser};

/// A definition of this product that has taken the place of one of Zato's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecDefHere {
    /// The kind of both.
    pub sec_type: SecType,
    /// The id of Zato's.
    pub zato_id: i64,
    /// The username of the one here.
    pub username: String,
}

/// Makes users of rows. What it says is for reports, and holds no value that is secret.
pub(in crate::ops) struct Reader {
    keys: Vec<FernetKey>,
    at_rest: AtRest,
    sec_defs: Vec<SecDefHere>,
    now: Timestamp,
    expired_attrs: i64,
}

/// A text of a row: None where there is none, or an empty one.
type Text = Option<String>;

impl Reader {
    pub(in crate::ops) fn new(
        keys: Vec<FernetKey>,
        at_rest: AtRest,
        sec_defs: Vec<SecDefHere>,
        now: Timestamp,
    ) -> Self {
        Self { keys, at_rest, sec_defs, now, expired_attrs: 0 }
    }

    /// How many attributes had expired so far.
    pub(in crate::ops) const fn expired_attrs(&self) -> i64 {
        self.expired_attrs
    }

    /// A user with all that is theirs.
    ///
    /// # Errors
    /// Why there is none to be made of these rows.
    pub(in crate::ops) fn user(
        &mut self,
        row: ZatoUser,
        attrs: Vec<ZatoAttr>,
        links: Vec<ZatoLink>,
    ) -> Result<ImportedUser, String> {
        let mut lost = Vec::new();
        let username = text("username", row.username)?.ok_or("it has no username")?;
        let user_id = text("user_id", row.user_id)?.ok_or("it has no user_id")?;
        let password = match row.password_is_set {
            true => self.open("password", row.password, self.at_rest.password)?,
            false => None,
        };
        let email = self.open("email", row.email, self.at_rest.email)?;
        let totp_key = self.open("totp_key", row.totp_key, true)?;
        let totp_label = self.open("totp_label", row.totp_label, true).unwrap_or_else(|why| {
            lost.push(why);
            None
        });
        let mut user = ImportedUser {
            user_id: Some(user_id),
            username,
            password_hash: password.map(Password::from),
            email,
            is_active: row.is_active,
            is_internal: row.is_internal,
            is_super_user: row.is_super_user,
            is_locked: row.is_locked,
            sign_up_status: known("sign_up_status", row.sign_up_status, SignUpStatus::parse)?,
            approval_status: known("approval_status", row.approval_status, ApprovalStatus::parse)?,
            password_must_change: row.password_must_change,
            is_totp_enabled: row.is_totp_enabled,
            totp_key: totp_key.map(Password::from),
            totp_label,
            is_rate_limit_active: row.is_rate_limit_active,
            rate_limit_check_parent_def: row.rate_limit_check_parent_def,
            ..ImportedUser::default()
        };
        for (name, bytes, to) in [
            ("display_name", row.display_name, &mut user.display_name),
            ("first_name", row.first_name, &mut user.first_name),
            ("middle_name", row.middle_name, &mut user.middle_name),
            ("last_name", row.last_name, &mut user.last_name),
            ("locked_by", row.locked_by, &mut user.locked_by),
            ("approval_status_mod_by", row.approval_status_mod_by, &mut user.approval_status_mod_by),
            ("rate_limit_type", row.rate_limit_type, &mut user.rate_limit_type),
            ("rate_limit_def", row.rate_limit_def, &mut user.rate_limit_def),
            ("creation_ctx", row.creation_ctx, &mut user.creation_ctx),
        ] {
            *to = or_lost(text(name, bytes), &mut lost);
        }
        user.creation_ctx = user.creation_ctx.filter(|json| json != "null");
        if user.sign_up_status == SignUpStatus::BeforeConfirmation {
            let token = or_lost(text("sign_up_confirm_token", row.sign_up_confirm_token), &mut lost);
            user.sign_up_confirm_token = token.map(Password::from);
        }
        for (name, bytes, to) in [
            ("locked_time", row.locked_time, &mut user.locked_time),
            ("sign_up_time", row.sign_up_time, &mut user.sign_up_time),
            ("sign_up_confirm_time", row.sign_up_confirm_time, &mut user.sign_up_confirm_time),
            ("approval_status_mod_time", row.approval_status_mod_time, &mut user.approval_status_mod_time),
            ("password_last_set", row.password_last_set, &mut user.password_last_set),
            ("password_expiry", row.password_expiry, &mut user.password_expiry),
        ] {
            *to = or_lost(time(name, bytes), &mut lost);
        }
        let opaque = or_lost(text("opaque1", row.opaque1), &mut lost);
        if opaque.is_some_and(|json| !matches!(json.as_str(), "null" | "{}")) {
            lost.push("opaque1: what Zato keeps there has no counterpart".to_owned());
        }
        for attr in attrs {
            user.attrs.extend(or_lost(self.attr(attr), &mut lost));
        }
        for link in links {
            user.linked_auth.extend(or_lost(self.link(link).map(Some), &mut lost));
        }
        user.lost = lost;
        Ok(user)
    }

    /// A value that is encrypted, or, where configuration says so, may not be.
    fn open(&self, name: &str, bytes: Option<Vec<u8>>, is_encrypted: bool) -> Result<Text, String> {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        if let Some(token) = token_text(&bytes) {
            let opened = fernet::open(&self.keys, &token).map_err(|why| format!("{name}: {why}"))?;
            let value = std::str::from_utf8(&opened).map_err(|_| format!("{name}: is not UTF-8"))?;
            return Ok(Some(value.to_owned()).filter(|value| !value.is_empty()));
        }
        if is_encrypted {
            return Err(format!(
                "{name}: is not a Fernet token; if sso.conf has encryption switched off, give it with --sso-conf"
            ));
        }
        text(name, Some(bytes))
    }

    /// An attribute; None where it has expired.
    fn attr(&mut self, row: ZatoAttr) -> Result<Option<ImportedAttr>, String> {
        let name = text("an attribute", row.name)?.ok_or("an attribute has no name")?;
        let what = format!("attribute {name:?}");
        let expiration_time = time(&what, row.expiration_time)?;
        if expiration_time.is_some_and(|time| time <= self.now) {
            self.expired_attrs += 1;
            return Ok(None);
        }
        let method = text(&what, row.serial_method)?;
        if method.as_deref().is_some_and(|method| method != "json") {
            return Err(format!("{what}: is not kept as JSON"));
        }
        let json = text(&what, row.value)?.unwrap_or_else(|| "null".to_owned());
        let value: Value = serde_json::from_str(&json).map_err(|_| format!("{what}: is not JSON"))?;
        let value = match (row.is_encrypted, &value) {
            (false, _) => AttrValue::from_json_text(json),
            (true, Value::String(token)) => {
                let opened = fernet::open(&self.keys, token).map_err(|why| format!("{what}: {why}"))?;
                let opened = std::str::from_utf8(&opened).map_err(|_| format!("{what}: is not UTF-8"))?;
                AttrValue::from(&Value::from(opened))
            }
            (true, _) => return Err(format!("{what}: {}", fernet::FernetError::Malformed)),
        };
        Ok(Some(ImportedAttr {
            value,
            is_encrypted: row.is_encrypted,
            creation_time: time(&what, row.creation_time)?,
            last_modified: time(&what, row.last_modified)?,
            expiration_time,
            name,
        }))
    }

    /// A link. Zato's definitions are not in the tables of its SSO, so the caller names them.
    fn link(&self, row: ZatoLink) -> Result<ImportedLink, String> {
        let what = "linked auth";
        let kind = text(what, row.auth_type)?.unwrap_or_default();
        let Some(sec_type) = SecType::parse(&kind) else {
            return Err(format!("{what}: definitions of the kind {kind:?} do not exist here"));
        };
        let principal = text(what, row.auth_principal)?;
        let Some(id) = row.auth_id else {
            let principal = principal.unwrap_or_default();
            return Err(format!(
                "{what}: {kind} {principal:?} is known by a name only; make a definition with zato-sso create-sec-def \
                 {kind}, and link it"
            ));
        };
        let here = self.sec_defs.iter().find(|here| (here.sec_type, here.zato_id) == (sec_type, id));
        let Some(here) = here else {
            return Err(format!(
                "{what}: {kind} definition {id} of Zato's; make one with zato-sso create-sec-def {kind} NAME \
                 USERNAME, and import with --sec-def {kind}:{id}=USERNAME, or link it afterwards"
            ));
        };
        Ok(ImportedLink {
            auth_type: kind,
            auth_username: here.username.clone(),
            is_active: row.is_active,
            creation_time: time(what, row.creation_time)?,
        })
    }
}

fn or_lost<T>(read: Result<Option<T>, String>, lost: &mut Vec<String>) -> Option<T> {
    read.unwrap_or_else(|why| {
        lost.push(why);
        None
    })
}

/// A text; None where there is none, or an empty one.
fn text(name: &str, bytes: Option<Vec<u8>>) -> Result<Text, String> {
    let text = bytes.map(String::from_utf8).transpose().map_err(|_| format!("{name}: is not UTF-8"))?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// A time, which is in UTC.
fn time(name: &str, bytes: Option<Vec<u8>>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(name, bytes)? else { return Ok(None) };
    Timestamp::parse(&text).map(Some).ok_or_else(|| format!("{name}: has a time that cannot be read"))
}

fn known<T>(name: &str, bytes: Option<Vec<u8>>, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let text = text(name, bytes)?.unwrap_or_default();
    parse(&text).ok_or_else(|| format!("{name}: is none of those that there are"))
}

/// The text of what has the form of a token. PostgreSQL shows bytes that were put into a column of texts as `\x` and
/// hexadecimal digits.
pub(in crate::ops) fn token_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = match bytes.strip_prefix(b"\\x") {
        Some(digits) => Cow::from(String::from_utf8(HEXLOWER_PERMISSIVE.decode(digits).ok()?).ok()?),
        None => Cow::from(std::str::from_utf8(bytes).ok()?),
    };
    fernet::is_token(&text).then_some(text)
}
