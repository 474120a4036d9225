//! Users as other systems kept them, on their way in.

use std::fmt;

use uuid::Uuid;

use super::{ApprovalStatus, AttrValue, GroupUpdate, Password, Result, SignUpStatus, Timestamp};

/// A user as another system kept it. Secrets among it do not print. What a source says nothing of stays as
/// [`ImportedUser::default`] has it: an approved user who has signed up, may log in and is not locked.
#[derive(Clone, Debug)]
pub struct ImportedUser {
    /// The id to keep; None has one made. It is a user id of this product, `zusr…`.
    pub user_id: Option<String>,
    /// What the user logs in with.
    pub username: String,
    /// The stored hash as it is, in any of the schemes that are verified; None for a user without a password.
    pub password_hash: Option<Password>,
    /// The address.
    pub email: Option<String>,
    /// Whether the user has shown that it is theirs.
    pub email_is_verified: bool,
    /// What the user is called.
    pub display_name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Kept for what others make of it; it does not keep anybody from logging in.
    pub is_active: bool,
    /// Likewise.
    pub is_internal: bool,
    /// Whether the user may do what super-users do.
    pub is_super_user: bool,
    /// Whether the user is locked out.
    pub is_locked: bool,
    /// Since when; None for a locked user: since the import.
    pub locked_time: Option<Timestamp>,
    /// Who did it.
    pub locked_by: Option<String>,
    /// How far the sign-up has come.
    pub sign_up_status: SignUpStatus,
    /// When it began; None: at the import.
    pub sign_up_time: Option<Timestamp>,
    /// When it was confirmed.
    pub sign_up_confirm_time: Option<Timestamp>,
    /// What confirms it, where that was sent and not used yet.
    pub sign_up_confirm_token: Option<Password>,
    /// What was decided about the user.
    pub approval_status: ApprovalStatus,
    /// When; None: at the import.
    pub approval_status_mod_time: Option<Timestamp>,
    /// By whom.
    pub approval_status_mod_by: Option<String>,
    /// When the password was set; None, where there is one: at the import.
    pub password_last_set: Option<Timestamp>,
    /// When it expires; None, where there is one: as configuration says, counted from the import.
    pub password_expiry: Option<Timestamp>,
    /// Whether the next login has to bring a new one.
    pub password_must_change: bool,
    /// Whether logins ask for a TOTP code; not without a key.
    pub is_totp_enabled: bool,
    /// The TOTP key in base32; None has one made.
    pub totp_key: Option<Password>,
    /// What it is called.
    pub totp_label: Option<String>,
    /// The time step of the last code that was used: neither it nor an earlier one is good any more.
    pub totp_last_step: i64,
    /// Whether `rate_limit_def` counts.
    pub is_rate_limit_active: bool,
    /// Kept for what others make of it.
    pub rate_limit_type: Option<String>,
    /// How many requests from where.
    pub rate_limit_def: Option<String>,
    /// Kept for what others make of it.
    pub rate_limit_check_parent_def: bool,
    /// Notes of the creator of the user, as JSON.
    pub creation_ctx: Option<String>,
    /// The user's attributes.
    pub attrs: Vec<ImportedAttr>,
    /// The user's linked authentication.
    pub linked_auth: Vec<ImportedLink>,
    /// The user's groups. Those that do not exist are made as they are described; those that do stay as they are.
    pub groups: Vec<GroupUpdate>,
    /// The user's passkeys: of users who keep their id alone, since authenticators know it.
    pub passkeys: Vec<ImportedPasskey>,
    /// The user's recovery codes, likewise.
    pub recovery_codes: ImportedRecoveryCodes,
    /// What of the user the source itself could not read, each with its reason, for the report. Never a secret.
    pub lost: Vec<String>,
}

impl Default for ImportedUser {
    fn default() -> Self {
        Self {
            user_id: None,
            username: String::new(),
            password_hash: None,
            email: None,
            email_is_verified: false,
            display_name: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            is_active: true,
            is_internal: false,
            is_super_user: false,
            is_locked: false,
            locked_time: None,
            locked_by: None,
            sign_up_status: SignUpStatus::Final,
            sign_up_time: None,
            sign_up_confirm_time: None,
            sign_up_confirm_token: None,
            approval_status: ApprovalStatus::Approved,
            approval_status_mod_time: None,
            approval_status_mod_by: None,
            password_last_set: None,
            password_expiry: None,
            password_must_change: false,
            is_totp_enabled: false,
            totp_key: None,
            totp_label: None,
            totp_last_step: 0,
            is_rate_limit_active: false,
            rate_limit_type: None,
            rate_limit_def: None,
            rate_limit_check_parent_def: false,
            creation_ctx: None,
            attrs: Vec::new(),
            linked_auth: Vec::new(),
            groups: Vec::new(),
            passkeys: Vec::new(),
            recovery_codes: ImportedRecoveryCodes::default(),
            lost: Vec::new(),
        }
    }
}

/// An attribute of an imported user, its value in clear.
#[derive(Clone, Debug)]
pub struct ImportedAttr {
    /// Its name.
    pub name: String,
    /// Its value, as JSON.
    pub value: AttrValue,
    /// Whether it is to be encrypted at rest.
    pub is_encrypted: bool,
    /// When it was made; None: at the import.
    pub creation_time: Option<Timestamp>,
    /// When it was last given a value; None: when it was made.
    pub last_modified: Option<Timestamp>,
    /// From when on it does not exist; None: it ends with its user.
    pub expiration_time: Option<Timestamp>,
}

/// A link of an imported user to a security definition, which must be there already.
#[derive(Clone, Debug)]
pub struct ImportedLink {
    /// The kind of the definition: `basic_auth` or `jwt`.
    pub auth_type: String,
    /// The username of the definition.
    pub auth_username: String,
    /// Whether requests that use the definition may act as the user.
    pub is_active: bool,
    /// When it was made; None: at the import.
    pub creation_time: Option<Timestamp>,
}

/// A passkey of an imported user, with what a login needs of it.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as `Passkey` has them")]
pub struct ImportedPasskey {
    /// Its id; None has one made.
    pub passkey_id: Option<String>,
    /// The id by which its authenticator knows it.
    pub credential_id: Vec<u8>,
    /// The site that it is good for; None where that is not said.
    pub rp_id: Option<String>,
    /// A COSE key.
    pub public_key: Vec<u8>,
    /// How many signatures its authenticator had made; 0 if it does not count.
    pub sign_count: i64,
    pub name: Option<String>,
    pub aaguid: Uuid,
    pub transports: Vec<String>,
    pub is_backup_eligible: bool,
    pub is_backed_up: bool,
    pub is_user_verified: bool,
    pub is_discoverable: Option<bool>,
    /// None: at the import.
    pub creation_time: Option<Timestamp>,
    pub last_use: Option<Timestamp>,
}

/// Recovery codes of an imported user: what is stored of each that was not used, and by which keys.
#[derive(Clone, Default)]
pub struct ImportedRecoveryCodes {
    /// The ids of the keys of the source: with none of them no code would be right.
    pub key_ids: Vec<String>,
    /// What was stored of each code.
    pub digests: Vec<[u8; 32]>,
}

impl fmt::Debug for ImportedRecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} recovery codes", self.digests.len())
    }
}

/// One record of a source.
#[derive(Debug)]
pub struct ImportRecord {
    /// Where it stands, for the report: `line 7`, `row 7`, or what else finds it there.
    pub position: String,
    /// The user, or why there is none to be made of the record.
    pub user: Result<Box<ImportedUser>, Unusable>,
}

/// Why no user can be made of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The username that the record names, if so much of it can be read.
    pub username: Option<String>,
    /// Why. Never a secret.
    pub reason: String,
}

/// Some records, and how far the source has come with them.
#[derive(Debug, Default)]
pub struct ImportBatch {
    /// The records; none at the end of the source.
    pub records: Vec<ImportRecord>,
    /// How much of the source has been read with these.
    pub done: u64,
    /// How much there is, in the same unit: bytes, or records. None where that is not known.
    pub total: Option<u64>,
}

/// Where records come from, one batch after the other.
pub trait ImportSource: Send {
    /// The next records, `limit` at most, fewer where they are large; none at the end. What is wrong with one record is
    /// told in its place, and the next ones follow.
    ///
    /// # Errors
    /// When nothing more can be read at all: the run ends, and the error says why.
    fn next_batch(&mut self, limit: usize) -> impl Future<Output = Result<ImportBatch>> + Send;
}

/// How a run of an import went, so far or in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Records read.
    pub read: u64,
    /// Users made; in a dry run, those that would be.
    pub imported: u64,
    /// Users that were there before, and were left as they are.
    pub already_there: u64,
    /// Records of which no user was made.
    pub refused: u64,
    /// Users among those imported of whom something was left behind.
    pub incomplete: u64,
}

/// What a report says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFinding {
    /// Where the record stands.
    pub position: String,
    /// The username, where it is known: control characters escaped, and shortened.
    pub username: Option<String>,
    /// Whether the whole record was refused, as opposed to a part of it.
    pub is_refused: bool,
    /// Why. Never a secret.
    pub reason: String,
}

/// Who is told how an import goes.
pub trait ImportObserver: Send {
    /// A record, or a part of it, is not imported.
    ///
    /// # Errors
    /// When the finding cannot be written: the import ends, so that nothing is left out in silence.
    fn found(&mut self, finding: ImportFinding) -> Result<()>;

    /// Another batch is done: all in all so much, and how far the source has been read.
    fn progressed(&mut self, summary: &ImportSummary, done: u64, total: Option<u64>);
}
