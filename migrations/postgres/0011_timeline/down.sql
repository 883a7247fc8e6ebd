DROP INDEX incidents_resolved;
DROP TABLE incident_events;
ALTER TABLE incidents DROP COLUMN changes;
ALTER TABLE incidents DROP COLUMN cleared_at;
ALTER TABLE incidents DROP COLUMN resolved_at;
ALTER TABLE incidents DROP COLUMN acknowledged_at;
