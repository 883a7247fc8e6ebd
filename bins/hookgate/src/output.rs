//! The output of commands: JSON objects for scripts, and lines for people. Text from senders may be hostile, so characters
//! that a terminal could act on are escaped.

use std::io::{self, Write};

use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{Incident, Timestamp, Webhook, WebhookState};
use hookgate_gate::{Answer, DeliverySummary, Health};
use hookgate_wire::{answered_status, counted, json_text, time};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, with_sources};
use crate::table::{Table, cell, details, endless_line, fields};

/// Prints one line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a remark for people on standard error, beside the data. An error is ignored, because nobody could read it.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a piece of a file.
pub(crate) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints a page of a list, for scripts or for people. `what` names the rows for the message of an empty list.
pub(crate) fn list<const N: usize>(
    json: bool,
    objects: &[impl Serialize],
    table: &Table<N>,
    next: Option<&str>,
    what: &str,
) -> Result<(), Failure> {
    if json {
        return Ok(line(&json_page(objects, next)?)?);
    }
    if table.is_empty() {
        remark(&format!("No {what} match."));
        return Ok(());
    }
    lines(&table.lines())?;
    if let Some(next) = next {
        remark(&format!(
            "More {what} exist: add --cursor {next} for the next page, or raise --limit (200 at most)."
        ));
    }
    Ok(())
}

/// Prints lines to standard output.
pub(crate) fn lines(lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|text| line(text))
}

/// Prints one object: its JSON for scripts, or its fields for people, with a link to its page in the console.
pub(crate) fn thing(
    json: bool,
    object: &Value,
    console: Option<(&'static str, String)>,
) -> Result<(), Failure> {
    if json {
        return Ok(line(&self::json(object)?)?);
    }
    Ok(lines(&details(fields(object).into_iter().chain(console)))?)
}

/// The JSON object of a value, the same as in the admin API.
pub(crate) fn object(thing: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(thing).map_err(|error| Failure::failed(with_sources(&error)))
}

/// A value as in the admin API, as one line of JSON, with characters that a terminal could act on escaped. Numbers from
/// senders keep their digits, which a [`Value`] would round.
pub(crate) fn json(thing: &impl Serialize) -> Result<String, Failure> {
    json_text(thing).map_err(|error| Failure::failed(with_sources(&error)))
}

/// A page of a list as one line of JSON, by the same rules.
fn json_page(items: &[impl Serialize], next: Option<&str>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Page<'a, T> {
        items: &'a [T],
        next: Option<&'a str>,
    }
    json(&Page { items, next })
}

/// The columns of deliveries.
pub(crate) const DELIVERY_HEADER: [&str; 7] = [
    "ID",
    "RECEIVED",
    "STATUS",
    "WEBHOOK",
    "SOURCE",
    "RESULT",
    "USER AGENT",
];
/// Column widths for deliveries that are printed as they arrive: the usual width of each column.
const DELIVERY_WIDTHS: [usize; 7] = [17, 27, 6, 16, 15, 24, 0];

/// A delivery's columns.
pub(crate) fn delivery_cells(record: &DeliverySummary) -> [String; 7] {
    let with_incident = |result: &str| match record.incident {
        Some(number) => format!("{result} {number}"),
        None => result.to_owned(),
    };
    let result = match record.answer {
        _ if record.would_be_refused => with_incident("would be refused"),
        Answer::Opened => with_incident("opened"),
        Answer::Updated => with_incident("updated"),
        Answer::Unmatched => "nothing to resolve".to_owned(),
        Answer::Refused(code) | Answer::Postponed(code) => format!("refused {code}"),
    };
    let times = if record.count > 1 {
        format!(" x{}", record.count)
    } else {
        String::new()
    };
    [
        record.id.to_string(),
        time(record.received_at),
        answered_status(record.answer).to_string(),
        record.webhook_name.clone(),
        record.source.to_string(),
        format!("{result}{times}"),
        cell(record.user_agent.clone()),
    ]
}

/// A delivery as one line, for output that follows new deliveries.
pub(crate) fn delivery_line(record: &DeliverySummary) -> String {
    endless_line(delivery_cells(record), &DELIVERY_WIDTHS)
}

/// The header of those lines.
pub(crate) fn delivery_header() -> String {
    endless_line(DELIVERY_HEADER.map(str::to_owned), &DELIVERY_WIDTHS)
}

/// The columns of webhooks.
pub(crate) const WEBHOOK_HEADER: [&str; 6] = ["HANDLE", "NAME", "HINT", "STATE", "HEALTH", "SOURCES"];

/// A webhook's columns.
pub(crate) fn webhook_cells(webhook: &Webhook, health: Health, now: Timestamp) -> [String; 6] {
    [
        webhook.handle.to_string(),
        webhook.name.to_string(),
        format!("{}…", webhook.state.hint()),
        webhook_state(webhook, now),
        health.as_str().to_owned(),
        webhook_sources(webhook, now),
    ]
}

fn webhook_state(webhook: &Webhook, now: Timestamp) -> String {
    match &webhook.state {
        WebhookState::Active(_) => match webhook.rotation_age(now) {
            RotationAge::Exposed { .. } => "active, URL exposed: regenerate it".to_owned(),
            RotationAge::KnownToLeaver { .. } => {
                "active, URL known to a former member: regenerate it".to_owned()
            }
            RotationAge::Due { days_over } => {
                format!("active, rotation overdue by {}", counted(days_over, "day"))
            }
            RotationAge::Fresh { .. } | RotationAge::NotTracked => "active".to_owned(),
        },
        WebhookState::Revoked { at, .. } => format!("revoked {}", time(*at)),
    }
}

fn webhook_sources(webhook: &Webhook, now: Timestamp) -> String {
    let list = &webhook.policy.allowlist;
    let sources = match list.entries() {
        None => "any source".to_owned(),
        Some([one]) => one.to_string(),
        Some(entries) => counted(entries.len(), "entry"),
    };
    let observed = match webhook.policy.allowlist_mode {
        AllowlistMode::Observe => ", observe only",
        AllowlistMode::Enforce => "",
    };
    let warnings = list.warnings(None, now);
    let warning = warnings
        .first()
        .map_or_else(String::new, |first| format!(" ({first})"));
    format!("{sources}{observed}{warning}")
}

/// The columns of incidents.
pub(crate) const INCIDENT_HEADER: [&str; 6] = ["ID", "SEVERITY", "STATUS", "UPDATED", "DELIVERIES", "TITLE"];

/// An incident's columns.
pub(crate) fn incident_cells(incident: &Incident) -> [String; 6] {
    [
        incident.number.to_string(),
        incident.severity.as_str().to_owned(),
        incident.status.as_str().to_owned(),
        time(incident.updated_at),
        incident.occurrences.to_string(),
        incident.title.clone(),
    ]
}

/// An incident in one line for people.
pub(crate) fn incident_line(incident: &Incident) -> String {
    endless_line(incident_cells(incident), &[0; 6])
}
