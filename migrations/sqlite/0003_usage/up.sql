-- The record gets headers and timing. The table is made anew, because a column that is added stands behind the payload,
-- and reading it would read the payload.
CREATE TABLE deliveries_new (
    -- From the counter, in the order of commits.
    id           INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL,
    webhook      INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    source       BLOB NOT NULL,
    user_agent   TEXT,
    answer       TEXT NOT NULL,
    -- The refusal code; NULL if it was accepted.
    code         TEXT,
    incident     INTEGER,
    count        INTEGER NOT NULL,
    -- Microseconds from the head of the request until it was handed to the store; NULL in records of older versions.
    took_us      INTEGER,
    -- A JSON array of pairs of name and value, without secrets.
    headers      TEXT,
    -- Last, so that reading the others does not read it.
    payload      BLOB
) STRICT;

INSERT INTO deliveries_new
    (id, organization, webhook, received_at, source, user_agent, answer, code, incident, count, payload)
    SELECT id, organization, webhook, received_at, source, user_agent, answer, code, incident, count, payload
    FROM deliveries ORDER BY id;
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;

CREATE INDEX deliveries_webhook ON deliveries (webhook);
CREATE INDEX deliveries_refused ON deliveries (id) WHERE code IS NOT NULL;
CREATE INDEX deliveries_webhook_refused ON deliveries (webhook) WHERE code IS NOT NULL;
-- The deliveries of an incident are the first one, which the incident names, and these. Most incidents have no others,
-- and a delivery that opens one costs nothing here.
CREATE INDEX deliveries_updates ON deliveries (incident) WHERE answer = 'updated';

ALTER TABLE incidents ADD COLUMN first_delivery INTEGER;
UPDATE incidents SET first_delivery = deliveries.id
    FROM deliveries WHERE deliveries.answer = 'opened' AND deliveries.incident = incidents.number;

-- How many deliveries came, by the minute (step 60, kept for two days) and by the hour (step 3600). Webhook 0 is all of
-- them together; the code is empty for those that passed.
CREATE TABLE usage (
    webhook INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    code    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (webhook, step, at, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_age ON usage (step, at);

-- What each source sent to each webhook, by the day. The source is an IPv4 address mapped into IPv6, the first address of
-- a /64, or empty for all beyond those that are told apart; `address` is the last one seen of it.
CREATE TABLE sources (
    webhook  INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    source   BLOB NOT NULL,
    address  BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    refused  INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (webhook, day, source)
) STRICT, WITHOUT ROWID;

CREATE INDEX sources_age ON sources (day);

-- When each source was first seen at each webhook, and on which day last. Written once for each source and day.
CREATE TABLE known_sources (
    webhook  INTEGER NOT NULL,
    source   BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (webhook, source)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_sources_age ON known_sources (last_day);

-- The first delivery that is not in these tables yet.
INSERT INTO counters (name, next) VALUES ('usage', 1);

-- What is in the history already.
INSERT INTO usage (webhook, step, at, code, count)
    SELECT webhook, 3600, received_at / 3600000000 * 3600000000, coalesce(code, ''),
           sum(CASE WHEN code IS NULL THEN 1 ELSE count END)
    FROM deliveries GROUP BY 1, 3, 4;
INSERT INTO usage (webhook, step, at, code, count)
    SELECT webhook, 60, received_at / 60000000 * 60000000, coalesce(code, ''),
           sum(CASE WHEN code IS NULL THEN 1 ELSE count END)
    FROM deliveries WHERE received_at >= (SELECT max(received_at) FROM deliveries) - 172800000000 GROUP BY 1, 3, 4;
INSERT INTO usage (webhook, step, at, code, count)
    SELECT 0, step, at, code, sum(count) FROM usage GROUP BY step, at, code;
INSERT INTO sources (webhook, day, source, address, accepted, refused, first_at, last_at)
    SELECT webhook, received_at / 86400000000 * 86400000000,
           CASE WHEN substr(source, 1, 12) = x'00000000000000000000FFFF' THEN source
                ELSE CAST(substr(source, 1, 8) || zeroblob(8) AS BLOB) END,
           source, sum(code IS NULL), sum(CASE WHEN code IS NULL THEN 0 ELSE count END),
           min(received_at), max(received_at)
    FROM deliveries GROUP BY 1, 2, 3;
INSERT INTO known_sources (webhook, source, first_at, last_day)
    SELECT webhook, source, min(first_at), max(day) FROM sources GROUP BY webhook, source;
UPDATE counters SET next = (SELECT next FROM counters WHERE name = 'delivery') WHERE name = 'usage';
