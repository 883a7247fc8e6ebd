//! `GoAlert`'s generic API: a summary, and optionally a key and the action `close`, as JSON, a form or in the query.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::digest;
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let in_query = |name: &str| {
        let mut pairs = form_urlencoded::parse(payload.query.unwrap_or_default().as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value)
    };
    let text = |name: &str| content.text(name).or_else(|| in_query(name));
    let summary = text("summary")
        .or_else(|| text("message"))
        .ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let details = text("details");
    // Without a key, GoAlert takes alerts with the same summary and details for one. Uptime Kuma's summaries differ at the end.
    let key = text("dedup")
        .or_else(|| uptime_kuma::key_of_text(&summary))
        .unwrap_or_else(|| digest([&*summary, details.as_deref().unwrap_or_default()]));
    let action = match text("action").as_deref() {
        Some("close") => ChangeAction::Resolve,
        _ => ChangeAction::Open,
    };
    let fields = DraftFields {
        // The end of a problem is no better name for it.
        title: Some(summary).filter(|_| action == ChangeAction::Open),
        description: details,
        dedup_key: Some(key),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
