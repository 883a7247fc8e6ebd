//! The admin API: a function for each endpoint, a file for each resource. `usage` has the usage and the allowlist
//! previews of webhooks.
//!
//! Every request needs `Authorization: Bearer hgt_…`. The gate checks the permissions of the token's role.

pub(crate) mod address_sets;
mod audit;
mod caller;
mod deliveries;
pub(crate) mod document;
mod endpoint;
mod envelope;
mod incidents;
mod members;
mod router;
#[cfg(test)]
mod tests;
mod tokens;
mod usage;
mod webhooks;

pub(crate) use router::{ApiContext, answer};
