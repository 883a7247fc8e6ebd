DROP INDEX deliveries_webhook;
DROP INDEX deliveries_webhook_refused;
ALTER TABLE deliveries DROP COLUMN period;
CREATE INDEX deliveries_webhook ON deliveries (webhook);
CREATE INDEX deliveries_webhook_refused ON deliveries (webhook) WHERE code IS NOT NULL;
