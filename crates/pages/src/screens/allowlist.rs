//! The reading of an allowlist while it is being edited, and the senders that would stop passing.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::networks::misread_pair;
use hookgate_domain::{Allowlist, AllowlistError, Timestamp};

use crate::render::{self, RenderError};
use crate::text::UserText;
use crate::when;

/// Maximum number of entries that are listed; the others are only counted.
const MAX_LINES: usize = 50;
/// A time that is a multiple of this is midnight, UTC.
const MICROS_OF_DAY: i64 = 86_400_000_000;
/// Length of the date at the beginning of a displayed time: `2026-12-31`.
const DATE_CHARACTERS: usize = 10;

/// One entry of an allowlist, with its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowlistLine {
    /// Line of the field, from 1.
    pub line: usize,
    /// The entry as it was typed.
    pub text: UserText,
    /// The reading of the entry.
    pub reading: LineReading,
    /// Number of addresses that the entry permits, in words, if the page shows it.
    pub width: Option<String>,
}

/// The reading of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineReading {
    /// It is right.
    Fine {
        /// The entry in canonical form.
        network: String,
        /// A remark, such as one about a very wide network.
        remark: Option<String>,
    },
    /// It is not valid.
    Wrong {
        /// The reason, with a suggestion.
        message: String,
    },
}

impl LineReading {
    /// `true` if the entry is not valid.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong { .. })
    }
}

/// Parses each entry of an allowlist on its own, by the domain's rules, so that each has its own result. `any` and an empty
/// text have no entries.
#[must_use]
pub fn allowlist_lines(text: &str) -> Vec<AllowlistLine> {
    let mut read = Vec::new();
    if text.trim() == "any" {
        return read;
    }
    for (index, line) in text.lines().enumerate() {
        let (entries, rest) = split_line(line);
        for entry in entries {
            // The entry with the end and the comment of its line, as the parser reads it.
            let whole = format!("{entry}{rest}");
            read.push(AllowlistLine {
                line: index + 1,
                text: whole.as_str().into(),
                reading: reading(&whole),
                width: None,
            });
        }
    }
    read
}

/// The entries of a line, and the part that applies to all of them: the end and the comment.
fn split_line(line: &str) -> (Vec<String>, String) {
    let (before, comment) = line
        .split_once('#')
        .map_or((line, None), |(before, comment)| (before, Some(comment)));
    let mut entries = Vec::new();
    let mut rest = String::new();
    let words = |(part, text): (usize, _)| str::split_ascii_whitespace(text).map(move |word| (part, word));
    let mut words = before.split(',').enumerate().flat_map(words).peekable();
    while let Some((part, word)) = words.next() {
        if word == "until" && !entries.is_empty() {
            rest.push_str(" until");
            break;
        }
        // An address with its netmask is shown as one entry, since one entry was probably meant.
        let mask = words.next_if(|(of, next)| *of == part && misread_pair(word, next).is_some());
        entries.push(mask.map_or_else(|| word.to_owned(), |(_, mask)| format!("{word} {mask}")));
    }
    for (_, word) in words {
        rest.push(' ');
        rest.push_str(word);
    }
    if let Some(comment) = comment {
        rest.push_str(" #");
        rest.push_str(comment);
    }
    (entries, rest)
}

fn reading(whole: &str) -> LineReading {
    match whole.parse::<Allowlist>() {
        Ok(list) => LineReading::Fine {
            network: list.to_string(),
            remark: list
                .warnings(None, Timestamp::from_micros(0))
                .first()
                .map(ToString::to_string)
                .or_else(|| end_of_day(&list)),
        },
        Err(error) => LineReading::Wrong {
            message: match error {
                AllowlistError::Entry { source, .. } => source.to_string(),
                AllowlistError::Set { source, .. } => source.to_string(),
                error => error.to_string(),
            },
        },
    }
}

/// Explains that the last day is included, if the entries end at midnight (UTC).
fn end_of_day(list: &Allowlist) -> Option<String> {
    let until = list.entries()?.first()?.until?;
    let last_day = until.before(Duration::from_micros(1)).to_string();
    let last_day: String = last_day.chars().take(DATE_CHARACTERS).collect();
    let is_midnight = until.as_micros().rem_euclid(MICROS_OF_DAY) == 0;
    is_midnight.then(|| format!("ends after {last_day} (UTC)"))
}

/// The effect of an allowlist, before it is saved. A fragment: it has no page around it.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "parts/preview.html")]
pub struct Preview {
    /// The entries with their readings.
    pub lines: Vec<AllowlistLine>,
    /// A problem of the list as a whole, if each entry alone is valid: the same entry with two ends, too many entries.
    pub problem: Option<String>,
    /// Number of days of history that the preview covers.
    pub days: u16,
    /// The senders that were accepted in that time, those that would stop passing first. Empty if an entry is not valid.
    pub senders: Vec<PreviewSender>,
    /// Number of senders that would stop passing, shown or not.
    pub stopping: u64,
    /// Number of deliveries of those senders.
    pub stopping_deliveries: u64,
    /// Deliveries from sources that are not counted separately, because there are too many of them.
    pub beyond: u64,
    /// Number of senders that are not shown.
    pub more: u64,
    /// The address of the page's reader, and `true` if it would pass.
    pub your_address: Option<(IpAddr, bool)>,
}

impl HtmlSafe for Preview {}

impl Preview {
    /// The fragment as HTML, for the script.
    ///
    /// # Errors
    /// The template fails.
    pub fn render(&self) -> Result<String, RenderError> {
        render::html(self)
    }

    fn wrong(&self) -> impl Iterator<Item = &AllowlistLine> {
        self.lines.iter().filter(|line| line.reading.is_wrong())
    }

    /// `true` if an entry is not valid.
    #[must_use]
    pub fn has_wrong(&self) -> bool {
        self.wrong().next().is_some()
    }

    fn shown(&self) -> impl Iterator<Item = &AllowlistLine> {
        self.lines.iter().take(MAX_LINES)
    }

    fn unshown(&self) -> usize {
        self.lines.len().saturating_sub(MAX_LINES)
    }

    /// The outcome in one sentence.
    fn sentence(&self) -> String {
        let starting = self
            .senders
            .iter()
            .filter(|sender| !sender.passes_now && sender.passes_then)
            .count() as u64;
        if self.has_wrong() {
            let wrong = self.wrong().count() as u64;
            let verb = if wrong == 1 { "is" } else { "are" };
            return format!("{} {verb} not valid.", when::count(wrong, "entry"));
        }
        if let Some(problem) = &self.problem {
            return format!("The list is not valid: {problem}.");
        }
        let days = when::count(u64::from(self.days), "day");
        if self.stopping > 0 {
            return format!(
                "{} from the last {days} ({}) would be refused.",
                when::count(self.stopping, "sender"),
                when::count(self.stopping_deliveries, "delivery")
            );
        }
        if self.beyond > 0 {
            return format!("No sender from the last {days} that is counted separately would be refused.");
        }
        if self.senders.is_empty() {
            return format!("No deliveries were accepted in the last {days}.");
        }
        if starting > 0 {
            return format!(
                "{} from the last {days} would no longer be refused.",
                when::count(starting, "sender")
            );
        }
        format!("Nothing changes for the senders from the last {days}.")
    }
}

/// One sender in the preview.
#[derive(Clone, Debug)]
pub struct PreviewSender {
    /// Its address.
    pub source: IpAddr,
    /// Number of accepted deliveries.
    pub deliveries: u64,
    /// Time of the last delivery.
    pub last_seen: Timestamp,
    /// `true` if the sender passes now: the allowlist has its address, or only observes.
    pub passes_now: bool,
    /// `true` if the sender would pass with the new allowlist.
    pub passes_then: bool,
}

impl PreviewSender {
    fn verdict(&self) -> (&'static str, &'static str) {
        match (self.passes_now, self.passes_then) {
            (true, true) => ("ok", "still allowed"),
            (true, false) => ("bad", "would be refused"),
            (false, true) => ("warn", "would be allowed"),
            (false, false) => ("dim", "still refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_one_by_one_with_their_lines() {
        let lines = allowlist_lines("192.0.2.0/24, 2001:db8::1\n\n192.168.1.5/24\nnonsense\n0.0.0.0/0");
        let at: Vec<_> = lines
            .iter()
            .map(|line| (line.line, line.reading.is_wrong()))
            .collect();
        assert_eq!(at, [(1, false), (1, false), (3, true), (4, true), (5, false)]);
        let LineReading::Wrong { message } = &lines[2].reading else {
            panic!("{:?}", lines[2])
        };
        assert!(
            message.contains("write 192.168.1.0/24 for the network or 192.168.1.5"),
            "{message}"
        );
        let lines = allowlist_lines(
            "192.0.2.0 255.255.255.0 198.51.100.7\n192.0.2.10-11\n192.0.2.1 until 2026-12-31",
        );
        let LineReading::Wrong { message } = &lines[0].reading else {
            panic!("{:?}", lines[0])
        };
        assert!(message.contains("write 192.0.2.0/24"), "{message}");
        assert!(!lines[1].reading.is_wrong() && lines[2].reading.is_wrong());
        let LineReading::Fine { remark, .. } = &lines[3].reading else {
            panic!("{:?}", lines[3])
        };
        assert_eq!(remark.as_deref(), Some("ends after 2026-12-31 (UTC)"));
        assert!(allowlist_lines(" any\n").is_empty() && allowlist_lines("").is_empty());
    }

    #[test]
    fn the_sentence_counts_who_is_cut_off() {
        let sender = |passes_now, passes_then| PreviewSender {
            source: IpAddr::from([192, 0, 2, 7]),
            deliveries: 1_200,
            last_seen: Timestamp::from_micros(0),
            passes_now,
            passes_then,
        };
        let preview = Preview {
            days: 7,
            senders: vec![sender(true, false), sender(true, true)],
            stopping: 1,
            stopping_deliveries: 1_200,
            ..Preview::default()
        };
        assert_eq!(
            preview.sentence(),
            "1 sender from the last 7 days (1,200 deliveries) would be refused."
        );
    }
}
