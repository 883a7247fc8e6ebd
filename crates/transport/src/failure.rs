//! The HTTP status of a refusal code.

use hookgate_domain::RefusalCode;
use hyper::StatusCode;

/// The HTTP status of `code`.
#[must_use]
pub fn status(code: RefusalCode) -> StatusCode {
    // A test has every code, so the default can't be reached.
    StatusCode::from_u16(code.suggested_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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
