-- The audit trail is filtered by names, kinds and times too. `id` makes an index give entries in their order; `act` lets a
-- filter by act and somebody be answered from the index.
DROP INDEX audit_act;
DROP INDEX audit_subject;
DROP INDEX audit_actor;
CREATE INDEX audit_act ON audit (act, id);
CREATE INDEX audit_subject ON audit (subject_id, id, act);
CREATE INDEX audit_subject_name ON audit (subject_name, id, act);
CREATE INDEX audit_actor ON audit (actor_id, id, act) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_actor_kind ON audit (actor_kind, id, act);
CREATE INDEX audit_actor_name ON audit (actor_kind, actor_name, id, act);

-- Which member or token was shown the living URL and the signing secret: an ID, or the kind of an actor that has none; NULL
-- where nobody wrote it down.
ALTER TABLE webhooks ADD COLUMN url_shown_to TEXT;
ALTER TABLE webhooks ADD COLUMN secret_shown_to TEXT;
-- A removed member who knows the living URL or the signing secret: by name, and since when the member is gone.
ALTER TABLE webhooks ADD COLUMN leaver TEXT;
ALTER TABLE webhooks ADD COLUMN leaver_at BIGINT;

UPDATE webhooks SET url_shown_to = (
    SELECT coalesce(actor_id, actor_kind) FROM audit
    WHERE subject_id = handle COLLATE "default" AND act IN ('webhook.create', 'webhook.regenerate')
    ORDER BY audit.id DESC LIMIT 1
) WHERE state = 'active';
UPDATE webhooks SET secret_shown_to = (
    SELECT coalesce(actor_id, actor_kind) FROM audit
    WHERE subject_id = handle COLLATE "default" AND act IN ('webhook.create', 'webhook.edit')
        AND (after LIKE '%"signed":true%' OR after LIKE '%"signing_secret":"changed"%')
    ORDER BY audit.id DESC LIMIT 1
) WHERE state = 'active' AND signing_secret IS NOT NULL;

CREATE INDEX webhooks_url_shown_to ON webhooks (url_shown_to) WHERE url_shown_to IS NOT NULL;
CREATE INDEX webhooks_secret_shown_to ON webhooks (secret_shown_to) WHERE secret_shown_to IS NOT NULL;
CREATE INDEX webhooks_url_unknown ON webhooks (id) WHERE url_shown_to IS NULL AND digest IS NOT NULL;
