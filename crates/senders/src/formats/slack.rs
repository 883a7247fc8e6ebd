//! Slack's incoming webhooks, which Mattermost, Rocket.Chat and many tools speak. A message is written for people, so it names
//! no problem: messages with the same title and link are about the same one. Whether it is over is guessed only if the webhook
//! allows that.

use std::borrow::Cow;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::{ChangeAction, IncidentStatus};

use super::fields::{MAX_ENTRIES, digest, first, first_line, link, member, metadata};
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Colours of messages about the end of a problem: `good`, and the greens of Alertmanager, Grafana and Uptime Kuma.
const GREENS: [&str; 6] = ["good", "#2eb886", "#36a64f", "#32cd32", "#5bd24c", "#00ff00"];
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
    let title = member(attachment, &["title"])
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
    let key = match (alarm, &title) {
        (Some(alarm), _) => Some(alarm.key),
        (None, Some(title)) => Some(digest([
            &*without_status(title),
            source_url.as_deref().unwrap_or_default(),
        ])),
        (None, None) => None,
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
        severity: attachment
            .get("color")
            .is("danger")
            .then_some(Cow::Borrowed("high")),
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

/// An alarm of a Netdata agent. Its link names the alarm and says whether it is over.
struct NetdataAlarm {
    key: Cow<'static, str>,
    is_clear: bool,
    /// `true` for the alarm of `alarm-notify.sh test`.
    is_test: bool,
}

impl NetdataAlarm {
    fn of_link(link: &str) -> Option<Self> {
        let (_, query) = link.split_once('?')?;
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        let place = [value("host")?, value("chart")?, value("alarm")?];
        let is_clear = value("alarm_status")? == "CLEAR";
        Some(Self {
            key: digest(place.iter().map(|text| &**text)),
            is_clear,
            is_test: place[1..] == ["test.chart", "test_alarm"],
        })
    }
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
    let words = title.into_iter().flat_map(words);
    words.filter_map(|word| status(&word)).last() == Some(IncidentStatus::Resolved)
}

/// The words of a title that don't tell a status, in lower case; the title itself if there are no others. The number of alerts in `[FIRING:2]` goes with its word.
fn without_status(title: &str) -> String {
    let rest = match title.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((start, rest)) if words(start).any(|word| status(&word).is_some()) => rest,
        _ => title,
    };
    let mut name = String::new();
    for word in words(rest).filter(|word| status(word).is_none()) {
        name.push_str(if name.is_empty() { "" } else { " " });
        name.push_str(&word);
    }
    if name.is_empty() { title.to_owned() } else { name }
}

fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(|word| {
        if word.chars().any(char::is_uppercase) {
            Cow::Owned(word.to_lowercase())
        } else {
            Cow::Borrowed(word)
        }
    })
}

fn status(word: &str) -> Option<IncidentStatus> {
    word.parse().ok()
}
