//! How an allowlist is read while it is written, and who would stop passing.

use std::net::IpAddr;

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::{Allowlist, AllowlistError, EntryError, Timestamp, parse_entry};

use crate::text::UserText;
use crate::when;

/// Most entries that are listed; the rest is counted.
const MAX_LINES: usize = 50;

/// One entry of an allowlist as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowlistLine {
    /// Which line of the field it stands on, from 1.
    pub line: usize,
    /// The entry as it was written.
    pub text: UserText,
    /// How it was read.
    pub reading: LineReading,
}

/// How an entry was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineReading {
    /// It is right.
    Fine {
        /// The entry in its usual form.
        network: String,
        /// What to think about, such as a very wide network.
        remark: Option<String>,
    },
    /// It can't be taken.
    Wrong {
        /// What is wrong.
        message: String,
        /// What may have been meant.
        readings: Vec<String>,
    },
}

impl LineReading {
    /// Whether it can't be taken.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong { .. })
    }
}

/// Reads an allowlist entry by entry, by the domain's own rules, so that each can be told apart. `any` and an empty text have
/// no entries.
#[must_use]
pub fn allowlist_lines(text: &str) -> Vec<AllowlistLine> {
    let mut read = Vec::new();
    if text.trim() == "any" {
        return read;
    }
    for (index, line) in text.lines().enumerate() {
        let (entries, rest) = split_line(line);
        for entry in entries {
            // With what stands behind it on its line, for that is how it is read.
            let whole = format!("{entry}{rest}");
            read.push(AllowlistLine {
                line: index + 1,
                text: whole.as_str().into(),
                reading: reading(entry, &whole),
            });
        }
    }
    read
}

/// The entries of a line, and what counts for all of them: their end and their comment.
fn split_line(line: &str) -> (Vec<&str>, String) {
    let (before, comment) = line
        .split_once('#')
        .map_or((line, None), |(before, comment)| (before, Some(comment)));
    let mut words = before.split(|c: char| c == ',' || c.is_ascii_whitespace());
    let mut entries = Vec::new();
    let mut rest = String::new();
    for word in words.by_ref().filter(|word| !word.is_empty()) {
        if word == "until" && !entries.is_empty() {
            rest.push_str(" until");
            break;
        }
        entries.push(word);
    }
    for word in words {
        rest.push(' ');
        rest.push_str(word);
    }
    if let Some(comment) = comment {
        rest.push_str(" #");
        rest.push_str(comment);
    }
    (entries, rest)
}

fn reading(entry: &str, whole: &str) -> LineReading {
    match whole.parse::<Allowlist>() {
        Ok(list) => LineReading::Fine {
            network: list.to_string(),
            remark: list
                .warnings(None, Timestamp::from_micros(0))
                .first()
                .map(ToString::to_string),
        },
        Err(error) => LineReading::Wrong {
            readings: match parse_entry(entry) {
                Err(EntryError::HostBits { network, address }) => {
                    vec![network.to_string(), address.to_string()]
                }
                _ => Vec::new(),
            },
            message: match error {
                AllowlistError::Entry { source, .. } => source.to_string(),
                AllowlistError::Set { source, .. } => source.to_string(),
                error => error.to_string(),
            },
        },
    }
}

/// What an allowlist would change, before it is saved. A fragment: it has no page around it.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "parts/preview.html")]
pub struct Preview {
    /// How the entries were read.
    pub lines: Vec<AllowlistLine>,
    /// How many days of senders were looked at.
    pub days: u16,
    /// Who was let through in that time, those that would stop passing first. Empty while an entry is wrong.
    pub senders: Vec<PreviewSender>,
    /// How many senders would stop passing, shown or not.
    pub stopping: u64,
    /// How many deliveries they had.
    pub stopping_deliveries: u64,
    /// Deliveries of so many sources that they are no longer told apart.
    pub beyond: u64,
    /// How many senders more there are.
    pub more: u64,
    /// The address of whoever looks at the page, and whether it would pass.
    pub your_address: Option<(IpAddr, bool)>,
}

impl HtmlSafe for Preview {}

impl Preview {
    /// The fragment as HTML, for the script.
    #[must_use]
    pub fn render(&self) -> String {
        super::html(self)
    }

    fn wrong(&self) -> impl Iterator<Item = &AllowlistLine> {
        self.lines.iter().filter(|line| line.reading.is_wrong())
    }

    fn has_wrong(&self) -> bool {
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
            return format!("{} can't be taken.", when::count(wrong, "entry"));
        }
        let days = when::count(u64::from(self.days), "day");
        if self.stopping > 0 {
            return format!(
                "{} of the last {days}, with {}, would stop passing.",
                when::count(self.stopping, "sender"),
                when::count(self.stopping_deliveries, "delivery")
            );
        }
        if self.senders.is_empty() {
            return format!("Nobody was let through in the last {days}.");
        }
        if starting > 0 {
            return format!(
                "{} of the last {days} would start passing.",
                when::count(starting, "sender")
            );
        }
        format!("Every sender of the last {days} is treated as before.")
    }
}

/// One sender in the preview.
#[derive(Clone, Debug)]
pub struct PreviewSender {
    /// Its address.
    pub source: IpAddr,
    /// How many deliveries were accepted.
    pub deliveries: u64,
    /// When the last one came.
    pub last_seen: Timestamp,
    /// Whether the present allowlist has it.
    pub passes_now: bool,
    /// Whether the new allowlist has it.
    pub passes_then: bool,
}

impl PreviewSender {
    fn verdict(&self) -> (&'static str, &'static str) {
        match (self.passes_now, self.passes_then) {
            (true, true) => ("ok", "passes, as before"),
            (true, false) => ("bad", "would stop passing"),
            (false, true) => ("warn", "would start passing"),
            (false, false) => ("dim", "refused, as before"),
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
        let LineReading::Wrong { readings, .. } = &lines[2].reading else {
            panic!("{:?}", lines[2])
        };
        assert_eq!(readings, &["192.168.1.0/24", "192.168.1.5"]);
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
            "1 sender of the last 7 days, with 1,200 deliveries, would stop passing."
        );
    }
}
