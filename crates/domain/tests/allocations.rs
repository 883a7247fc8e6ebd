//! The code that runs for every delivery allocates nothing. The counting allocator is global, so this test is a program
//! of its own.

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use hookgate_domain::{Allowlist, Connection, ForwardingHeader, Networks, Timestamp, TrustedProxies};

fn allocated(work: impl Fn()) -> u64 {
    // Lazily initialized values are made before the count.
    work();
    allocation_counter::measure(work).count_total
}

#[test]
fn neither_the_match_nor_the_walk_allocates() {
    let networks = (0..10_000_u32).map(|index| {
        let [_, _, high, low] = index.to_be_bytes();
        IpAddr::from([3, high, low, 0])
    });
    let networks = Networks::of(networks.map(Into::into)).expect("10,000 networks");
    let set = Arc::new(networks.clone());
    let list: Allowlist = "192.0.2.0/24, @aws, 198.51.100.7 until 2200-01-01"
        .parse()
        .expect("a list");
    let list = list.resolve(|_| Some(Arc::clone(&set)));
    let addresses = [
        "3.1.2.0",
        "192.0.2.7",
        "198.51.100.7",
        "203.0.113.9",
        "2001:db8::1",
    ]
    .map(|address| address.parse::<IpAddr>().expect("an address"));
    let now = Timestamp::from_micros(0);
    assert_eq!(
        allocated(|| {
            for address in addresses {
                black_box(networks.holds(black_box(address)));
                black_box(list.permits(black_box(address), now));
            }
        }),
        0
    );
    let proxies = TrustedProxies {
        networks: Networks::of(["10.0.0.0/8".parse().expect("a network")]).expect("one"),
        header: Some(ForwardingHeader::Forwarded),
    };
    let fields = [
        (
            ForwardingHeader::Forwarded,
            &b"for=192.0.2.66, for=\"[2001:db8::1]:80\""[..],
        ),
        (ForwardingHeader::Forwarded, &b"for=10.0.0.3;proto=https"[..]),
    ];
    let connection = Connection::from_peer(IpAddr::from([10, 0, 0, 2]));
    assert_eq!(
        allocated(|| {
            black_box(proxies.client(black_box(connection), &fields[..]));
        }),
        0
    );
}
