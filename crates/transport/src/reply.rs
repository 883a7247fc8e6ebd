//! The one shape of answers: `{"success":true,"data":…}` or `{"success":false,"error":{…}}`, with the headers that all
//! of them have. `X-Request-Id` is added later, in one place, so that no answer lacks it.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use hookgate_domain::RefusalCode;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::failure::status;
use crate::json_text::json_text;
use crate::reply_body::ReplyBody;

/// An answer, as every handler returns it.
pub type Reply = Response<ReplyBody>;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `Strict-Transport-Security` of one year, which the preload rules of browsers ask for.
pub const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// `Retry-After` of a temporary failure that names no time of its own.
pub const RETRY_SOON: Duration = Duration::from_secs(2);

/// The header fields of every answer. Each answer gets a copy, which costs less than inserting them one by one.
/// `X-Request-Id` has its place already, so that the map does not grow for its value.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (STRICT_TRANSPORT_SECURITY, HSTS),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_REQUEST_ID, HeaderValue::from_static("")),
    ];
    fields.into_iter().collect()
});

/// The body that is sent if an envelope can't be serialized: the same bytes as the body of `refusal(Internal)`.
const INTERNAL: &[u8] = br#"{"success":false,"error":{"code":"INTERNAL","message":"Internal error"}}"#;

/// The bodies of refusals without details, in the order of the codes. They are built once, because a flood of refusals
/// is answered with nothing else.
static BODIES: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let body = |code: &RefusalCode| failure_body::<_, ()>(code.as_str(), code.message(), None);
    let bodies = RefusalCode::ALL.iter().map(body);
    bodies
        .map(|body| body.unwrap_or(Bytes::from_static(INTERNAL)))
        .collect()
});

/// A success with `data` in the envelope, or `INTERNAL` if `data` can't be serialized.
#[must_use]
pub fn success<T: Serialize + ?Sized>(status: StatusCode, data: &T) -> Reply {
    match success_body(data) {
        Ok(body) => json(status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be serialized");
            refusal(RefusalCode::Internal)
        }
    }
}

/// A refusal with `code`. For a refused method, `Allow` names the allowed one.
#[must_use]
pub fn refusal(code: RefusalCode) -> Reply {
    refused::<()>(code, None)
}

/// A refusal with details, such as the invalid fields.
#[must_use]
pub fn refusal_with_details<T: Serialize + ?Sized>(code: RefusalCode, details: &T) -> Reply {
    refused(code, Some(details))
}

/// The body of a success.
fn success_body<T: Serialize + ?Sized>(data: &T) -> serde_json::Result<Bytes> {
    json_text(&Success { success: true, data }).map(Bytes::from)
}

#[derive(Serialize)]
struct Success<'a, T: ?Sized> {
    success: bool,
    data: &'a T,
}

#[derive(Serialize)]
struct Failure<'a, C: ?Sized, T: ?Sized> {
    success: bool,
    error: FailureBody<'a, C, T>,
}

#[derive(Serialize)]
struct FailureBody<'a, C: ?Sized, T: ?Sized> {
    code: &'a C,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a T>,
}

fn refused<T: Serialize + ?Sized>(code: RefusalCode, details: Option<&T>) -> Reply {
    let mut reply = match details {
        Some(_) => failure(status(code), code.as_str(), code.message(), details),
        None => json(status(code), BODIES[code as usize].clone()),
    };
    if code == RefusalCode::MethodNotAllowed {
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
    }
    reply
}

/// A failure in the envelope.
pub fn failure<C, T>(status: StatusCode, code: &C, message: &str, details: Option<&T>) -> Reply
where
    C: Serialize + ?Sized,
    T: Serialize + ?Sized,
{
    match failure_body(code, message, details) {
        Ok(body) => json(status, body),
        Err(error) => {
            tracing::error!(%error, "a refusal could not be serialized");
            json(StatusCode::INTERNAL_SERVER_ERROR, Bytes::from_static(INTERNAL))
        }
    }
}

/// The body of a failure.
///
/// # Errors
/// `details` can't be serialized as JSON.
pub fn failure_body<C, T>(code: &C, message: &str, details: Option<&T>) -> serde_json::Result<Bytes>
where
    C: Serialize + ?Sized,
    T: Serialize + ?Sized,
{
    let error = FailureBody {
        code,
        message,
        details,
    };
    let success = false;
    json_text(&Failure { success, error }).map(Bytes::from)
}

/// Sets `Retry-After` to `wait`, in whole seconds.
pub fn set_retry_after(reply: &mut Reply, wait: Duration) {
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
}

/// `wait` in whole seconds, rounded up, because a retry that is too early fails again.
#[must_use]
pub const fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + (wait.subsec_nanos() > 0) as u64
}

/// An answer with this JSON body.
pub fn json(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(ReplyBody::from(body));
    *reply.status_mut() = status;
    *reply.headers_mut() = HEADERS.clone();
    reply
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(reply: Reply) -> String {
        let bytes = reply
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes();
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }

    #[tokio::test]
    async fn a_refusal_has_the_documented_bytes() {
        let reply = refusal(RefusalCode::WebhookRevoked);
        assert_eq!(reply.status(), StatusCode::GONE);
        assert_eq!(
            body(reply).await,
            r#"{"success":false,"error":{"code":"WEBHOOK_REVOKED","message":"Webhook has been revoked"}}"#
        );
        assert_eq!(body(refusal(RefusalCode::Internal)).await.as_bytes(), INTERNAL);
        for code in RefusalCode::ALL {
            let body: serde_json::Value = serde_json::from_str(&body(refusal(*code)).await).expect("JSON");
            assert_eq!(body["error"]["code"], code.as_str());
        }
    }

    #[tokio::test]
    async fn details_stand_last_in_the_error() {
        let reply = refusal_with_details(RefusalCode::ValidationError, &["title"]);
        assert_eq!(
            body(reply).await,
            r#"{"success":false,"error":{"code":"VALIDATION_ERROR","message":"Payload has invalid fields","details":["title"]}}"#
        );
    }

    #[tokio::test]
    async fn a_success_wraps_its_data() {
        let reply = success(StatusCode::CREATED, &serde_json::json!({"delivery_id": "dlv_1"}));
        assert_eq!(reply.status(), StatusCode::CREATED);
        assert_eq!(
            body(reply).await,
            r#"{"success":true,"data":{"delivery_id":"dlv_1"}}"#
        );
    }

    #[test]
    fn every_answer_has_the_safe_headers_and_no_server_name() {
        for code in RefusalCode::ALL {
            let reply = refusal(*code);
            let headers = reply.headers();
            assert_eq!(headers[CONTENT_TYPE], "application/json");
            assert_eq!(headers[CACHE_CONTROL], "no-store");
            assert_eq!(headers[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(!headers.contains_key("server"));
            assert_eq!(
                headers.contains_key(ALLOW),
                *code == RefusalCode::MethodNotAllowed
            );
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        let after = |millis| {
            let mut reply = refusal(RefusalCode::RateLimited);
            set_retry_after(&mut reply, Duration::from_millis(millis));
            reply.headers()[RETRY_AFTER].clone()
        };
        assert_eq!(after(1), "1");
        assert_eq!(after(2_000), "2");
        assert_eq!(after(2_001), "3");
    }
}
