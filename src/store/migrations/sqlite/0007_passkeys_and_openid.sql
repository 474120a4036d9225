-- ---- Passkeys ----
-- The credentials, by the id that their authenticators know. Transports stand between blanks. Discoverable are those that an
-- authenticator finds without being told their ids; NULL where it does not say so.
CREATE TABLE sso_passkey (
    passkey_id TEXT NOT NULL PRIMARY KEY,
    credential_id BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    aaguid BLOB NOT NULL,
    transports TEXT NOT NULL,
    is_backup_eligible INTEGER NOT NULL,
    is_backed_up INTEGER NOT NULL,
    is_user_verified INTEGER NOT NULL,
    is_discoverable INTEGER,
    creation_time INTEGER NOT NULL,
    last_use INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_passkey_credential ON sso_passkey (credential_id);
CREATE INDEX sso_passkey_user ON sso_passkey (user_id);

-- Passkeys that users are about to register, by the digest of the challenge that their browser has not answered yet.
CREATE TABLE sso_passkey_ceremony (
    challenge_digest BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    name TEXT NOT NULL,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_passkey_ceremony_expiration ON sso_passkey_ceremony (expiration_time);
CREATE INDEX sso_passkey_ceremony_user ON sso_passkey_ceremony (user_id);

-- Challenges of logins that a passkey has answered, by digest, until they expire: each counts once. One that nobody has answered
-- is kept nowhere.
CREATE TABLE sso_passkey_used_challenge (
    challenge_digest BLOB NOT NULL PRIMARY KEY,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_passkey_used_challenge_time ON sso_passkey_used_challenge (expiration_time);
-- openid: clients and signing keys

-- Applications that users sign in to, and services. Lists stand a line each. Lifetimes are in seconds; NULL is that of the
-- configuration. NULL in pairwise_sector says that users are known by their user_id. The
-- network is that of one who registered a client themselves.
CREATE TABLE sso_client (
    client_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    backchannel_logout_uri TEXT,
    scopes TEXT NOT NULL,
    grants TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    jwks TEXT,
    jwks_uri TEXT,
    id_token_alg TEXT NOT NULL,
    access_token_format TEXT NOT NULL,
    access_token_lifetime INTEGER,
    refresh_token_lifetime INTEGER,
    refresh_token_idle INTEGER,
    default_audience TEXT,
    audiences TEXT NOT NULL,
    own_audiences TEXT NOT NULL,
    is_trusted INTEGER NOT NULL,
    require_pkce INTEGER NOT NULL,
    app TEXT,
    logo_uri TEXT,
    policy_uri TEXT,
    tos_uri TEXT,
    pairwise_sector TEXT,
    is_active INTEGER NOT NULL,
    registration_digest BLOB,
    place_digest BLOB,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;

CREATE INDEX sso_client_place ON sso_client (place_digest, creation_time) WHERE place_digest IS NOT NULL;

-- The origins of the redirect URIs of public clients, for CORS.
CREATE TABLE sso_client_origin (
    origin TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    PRIMARY KEY (origin, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_client_origin_client ON sso_client_origin (client_id);

-- One or two: while one takes another's place, both are valid. Without an end, one is valid until it is replaced.
CREATE TABLE sso_client_secret (
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    secret_digest BLOB NOT NULL,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER,
    PRIMARY KEY (client_id, secret_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_client_secret_time ON sso_client_secret (expiration_time);

-- The private key is sealed. The number keeps several nodes from making the same key twice. A key signs from its activation until
-- the next one's, and is published from its creation until it expires, NULL as long as it has no successor.
CREATE TABLE sso_signing_key (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    number INTEGER NOT NULL,
    private_key BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    creation_time INTEGER NOT NULL,
    activation_time INTEGER NOT NULL,
    retirement_time INTEGER,
    expiration_time INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_signing_key_number ON sso_signing_key (alg, number);

-- Tokens that others made and that are good once: by what clients prove who they are, and proofs of possession. Digests of who
-- made one and of its jti.
CREATE TABLE sso_used_jwt (
    jti_digest BLOB NOT NULL PRIMARY KEY,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_used_jwt_time ON sso_used_jwt (expiration_time);
-- ---- Lists ----
-- The administration reads users a page at a time, behind the last one that was shown: by name, those in one state by name, and by
-- the time of their sign-up.
CREATE INDEX sso_user_signed_up ON sso_user (sign_up_time, user_id);
CREATE INDEX sso_user_undecided ON sso_user (username) WHERE approval_status <> 'approved';
CREATE INDEX sso_user_unfinished ON sso_user (username) WHERE sign_up_status <> 'final';
CREATE INDEX sso_user_locked ON sso_user (username) WHERE is_locked;
CREATE INDEX sso_user_super_user ON sso_user (username) WHERE is_super_user;

-- ---- Emails ----
-- Whether the user has shown that the email is theirs, by a link that was sent there. Of users from before nobody knows.
ALTER TABLE sso_user ADD COLUMN email_is_verified INTEGER NOT NULL DEFAULT 0;
-- Whether the token of a sign-up has gone to the email that the user has, and nowhere else.
ALTER TABLE sso_user ADD COLUMN sign_up_is_mailed INTEGER NOT NULL DEFAULT 0;

-- ---- Languages ----
-- The language of the pages where the user has logged in last, for emails; NULL where that is not known.
ALTER TABLE sso_user ADD COLUMN language TEXT;

-- openid: when names, username or email of a user were changed; NULL where that is not known.
ALTER TABLE sso_user ADD COLUMN profile_time INTEGER;

-- openid: grants, codes and tokens

-- What a user has allowed a client. Scopes stand between blanks.
CREATE TABLE sso_grant (
    grant_id BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sso_grant_user ON sso_grant (user_id, client_id);
CREATE INDEX sso_grant_client ON sso_grant (client_id);

-- One sign-in at a client, and all tokens that came of it: these end with it. It ends with its session, unless session_id is NULL
-- because of the scope offline_access. Of the refresh token there is one at a time: refresh_key finds it, and its predecessor is
-- good once more for some seconds, for the same successor, which is sealed. What came of a token that was exchanged ends with its
-- parent, and there is one for each client that exchanges: exchange_key. act tells who has exchanged it, as JSON.
CREATE TABLE sso_authorization (
    authorization_id BLOB NOT NULL PRIMARY KEY,
    grant_id BLOB NOT NULL REFERENCES sso_grant ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    session_id BLOB REFERENCES sso_session ON DELETE CASCADE,
    sid BLOB NOT NULL,
    scopes TEXT NOT NULL,
    claims TEXT,
    audiences TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    auth_methods TEXT NOT NULL,
    thumbprint TEXT,
    redirect_uri TEXT,
    parent_id BLOB REFERENCES sso_authorization ON DELETE CASCADE,
    exchange_key BLOB,
    act TEXT,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL,
    refresh_key BLOB,
    refresh_digest BLOB,
    former_digest BLOB,
    successor BLOB,
    rotation_time INTEGER,
    idle_end INTEGER
) STRICT;
CREATE INDEX sso_authorization_grant ON sso_authorization (grant_id, creation_time);
CREATE INDEX sso_authorization_user ON sso_authorization (user_id);
CREATE INDEX sso_authorization_session ON sso_authorization (session_id) WHERE session_id IS NOT NULL;
CREATE UNIQUE INDEX sso_authorization_refresh ON sso_authorization (refresh_key) WHERE refresh_key IS NOT NULL;
CREATE INDEX sso_authorization_parent ON sso_authorization (parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX sso_authorization_exchange ON sso_authorization (exchange_key) WHERE exchange_key IS NOT NULL;
CREATE INDEX sso_authorization_expiration ON sso_authorization (expiration_time);

-- A code is kept for some minutes after its use, so that a second use is noticed.
CREATE TABLE sso_authorization_code (
    code_digest BLOB NOT NULL PRIMARY KEY,
    authorization_id BLOB NOT NULL REFERENCES sso_authorization ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    nonce TEXT,
    good_until INTEGER NOT NULL,
    use_time INTEGER,
    expiration_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_authorization_code_authorization ON sso_authorization_code (authorization_id);
CREATE INDEX sso_authorization_code_expiration ON sso_authorization_code (expiration_time);

-- Opaque access tokens; and, by their jti, JWTs that were called back. Without an authorization it is the client's own.
CREATE TABLE sso_access_token (
    token_digest BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    authorization_id BLOB REFERENCES sso_authorization ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    audiences TEXT NOT NULL,
    thumbprint TEXT,
    is_revoked INTEGER NOT NULL,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_access_token_client ON sso_access_token (client_id);
CREATE INDEX sso_access_token_authorization ON sso_access_token (authorization_id, creation_time)
    WHERE authorization_id IS NOT NULL;
CREATE INDEX sso_access_token_expiration ON sso_access_token (expiration_time);

-- Authorization requests that were pushed (RFC 9126), as a query string. Once the browser has come with one, it has the name that it
-- was given then, and more time.
CREATE TABLE sso_pushed_request (
    request_digest BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    parameters TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_pushed_request_client ON sso_pushed_request (client_id);
CREATE INDEX sso_pushed_request_expiration ON sso_pushed_request (expiration_time);

-- Devices whose users answer elsewhere (RFC 8628), and the network of those that need not prove who they are. The sign-in is there
-- once the user has said yes.
CREATE TABLE sso_device_code (
    device_digest BLOB NOT NULL PRIMARY KEY,
    user_code_digest BLOB NOT NULL,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    place_digest BLOB,
    scopes TEXT NOT NULL,
    audiences TEXT NOT NULL,
    authorization_id BLOB REFERENCES sso_authorization ON DELETE CASCADE,
    is_denied INTEGER NOT NULL,
    next_poll INTEGER NOT NULL,
    poll_interval INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sso_device_code_user ON sso_device_code (user_code_digest);
CREATE INDEX sso_device_code_client ON sso_device_code (client_id);
CREATE INDEX sso_device_code_place ON sso_device_code (place_digest) WHERE place_digest IS NOT NULL;
CREATE INDEX sso_device_code_authorization ON sso_device_code (authorization_id) WHERE authorization_id IS NOT NULL;
CREATE INDEX sso_device_code_expiration ON sso_device_code (expiration_time);

-- Clients that are to be told when a session ends: then next_time is given, by whatever ends it. Until they know, or it is given
-- up, the row stays, whatever becomes of session and user.
CREATE TABLE sso_logout_notice (
    session_id BLOB NOT NULL,
    client_id TEXT NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    creation_time INTEGER NOT NULL,
    end_time INTEGER,
    next_time INTEGER,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (session_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_logout_notice_client ON sso_logout_notice (client_id, next_time, session_id);
CREATE INDEX sso_logout_notice_next ON sso_logout_notice (next_time) WHERE next_time IS NOT NULL;
CREATE TRIGGER sso_session_ended AFTER DELETE ON sso_session
BEGIN
    UPDATE sso_logout_notice SET next_time = 0 WHERE session_id = OLD.session_id;
END;

-- How the user of a session has proved who they are, by names of RFC 8176 between blanks; NULL is by a password alone.
ALTER TABLE sso_session ADD COLUMN auth_methods TEXT;

-- ---- Audit: who acted how, and the search ----
-- How who acted has shown who they are: password totp, command, site. NULL where nobody has, and in what was written before.
ALTER TABLE sso_audit ADD COLUMN how TEXT;

-- Each has the order of the search, newest first, so that a page is read and nothing sorted. Refusals are few.
DROP INDEX sso_audit_time;
DROP INDEX sso_audit_actor;
DROP INDEX sso_audit_target;
CREATE INDEX sso_audit_time ON sso_audit (event_time, audit_id);
CREATE INDEX sso_audit_actor ON sso_audit (actor_id, event_time, audit_id) WHERE actor_id IS NOT NULL;
CREATE INDEX sso_audit_target ON sso_audit (target_id, event_time, audit_id) WHERE target_id IS NOT NULL;
CREATE INDEX sso_audit_op ON sso_audit (op, event_time, audit_id);
CREATE INDEX sso_audit_address ON sso_audit (remote_addr, event_time, audit_id);
CREATE INDEX sso_audit_refused ON sso_audit (event_time, audit_id) WHERE result <> 'ok';
CREATE INDEX sso_audit_result ON sso_audit (result, event_time, audit_id) WHERE result <> 'ok';
CREATE INDEX sso_audit_cid ON sso_audit (cid);

-- ---- Audit: the chain ----
-- The keys of digests, sealed. A rotation of the keyring adds one.
CREATE TABLE sso_audit_key (
    number INTEGER NOT NULL PRIMARY KEY,
    sealed_key BLOB NOT NULL,
    creation_time INTEGER NOT NULL
) STRICT;

-- Where the chain ends, what audit.keep has deleted of it, and since when entries have digests. The digest covers all of it.
CREATE TABLE sso_audit_head (
    head_id INTEGER NOT NULL PRIMARY KEY CHECK (head_id = 1),
    head_seq INTEGER NOT NULL,
    head_digest BLOB NOT NULL,
    head_time INTEGER NOT NULL,
    checkpoint_seq INTEGER NOT NULL,
    checkpoint_digest BLOB NOT NULL,
    checkpoint_time INTEGER,
    begin_time INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;

-- What waits to be sealed. Entries that were written before there was a chain have no digest.
CREATE INDEX sso_audit_unsealed ON sso_audit (audit_id) WHERE chain_seq IS NULL AND chain_digest IS NOT NULL;
