DELETE FROM counters WHERE name = 'audit_early';
DROP TABLE audit_holdings;
