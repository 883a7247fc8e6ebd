-- The deliveries of a webhook are found within a period of numbers at a time. An index over all of them has a place to write
-- for each webhook, all over a file that may be large; that of the newest period is small, and so is that of the oldest one,
-- from which retention takes rows.
ALTER TABLE deliveries ADD COLUMN period INTEGER GENERATED ALWAYS AS (id >> 16) VIRTUAL;

DROP INDEX deliveries_webhook;
DROP INDEX deliveries_webhook_refused;
-- In the order of the row's id where its columns are equal, so this is (period, webhook, id).
CREATE INDEX deliveries_webhook ON deliveries (period, webhook);
CREATE INDEX deliveries_webhook_refused ON deliveries (period, webhook) WHERE code IS NOT NULL;
