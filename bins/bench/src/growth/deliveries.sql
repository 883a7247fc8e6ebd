-- {rows} deliveries of the last 28 days to the first 1,000 webhooks, a tenth of them refused, an incident for every ten of
-- the others, and what is counted of all of them by the hour.
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -2000000;
BEGIN;
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {rows})
INSERT INTO deliveries
    (id, organization, webhook, received_at, source, user_agent, answer, code, incident, count, took_us, headers, payload)
SELECT
    number, 1, 1 + number * 7919 % 1000, unixepoch() * 1000000 - 2419200000000 + number * (2419200000000 / {rows}),
    x'00000000000000000000FFFFC6336407', 'Alertmanager/0.27.0',
    CASE WHEN number % 10 = 0 THEN 'refused' WHEN number % 10 = 1 THEN 'opened' ELSE 'updated' END,
    CASE WHEN number % 10 = 0 THEN 'INVALID_JSON' END,
    CASE WHEN number % 10 <> 0 THEN 1 + number / 10 END,
    1, 400, '[["accept","*/*"],["content-type","application/json"]]',
    CAST('{"title":"Disk full on db-' || number || '","severity":"high","service":"postgres","description":"'
         || 'The disk of the database is nearly full; new rows can not be written for long." }' AS BLOB)
FROM numbers;

WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {rows} / 10)
INSERT INTO incidents
    (number, organization, webhook, title, severity, status, service, occurrences, opened_at, updated_at, first_delivery)
SELECT
    number, 1, 1 + number * 7919 % 1000, 'Disk full on db-' || number, 'high',
    CASE WHEN number % 100 = 0 THEN 'open' ELSE 'resolved' END, 'postgres', 9,
    unixepoch() * 1000000 - 2419200000000 + number * (24192000000000 / {rows}),
    unixepoch() * 1000000 - 2419200000000 + number * (24192000000000 / {rows}),
    (number - 1) * 10 + 1
FROM numbers;

WITH RECURSIVE hours (hour) AS (SELECT 1 UNION ALL SELECT hour + 1 FROM hours WHERE hour < 672),
     receivers (webhook) AS (SELECT 1 UNION ALL SELECT webhook + 1 FROM receivers WHERE webhook < 1000)
INSERT INTO usage (webhook, step, at, code, count)
SELECT webhook, 3600, (unixepoch() / 3600 - hour) * 3600000000, '', 1 + {rows} / 672000 FROM receivers, hours;

UPDATE counters SET next = {rows} + 1 WHERE name IN ('delivery', 'usage');
UPDATE counters SET next = {rows} / 10 + 1 WHERE name = 'incident';
COMMIT;
