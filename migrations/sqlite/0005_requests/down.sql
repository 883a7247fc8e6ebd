DROP INDEX audit_request;
ALTER TABLE audit DROP COLUMN request_digest;
ALTER TABLE audit DROP COLUMN request_key;
