-- Webhooks are counted, and the oldest URL is found, without reading them.
CREATE INDEX webhooks_state ON webhooks (state, issued_at);
