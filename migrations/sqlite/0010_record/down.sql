ALTER TABLE deliveries DROP COLUMN no_payload;
ALTER TABLE deliveries DROP COLUMN retry_after;
ALTER TABLE deliveries DROP COLUMN details;
ALTER TABLE deliveries DROP COLUMN incident_status;
ALTER TABLE deliveries DROP COLUMN request_id;
