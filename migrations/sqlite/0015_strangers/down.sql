DELETE FROM counters WHERE name IN ('audit_acts', 'audit_counted');
DROP TRIGGER audit_attempts_rise;
DROP TRIGGER audit_is_final;
DROP INDEX audit_fold;
ALTER TABLE audit DROP COLUMN attempts;
ALTER TABLE audit DROP COLUMN fold;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never changed');
END;
ALTER TABLE deliveries DROP COLUMN payload_bytes;
