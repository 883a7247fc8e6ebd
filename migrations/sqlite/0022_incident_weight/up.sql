-- What an incident takes is held against its webhook until the incident goes, not until the deliveries go that it grew by.

-- What an incident takes in bytes: its texts, and what its senders brought about.
ALTER TABLE incidents ADD COLUMN weight INTEGER NOT NULL DEFAULT 0;
-- What the incident of a delivery takes more since, or less if it is negative. It is not in the delivery's own `weight`. NULL in
-- records of older versions: there it is.
ALTER TABLE deliveries ADD COLUMN grown INTEGER;

UPDATE incidents SET weight = 512 + coalesce(length(CAST(title AS BLOB)), 0) + coalesce(length(CAST(description AS BLOB)), 0)
        + coalesce(length(CAST(service AS BLOB)), 0) + coalesce(length(CAST(source_url AS BLOB)), 0) + coalesce(length(CAST(dedup_key AS BLOB)), 0)
        + coalesce(length(CAST(metadata AS BLOB)), 0)
        + coalesce((SELECT sum(512 + coalesce(length(CAST("before" AS BLOB)), 0) + coalesce(length(CAST("after" AS BLOB)), 0)) FROM incident_events
            WHERE incident_events.incident = incidents.number), 0);

-- The deliveries of older versions have the texts in them too, and take them along when they go. So what is taken off later is what is
-- added here.
INSERT INTO holdings (webhook, bytes, deliveries)
    SELECT webhook, sum(weight), 0 FROM incidents WHERE TRUE GROUP BY webhook
    ON CONFLICT (webhook) DO UPDATE SET bytes = holdings.bytes + excluded.bytes;
