DELETE FROM counters WHERE name = 'usage';
DROP TABLE known_sources;
DROP TABLE sources;
DROP TABLE usage;
ALTER TABLE incidents DROP COLUMN first_delivery;
DROP INDEX deliveries_updates;
ALTER TABLE deliveries DROP COLUMN headers;
ALTER TABLE deliveries DROP COLUMN took_us;
