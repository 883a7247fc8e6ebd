//! Apprise's notifications, as JSON and as a form. They have a title but no key: notifications with the same title are about the
//! same problem. Whether `success` or the words of the title end it is guessed only if the webhook allows that.

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::chat::says_resolved;
use super::fields::{digest, first_line};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    let text = |name| content.text(name);
    let kind = text("type").ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let message = text("message").or_else(|| text("body"));
    // The title may be empty: many programs give a message alone.
    let title = text("title").or_else(|| first_line(message.as_deref()?));
    let action = match &*kind {
        "success" if options.guess_status => ChangeAction::Resolve,
        // The type of programs that don't choose one.
        "info" if options.guess_status && title.as_deref().is_some_and(says_resolved) => {
            ChangeAction::Resolve
        }
        _ => ChangeAction::Open,
    };
    // `failure` and `warning` are words for severities, the others say that all is well.
    let severity = match &*kind {
        "failure" => "high",
        "success" => "info",
        other => other,
    };
    let fields = DraftFields {
        dedup_key: title
            .as_deref()
            .map(|title| uptime_kuma::key_of_text(title).unwrap_or_else(|| digest([title]))),
        // The end of a problem is no better name for it.
        title: title.filter(|_| action == ChangeAction::Open),
        description: message,
        severity: Some(severity.into()),
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
