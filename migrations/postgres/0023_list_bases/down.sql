ALTER TABLE address_sets DROP COLUMN base;
