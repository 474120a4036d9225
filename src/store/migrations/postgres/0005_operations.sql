-- The private key that a site had before, where it still counts.
ALTER TABLE sso_site ADD COLUMN old_key_digest BYTEA;

-- The codes that browsers carry, sealed, so that their site can list those that it has not read.
CREATE TABLE sso_connection (
    code_digest BYTEA NOT NULL PRIMARY KEY REFERENCES sso_browser_code ON DELETE CASCADE,
    token BYTEA NOT NULL
);

-- What a site has made is listed by time.
CREATE INDEX sso_identity_site ON sso_identity (site_id, creation_time, identity_token);
