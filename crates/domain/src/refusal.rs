//! The closed set of refusal codes, each with an HTTP status and a sentence.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

macro_rules! refusal_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $message:literal;)*) => {
        /// The reason for a refusal: a stable code for programs and a sentence for people.
        ///
        /// ```
        /// use hookgate_domain::RefusalCode;
        ///
        /// let code: RefusalCode = "WEBHOOK_REVOKED".parse()?;
        /// assert_eq!(code, RefusalCode::WebhookRevoked);
        /// assert_eq!(code.message(), "Webhook has been revoked");
        /// # Ok::<(), hookgate_domain::refusal::UnknownRefusalCode>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RefusalCode {
            $($(#[$doc])* $variant,)*
        }

        impl RefusalCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as senders and logs see it, for instance `WEBHOOK_REVOKED`. It never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// One sentence for the sender. It holds nothing of the request and nothing of the policy.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),* }
            }

            /// The HTTP status (RFC 9110) that Hookgate answers with. [`ClientGone`](Self::ClientGone) is never answered; its
            /// status in records is 499, as in nginx.
            ///
            /// ```
            /// assert_eq!(hookgate_domain::RefusalCode::WebhookRevoked.suggested_status(), 410);
            /// ```
            #[must_use]
            pub const fn suggested_status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }
        }
    };
}

refusal_codes! {
    /// The webhook was revoked, or this is the old URL of a regenerated one. Final.
    WebhookRevoked = "WEBHOOK_REVOKED", 410, "Webhook has been revoked";
    /// No webhook has this URL: unknown or malformed ID, or the format of another webhook.
    WebhookNotFound = "WEBHOOK_NOT_FOUND", 404, "No webhook at this URL";
    /// The source address is not in the webhook's allowlist.
    IpNotAllowed = "IP_NOT_ALLOWED", 403, "Source address is not allowed for this webhook";
    /// A trusted proxy sent a forwarding header that can't be read, so the source is unknown.
    SourceUnknown = "SOURCE_UNKNOWN", 400, "Source address is not known: the proxy in front sends a malformed header";
    /// The request came over plain HTTP. The URL is a secret and has now travelled in the clear.
    HttpsRequired = "HTTPS_REQUIRED", 403, "HTTPS is required; the URL has been exposed and should be regenerated";
    /// Only POST is taken.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, "Only POST is allowed";
    /// The webhook requires signed deliveries and this one has no signature.
    SignatureRequired = "SIGNATURE_REQUIRED", 401, "Signature headers are missing";
    /// The signature does not match the body, or its headers can't be read.
    SignatureInvalid = "SIGNATURE_INVALID", 401, "Signature does not match";
    /// The signature's timestamp is too far from now.
    SignatureExpired = "SIGNATURE_EXPIRED", 401, "Signature timestamp is outside the tolerance";
    /// The body is larger than the webhook's limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, "Payload is larger than this webhook takes";
    /// Neither JSON by content nor a form that the sender format knows; or a compressed body.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, "Payload must be uncompressed JSON";
    /// Not JSON, nested too deeply, or with a duplicate of a key that matters.
    InvalidJson = "INVALID_JSON", 400, "Payload is not valid JSON";
    /// There is no title, or a key field is of the wrong type.
    ValidationError = "VALIDATION_ERROR", 422, "Payload has invalid fields";
    /// The idempotency key was used before with another body.
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", 409, "Idempotency key was used with a different payload";
    /// Too many deliveries of this webhook, or too many unknown URLs or failures from this source.
    RateLimited = "RATE_LIMITED", 429, "Too many requests";
    /// HTTP that two parsers could read differently.
    BadRequest = "BAD_REQUEST", 400, "Request is not well-formed HTTP";
    /// Too many header fields, or too many bytes of them.
    HeadersTooLarge = "HEADERS_TOO_LARGE", 431, "Request headers are too large";
    /// The header or the body arrived too slowly.
    RequestTimeout = "REQUEST_TIMEOUT", 408, "Request was not received in time";
    /// The store is down, the queue is full or the server is stopping. The sender should retry.
    Unavailable = "UNAVAILABLE", 503, "Temporarily unavailable, retry later";
    /// A bug or a fault of the server; the cause is in its log.
    Internal = "INTERNAL", 500, "Internal error";
    /// The sender closed the connection before the response. The code is only in the history, because the sender is
    /// gone.
    ClientGone = "CLIENT_GONE", 499, "Client closed the connection before the answer";
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RefusalCode {
    type Err = UnknownRefusalCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(UnknownRefusalCode)
    }
}

/// The text is none of the refusal codes.
///
/// ```
/// use hookgate_domain::RefusalCode;
/// use hookgate_domain::refusal::UnknownRefusalCode;
///
/// assert_eq!("webhook_revoked".parse::<RefusalCode>(), Err(UnknownRefusalCode));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a refusal code")]
pub struct UnknownRefusalCode;
