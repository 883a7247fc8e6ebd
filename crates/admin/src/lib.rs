//! The HTTP service of the console's listener.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` `/readyz` `/metrics` | liveness, readiness and metrics for monitoring |
//! | `/api/v1/…` | the admin API |
//! | `/api/openapi.json` | the `OpenAPI` document of the admin API |
//! | any other path | a page, or a file of the pages |
//!
//! A request with a foreign `Host` is refused, except for the monitoring endpoints: monitoring systems know a node by
//! other names, and these answers depend on no cookie and no token.

mod api;
mod audit_export;
mod change;
mod console;
mod export;
mod feed;
mod health;
mod html;
mod ignored_headers;
mod live;
mod payloads;
mod service;
mod set_source;
mod signed_in;
mod store_health;
mod streams;
#[cfg(test)]
mod tests;
mod unshown_secrets;
mod web;

pub use console::{Addresses, Console};
pub use payloads::delivery_page;
pub use store_health::{BoxFuture, StoreHealth};
