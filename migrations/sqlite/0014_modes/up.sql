-- When the allowlist mode was changed last; NULL if it is the one that the webhook was created with, or if nobody wrote it
-- down. Numbers of an observing webhook begin there.
ALTER TABLE webhooks ADD COLUMN mode_changed_at INTEGER;

UPDATE webhooks SET mode_changed_at = (
    SELECT max(audit.at) FROM audit
    WHERE subject_id = handle AND act = 'webhook.edit' AND after LIKE '%"allowlist_mode"%'
);
