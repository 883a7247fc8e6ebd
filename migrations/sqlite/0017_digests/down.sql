-- What was cleared stays so: there is nothing to make it from.
SELECT 1;
