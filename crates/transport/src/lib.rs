//! Hookgate's listeners: TCP, TLS, HTTP/1 and HTTP/2, from the first byte to the answer's last.
//!
//! The way of a connection: [`Listener`] accepts it and does the handshake; HTTP/1 passes through the strict guard, which
//! refuses what two parsers could read differently; hyper parses; and [`Service`] answers. Every answer has one
//! shape ([`reply`]) and one status for each refusal ([`failure`]). SQL and policy are unknown here.

mod admission;
mod answer;
mod api;
mod authority;
mod body;
mod connection;
mod console;
mod cut;

mod connection_activity;
pub mod failure;
mod fetch;
mod handshake;
mod http2;
mod ingest;
mod json_text;
mod lingering_close;
mod listener;
mod metrics;
mod partial_head;
mod payloads;
mod plaintext;
mod proxies;
mod proxy_protocol;
mod recorded_headers;
pub mod reply;
mod reply_body;
mod request_id;
mod service;
pub mod shutdown;
mod store_health;
mod strict;
mod target;
#[cfg(test)]
mod testing;
pub mod tls;
mod untaken;
pub mod wire;

pub use admission::Admission;
pub use body::{Body, BodyFault};
pub use console::{Addresses, Console, DeliveryQuery, delivery_query};
pub use fetch::{Fetcher, FetcherError, MAX_DOCUMENT, check_list_url};
pub use handshake::HandshakeFailure;
pub use ingest::Ingest;
pub use json_text::json_text;
pub use listener::{Listener, MAX_CONNECTIONS};
pub use metrics::Metrics;
pub use partial_head::PlainHttp;
pub use payloads::delivery_page;
pub use proxies::Proxies;
pub use proxy_protocol::proxied_address;
pub use reply::Reply;
pub use reply_body::{BrokenOff, Pieces, ReplyBody};
pub use request_id::RequestIds;
pub use service::{Exchange, Service};
pub use store_health::{BoxFuture, StoreHealth};
pub use strict::{Probe, ProbeEnd, guarded};
pub use untaken::Piece;
