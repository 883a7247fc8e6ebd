//! The form of a webhook: from its fields to a change, and from a webhook to its fields.

use std::num::NonZero;

use hookgate_domain::Webhook;
use hookgate_domain::policy::{AllowlistMode, Overload, PayloadLogging};
use hookgate_pages::{Problem, WebhookForm};

use super::answers::problems;
use crate::change::{self, Change};
use hookgate_request::{ApiError, Fields};

/// Text fields of every form of a webhook.
const TEXTS: [&str; 6] = [
    "name",
    "allowlist",
    "body_bytes",
    "per_minute",
    "overload",
    "rotation_days",
];
const SWITCHES: [&str; 2] = ["observe", "payload_logging"];

/// The form as it was sent. A missing field is shown empty; saving refuses it.
pub(super) fn typed(fields: &Fields<'_>) -> WebhookForm {
    let text = |name| fields.text(name).to_owned();
    WebhookForm {
        name: text("name"),
        allowlist: text("allowlist"),
        observe: fields.is_on("observe"),
        payload_logging: fields.is_on("payload_logging"),
        signed: fields.is_on("signed"),
        body_bytes: text("body_bytes"),
        per_minute: text("per_minute"),
        overload: text("overload"),
        rotation_days: text("rotation_days"),
    }
}

/// Parses the form, after a check that it is complete.
pub(super) fn edited(fields: &Fields<'_>, form: &WebhookForm) -> Result<Change, ApiError> {
    fields.complete(&TEXTS, &SWITCHES)?;
    change(form)
}

/// Parses the form into a change. Returns its problems if it is invalid.
fn change(form: &WebhookForm) -> Result<Change, ApiError> {
    let number = |field, text: &str| {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse::<u32>().ok().filter(|number| *number > 0);
        number
            .map(Some)
            .ok_or_else(|| ApiError::field(field, "range", "must be a whole number above 0, or empty"))
    };
    let overload = match form.overload.as_str() {
        "refuse" => 429,
        "postpone" => 503,
        _ => return Err(ApiError::field("overload", "one_of", "choose 429 or 503")),
    };
    let any = permits_any(&form.allowlist);
    let days = number("rotation_days", &form.rotation_days)?
        .map(|days| {
            u16::try_from(days).map_err(|_| ApiError::field("rotation_days", "range", "at most 65535"))
        })
        .transpose()?;
    Change::read(change::Fields {
        name: Some(form.name.clone()),
        allowlist: Some((!any).then(|| vec![form.allowlist.clone()])),
        allowlist_mode: Some(if form.observe { "observe" } else { "enforce" }.to_owned()),
        max_body: number("body_bytes", &form.body_bytes)?,
        per_minute: Some(number("per_minute", &form.per_minute)?.and_then(NonZero::new)),
        overload: Some(overload),
        payload_logging: Some(form.payload_logging),
        rotation_days: Some(days.and_then(NonZero::new)),
    })
}

/// The problems, with the field names of the form.
pub(super) fn form_problems(fault: ApiError) -> Result<Vec<Problem>, ApiError> {
    let mut problems = problems(fault)?;
    for problem in &mut problems {
        if problem.field == "max_body" {
            "body_bytes".clone_into(&mut problem.field);
        }
    }
    Ok(problems)
}

pub(super) fn form_of(webhook: &Webhook) -> WebhookForm {
    let policy = &webhook.policy;
    let entries = policy.allowlist.entries().into_iter().flatten();
    let lines: Vec<_> = entries.map(ToString::to_string).collect();
    WebhookForm {
        name: webhook.name.as_str().to_owned(),
        allowlist: lines.join("\n"),
        observe: policy.allowlist_mode == AllowlistMode::Observe,
        payload_logging: policy.payload_logging == PayloadLogging::On,
        signed: policy.signing_secret.is_some(),
        body_bytes: policy.limits.body_bytes().to_string(),
        per_minute: number(policy.limits.per_minute()),
        overload: match policy.limits.overload() {
            Overload::Refuse => "refuse",
            Overload::Postpone => "postpone",
        }
        .to_owned(),
        rotation_days: number(policy.rotation.days),
    }
}

/// A number as the text of its field. No number is an empty field.
fn number(number: Option<impl ToString>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// Returns `true` if the text stands for no allowlist: every source is permitted.
pub(super) fn permits_any(text: &str) -> bool {
    matches!(text.trim(), "" | "any")
}
