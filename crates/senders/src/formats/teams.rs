//! Cards for Microsoft Teams: message cards of the older connectors, and adaptive cards of workflows. A card is written for
//! people, so it names no problem: cards with the same title and link are about the same one. Whether it is over is guessed only
//! if the webhook allows that. Cards of Netdata and Uptime Kuma say it themselves.

use std::borrow::Cow;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::{DraftFields, MetadataValue};

use super::chat::{NetdataAlarm, key, says_resolved};
use super::fields::{Entries, MAX_ENTRIES, digest, first_line, is_link, member};
use super::uptime_kuma;
use crate::content::Content;
use crate::error::PayloadError;
use crate::json::Value;
use crate::message::Message;
use crate::options::FormatOptions;
use crate::payload::Payload;

/// Colours of cards about the end of a problem: those of adaptive cards, Alertmanager, Uptime Kuma, and plain greens.
const GREENS: [&str; 8] = [
    "good", "2dc72d", "00e804", "36a64f", "2eb886", "00ff00", "008000", "00b050",
];
/// Most elements that are looked at on each level of a card.
const MAX_ELEMENTS: usize = 50;
/// Most levels of containers that are looked at.
const MAX_LEVELS: usize = 5;
/// The fact that describes the problem, if there is one.
const DESCRIPTION: &str = "Description";
/// Uptime Kuma's words behind the name of a monitor.
const KUMA_STATES: [(&str, bool); 2] = [("] went down", false), ("] is back online", true)];

pub(crate) fn read(
    _: &Payload<'_>,
    content: &Content<'_>,
    options: &FormatOptions,
) -> Result<Message, PayloadError> {
    let mut card = Card::of(content.object()?).ok_or(PayloadError::NOT_THIS_FORMAT)?;
    let alarm = card.link.as_deref().and_then(NetdataAlarm::of_link);
    if alarm.as_ref().is_some_and(|alarm| alarm.is_test) || card.title.as_deref() == Some("Notification test")
    {
        return Ok(Message::test());
    }
    let is_kuma = card.texts.iter().any(|text| text == "Uptime Kuma Alert");
    if is_kuma
        && card.title.as_deref() == Some("Notification")
        && let Some(message) = card.fact(DESCRIPTION)
    {
        return uptime_kuma::of_message(message.into());
    }
    let severity = alarm.as_ref().and_then(|alarm| alarm.severity);
    let monitor = card.title.as_deref().and_then(kuma_monitor);
    let monitor = monitor.filter(|_| card.fact("Monitor").is_some());
    let (is_over, key) = match (alarm, monitor, card.title.as_deref()) {
        (Some(alarm), _, _) => {
            // The cards of all alarms of a host have one title.
            card.title = Some(alarm.title.into());
            (alarm.is_clear, Some(alarm.key))
        }
        (None, Some((name, is_up)), _) => {
            let address = card.fact("URL").unwrap_or_default();
            (is_up, Some(digest([name, address])))
        }
        (None, None, Some(title)) => {
            let key = key(title, card.link.as_deref().unwrap_or_default());
            (options.guess_status && card.is_over(), Some(key))
        }
        (None, None, None) => (false, None),
    };
    let action = if is_over {
        ChangeAction::Resolve
    } else {
        ChangeAction::Open
    };
    let fields = DraftFields {
        dedup_key: key,
        ..card.fields(is_over, severity)
    };
    Message::change(action, fields)
}

/// The name of Uptime Kuma's monitor in a title such as `🔴 [Shop] went down`, and `true` if it is up again.
fn kuma_monitor(title: &str) -> Option<(&str, bool)> {
    let (_, rest) = title.split_once('[')?;
    let is = |(words, is_up): &(&str, bool)| Some((rest.strip_suffix(words)?, *is_up));
    KUMA_STATES.iter().find_map(is)
}

/// The parts of a card that matter.
#[derive(Default)]
struct Card<'d> {
    title: Option<Cow<'d, str>>,
    texts: Vec<Cow<'d, str>>,
    /// Names and values.
    facts: Vec<(Cow<'d, str>, Cow<'d, str>)>,
    link: Option<Cow<'d, str>>,
    color: Option<Cow<'d, str>>,
}

impl<'d> Card<'d> {
    /// The first card of a message; `None` if there is none.
    fn of(body: Value<'d>) -> Option<Self> {
        let attached = body.get("attachments").items().next();
        let attached = attached.map(|attachment| attachment.get("content"));
        let adaptive = attached.into_iter().chain([body]);
        let adaptive = adaptive
            .filter(|card| card.get("body").is_array())
            .find(|card| card.get("type").is("AdaptiveCard"));
        match adaptive {
            Some(card) => Some(Self::adaptive(body, card)),
            None if body.get("@type").is("MessageCard") => Some(Self::message(body)),
            // Connectors take a text without a type as well.
            None => body.get("text").text().map(|_| Self::message(body)),
        }
    }

    /// A message card.
    fn message(body: Value<'d>) -> Self {
        let mut card = Self {
            color: member(body, &["themeColor"]),
            ..Self::default()
        };
        card.texts.extend(body.get("text").text());
        let mut activities = Vec::new();
        for section in body.get("sections").items().take(MAX_ELEMENTS) {
            activities.extend(member(section, &["activityTitle", "title"]));
            card.texts.extend(member(section, &["activitySubtitle"]));
            card.texts.extend(member(section, &["text"]));
            card.add_facts(section, "name");
            card.add_links(section.get("potentialAction"));
        }
        card.add_links(body.get("potentialAction"));
        card.title = member(body, &["title", "summary"])
            .or_else(|| activities.into_iter().next())
            .or_else(|| card.texts.first().and_then(|text| first_line(text)));
        card
    }

    /// An adaptive card in a message, or a card alone.
    fn adaptive(message: Value<'d>, adaptive: Value<'d>) -> Self {
        let mut card = Self::default();
        card.add_elements(adaptive.get("body"), MAX_LEVELS);
        card.add_links(adaptive.get("actions"));
        // The first text is the title, unless the message has one.
        card.title = member(message, &["summary"]).or_else(|| {
            let text = (!card.texts.is_empty()).then(|| card.texts.remove(0))?;
            first_line(text.trim_matches('*'))
        });
        card
    }

    /// Adds elements of an adaptive card, and those inside them.
    fn add_elements(&mut self, elements: Value<'d>, depth: usize) {
        for element in elements.items().take(MAX_ELEMENTS) {
            if self.texts.len() >= MAX_ELEMENTS || depth == 0 {
                return;
            }
            self.texts.extend(element.get("text").text());
            for inline in element.get("inlines").items().take(MAX_ELEMENTS) {
                self.texts
                    .extend(inline.text().or_else(|| inline.get("text").text()));
            }
            if self.color.is_none() {
                self.color = member(element, &["color"])
                    .or_else(|| member(element, &["style"]).filter(|style| is_state(style)));
            }
            self.add_facts(element, "title");
            self.add_links(element.get("actions"));
            for inside in ["items", "columns"] {
                self.add_elements(element.get(inside), depth - 1);
            }
        }
    }

    /// Adds the facts of an element or section.
    fn add_facts(&mut self, holder: Value<'d>, name: &str) {
        let fact = |fact: Value<'d>| Some((member(fact, &[name])?, member(fact, &["value"])?));
        let facts = holder.get("facts").items().take(MAX_ELEMENTS).filter_map(fact);
        self.facts.extend(facts);
        self.facts.truncate(MAX_ELEMENTS);
    }

    /// Takes the first link of some buttons.
    fn add_links(&mut self, buttons: Value<'d>) {
        for button in buttons.items().take(MAX_ELEMENTS) {
            let targets = button.get("targets").items().map(|target| target.get("uri"));
            let links = [button.get("url")].into_iter().chain(targets.take(MAX_ELEMENTS));
            let links = links.chain(button.get("target").items().take(1));
            let link = links.filter_map(Value::text).find(|link| is_link(link));
            self.link = self.link.take().or(link);
        }
    }

    /// The value of a fact.
    fn fact(&self, name: &str) -> Option<&str> {
        let fact = self.facts.iter().find(|(known, _)| known == name);
        fact.map(|(_, value)| &**value)
    }

    /// Guesses whether the problem is over: from the colour if it is one of a state, else from the title.
    fn is_over(&self) -> bool {
        let color = self.color.as_deref().unwrap_or_default().to_ascii_lowercase();
        let is_green = GREENS.contains(&color.trim_start_matches('#'));
        let by_title = self.title.as_deref().is_some_and(says_resolved);
        is_green || (by_title && !is_state(&color))
    }

    /// The fields of the change, but for the key.
    fn fields(self, is_over: bool, severity: Option<&'static str>) -> DraftFields<'d> {
        let color = self.color.as_deref().unwrap_or_default();
        let urgent = || (!is_over && color.eq_ignore_ascii_case("attention")).then_some("high");
        let title = self.title.as_deref();
        let texts = self.texts.iter().map(|text| &**text);
        let texts: Vec<_> = texts
            .filter(|text| Some(text.trim_matches('*')) != title)
            .collect();
        let mut facts = self.facts;
        // Uptime Kuma writes about its state there.
        let described = facts.iter().position(|(name, _)| name == DESCRIPTION);
        let description = described.map_or_else(|| texts.join("\n").into(), |index| facts.remove(index).1);
        let facts = facts.into_iter();
        let metadata: Entries<'d> = facts
            .map(|(name, value)| (name, MetadataValue::Text(value)))
            .take(MAX_ENTRIES)
            .collect();
        DraftFields {
            // The end of a problem is no better name for it.
            title: self.title.filter(|_| !is_over),
            description: Some(description),
            severity: severity.or_else(urgent).map(Into::into),
            source_url: self.link,
            metadata,
            ..DraftFields::default()
        }
    }
}

/// Returns `true` for a colour of an adaptive card that tells a state.
fn is_state(color: &str) -> bool {
    ["good", "warning", "attention"]
        .iter()
        .any(|state| color.eq_ignore_ascii_case(state))
}
