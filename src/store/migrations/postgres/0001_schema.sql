-- Times are microseconds since 1970, UTC. Ids are random or time-ordered, so that no sequence stands in the way of a
-- login and several nodes can insert at once. Text compares by code point (COLLATE "C"), as in SQLite.
-- *_digest columns hold SHA-256 digests of secrets. Columns of bytes without such a name hold envelopes: a value in
-- clear or sealed, bound to its row and column.

-- What the database says about itself: the keyring's check value, progress of a key rotation.
CREATE TABLE sso_setting (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE sso_user (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_token UUID NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    email BYTEA,
    email_index BYTEA,
    email_is_claimed BOOLEAN NOT NULL,
    display_name TEXT COLLATE "C",
    first_name TEXT COLLATE "C",
    middle_name TEXT COLLATE "C",
    last_name TEXT COLLATE "C",
    display_name_upper TEXT COLLATE "C",
    first_name_upper TEXT COLLATE "C",
    middle_name_upper TEXT COLLATE "C",
    last_name_upper TEXT COLLATE "C",
    is_active BOOLEAN NOT NULL,
    is_internal BOOLEAN NOT NULL,
    is_super_user BOOLEAN NOT NULL,
    is_locked BOOLEAN NOT NULL,
    locked_time BIGINT,
    locked_by TEXT COLLATE "C",
    sign_up_status TEXT COLLATE "C" NOT NULL,
    sign_up_time BIGINT NOT NULL,
    sign_up_confirm_time BIGINT,
    sign_up_confirm_digest BYTEA,
    approval_status TEXT COLLATE "C" NOT NULL,
    approval_status_mod_time BIGINT NOT NULL,
    approval_status_mod_by TEXT COLLATE "C",
    password_hash BYTEA,
    password_last_set BIGINT,
    password_expiry BIGINT,
    password_must_change BOOLEAN NOT NULL,
    is_totp_enabled BOOLEAN NOT NULL,
    totp_key BYTEA,
    totp_label BYTEA,
    totp_last_step BIGINT NOT NULL,
    is_rate_limit_active BOOLEAN NOT NULL,
    rate_limit_type TEXT COLLATE "C",
    rate_limit_def TEXT COLLATE "C",
    rate_limit_check_parent_def BOOLEAN NOT NULL,
    creation_ctx TEXT COLLATE "C"
);
CREATE UNIQUE INDEX sso_user_username ON sso_user (username);
CREATE UNIQUE INDEX sso_user_token ON sso_user (user_token);
CREATE UNIQUE INDEX sso_user_confirm_digest ON sso_user (sign_up_confirm_digest) WHERE sign_up_confirm_digest IS NOT NULL;
-- Who signed up owns the address; accounts that a super-user makes may share one.
CREATE UNIQUE INDEX sso_user_email_claimed ON sso_user (email_index) WHERE email_is_claimed;
CREATE INDEX sso_user_email ON sso_user (email_index) WHERE email_index IS NOT NULL;
-- The order of search results; a username stands once, so nothing behind it can matter.
CREATE INDEX sso_user_order ON sso_user (display_name NULLS FIRST, username);
CREATE INDEX sso_user_display_name ON sso_user (display_name_upper) WHERE display_name_upper IS NOT NULL;
CREATE INDEX sso_user_first_name ON sso_user (first_name_upper) WHERE first_name_upper IS NOT NULL;
CREATE INDEX sso_user_middle_name ON sso_user (middle_name_upper) WHERE middle_name_upper IS NOT NULL;
CREATE INDEX sso_user_last_name ON sso_user (last_name_upper) WHERE last_name_upper IS NOT NULL;
CREATE INDEX sso_user_approval ON sso_user (approval_status);
CREATE INDEX sso_user_sign_up ON sso_user (sign_up_status);
CREATE INDEX sso_user_password_expiry ON sso_user (password_expiry);

CREATE TABLE sso_password_history (
    history_id UUID NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    password_hash BYTEA NOT NULL,
    replaced_time BIGINT NOT NULL
);
CREATE INDEX sso_password_history_user ON sso_password_history (user_id, replaced_time);

CREATE TABLE sso_recovery_code (
    code_id UUID NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    code_digest BYTEA NOT NULL,
    creation_time BIGINT NOT NULL,
    use_time BIGINT
);
CREATE UNIQUE INDEX sso_recovery_code_digest ON sso_recovery_code (user_id, code_digest);

-- Sites of the sessions API: clients with a key pair.
CREATE TABLE sso_site (
    site_id UUID NOT NULL PRIMARY KEY,
    subdomain TEXT COLLATE "C" NOT NULL,
    public_key UUID NOT NULL,
    private_key_digest BYTEA NOT NULL,
    is_active BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX sso_site_subdomain ON sso_site (subdomain);
CREATE UNIQUE INDEX sso_site_public_key ON sso_site (public_key);

CREATE TABLE sso_site_callback (
    site_id UUID NOT NULL REFERENCES sso_site ON DELETE CASCADE,
    callback_uri TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (site_id, callback_uri)
);

CREATE TABLE sso_identity (
    identity_token UUID NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    site_id UUID REFERENCES sso_site ON DELETE SET NULL,
    provider TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    profile BYTEA,
    creation_time BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX sso_identity_user ON sso_identity (user_id);
CREATE UNIQUE INDEX sso_identity_external ON sso_identity (site_id, external_id);

CREATE TABLE sso_session (
    session_id UUID NOT NULL PRIMARY KEY,
    ust_digest BYTEA NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    creation_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    remote_addr TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C",
    auth_type TEXT COLLATE "C" NOT NULL,
    auth_principal TEXT COLLATE "C" NOT NULL,
    ext_session_id TEXT COLLATE "C",
    state_change_count BIGINT NOT NULL,
    -- What the sessions API adds to a session.
    site_id UUID REFERENCES sso_site ON DELETE CASCADE,
    identity_token UUID REFERENCES sso_identity ON DELETE CASCADE,
    top_realm TEXT COLLATE "C",
    sub_realm TEXT COLLATE "C",
    data TEXT COLLATE "C",
    num_cookies_set BIGINT NOT NULL DEFAULT 0,
    update_time BIGINT
);
CREATE UNIQUE INDEX sso_session_ust ON sso_session (ust_digest);
CREATE INDEX sso_session_user ON sso_session (user_id, creation_time);
CREATE INDEX sso_session_expiration ON sso_session (expiration_time);
CREATE UNIQUE INDEX sso_session_ext ON sso_session (ext_session_id) WHERE ext_session_id IS NOT NULL;
CREATE INDEX sso_session_site ON sso_session (site_id, creation_time) WHERE site_id IS NOT NULL;
CREATE INDEX sso_session_identity ON sso_session (identity_token) WHERE identity_token IS NOT NULL;

-- The history of a session after its login, a ring: entry idx stands in slot idx modulo its length.
CREATE TABLE sso_session_change (
    session_id UUID NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    slot BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    change_time BIGINT NOT NULL,
    ctx_source TEXT COLLATE "C" NOT NULL,
    remote_addr TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C",
    PRIMARY KEY (session_id, slot)
);

-- One-time codes and first-party cookies of the browser half of the sessions API.
CREATE TABLE sso_browser_session (
    cookie_digest BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    creation_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX sso_browser_session_session ON sso_browser_session (session_id);
CREATE INDEX sso_browser_session_expiration ON sso_browser_session (expiration_time);

CREATE TABLE sso_browser_code (
    code_digest BYTEA NOT NULL PRIMARY KEY,
    site_id UUID NOT NULL REFERENCES sso_site ON DELETE CASCADE,
    session_id UUID NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    callback_uri TEXT COLLATE "C" NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX sso_browser_code_site ON sso_browser_code (site_id);
CREATE INDEX sso_browser_code_session ON sso_browser_code (session_id);
CREATE INDEX sso_browser_code_expiration ON sso_browser_code (expiration_time);

CREATE TABLE sso_user_attr (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    is_encrypted BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL,
    last_modified BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    PRIMARY KEY (user_id, name)
);
CREATE INDEX sso_user_attr_expiration ON sso_user_attr (expiration_time);

CREATE TABLE sso_session_attr (
    session_id UUID NOT NULL REFERENCES sso_session ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    is_encrypted BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL,
    last_modified BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    PRIMARY KEY (session_id, name)
);
CREATE INDEX sso_session_attr_expiration ON sso_session_attr (expiration_time);

CREATE TABLE sso_password_reset (
    reset_id UUID NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    token_digest BYTEA NOT NULL,
    token_expiration BIGINT NOT NULL,
    reset_key_digest BYTEA,
    reset_key_expiration BIGINT,
    creation_time BIGINT NOT NULL,
    access_time BIGINT,
    creation_ctx TEXT COLLATE "C",
    access_ctx TEXT COLLATE "C"
);
CREATE UNIQUE INDEX sso_password_reset_token ON sso_password_reset (token_digest);
CREATE INDEX sso_password_reset_user ON sso_password_reset (user_id);
CREATE INDEX sso_password_reset_expiration ON sso_password_reset (token_expiration);

-- Security definitions: credentials of API clients. Made rarely and by hand, so their ids may come from a sequence.
CREATE TABLE sso_sec_def (
    sec_def_id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    sec_type TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    secret BYTEA NOT NULL,
    is_active BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL
);
CREATE UNIQUE INDEX sso_sec_def_name ON sso_sec_def (name);
CREATE UNIQUE INDEX sso_sec_def_username ON sso_sec_def (sec_type, username);

-- A definition acts as one user.
CREATE TABLE sso_linked_auth (
    sec_def_id BIGINT NOT NULL PRIMARY KEY REFERENCES sso_sec_def ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    is_active BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL
);
CREATE INDEX sso_linked_auth_user ON sso_linked_auth (user_id);

-- Failed logins and rate limits: a counter per kind and subject (a digest of who or where from, and of the rule).
CREATE TABLE sso_throttle (
    kind TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    count BIGINT NOT NULL,
    window_start BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX sso_throttle_expiration ON sso_throttle (expiration_time);

-- chain_seq and chain_digest are given once an entry is sealed into the chain, outside the path of a login.
CREATE TABLE sso_audit (
    audit_id UUID NOT NULL PRIMARY KEY,
    event_time BIGINT NOT NULL,
    cid TEXT COLLATE "C" NOT NULL,
    op TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C",
    target_id TEXT COLLATE "C",
    result TEXT COLLATE "C" NOT NULL,
    current_app TEXT COLLATE "C" NOT NULL,
    remote_addr TEXT COLLATE "C" NOT NULL,
    extra TEXT COLLATE "C" NOT NULL,
    chain_seq BIGINT,
    chain_digest BYTEA
);
CREATE INDEX sso_audit_time ON sso_audit (event_time);
CREATE INDEX sso_audit_actor ON sso_audit (actor_id, event_time);
CREATE INDEX sso_audit_target ON sso_audit (target_id, event_time);
CREATE UNIQUE INDEX sso_audit_chain ON sso_audit (chain_seq) WHERE chain_seq IS NOT NULL;
