//! Pages as answers, and the headers that keep any answer of the console from being framed, cached, sniffed, or from running
//! what is not ours.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use hookgate_transport::ReplyBody;
use hookgate_transport::reply::{HSTS, Reply};

/// Nothing but our own files; no inline script or style, no frame, no form to elsewhere.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// A page. No page is cached: each shows what only its member may see.
pub(crate) fn page(status: StatusCode, html: String) -> Reply {
    let mut reply = of(status, "text/html; charset=utf-8", Bytes::from(html).into());
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// A file of the pages. Its name changes with its content, so it may be kept for ever.
pub(crate) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Reply {
    let mut reply = of(StatusCode::OK, content_type, Bytes::from_static(bytes).into());
    reply.headers_mut().insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    reply
}

/// Sends the browser on after a form was taken, so that reloading doesn't send it again.
pub(crate) fn see_other(path: &str) -> Reply {
    let mut reply = page(StatusCode::SEE_OTHER, String::new());
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// An answer that is not in the envelope.
pub(crate) fn of(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// An answer that comes piece by piece.
pub(super) fn stream(content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = of(StatusCode::OK, content_type, body);
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx holds an answer back until a buffer is full, unless the answer asks it not to.
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    reply
}

/// With what a browser has to know of any answer, also of one that was meant for programs: it can be made to open that too.
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
