//! Answers with pages.

use hookgate_gate::LogInterval;
use hookgate_pages::{Problem, RenderError};
use hyper::StatusCode;

use crate::html;
use hookgate_request::{ApiError, ErrorCode, InvalidField};
use hookgate_transport::Reply;

/// Log interval for pages that can't be rendered.
static NOT_RENDERED: LogInterval = LogInterval::new();

/// Answers with a page (200).
pub(super) fn page(html: Result<String, RenderError>) -> Result<Reply, ApiError> {
    page_with(StatusCode::OK, html)
}

/// Answers with a form and its problems (422).
pub(super) fn re_render(html: Result<String, RenderError>) -> Result<Reply, ApiError> {
    page_with(StatusCode::UNPROCESSABLE_ENTITY, html)
}

/// Answers with a page of this status.
pub(super) fn page_with(status: StatusCode, html: Result<String, RenderError>) -> Result<Reply, ApiError> {
    let html = html.map_err(|error| {
        if let Some(left_out) = NOT_RENDERED.line() {
            let source = std::error::Error::source(&error).map(tracing::field::display);
            tracing::error!(%error, source, left_out, "the console can't show a page");
        }
        ErrorCode::Internal
    })?;
    Ok(html::page(status, html))
}

/// The problems of a form's fields. Returns the error itself if it is not about fields.
pub(super) fn problems(fault: ApiError) -> Result<Vec<Problem>, ApiError> {
    let fields = fault.field_faults();
    if fields.is_empty() {
        return Err(fault);
    }
    let problem = |field: &InvalidField| Problem {
        field: field.field.clone(),
        message: field.problem().into(),
    };
    Ok(fields.iter().map(problem).collect())
}
