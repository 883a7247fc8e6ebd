//! The timeline of an incident, as objects and as sentences.

use std::time::Duration;

use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::{IncidentStatus, Timestamp};
use hookgate_gate::{self as gate, Timeline, TimelineKind};
use hookgate_people::Actor;
use serde::Serialize;
use utoipa::ToSchema;

use super::{counted, time, words};

/// An entry of an incident's timeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// Time of the event; of several deliveries, the time of the first.
    #[schema(format = DateTime)]
    pub at: String,
    /// Time of the last delivery if the entry stands for several; else null.
    #[schema(format = DateTime, required)]
    pub until: Option<String>,
    /// Kind of the event.
    #[schema(value_type = words::TimelineKind)]
    pub kind: &'static str,
    /// The event in a few words.
    pub text: String,
    /// The actor; null for a sender.
    #[schema(required)]
    pub actor: Option<TimelineActor>,
    /// ID of the delivery that caused the event; null for members and programs, and if its record is not kept.
    #[schema(value_type = Option<words::DeliveryId>, required)]
    pub delivery: Option<String>,
    /// Number of deliveries or changes that the entry stands for.
    pub count: i64,
    /// Severity or title before the change; else null.
    #[schema(required)]
    pub from: Option<String>,
    /// Severity or title after the change; else null.
    #[schema(required)]
    pub to: Option<String>,
    /// Text of the note; else null.
    #[schema(required)]
    pub note: Option<String>,
}

/// An actor on an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineActor {
    /// `member`, `token`, `command_line` or `system`.
    #[schema(value_type = words::ActorKind)]
    pub kind: &'static str,
    /// ID of the member or token.
    #[schema(required)]
    pub id: Option<String>,
    /// Name of the actor at that time.
    pub name: String,
}

impl From<&gate::TimelineEntry> for TimelineEntry {
    fn from(entry: &gate::TimelineEntry) -> Self {
        let (from, to, note) = match &entry.kind {
            TimelineKind::Event(IncidentEvent::Severity { from, to }) => {
                (Some(from.to_string()), Some(to.to_string()), None)
            }
            TimelineKind::Event(IncidentEvent::Title { from, to }) => {
                (Some(from.clone()), Some(to.clone()), None)
            }
            TimelineKind::Event(IncidentEvent::Note(note)) => (None, None, Some(note.to_string())),
            _ => (None, None, None),
        };
        Self {
            at: time(entry.at),
            until: entry.until.map(time),
            kind: kind(&entry.kind),
            text: sentence(entry),
            actor: entry.actor.as_ref().map(|actor| TimelineActor {
                kind: actor.kind(),
                id: actor.id(),
                name: actor.name().to_owned(),
            }),
            delivery: entry.delivery.map(|id| id.to_string()),
            count: match entry.kind {
                TimelineKind::Updated(count) | TimelineKind::ChangesNotListed(count) => count,
                _ => 1,
            },
            from,
            to,
            note,
        }
    }
}

const fn kind(kind: &TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Opened => "opened",
        TimelineKind::Updated(_) => "updated",
        TimelineKind::Event(event) => event.kind(),
        TimelineKind::ResolvedLate(_) => IncidentEvent::ResolvedLate.kind(),
        TimelineKind::ChangesNotListed(_) => "changes_not_listed",
    }
}

/// The event in a few words: `Acknowledged by Ada`. The text of a note is left out.
#[must_use]
pub fn sentence(entry: &gate::TimelineEntry) -> String {
    let by = doer(entry.actor.as_ref());
    match &entry.kind {
        TimelineKind::Opened => "Opened by a delivery".to_owned(),
        TimelineKind::Updated(1) => "Updated by a delivery".to_owned(),
        TimelineKind::Updated(count) => format!("Updated by {}", counted(*count, "delivery")),
        TimelineKind::Event(IncidentEvent::Severity { from, to }) => {
            format!("Severity changed from {from} to {to} by {by}")
        }
        TimelineKind::Event(IncidentEvent::Title { from, to }) => {
            format!("Title changed from “{from}” to “{to}” by {by}")
        }
        TimelineKind::Event(IncidentEvent::Acknowledged) => format!("Acknowledged by {by}"),
        TimelineKind::Event(IncidentEvent::Resolved) => format!("Resolved by {by}"),
        TimelineKind::Event(IncidentEvent::ResolvedLate) => "The sender reported it resolved".to_owned(),
        TimelineKind::Event(IncidentEvent::Reopened) => format!("Reopened by {by}"),
        TimelineKind::Event(IncidentEvent::Note(_)) => format!("Note by {by}"),
        TimelineKind::ResolvedLate(after) => {
            format!("The sender reported it resolved, {} later", span(*after))
        }
        TimelineKind::ChangesNotListed(count) => {
            format!(
                "{} of title or severity, not listed",
                counted(*count, "more change")
            )
        }
    }
}

/// The actor's name in a sentence: `Ada`, `deploy (token)`, `root (command line)`, `the sender`.
#[must_use]
pub fn doer(actor: Option<&Actor>) -> String {
    match actor {
        None => "the sender".to_owned(),
        Some(Actor::Member { name, .. }) => name.clone(),
        Some(Actor::Token { name, .. }) => format!("{name} (token)"),
        Some(Actor::CommandLine { user }) => format!("{user} (command line)"),
        Some(Actor::System) => "Hookgate".to_owned(),
    }
}

/// One sentence with the time for which the incident was open, the time until it was acknowledged, and the actors of
/// both.
#[must_use]
pub fn summary(timeline: &Timeline, now: Timestamp) -> String {
    let by = |event| {
        let entry = timeline.last(&event)?;
        Some(format!(" by {}", doer(entry.actor.as_ref())))
    };
    let open = span(timeline.open_for(now));
    let begin = if timeline.incident.status == IncidentStatus::Resolved {
        match by(IncidentEvent::Resolved) {
            Some(by) => format!("Resolved after {open}{by}"),
            None => format!("Resolved after {open}"),
        }
    } else {
        format!("Open for {open}")
    };
    match timeline.acknowledged_after() {
        Some(after) => {
            // An incident that was opened as acknowledged has no entry for it.
            let by = by(IncidentEvent::Acknowledged).unwrap_or_else(|| " by the sender".to_owned());
            format!("{begin}, acknowledged after {}{by}.", span(after))
        }
        None => format!("{begin}."),
    }
}

/// A duration in its two largest units: `40 s`, `12 min`, `3 h 5 min`, `2 d 3 h`.
#[must_use]
pub fn span(span: Duration) -> String {
    let (seconds, minutes) = (span.as_secs(), span.as_secs() / 60);
    let (hours, days) = (minutes / 60, minutes / (60 * 24));
    let two = |large: u64, unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{large} {unit}")
        } else {
            format!("{large} {unit} {small} {small_unit}")
        }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use hookgate_domain::draft::DraftFields;
    use hookgate_domain::{Incident, IncidentDraft, IncidentNumber, OrganizationId, WebhookHandle};

    use super::*;
    use crate::words::TIMELINE_KINDS;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn minute(minutes: u64) -> Timestamp {
        NOW.after(Duration::from_mins(minutes))
    }

    fn timeline(change: impl Fn(Incident) -> Incident, entries: Vec<gate::TimelineEntry>) -> Timeline {
        let fields = DraftFields {
            title: Some("Disk full".into()),
            ..DraftFields::default()
        };
        let draft = IncidentDraft::check(fields).unwrap();
        let webhook = WebhookHandle::new(NOW, [1; 10]);
        let number = IncidentNumber::new(1).unwrap();
        let opened = Incident::open(number, OrganizationId::FIRST, webhook, draft, NOW).unwrap();
        Timeline {
            incident: change(opened),
            entries,
        }
    }

    fn entry(at: Timestamp, event: IncidentEvent, actor: Option<Actor>) -> gate::TimelineEntry {
        gate::TimelineEntry {
            at,
            until: None,
            kind: TimelineKind::Event(event),
            actor,
            delivery: None,
        }
    }

    #[test]
    fn a_summary_says_how_long_and_by_whom() {
        let root = || Some(Actor::CommandLine { user: "root".into() });
        let open = timeline(|opened| opened, Vec::new());
        assert_eq!(summary(&open, minute(12)), "Open for 12 min.");
        let acknowledged = vec![entry(minute(3), IncidentEvent::Acknowledged, root())];
        let worked = timeline(
            |opened| opened.acknowledge(minute(3)).unwrap(),
            acknowledged.clone(),
        );
        assert_eq!(
            summary(&worked, minute(12)),
            "Open for 12 min, acknowledged after 3 min by root (command line)."
        );
        let resolved = [
            acknowledged,
            vec![entry(minute(65), IncidentEvent::Resolved, None)],
        ]
        .concat();
        let end = |opened: Incident| {
            opened
                .acknowledge(minute(3))
                .unwrap()
                .resolve(minute(65))
                .unwrap()
        };
        assert_eq!(
            summary(&timeline(end, resolved), minute(900)),
            "Resolved after 1 h 5 min by the sender, acknowledged after 3 min by root (command line)."
        );
    }

    #[test]
    fn entries_are_told_in_words() {
        let words_of = |event, actor| sentence(&entry(NOW, event, actor));
        let root = Some(Actor::CommandLine { user: "root".into() });
        assert_eq!(
            words_of(IncidentEvent::Reopened, root),
            "Reopened by root (command line)"
        );
        assert_eq!(
            words_of(IncidentEvent::Acknowledged, None),
            "Acknowledged by the sender"
        );
        let late = gate::TimelineEntry {
            kind: TimelineKind::ResolvedLate(Duration::from_mins(14)),
            ..entry(NOW, IncidentEvent::ResolvedLate, None)
        };
        assert_eq!(sentence(&late), "The sender reported it resolved, 14 min later");
        assert!(TIMELINE_KINDS.contains(&TimelineEntry::from(&late).kind));
    }

    #[test]
    fn spans_have_two_units() {
        let texts = [0, 59, 60, 3_600, 11_100, 86_400, 183_600].map(|s| span(Duration::from_secs(s)));
        assert_eq!(
            texts,
            ["0 s", "59 s", "1 min", "1 h", "3 h 5 min", "1 d", "2 d 3 h"]
        );
    }
}
