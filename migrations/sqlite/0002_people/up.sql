-- People and programs that administer. What stands in a `digest` is SHA-256 of a secret that is nowhere in here.

CREATE TABLE members (
    -- mem_…, in the order of their coming.
    id           TEXT NOT NULL PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations (id),
    name         TEXT NOT NULL,
    -- The name in lower case: two members never differ by case alone.
    name_key     TEXT NOT NULL,
    role         TEXT NOT NULL,
    -- A PHC string; NULL while there is no password.
    password     TEXT,
    created_at   INTEGER NOT NULL,
    UNIQUE (organization, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    -- ses_…, in the order of their beginning.
    id           TEXT NOT NULL PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE,
    member       TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    means        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    source       BLOB NOT NULL,
    user_agent   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_member ON sessions (member);

CREATE TABLE tokens (
    -- tok_…, in the order of their making.
    id           TEXT NOT NULL PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations (id),
    digest       BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    -- The member that it goes with. A removed member's tokens stay, revoked, so this refers to nobody then.
    owner        TEXT,
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_owner ON tokens (owner) WHERE owner IS NOT NULL;

CREATE TABLE sign_in_links (
    -- One for each member: another takes its place.
    member     TEXT NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    digest     BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    -- In the order of commits, and never used twice.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organization INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor_id     TEXT,
    actor_name   TEXT NOT NULL,
    actor_role   TEXT,
    source       BLOB,
    act          TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    -- Small JSON objects.
    before       TEXT,
    after        TEXT
) STRICT;

CREATE INDEX audit_act ON audit (act);
CREATE INDEX audit_subject ON audit (subject_id);
CREATE INDEX audit_actor ON audit (actor_id) WHERE actor_id IS NOT NULL;

CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never changed');
END;
