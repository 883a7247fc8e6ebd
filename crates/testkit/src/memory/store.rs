//! Webhooks, deliveries and incidents.

use hookgate_domain::incident::IncidentError;
use hookgate_domain::webhook::RetiredBecause;
use hookgate_domain::{
    DeliveryId, Incident, IncidentNumber, IncidentStatus, KnownUrl, RetiredUrl, Timestamp, Webhook,
    WebhookHandle, WebhookIdDigest, WebhookName,
};
use hookgate_gate::{
    AcceptedDelivery, ActorContext, Commit, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentAction,
    IncidentCount, IncidentFilter, IncidentRecord, MAX_EVENTS, Page, PageSize, Pruned, RefusalKey,
    RefusedDelivery, Retention, RunBounds, RunEnds, Seek, SourceTotals, Store, StoreError, TopSources,
    UrlSince, Usage, UsageRange, UsageTotals, WebhookCounts, WebhookUsage,
};
use hookgate_people::NewAudit;

use super::state::MemoryStore;

impl Store for MemoryStore {
    async fn url_by_digest(&self, digest: &WebhookIdDigest) -> Result<Option<KnownUrl>, StoreError> {
        let state = self.up()?;
        let has_it = |webhook: &&Webhook| webhook.live_url().is_ok_and(|url| url.digest == *digest);
        let live = state.webhooks.values().find(has_it);
        let live = live.map(|webhook| KnownUrl::Live(state.resolved(webhook)));
        let retired = || {
            state
                .retired
                .iter()
                .find(|retired| retired.digest == *digest)
                .copied()
        };
        Ok(live.or_else(|| retired().map(KnownUrl::Retired)))
    }

    async fn url_since(&self, digest: &WebhookIdDigest, revision: i64) -> Result<UrlSince, StoreError> {
        let url = self.url_by_digest(digest).await?;
        self.answer().await;
        let is_same = matches!(&url, Some(KnownUrl::Live(webhook)) if webhook.revision == revision);
        Ok(if is_same {
            UrlSince::Unchanged
        } else {
            UrlSince::Changed(url.map(Box::new))
        })
    }

    async fn delivery_commit(&self, delivery: AcceptedDelivery) -> Result<Commit, StoreError> {
        let commit = self.up()?.commit(delivery);
        self.answer().await;
        Ok(commit)
    }

    fn refusal_count(&self, refusal: RefusalKey) -> bool {
        self.up().is_ok_and(|mut state| state.count_refusal(&refusal))
    }

    fn refusal_record(&self, refusal: RefusedDelivery) {
        if let Ok(mut state) = self.up() {
            state.refuse(refusal);
        }
    }

    async fn webhook_insert(&self, webhook: Webhook, audit: NewAudit) -> Result<(), StoreError> {
        let mut state = self.up()?;
        state.people.check(&audit)?;
        let is_taken = state.webhooks.contains_key(&webhook.handle) || state.people.is_repeated(&audit);
        if is_taken || !state.has_sets_of(&webhook) {
            return Err(StoreError::Conflict);
        }
        state.people.show(&webhook, None, &audit);
        state.webhooks.insert(webhook.handle, webhook);
        state.people.note(audit);
        Ok(())
    }

    async fn webhook_replace(
        &self,
        webhook: Webhook,
        retired: Option<RetiredUrl>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let mut state = self.up()?;
        state.people.check(&audit)?;
        if !state.has_sets_of(&webhook) {
            return Err(StoreError::Conflict);
        }
        let known = state
            .webhooks
            .get_mut(&webhook.handle)
            .filter(|known| known.revision + 1 == webhook.revision);
        let known = known.ok_or(StoreError::Conflict)?;
        let is_new = retired.is_some_and(|retired| retired.because == RetiredBecause::Regenerated);
        let leaver = known.leaver.clone().filter(|_| !is_new);
        let webhook = Webhook { leaver, ..webhook };
        let before = std::mem::replace(known, webhook.clone());
        state.people.show(&webhook, Some((&before, is_new)), &audit);
        state.retired.extend(retired);
        state.people.note(audit);
        Ok(())
    }

    async fn webhook_by_handle(&self, handle: WebhookHandle) -> Result<Option<Webhook>, StoreError> {
        let state = self.up()?;
        Ok(state.webhooks.get(&handle).map(|webhook| state.resolved(webhook)))
    }

    async fn webhooks_by_name(&self, name: &WebhookName) -> Result<Vec<Webhook>, StoreError> {
        let state = self.up()?;
        let mut webhooks: Vec<_> = state
            .webhooks
            .values()
            .filter(|webhook| webhook.name == *name)
            .cloned()
            .collect();
        webhooks.sort_by_key(|webhook| webhook.live_url().is_err());
        webhooks.truncate(2);
        Ok(webhooks)
    }

    async fn webhook_page(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> Result<Vec<Webhook>, StoreError> {
        let state = self.up()?;
        let behind = state
            .webhooks
            .values()
            .filter(|webhook| after.is_none_or(|after| webhook.handle > after));
        Ok(behind.take(size.rows().into()).cloned().collect())
    }

    async fn webhook_counts(&self) -> Result<WebhookCounts, StoreError> {
        let state = self.up()?;
        let urls: Vec<_> = state
            .webhooks
            .values()
            .filter_map(|webhook| webhook.live_url().ok())
            .collect();
        Ok(WebhookCounts {
            active: urls.len() as u64,
            revoked: (state.webhooks.len() - urls.len()) as u64,
            oldest_issued_at: urls.iter().map(|url| url.issued_at).min(),
        })
    }

    async fn delivery_page(
        &self,
        filter: &DeliveryFilter,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        Ok(self.up()?.page(filter, seek, size))
    }

    async fn delivery_by_id(&self, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        let state = self.up()?;
        Ok(state.deliveries.get(&id).map(|record| DeliveryRecord {
            summary: state.named(&record.summary),
            ..record.clone()
        }))
    }

    async fn deliveries_of_incident(
        &self,
        number: IncidentNumber,
        seek: Seek,
        size: PageSize,
    ) -> Result<Page<DeliverySummary, DeliveryId>, StoreError> {
        Ok(self.up()?.page_of_incident(number, seek, size))
    }

    async fn incident_page(
        &self,
        filter: IncidentFilter,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> Result<Page<Incident, IncidentNumber>, StoreError> {
        let state = self.up()?;
        let older = state
            .incidents
            .values()
            .rev()
            .filter(|incident| before.is_none_or(|before| incident.number < before));
        let wanted = older.filter(|incident| {
            filter.status.is_none_or(|status| incident.status == status)
                && filter.webhook.is_none_or(|webhook| incident.webhook == webhook)
        });
        let items = wanted.take(size.and_one().rows().into()).cloned().collect();
        Ok(Page::new(
            items,
            size,
            |incident: &Incident| incident.number,
            None,
        ))
    }

    async fn usage(
        &self,
        webhook: Option<WebhookHandle>,
        range: UsageRange,
        now: Timestamp,
    ) -> Result<Usage, StoreError> {
        Ok(self.up()?.usage(webhook, range, now))
    }

    async fn usage_many(
        &self,
        webhooks: &[WebhookHandle],
        now: Timestamp,
    ) -> Result<Vec<WebhookUsage>, StoreError> {
        let state = self.up()?;
        let webhooks = webhooks.iter().take(PageSize::MAX.rows().into());
        Ok(webhooks.map(|webhook| state.usage_of(*webhook, now)).collect())
    }

    async fn top_sources(
        &self,
        webhook: WebhookHandle,
        range: UsageRange,
        limit: PageSize,
        now: Timestamp,
    ) -> Result<TopSources, StoreError> {
        Ok(self.up()?.top_sources(webhook, range, limit, now))
    }

    async fn accepted_sources(
        &self,
        webhook: WebhookHandle,
        since: Timestamp,
    ) -> Result<SourceTotals, StoreError> {
        Ok(self.up()?.source_totals(webhook, since, true))
    }

    async fn incident_by_number(&self, number: IncidentNumber) -> Result<Option<Incident>, StoreError> {
        Ok(self.up()?.incidents.get(&number).cloned())
    }

    async fn incident_act(
        &self,
        number: IncidentNumber,
        action: IncidentAction,
        actor: ActorContext,
        now: Timestamp,
    ) -> Result<Option<Result<Incident, IncidentError>>, StoreError> {
        let mut state = self.up()?;
        state.people.check_actor(&actor.identity, actor.session, now)?;
        Ok(state.act(number, &action, &actor, now))
    }

    async fn incident_events(&self, number: IncidentNumber) -> Result<Vec<IncidentRecord>, StoreError> {
        let state = self.up()?;
        let of_it = state.events.iter().filter(|(incident, _)| *incident == number);
        Ok(of_it.map(|(_, record)| record.clone()).take(MAX_EVENTS).collect())
    }

    async fn incident_runs(
        &self,
        number: IncidentNumber,
        runs: &[RunBounds],
    ) -> Result<Vec<Option<RunEnds>>, StoreError> {
        let state = self.up()?;
        Ok(runs.iter().map(|run| state.run_of(number, *run)).collect())
    }

    async fn recent_refusals(&self, now: Timestamp) -> Result<Vec<(WebhookHandle, UsageTotals)>, StoreError> {
        Ok(self.up()?.recent_refusals(now))
    }

    async fn incident_counts(&self) -> Result<Vec<IncidentCount>, StoreError> {
        let state = self.up()?;
        let mut counts: Vec<IncidentCount> = Vec::new();
        let unresolved = state.incidents.values();
        for incident in unresolved.filter(|incident| incident.status != IncidentStatus::Resolved) {
            let (status, severity) = (incident.status, incident.severity);
            let known = counts
                .iter_mut()
                .find(|known| (known.status, known.severity) == (status, severity));
            match known {
                Some(known) => known.count += 1,
                None => counts.push(IncidentCount {
                    status,
                    severity,
                    count: 1,
                }),
            }
        }
        Ok(counts)
    }

    async fn history_prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, StoreError> {
        Ok(self.up()?.prune(retention, now))
    }
}
