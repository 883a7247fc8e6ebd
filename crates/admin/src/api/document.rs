//! `/api/openapi.json`: the `OpenAPI` document, generated from the types and the annotations of the handlers.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use super::envelope::Failure;
use crate::html;
use hookgate_request::{ApiError, ErrorCode};
use hookgate_transport::Reply;
use hookgate_wire::words;

/// Every path, with the schemas and the security scheme that all paths share.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hookgate admin API",
        description = "Webhooks, their deliveries and incidents. Times are RFC 3339 in UTC; lists are pages with a cursor."
    ),
    paths(
        super::webhooks::list,
        super::webhooks::create,
        super::webhooks::show,
        super::webhooks::edit,
        super::webhooks::regenerate,
        super::webhooks::revoke,
        super::usage::show,
        super::usage::preview,
        super::usage::suggest,
        super::address_sets::list,
        super::address_sets::create,
        super::address_sets::show,
        super::address_sets::edit,
        super::address_sets::remove,
        super::address_sets::versions,
        super::address_sets::published::refresh,
        super::address_sets::published::decide,
        super::address_sets::preview::preview,
        super::deliveries::list,
        super::deliveries::export,
        super::deliveries::show,
        super::incidents::list,
        super::incidents::show,
        super::incidents::act,
        super::incidents::note,
        super::members::list,
        super::members::add,
        super::members::change,
        super::members::removal,
        super::members::remove,
        super::members::sign_in_link,
        super::tokens::list,
        super::tokens::create,
        super::tokens::revoke,
        super::audit::list,
        super::audit::export,
    ),
    components(schemas(Failure, words::Tag, words::RequestKey, words::ExportFormat, words::Number, words::AuditActs, words::Only)),
    security(("token" = [])),
    modifiers(&Shared)
)]
struct Document;

/// Builds the document.
pub(crate) fn document() -> OpenApi {
    Document::openapi()
}

/// Answers with the document. It is not in the envelope, because tools read it directly.
pub(crate) fn reply() -> Result<Reply, ApiError> {
    match &*TEXT {
        Ok(text) => Ok(html::of(StatusCode::OK, "application/json", text.clone().into())),
        Err(error) => {
            tracing::error!(%error, "the OpenAPI document can't be written");
            Err(ErrorCode::Internal.into())
        }
    }
}

/// The document as JSON, built once and never copied, because requests for it need no token.
static TEXT: LazyLock<serde_json::Result<Bytes>> =
    LazyLock::new(|| serde_json::to_vec(&document()).map(Bytes::from));

/// Adds the bearer token and the error responses of every operation to the document.
struct Shared;

/// Errors of every operation.
const ANYWHERE: [ErrorCode; 8] = [
    ErrorCode::BadRequest,
    ErrorCode::Unauthenticated,
    ErrorCode::Forbidden,
    ErrorCode::MisdirectedRequest,
    ErrorCode::ValidationError,
    ErrorCode::RateLimited,
    ErrorCode::Internal,
    ErrorCode::Unavailable,
];
/// Further errors of operations with a parameter in the path.
const NAMED: [ErrorCode; 1] = [ErrorCode::NotFound];
/// Further errors of operations that change something.
const CHANGING: [ErrorCode; 3] = [ErrorCode::Conflict, ErrorCode::WebhookRevoked, ErrorCode::Busy];
/// Further errors of operations with a request body.
const SENDING: [ErrorCode; 3] = [
    ErrorCode::RequestTimeout,
    ErrorCode::PayloadTooLarge,
    ErrorCode::UnsupportedMediaType,
];
/// Further errors of operations with `If-Match`.
const CONDITIONAL: [ErrorCode; 2] = [ErrorCode::PreconditionFailed, ErrorCode::PreconditionRequired];

impl Modify for Shared {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
        for (path, item) in &mut document.paths.paths {
            let is_named = path.contains('{');
            let operations = [
                (&mut item.get, false),
                (&mut item.post, true),
                (&mut item.patch, true),
                (&mut item.delete, true),
            ];
            for (operation, is_changing) in operations {
                if let Some(operation) = operation {
                    add_failures(operation, is_named, is_changing);
                }
            }
        }
    }
}

fn add_failures(operation: &mut Operation, is_named: bool, is_changing: bool) {
    let mut parameters = operation.parameters.iter().flatten();
    let is_conditional =
        parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "If-Match"));
    let is_sending = operation.request_body.is_some();
    let kinds = [
        (true, &ANYWHERE[..]),
        (is_named, &NAMED[..]),
        (is_changing, &CHANGING[..]),
        (is_sending, &SENDING[..]),
        (is_conditional, &CONDITIONAL[..]),
    ];
    for code in kinds.iter().filter(|(is, _)| *is).flat_map(|(_, codes)| *codes) {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Failure")))
            .build();
        let failure = ResponseBuilder::new()
            .description(code.message())
            .content("application/json", content)
            .build();
        let responses = &mut operation.responses.responses;
        responses.insert(code.status().as_str().to_owned(), RefOr::T(failure));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hyper::Method;

    use super::*;
    use crate::tests::test_app::TestApp;

    #[tokio::test]
    async fn the_document_is_public_and_in_no_envelope() {
        let app = TestApp::new().await.with("authorization", "none");
        let answer = app.get("/api/openapi.json").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/json")
        );
        assert_eq!(answer.json()["openapi"], "3.1.0");
        let answer = app.send(Method::POST, "/api/openapi.json", "{}").await;
        answer.assert_error(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }

    #[test]
    fn the_document_is_openapi_3_1_with_failures_everywhere() {
        let document = serde_json::to_value(document()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().expect("paths");
        assert!(!paths.is_empty());
        let mut names = HashSet::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("an item") {
                for status in ["401", "422", "429", "500", "503"] {
                    let failure = &operation["responses"][status];
                    assert!(failure.is_object(), "{method} {path}: {operation}");
                }
                let name = operation["operationId"].as_str().expect("a name");
                assert!(
                    names.insert(name),
                    "{method} {path}: {name} is another operation too"
                );
            }
        }
    }
}
