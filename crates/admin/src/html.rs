//! Pages as answers, and the security headers of every answer of the console: against framing, sniffing and foreign
//! content.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use hookgate_transport::ReplyBody;
use hookgate_transport::reply::{HSTS, Reply};

/// Content Security Policy: only files of this console; no inline scripts or styles, no frames, no forms to other
/// sites.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// A page. Pages are never cached, because each shows content for one member only.
pub(crate) fn page(status: StatusCode, html: String) -> Reply {
    let mut reply = of(status, "text/html; charset=utf-8", Bytes::from(html).into());
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// A static file. Its name changes with its content, so it may be cached permanently.
pub(crate) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Reply {
    let mut reply = of(StatusCode::OK, content_type, Bytes::from_static(bytes).into());
    reply.headers_mut().insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    reply
}

/// Redirects the browser after a form was accepted (303), so that reloading doesn't send the form again.
pub(crate) fn see_other(path: &str) -> Reply {
    let mut reply = page(StatusCode::SEE_OTHER, String::new());
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// An answer without the JSON envelope.
pub(crate) fn of(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A streamed answer.
pub(super) fn stream(content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = of(StatusCode::OK, content_type, body);
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx buffers an answer until its buffer is full, unless this header disables buffering.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    reply
}

/// Adds the security headers. Answers for programs get them too, because a browser can be made to open those.
pub(super) fn protected(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CSP);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(OPENER, SAME_ORIGIN);
    headers.insert(RESOURCE, SAME_ORIGIN);
    headers.insert(
        PERMISSIONS,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    reply
}
