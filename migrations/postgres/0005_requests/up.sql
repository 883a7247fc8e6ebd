-- A request that creates something may carry an idempotency key. It is on the entry of the audit trail that it wrote, so a
-- repetition is found as long as that is kept, and two at once can't both be stored.
ALTER TABLE audit ADD COLUMN request_key TEXT;
-- SHA-256 of path and body.
ALTER TABLE audit ADD COLUMN request_digest BYTEA;

CREATE UNIQUE INDEX audit_request ON audit (actor_id, request_key) WHERE request_key IS NOT NULL;
