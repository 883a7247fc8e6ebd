UPDATE holdings SET bytes = CASE WHEN bytes > held.weight THEN bytes - held.weight ELSE 0 END
    FROM (SELECT webhook AS owner, sum(weight) AS weight FROM incidents GROUP BY webhook) AS held WHERE webhook = held.owner;
ALTER TABLE deliveries DROP COLUMN grown;
ALTER TABLE incidents DROP COLUMN weight;
