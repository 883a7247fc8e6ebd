//! One request at the console's listener, as its handlers see it.

use std::net::IpAddr;
use std::str::FromStr;

use hookgate_domain::idempotency::IdempotencyKey;
use hookgate_domain::text::read_text;
use hookgate_domain::{RequestId, Timestamp};
use hookgate_gate::{Gate, Store};
use hookgate_people::AuditRequest;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api_error::{ApiError, ErrorCode};
use crate::fields::Fields;
use crate::if_match::IfMatch;
use crate::json_fault::json_fault;
use hookgate_ingest::is_json;
use hookgate_transport::Body;

/// Maximum size of a request body: an allowlist of 10,000 networks fits.
const MAX_BODY: usize = 1024 * 1024;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request with its source and its time of receipt.
pub struct AdminRequest {
    /// Method, URL and headers.
    pub head: Parts,
    /// The body, which is not read yet.
    pub body: Body,
    /// Address of the client, behind trusted proxies too.
    pub source: IpAddr,
    /// Request ID: in the answer and in the log.
    pub id: RequestId,
    /// Time of receipt.
    pub now: Timestamp,
}

impl AdminRequest {
    /// Parameters of the query.
    ///
    /// # Errors
    /// A parameter that is not in `known`, is given twice or has no value.
    pub fn query(&self, known: &[&str]) -> Result<Fields<'_>, ApiError> {
        Fields::of_query(self.query_text().as_bytes(), known)
    }

    /// The query as it was sent. A URL without a query has an empty one.
    #[must_use]
    pub fn query_text(&self) -> &str {
        self.head.uri.query().unwrap_or("")
    }

    /// The first value of a header, as text.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The revisions that `If-Match` names.
    ///
    /// # Errors
    /// [`ErrorCode::PreconditionRequired`] if there is no such header.
    pub fn if_match(&self) -> Result<IfMatch, ApiError> {
        Ok(IfMatch::of(&self.head.headers)?)
    }

    /// The `Idempotency-Key` header, which identifies a repeated request.
    fn idempotency_key(&self) -> Result<Option<HeaderValue>, ApiError> {
        let mut keys = self.head.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (key, another) = (keys.next(), keys.next());
        if another.is_some() {
            return Err(ApiError::field("Idempotency-Key", "once", 1));
        }
        key.map(|key| match IdempotencyKey::parse(key.as_bytes()) {
            Ok(_) => Ok(key.clone()),
            Err(error) => Err(ApiError::field("Idempotency-Key", "form", error.to_string())),
        })
        .transpose()
    }

    /// The body as JSON, and the identity of the request if it has an `Idempotency-Key`.
    ///
    /// # Errors
    /// The key is malformed, or the body does not arrive or is not the JSON that `T` needs.
    pub async fn repeatable<S: Store, T: DeserializeOwned>(
        self,
        gate: &Gate<S>,
    ) -> Result<(T, Option<AuditRequest>), ApiError> {
        let key = self.idempotency_key()?;
        let path = self.head.uri.path().to_owned();
        let bytes = self.json_bytes().await?;
        let read = read_json(&bytes)?;
        let Some(key) = key else {
            return Ok((read, None));
        };
        let asked = [path.as_bytes(), b"\n", &bytes].concat();
        Ok((read, Some(audit_request(gate, key.as_bytes(), &asked)?)))
    }

    /// The whole body.
    pub(crate) async fn bytes(self) -> Result<bytes::Bytes, ApiError> {
        Ok(self.body.read(MAX_BODY).await?)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The body does not arrive, or is not the JSON that `T` needs.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        read_json(&self.json_bytes().await?)
    }

    async fn json_bytes(self) -> Result<bytes::Bytes, ApiError> {
        let declared = self.head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if !declared.is_some_and(is_json) {
            return Err(ErrorCode::UnsupportedMediaType.into());
        }
        self.bytes().await
    }
}

/// Parses the name or ID of an object in a path. A malformed one is answered like an unknown one.
///
/// # Errors
/// [`ErrorCode::NotFound`] if the text is malformed.
pub fn path_id<T: FromStr>(text: &str) -> Result<T, ErrorCode> {
    text.parse().map_err(|_| ErrorCode::NotFound)
}

/// Identity of a request that may be repeated: digests of its key and of its content.
///
/// # Errors
/// The gate can't make the digests.
pub fn audit_request<S: Store>(gate: &Gate<S>, key: &[u8], asked: &[u8]) -> Result<AuditRequest, ApiError> {
    gate.audit_request(key, asked).map_err(|error| {
        tracing::error!(%error, "a repeated request can't be recognised");
        ErrorCode::Internal.into()
    })
}

/// Deserializes JSON. Valid JSON of another shape is reported as a field error.
fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text =
        read_text(bytes).map_err(|error| ApiError::json(format!("the body can't be read: {error}")))?;
    let read = serde_json::from_str(&text).map_err(|error| json_fault(&error))?;
    // serde also reads a struct from an array: its fields in order, without names.
    if text.trim_ascii_start().starts_with('[') {
        return Err(ApiError::field("body", "form", "an object"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Name {
        #[expect(dead_code, reason = "only read from JSON")]
        name: String,
    }

    #[test]
    fn broken_json_and_wrong_fields_are_told_apart() {
        let code = |text: &str| read_json::<Name>(text.as_bytes()).err().map(|fault| fault.code);
        assert_eq!(code(r#"{"name":"a"}"#), None);
        assert_eq!(
            code("\u{feff}{\"name\":\"a\"}\r\n"),
            None,
            "a byte-order mark is no part of it"
        );
        assert_eq!(code("\u{feff}[\"a\"]"), Some(ErrorCode::ValidationError));
        for text in ["", "{", "{'a':1}", "\u{0}"] {
            assert_eq!(code(text), Some(ErrorCode::InvalidJson), "{text}");
        }
        for text in [
            "[]",
            r#" ["a"]"#,
            "{}",
            r#"{"name":1}"#,
            r#"{"name":"a","nam":1}"#,
            r#"{"name":"a","name":"b"}"#,
        ] {
            assert_eq!(code(text), Some(ErrorCode::ValidationError), "{text}");
        }
    }
}
