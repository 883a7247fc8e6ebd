DROP TABLE audit, sign_in_links, tokens, sessions, members;
DROP FUNCTION audit_is_final;
