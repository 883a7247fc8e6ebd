-- How the source of a delivery was found, in the words of the walk, if it was refused for its address, or would have been:
-- then it is an accepted one. It stands behind the payload, which is read with it only where there is one.
ALTER TABLE deliveries ADD COLUMN trail TEXT;

-- `enforce`, or `observe`: then others pass and are marked.
ALTER TABLE webhooks ADD COLUMN allowlist_mode TEXT NOT NULL DEFAULT 'enforce';

-- An IPv6 source that passed is kept by its own address from now on, not by its /64: what an allowlist would say is exact
-- then. Those of before keep the address that was seen last.
