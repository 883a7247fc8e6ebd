-- A digest of a request was a plain SHA-256 of its body, in which a password may be: guesses could be tried against it. New ones
-- are made by a key that is not in here. Those that are there become one that no request has, so that a repetition of an
-- earlier request is a conflict: it is neither done again nor taken for the same.
-- Replacing is no update, which the trail forbids.
INSERT OR REPLACE INTO audit (id, organization, at, actor_kind, actor_id, actor_name, actor_role, source, act, subject_id,
    subject_name, before, after, request_key, request_digest)
    SELECT id, organization, at, actor_kind, actor_id, actor_name, actor_role, source, act, subject_id,
        subject_name, before, after, request_key, zeroblob(32)
    FROM audit WHERE request_digest IS NOT NULL;
