//! What of an imported user is acceptable, and the rows that it becomes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde::de::IgnoredAny;
use uuid::Builder;

use crate::crypto::{
    FirebaseParams, fbscrypt_hash, firebase_hash, keycloak_hash, plain, recognise_hash, token, totp,
};
use crate::domain::{
    AttrOwner, Code, Error, ImportedAttr, ImportedLink, ImportedUser, Password, Result, SecType, Timestamp,
    UserId, check_long_text, check_name, joined_names, random_uuid,
};
use crate::ops::Sso;
use crate::ops::access::rate_limit::check_rate_limits;
use crate::ops::access::user_row::Column;
use crate::ops::attr::request::{check_name as check_attr_name, check_value};
use crate::ops::import::credential::check_credentials;
use crate::ops::import::groups::check_groups;
use crate::ops::import::told::{because, shown};
use crate::store::attr::AttrRow;
use crate::store::site::identity::IdentityRow;
use crate::store::user::account::UserRow;

/// The longest hash, in bytes: a Keycloak credential has several hundred.
const MAX_HASH_LENGTH: usize = 4096;

/// How deep the value of an attribute may be nested: it is to be read again.
const MAX_DEPTH: usize = 64;

/// The longest username of a security definition that is looked up, in bytes.
const MAX_LINK_LENGTH: usize = 1024;

/// All that becomes of one imported user in the database.
pub(in crate::ops) struct ImportedRows {
    pub user: UserRow,
    pub identity: IdentityRow,
    pub attrs: Vec<(AttrOwner, AttrRow)>,
}

impl Sso {
    /// Checks an imported user and brings values into the form in which they are kept. What is wrong with a part that the
    /// user can be without goes to `lost`, and the part goes away.
    pub(in crate::ops) fn check_imported(
        &self,
        user: &mut ImportedUser,
        firebase: Option<&FirebaseParams>,
    ) -> Result<()> {
        user.username = self.check_username(Some(std::mem::take(&mut user.username)))?;
        if user.user_id.as_deref().is_some_and(|user_id| UserId::parse(user_id).is_none()) {
            let detail = "user_id: `zusr` and letters and digits, 64 at most; leave it out to have one made";
            return Err(Error::refused(Code::UserIdInvalid, detail));
        }
        user.email = self.check_email(user.email.take())?;
        let names = [
            ("first_name", &mut user.first_name),
            ("middle_name", &mut user.middle_name),
            ("last_name", &mut user.last_name),
            ("locked_by", &mut user.locked_by),
            ("approval_status_mod_by", &mut user.approval_status_mod_by),
            ("totp_label", &mut user.totp_label),
            ("rate_limit_type", &mut user.rate_limit_type),
        ];
        for (field, value) in names {
            *value = check_name(field, value.take())?;
        }
        // Made up of names that are each as long as they may be, it is longer than one of them.
        if user.display_name != joined_names([&user.first_name, &user.middle_name, &user.last_name]) {
            user.display_name = check_name("display_name", user.display_name.take())?;
        }
        user.creation_ctx = check_long_text("creation_ctx", user.creation_ctx.take())?;
        user.rate_limit_def = check_long_text("rate_limit_def", user.rate_limit_def.take())?;
        check_rate_limits(user.is_rate_limit_active, user.rate_limit_def.as_deref())?;
        user.password_hash = user.password_hash.take().map(|hash| check_hash(hash, firebase)).transpose()?;
        user.totp_key = match user.totp_key.take().filter(|key| !key.is_empty()) {
            Some(key) => Some(totp::validate_key(key.expose()).map_err(|error| about("totp_key", &error))?),
            None if user.is_totp_enabled => return Err(invalid("totp_key: needed with is_totp_enabled")),
            None => None,
        };
        let mut lost = std::mem::take(&mut user.lost);
        let mut names = HashSet::new();
        user.attrs.retain(|attr| keep(check_attr(attr, &mut names), "attribute", &attr.name, &mut lost));
        user.linked_auth.retain(|link| keep(check_link(link), "linked_auth", &link.auth_username, &mut lost));
        user.groups = check_groups(std::mem::take(&mut user.groups), &mut lost);
        check_credentials(self, user, &mut lost);
        user.lost = lost;
        Ok(())
    }

    /// The rows of a user that has been checked.
    pub(in crate::ops) fn imported_rows(&self, user: &ImportedUser, now: Timestamp) -> Result<ImportedRows> {
        let random = &*self.core.random;
        let user_id = match &user.user_id {
            Some(user_id) => UserId::parse(user_id).ok_or(Code::UserIdInvalid)?,
            None => UserId::random(random)?,
        };
        let is_encrypted = self.config().main.encrypt_password;
        let sealed_hash = |hash: &Password| {
            if is_encrypted {
                self.seal(Column::PasswordHash, &user_id, hash.expose())
            } else {
                Ok(plain(hash.expose().as_bytes()))
            }
        };
        let password_hash = user.password_hash.as_ref().map(sealed_hash).transpose()?;
        let has_password = password_hash.is_some();
        let totp_key = match &user.totp_key {
            Some(key) => self.seal(Column::TotpKey, &user_id, key.expose())?,
            None => self.seal(Column::TotpKey, &user_id, totp::new_key(random)?.expose())?,
        };
        let since = |is_so: bool, time: Option<Timestamp>, otherwise: Timestamp| {
            if is_so { Some(time.unwrap_or(otherwise)) } else { time }
        };
        let row = UserRow {
            user_token: Builder::from_random_bytes(random.bytes()?).into_uuid(),
            username: user.username.clone(),
            email_index: user.email.as_deref().map(|email| self.core.keyring.blind_index(email).to_vec()),
            email: user.email.as_deref().map(|email| self.seal_email(&user_id, email)).transpose()?,
            email_is_claimed: false,
            display_name: user.display_name.clone(),
            first_name: user.first_name.clone(),
            middle_name: user.middle_name.clone(),
            last_name: user.last_name.clone(),
            is_active: user.is_active,
            is_internal: user.is_internal,
            is_super_user: user.is_super_user,
            is_locked: user.is_locked,
            locked_time: since(user.is_locked, user.locked_time, now),
            locked_by: user.locked_by.clone(),
            sign_up_status: user.sign_up_status,
            sign_up_time: user.sign_up_time.unwrap_or(now),
            sign_up_confirm_time: user.sign_up_confirm_time,
            sign_up_confirm_digest: user
                .sign_up_confirm_token
                .as_ref()
                .map(|token| token::digest(token.expose()).to_vec()),
            approval_status: user.approval_status,
            approval_status_mod_time: user.approval_status_mod_time.unwrap_or(now),
            approval_status_mod_by: user.approval_status_mod_by.clone(),
            password_hash,
            password_last_set: since(has_password, user.password_last_set, now),
            password_expiry: user
                .password_expiry
                .or_else(|| self.password_expiry(now, None).filter(|_| has_password)),
            password_must_change: user.password_must_change,
            is_totp_enabled: user.is_totp_enabled,
            totp_key: Some(totp_key),
            totp_label: user
                .totp_label
                .as_deref()
                .map(|label| self.seal(Column::TotpLabel, &user_id, label))
                .transpose()?,
            totp_last_step: user.totp_last_step,
            is_rate_limit_active: user.is_rate_limit_active,
            rate_limit_type: user.rate_limit_type.clone(),
            rate_limit_def: user.rate_limit_def.clone(),
            rate_limit_check_parent_def: user.rate_limit_check_parent_def,
            creation_ctx: user.creation_ctx.clone(),
            username_key: Some(self.username_key(&user.username)),
            username_skeleton: Some(self.username_skeleton(&user.username)),
            email_is_verified: user.email_is_verified && user.email.is_some(),
            user_id: user_id.clone(),
        };
        let identity = IdentityRow::first(&row, random_uuid(self.random())?, now);
        let owner = AttrOwner::User(user_id);
        let attr = |attr: &ImportedAttr| Ok((owner.clone(), self.imported_attr(&owner, attr, now)?));
        let attrs = user.attrs.iter().map(attr).collect::<Result<_>>()?;
        Ok(ImportedRows { user: row, identity, attrs })
    }

    fn imported_attr(&self, owner: &AttrOwner, attr: &ImportedAttr, now: Timestamp) -> Result<AttrRow> {
        let creation_time = attr.creation_time.unwrap_or(now);
        Ok(AttrRow {
            value: self.seal_attr(owner, &attr.name, &attr.value, attr.is_encrypted)?,
            name: attr.name.clone(),
            is_encrypted: attr.is_encrypted,
            creation_time,
            last_modified: attr.last_modified.unwrap_or(creation_time),
            expiration_time: attr.expiration_time.unwrap_or(Timestamp::NEVER),
        })
    }
}

/// A hash in the form in which it is kept: one that a password can be compared with.
fn check_hash(hash: Password, firebase: Option<&FirebaseParams>) -> Result<Password> {
    if hash.expose().len() > MAX_HASH_LENGTH {
        return Err(invalid(format!("password_hash: at most {MAX_HASH_LENGTH} bytes")));
    }
    let kept = kept_hash(hash, firebase).and_then(|hash| recognise_hash(hash.expose()).map(|_name| hash));
    kept.map_err(|error| about("password_hash", &error))
}

/// A hash without what only its export has.
fn kept_hash(hash: Password, firebase: Option<&FirebaseParams>) -> Result<Password> {
    let text = hash.expose();
    if text.starts_with("$fbscrypt$") {
        return fbscrypt_hash(text, firebase);
    }
    if !text.trim_start().starts_with('{') {
        return Ok(hash);
    }
    let Ok(object) = serde_json::from_str::<BTreeMap<Cow<'_, str>, IgnoredAny>>(text) else {
        // `{SSHA}…` and the like.
        return if text.starts_with('{') { Ok(hash) } else { Err(no_object()) };
    };
    if object.contains_key("passwordHash") {
        firebase_hash(text, firebase)
    } else if object.contains_key("secretData") || object.contains_key("credentialData") {
        keycloak_hash(text)
    } else {
        Err(no_object())
    }
}

fn no_object() -> Error {
    Error::internal(
        "an object is a hash if it is Keycloak's (`secretData`, `credentialData`) or Firebase's (`passwordHash`, `salt`)",
    )
}

fn check_attr(attr: &ImportedAttr, names: &mut HashSet<String>) -> Result<()> {
    check_attr_name(&attr.name)?;
    check_value(&attr.value)?;
    let text = attr.value.as_json_text();
    if depth(text) > MAX_DEPTH {
        return Err(invalid(format!("value: nested more than {MAX_DEPTH} deep")));
    }
    // The tree that the text would make can be much larger than the text.
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| invalid("value: not JSON"))?;
    if !names.insert(attr.name.clone()) {
        return Err(invalid("name: stands there twice"));
    }
    Ok(())
}

/// How deep JSON is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn check_link(link: &ImportedLink) -> Result<()> {
    if SecType::parse(&link.auth_type).is_none() {
        return Err(invalid("auth_type: basic_auth or jwt"));
    }
    let username = &link.auth_username;
    if username.is_empty() || username.contains('\0') || username.len() > MAX_LINK_LENGTH {
        return Err(invalid("auth_username: there is no such definition"));
    }
    Ok(())
}

/// Whether a part is kept; if not, why is noted.
fn keep(outcome: Result<()>, what: &str, name: &str, lost: &mut Vec<String>) -> bool {
    match outcome {
        Ok(()) => true,
        Err(error) => {
            lost.push(format!("{what} `{}`: {}", shown(name), because(&error)));
            false
        }
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::refused(Code::CommonInvalidInput, detail)
}

fn about(field: &str, error: &Error) -> Error {
    invalid(format!("{field}: {}", because(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_are_no_depth() {
        assert_eq!(depth(r#"{"a": [1, [2]], "b": "[[[\"[["}"#), 3);
        assert_eq!(depth("7"), 0);
        assert!(depth(&"[".repeat(100_000)) > MAX_DEPTH);
    }

    #[test]
    fn a_hash_is_one_that_is_verified() {
        let keycloak = r#"{"secretData":"{\"value\":\"c2VjcmV0c2VjcmV0c2VjcmV0\",\"salt\":\"c2FsdA==\"}",
            "credentialData":"{\"hashIterations\":5,\"algorithm\":\"pbkdf2-sha256\"}"}"#;
        let hash = check_hash(keycloak.into(), None).unwrap();
        assert_eq!(hash.expose(), "$pbkdf2-sha256$5$c2FsdA$c2VjcmV0c2VjcmV0c2VjcmV0");
        for ldap in [
            "{SSHA}teysqyvPWApd23CGxYfV6bSKJhRmDCFk",
            "{CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        ] {
            assert_eq!(check_hash(ldap.into(), None).unwrap().expose(), ldap);
        }
        let named = [
            ("{MD5}PLTnMmMfR+brlh80VUt83g==", "{MD5}"),
            ("md5$salt$hash", "md5$"),
            ("$1$o1zx/hrO$gsf3CS.nFZiXJMZlGwErs0", "($1$)"),
            (r#"{"passwordHash": "AAAA", "salt": "AAAA"}"#, "(Python: firebase)"),
            (r#"{"algorithm": "argon2"}"#, "(`passwordHash`, `salt`)"),
        ];
        for (wrong, end) in named {
            let said = because(&check_hash(wrong.into(), None).unwrap_err());
            assert!(said.ends_with(end) && said.starts_with("password_hash: "), "{said}");
        }
        for wrong in ["hunter2", "{hunter2", " {hunter2}", "", "{}", &"$2a$06$".repeat(1000)] {
            let error = check_hash(wrong.into(), None).unwrap_err();
            assert_eq!(error.code(), Code::CommonInvalidInput);
            assert!(!because(&error).contains("hunter2"));
        }
    }
}
