-- How many entries of the audit trail each actor has of each act, of those that are counted in `audit_acts`: if there are too many in
-- all, the oldest go of the actor and act that has most.
CREATE TABLE audit_holdings (
    -- An ID, or the kind of an actor that has none.
    actor   TEXT NOT NULL,
    act     TEXT NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (actor, act)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_holdings_entries ON audit_holdings (entries);

INSERT INTO audit_holdings (actor, act, entries)
    SELECT coalesce(actor_id, actor_kind), act, count(*) FROM audit
    WHERE id < (SELECT next FROM counters WHERE name = 'audit_counted') AND act <> 'session.sign_in_failed'
    GROUP BY 1, 2;

-- How many entries were removed because there were too many, before they were too old.
INSERT INTO counters (name, next) VALUES ('audit_early', 0);
