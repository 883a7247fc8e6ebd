//! Requests at the console's listener, read before a handler sees them: query, form, JSON body, cookies, `Host`,
//! `Origin`, `If-Match` and `Idempotency-Key`. A request that breaks a rule is refused with an [`ApiError`], which
//! becomes JSON or a page at the edge only. [`Limits`] and [`AnonymousForms`] bound the concurrent requests and
//! answers.
//!
//! Nothing here knows a route, a page or a session: `hookgate-admin` stands above.

mod admin_request;
mod anonymous_forms;
mod answer_slots;
mod api_error;
pub mod cookie;
mod fields;
pub mod filter;
mod form;
mod host;
mod if_match;
mod json_fault;
mod limits;
mod search_term;

pub use admin_request::{AdminRequest, audit_request, path_id};
pub use anonymous_forms::AnonymousForms;
pub use answer_slots::AnswerSlot;
pub use api_error::{ApiError, ErrorCode, InvalidField, RuleLimit};
pub use fields::Fields;
pub use form::{Form, check_origin};
pub use host::Host;
pub use if_match::IfMatch;
pub use limits::{Limits, QuotaGuard};
pub use search_term::SearchTerm;
