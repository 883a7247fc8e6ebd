//! What commands print: the objects that scripts rely on, and lines for people. Text from senders may be hostile, so
//! whatever a terminal could act on is shown escaped.

use std::borrow::Cow;
use std::io::{self, Write};

use hookgate_domain::{AllowlistMode, Incident, RotationAge, Timestamp, Webhook, WebhookState};
use hookgate_gate::{Answer, DeliverySummary};
use hookgate_transport::wire::{answered_status, time};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Prints one line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Says something to people on standard error, beside the data. With standard error gone there is nobody to tell.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a piece of a file.
pub(crate) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints a page of a list, for scripts or for people.
pub(crate) fn list(
    json: bool,
    objects: &[Value],
    lines: &[String],
    next: Option<&str>,
) -> Result<(), Failure> {
    if json {
        return Ok(line(&page(objects, next).to_string())?);
    }
    lines.iter().try_for_each(|text| line(text))?;
    if let Some(next) = next {
        line(&format!("more: --cursor {next}"))?;
    }
    Ok(())
}

/// A page of a list, as scripts see it.
pub(crate) fn page(items: &[Value], next: Option<&str>) -> Value {
    json!({"items": items, "next": next})
}

/// A thing as scripts see it: the same object as the admin API answers.
pub(crate) fn object(thing: &impl Serialize) -> Value {
    // The types of the wire have no keys but strings.
    serde_json::to_value(thing).unwrap_or_default()
}

/// A delivery in one line for people.
pub(crate) fn delivery_line(record: &DeliverySummary) -> String {
    let what = match record.answer {
        _ if record.would_be_refused => format!("observed {}", incident_name(record))
            .trim_end()
            .to_owned(),
        Answer::Opened => format!("opened {}", incident_name(record)),
        Answer::Updated => format!("updated {}", incident_name(record)),
        Answer::Unmatched => "nothing to resolve".to_owned(),
        Answer::Refused(code) | Answer::Postponed(code) => format!("refused {code}"),
    };
    let times = if record.count > 1 {
        format!(" x{}", record.count)
    } else {
        String::new()
    };
    format!(
        "{}  {}  {}  from {}  {}  {what}{times}",
        time(record.received_at),
        answered_status(record.answer),
        visible(&record.webhook_name),
        record.source,
        record.user_agent.as_deref().map_or(Cow::Borrowed("-"), visible),
    )
}

/// A webhook in one line for people.
pub(crate) fn webhook_line(webhook: &Webhook, now: Timestamp) -> String {
    let state = match &webhook.state {
        WebhookState::Active(_) => match webhook.rotation_age(now) {
            RotationAge::Exposed { .. } => "active, URL exposed: regenerate it".to_owned(),
            RotationAge::Due { days_over } => format!("active, URL due for a new one for {days_over} days"),
            RotationAge::Fresh { .. } | RotationAge::NotTracked => "active".to_owned(),
        },
        WebhookState::Revoked { at, .. } => format!("revoked {}", time(*at)),
    };
    let list = &webhook.policy.allowlist;
    let sources = match list.entries() {
        None => "any source".to_owned(),
        Some([one]) => visible(&one.to_string()).into_owned(),
        Some(entries) => format!("{} entries", entries.len()),
    };
    let observed = match webhook.policy.allowlist_mode {
        AllowlistMode::Observe => ", only observed",
        AllowlistMode::Enforce => "",
    };
    let warnings = list.warnings(None, now);
    let warning = warnings
        .first()
        .map_or_else(String::new, |first| format!(" ({first})"));
    format!(
        "{}  {}…  {}  {state}  {sources}{observed}{warning}",
        webhook.handle,
        webhook.state.hint(),
        visible(webhook.name.as_str())
    )
}

/// An incident in one line for people.
pub(crate) fn incident_line(incident: &Incident) -> String {
    let times = if incident.occurrences > 1 {
        format!(" x{}", incident.occurrences)
    } else {
        String::new()
    };
    format!(
        "{}  {}  {}  {}  {}{times}",
        incident.number,
        incident.severity.as_str(),
        incident.status.as_str(),
        time(incident.updated_at),
        visible(&incident.title),
    )
}

/// The text with everything escaped that a terminal could act on or that reorders what is read: control characters,
/// line separators and marks of direction.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}' | '\u{FEFF}')
    };
    if !text.contains(hostile) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| {
        if hostile(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

fn incident_name(record: &DeliverySummary) -> String {
    record
        .incident
        .map(|number| number.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        assert_eq!(visible("Disk füll 🔥"), "Disk füll 🔥");
        assert_eq!(
            visible("\u{1b}[2J\n\u{202e}x\u{9b}"),
            r"\u{1b}[2J\u{a}\u{202e}x\u{9b}"
        );
    }
}
