-- What the answer to a delivery said beside its code, so that it is shown as it was sent. Rows of before have none of it.

-- The request ID, 16 bytes. It begins with the time, by which it is found.
ALTER TABLE deliveries ADD COLUMN request_id BLOB;
-- Accepted: the status of the incident after this delivery.
ALTER TABLE deliveries ADD COLUMN incident_status TEXT;
-- Refused: the details as JSON, and the seconds of Retry-After.
ALTER TABLE deliveries ADD COLUMN details TEXT;
ALTER TABLE deliveries ADD COLUMN retry_after INTEGER;
-- Why there was no payload to keep: `unread` or `off`.
ALTER TABLE deliveries ADD COLUMN no_payload TEXT;
