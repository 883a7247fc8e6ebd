-- What an incident takes is held against its webhook until the incident goes, not until the deliveries go that it grew by.

-- What an incident takes in bytes: its texts, and what its senders brought about.
ALTER TABLE incidents ADD COLUMN weight BIGINT NOT NULL DEFAULT 0;
-- What the incident of a delivery takes more since, or less if it is negative. It is not in the delivery's own `weight`. NULL in
-- records of older versions: there it is.
ALTER TABLE deliveries ADD COLUMN grown BIGINT;

UPDATE incidents SET weight = 512 + coalesce(octet_length(title), 0) + coalesce(octet_length(description), 0)
        + coalesce(octet_length(service), 0) + coalesce(octet_length(source_url), 0) + coalesce(octet_length(dedup_key), 0)
        + coalesce(octet_length(metadata), 0)
        + coalesce((SELECT sum(512 + coalesce(octet_length("before"), 0) + coalesce(octet_length("after"), 0)) FROM incident_events
            WHERE incident_events.incident = incidents.number), 0);

-- The deliveries of older versions have the texts in them too, and take them along when they go. So what is taken off later is what is
-- added here.
INSERT INTO holdings (webhook, bytes, deliveries)
    SELECT webhook, sum(weight), 0 FROM incidents WHERE TRUE GROUP BY webhook
    ON CONFLICT (webhook) DO UPDATE SET bytes = holdings.bytes + excluded.bytes;
