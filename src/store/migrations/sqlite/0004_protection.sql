-- The form of a name under which it is unique: normalised, case-mapped where names are case-insensitive. NULL for users
-- of earlier versions until `zato-sso migrate --usernames`.
ALTER TABLE sso_user ADD COLUMN username_key TEXT;
CREATE UNIQUE INDEX sso_user_username_key ON sso_user (username_key) WHERE username_key IS NOT NULL;
-- Names that are there already were told apart by the case of letters.
INSERT INTO sso_setting (name, value)
    SELECT 'username_case', CAST('sensitive' AS BLOB) WHERE EXISTS (SELECT 1 FROM sso_user);
-- What a name looks like (UTS 39): two names that look alike have the same.
ALTER TABLE sso_user ADD COLUMN username_skeleton TEXT;
CREATE INDEX sso_user_username_skeleton ON sso_user (username_skeleton) WHERE username_skeleton IS NOT NULL;
-- When a sign-up that nobody has confirmed ends.
ALTER TABLE sso_user ADD COLUMN sign_up_expiration INTEGER;
-- The token that confirms it, sealed, so that an email can be repeated.
ALTER TABLE sso_user ADD COLUMN sign_up_token BLOB;
-- From where it came, and whether it took the place of one with the same email that came from elsewhere.
ALTER TABLE sso_user ADD COLUMN sign_up_place BLOB;
ALTER TABLE sso_user ADD COLUMN sign_up_contested INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sso_user_sign_up_expiration ON sso_user (sign_up_expiration) WHERE sign_up_expiration IS NOT NULL;

-- When the user last proved who they are; NULL where that was at the login.
ALTER TABLE sso_session ADD COLUMN auth_time INTEGER;

-- New emails that count when they are confirmed.
CREATE TABLE sso_email_change (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES sso_user ON DELETE CASCADE,
    email BLOB NOT NULL,
    email_index BLOB NOT NULL,
    token_digest BLOB NOT NULL,
    creation_time INTEGER NOT NULL,
    expiration_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sso_email_change_token ON sso_email_change (token_digest);
CREATE INDEX sso_email_change_expiration ON sso_email_change (expiration_time);

-- Networks from which a user has logged in.
CREATE TABLE sso_known_place (
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    place_digest BLOB NOT NULL,
    login_time INTEGER NOT NULL,
    PRIMARY KEY (user_id, place_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_known_place_time ON sso_known_place (login_time);

-- The token of a reset, sealed, so that an email can be repeated.
ALTER TABLE sso_password_reset ADD COLUMN token BLOB;

-- Emails that wait. The message is sealed. One node at a time holds a row.
CREATE TABLE sso_outbox (
    message_id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT REFERENCES sso_user ON DELETE CASCADE,
    message BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    creation_time INTEGER NOT NULL,
    next_time INTEGER NOT NULL,
    held_until INTEGER NOT NULL,
    held_by BLOB
) STRICT;
CREATE UNIQUE INDEX sso_outbox_waiting ON sso_outbox (kind, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sso_outbox_user ON sso_outbox (user_id);
CREATE INDEX sso_outbox_next ON sso_outbox (next_time);

-- A trusted site speaks for all users, any other for those that it made or whose password it has verified.
ALTER TABLE sso_site ADD COLUMN is_trusted INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sso_site_verified (
    site_id BLOB NOT NULL REFERENCES sso_site ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    verification_time INTEGER NOT NULL,
    PRIMARY KEY (site_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_site_verified_user ON sso_site_verified (user_id);
CREATE INDEX sso_site_verified_time ON sso_site_verified (verification_time);

-- What a JWT definition asks of tokens beyond the signature: the audience, and seconds that they may be valid.
ALTER TABLE sso_sec_def ADD COLUMN audience TEXT;
ALTER TABLE sso_sec_def ADD COLUMN max_lifetime INTEGER;
