//! Exporting users in the format that an import reads.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{AttrOwner, Context, Error, Group, Operation, Password, Result, Timestamp, User, UserId};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::ops::access::user_row::Column;
use crate::ops::import::credential::{CodesLine, GroupLine, PasskeyLine};
use crate::store::credential::passkey::KeptPasskey;
use crate::store::import::users::{OwnedAttr, OwnedLink};
use crate::store::user::account::UserRow;
use crate::store::{self, Conn};

/// How many users are read at a time.
const PAGE: i64 = 500;

/// A user as a line. What is None is left out, but for the name to show, which would be made up of the others.
#[derive(Serialize)]
struct Line<'a> {
    user_id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    email_is_verified: bool,
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    is_active: bool,
    is_internal: bool,
    is_super_user: bool,
    is_locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_by: Option<&'a str>,
    sign_up_status: &'a str,
    sign_up_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_up_confirm_time: Option<String>,
    approval_status: &'a str,
    approval_status_mod_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_status_mod_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_last_set: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_expiry: Option<String>,
    password_must_change: bool,
    is_totp_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_last_step: Option<i64>,
    is_rate_limit_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_def: Option<&'a str>,
    rate_limit_check_parent_def: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_ctx: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attrs: Vec<AttrLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    linked_auth: Vec<LinkLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passkeys: Vec<PasskeyLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<CodesLine>,
}

/// What belongs to a user beside the row.
#[derive(Default)]
struct Belongings {
    attrs: Vec<OwnedAttr>,
    links: Vec<OwnedLink>,
    groups: Vec<Group>,
    passkeys: Vec<KeptPasskey>,
    codes: Vec<Vec<u8>>,
}

#[derive(Serialize)]
struct AttrLine {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    is_encrypted: bool,
    creation_time: String,
    last_modified: String,
    expiration_time: String,
}

#[derive(Serialize)]
struct LinkLine {
    auth_type: &'static str,
    auth_username: String,
    is_active: bool,
    creation_time: String,
}

impl Sso {
    /// Writes all users by name, a line of JSON each, for trusted callers; how many there were. Without `with_secrets` there
    /// are no password hashes, TOTP keys, passkeys, recovery codes and values of encrypted attributes among it.
    ///
    /// # Errors
    /// When the database cannot answer, or `write` fails.
    pub async fn export_users(
        &self,
        ctx: &Context,
        with_secrets: bool,
        mut write: impl FnMut(&str) -> Result<()>,
    ) -> Result<u64> {
        self.run(ctx, Operation::UserExport, Actor::Trusted(None), async |call| {
            call.trail.note("with_secrets", with_secrets.to_string());
            let (mut written, mut after) = (0, String::new());
            loop {
                let mut conn = self.db().read().await?;
                let page =
                    store::user::account::page_by_username(&mut conn, &after, PAGE, self.now()).await?;
                let user_ids: Vec<&str> = page.iter().map(|row| row.user_id.as_str()).collect();
                let mut owned = belongings(&mut conn, &user_ids, (with_secrets, self.now())).await?;
                drop(conn);
                let Some(last) = page.last() else { break };
                after = last.username.clone();
                for row in page {
                    let owned = owned.remove(&row.user_id).unwrap_or_default();
                    write(&self.user_line(row, owned, with_secrets)?)?;
                    written += 1;
                }
            }
            call.trail.note("users", written.to_string());
            Ok(written)
        })
        .await
    }

    fn user_line(&self, row: UserRow, owned: Belongings, with_secrets: bool) -> Result<String> {
        let user_id = row.user_id.clone();
        let hash = row.password_hash.as_deref().filter(|_| with_secrets && row.password_last_set.is_some());
        let hash = hash.map(|hash| self.unseal(Column::PasswordHash, &user_id, hash)).transpose()?;
        let (email_is_verified, last_step) = (row.email_is_verified, row.totp_last_step);
        let user = self.open_user(row)?;
        let rp_id = self.config().passkey_party().map(|party| party.id);
        let owner = AttrOwner::User(user_id);
        let attrs = owned.attrs.into_iter().map(|attr| self.attr_line(&owner, attr, with_secrets));
        let line = Line {
            email_is_verified,
            totp_last_step: Some(last_step).filter(|step| with_secrets && *step > 0),
            attrs: attrs.collect::<Result<_>>()?,
            linked_auth: owned.links.into_iter().map(link_line).collect(),
            groups: owned.groups.iter().map(GroupLine::from).collect(),
            passkeys: owned.passkeys.iter().map(|kept| PasskeyLine::of(kept, rp_id.as_deref())).collect(),
            recovery_codes: self.codes_line(owned.codes),
            ..line(&user, hash.as_ref(), with_secrets)
        };
        serde_json::to_string(&line).map_err(Error::internal)
    }

    fn attr_line(&self, owner: &AttrOwner, attr: OwnedAttr, with_secrets: bool) -> Result<AttrLine> {
        let attr = self.open_attr(owner, attr.attr, with_secrets)?;
        // A line end in JSON means nothing, and in a line of it too much.
        let text = attr.value.map(|value| value.as_json_text().replace(['\n', '\r'], " "));
        let value = text.map(RawValue::from_string).transpose();
        Ok(AttrLine {
            name: attr.name,
            value: value.map_err(|_| Error::internal("the value of an attribute is not JSON"))?,
            is_encrypted: attr.is_encrypted,
            creation_time: attr.creation_time.to_string(),
            last_modified: attr.last_modified.to_string(),
            expiration_time: attr.expiration_time.to_string(),
        })
    }
}

fn line<'a>(user: &'a User, hash: Option<&'a Password>, with_secrets: bool) -> Line<'a> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    Line {
        user_id: user.user_id.as_str(),
        username: &user.username,
        password_hash: hash.map(Password::expose),
        email: user.email.as_deref(),
        display_name: user.display_name.as_deref(),
        first_name: user.first_name.as_deref(),
        middle_name: user.middle_name.as_deref(),
        last_name: user.last_name.as_deref(),
        is_active: user.is_active,
        is_internal: user.is_internal,
        is_super_user: user.is_super_user,
        is_locked: user.is_locked,
        locked_time: time(user.locked_time),
        locked_by: user.locked_by.as_deref(),
        sign_up_status: user.sign_up_status.as_str(),
        sign_up_time: user.sign_up_time.to_string(),
        sign_up_confirm_time: time(user.sign_up_confirm_time),
        approval_status: user.approval_status.as_str(),
        approval_status_mod_time: user.approval_status_mod_time.to_string(),
        approval_status_mod_by: user.approval_status_mod_by.as_deref(),
        password_last_set: time(user.password_last_set),
        password_expiry: time(user.password_expiry),
        password_must_change: user.password_must_change,
        is_totp_enabled: user.is_totp_enabled,
        totp_key: user.totp_key.as_ref().filter(|_| with_secrets).map(Password::expose),
        totp_label: user.totp_label.as_deref(),
        is_rate_limit_active: user.is_rate_limit_active,
        rate_limit_type: user.rate_limit_type.as_deref(),
        rate_limit_def: user.rate_limit_def.as_deref(),
        rate_limit_check_parent_def: user.rate_limit_check_parent_def,
        creation_ctx: user.creation_ctx.as_deref(),
        email_is_verified: false,
        totp_last_step: None,
        attrs: Vec::new(),
        linked_auth: Vec::new(),
        groups: Vec::new(),
        passkeys: Vec::new(),
        recovery_codes: None,
    }
}

fn link_line(link: OwnedLink) -> LinkLine {
    LinkLine {
        auth_type: link.sec_type.as_str(),
        auth_username: link.username,
        is_active: link.is_active,
        creation_time: link.creation_time.to_string(),
    }
}

/// What belongs to these users, by user. What they log in with only where secrets are asked for.
async fn belongings(
    conn: &mut Conn,
    user_ids: &[&str],
    (with_secrets, now): (bool, Timestamp),
) -> Result<HashMap<UserId, Belongings>> {
    let mut all: HashMap<UserId, Belongings> = HashMap::new();
    for attr in store::import::users::attrs_of(conn, user_ids, now).await? {
        all.entry(attr.user_id.clone()).or_default().attrs.push(attr);
    }
    for link in store::import::users::links_of(conn, user_ids).await? {
        all.entry(link.user_id.clone()).or_default().links.push(link);
    }
    for (user_id, group) in store::group::of_users(conn, user_ids).await? {
        all.entry(user_id).or_default().groups.push(group);
    }
    if !with_secrets {
        return Ok(all);
    }
    for kept in store::credential::passkey::of_users(conn, user_ids).await? {
        all.entry(kept.passkey.user_id.clone()).or_default().passkeys.push(kept);
    }
    for (user_id, digest) in store::credential::recovery_code::of_users(conn, user_ids).await? {
        all.entry(user_id).or_default().codes.push(digest);
    }
    Ok(all)
}
