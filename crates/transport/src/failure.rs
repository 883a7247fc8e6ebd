//! Maps each refusal code to its HTTP status. The sentences are in the domain, the bodies in `reply`.

use hookgate_domain::RefusalCode;
use hyper::StatusCode;

/// The HTTP status of `code`. The match has no default arm, so a new code doesn't compile without its status.
#[must_use]
pub fn status(code: RefusalCode) -> StatusCode {
    match code {
        RefusalCode::WebhookRevoked => StatusCode::GONE,
        RefusalCode::WebhookNotFound => StatusCode::NOT_FOUND,
        RefusalCode::IpNotAllowed | RefusalCode::HttpsRequired => StatusCode::FORBIDDEN,
        RefusalCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        RefusalCode::SignatureRequired | RefusalCode::SignatureInvalid | RefusalCode::SignatureExpired => {
            StatusCode::UNAUTHORIZED
        }
        RefusalCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RefusalCode::InvalidJson | RefusalCode::BadRequest | RefusalCode::SourceUnknown => {
            StatusCode::BAD_REQUEST
        }
        RefusalCode::ValidationError => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalCode::IdempotencyConflict => StatusCode::CONFLICT,
        RefusalCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        RefusalCode::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        RefusalCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        RefusalCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RefusalCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        // No answer is sent. The record has 499, the status that nginx logs for this case.
        RefusalCode::ClientGone => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented codes and statuses. A difference to the code fails the test.
    const DOCUMENTED: [(&str, u16); 21] = [
        ("WEBHOOK_REVOKED", 410),
        ("WEBHOOK_NOT_FOUND", 404),
        ("IP_NOT_ALLOWED", 403),
        ("SOURCE_UNKNOWN", 400),
        ("HTTPS_REQUIRED", 403),
        ("METHOD_NOT_ALLOWED", 405),
        ("SIGNATURE_REQUIRED", 401),
        ("SIGNATURE_INVALID", 401),
        ("SIGNATURE_EXPIRED", 401),
        ("PAYLOAD_TOO_LARGE", 413),
        ("UNSUPPORTED_MEDIA_TYPE", 415),
        ("INVALID_JSON", 400),
        ("VALIDATION_ERROR", 422),
        ("IDEMPOTENCY_CONFLICT", 409),
        ("RATE_LIMITED", 429),
        ("BAD_REQUEST", 400),
        ("HEADERS_TOO_LARGE", 431),
        ("REQUEST_TIMEOUT", 408),
        ("UNAVAILABLE", 503),
        ("INTERNAL", 500),
        ("CLIENT_GONE", 499),
    ];

    #[test]
    fn every_code_has_its_documented_status() {
        let table: Vec<_> = RefusalCode::ALL
            .iter()
            .map(|code| (code.as_str(), status(*code).as_u16()))
            .collect();
        assert_eq!(table, DOCUMENTED);
    }
}
