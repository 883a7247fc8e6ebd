-- Why deliveries of each source were refused, by the day and the source of `sources`. The code `observed` stands for those
-- that passed only because their webhook observes. Nothing is written for others.
CREATE TABLE source_codes (
    webhook BIGINT NOT NULL,
    day     BIGINT NOT NULL,
    source  BYTEA NOT NULL,
    code    TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (webhook, day, source, code)
);

CREATE INDEX source_codes_age ON source_codes (day);

-- The webhooks that refused anything lately are few, and are found without looking at the others. What passes costs nothing
-- here.
CREATE INDEX usage_refused ON usage (at, webhook) WHERE step = 3600 AND code <> '';
