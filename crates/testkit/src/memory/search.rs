//! The texts that a search compares: labels of webhooks and titles of incidents.

use hookgate_domain::{IncidentNumber, WebhookHandle, WebhookState};
use hookgate_gate::{IncidentTitle, PageSize, SearchStore, StoreError, WebhookLabel};

use super::state::MemoryStore;

impl SearchStore for MemoryStore {
    async fn webhook_labels(
        &self,
        after: Option<WebhookHandle>,
        size: PageSize,
    ) -> Result<Vec<WebhookLabel>, StoreError> {
        let state = self.up()?;
        let webhooks = state.webhooks.values();
        let behind = webhooks.filter(|webhook| after.is_none_or(|after| webhook.handle > after));
        let labels = behind.take(size.rows().into()).map(|webhook| WebhookLabel {
            handle: webhook.handle,
            name: webhook.name.clone(),
            hint: webhook.state.hint(),
            is_revoked: matches!(webhook.state, WebhookState::Revoked { .. }),
        });
        Ok(labels.collect())
    }

    async fn incident_titles(
        &self,
        before: Option<IncidentNumber>,
        size: PageSize,
    ) -> Result<Vec<IncidentTitle>, StoreError> {
        let state = self.up()?;
        let newest = state.incidents.values().rev();
        let older = newest.filter(|incident| before.is_none_or(|before| incident.number < before));
        let titles = older.take(size.rows().into()).map(|incident| IncidentTitle {
            number: incident.number,
            title: incident.title.clone(),
        });
        Ok(titles.collect())
    }
}
