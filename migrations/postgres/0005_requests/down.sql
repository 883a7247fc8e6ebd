DROP INDEX audit_request;
ALTER TABLE audit DROP COLUMN request_key, DROP COLUMN request_digest;
