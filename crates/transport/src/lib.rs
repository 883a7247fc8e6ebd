//! Hookgate's listeners: TCP, TLS, HTTP/1 and HTTP/2, from the first byte of a connection to the last byte of an
//! answer.
//!
//! The path of a connection: [`Listener`] accepts it and does the handshake. On HTTP/1 the strict guard refuses
//! everything that two parsers could read differently. hyper parses the rest, and [`Service`] answers. Every answer has
//! one shape ([`reply`]), and every refusal one status ([`failure`]). The crate knows neither SQL nor policy.

mod admission;
pub mod authority;
mod body;
mod connection;
mod driving;
mod reset_if_cut;

mod connection_activity;
pub mod failure;
mod handshake;
mod http2;
#[cfg(any(test, feature = "testing"))]
pub mod in_memory;
mod json_text;
mod lingering_close;
mod listener;
mod partial_head;
mod peer;
mod piece;
mod plaintext;
mod protocol;
mod proxies;
mod proxy_protocol;
pub mod reply;
mod reply_body;
mod request_id;
mod service;
mod strict;
#[cfg(test)]
mod testing;
pub mod tls;
mod unread_answers;

pub use admission::prefixes::{LEVELS, prefixes};
pub use admission::{Admission, ConnectionGauges, Fullness};
pub use body::{Body, BodyFault};
pub use handshake::{HandshakeFailure, HandshakeFailures};
pub use json_text::json_text;
pub use listener::{Listener, MAX_CONNECTIONS};
pub use partial_head::{MAX_IDS, PlainHttp};
pub use piece::Piece;
pub use proxies::Proxies;
pub use proxy_protocol::proxied_address;
pub use reply::Reply;
pub use reply_body::{PIECE_BYTES, Pieces, ReplyBody, TruncatedBody};
pub use request_id::RequestIds;
pub use service::{Exchange, Service};
pub use strict::{Probe, ProbeEnd, guarded};
pub use tokio_util::sync::CancellationToken;
