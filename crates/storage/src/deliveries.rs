//! Records of deliveries: their rows, queries and statements, and the idempotency keys.

pub(crate) mod idempotency_keys;
pub(crate) mod notes;
pub(crate) mod queries;
pub(crate) mod row;
pub(crate) mod spans;
pub(crate) mod statements;
pub(crate) mod touched;
pub(crate) mod window;
