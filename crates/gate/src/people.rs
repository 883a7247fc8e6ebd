//! Members, sessions, tokens, and the audit trail of their changes.

mod access;
pub(crate) mod audit;
pub(crate) mod audit_changes;
pub(crate) mod audit_search;
pub(crate) mod credentials;
pub(crate) mod devices;
pub(crate) mod error;
pub(crate) mod login_limiter;
pub(crate) mod members;
pub(crate) mod password_queue;
mod sessions;
pub(crate) mod shown_once;
pub(crate) mod sign_in;
mod sign_in_links;
mod tokens;
