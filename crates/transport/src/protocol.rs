//! HTTP/1 or HTTP/2.

/// The protocol that ALPN chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, or HTTP/1.0 within it.
    Http1,
    /// HTTP/2.
    Http2,
}
