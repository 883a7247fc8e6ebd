DROP TABLE allowlist_sets;
DROP TABLE address_set_versions;
DROP TABLE address_sets;
