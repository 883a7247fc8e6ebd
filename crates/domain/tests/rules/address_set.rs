//! Names of address sets, and what a new version changes.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use hookgate_domain::{AddressSetName, MAX_SET_NAME_CHARACTERS, NetworkChanges, Networks};
use proptest::prelude::*;

fn networks(hosts: impl IntoIterator<Item = u8>) -> Networks {
    let hosts = hosts
        .into_iter()
        .map(|host| format!("192.0.2.{host}/32").parse().unwrap());
    Networks::of(hosts).unwrap()
}

#[test]
fn names_are_plain() {
    let longest = "a".repeat(MAX_SET_NAME_CHARACTERS);
    for name in ["a", "aws", "github-hooks", "grafana.cloud_eu1", &longest] {
        assert_eq!(name.parse::<AddressSetName>().unwrap().to_string(), name);
    }
    let too_long = "a".repeat(MAX_SET_NAME_CHARACTERS + 1);
    for name in [
        "", "1a", "-a", "A", "a b", "a,b", "a/b", "@a", "ä", "a#b", "wh_abc", &too_long,
    ] {
        assert!(name.parse::<AddressSetName>().is_err(), "{name}");
    }
}

#[test]
fn more_than_half_gone_needs_approval() {
    for (left, needs) in [(10, false), (6, false), (5, false), (4, true), (0, true)] {
        let changes = NetworkChanges::between(&networks(0..10), &networks(0..left));
        assert_eq!(changes.needs_approval(), needs, "{left} of 10 left");
    }
    let exchanged = NetworkChanges::between(&networks(0..10), &networks(10..30));
    assert!(
        exchanged.needs_approval(),
        "it grew, but nothing of the old is left"
    );
    let first = NetworkChanges::between(&Networks::default(), &networks(0..10));
    assert!(!first.needs_approval() && !first.is_empty());
    assert!(NetworkChanges::between(&networks(0..3), &networks((0..3).rev())).is_empty());
}

proptest! {
    #[test]
    fn the_changes_lead_from_one_to_the_other(now in prop::collection::vec(0u8..40, 0..40), then in prop::collection::vec(0u8..40, 0..40)) {
        let (now, then) = (networks(now), networks(then));
        let changes = NetworkChanges::between(&now, &then);
        let kept = now.as_slice().iter().filter(|network| !changes.removed.contains(network));
        let made = Networks::of(kept.copied().chain(changes.added.clone())).unwrap();
        prop_assert!(NetworkChanges::between(&made, &then).is_empty());
        prop_assert!(changes.added.iter().all(|network| !now.as_slice().contains(network)));
    }
}
