-- What happened to incidents, and when.
ALTER TABLE incidents ADD COLUMN acknowledged_at INTEGER;
-- While it is resolved.
ALTER TABLE incidents ADD COLUMN resolved_at INTEGER;
-- When a sender reported it as resolved, while it is resolved: at once, or late.
ALTER TABLE incidents ADD COLUMN cleared_at INTEGER;
-- How often senders changed title and severity. Those beyond a bound have no row in `incident_events`.
ALTER TABLE incidents ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;

-- What changed an incident beyond its count of deliveries. That it was opened, and plain repeats, follow from the incident
-- and its deliveries, so that most deliveries write nothing here.
CREATE TABLE incident_events (
    -- In the order of commits for each incident.
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    incident    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    -- The delivery that did it, or the last one of the incident before a person did.
    delivery    INTEGER,
    -- How many deliveries had told of the incident then, this one included.
    occurrences INTEGER NOT NULL,
    -- NULL: a sender.
    actor_kind  TEXT,
    actor_id    TEXT,
    actor_name  TEXT,
    actor_role  TEXT,
    -- What was there before and what is there since; of a note its text.
    before      TEXT,
    after       TEXT
) STRICT;

CREATE INDEX incident_events_incident ON incident_events (incident);

-- What a late `resolved` looks for, the newest of a key. Only an incident that is resolved costs something here.
-- Entries are in the order of the row's number where the columns are equal, so this is (webhook, dedup_key, number).
CREATE INDEX incidents_resolved ON incidents (webhook, dedup_key)
    WHERE dedup_key IS NOT NULL AND status = 'resolved';

-- In `idempotency_keys`, incident 0 is none: the first answer named no incident.

-- What people did before is on the audit trail.
INSERT INTO incident_events
    (incident, at, kind, delivery, occurrences, actor_kind, actor_id, actor_name, actor_role)
    SELECT incidents.number, audit.at,
           CASE audit.act WHEN 'incident.acknowledge' THEN 'acknowledged' ELSE 'resolved' END,
           coalesce((SELECT max(deliveries.id) FROM deliveries
                     WHERE deliveries.incident = incidents.number AND deliveries.answer = 'updated'
                       AND deliveries.received_at <= audit.at), incidents.first_delivery),
           incidents.occurrences - (SELECT count(*) FROM deliveries
                                    WHERE deliveries.incident = incidents.number AND deliveries.answer = 'updated'
                                      AND deliveries.received_at > audit.at),
           audit.actor_kind, audit.actor_id, audit.actor_name, audit.actor_role
    FROM audit JOIN incidents ON incidents.number =
         CASE WHEN audit.act IN ('incident.acknowledge', 'incident.resolve')
              THEN CAST(substr(audit.subject_id, 5) AS INTEGER) END
    ORDER BY audit.id;

UPDATE incidents SET acknowledged_at =
    (SELECT max(at) FROM incident_events WHERE incident = incidents.number AND kind = 'acknowledged')
    WHERE status <> 'open' AND number IN (SELECT incident FROM incident_events);
-- Nothing has touched an incident after its resolve until now. What no person resolved, a sender did.
UPDATE incidents SET resolved_at = updated_at WHERE status = 'resolved';
UPDATE incidents SET cleared_at = updated_at
    WHERE status = 'resolved' AND number NOT IN (SELECT incident FROM incident_events WHERE kind = 'resolved');
