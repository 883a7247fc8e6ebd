DROP INDEX idempotency_keys_delivery;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
DROP TABLE holdings;
ALTER TABLE deliveries DROP COLUMN weight;
DROP INDEX webhooks_full;
ALTER TABLE webhooks DROP COLUMN full_at;
