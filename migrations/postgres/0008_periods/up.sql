-- Nothing to do: here the table itself is in parts, each with indexes of its own.
SELECT 1;
