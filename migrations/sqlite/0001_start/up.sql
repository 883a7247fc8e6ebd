-- Times are microseconds since 1970-01-01T00:00:00Z. Addresses are 16 bytes, IPv4 mapped into IPv6, so that a network
-- is one range of bytes. What stands in a TEXT of a closed set is the word of the domain, and nothing else.

CREATE TABLE organizations (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL
) STRICT;

INSERT INTO organizations (id, name) VALUES (1, 'default');

CREATE TABLE webhooks (
    id              INTEGER PRIMARY KEY,
    organization    INTEGER NOT NULL REFERENCES organizations (id),
    handle          TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    format          TEXT NOT NULL,
    state           TEXT NOT NULL,
    -- SHA-256 of the webhook ID; NULL once it is revoked.
    digest          BLOB UNIQUE,
    hint            TEXT NOT NULL,
    issued_at       INTEGER,
    exposed_at      INTEGER,
    revoked_at      INTEGER,
    -- `any`, or networks separated by commas.
    allowlist       TEXT NOT NULL,
    body_bytes      INTEGER NOT NULL,
    per_minute      INTEGER,
    overload        TEXT NOT NULL,
    payload_logging TEXT NOT NULL,
    -- Sealed by a key that is not in here.
    signing_secret  BLOB,
    rotation_days   INTEGER,
    revision        INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX webhooks_name ON webhooks (name, state);

-- Tombstones. They are never removed: a dead URL answers that it is dead for ever.
CREATE TABLE retired_urls (
    digest  BLOB NOT NULL PRIMARY KEY,
    hint    TEXT NOT NULL,
    webhook INTEGER NOT NULL REFERENCES webhooks (id),
    because TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Webhooks are never removed, and the writer looks them up in the same transaction, so that checking it again for every
-- delivery and incident would only cost time.
CREATE TABLE deliveries (
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
    -- Last, so that reading the others does not read it.
    payload      BLOB
) STRICT;

-- Entries of an index are in the order of the row's id where its columns are equal, so this is (webhook, id).
CREATE INDEX deliveries_webhook ON deliveries (webhook);
-- Refusals are few among many, and people look for them. An accepted delivery costs nothing here.
CREATE INDEX deliveries_refused ON deliveries (id) WHERE code IS NOT NULL;
CREATE INDEX deliveries_webhook_refused ON deliveries (webhook) WHERE code IS NOT NULL;

CREATE TABLE incidents (
    -- From the counter.
    number       INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL,
    webhook      INTEGER NOT NULL,
    title        TEXT NOT NULL,
    description  TEXT,
    severity     TEXT NOT NULL,
    status       TEXT NOT NULL,
    service      TEXT,
    source_url   TEXT,
    dedup_key    TEXT,
    -- A flat JSON object; NULL if it is empty.
    metadata     TEXT,
    occurrences  INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

-- What a delivery with a dedup key looks for, and the promise that there is at most one.
CREATE UNIQUE INDEX incidents_dedup ON incidents (webhook, dedup_key)
    WHERE dedup_key IS NOT NULL AND status <> 'resolved';
CREATE INDEX incidents_status ON incidents (status);

CREATE TABLE idempotency_keys (
    webhook        INTEGER NOT NULL REFERENCES webhooks (id),
    key            TEXT NOT NULL,
    payload_digest BLOB NOT NULL,
    -- The first answer.
    delivery       INTEGER NOT NULL,
    incident       INTEGER NOT NULL,
    status         TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (webhook, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- `delivery` and `incident`: the next number. The others: where pruning goes on.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, next) VALUES ('delivery', 1), ('incident', 1), ('payload_prune', 1), ('incident_prune', 1);

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
