-- How much of the history each webhook holds, so that it is known who pays when the store is full.

-- Since when a webhook opens no more incidents: those that it has fill most of the store.
ALTER TABLE webhooks ADD COLUMN full_at BIGINT;
CREATE INDEX webhooks_full ON webhooks (id) WHERE full_at IS NOT NULL;

-- What a record takes in bytes: itself, its payload and headers, and the text of the incident that it opened. NULL in records of
-- older versions.
ALTER TABLE deliveries ADD COLUMN weight BIGINT;

CREATE TABLE holdings (
    webhook    BIGINT NOT NULL PRIMARY KEY,
    bytes      BIGINT NOT NULL,
    deliveries BIGINT NOT NULL,
    -- Where removing goes on if this webhook holds most, and when that last began with its oldest delivery.
    next       BIGINT NOT NULL DEFAULT 0,
    round_at   BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX holdings_bytes ON holdings (bytes);

INSERT INTO holdings (webhook, bytes, deliveries)
    SELECT webhook, sum(512 + coalesce(length(payload), 0) + coalesce(length(headers), 0)), count(*)
    FROM deliveries WHERE id < (SELECT next FROM counters WHERE name = 'usage') GROUP BY webhook;

-- A key goes with its delivery, and in the order of deliveries otherwise.
DROP INDEX idempotency_keys_age;
CREATE INDEX idempotency_keys_delivery ON idempotency_keys (delivery);
