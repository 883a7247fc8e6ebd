//! Versions of address sets: the pending one, and those that are kept.

use std::sync::Arc;

use hookgate_domain::address_set::{AddressSet, VersionState};
use hookgate_gate::{KEPT_VERSIONS, Store, VersionChange};

use super::addresses::{changed, passes, version, with_list, with_set};

/// A pending version changes nothing until it is approved.
pub async fn what_waits_does_not_count<S: Store>(store: &Arc<S>) {
    let set = with_set(store, "office", "192.0.2.0/24").await;
    let user = with_list(store, 1, "@office").await;
    let waiting = AddressSet {
        pending: Some(2),
        revision: 2,
        ..set.clone()
    };
    let proposed = VersionChange::Add(version("198.51.100.0/24"));
    store
        .address_set_write(waiting.clone(), proposed, None)
        .await
        .unwrap();
    assert_eq!(passes(store, &user, "192.0.2.7").await, (true, 1));
    let states = async || {
        let versions = store.address_set_versions(&set.name).await.unwrap();
        let states: Vec<_> = versions
            .iter()
            .map(|version| (version.number, version.state))
            .collect();
        states
    };
    assert_eq!(
        states().await,
        [(2, VersionState::Pending), (1, VersionState::Active)]
    );
    let rejected = AddressSet {
        pending: None,
        revision: 3,
        ..waiting.clone()
    };
    let reject = VersionChange::Reject(2);
    store.address_set_write(rejected, reject, None).await.unwrap();
    assert_eq!(
        states().await,
        [(2, VersionState::Rejected), (1, VersionState::Active)]
    );
    let again = AddressSet {
        pending: Some(3),
        revision: 4,
        ..waiting.clone()
    };
    let proposed = VersionChange::Add(version("198.51.100.0/24"));
    store.address_set_write(again, proposed, None).await.unwrap();
    let approved = AddressSet {
        version: 3,
        pending: None,
        revision: 5,
        ..waiting
    };
    let approve = VersionChange::Approve(3);
    store.address_set_write(approved, approve, None).await.unwrap();
    assert_eq!(passes(store, &user, "198.51.100.7").await, (true, 2));
    assert_eq!(
        states().await[..2],
        [(3, VersionState::Active), (2, VersionState::Rejected)]
    );
}

/// Old versions are removed, but not the active version and the one that new versions are compared with.
pub async fn a_set_keeps_some_versions<S: Store>(store: &Arc<S>) {
    let mut set = with_set(store, "office", "192.0.2.0/32").await;
    for host in 1..=30 {
        let (next, change) = changed(&set, &format!("192.0.2.{host}/32"));
        store.address_set_write(next.clone(), change, None).await.unwrap();
        set = next;
    }
    let versions = store.address_set_versions(&set.name).await.unwrap();
    assert_eq!(versions.len(), usize::from(KEPT_VERSIONS) + 2);
    assert_eq!(
        (versions[0].number, versions[0].state),
        (31, VersionState::Active)
    );
    assert!(
        versions[1..]
            .iter()
            .all(|version| version.state == VersionState::Replaced)
    );
    assert!(store.address_set_networks(&set.name, 31).await.unwrap().is_some());
    assert!(store.address_set_networks(&set.name, 1).await.unwrap().is_some());
    assert!(store.address_set_networks(&set.name, 2).await.unwrap().is_none());
    let last = AddressSet {
        base: 31,
        revision: set.revision + 1,
        ..set
    };
    store
        .address_set_write(last.clone(), VersionChange::None, None)
        .await
        .unwrap();
    let found = store.address_set_by_name(&last.name).await.unwrap();
    assert_eq!(found, Some(last.clone()));
    assert!(store.address_set_networks(&last.name, 1).await.unwrap().is_none());
}
