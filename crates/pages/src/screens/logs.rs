//! The deliveries of all webhooks.

use std::time::Duration;

use askama::Template;
use hookgate_domain::{RefusalCode, WebhookHandle};

use super::delivery::DeliveryRow;
use crate::assets;
use crate::render::screen;
use crate::shell::{Pager, Paging, Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// The most common time ranges.
const PRESETS: [(&str, Duration); 4] = [
    ("15 min", Duration::from_mins(15)),
    ("1 h", Duration::from_hours(1)),
    ("24 h", Duration::from_hours(24)),
    ("7 d", Duration::from_hours(7 * 24)),
];

/// `/logs`.
#[derive(Clone, Debug, Template)]
#[template(path = "logs.html")]
pub struct Logs {
    /// The frame.
    pub shell: Shell,
    /// The webhooks to choose from.
    pub webhooks: Vec<(WebhookHandle, UserText)>,
    /// The filter of the list.
    pub filter: LogFilter,
    /// Problems of the filter; the list is then empty.
    pub problems: Vec<Problem>,
    /// The rows of this page, newest first.
    pub rows: Vec<DeliveryRow>,
    /// The neighbouring pages. Without a newer one, the page is live.
    pub paging: Paging,
}

screen!(Logs, "logs");

/// The filter of the logs: each field as in the query string, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// `webhook`: a handle.
    pub webhook: String,
    /// `outcome`: `accepted` or `refused`.
    pub outcome: String,
    /// `code`: a refusal code.
    pub code: String,
    /// `would_be_refused`: `true` or empty.
    pub would_be_refused: String,
    /// `source`: an address or a network.
    pub source: String,
    /// `from`: the earliest time, `2026-11-24T03:30`, UTC.
    pub from: String,
    /// `to`: the latest time, likewise.
    pub to: String,
    /// `request_id`: the `X-Request-Id` of an answer.
    pub request_id: String,
}

impl LogFilter {
    fn pairs(&self) -> [(&str, &str); 8] {
        [
            ("webhook", &self.webhook),
            ("outcome", &self.outcome),
            ("code", &self.code),
            ("would_be_refused", &self.would_be_refused),
            ("source", &self.source),
            ("from", &self.from),
            ("to", &self.to),
            ("request_id", &self.request_id),
        ]
    }

    /// The filter as a query string, `?` included; empty if it narrows nothing.
    #[must_use]
    pub fn query(&self) -> String {
        crate::link::query(&self.pairs())
    }
}

impl Logs {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    fn is_live(&self) -> bool {
        self.paging.newer.is_none() && self.problems.is_empty() && self.filter.to.is_empty()
    }

    /// Links to the newest deliveries, with the rest of the filter: a name, a path, and `true` if the link is the current
    /// page.
    fn presets(&self) -> Vec<(&'static str, String, bool)> {
        let link = |(name, span): (&'static str, Duration)| {
            let from = when::field(self.shell.now.before(span));
            let filter = LogFilter {
                from,
                to: String::new(),
                ..self.filter.clone()
            };
            let is_shown = filter == self.filter;
            (name, format!("/logs{}", filter.query()), is_shown)
        };
        PRESETS.into_iter().map(link).collect()
    }

    fn is_narrowed(&self) -> bool {
        self.filter != LogFilter::default()
    }

    fn export(&self, format: &str) -> String {
        let mut pairs = self.filter.pairs().to_vec();
        pairs.push(("format", format));
        format!("/logs/export{}", crate::link::query(&pairs))
    }

    fn pager(&self) -> Pager<'_> {
        Pager {
            path: "/logs",
            filter: self.filter.pairs().to_vec(),
            paging: &self.paging,
        }
    }
}
