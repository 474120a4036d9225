-- The private key that a site had before, where it still counts.
ALTER TABLE sso_site ADD COLUMN old_key_digest BYTEA;

-- The codes that browsers carry, sealed, so that their site can list those that it has not read.
CREATE TABLE sso_connection (
    code_digest BYTEA NOT NULL PRIMARY KEY REFERENCES sso_browser_code ON DELETE CASCADE,
    token BYTEA NOT NULL
);

-- What a site has made is listed by time.
CREATE INDEX sso_identity_site ON sso_identity (site_id, creation_time, identity_token);

-- Devices that users have logged in with. A user has so many slots, and a new device takes a free one, or that of another.
CREATE TABLE sso_device (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    slot BIGINT NOT NULL,
    device_digest BYTEA NOT NULL,
    creation_time BIGINT NOT NULL,
    last_use BIGINT NOT NULL,
    PRIMARY KEY (user_id, slot)
);
CREATE INDEX sso_device_last_use_time ON sso_device (last_use);

-- A sign-up with an address that somebody else owns: to who made it, it is like any other, but nobody can confirm it.
ALTER TABLE sso_user ADD COLUMN sign_up_is_decoy BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX sso_user_sign_up_decoy ON sso_user (user_id) WHERE sign_up_is_decoy;
-- The last time step of a TOTP code that was used while the clock was ahead; 0 for none. It is not used again when its time comes.
ALTER TABLE sso_user ADD COLUMN totp_ahead_step BIGINT NOT NULL DEFAULT 0;
-- TOTP keys that are to take effect when a code of them is shown. The key is sealed.
CREATE TABLE sso_totp_enrolment (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES sso_user ON DELETE CASCADE,
    totp_key BYTEA NOT NULL,
    creation_time BIGINT NOT NULL,
    expiration_time BIGINT NOT NULL
);
CREATE INDEX sso_totp_enrolment_expiration ON sso_totp_enrolment (expiration_time);
