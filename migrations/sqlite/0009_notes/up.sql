-- What was changed about a delivery so that it could be taken: a JSON list, NULL for nothing, which is usual.
ALTER TABLE deliveries ADD COLUMN notes TEXT;
