//! The refusal of a request over plain HTTP, and the time that it may take.

use std::time::Duration;

use hookgate_domain::{RefusalCode, RequestId};
use http_body_util::BodyExt;
use hyper::header::STRICT_TRANSPORT_SECURITY;

use crate::reply::{self, Reply};
use crate::reply_body::TruncatedBody;
use crate::request_id::header_value;

/// Timeout for the head, and again for the answer. It is short, because every request is refused.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout for the bytes behind the head, and for bytes that are no HTTP.
pub(super) const REST_TIMEOUT: Duration = Duration::from_secs(1);

/// The refusal of a request over plain HTTP, without `Strict-Transport-Security`, which RFC 6797 section 7.2 forbids
/// there.
pub(super) fn refusal(id: RequestId) -> Reply {
    let mut refusal = reply::refusal(RefusalCode::HttpsRequired);
    refusal.headers_mut().remove(STRICT_TRANSPORT_SECURITY);
    refusal
        .headers_mut()
        .insert(reply::X_REQUEST_ID, header_value(id));
    refusal
}

/// The refusal as bytes of HTTP/1.
pub(super) async fn answer(id: RequestId) -> Result<Vec<u8>, TruncatedBody> {
    let (parts, body) = refusal(id).into_parts();
    let body = body.collect().await?.to_bytes();
    let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
        .extend_from_slice(format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}
