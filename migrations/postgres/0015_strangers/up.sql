-- What strangers cause is bounded apart from what others do.

-- Of a refused delivery only the first part of the payload is kept: the bytes of all of it, if it was cut.
ALTER TABLE deliveries ADD COLUMN payload_bytes BIGINT;

-- Failed sign-ins of one hour, subject and network share an entry: what tells them from others, and how many they are.
ALTER TABLE audit ADD COLUMN fold TEXT;
ALTER TABLE audit ADD COLUMN attempts BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX audit_fold ON audit (fold);

DROP TRIGGER audit_is_final ON audit;
CREATE TRIGGER audit_is_final BEFORE UPDATE OF id, organization, at, actor_kind, actor_id, actor_name, actor_role, source, act,
    subject_id, subject_name, before, after, request_key, request_digest, fold ON audit
    EXECUTE FUNCTION audit_is_final();
CREATE TRIGGER audit_attempts_rise BEFORE UPDATE OF attempts ON audit FOR EACH ROW
    WHEN (OLD.act <> 'session.sign_in_failed' OR NEW.attempts <> OLD.attempts + 1)
    EXECUTE FUNCTION audit_is_final();

-- Entries that are no failed sign-ins: how many there are among those below a number, and that number.
INSERT INTO counters (name, next) VALUES ('audit_acts', 0), ('audit_counted', 1);
