-- {webhooks} more webhooks, each like the first one with a URL of its own.
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;
BEGIN;
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {webhooks})
INSERT INTO webhooks
    (organization, handle, name, format, state, digest, hint, issued_at, allowlist, body_bytes, overload,
     payload_logging, revision, created_at, allowlist_mode)
SELECT
    first.organization, printf('hk_01%024d', numbers.number), 'webhook ' || numbers.number, first.format, first.state,
    randomblob(32), first.hint, first.issued_at, '127.0.0.1', first.body_bytes, first.overload, first.payload_logging,
    first.revision, first.created_at, first.allowlist_mode
FROM numbers, (SELECT * FROM webhooks ORDER BY id LIMIT 1) first;
COMMIT;
