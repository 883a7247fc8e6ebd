//! The rules through the public API only, as embedders use them. Tests of internals are beside the code.

mod address_set;
mod alike;
mod allow_entry;
mod allowlist_match;
mod allowlist_text;
mod client_address;
mod decision;
mod draft;
mod incident;
mod lifecycle;
mod names;
mod other_walk;
mod policy;
#[cfg(feature = "serde")]
mod serde_text;
mod support;
mod trail;
mod webhook_id;
mod width;
mod words;
