//! `CloudEvents` over HTTP: one event as JSON, a list of events, or one whose attributes are headers (`ce-id` and so on). The last
//! word of an event's type tells what it does, as in `com.example.disk.resolved`.

use std::borrow::Cow;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::{ChangeAction, IncidentChange, IncidentStatus};

use super::fields::{MAX_ENTRIES, collect, digest, labels, link, member, percent_decoded};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Members of the data that become fields.
const TITLE: &[&str] = &["title", "summary", "message", "name"];
const DESCRIPTION: &[&str] = &["description", "details", "message"];
const SEVERITY: &[&str] = &["severity", "level", "priority"];
const USED: &[&str] = &[
    "title",
    "summary",
    "message",
    "name",
    "description",
    "details",
    "severity",
    "level",
    "priority",
    "service",
    "url",
];

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let Content::Json(document) = content else {
        return Err(PayloadError::NOT_THIS_FORMAT);
    };
    let body = document.root();
    if body.is_array() {
        return Ok(Message::of(collect(
            body.items().map(|event| Event::of_json(event)?.change()),
        )?));
    }
    let event = match payload.header("ce-specversion") {
        Some(_) => Event::of_headers(payload, body)?,
        None => Event::of_json(body)?,
    };
    let delivery_id = Some(digest([&*event.source, &*event.id]).into_owned());
    Ok(Message {
        delivery_id,
        ..Message::of(vec![event.change()?])
    })
}

/// An event of one of the three modes.
struct Event<'e> {
    id: Cow<'e, str>,
    source: Cow<'e, str>,
    kind: Cow<'e, str>,
    subject: Option<Cow<'e, str>>,
    severity: Option<Cow<'e, str>>,
    data: Value<'e>,
}

impl<'e> Event<'e> {
    fn of_json(event: Value<'e>) -> Result<Self, PayloadError> {
        let attribute = |name| event.get(name).text();
        let required = |name| attribute(name).ok_or(PayloadError::NOT_THIS_FORMAT);
        required("specversion")?;
        Ok(Self {
            id: required("id")?,
            source: required("source")?,
            kind: required("type")?,
            subject: attribute("subject"),
            severity: attribute("severity").or_else(|| attribute("severitytext")),
            data: event.get("data"),
        })
    }

    fn of_headers(payload: &Payload<'e>, data: Value<'e>) -> Result<Self, PayloadError> {
        let attribute = |name| payload.header(name).map(percent_decoded);
        let required = |name| attribute(name).ok_or(PayloadError::NOT_THIS_FORMAT);
        Ok(Self {
            id: required("ce-id")?,
            source: required("ce-source")?,
            kind: required("ce-type")?,
            subject: attribute("ce-subject"),
            severity: attribute("ce-severity").or_else(|| attribute("ce-severitytext")),
            data,
        })
    }

    fn change(&self) -> Result<IncidentChange, PayloadError> {
        let last_word = self.kind.rsplit(['.', '/', ':']).next().unwrap_or_default();
        let action = match last_word.parse() {
            Ok(IncidentStatus::Resolved) => ChangeAction::Resolve,
            Ok(IncidentStatus::Acknowledged) => ChangeAction::Acknowledge,
            Ok(IncidentStatus::Open) | Err(_) => ChangeAction::Open,
        };
        // Every event has an ID of its own, so only the subject names a problem.
        let key = self.subject.as_ref().unwrap_or(&self.id);
        let title = member(self.data, TITLE).or_else(|| {
            let subject = self
                .subject
                .as_ref()
                .map_or_else(String::new, |subject| format!(": {subject}"));
            (action == ChangeAction::Open).then(|| format!("{}{subject}", self.kind).into())
        });
        let attributes = [
            ("type", Some(&self.kind)),
            ("source", Some(&self.source)),
            ("subject", self.subject.as_ref()),
        ];
        let mut metadata: Vec<_> = attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name.into(), super::fields::text(value?))))
            .collect();
        metadata.extend(labels(self.data, USED));
        metadata.truncate(MAX_ENTRIES);
        let fields = DraftFields {
            title,
            description: member(self.data, DESCRIPTION),
            severity: member(self.data, SEVERITY).or_else(|| self.severity.as_deref().map(Cow::Borrowed)),
            service: member(self.data, &["service"]),
            source_url: link([self.data.get("url")]),
            dedup_key: Some(digest([&*self.source, &**key])),
            metadata,
            ..DraftFields::default()
        };
        Ok(IncidentChange::check(action, fields)?)
    }
}
