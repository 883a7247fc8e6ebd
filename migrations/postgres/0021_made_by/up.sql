-- The member who made a sign-in link, and the session in which that was; also of the session that the link began. NULL if the
-- command line did.
ALTER TABLE sign_in_links ADD COLUMN made_by TEXT COLLATE "C";
ALTER TABLE sign_in_links ADD COLUMN made_in TEXT COLLATE "C";
ALTER TABLE sessions ADD COLUMN made_by TEXT COLLATE "C";
ALTER TABLE sessions ADD COLUMN made_in TEXT COLLATE "C";
-- The token that made a token, and the first one of that line. NULL if a member or the command line did.
ALTER TABLE tokens ADD COLUMN made_by TEXT COLLATE "C";
ALTER TABLE tokens ADD COLUMN root TEXT COLLATE "C";
CREATE INDEX sessions_made_by ON sessions (made_by) WHERE made_by IS NOT NULL;
CREATE INDEX tokens_made_by ON tokens (made_by) WHERE made_by IS NOT NULL;

-- So far only the trail knew. A link is used within 30 minutes, and another one takes its place.
UPDATE sign_in_links SET made_by = (
    SELECT CASE WHEN actor_kind = 'member' THEN actor_id END FROM audit
    WHERE act = 'sign_in_link.create' AND subject_id = sign_in_links.member COLLATE "default" AND at = sign_in_links.created_at
    ORDER BY id DESC LIMIT 1
);
UPDATE sessions SET made_by = (
    SELECT CASE WHEN actor_kind = 'member' THEN actor_id END FROM audit
    WHERE act = 'sign_in_link.create' AND subject_id = sessions.member COLLATE "default"
        AND at <= sessions.created_at AND at > sessions.created_at - 1800000000
    ORDER BY id DESC LIMIT 1
) WHERE means = 'link';
UPDATE tokens SET made_by = (
    SELECT actor_id FROM audit
    WHERE act = 'token.create' AND actor_kind = 'token' AND subject_id = tokens.id COLLATE "default"
    ORDER BY id LIMIT 1
);
WITH RECURSIVE line (id, root) AS (
    SELECT tokens.id, tokens.id FROM tokens WHERE tokens.made_by IS NULL
    UNION ALL
    SELECT tokens.id, line.root FROM tokens JOIN line ON tokens.made_by = line.id
)
UPDATE tokens SET root = (SELECT line.root FROM line WHERE line.id = tokens.id) WHERE made_by IS NOT NULL;

-- What was made by a member who could not make it today ends.
DELETE FROM sign_in_links WHERE made_by IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM members AS maker, members AS invited
    WHERE maker.id = sign_in_links.made_by AND invited.id = sign_in_links.member
        AND (maker.role = 'owner' OR (maker.role = 'admin' AND invited.role <> 'owner'))
);
DELETE FROM sessions WHERE made_by IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM members AS maker, members AS invited
    WHERE maker.id = sessions.made_by AND invited.id = sessions.member
        AND (maker.role = 'owner' OR (maker.role = 'admin' AND invited.role <> 'owner'))
);
