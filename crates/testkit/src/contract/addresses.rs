//! Address sets: their versions, and their effect on webhooks.

use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, AddressSetName, NetworkChanges, SetOrigin, VersionState};
use hookgate_domain::{Networks, Policy, Webhook};
use hookgate_gate::{
    AcceptedDelivery, Commit, NewVersion, RefusedDelivery, SoleSource, Store, StoreError, VersionChange,
};

use super::{accounted, digest, stored, with_webhook};
use crate::samples::{self, START, audit, delivery, refusal, second};

fn name(text: &str) -> AddressSetName {
    text.parse().unwrap()
}

pub(super) fn version(networks: &str) -> NewVersion {
    let networks = networks.split(' ').map(|network| network.parse().unwrap());
    let networks = Networks::of(networks).unwrap();
    NewVersion {
        changes: NetworkChanges::between(&Networks::default(), &networks),
        networks: Arc::new(networks),
        made_at: START,
        made_by: "tester".into(),
    }
}

/// Stores a set of these networks.
pub(super) async fn with_set<S: Store>(store: &Arc<S>, text: &str, networks: &str) -> AddressSet {
    let version = version(networks);
    let count = version.networks.as_slice().len() as u64;
    let set = AddressSet::new(name(text), SetOrigin::Own, count, START);
    store
        .address_set_write(set.clone(), VersionChange::Add(version), Some(audit()))
        .await
        .unwrap();
    set
}

/// Stores a webhook with this allowlist.
pub(super) async fn with_list<S: Store>(store: &Arc<S>, seed: u16, allowlist: &str) -> Webhook {
    let webhook = samples::webhook(seed);
    let policy = Policy {
        allowlist: allowlist.parse().unwrap(),
        ..webhook.policy.clone()
    };
    let webhook = Webhook { policy, ..webhook };
    store.webhook_insert(webhook.clone(), audit()).await.unwrap();
    webhook
}

/// The set with other networks, active at once.
pub(super) fn changed(set: &AddressSet, networks: &str) -> (AddressSet, VersionChange) {
    let version = version(networks);
    let set = AddressSet {
        version: set.version.max(set.pending.unwrap_or_default()) + 1,
        networks: version.networks.as_slice().len() as u64,
        pending: None,
        revision: set.revision + 1,
        ..set.clone()
    };
    (set, VersionChange::Add(version))
}

pub(super) async fn passes<S: Store>(store: &Arc<S>, webhook: &Webhook, address: &str) -> (bool, i64) {
    let found = store.url_by_digest(&digest(webhook)).await.unwrap().unwrap();
    let hookgate_domain::KnownUrl::Live(found) = found else {
        panic!("it lives");
    };
    let passes = found.policy.allowlist.permits(address.parse().unwrap(), START);
    (passes, found.revision)
}

/// A set comes back as it was stored, with the networks of its version.
pub async fn a_set_comes_back<S: Store>(store: &Arc<S>) {
    let own = with_set(store, "office", "192.0.2.0/24 2001:db8::/32").await;
    let mut published = AddressSet::new(
        name("aws"),
        SetOrigin::Published {
            provider: hookgate_domain::address_set::Provider::Aws,
            filter: "service=EC2, region=eu-west-1".parse().unwrap(),
            url: Some("https://example.org/ranges.json".into()),
        },
        1,
        START,
    );
    published.reading.fault = Some("no answer".into());
    published.reading.etag = Some("\"abc\"".into());
    let change = VersionChange::Add(version("198.51.100.0/24"));
    store
        .address_set_write(published.clone(), change, None)
        .await
        .unwrap();
    assert_eq!(store.address_sets().await.unwrap(), [published, own.clone()]);
    let found = store.address_set_by_name(&own.name).await.unwrap();
    assert_eq!(found.as_ref(), Some(&own));
    let networks = store.address_set_networks(&own.name, 1).await.unwrap();
    assert_eq!(networks, Some(version("192.0.2.0/24 2001:db8::/32").networks));
    assert_eq!(store.address_set_networks(&own.name, 2).await.unwrap(), None);
    let versions = store.address_set_versions(&own.name).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(
        (
            versions[0].number,
            versions[0].state,
            versions[0].networks,
            versions[0].added
        ),
        (1, VersionState::Active, 2, 2)
    );
    assert_eq!(store.address_set_by_name(&name("nobody")).await.unwrap(), None);
    let again = AddressSet::new(name("office"), SetOrigin::Own, 1, START);
    let taken = store
        .address_set_write(again, VersionChange::Add(version("192.0.2.1")), None)
        .await;
    assert!(matches!(taken, Err(StoreError::Conflict)));
}

/// A change of a set raises the revision of every webhook that uses the set, and of no other one. A delivery that was
/// judged before is not committed afterwards.
pub async fn a_changed_set_changes_its_webhooks<S: Store>(store: &Arc<S>) {
    let set = with_set(store, "office", "192.0.2.0/24").await;
    let (user, other) = (
        with_list(store, 1, "@office, 203.0.113.9").await,
        with_list(store, 2, "192.0.2.0/24").await,
    );
    assert_eq!(passes(store, &user, "192.0.2.7").await, (true, 1));
    let (changed, change) = changed(&set, "198.51.100.0/24");
    store
        .address_set_write(changed, change, Some(audit()))
        .await
        .unwrap();
    assert_eq!(passes(store, &user, "192.0.2.7").await, (false, 2));
    assert_eq!(passes(store, &user, "198.51.100.7").await, (true, 2));
    assert_eq!(passes(store, &user, "203.0.113.9").await, (true, 2));
    assert_eq!(passes(store, &other, "192.0.2.7").await, (true, 1));
    let stale = store.delivery_commit(delivery(&user)).await.unwrap();
    assert_eq!(stale, Commit::Stale);
    let by_handle = store.webhook_by_handle(user.handle).await.unwrap().unwrap();
    assert!(
        by_handle
            .policy
            .allowlist
            .permits("198.51.100.7".parse().unwrap(), START)
    );
}

/// Of two concurrent changes of a set, one wins.
pub async fn one_of_two_changes_of_a_set_wins<S: Store>(store: &Arc<S>) {
    let set = with_set(store, "office", "192.0.2.0/24").await;
    let (first, second) = (changed(&set, "192.0.2.1"), changed(&set, "192.0.2.2"));
    let (first, second) = tokio::join!(
        store.address_set_write(first.0, first.1, None),
        store.address_set_write(second.0, second.1, None),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert!(matches!(first.and(second), Err(StoreError::Conflict)));
}

/// A set that an allowlist uses can't be removed, and an allowlist can't use a set that does not exist.
pub async fn a_used_set_stays<S: Store>(store: &Arc<S>) {
    let set = with_set(store, "office", "192.0.2.0/24").await;
    let user = with_list(store, 1, "@office").await;
    let found = store.address_set_uses(&set.name, 10).await.unwrap();
    assert_eq!(found, (1, vec![user.handle]));
    assert!(!store.address_set_remove(set.clone(), audit()).await.unwrap());
    let open = Webhook {
        policy: Policy::default(),
        revision: 2,
        ..user
    };
    store.webhook_replace(open.clone(), None, audit()).await.unwrap();
    assert_eq!(
        store.address_set_uses(&set.name, 10).await.unwrap(),
        (0, Vec::new())
    );
    let old = AddressSet {
        revision: 7,
        ..set.clone()
    };
    assert!(matches!(
        store.address_set_remove(old, audit()).await,
        Err(StoreError::Conflict)
    ));
    assert!(store.address_set_remove(set.clone(), audit()).await.unwrap());
    assert_eq!(store.address_set_by_name(&set.name).await.unwrap(), None);
    assert_eq!(store.address_set_versions(&set.name).await.unwrap(), []);
    let closed = Policy {
        allowlist: "@office".parse().unwrap(),
        ..Policy::default()
    };
    let closed = Webhook {
        policy: closed,
        revision: 3,
        ..open
    };
    let replaced = store.webhook_replace(closed.clone(), None, audit()).await;
    assert!(matches!(replaced, Err(StoreError::Conflict)));
    let fresh = Webhook {
        policy: closed.policy,
        ..samples::webhook(2)
    };
    let inserted = store.webhook_insert(fresh.clone(), audit()).await;
    assert!(matches!(inserted, Err(StoreError::Conflict)));
    assert_eq!(store.webhook_by_handle(fresh.handle).await.unwrap(), None);
}

/// A revoked webhook does not keep a set from being removed.
pub async fn a_revoked_webhook_uses_no_set<S: Store>(store: &Arc<S>) {
    let set = with_set(store, "office", "192.0.2.0/24").await;
    let user = with_list(store, 1, "@office").await;
    let change = user.revoke(second(1)).unwrap();
    let revoked = Webhook {
        revision: 2,
        ..change.webhook
    };
    store
        .webhook_replace(revoked.clone(), Some(change.retired), audit())
        .await
        .unwrap();
    assert_eq!(
        store.address_set_uses(&set.name, 10).await.unwrap(),
        (0, Vec::new())
    );
    assert!(store.address_set_remove(set, audit()).await.unwrap());
    let found = store.webhook_by_handle(revoked.handle).await.unwrap();
    assert_eq!(found, Some(revoked));
}

/// The sole source of all deliveries since a time is found, and none if there are two sources or no delivery.
pub async fn a_sole_source_is_found<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    assert_eq!(store.sole_source(START).await.unwrap(), None);
    let from = |source: &str, at| AcceptedDelivery {
        source: source.parse().unwrap(),
        received_at: second(at),
        ..delivery(&webhook)
    };
    stored(store, from("192.0.2.1", 0)).await;
    stored(store, from("10.0.0.2", 10)).await;
    store.refusal_record(RefusedDelivery {
        source: "10.0.0.2".parse().unwrap(),
        received_at: second(11),
        ..refusal(&webhook)
    });
    accounted(store, 3).await;
    let lone = SoleSource {
        address: "10.0.0.2".parse().unwrap(),
        deliveries: 2,
    };
    assert_eq!(store.sole_source(second(5)).await.unwrap(), Some(lone));
    assert_eq!(
        store.sole_source(START).await.unwrap(),
        None,
        "there was another one"
    );
    assert_eq!(store.sole_source(second(12)).await.unwrap(), None, "nothing came");
}
