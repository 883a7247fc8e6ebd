ALTER TABLE deliveries DROP COLUMN notes;
