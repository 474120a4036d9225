//! Passkeys, recovery codes and groups of users as lines have them, written and read.

use std::collections::HashSet;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::crypto::passkey::authenticator::MAX_CREDENTIAL_ID;
use crate::crypto::passkey::key::is_public_key;
use crate::crypto::passkey::response::known_transports;
use crate::domain::{
    Edit, Group, GroupUpdate, ImportedPasskey, ImportedRecoveryCodes, ImportedUser, Passkey, PasskeyId,
    Result, Timestamp, UserId, check_passkey_name, time_ordered_uuid,
};
use crate::ops::Sso;
use crate::ops::credential::passkey::registration::MOST;
use crate::ops::import::told::{because, shown};
use crate::store::credential::passkey::KeptPasskey;
use crate::store::{self, Tx};

/// How many recovery codes a user has at most.
const MOST_CODES: usize = crate::crypto::recovery_code::COUNT;

/// A passkey in a line. Ids and keys are base64url.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ops) struct PasskeyLine {
    passkey_id: Option<String>,
    credential_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rp_id: Option<String>,
    public_key: String,
    #[serde(default)]
    sign_count: u32,
    name: Option<String>,
    #[serde(default)]
    aaguid: Option<String>,
    #[serde(default)]
    transports: Vec<String>,
    #[serde(default)]
    is_backup_eligible: bool,
    #[serde(default)]
    is_backed_up: bool,
    #[serde(default)]
    is_user_verified: bool,
    is_discoverable: Option<bool>,
    creation_time: Option<String>,
    last_use: Option<String>,
}

/// The recovery codes of a user in a line: what is stored of those that were not used, and the ids of the keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ops) struct CodesLine {
    keys: Vec<String>,
    digests: Vec<String>,
}

/// A group of a user in a line: its name, or where there is more of it, all.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::ops) enum GroupLine {
    Name(String),
    Whole(WholeGroup),
}

/// A group with what it is, and its rights.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ops) struct WholeGroup {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default)]
    can_manage_users: bool,
    #[serde(default)]
    can_read_audit: bool,
}

impl PasskeyLine {
    /// A passkey that is good for this site.
    pub fn of(kept: &KeptPasskey, rp_id: Option<&str>) -> Self {
        let passkey = &kept.passkey;
        Self {
            passkey_id: Some(passkey.passkey_id.as_str().to_owned()),
            credential_id: BASE64URL_NOPAD.encode(&kept.credential_id),
            rp_id: rp_id.map(str::to_owned),
            public_key: BASE64URL_NOPAD.encode(&kept.public_key),
            sign_count: u32::try_from(kept.sign_count).unwrap_or(u32::MAX),
            name: Some(passkey.name.clone()),
            aaguid: Some(passkey.aaguid.to_string()),
            transports: passkey.transports.clone(),
            is_backup_eligible: passkey.is_backup_eligible,
            is_backed_up: passkey.is_backed_up,
            is_user_verified: passkey.is_user_verified,
            is_discoverable: passkey.is_discoverable,
            creation_time: Some(passkey.creation_time.to_string()),
            last_use: passkey.last_use.map(|time| time.to_string()),
        }
    }
}

impl From<&Group> for GroupLine {
    fn from(group: &Group) -> Self {
        let whole = WholeGroup {
            name: group.name.clone(),
            display_name: group.display_name.clone(),
            description: group.description.clone(),
            scopes: group.scopes.clone(),
            can_manage_users: group.can_manage_users,
            can_read_audit: group.can_read_audit,
        };
        let is_plain = whole.display_name.is_none()
            && whole.description.is_none()
            && whole.scopes.is_empty()
            && !whole.can_manage_users
            && !whole.can_read_audit;
        if is_plain { Self::Name(whole.name) } else { Self::Whole(whole) }
    }
}

impl GroupLine {
    fn into_update(self) -> GroupUpdate {
        match self {
            Self::Name(name) => GroupUpdate { name: Edit::Set(name), ..GroupUpdate::default() },
            Self::Whole(whole) => GroupUpdate {
                name: Edit::Set(whole.name),
                display_name: whole.display_name.map_or(Edit::Keep, Edit::Set),
                description: whole.description.map_or(Edit::Keep, Edit::Set),
                scopes: Edit::Set(whole.scopes),
                can_manage_users: Edit::Set(whole.can_manage_users),
                can_read_audit: Edit::Set(whole.can_read_audit),
            },
        }
    }
}

/// What a line says of a user's groups.
pub(in crate::ops) fn put_groups(user: &mut ImportedUser, json: &RawValue) -> Result<(), String> {
    let list: Option<Vec<GroupLine>> = serde_json::from_str(json.get())
        .map_err(|_| "groups: expected a list of names or objects".to_owned())?;
    user.groups = list.unwrap_or_default().into_iter().map(GroupLine::into_update).collect();
    Ok(())
}

/// What a line says of a user's passkeys. One that cannot be read is left behind.
pub(in crate::ops) fn put_passkeys(user: &mut ImportedUser, json: &RawValue) -> Result<(), String> {
    let list: Option<Vec<&RawValue>> =
        serde_json::from_str(json.get()).map_err(|_| "passkeys: expected a list of objects".to_owned())?;
    for (index, item) in list.unwrap_or_default().into_iter().enumerate() {
        match read_passkey(item) {
            Some(passkey) => user.passkeys.push(passkey),
            None => user.lost.push(format!("passkey {}: not as an export writes it", index + 1)),
        }
    }
    Ok(())
}

fn read_passkey(json: &RawValue) -> Option<ImportedPasskey> {
    let line: PasskeyLine = serde_json::from_str(json.get()).ok()?;
    let time = |text: Option<String>| text.map(|text| Timestamp::parse(&text).ok_or(())).transpose().ok();
    Some(ImportedPasskey {
        passkey_id: line.passkey_id,
        credential_id: BASE64URL_NOPAD.decode(line.credential_id.as_bytes()).ok()?,
        rp_id: line.rp_id,
        public_key: BASE64URL_NOPAD.decode(line.public_key.as_bytes()).ok()?,
        sign_count: line.sign_count.into(),
        name: line.name,
        aaguid: line.aaguid.map(|text| Uuid::parse_str(&text)).transpose().ok()?.unwrap_or_default(),
        transports: line.transports,
        is_backup_eligible: line.is_backup_eligible,
        is_backed_up: line.is_backed_up,
        is_user_verified: line.is_user_verified,
        is_discoverable: line.is_discoverable,
        creation_time: time(line.creation_time)?,
        last_use: time(line.last_use)?,
    })
}

/// What a line says of a user's recovery codes.
pub(in crate::ops) fn put_codes(user: &mut ImportedUser, json: &RawValue) -> Result<(), String> {
    let wrong = || "recovery_codes: not as an export writes them".to_owned();
    let line: Option<CodesLine> = serde_json::from_str(json.get()).map_err(|_| wrong())?;
    let Some(line) = line else { return Ok(()) };
    let digest =
        |text: &String| HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let digests: Option<Vec<[u8; 32]>> = line.digests.iter().map(digest).collect();
    let digests = digests.filter(|digests| digests.len() <= MOST_CODES).ok_or_else(wrong)?;
    user.recovery_codes = ImportedRecoveryCodes { key_ids: line.keys, digests };
    Ok(())
}

/// Leaves behind what of a user's passkeys and recovery codes cannot be used here, and says why.
pub(in crate::ops) fn check_credentials(sso: &Sso, user: &mut ImportedUser, lost: &mut Vec<String>) {
    let keeps_id = user.user_id.is_some();
    let own_site = sso.config().passkey_party().map(|party| party.id);
    let mut ids = HashSet::new();
    for mut passkey in std::mem::take(&mut user.passkeys) {
        let name = passkey.name.clone().unwrap_or_default();
        let why = match check_passkey_name(passkey.name.take()) {
            _ if !keeps_id => {
                Some("authenticators know the user by the user_id, which is missing".to_owned())
            }
            _ if is_of_another(passkey.rp_id.as_deref(), own_site.as_deref()) => {
                Some("rp_id: browsers offer it at another site only".to_owned())
            }
            _ if ids.len() >= MOST => Some(format!("a user has at most {MOST}")),
            _ if !is_credential_id(&passkey.credential_id) => Some("credential_id: not one".to_owned()),
            _ if !is_public_key(&passkey.public_key) => Some("public_key: not one".to_owned()),
            _ if !ids.insert(passkey.credential_id.clone()) => Some("it stands there twice".to_owned()),
            Err(error) => Some(because(&error)),
            Ok(name) => {
                passkey.name = Some(name);
                None
            }
        };
        match why {
            Some(why) => lost.push(format!("passkey `{}`: {why}", shown(&name))),
            None => {
                passkey.transports = known_transports(passkey.transports);
                user.passkeys.push(passkey);
            }
        }
    }
    if user.recovery_codes.digests.is_empty() {
        return;
    }
    let has_key = |id: &String| sso.core.keyring.ids().any(|known| known.to_string() == *id);
    let why = if !keeps_id {
        "they are bound to the user_id, which is missing"
    } else if user.recovery_codes.key_ids.is_empty() || !user.recovery_codes.key_ids.iter().all(has_key) {
        "they were made with other keys: have the user generate new ones"
    } else {
        return;
    };
    user.recovery_codes = ImportedRecoveryCodes::default();
    lost.push(format!("recovery_codes: {why}"));
}

fn is_of_another(site: Option<&str>, own: Option<&str>) -> bool {
    site.zip(own).is_some_and(|(site, own)| site != own)
}

fn is_credential_id(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= MAX_CREDENTIAL_ID
}

impl Sso {
    /// The recovery codes of a user as a line has them; None without any.
    pub(in crate::ops) fn codes_line(&self, digests: Vec<Vec<u8>>) -> Option<CodesLine> {
        let keys = self.core.keyring.ids().map(|id| id.to_string()).collect();
        let digests: Vec<String> = digests.iter().map(|digest| HEXLOWER.encode(digest)).collect();
        (!digests.is_empty()).then_some(CodesLine { keys, digests })
    }

    /// Writes passkeys and recovery codes of a user who is there now; why those that could not be written could not.
    pub(in crate::ops) async fn import_credentials(
        &self,
        tx: &mut Tx,
        user_id: &UserId,
        user: &ImportedUser,
    ) -> Result<Vec<String>> {
        let (now, mut reasons) = (self.now(), Vec::new());
        for passkey in &user.passkeys {
            let kept = self.kept(user_id, passkey, now)?;
            if !store::credential::passkey::insert(tx, &kept).await? {
                reasons.push(format!("passkey `{}`: another user has it", shown(&kept.passkey.name)));
            }
        }
        for digest in &user.recovery_codes.digests {
            let code_id = time_ordered_uuid(now, &*self.core.random)?;
            store::credential::recovery_code::insert(tx, code_id, user_id, digest, now).await?;
        }
        Ok(reasons)
    }

    fn kept(&self, user_id: &UserId, passkey: &ImportedPasskey, now: Timestamp) -> Result<KeptPasskey> {
        let known = passkey.passkey_id.as_deref().and_then(PasskeyId::parse);
        let passkey_id = match known {
            Some(passkey_id) => passkey_id,
            None => PasskeyId::random(self.random())?,
        };
        Ok(KeptPasskey {
            passkey: Passkey {
                passkey_id,
                user_id: user_id.clone(),
                name: passkey.name.clone().unwrap_or_default(),
                aaguid: passkey.aaguid,
                transports: passkey.transports.clone(),
                is_backup_eligible: passkey.is_backup_eligible,
                is_backed_up: passkey.is_backed_up,
                is_user_verified: passkey.is_user_verified,
                is_discoverable: passkey.is_discoverable,
                creation_time: passkey.creation_time.unwrap_or(now),
                last_use: passkey.last_use,
            },
            credential_id: passkey.credential_id.clone(),
            public_key: passkey.public_key.clone(),
            sign_count: passkey.sign_count,
        })
    }
}
