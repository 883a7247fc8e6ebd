DROP TABLE settings;
DROP TABLE counters;
DROP TABLE idempotency_keys;
DROP TABLE incidents;
DROP TABLE deliveries;
DROP TABLE retired_urls;
DROP TABLE webhooks;
DROP TABLE organizations;
