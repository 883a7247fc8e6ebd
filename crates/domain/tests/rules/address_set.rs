//! Names of address sets, the origins of their networks, and the changes of a new version.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::time::Duration;

use hookgate_domain::Networks;
use hookgate_domain::address_set::{
    AddressSet, AddressSetName, MAX_SET_NAME_CHARACTERS, NetworkChanges, Provider, STALE_AFTER, SetFilter,
    SetFilterError, SetOrigin, UnknownProvider, UnknownVersionState, VersionState,
};
use proptest::prelude::*;

use crate::support::NOW;

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

fn published(url: Option<&str>) -> AddressSet {
    let origin = SetOrigin::Published {
        provider: Provider::List,
        filter: SetFilter::default(),
        url: url.map(Into::into),
    };
    AddressSet::new("office".parse().unwrap(), origin, 3, NOW)
}

#[test]
fn only_what_is_read_again_and_was_not_for_long_is_stale() {
    let url = "https://lists.example.org/a";
    let mut set = published(Some(url));
    assert_eq!(set.url(), Some(url));
    assert_eq!(
        (set.reading.read_at, set.reading.tried_at),
        (Some(NOW), Some(NOW))
    );
    assert!(!set.is_stale(NOW.after(STALE_AFTER)));
    assert!(set.is_stale(NOW.after(STALE_AFTER + Duration::from_micros(1))));
    set.reading.read_at = None;
    assert!(set.is_stale(NOW), "it never was");

    let much_later = NOW.after(STALE_AFTER * 2);
    let from_a_file = published(None);
    assert!(from_a_file.url().is_none() && !from_a_file.is_stale(much_later));
    let own = AddressSet::new("office".parse().unwrap(), SetOrigin::Own, 3, NOW);
    assert!(own.url().is_none() && own.reading.read_at.is_none() && !own.is_stale(much_later));
}

#[test]
fn words_read_back() {
    for word in ["active", "pending", "replaced", "rejected"] {
        assert_eq!(word.parse().map(VersionState::as_str), Ok(word));
    }
    assert_eq!("Active".parse::<VersionState>(), Err(UnknownVersionState));
    for provider in Provider::ALL.iter().copied() {
        assert_eq!(provider.to_string().parse(), Ok(provider));
        let has_https = |url: &str| url.starts_with("https://");
        assert!(provider.url().is_none_or(has_https), "{provider}");
        assert_eq!(provider.url().is_none(), provider == Provider::List);
    }
    assert_eq!("AWS".parse::<Provider>(), Err(UnknownProvider));
}

#[test]
fn a_filter_wants_one_of_the_values_of_each_field() {
    let filter: SetFilter = "service=EC2,service=S3\nregion=eu-west-1".parse().unwrap();
    assert!(filter.fits("service", "EC2") && filter.fits("service", "S3") && !filter.fits("service", "ec2"));
    assert!(filter.fits("section", "any"), "nothing is said of it");
    assert_eq!(filter.values("service").collect::<Vec<_>>(), ["EC2", "S3"]);
    assert_eq!(filter.to_string(), "service=EC2, service=S3, region=eu-west-1");
    assert_eq!(filter.check(Provider::Aws), Ok(()));
    let known: Vec<_> = Provider::Datadog.filters().iter().collect();
    assert_eq!(known, [&("section", Some("webhooks"))]);
    for (provider, said) in [
        (
            Provider::Aws,
            "a list of aws can be narrowed by service and region",
        ),
        (Provider::Github, "a list of github can be narrowed by section"),
        (Provider::Stripe, "a list of stripe can't be narrowed"),
    ] {
        let error = "color=red".parse::<SetFilter>().unwrap().check(provider);
        assert_eq!(error, Err(SetFilterError::Field(provider)));
        assert_eq!(error.unwrap_err().to_string(), said);
    }
}

#[test]
fn a_filter_is_bounded_and_plain() {
    let word = |length: usize| format!("a={}", "b".repeat(length));
    let many = |count: usize| vec!["a=b"; count].join(",");
    for text in ["", " , \n", "a=b", "a-1_2.c=B", &word(100), &many(64)] {
        assert!(text.parse::<SetFilter>().is_ok(), "{text}");
    }
    for text in [
        "a",
        "=",
        "a=",
        "=b",
        "a=b=c",
        "a=b c",
        "a=\u{e4}",
        "a=b;c=d",
        "a=wh_1",
        "wh_1=a",
        &word(101),
        &many(65),
    ] {
        assert_eq!(text.parse::<SetFilter>(), Err(SetFilterError::Form), "{text}");
    }
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
