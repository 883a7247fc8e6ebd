//! HTTP/2: hyper's settings with their reasons, and the request checks that hyper does not make.

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
use crate::connection_activity::ConnectionActivity;
use crate::partial_head::MAX_HEADERS;
use crate::peer::Peer;
use crate::strict::MAX_HEAD;
use crate::unread_answers::WaitingBytes;

/// Concurrent streams of a connection: the usual value of other servers. A sender needs a handful.
const STREAMS: u32 = 100;

/// Bytes of a header list that hyper accepts: four times [`MAX_HEAD`], so that a list above our bound still gets an
/// answer in our envelope. A list above hyper's bound costs no memory.
const HEADER_LIST: u32 = 64 * 1024;

/// Streams that may be opened and reset before they are accepted (rapid reset). The default of the h2 crate, pinned.
const PENDING_RESETS: usize = 20;

/// Streams that the h2 crate may reset in the life of a connection: for protocol errors of the peer (`MadeYouReset`),
/// each of which costs us a request, and for more than [`STREAMS`] open streams. A sender that opens three hundred
/// streams before it has read that limit just stays within this one.
const LOCAL_RESETS: usize = 2 * STREAMS as usize;

/// Flow-control window of a stream. A body of the default size limit passes without a window update.
const STREAM_WINDOW: u32 = 256 * 1024;

/// Flow-control window of a connection. It bounds unread bytes only: reading opens the window again, so it does not
/// bound bodies.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of an answer that hyper buffers for a stream. The answers of the gate have a few hundred bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Interval of pings. With [`PING_TIMEOUT`], a dead peer is detected within twice this time.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that a header field takes in HTTP/1 beside name and value, so that [`MAX_HEAD`] means the same in both
/// protocols.
const FIELD_OVERHEAD: usize = ": \r\n".len();

/// State and settings that the HTTP/2 connections of a listener share.
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

    /// The connection builder for this kind of peer. The answers of a sender's connection count as waiting from now on,
    /// until the peer has read them.
    pub(crate) fn of(&self, peer: Peer, activity: &ConnectionActivity) -> &Builder<TokioExecutor> {
        match peer {
            Peer::Sender => {
                activity.unread_answers().count_into(&self.waiting);
                &self.of_senders
            }
            Peer::Proxy => &self.of_proxies,
        }
    }
}

/// A connection builder for this kind of peer.
pub(crate) fn builder(peer: Peer) -> Builder<TokioExecutor> {
    // A proxy's connection carries the requests of many senders. One sender must not end it for all of them.
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

/// The code with which `request` is refused. `None` if the request is well-formed.
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

/// `true` if a value starts or ends with white space, which RFC 9113, section 8.2.1 forbids: a server behind a proxy
/// would read it without the space.
fn is_padded(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(bytes.first()) || is_space(bytes.last())
}

/// `true` if `:authority` or `Host` is present, both are valid, and they agree.
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
