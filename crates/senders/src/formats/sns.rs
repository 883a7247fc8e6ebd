//! Amazon SNS over HTTPS: `CloudWatch` alarms, and messages of any other kind. With raw delivery the body is the message itself.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::fields::{MAX_ENTRIES, digest, first_line, member, members, metadata as metadata_value};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::{Document, Value};
use crate::message::{Handshake, Message};
use crate::options::FormatOptions;
use crate::payload::Payload;

pub(crate) fn read(
    payload: &Payload<'_>,
    content: &Content<'_>,
    _: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let message = match body.get("Type").text().as_deref() {
        Some("Notification") => notification(body)?,
        Some("SubscriptionConfirmation") => Message::handshake(Handshake::SnsSubscription {
            topic: member(body, &["TopicArn"])
                .ok_or(PayloadError::NOT_THIS_FORMAT)?
                .into_owned(),
            url: member(body, &["SubscribeURL"])
                .filter(|url| url.starts_with("https://"))
                .ok_or(PayloadError::NOT_THIS_FORMAT)?
                .into_owned(),
        }),
        Some("UnsubscribeConfirmation") => Message::other_event("UnsubscribeConfirmation"),
        _ if is_alarm(body) => alarm(body, payload.header("x-amz-sns-topic-arn").unwrap_or_default())?,
        _ => return Err(PayloadError::NOT_THIS_FORMAT),
    };
    let id = payload.header("x-amz-sns-message-id").map(str::to_owned);
    Ok(Message {
        delivery_id: member(body, &["MessageId"]).map(Into::into).or(id),
        ..message
    })
}

fn notification(body: Value<'_>) -> Result<Message, PayloadError> {
    let text = body.get("Message").text().ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let topic = body.get("TopicArn").text().unwrap_or_default();
    // An alarm is JSON in a string.
    if let Ok(document) = Document::of_text(Cow::Borrowed(&text))
        && is_alarm(document.root())
    {
        return alarm(document.root(), &topic);
    }
    let fields = DraftFields {
        title: member(body, &["Subject"]).or_else(|| first_line(&text)),
        description: Some(Cow::Borrowed(&text)),
        metadata: members(body, &["TopicArn"]),
        ..DraftFields::default()
    };
    Message::change(ChangeAction::Open, fields)
}

fn is_alarm(message: Value<'_>) -> bool {
    message.get("AlarmName").text().is_some() && message.get("NewStateValue").text().is_some()
}

fn alarm(alarm: Value<'_>, topic: &str) -> Result<Message, PayloadError> {
    let name = member(alarm, &["AlarmName"]).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let action = match alarm.get("NewStateValue").text().as_deref() {
        Some("ALARM") => ChangeAction::Open,
        Some("OK") => ChangeAction::Resolve,
        // `INSUFFICIENT_DATA` says neither.
        other => return Ok(Message::other_event(other.unwrap_or_default())),
    };
    let trigger = alarm.get("Trigger");
    let mut metadata = members(alarm, &["Region", "AWSAccountId"]);
    metadata.extend(members(trigger, &["Namespace", "MetricName"]));
    metadata.extend(trigger.get("Dimensions").items().filter_map(|dimension| {
        Some((
            member(dimension, &["name"])?,
            metadata_value(dimension.get("value"))?,
        ))
    }));
    metadata.truncate(MAX_ENTRIES);
    let texts = ["AlarmDescription", "NewStateReason"].map(|name| alarm.get(name).text());
    let description: Vec<_> = texts.into_iter().flatten().collect();
    let fields = DraftFields {
        dedup_key: member(alarm, &["AlarmArn"]).or_else(|| Some(digest([topic, &*name]))),
        title: Some(name),
        description: Some(description.join("\n").into()),
        metadata,
        ..DraftFields::default()
    };
    Message::change(action, fields)
}
