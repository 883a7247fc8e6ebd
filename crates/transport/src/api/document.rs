//! `/api/openapi.json`: the document, made from the same types and functions that answer.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _, ToSchema};

use crate::console::fault::{Code, FieldFault};
use crate::console::html;
use crate::reply::Reply;

/// The envelope of a success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success<T> {
    /// Always true.
    success: bool,
    /// What was asked for.
    data: T,
}

/// The envelope of a failure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// Always false.
    success: bool,
    error: FailureError,
}

/// Why it failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureError {
    code: Code,
    /// The code in a sentence.
    message: String,
    /// Which fields are at fault, or which rule it is, where that helps.
    #[schema(value_type = Object)]
    details: Option<Vec<FieldFault>>,
}

/// Every path, with what all of them share.
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
        super::deliveries::list,
        super::deliveries::export,
        super::deliveries::show,
        super::incidents::list,
        super::incidents::show,
        super::incidents::act,
        super::people::members,
        super::people::member_add,
        super::people::member_change,
        super::people::member_remove,
        super::people::sign_in_link,
        super::people::tokens,
        super::people::token_create,
        super::people::token_revoke,
        super::people::audit,
    ),
    components(schemas(Failure)),
    security(("token" = [])),
    modifiers(&Shared)
)]
struct Document;

/// The document as it is served.
pub(crate) fn document() -> OpenApi {
    Document::openapi()
}

/// The document as an answer, outside the envelope: tools read it as it is.
pub(crate) fn reply() -> Reply {
    let text = serde_json::to_string(&document()).unwrap_or_default();
    html::of(StatusCode::OK, "application/json", Bytes::from(text).into())
}

/// The bearer token, and the failures that any path may answer.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Failure")))
            .build();
        let failure = ResponseBuilder::new()
            .description("Failed; `error.code` says why")
            .content("application/json", content)
            .build();
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                operation
                    .responses
                    .responses
                    .insert("default".to_owned(), RefOr::T(failure.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_openapi_3_1_with_failures_everywhere() {
        let document = serde_json::to_value(document()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().expect("paths");
        assert!(!paths.is_empty());
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("an item") {
                assert!(
                    operation["responses"]["default"].is_object(),
                    "{method} {path}: {operation}"
                );
            }
        }
    }
}
