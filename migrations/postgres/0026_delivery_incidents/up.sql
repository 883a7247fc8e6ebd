-- A delivery may open, update, acknowledge and resolve several incidents.

-- The incidents of deliveries that touched several, the first one included. A delivery with one incident has no rows here: its number
-- and status are in `deliveries`.
CREATE TABLE delivery_incidents (
    delivery     BIGINT NOT NULL,
    -- Place in the order of the changes, from 0.
    position     BIGINT NOT NULL,
    organization BIGINT NOT NULL,
    incident     BIGINT NOT NULL,
    -- Status of the incident after the delivery.
    status       TEXT NOT NULL,
    PRIMARY KEY (delivery, position)
);

CREATE INDEX delivery_incidents_incident ON delivery_incidents (incident, delivery);

-- Incidents that deliveries of tools opened for a webhook within a minute, counted from the epoch.
CREATE TABLE new_incidents (
    webhook BIGINT NOT NULL PRIMARY KEY,
    minute  BIGINT NOT NULL,
    opened  BIGINT NOT NULL
);
