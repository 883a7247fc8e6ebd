//! A preview is compared with the decisions: the same lists and senders are previewed and judged. Permissions for
//! previews are tested too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hookgate_domain::address_set::SetOrigin;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{
    Allowlist, Attempt, Denial, KnownUrl, Networks, Policy, SenderFormat, Timestamp, Webhook, judge,
};
use hookgate_gate::{
    AcceptedDelivery, ActorContext, AddressSetError, Commit, Gate, ManageError, NewWebhook, Preview,
    PreviewDays, SourceTotal, SourceTotals, Store,
};
use hookgate_people::Role;
use hookgate_testkit::samples::{SOURCE, actor_context};
use hookgate_testkit::{MemoryStore, samples};
use proptest::prelude::*;

use crate::gate;

/// Number of lists, each with its senders: 100,000 pairs.
const LISTS: u32 = 1_000;
const SENDERS: usize = 100;
const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// Addresses of a small range, so that lists and senders overlap.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..4, 0u8..=255).prop_map(|(net, host)| IpAddr::V4(Ipv4Addr::new(192, 0, net, host))),
        (0u16..4, 0u16..64)
            .prop_map(|(net, host)| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, net, 0, 0, 0, host))),
        (0u8..4, 0u8..=255)
            .prop_map(|(net, host)| { IpAddr::V6(Ipv4Addr::new(192, 0, net, host).to_ipv6_mapped()) }),
    ]
}

/// All addresses of that range.
fn everybody() -> Vec<IpAddr> {
    let v4 = (0..4).flat_map(|net| (0..=255).map(move |host| IpAddr::from([192, 0, net, host])));
    let v6 =
        (0..4).flat_map(|net| (0..64).map(move |host| IpAddr::from([0x2001, 0xdb8, 0, net, 0, 0, 0, host])));
    v4.chain(v6).collect()
}

fn entry() -> impl Strategy<Value = String> {
    let network = (address(), 0u8..=10).prop_map(|(address, wider)| match address.to_canonical() {
        IpAddr::V4(address) => {
            let prefix = 32 - wider;
            let bits = address.to_bits() & (u32::MAX << wider);
            format!("{}/{prefix}", Ipv4Addr::from_bits(bits))
        }
        IpAddr::V6(address) => {
            let wider = u32::from(wider) * 8;
            let bits = address.to_bits() & (u128::MAX << wider);
            format!("{}/{}", Ipv6Addr::from_bits(bits), 128 - wider)
        }
    });
    (network, 0u8..10).prop_map(|(network, kind)| match kind {
        0 => "@office".to_owned(),
        1 => format!("{network} until 2026-01-01"),
        2 => format!("{network} until 2200-01-01 # guest"),
        _ => network,
    })
}

fn list() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => prop::collection::vec(entry(), 1..12).prop_map(|entries| entries.join("\n")),
        1 => Just("any".to_owned()),
    ]
}

fn webhook(allowlist: &str, office: &Arc<Networks>) -> Webhook {
    // An entry may occur twice with two ends, but only in stored lists.
    let allowlist = Allowlist::from_stored(allowlist).expect("a list");
    let policy = Policy {
        allowlist: allowlist.resolve(|_| Some(Arc::clone(office))),
        allowlist_mode: AllowlistMode::Enforce,
        ..Policy::default()
    };
    Webhook {
        policy,
        ..samples::webhook(1)
    }
}

fn passes(webhook: &Webhook, source: IpAddr) -> bool {
    let attempt = Attempt {
        source: source.into(),
        format: SenderFormat::Custom,
        at: NOW,
    };
    match judge(&KnownUrl::Live(webhook.clone()), attempt, || Ok(())) {
        Ok(_) => true,
        Err(Denial::NotAllowed { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(LISTS))]

    #[test]
    fn what_is_previewed_is_what_happens(
        now in list(),
        then in list(),
        office in prop::collection::vec((0u8..4, 0u8..=255), 1..5),
        senders in prop::sample::subsequence(everybody(), SENDERS),
    ) {
        let office = office.into_iter().map(|(net, host)| IpAddr::from([192, 0, net, host]).into());
        let office = Arc::new(Networks::of(office).expect("few networks"));
        let (now, then) = (webhook(&now, &office), webhook(&then, &office));
        let totals = SourceTotals {
            sources: senders
                .iter()
                .map(|address| SourceTotal { address: *address, accepted: 1, refused: 0, last_seen: NOW })
                .collect(),
            ..SourceTotals::default()
        };
        let preview = Preview::of(&totals, &now.policy.allowlist, &then.policy.allowlist, NOW);
        prop_assert_eq!(preview.senders.len(), SENDERS);
        let mut stopping = 0;
        for sender in &preview.senders {
            prop_assert_eq!(sender.passes_now, passes(&now, sender.address), "{}", sender.address);
            prop_assert_eq!(sender.passes_then, passes(&then, sender.address), "{}", sender.address);
            stopping += u64::from(sender.passes_now && !sender.passes_then);
        }
        prop_assert_eq!(preview.would_stop.senders, stopping);
    }
}

fn networks(network: &str) -> Networks {
    Networks::of([network.parse().unwrap()]).unwrap()
}

/// A webhook that lets `@office` pass, which is 192.0.2.0/24.
async fn office(gate: &Gate<MemoryStore>, allowlist_mode: AllowlistMode) -> Webhook {
    let (name, held) = ("office".parse().unwrap(), networks("192.0.2.0/24"));
    gate.address_set_create(&actor_context(), name, SetOrigin::Own, held, None)
        .await
        .unwrap();
    let policy = Policy {
        allowlist: "@office".parse().unwrap(),
        allowlist_mode,
        ..Policy::default()
    };
    let new = NewWebhook {
        name: samples::name("w"),
        format: SenderFormat::Custom,
        policy,
        signed: false,
    };
    gate.create(&actor_context(), new).await.unwrap().webhook
}

async fn accepted(gate: &Gate<MemoryStore>, webhook: &Webhook, source: &str) {
    let delivery = AcceptedDelivery {
        source: source.parse().unwrap(),
        ..samples::delivery(webhook)
    };
    let commit = gate.store().delivery_commit(delivery).await.unwrap();
    assert!(matches!(commit, Commit::Stored(_)));
}

#[tokio::test]
async fn where_a_webhook_observes_everybody_passes_until_its_set_is_enforced() {
    for (mode, stopping) in [(AllowlistMode::Enforce, 1), (AllowlistMode::Observe, 2)] {
        let gate = gate();
        let webhook = office(&gate, mode).await;
        // The second delivery passed because the list was observed, or because another list applied then.
        for source in ["192.0.2.7", "198.51.100.7"] {
            accepted(&gate, &webhook, source).await;
        }
        let (name, other) = ("office".parse().unwrap(), networks("203.0.113.0/24"));
        let (all, previews) = gate
            .address_set_preview(&actor_context(), &name, &other, PreviewDays::Week)
            .await
            .unwrap();
        assert_eq!((all, previews.len()), (1, 1));
        assert_eq!(previews[0].preview.would_stop.senders, stopping, "{mode:?}");
        let allowlist = "203.0.113.0/24".parse().unwrap();
        let preview = gate
            .allowlist_preview(&actor_context(), webhook.handle, &allowlist, PreviewDays::Week)
            .await
            .unwrap();
        assert_eq!(preview, previews[0].preview, "{mode:?}");
    }
}

#[tokio::test]
async fn only_who_may_change_webhooks_looks_ahead() {
    let gate = gate();
    let webhook = office(&gate, AllowlistMode::Enforce).await;
    let (list, week) = (Allowlist::any(), PreviewDays::Week);
    let held = networks("192.0.2.0/24");
    for (role, may) in [
        (Role::Viewer, false),
        (Role::Operator, false),
        (Role::Admin, true),
    ] {
        let name = role.as_str().parse().unwrap();
        let member = gate.member_add(&actor_context(), name, role, None).await.unwrap();
        let actor = ActorContext::remote(&member, SOURCE);
        // Without the permission, the error does not tell whether the webhook exists.
        for handle in [webhook.handle, samples::webhook(9).handle] {
            let known = handle == webhook.handle;
            let previewed = gate.allowlist_preview(&actor, handle, &list, week).await;
            let suggested = gate.allowlist_suggestion(&actor, handle).await;
            for answer in [previewed.map(drop), suggested.map(drop)] {
                match answer {
                    Ok(()) => assert!(may && known, "{role}"),
                    Err(ManageError::NotFound) => assert!(may && !known, "{role}"),
                    Err(ManageError::Forbidden(_)) => assert!(!may, "{role}"),
                    Err(other) => panic!("{role}: {other}"),
                }
            }
        }
        for (name, known) in [("office", true), ("nowhere", false)] {
            let name = name.parse().unwrap();
            match gate.address_set_preview(&actor, &name, &held, week).await {
                Ok((all, _)) => assert!(may && known && all == 1, "{role}"),
                Err(AddressSetError::NotFound) => assert!(may && !known, "{role}"),
                Err(AddressSetError::Forbidden(_)) => assert!(!may, "{role}"),
                Err(other) => panic!("{role}: {other}"),
            }
        }
    }
}
