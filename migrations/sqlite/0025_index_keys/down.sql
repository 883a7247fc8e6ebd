DROP INDEX incidents_open;
DROP INDEX incidents_not_open;
CREATE INDEX incidents_status ON incidents (status);

DROP INDEX deliveries_webhook;
DROP INDEX deliveries_webhook_refused;
ALTER TABLE deliveries ADD COLUMN period INTEGER GENERATED ALWAYS AS (id >> 16) VIRTUAL;
CREATE INDEX deliveries_webhook ON deliveries (period, webhook);
CREATE INDEX deliveries_webhook_refused ON deliveries (period, webhook) WHERE code IS NOT NULL;
