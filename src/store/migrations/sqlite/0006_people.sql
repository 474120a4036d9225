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
-- Groups of users. Scopes stand between blanks.
CREATE TABLE sso_group (
    group_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    display_name TEXT,
    description TEXT,
    scopes TEXT NOT NULL,
    can_manage_users INTEGER NOT NULL,
    can_read_audit INTEGER NOT NULL,
    creation_time INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sso_group_name ON sso_group (name_key);
CREATE TABLE sso_group_member (
    group_id TEXT NOT NULL REFERENCES sso_group ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    added_time INTEGER NOT NULL,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_group_member_user ON sso_group_member (user_id);
