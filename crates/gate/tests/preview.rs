//! What a preview says is what happens: the same lists and senders, once looked ahead to and once judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hookgate_domain::{
    AllowlistMode, Attempt, Denial, KnownUrl, Networks, Policy, SenderFormat, Timestamp, Webhook, judge,
};
use hookgate_gate::{Preview, SourceTotal, SourceTotals};
use hookgate_testkit::samples;
use proptest::prelude::*;

/// Lists, times senders of each: 100,000 pairs.
const LISTS: u32 = 1_000;
const SENDERS: usize = 100;
const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

/// Addresses of a small world, so that lists and senders meet.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..4, 0u8..=255).prop_map(|(net, host)| IpAddr::V4(Ipv4Addr::new(192, 0, net, host))),
        (0u16..4, 0u16..64)
            .prop_map(|(net, host)| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, net, 0, 0, 0, host))),
        (0u8..4, 0u8..=255)
            .prop_map(|(net, host)| { IpAddr::V6(Ipv4Addr::new(192, 0, net, host).to_ipv6_mapped()) }),
    ]
}

/// All addresses of that world.
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
    let allowlist: hookgate_domain::Allowlist = allowlist.parse().expect("a list");
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
