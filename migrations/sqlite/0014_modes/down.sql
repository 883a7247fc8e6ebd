ALTER TABLE webhooks DROP COLUMN mode_changed_at;
