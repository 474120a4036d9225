-- The token of a session that a site has started, sealed: lists show it, so a digest alone is not enough.
ALTER TABLE sso_session ADD COLUMN site_token BLOB;

-- Where a browser is sent back to says for which site it comes.
CREATE UNIQUE INDEX sso_site_callback_uri ON sso_site_callback (callback_uri);

-- Every user has at least one identity.
INSERT INTO sso_identity (identity_token, user_id, provider, creation_time, last_modified)
    SELECT unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8' || substr(hex(randomblob(8)), 2)),
        user_id, 'storage', sign_up_time, sign_up_time
    FROM sso_user;
