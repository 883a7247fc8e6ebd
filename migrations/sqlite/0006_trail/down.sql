ALTER TABLE webhooks DROP COLUMN allowlist_mode;
ALTER TABLE deliveries DROP COLUMN trail;
