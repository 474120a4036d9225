-- When a session was last used, as far as that is written; NULL where that was when it began.
ALTER TABLE sso_session ADD COLUMN last_use BIGINT;

-- With what, and from which networks, users have logged in, for emails about what is new. A row without a digest says that there
-- was a login before.
CREATE TABLE sso_seen_client (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    client_digest BYTEA NOT NULL,
    login_time BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_digest)
);
CREATE INDEX sso_seen_client_time ON sso_seen_client (login_time);
-- Groups of users. Scopes stand between blanks.
CREATE TABLE sso_group (
    group_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C",
    description TEXT COLLATE "C",
    scopes TEXT COLLATE "C" NOT NULL,
    can_manage_users BOOLEAN NOT NULL,
    can_read_audit BOOLEAN NOT NULL,
    creation_time BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE UNIQUE INDEX sso_group_name ON sso_group (name_key);
CREATE TABLE sso_group_member (
    group_id TEXT COLLATE "C" NOT NULL REFERENCES sso_group ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES sso_user ON DELETE CASCADE,
    added_time BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX sso_group_member_user ON sso_group_member (user_id);

-- Nodes that cache sessions are told of groups as well: by who comes and goes, and by a group that is changed.
CREATE TRIGGER sso_group_member_added AFTER INSERT ON sso_group_member
    REFERENCING NEW TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_user_changed();
CREATE TRIGGER sso_group_member_updated AFTER UPDATE ON sso_group_member
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_user_changed();
CREATE TRIGGER sso_group_member_removed AFTER DELETE ON sso_group_member
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_user_changed();
CREATE TRIGGER sso_group_member_truncated AFTER TRUNCATE ON sso_group_member
    FOR EACH STATEMENT EXECUTE FUNCTION sso_all_changed();

CREATE FUNCTION sso_group_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT COUNT(*) FROM sso_group_member JOIN before USING (group_id)) > 1000 THEN
        PERFORM pg_notify('zato_sso', '*');
    ELSE
        PERFORM pg_notify('zato_sso', user_id) FROM sso_group_member JOIN before USING (group_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER sso_group_updated AFTER UPDATE ON sso_group
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_group_changed();
