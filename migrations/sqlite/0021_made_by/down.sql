-- Sessions and links that were removed stay so.
DROP INDEX tokens_made_by;
DROP INDEX sessions_made_by;
ALTER TABLE tokens DROP COLUMN root;
ALTER TABLE tokens DROP COLUMN made_by;
ALTER TABLE sessions DROP COLUMN made_in;
ALTER TABLE sessions DROP COLUMN made_by;
ALTER TABLE sign_in_links DROP COLUMN made_in;
ALTER TABLE sign_in_links DROP COLUMN made_by;
