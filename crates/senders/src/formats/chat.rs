//! Messages that are written for people, as chat tools take them: they name no problem, so their keys are made of title and link.

use std::borrow::Cow;

use hookgate_domain::IncidentStatus;

use super::fields::digest;
use super::uptime_kuma;

/// An alarm of a Netdata agent. Its link names the alarm and says whether it is over.
pub(super) struct NetdataAlarm {
    pub(super) key: Cow<'static, str>,
    /// Host and alarm.
    pub(super) title: String,
    pub(super) is_clear: bool,
    pub(super) severity: Option<&'static str>,
    /// `true` for the alarm of `alarm-notify.sh test`.
    pub(super) is_test: bool,
}

impl NetdataAlarm {
    pub(super) fn of_link(link: &str) -> Option<Self> {
        let (_, query) = link.split_once('?')?;
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        let place = [value("host")?, value("chart")?, value("alarm")?];
        let status = value("alarm_status")?;
        Some(Self {
            title: format!("{}: {}", place[0], place[2]),
            key: digest(place.iter().map(|text| &**text)),
            is_clear: status == "CLEAR",
            severity: match &*status {
                "CRITICAL" => Some("critical"),
                "WARNING" => Some("warning"),
                _ => None,
            },
            is_test: place[1..] == ["test.chart", "test_alarm"],
        })
    }
}

/// The key of a message for people: messages with the same title, but for its status, and the same link are about one problem.
/// Uptime Kuma's titles name their monitor.
pub(super) fn key(title: &str, link: &str) -> Cow<'static, str> {
    uptime_kuma::key_of_text(title).unwrap_or_else(|| digest([&*without_status(title), link]))
}

/// Guesses from the words of a title whether the problem is over: the last word that tells a status counts.
pub(super) fn says_resolved(title: &str) -> bool {
    words(title).filter_map(|word| status(&word)).last() == Some(IncidentStatus::Resolved)
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
