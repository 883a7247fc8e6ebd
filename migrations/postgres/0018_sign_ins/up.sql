-- Failed sign-ins of a member, to tell the member of them.
CREATE TABLE failed_sign_ins (
    member   TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    -- The session that began after them; empty while none has.
    session  TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    source   BYTEA NOT NULL,
    PRIMARY KEY (member, session)
);

-- API tokens make no sign-in links any more. What they made before ends, with the sessions that it may have opened.
DELETE FROM sessions WHERE means = 'link' AND EXISTS (
    SELECT 1 FROM audit WHERE act = 'sign_in_link.create' AND actor_kind = 'token' AND subject_id = sessions.member COLLATE "default"
        AND at <= sessions.created_at AND at > sessions.created_at - 1800000000
);
DELETE FROM sign_in_links WHERE EXISTS (
    SELECT 1 FROM audit WHERE act = 'sign_in_link.create' AND actor_kind = 'token' AND subject_id = sign_in_links.member COLLATE "default"
        AND at = sign_in_links.created_at
);

-- The names that programs gave to their requests were kept as they are, or by a plain SHA-256, and people put anything into them.
-- New ones are kept by a key that is not in here, and so nothing finds the old ones any more.
ALTER TABLE audit DISABLE TRIGGER audit_is_final;
UPDATE audit SET request_key = NULL, request_digest = NULL WHERE request_key IS NOT NULL;
ALTER TABLE audit ENABLE TRIGGER audit_is_final;
