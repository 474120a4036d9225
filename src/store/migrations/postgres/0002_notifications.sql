-- Every node that caches sessions listens to the channel zato_sso: whose sessions are not what they were. By triggers,
-- so that whoever changes something, by whatever program, tells of it, in the transaction that changes it.

CREATE FUNCTION sso_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT COUNT(*) FROM before) > 1000 THEN
        PERFORM pg_notify('zato_sso', '*');
    ELSE
        PERFORM pg_notify('zato_sso', user_id) FROM before;
    END IF;
    RETURN NULL;
END
$$;

-- A session that has expired is in no cache any more, whatever the clocks of nodes say, within a minute.
CREATE FUNCTION sso_session_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    expired CONSTANT BIGINT := EXTRACT(EPOCH FROM clock_timestamp() - INTERVAL '1 minute')::BIGINT * 1000000;
BEGIN
    IF (SELECT COUNT(*) FROM before WHERE expiration_time > expired) > 1000 THEN
        PERFORM pg_notify('zato_sso', '*');
    ELSE
        PERFORM pg_notify('zato_sso', user_id) FROM before WHERE expiration_time > expired;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION sso_all_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('zato_sso', '*');
    RETURN NULL;
END
$$;

CREATE TRIGGER sso_user_updated AFTER UPDATE ON sso_user
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_user_changed();
CREATE TRIGGER sso_user_deleted AFTER DELETE ON sso_user
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_user_changed();
CREATE TRIGGER sso_user_truncated AFTER TRUNCATE ON sso_user
    FOR EACH STATEMENT EXECUTE FUNCTION sso_all_changed();
CREATE TRIGGER sso_session_updated AFTER UPDATE ON sso_session
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_session_changed();
CREATE TRIGGER sso_session_deleted AFTER DELETE ON sso_session
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION sso_session_changed();
CREATE TRIGGER sso_session_truncated AFTER TRUNCATE ON sso_session
    FOR EACH STATEMENT EXECUTE FUNCTION sso_all_changed();
