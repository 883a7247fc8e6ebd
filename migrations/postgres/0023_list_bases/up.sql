-- The version of a set that new ones are held against, beside the one that counts; what counted until now if there is none.
ALTER TABLE address_sets ADD COLUMN base BIGINT;
