//! Usage, counted from all deliveries on each query.

use std::collections::HashMap;
use std::net::IpAddr;

use hookgate_domain::networks::source_prefix;
use hookgate_domain::{Timestamp, WebhookHandle};
use hookgate_gate::{
    DeliverySummary, LastSeen, PageSize, SourceDay, SourceReasons, SourceTotals, SourceUsage, TopSources,
    Usage, UsageRange, UsageTotals, WebhookUsage,
};

use super::observation::{Observation, day};
use super::state::State;

impl State {
    /// Counts a delivery, with or without a record of its own.
    pub(super) fn see(&mut self, delivery: &DeliverySummary) {
        self.seen.push(Observation {
            webhook: delivery.webhook,
            at: delivery.received_at,
            source: delivery.source,
            answer: delivery.answer,
            would_be_refused: delivery.would_be_refused,
        });
    }

    /// The usage of one webhook, or of all.
    pub(super) fn usage(&self, webhook: Option<WebhookHandle>, range: UsageRange, now: Timestamp) -> Usage {
        let seen = self
            .seen
            .iter()
            .filter(|seen| webhook.is_none_or(|webhook| seen.webhook == webhook));
        Usage::of(range, now, seen.map(|seen| (seen.at, seen.answer.code(), 1)))
    }

    /// The usage of a webhook in the list.
    pub(super) fn usage_of(&self, webhook: WebhookHandle, now: Timestamp) -> WebhookUsage {
        let mut usage = WebhookUsage::silent(webhook);
        for seen in self.seen.iter().filter(|seen| seen.webhook == webhook) {
            usage.add(now, seen.at, seen.answer.code(), 1);
        }
        let records = self.deliveries.values().map(|record| &record.summary);
        let last = records.rev().find(|record| record.webhook == webhook);
        usage.last = last.map(|record| LastSeen {
            at: record.received_at,
            answer: record.answer,
        });
        usage
    }

    /// The usage of living webhooks that refused a delivery lately.
    pub(super) fn recent_refusals(&self, now: Timestamp) -> Vec<(WebhookHandle, UsageTotals)> {
        let living = self
            .webhooks
            .values()
            .filter(|webhook| webhook.live_url().is_ok());
        let usage = living.map(|webhook| self.usage_of(webhook.handle, now));
        let troubled = usage.filter(|usage| usage.totals.refusals() > 0);
        troubled.map(|usage| (usage.webhook, usage.totals)).collect()
    }

    /// The sources with most deliveries.
    pub(super) fn top_sources(
        &self,
        webhook: WebhookHandle,
        range: UsageRange,
        limit: PageSize,
        now: Timestamp,
    ) -> TopSources {
        let start = range.start(now);
        let top = self.source_totals(webhook, start, false).top(limit);
        let Some(created_at) = self.webhooks.get(&webhook).map(|webhook| webhook.created_at) else {
            return TopSources::default();
        };
        let first = |source| {
            let seen = self
                .seen
                .iter()
                .filter(|seen| seen.webhook == webhook && source_prefix(seen.source) == source);
            seen.map(|seen| seen.at).min()
        };
        let told = self.seen.iter().filter(|seen| seen.webhook == webhook);
        let told = told.filter(|seen| seen.day() >= day(start));
        let told = told.filter(|seen| seen.answer.code().is_some() || seen.would_be_refused);
        let reasons = SourceReasons::of(told.map(|seen| (seen.source, seen.answer.code(), 1)));
        let sources = top.iter().map(|total| {
            let first = first(source_prefix(total.address)).unwrap_or(total.last_seen);
            SourceUsage::of(total, &reasons, first, created_at, start)
        });
        TopSources {
            sources: sources.collect(),
            ..TopSources::default()
        }
    }

    /// Totals of the sources since then, by day.
    pub(super) fn source_totals(
        &self,
        webhook: WebhookHandle,
        since: Timestamp,
        only_accepted: bool,
    ) -> SourceTotals {
        let mut days = HashMap::<(i64, IpAddr), SourceDay>::new();
        let seen = self.seen.iter().filter(|seen| seen.webhook == webhook);
        for seen in seen.filter(|seen| seen.day() >= day(since)) {
            let is_accepted = seen.answer.code().is_none();
            let source = if is_accepted {
                seen.source.to_canonical()
            } else {
                source_prefix(seen.source)
            };
            let sent = days.entry((seen.day(), source)).or_insert(SourceDay {
                address: None,
                accepted: 0,
                refused: 0,
                last_seen: seen.at,
            });
            if is_accepted || sent.accepted == 0 {
                sent.address = Some(seen.source);
            }
            *(if is_accepted {
                &mut sent.accepted
            } else {
                &mut sent.refused
            }) += 1;
            sent.last_seen = sent.last_seen.max(seen.at);
        }
        let days = days.into_values();
        if only_accepted {
            SourceTotals::of_addresses(days.filter(|sent| sent.accepted > 0), since)
        } else {
            SourceTotals::of(days, since)
        }
    }
}
