//! Webhooks, their URLs and their tombstones.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use hookgate_domain::policy::{AllowlistMode, Limits, Overload, PayloadLogging, SealedSecret};
use hookgate_domain::rotation::RotationPolicy;
use hookgate_domain::webhook::RetiredBecause;
use hookgate_domain::{KnownUrl, Policy, UrlChange, Webhook};
use hookgate_gate::{PageSize, Store, StoreError, UrlSince, WebhookCounts};

use super::{digest, with_webhook};
use crate::samples::{self, audit, name, second};

/// A living URL is found with its webhook.
pub async fn a_living_url_leads_to_its_webhook<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    with_webhook(store, 2).await;
    assert_eq!(
        store.url_by_digest(&digest(&webhook)).await.unwrap(),
        Some(KnownUrl::Live(webhook.clone()))
    );
    assert_eq!(
        store.webhook_by_handle(webhook.handle).await.unwrap(),
        Some(webhook)
    );
}

/// The URL of a known revision is unchanged, and nothing is read but the revision; any other revision is returned
/// whole.
pub async fn a_url_is_the_same_at_the_same_revision<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let (digest, revision) = (digest(&webhook), webhook.revision);
    assert_eq!(
        store.url_since(&digest, revision).await.unwrap(),
        UrlSince::Unchanged
    );
    let changed = UrlSince::Changed(Some(Box::new(KnownUrl::Live(webhook.clone()))));
    assert_eq!(store.url_since(&digest, revision - 1).await.unwrap(), changed);
    let UrlChange { webhook, retired } = webhook.revoke(second(9)).unwrap();
    store
        .webhook_replace(webhook, Some(retired), audit())
        .await
        .unwrap();
    assert_eq!(
        store.url_since(&digest, revision).await.unwrap(),
        UrlSince::Changed(Some(Box::new(KnownUrl::Retired(retired))))
    );
    let unknown = samples::webhook_id(2).unwrap().digest();
    assert_eq!(
        store.url_since(&unknown, 1).await.unwrap(),
        UrlSince::Changed(None)
    );
}

/// A URL that was never issued is not found.
pub async fn an_unknown_url_leads_nowhere<S: Store>(store: &Arc<S>) {
    with_webhook(store, 1).await;
    let unknown = samples::webhook(2);
    assert_eq!(store.url_by_digest(&digest(&unknown)).await.unwrap(), None);
    assert_eq!(store.webhook_by_handle(unknown.handle).await.unwrap(), None);
}

/// A webhook comes back as it was stored, with any settings.
pub async fn every_setting_comes_back<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let policy = Policy {
        allowlist: "192.0.2.0/24, 2001:db8::/32 until 2027-01-01 # moving\n198.51.100.7"
            .parse()
            .unwrap(),
        allowlist_mode: AllowlistMode::Observe,
        limits: Limits::new(1_000, NonZeroU32::new(60), Overload::Postpone).unwrap(),
        payload_logging: PayloadLogging::Off,
        signing_secret: Some(SealedSecret::from_bytes(vec![0, 1, 255])),
        rotation: RotationPolicy {
            days: NonZeroU16::new(7),
        },
    };
    let edited = webhook
        .expose(second(5))
        .unwrap()
        .edit(name("Grafana, Ærø"), policy)
        .unwrap();
    let edited = Webhook {
        revision: 2,
        mode_changed_at: Some(second(6)),
        ..edited
    };
    store
        .webhook_replace(edited.clone(), None, audit())
        .await
        .unwrap();
    assert_eq!(
        store.webhook_by_handle(edited.handle).await.unwrap(),
        Some(edited.clone())
    );

    let plain = edited.edit(
        name("plain"),
        Policy {
            rotation: RotationPolicy { days: None },
            ..Policy::default()
        },
    );
    let plain = plain.unwrap();
    store.webhook_replace(plain.clone(), None, audit()).await.unwrap();
    assert_eq!(store.webhook_by_handle(plain.handle).await.unwrap(), Some(plain));
}

/// A regenerated webhook has a tombstone for the old URL, and a new one that works; again and again.
pub async fn a_regenerated_url_leaves_a_tombstone<S: Store>(store: &Arc<S>) {
    let mut webhook = with_webhook(store, 1).await;
    let mut dead = Vec::new();
    for seed in 101..104 {
        let id = samples::webhook_id(seed).unwrap();
        let UrlChange {
            webhook: fresh,
            retired,
        } = webhook.regenerate(&id, second(60)).unwrap();
        store
            .webhook_replace(fresh.clone(), Some(retired), audit())
            .await
            .unwrap();
        dead.push(retired);
        webhook = fresh;
    }
    assert_eq!(
        store.url_by_digest(&digest(&webhook)).await.unwrap(),
        Some(KnownUrl::Live(webhook))
    );
    for retired in dead {
        assert_eq!(retired.because, RetiredBecause::Regenerated);
        assert_eq!(
            store.url_by_digest(&retired.digest).await.unwrap(),
            Some(KnownUrl::Retired(retired))
        );
    }
}

/// A revoked webhook has a tombstone for its URL, and stays readable.
pub async fn a_revoked_webhook_leaves_a_tombstone<S: Store>(store: &Arc<S>) {
    let UrlChange { webhook, retired } = with_webhook(store, 1).await.revoke(second(60)).unwrap();
    store
        .webhook_replace(webhook.clone(), Some(retired), audit())
        .await
        .unwrap();
    assert_eq!(
        store.url_by_digest(&retired.digest).await.unwrap(),
        Some(KnownUrl::Retired(retired))
    );
    assert_eq!(
        store.webhook_by_handle(webhook.handle).await.unwrap(),
        Some(webhook)
    );
}

/// A change of an older or a later revision is a conflict, and leaves no tombstone.
pub async fn a_replacement_of_another_revision_is_a_conflict<S: Store>(store: &Arc<S>) {
    let first = with_webhook(store, 1).await;
    let second_one = first.clone().edit(name("second"), Policy::default()).unwrap();
    store
        .webhook_replace(second_one.clone(), None, audit())
        .await
        .unwrap();

    let UrlChange {
        webhook: late,
        retired,
    } = first.revoke(second(60)).unwrap();
    let early = Webhook {
        revision: 9,
        ..late.clone()
    };
    for webhook in [late, early] {
        let replaced = store.webhook_replace(webhook, Some(retired), audit()).await;
        assert!(matches!(replaced, Err(StoreError::Conflict)), "{replaced:?}");
    }
    assert_eq!(
        store.url_by_digest(&retired.digest).await.unwrap(),
        Some(KnownUrl::Live(second_one))
    );
}

/// Of concurrent changes of the same revision, one succeeds and the others are conflicts.
pub async fn one_of_many_replacements_wins<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (store, webhook) = (Arc::clone(store), webhook.clone());
        tasks.spawn(async move {
            let edited = webhook
                .edit(name(&format!("try {number}")), Policy::default())
                .unwrap();
            match store.webhook_replace(edited.clone(), None, audit()).await {
                Ok(()) => Some(edited),
                Err(StoreError::Conflict) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(
        store.webhook_by_handle(webhook.handle).await.unwrap().as_ref(),
        winners.first()
    );
}

/// A second webhook with the same handle is refused.
pub async fn a_handle_is_taken_once<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let other = Webhook {
        state: samples::webhook(2).state,
        ..webhook.clone()
    };
    let inserted = store.webhook_insert(other, audit()).await;
    assert!(matches!(inserted, Err(StoreError::Conflict)), "{inserted:?}");
    assert_eq!(
        store.webhook_by_handle(webhook.handle).await.unwrap(),
        Some(webhook)
    );
}

/// A webhook that was never stored can't be replaced.
pub async fn an_unknown_webhook_is_not_replaced<S: Store>(store: &Arc<S>) {
    let UrlChange { webhook, retired } = samples::webhook(1).revoke(second(1)).unwrap();
    let replaced = store.webhook_replace(webhook, Some(retired), audit()).await;
    assert!(matches!(replaced, Err(StoreError::Conflict)), "{replaced:?}");
    assert_eq!(store.url_by_digest(&retired.digest).await.unwrap(), None);
}

/// A name finds at most two webhooks, the living first.
pub async fn a_name_finds_two_and_the_living_first<S: Store>(store: &Arc<S>) {
    let alike = |seed| Webhook {
        name: name("alike"),
        ..samples::webhook(seed)
    };
    with_webhook(store, 9).await;
    assert_eq!(store.webhooks_by_name(&name("alike")).await.unwrap(), Vec::new());
    store.webhook_insert(alike(1), audit()).await.unwrap();
    let UrlChange {
        webhook: revoked,
        retired,
    } = alike(1).revoke(second(60)).unwrap();
    store
        .webhook_replace(revoked.clone(), Some(retired), audit())
        .await
        .unwrap();
    store.webhook_insert(alike(2), audit()).await.unwrap();
    assert_eq!(
        store.webhooks_by_name(&name("alike")).await.unwrap(),
        [alike(2), revoked]
    );

    store.webhook_insert(alike(3), audit()).await.unwrap();
    let found = store.webhooks_by_name(&name("alike")).await.unwrap();
    assert!(
        found.len() == 2 && found.iter().all(|webhook| webhook.live_url().is_ok()),
        "{found:?}"
    );
}

/// Pages of webhooks continue after the last handle, in the order of creation.
pub async fn pages_follow_the_handles<S: Store>(store: &Arc<S>) {
    for seed in [3, 1, 5, 2, 4] {
        with_webhook(store, seed).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .webhook_page(after, PageSize::new(2).unwrap())
            .await
            .unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.handle);
        seen.extend(page);
    }
    assert_eq!(seen, [1, 2, 3, 4, 5].map(samples::webhook));
}

/// Living and revoked webhooks are counted, and the oldest living URL is found.
pub async fn webhooks_are_counted_by_state<S: Store>(store: &Arc<S>) {
    assert_eq!(store.webhook_counts().await.unwrap(), WebhookCounts::default());
    let (first, second_one) = (with_webhook(store, 1).await, with_webhook(store, 2).await);
    let oldest = [&first, &second_one].map(|webhook| webhook.live_url().unwrap().issued_at);
    let counts = store.webhook_counts().await.unwrap();
    assert_eq!((counts.active, counts.revoked), (2, 0));
    assert_eq!(counts.oldest_issued_at, oldest.into_iter().min());
    let UrlChange { webhook, retired } = first.revoke(second(9)).unwrap();
    store
        .webhook_replace(webhook, Some(retired), audit())
        .await
        .unwrap();
    let counts = store.webhook_counts().await.unwrap();
    assert_eq!((counts.active, counts.revoked), (1, 1));
    assert_eq!(counts.oldest_issued_at, Some(oldest[1]));
}
