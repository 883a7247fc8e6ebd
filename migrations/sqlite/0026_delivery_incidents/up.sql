-- A delivery may open, update, acknowledge and resolve several incidents.

-- The incidents of deliveries that touched several, the first one included. A delivery with one incident has no rows here: its number
-- and status are in `deliveries`.
CREATE TABLE delivery_incidents (
    delivery     INTEGER NOT NULL,
    -- Place in the order of the changes, from 0.
    position     INTEGER NOT NULL,
    organization INTEGER NOT NULL,
    incident     INTEGER NOT NULL,
    -- Status of the incident after the delivery.
    status       TEXT NOT NULL,
    PRIMARY KEY (delivery, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_incidents_incident ON delivery_incidents (incident, delivery);

-- Incidents that deliveries of tools opened for a webhook within a minute, counted from the epoch.
CREATE TABLE new_incidents (
    webhook INTEGER NOT NULL PRIMARY KEY,
    minute  INTEGER NOT NULL,
    opened  INTEGER NOT NULL
) STRICT;
