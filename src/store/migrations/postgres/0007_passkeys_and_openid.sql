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
