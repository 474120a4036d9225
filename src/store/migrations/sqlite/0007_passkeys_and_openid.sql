-- ---- Passkeys ----
-- The credentials, by the id that their authenticators know. Transports stand between blanks.
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
    creation_time INTEGER NOT NULL,
    last_use INTEGER
) STRICT;
CREATE UNIQUE INDEX sso_passkey_credential ON sso_passkey (credential_id);
CREATE INDEX sso_passkey_user ON sso_passkey (user_id);

-- What browsers were asked, and have not answered yet, by the digest of the challenge. The place is the network of a stranger;
-- the user is the one who registers a passkey, or has shown the password.
CREATE TABLE sso_passkey_ceremony (
    challenge_digest BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT REFERENCES sso_user ON DELETE CASCADE,
    place_digest BLOB,
    name TEXT,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_passkey_ceremony_expiration ON sso_passkey_ceremony (expiration_time);
CREATE INDEX sso_passkey_ceremony_user ON sso_passkey_ceremony (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sso_passkey_ceremony_place ON sso_passkey_ceremony (place_digest, creation_time) WHERE place_digest IS NOT NULL;
-- openid: clients and signing keys

-- Applications that users sign in to, and services. Lists stand a line each. Lifetimes are in seconds; NULL is that of the
-- configuration. NULL in pairwise_sector says that users are known by their user_id.
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
    is_trusted INTEGER NOT NULL,
    require_pkce INTEGER NOT NULL,
    app TEXT,
    logo_uri TEXT,
    policy_uri TEXT,
    tos_uri TEXT,
    pairwise_sector TEXT,
    is_active INTEGER NOT NULL,
    registration_digest BLOB,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;

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

-- ---- Languages ----
-- The language of the pages where the user has logged in last, for emails; NULL where that is not known.
ALTER TABLE sso_user ADD COLUMN language TEXT;
