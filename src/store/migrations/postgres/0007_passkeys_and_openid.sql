-- ---- Passkeys ----
-- The credentials, by the id that their authenticators know. Transports stand between blanks.
CREATE TABLE sso_passkey (
    passkey_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    credential_id BYTEA NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    public_key BYTEA NOT NULL,
    sign_count BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    aaguid UUID NOT NULL,
    transports TEXT COLLATE "C" NOT NULL,
    is_backup_eligible BOOLEAN NOT NULL,
    is_backed_up BOOLEAN NOT NULL,
    is_user_verified BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL,
    last_use BIGINT
);
CREATE UNIQUE INDEX sso_passkey_credential ON sso_passkey (credential_id);
CREATE INDEX sso_passkey_user ON sso_passkey (user_id);

-- What browsers were asked, and have not answered yet, by the digest of the challenge. The place is the network of a stranger;
-- the user is the one who registers a passkey, or has shown the password.
CREATE TABLE sso_passkey_ceremony (
    challenge_digest BYTEA NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" REFERENCES sso_user ON DELETE CASCADE,
    place_digest BYTEA,
    name TEXT COLLATE "C",
    creation_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX sso_passkey_ceremony_expiration ON sso_passkey_ceremony (expiration_time);
CREATE INDEX sso_passkey_ceremony_user ON sso_passkey_ceremony (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sso_passkey_ceremony_place ON sso_passkey_ceremony (place_digest, creation_time) WHERE place_digest IS NOT NULL;
-- openid: clients and signing keys

-- Applications that users sign in to, and services. Lists stand a line each. Lifetimes are in seconds; NULL is that of the
-- configuration. NULL in pairwise_sector says that users are known by their user_id.
CREATE TABLE sso_client (
    client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    redirect_uris TEXT COLLATE "C" NOT NULL,
    post_logout_redirect_uris TEXT COLLATE "C" NOT NULL,
    backchannel_logout_uri TEXT COLLATE "C",
    scopes TEXT COLLATE "C" NOT NULL,
    grants TEXT COLLATE "C" NOT NULL,
    auth_method TEXT COLLATE "C" NOT NULL,
    jwks TEXT COLLATE "C",
    jwks_uri TEXT COLLATE "C",
    id_token_alg TEXT COLLATE "C" NOT NULL,
    access_token_format TEXT COLLATE "C" NOT NULL,
    access_token_lifetime BIGINT,
    refresh_token_lifetime BIGINT,
    refresh_token_idle BIGINT,
    default_audience TEXT COLLATE "C",
    audiences TEXT COLLATE "C" NOT NULL,
    is_trusted BOOLEAN NOT NULL,
    require_pkce BOOLEAN NOT NULL,
    app TEXT COLLATE "C",
    logo_uri TEXT COLLATE "C",
    policy_uri TEXT COLLATE "C",
    tos_uri TEXT COLLATE "C",
    pairwise_sector TEXT COLLATE "C",
    is_active BOOLEAN NOT NULL,
    registration_digest BYTEA,
    creation_time BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);

-- The origins of the redirect URIs of public clients, for CORS.
CREATE TABLE sso_client_origin (
    origin TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    PRIMARY KEY (origin, client_id)
);
CREATE INDEX sso_client_origin_client ON sso_client_origin (client_id);

-- One or two: while one takes another's place, both are valid. Without an end, one is valid until it is replaced.
CREATE TABLE sso_client_secret (
    client_id TEXT COLLATE "C" NOT NULL REFERENCES sso_client ON DELETE CASCADE,
    secret_digest BYTEA NOT NULL,
    creation_time BIGINT NOT NULL,
    expiration_time BIGINT,
    PRIMARY KEY (client_id, secret_digest)
);
CREATE INDEX sso_client_secret_time ON sso_client_secret (expiration_time);

-- The private key is sealed. The number keeps several nodes from making the same key twice. A key signs from its activation until
-- the next one's, and is published from its creation until it expires, NULL as long as it has no successor.
CREATE TABLE sso_signing_key (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    alg TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    private_key BYTEA NOT NULL,
    public_jwk TEXT COLLATE "C" NOT NULL,
    creation_time BIGINT NOT NULL,
    activation_time BIGINT NOT NULL,
    retirement_time BIGINT,
    expiration_time BIGINT
);
CREATE UNIQUE INDEX sso_signing_key_number ON sso_signing_key (alg, number);

-- Tokens that others made and that are good once: by what clients prove who they are, and proofs of possession. Digests of who
-- made one and of its jti.
CREATE TABLE sso_used_jwt (
    jti_digest BYTEA NOT NULL PRIMARY KEY,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX sso_used_jwt_time ON sso_used_jwt (expiration_time);

-- Nodes that cache clients and signing keys are told of both on the channel of sessions: by the id of a client, and by a word.
CREATE FUNCTION sso_client_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT COUNT(*) FROM before) > 1000 THEN
        PERFORM pg_notify('zato_sso', '*');
    ELSE
        PERFORM pg_notify('zato_sso', client_id) FROM before;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION sso_signing_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('zato_sso', 'signing_key');
    RETURN NULL;
END
$$;
CREATE TRIGGER sso_client_updated AFTER UPDATE ON sso_client
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_client_changed();
CREATE TRIGGER sso_client_deleted AFTER DELETE ON sso_client
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_client_changed();
CREATE TRIGGER sso_client_truncated AFTER TRUNCATE ON sso_client
    FOR EACH STATEMENT EXECUTE FUNCTION sso_all_changed();
CREATE TRIGGER sso_client_secret_added AFTER INSERT ON sso_client_secret
    REFERENCING NEW TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_client_changed();
CREATE TRIGGER sso_client_secret_updated AFTER UPDATE ON sso_client_secret
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_client_changed();
CREATE TRIGGER sso_client_secret_deleted AFTER DELETE ON sso_client_secret
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_client_changed();
CREATE TRIGGER sso_client_secret_truncated AFTER TRUNCATE ON sso_client_secret
    FOR EACH STATEMENT EXECUTE FUNCTION sso_all_changed();
CREATE TRIGGER sso_signing_key_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sso_signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION sso_signing_key_changed();
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
