-- Times are microseconds since 1970, UTC. Ids are random or time-ordered, so that no sequence stands in the way of a
-- login and several nodes can insert at once. Text compares by code point.
-- *_digest columns hold SHA-256 digests of secrets. Columns of bytes without such a name hold envelopes: a value in
-- clear or sealed, bound to its row and column.

-- What the database says about itself: the keyring's check value, progress of a key rotation.
CREATE TABLE sso_setting (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sso_user (
    user_id TEXT NOT NULL PRIMARY KEY,
    user_token BLOB NOT NULL,
    username TEXT NOT NULL,
    email BLOB,
    email_index BLOB,
    email_is_claimed INTEGER NOT NULL,
    display_name TEXT,
    first_name TEXT,
    middle_name TEXT,
    last_name TEXT,
    display_name_upper TEXT,
    first_name_upper TEXT,
    middle_name_upper TEXT,
    last_name_upper TEXT,
    is_active INTEGER NOT NULL,
    is_internal INTEGER NOT NULL,
    is_super_user INTEGER NOT NULL,
    is_locked INTEGER NOT NULL,
    locked_time INTEGER,
    locked_by TEXT,
    sign_up_status TEXT NOT NULL,
    sign_up_time INTEGER NOT NULL,
    sign_up_confirm_time INTEGER,
    sign_up_confirm_digest BLOB,
    approval_status TEXT NOT NULL,
    approval_status_mod_time INTEGER NOT NULL,
    approval_status_mod_by TEXT,
    password_hash BLOB,
    password_last_set INTEGER,
    password_expiry INTEGER,
    password_must_change INTEGER NOT NULL,
    is_totp_enabled INTEGER NOT NULL,
    totp_key BLOB,
    totp_label BLOB,
    totp_last_step INTEGER NOT NULL,
    is_rate_limit_active INTEGER NOT NULL,
    rate_limit_type TEXT,
    rate_limit_def TEXT,
    rate_limit_check_parent_def INTEGER NOT NULL,
    creation_ctx TEXT
) STRICT;
CREATE UNIQUE INDEX sso_user_username ON sso_user (username);
CREATE UNIQUE INDEX sso_user_token ON sso_user (user_token);
CREATE UNIQUE INDEX sso_user_confirm_digest ON sso_user (sign_up_confirm_digest) WHERE sign_up_confirm_digest IS NOT NULL;
-- Who signed up owns the address; accounts that a super-user makes may share one.
CREATE UNIQUE INDEX sso_user_email_claimed ON sso_user (email_index) WHERE email_is_claimed;
CREATE INDEX sso_user_email ON sso_user (email_index) WHERE email_index IS NOT NULL;
-- The order of search results; a username stands once, so nothing behind it can matter.
CREATE INDEX sso_user_order ON sso_user (display_name, username);
CREATE INDEX sso_user_display_name ON sso_user (display_name_upper) WHERE display_name_upper IS NOT NULL;
CREATE INDEX sso_user_first_name ON sso_user (first_name_upper) WHERE first_name_upper IS NOT NULL;
CREATE INDEX sso_user_middle_name ON sso_user (middle_name_upper) WHERE middle_name_upper IS NOT NULL;
CREATE INDEX sso_user_last_name ON sso_user (last_name_upper) WHERE last_name_upper IS NOT NULL;
CREATE INDEX sso_user_approval ON sso_user (approval_status);
CREATE INDEX sso_user_sign_up ON sso_user (sign_up_status);
CREATE INDEX sso_user_password_expiry ON sso_user (password_expiry);

CREATE TABLE sso_password_history (
    history_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    password_hash BLOB NOT NULL,
    replaced_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_password_history_user ON sso_password_history (user_id, replaced_time);

CREATE TABLE sso_recovery_code (
    code_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    code_digest BLOB NOT NULL,
    creation_time INTEGER NOT NULL,
    use_time INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_recovery_code_digest ON sso_recovery_code (user_id, code_digest);

-- Sites of the sessions API: clients with a key pair.
CREATE TABLE sso_site (
    site_id BLOB NOT NULL PRIMARY KEY,
    subdomain TEXT NOT NULL,
    public_key BLOB NOT NULL,
    private_key_digest BLOB NOT NULL,
    is_active INTEGER NOT NULL,
    creation_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sso_site_subdomain ON sso_site (subdomain);
CREATE UNIQUE INDEX sso_site_public_key ON sso_site (public_key);

CREATE TABLE sso_site_callback (
    site_id BLOB NOT NULL REFERENCES sso_site ON DELETE CASCADE,
    callback_uri TEXT NOT NULL,
    PRIMARY KEY (site_id, callback_uri)
) STRICT, WITHOUT ROWID;

CREATE TABLE sso_identity (
    identity_token BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    site_id BLOB REFERENCES sso_site ON DELETE SET NULL,
    provider TEXT NOT NULL,
    external_id TEXT,
    profile BLOB,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_identity_user ON sso_identity (user_id);
CREATE UNIQUE INDEX sso_identity_external ON sso_identity (site_id, external_id);

CREATE TABLE sso_session (
    session_id BLOB NOT NULL PRIMARY KEY,
    ust_digest BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL,
    remote_addr TEXT NOT NULL,
    user_agent TEXT,
    auth_type TEXT NOT NULL,
    auth_principal TEXT NOT NULL,
    ext_session_id TEXT,
    state_change_count INTEGER NOT NULL,
    -- What the sessions API adds to a session.
    site_id BLOB REFERENCES sso_site ON DELETE CASCADE,
    identity_token BLOB REFERENCES sso_identity ON DELETE CASCADE,
    top_realm TEXT,
    sub_realm TEXT,
    data TEXT,
    num_cookies_set INTEGER NOT NULL DEFAULT 0,
    update_time INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_session_ust ON sso_session (ust_digest);
CREATE INDEX sso_session_user ON sso_session (user_id, creation_time);
CREATE INDEX sso_session_expiration ON sso_session (expiration_time);
CREATE UNIQUE INDEX sso_session_ext ON sso_session (ext_session_id) WHERE ext_session_id IS NOT NULL;
CREATE INDEX sso_session_site ON sso_session (site_id, creation_time) WHERE site_id IS NOT NULL;
CREATE INDEX sso_session_identity ON sso_session (identity_token) WHERE identity_token IS NOT NULL;

-- The history of a session after its login, a ring: entry idx stands in slot idx modulo its length.
CREATE TABLE sso_session_change (
    session_id BLOB NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    change_time INTEGER NOT NULL,
    ctx_source TEXT NOT NULL,
    remote_addr TEXT NOT NULL,
    user_agent TEXT,
    PRIMARY KEY (session_id, slot)
) STRICT, WITHOUT ROWID;

-- One-time codes and first-party cookies of the browser half of the sessions API.
CREATE TABLE sso_browser_session (
    cookie_digest BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_browser_session_session ON sso_browser_session (session_id);
CREATE INDEX sso_browser_session_expiration ON sso_browser_session (expiration_time);

CREATE TABLE sso_browser_code (
    code_digest BLOB NOT NULL PRIMARY KEY,
    site_id BLOB NOT NULL REFERENCES sso_site ON DELETE CASCADE,
    session_id BLOB NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    callback_uri TEXT NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_browser_code_site ON sso_browser_code (site_id);
CREATE INDEX sso_browser_code_session ON sso_browser_code (session_id);
CREATE INDEX sso_browser_code_expiration ON sso_browser_code (expiration_time);

CREATE TABLE sso_user_attr (
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    is_encrypted INTEGER NOT NULL,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL,
    PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_user_attr_expiration ON sso_user_attr (expiration_time);

CREATE TABLE sso_session_attr (
    session_id BLOB NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    is_encrypted INTEGER NOT NULL,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_session_attr_expiration ON sso_session_attr (expiration_time);

CREATE TABLE sso_password_reset (
    reset_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    token_digest BLOB NOT NULL,
    token_expiration INTEGER NOT NULL,
    reset_key_digest BLOB,
    reset_key_expiration INTEGER,
    creation_time INTEGER NOT NULL,
    access_time INTEGER,
    creation_ctx TEXT,
    access_ctx TEXT
) STRICT;
CREATE UNIQUE INDEX sso_password_reset_token ON sso_password_reset (token_digest);
CREATE INDEX sso_password_reset_user ON sso_password_reset (user_id);
CREATE INDEX sso_password_reset_expiration ON sso_password_reset (token_expiration);

-- Security definitions: credentials of API clients. Made rarely and by hand, so their ids may come from a sequence.
CREATE TABLE sso_sec_def (
    sec_def_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sec_type TEXT NOT NULL,
    name TEXT NOT NULL,
    username TEXT NOT NULL,
    secret BLOB NOT NULL,
    is_active INTEGER NOT NULL,
    creation_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sso_sec_def_name ON sso_sec_def (name);
CREATE UNIQUE INDEX sso_sec_def_username ON sso_sec_def (sec_type, username);

-- A definition acts as one user.
CREATE TABLE sso_linked_auth (
    sec_def_id INTEGER NOT NULL PRIMARY KEY REFERENCES sso_sec_def ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    is_active INTEGER NOT NULL,
    creation_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_linked_auth_user ON sso_linked_auth (user_id);

-- Failed logins and rate limits: a counter per kind and subject (a digest of who or where from, and of the rule).
CREATE TABLE sso_throttle (
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    count INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_throttle_expiration ON sso_throttle (expiration_time);

-- chain_seq and chain_digest are given once an entry is sealed into the chain, outside the path of a login.
CREATE TABLE sso_audit (
    audit_id BLOB NOT NULL PRIMARY KEY,
    event_time INTEGER NOT NULL,
    cid TEXT NOT NULL,
    op TEXT NOT NULL,
    actor_id TEXT,
    target_id TEXT,
    result TEXT NOT NULL,
    current_app TEXT NOT NULL,
    remote_addr TEXT NOT NULL,
    extra TEXT NOT NULL,
    chain_seq INTEGER,
    chain_digest BLOB
) STRICT;
CREATE INDEX sso_audit_time ON sso_audit (event_time);
CREATE INDEX sso_audit_actor ON sso_audit (actor_id, event_time);
CREATE INDEX sso_audit_target ON sso_audit (target_id, event_time);
CREATE UNIQUE INDEX sso_audit_chain ON sso_audit (chain_seq) WHERE chain_seq IS NOT NULL;
