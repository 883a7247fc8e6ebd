//! The page of one webhook.

use askama::Template;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{RefusalCode, Timestamp};

use super::delivery::{DeliveryRow, IgnoredHeader};
use super::observed::Observed;
use super::usage::{Range, SourceRow, by_number};
use super::webhook_facts::WebhookFacts;
use crate::assets;
use crate::chart::Chart;
use crate::explain::explain;
use crate::render::screen;
use crate::shell::Shell;
use crate::when;

/// `/webhooks/{handle}`.
#[derive(Clone, Debug, Template)]
#[template(path = "webhook.html")]
pub struct WebhookDetail {
    /// The frame.
    pub shell: Shell,
    /// The webhook and its settings.
    pub webhook: WebhookFacts,
    /// The time range of the page.
    pub range: Range,
    /// Deliveries in that range.
    pub chart: Chart,
    /// Deliveries of the last 24 hours, if the webhook is failing.
    pub failing: Option<Failing>,
    /// Effect of enforcing the allowlist, if the webhook only observes.
    pub observed: Option<Observed>,
    /// A forwarding header that was recently ignored.
    pub ignored: Option<IgnoredHeader>,
    /// Deliveries to its retired URLs, if it has any.
    pub retired: Option<RetiredUrlUse>,
    /// The most active sources in that range.
    pub sources: Vec<SourceRow>,
    /// The newest deliveries, newest first.
    pub recent: Vec<DeliveryRow>,
}

screen!(WebhookDetail, "webhooks");

/// Deliveries of the last 24 hours to a failing webhook.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The most frequent refusal code.
    pub code: RefusalCode,
    /// Number of accepted deliveries.
    pub accepted: u64,
    /// Number of refused deliveries by code, the most frequent first.
    pub refused: Vec<(RefusalCode, u64)>,
}

/// Deliveries to the retired URLs of a webhook, since they stopped working.
#[derive(Clone, Copy, Debug)]
pub struct RetiredUrlUse {
    /// Time at which the webhook was revoked, or its current URL was issued.
    pub since: Timestamp,
    /// Number of deliveries accepted since then.
    pub accepted: u64,
    /// Number of refused deliveries.
    pub refused: u64,
    /// Time of the last of these deliveries.
    pub last: Option<Timestamp>,
    /// `true` if the number is exact; otherwise there may be more.
    pub complete: bool,
}

impl RetiredUrlUse {
    fn more(&self) -> &'static str {
        if self.complete { "" } else { " or more" }
    }
}

/// Health of the webhook in a sentence or two, with links to remedies.
struct Health {
    class: &'static str,
    sentence: String,
    actions: Vec<(String, &'static str)>,
}

impl Health {
    fn new(class: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            class,
            sentence: sentence.into(),
            actions: Vec::new(),
        }
    }

    fn with(mut self, path: String, words: &'static str) -> Self {
        self.actions.push((path, words));
        self
    }
}

impl WebhookDetail {
    /// Statements about the webhook's health, worst first.
    fn health(&self) -> Vec<Health> {
        let path = self.path();
        if self.webhook.revoked_at.is_some() {
            return vec![Health::new("dim", "This webhook is revoked. Deliveries get 410.")];
        }
        let mut all = Vec::new();
        if let RotationAge::Exposed { .. } = self.webhook.rotation {
            let text = "This URL was used over unencrypted HTTP and may have been read by others.";
            all.push(Health::new("bad", text).with(format!("{path}/regenerate"), "Rotate it"));
        }
        if let Some(leaver) = &self.webhook.leaver {
            let text = format!(
                "{} was removed and had been shown this URL or its signing secret.",
                leaver.plain()
            );
            all.push(Health::new("warn", text).with(format!("{path}/regenerate"), "Regenerate it"));
        }
        match &self.failing {
            Some(failing) => all.push(self.failure(failing)),
            None => all.extend(self.refusals()),
        }
        all.extend(self.observed.as_ref().map(|observed| self.observation(observed)));
        all.extend(
            self.ignored
                .map(|ignored| Health::new("warn", ignored.sentence())),
        );
        if all.is_empty() {
            all.push(self.peace());
        }
        all
    }

    fn failure(&self, failing: &Failing) -> Health {
        let refused = failing
            .refused
            .iter()
            .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let text = format!(
            "Failing: {} of {} in the last 24 hours were refused: {}. {} {}",
            when::grouped(refused),
            when::count(failing.accepted.saturating_add(refused), "delivery"),
            by_number(&failing.refused, refused),
            explain(failing.code).why,
            explain(failing.code).remedy,
        );
        let code = failing.code.as_str();
        self.with_allow(
            Health::new("bad", text).with(self.logs(&[("code", code)]), "View them"),
            failing.code,
        )
    }

    /// Refusals in the shown range, for a webhook that is not failing.
    fn refusals(&self) -> Option<Health> {
        let codes = self.chart.totals().1;
        let refused = codes
            .iter()
            .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let most = codes.first()?.0;
        let text = format!(
            "{} in the {} {} refused: {}.",
            when::count(refused, "delivery"),
            self.range.words(),
            if refused == 1 { "was" } else { "were" },
            by_number(&codes, refused)
        );
        let health = Health::new("warn", text).with(self.logs(&[("outcome", "refused")]), "View");
        Some(self.with_allow(health, most))
    }

    /// Adds a link that allows the source that the allowlist refused most.
    fn with_allow(&self, health: Health, code: RefusalCode) -> Health {
        let count = |source: &SourceRow| {
            let reasons = source.reasons.iter();
            reasons
                .filter(|(code, _)| *code == RefusalCode::IpNotAllowed)
                .map(|(_, count)| *count)
                .sum::<u64>()
        };
        let worst = self
            .sources
            .iter()
            .filter(|source| count(source) > 0)
            .max_by_key(|source| count(source));
        match worst.filter(|_| code == RefusalCode::IpNotAllowed) {
            Some(worst) => {
                let add = crate::link::query(&[("add", &worst.source)]);
                health.with(
                    format!("{}/edit{add}", self.path()),
                    "Allow the most frequent address",
                )
            }
            None => health,
        }
    }

    fn observation(&self, observed: &Observed) -> Health {
        let enforce = format!("{}/enforce", self.path());
        let text = observed.sentence(self.shell.now);
        if observed.refused_senders == 0 {
            return Health::new("dim", text).with(enforce, "Enforce");
        }
        Health::new("warn", text)
            .with(self.logs(&[("would_be_refused", "true")]), "View them")
            .with(enforce, "Enforce")
    }

    fn peace(&self) -> Health {
        if self.recent.is_empty() {
            return Health::new(
                "dim",
                "No deliveries yet. Send one with the snippets that came with the URL.",
            );
        }
        if self.chart.totals().0 == 0 {
            return Health::new("dim", format!("No deliveries in the {}.", self.range.words()));
        }
        Health::new(
            "ok",
            format!("All deliveries were accepted in the {}.", self.range.words()),
        )
    }

    /// The logs of deliveries to its retired URLs.
    fn retired_logs(&self, retired: &RetiredUrlUse) -> String {
        let from = when::field(retired.since);
        let code = match self.webhook.revoked_at {
            Some(_) => "",
            None => RefusalCode::WebhookRevoked.as_str(),
        };
        self.logs(&[("code", code), ("from", &from)])
    }

    /// Deliveries to the old URLs of an active webhook, if there are any.
    fn old_urls(&self) -> Option<&RetiredUrlUse> {
        let retired = self.retired.as_ref()?;
        (self.webhook.revoked_at.is_none() && retired.refused > 0).then_some(retired)
    }

    /// The logs of this webhook, with a further filter.
    fn logs(&self, narrowed: &[(&str, &str)]) -> String {
        let handle = self.webhook.handle.to_string();
        let pairs = [&[("webhook", handle.as_str())], narrowed].concat();
        format!("/logs{}", crate::link::query(&pairs))
    }

    fn has_observed(&self) -> bool {
        self.sources.iter().any(|source| source.would_be_refused > 0)
    }

    fn path(&self) -> String {
        format!("/webhooks/{}", self.webhook.handle)
    }

    fn unknown_sources(&self) -> usize {
        self.sources.iter().filter(|source| source.unknown).count()
    }
}
