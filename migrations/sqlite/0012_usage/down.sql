DROP INDEX usage_refused;
DROP TABLE source_codes;
