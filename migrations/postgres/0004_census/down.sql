DROP INDEX webhooks_state;
