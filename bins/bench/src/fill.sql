-- A million deliveries of the last 30 days to the 20 webhooks of the store, a tenth of them refused, and their incidents.
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
BEGIN;

-- 200 addresses of 198.51.100.0/24: the last byte by its number.
CREATE TEMP TABLE senders (number INTEGER PRIMARY KEY, address BLOB NOT NULL);
WITH RECURSIVE numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < 199)
INSERT INTO senders
    SELECT number, CAST(x'00000000000000000000FFFFC63364' || CAST(char(number) AS BLOB) AS BLOB) FROM numbers
    WHERE number < 128;
-- Above 127 a character has two bytes.
INSERT INTO senders SELECT number + 128, CAST(x'00000000000000000000FFFFCB0071' || CAST(char(number) AS BLOB) AS BLOB)
    FROM senders WHERE number < 72 AND number <> 9;
INSERT INTO senders VALUES (137, x'00000000000000000000FFFFC6336480');

WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1000000)
INSERT INTO deliveries
    (id, organization, webhook, received_at, source, user_agent, answer, code, incident, count, took_us, headers, payload)
SELECT
    numbers.number, 1, 1 + numbers.number * 7919 % 20,
    CAST(unixepoch() AS INTEGER) * 1000000 - (1000001 - numbers.number) * 2592000,
    CASE numbers.number WHEN 123456 THEN x'00000000000000000000FFFFCB007109' ELSE senders.address END,
    'Alertmanager/0.27.0',
    CASE WHEN numbers.number % 10 = 0 THEN 'refused' WHEN numbers.number % 50 = 1 THEN 'opened' ELSE 'updated' END,
    CASE WHEN numbers.number % 100000 = 0 THEN 'RATE_LIMITED'
         WHEN numbers.number % 20 = 0 THEN 'IP_NOT_ALLOWED'
         WHEN numbers.number % 10 = 0 THEN 'INVALID_JSON' END,
    CASE WHEN numbers.number % 10 <> 0 THEN 1 + numbers.number / 50 END,
    1, 400, '[["accept","*/*"],["content-type","application/json"]]',
    CAST('{"title":"Disk full on db-' || numbers.number || '","severity":"high","service":"postgres","description":"'
         || 'The disk of the database is nearly full; new rows can not be written for long." }' AS BLOB)
FROM numbers JOIN senders ON senders.number = numbers.number % 200;

WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 20000)
INSERT INTO incidents
    (number, organization, webhook, title, severity, status, service, dedup_key, occurrences, opened_at, updated_at,
     first_delivery)
SELECT
    number, 1, 1 + number % 20, 'Disk full on db-' || number, 'high',
    CASE WHEN number > 19500 THEN 'open' ELSE 'resolved' END, 'postgres', 'disk-' || number, 45,
    CAST(unixepoch() AS INTEGER) * 1000000 - (20001 - number) * 129600000,
    CAST(unixepoch() AS INTEGER) * 1000000 - (20001 - number) * 129600000,
    (number - 1) * 50 + 1
FROM numbers;
UPDATE counters SET next = 1000001 WHERE name = 'delivery';
UPDATE counters SET next = 20002 WHERE name = 'incident';
COMMIT;
