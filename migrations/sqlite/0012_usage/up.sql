-- Why deliveries of each source were refused, by the day and the source of `sources`. The code `observed` stands for those
-- that passed only because their webhook observes. Nothing is written for others.
CREATE TABLE source_codes (
    webhook INTEGER NOT NULL,
    day     INTEGER NOT NULL,
    source  BLOB NOT NULL,
    code    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (webhook, day, source, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX source_codes_age ON source_codes (day);

-- The webhooks that refused anything lately are few, and are found without looking at the others. What passes costs nothing
-- here.
CREATE INDEX usage_refused ON usage (at, webhook) WHERE step = 3600 AND code <> '';
