//! Slack's incoming webhooks, which Mattermost, Rocket.Chat and many tools speak. A message is written for people, so it names
//! no problem: messages with the same title and link are about the same one. Whether it is over is guessed only if the webhook
//! allows that.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::DraftFields;

use super::chat::{NetdataAlarm, key, says_resolved};
use super::fields::{MAX_ENTRIES, first, first_line, link, member, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Colours of messages about the end of a problem: `good`, and the greens of Alertmanager, Grafana and Uptime Kuma.
const GREENS: [&str; 6] = ["good", "#2eb886", "#36a64f", "#32cd32", "#5bd24c", "#00ff00"];
/// The title of every alert of Uptime Kuma 1.
const KUMA_TITLE: &str = "Uptime Kuma Alert\n";
/// Most blocks and elements of blocks that are looked at.
const MAX_BLOCKS: usize = 50;

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    let body = content.object()?;
    let attachment = body
        .get("attachments")
        .items()
        .next()
        .unwrap_or_else(|| body.get("attachments"));
    let blocks = [attachment.get("blocks"), body.get("blocks")];
    if body.get("text").is_null() && !attachment.is_object() && blocks.iter().all(|blocks| !blocks.is_array())
    {
        return Err(PayloadError::NOT_THIS_FORMAT);
    }
    let text = member(body, &["text"]);
    // Uptime Kuma 1 has one title for all monitors. The next line of the text names the monitor.
    let kuma = text.as_deref().and_then(|text| text.strip_prefix(KUMA_TITLE));
    let title = kuma
        .and_then(first_line)
        .or_else(|| member(attachment, &["title"]))
        .or_else(|| block_text(&blocks, "header"))
        .or_else(|| text.as_deref().and_then(first_line))
        .or_else(|| {
            member(attachment, &["fallback", "pretext"])
                .as_deref()
                .and_then(first_line)
        })
        .or_else(|| member(attachment, &["text"]).as_deref().and_then(first_line))
        .or_else(|| block_text(&blocks, "section").as_deref().and_then(first_line));
    let source_url =
        link(["title_link", "author_link"].map(|name| attachment.get(name))).or_else(|| button(&blocks));
    let alarm = source_url.as_deref().and_then(NetdataAlarm::of_link);
    if alarm.as_ref().is_some_and(|alarm| alarm.is_test) {
        return Ok(Message::test());
    }
    let is_over = match &alarm {
        Some(alarm) => alarm.is_clear,
        None => {
            options.guess_status && is_over(attachment.get("color"), title.as_deref().or(text.as_deref()))
        }
    };
    let danger = || attachment.get("color").is("danger").then_some("high");
    let severity = alarm.as_ref().and_then(|alarm| alarm.severity).or_else(danger);
    let key = match (alarm, &title) {
        (Some(alarm), _) => Some(alarm.key),
        (None, title) => title
            .as_deref()
            .map(|title| key(title, source_url.as_deref().unwrap_or_default())),
    };
    let description = [text.as_deref(), attachment.get("text").text().as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| Some(*text) != title.as_deref())
        .collect::<Vec<_>>()
        .join("\n");
    let fields = DraftFields {
        // The end of a problem is no better name for it.
        title: title.filter(|_| !is_over),
        description: Some(description.into()),
        severity: severity.map(Into::into),
        source_url,
        dedup_key: key,
        metadata: attachment
            .get("fields")
            .items()
            .filter_map(|field| Some((member(field, &["title"])?, metadata(field.get("value"))?)))
            .take(MAX_ENTRIES)
            .collect(),
        ..DraftFields::default()
    };
    let action = if is_over {
        ChangeAction::Resolve
    } else {
        ChangeAction::Open
    };
    Message::change(action, fields)
}

/// The text of the first block of a type.
fn block_text<'d>(blocks: &[Value<'d>], kind: &str) -> Option<Cow<'d, str>> {
    let mut blocks = blocks.iter().flat_map(|blocks| blocks.items().take(MAX_BLOCKS));
    blocks.find_map(|block| {
        let texts = block
            .get("fields")
            .items()
            .map(|field| field.get("text"))
            .take(MAX_BLOCKS);
        let text = first(std::iter::once(block.get("text").get("text")).chain(texts));
        text.filter(|_| block.get("type").is(kind))
    })
}

/// The link of the first button.
fn button<'d>(blocks: &[Value<'d>]) -> Option<Cow<'d, str>> {
    let blocks = blocks.iter().flat_map(|blocks| blocks.items().take(MAX_BLOCKS));
    first(
        blocks
            .flat_map(|block| block.get("elements").items().take(MAX_BLOCKS))
            .map(|element| element.get("url")),
    )
}

/// Guesses from the colour, else from the words of the title, whether the problem is over.
fn is_over(color: Value<'_>, title: Option<&str>) -> bool {
    if let Some(color) = color.text() {
        return GREENS.iter().any(|green| color.eq_ignore_ascii_case(green));
    }
    title.is_some_and(says_resolved)
}
