DELETE FROM counters WHERE name IN ('audit_acts', 'audit_counted');
DROP TRIGGER audit_attempts_rise ON audit;
DROP TRIGGER audit_is_final ON audit;
DROP INDEX audit_fold;
ALTER TABLE audit DROP COLUMN attempts;
ALTER TABLE audit DROP COLUMN fold;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit EXECUTE FUNCTION audit_is_final();
ALTER TABLE deliveries DROP COLUMN payload_bytes;
