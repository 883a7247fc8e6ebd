//! HTTP/2: hyper's settings, each with its reason, and the checks that its framing doesn't make.

mod frame_budget;

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::RefusalCode;
use hyper::Request;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::http::uri::Scheme;
use hyper::server::conn::http2::Builder;
use hyper::{HeaderMap, Method};
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub(crate) use frame_budget::FrameBudget;

use crate::authority;
use crate::connection::Peer;
use crate::connection_activity::ConnectionActivity;
use crate::strict::{MAX_HEAD, MAX_HEADERS};
use crate::untaken::WaitingBytes;

/// What peers commonly offer; a sender needs a handful.
const STREAMS: u32 = 100;

/// Four times our own bound, so that what is over ours is answered in our envelope, and beyond it costs no memory.
const HEADER_LIST: u32 = 64 * 1024;

/// Streams opened and reset before they were looked at (rapid reset). The h2 crate's default, pinned.
const PENDING_RESETS: usize = 20;

/// Streams that the h2 crate resets in the life of a connection: for the peer's own mistakes (`MadeYouReset`), each of which
/// costs us a request, and those refused because [`STREAMS`] others were open. A sender that opens three hundred before it has
/// read how many it may just fits in.
const LOCAL_RESETS: usize = 2 * STREAMS as usize;

/// A body of the default limit passes without waiting for a window update.
const STREAM_WINDOW: u32 = 256 * 1024;

/// Bounds what comes in before any of it is read. What is read makes room for more, so it is no bound on bodies.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Answers are a few hundred bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// A dead peer is found out within twice this time.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What the fields' separators cost in HTTP/1, so that the bound on bytes means the same in both protocols.
const FIELD_OVERHEAD: usize = ": \r\n".len();

/// What the HTTP/2 connections of a listener have in common.
#[derive(Clone, Debug)]
pub(crate) struct Http2 {
    of_senders: Builder<TokioExecutor>,
    of_proxies: Builder<TokioExecutor>,
    waiting: Arc<WaitingBytes>,
}

impl Http2 {
    pub(crate) fn new() -> Self {
        Self {
            of_senders: builder(Peer::Sender),
            of_proxies: builder(Peer::Proxy),
            waiting: Arc::default(),
        }
    }

    /// hyper's part for the connection of such a peer, whose answers count from here on until they are taken.
    pub(crate) fn of(&self, peer: Peer, activity: &ConnectionActivity) -> &Builder<TokioExecutor> {
        match peer {
            Peer::Sender => {
                activity.untaken().count_into(&self.waiting);
                &self.of_senders
            }
            Peer::Proxy => &self.of_proxies,
        }
    }
}

/// hyper's part, ready to serve connections of such a peer.
pub(crate) fn builder(peer: Peer) -> Builder<TokioExecutor> {
    // A proxy's connection carries the requests of many, and outlives them: none of them may end it for all.
    let local_resets = match peer {
        Peer::Sender => Some(LOCAL_RESETS),
        Peer::Proxy => None,
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(local_resets)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// The code to refuse `request` with, or `None` when it may go on.
pub(crate) fn refusal_of<B>(request: &Request<B>) -> Option<RefusalCode> {
    let headers = request.headers();
    if headers.len() > MAX_HEADERS || head_size(request) > MAX_HEAD {
        return Some(RefusalCode::HeadersTooLarge);
    }
    let sound = request.method() != Method::CONNECT
        && request.uri().scheme() == Some(&Scheme::HTTPS)
        && names_one_server(request)
        && headers.get_all(CONTENT_LENGTH).iter().count() <= 1
        && !headers.values().any(is_padded);
    (!sound).then_some(RefusalCode::BadRequest)
}

fn head_size<B>(request: &Request<B>) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    fields_size(request.headers()) + target
}

fn fields_size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD)
        .sum()
}

/// Whether space stands around a value, which the standard forbids (RFC 9113, section 8.2.1): what is behind another program
/// would be read without it.
fn is_padded(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(bytes.first()) || is_space(bytes.last())
}

/// `:authority` or `Host` is there, both are sound, and they agree.
fn names_one_server<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let agreed = match (authority, host) {
        (Some(authority), Some(host)) => authority::is_same(authority, host),
        (one, other) => one.is_some() || other.is_some(),
    };
    agreed && hosts.next().is_none() && authority.into_iter().chain(host).all(authority::is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, fields: &[(&str, &str)]) -> Request<()> {
        let builder = Request::builder().method("POST").uri(uri);
        let built = fields
            .iter()
            .fold(builder, |builder, (name, value)| builder.header(*name, *value));
        built.body(()).expect("a request")
    }

    #[test]
    fn sound_requests_pass() {
        assert_eq!(refusal_of(&request("https://a/x?y", &[])), None);
        assert_eq!(
            refusal_of(&request(
                "https://a/",
                &[("host", "A:443"), ("content-length", "3")]
            )),
            None
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let cases: [(&str, &[(&str, &str)]); 11] = [
            ("/x", &[]),
            ("/x", &[("host", "a")]),
            ("http://a/", &[]),
            ("https://user@a/", &[]),
            ("https://a/", &[("host", "b")]),
            ("https://a/", &[("host", "a"), ("host", "a")]),
            ("https://a/", &[("host", "")]),
            ("https://a/", &[("content-length", "3"), ("content-length", "3")]),
            ("https://a/", &[("x-forwarded-for", " 192.0.2.1")]),
            ("https://a/", &[("x", "a ")]),
            ("https://a/", &[("x", "\ta")]),
        ];
        for (uri, fields) in cases {
            assert_eq!(
                refusal_of(&request(uri, fields)),
                Some(RefusalCode::BadRequest),
                "{uri} {fields:?}"
            );
        }
        let mut connect = request("https://a/", &[]);
        *connect.method_mut() = Method::CONNECT;
        assert_eq!(refusal_of(&connect), Some(RefusalCode::BadRequest));
    }

    #[test]
    fn fields_are_bounded_in_number_and_in_bytes() {
        let many = |count| request("https://a/", &vec![("x", "y"); count]);
        assert_eq!(refusal_of(&many(MAX_HEADERS)), None);
        assert_eq!(
            refusal_of(&many(MAX_HEADERS + 1)),
            Some(RefusalCode::HeadersTooLarge)
        );
        let long = "y".repeat(MAX_HEAD);
        assert_eq!(
            refusal_of(&request("https://a/", &[("x", &long)])),
            Some(RefusalCode::HeadersTooLarge)
        );
    }
}
