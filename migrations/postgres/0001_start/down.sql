DROP TABLE settings, counters, idempotency_keys, incidents, deliveries, retired_urls, webhooks, organizations;
