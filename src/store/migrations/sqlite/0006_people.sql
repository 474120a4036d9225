-- When a session was last used, as far as that is written; NULL where that was when it began.
ALTER TABLE sso_session ADD COLUMN last_use INTEGER;

-- With what, and from which networks, users have logged in, for emails about what is new. A row without a digest says that there
-- was a login before.
CREATE TABLE sso_seen_client (
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    client_digest BLOB NOT NULL,
    login_time INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_seen_client_time ON sso_seen_client (login_time);
