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
