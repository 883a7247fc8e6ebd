-- Failed sign-ins of a member, to tell the member of them.
CREATE TABLE failed_sign_ins (
    member   TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    -- The session that began after them; empty while none has.
    session  TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    source   BLOB NOT NULL,
    PRIMARY KEY (member, session)
) STRICT, WITHOUT ROWID;

-- API tokens make no sign-in links any more. What they made before ends, with the sessions that it may have opened.
DELETE FROM sessions WHERE means = 'link' AND EXISTS (
    SELECT 1 FROM audit WHERE act = 'sign_in_link.create' AND actor_kind = 'token' AND subject_id = sessions.member
        AND at <= sessions.created_at AND at > sessions.created_at - 1800000000
);
DELETE FROM sign_in_links WHERE EXISTS (
    SELECT 1 FROM audit WHERE act = 'sign_in_link.create' AND actor_kind = 'token' AND subject_id = sign_in_links.member
        AND at = sign_in_links.created_at
);

-- The names that programs gave to their requests were kept as they are, or by a plain SHA-256, and people put anything into them.
-- New ones are kept by a key that is not in here, and so nothing finds the old ones any more.
DROP TRIGGER audit_is_final;
UPDATE audit SET request_key = NULL, request_digest = NULL WHERE request_key IS NOT NULL;
CREATE TRIGGER audit_is_final BEFORE UPDATE OF id, organization, at, actor_kind, actor_id, actor_name, actor_role, source, act,
    subject_id, subject_name, before, after, request_key, request_digest, fold ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never changed');
END;
