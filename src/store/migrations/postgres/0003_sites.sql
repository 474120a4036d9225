-- The token of a session that a site has started, sealed: lists show it, so a digest alone is not enough.
ALTER TABLE sso_session ADD COLUMN site_token BYTEA;

-- Where a browser is sent back to says for which site it comes.
CREATE UNIQUE INDEX sso_site_callback_uri ON sso_site_callback (callback_uri);

-- Every user has at least one identity.
INSERT INTO sso_identity (identity_token, user_id, provider, creation_time, last_modified)
    SELECT gen_random_uuid(), user_id, 'storage', sign_up_time, sign_up_time FROM sso_user;
