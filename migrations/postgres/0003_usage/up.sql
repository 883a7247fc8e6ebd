-- How many deliveries came, by the minute (step 60, kept for two days) and by the hour (step 3600). Webhook 0 is all of
-- them together; the code is empty for those that passed.
CREATE TABLE usage (
    webhook BIGINT NOT NULL,
    step    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    code    TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (webhook, step, at, code)
);

CREATE INDEX usage_age ON usage (step, at);

-- What each source sent to each webhook, by the day. The source is an IPv4 address mapped into IPv6, the first address of
-- a /64, or empty for all beyond those that are told apart; `address` is the last one seen of it.
CREATE TABLE sources (
    webhook  BIGINT NOT NULL,
    day      BIGINT NOT NULL,
    source   BYTEA NOT NULL,
    address  BYTEA NOT NULL,
    accepted BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (webhook, day, source)
);

CREATE INDEX sources_age ON sources (day);

-- When each source was first seen at each webhook, and on which day last. Written once for each source and day.
CREATE TABLE known_sources (
    webhook  BIGINT NOT NULL,
    source   BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    last_day BIGINT NOT NULL,
    PRIMARY KEY (webhook, source)
);

CREATE INDEX known_sources_age ON known_sources (last_day);

-- The first delivery that is not in these tables yet.
INSERT INTO counters (name, next) VALUES ('usage', 1);
