//! The texts that a search compares.

use std::sync::Arc;

use hookgate_domain::UrlChange;
use hookgate_gate::{IncidentTitle, PageSize, SearchStore, Store, WebhookLabel};

use super::{incident, told, with_webhook};
use crate::samples::{audit, delivery, second};

/// Labels of webhooks come in the order of handles and mark revoked ones; titles of incidents go back by number. Both
/// come page by page.
pub async fn labels_and_titles_are_paged<S: Store + SearchStore>(store: &Arc<S>) {
    let size = PageSize::new(2).unwrap();
    let mut labels = Vec::new();
    let mut titles = Vec::new();
    for seed in 1..=3 {
        let webhook = with_webhook(store, seed).await;
        let number = told(store, delivery(&webhook)).await;
        let title = incident(store, number).await.title;
        titles.insert(0, IncidentTitle { number, title });
        labels.push(WebhookLabel {
            handle: webhook.handle,
            hint: webhook.state.hint(),
            is_revoked: seed == 3,
            name: webhook.name.clone(),
        });
        if seed == 3 {
            let UrlChange { webhook, retired } = webhook.revoke(second(60)).unwrap();
            store
                .webhook_replace(webhook, Some(retired), audit())
                .await
                .unwrap();
        }
    }
    let first = store.webhook_labels(None, size).await.unwrap();
    assert_eq!(first, labels[..2]);
    let rest = store.webhook_labels(Some(labels[1].handle), size).await.unwrap();
    assert_eq!(rest, labels[2..]);
    let first = store.incident_titles(None, size).await.unwrap();
    assert_eq!(first, titles[..2]);
    let rest = store.incident_titles(Some(titles[1].number), size).await.unwrap();
    assert_eq!(rest, titles[2..]);
}
