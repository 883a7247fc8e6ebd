-- Named sets of addresses, which allowlists share. What counts is the networks of one version.
CREATE TABLE address_sets (
    -- Never used twice: what was read of a version is remembered for ever.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organization INTEGER NOT NULL REFERENCES organizations (id),
    name         TEXT NOT NULL,
    -- `own`, or the word of who publishes it.
    provider     TEXT NOT NULL,
    -- Which part of what is published, as `service=EC2, region=eu-west-1`.
    filter       TEXT NOT NULL,
    -- Where it is published; NULL if it is not read from anywhere.
    url          TEXT,
    version      INTEGER NOT NULL,
    networks     INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    -- A version that waits for approval.
    pending      INTEGER,
    read_at      INTEGER,
    tried_at     INTEGER,
    fault        TEXT,
    etag         TEXT,
    revision     INTEGER NOT NULL,
    UNIQUE (organization, name)
) STRICT;

-- What a version holds never changes.
CREATE TABLE address_set_versions (
    address_set INTEGER NOT NULL REFERENCES address_sets (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    state       TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    made_by     TEXT NOT NULL,
    count       INTEGER NOT NULL,
    added       INTEGER NOT NULL,
    removed     INTEGER NOT NULL,
    -- One network a line.
    networks    TEXT NOT NULL,
    PRIMARY KEY (address_set, number)
) STRICT, WITHOUT ROWID;

-- Which allowlists name which set: their webhooks get another revision with it.
CREATE TABLE allowlist_sets (
    address_set INTEGER NOT NULL REFERENCES address_sets (id),
    webhook     INTEGER NOT NULL REFERENCES webhooks (id),
    PRIMARY KEY (address_set, webhook)
) STRICT, WITHOUT ROWID;

CREATE INDEX allowlist_sets_webhook ON allowlist_sets (webhook);
