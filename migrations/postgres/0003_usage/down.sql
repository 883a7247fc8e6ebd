DELETE FROM counters WHERE name = 'usage';
DROP TABLE known_sources, sources, usage;
