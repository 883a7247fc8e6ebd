//! Matches against 10,000 networks, shaped like those that AWS publishes, compared with a linear scan in the same run.
//! Half of the probes hit. `cargo xtask bench addresses` runs it and prints one object.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use hookgate_domain::{IpNetwork, Networks};

const NETWORKS: u64 = 10_000;
const PROBES: usize = 4_096;
/// Runs of each matcher, in turns; the median counts.
const ROUNDS: usize = 9;
const SORTED_PASSES: usize = 200;
const LINEAR_PASSES: usize = 1;

/// Pseudorandom numbers, the same in every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// Networks of /16 to /32 in some of 3/8, 13/8, 15/8, 18/8, 34/8, 52/8 and 54/8; a quarter of /36 to /56 in `2600::/12`.
fn networks(numbers: &mut Numbers) -> Vec<IpNetwork> {
    let blocks = [3_u32, 13, 15, 18, 34, 52, 54];
    let mut made = std::collections::HashSet::new();
    while (made.len() as u64) < NETWORKS {
        let choice = numbers.next();
        let network = if choice.is_multiple_of(4) {
            let prefix = 36 + u8::try_from(choice / 4 % 21).unwrap_or(0);
            let bits = 0x2600_u128 << 112 | numbers.wide() >> 12;
            IpNetwork::new(
                Ipv6Addr::from_bits(bits & (u128::MAX << (128 - prefix))).into(),
                prefix,
            )
        } else {
            let prefix = 16 + u8::try_from(choice / 4 % 17).unwrap_or(0);
            let block = blocks[usize::try_from(choice / 97 % 7).unwrap_or(0)];
            let bits = block << 24 | u32::try_from(numbers.next() & 0x00ff_ffff).unwrap_or(0);
            IpNetwork::new(
                Ipv4Addr::from_bits(bits & (u32::MAX << (32 - prefix))).into(),
                prefix,
            )
        };
        made.insert(network.expect("a network"));
    }
    made.into_iter().collect()
}

/// Addresses, half of them inside one of the networks.
fn probes(numbers: &mut Numbers, networks: &[IpNetwork]) -> Vec<IpAddr> {
    let probe = |index: usize| {
        let choice = usize::try_from(numbers.next() % NETWORKS).unwrap_or(0);
        match networks[choice] {
            network if index.is_multiple_of(2) => network.network(),
            IpNetwork::V4(_) => Ipv4Addr::from_bits(u32::try_from(numbers.next() >> 32).unwrap_or(0)).into(),
            IpNetwork::V6(_) => Ipv6Addr::from_bits(0x2a00_u128 << 112 | numbers.wide() >> 16).into(),
        }
    };
    (0..PROBES).map(probe).collect()
}

/// Nanoseconds of one match.
fn measure(probes: &[IpAddr], passes: usize, holds: impl Fn(IpAddr) -> bool) -> f64 {
    let begun = Instant::now();
    let mut hits = 0_usize;
    for _ in 0..passes {
        hits += probes.iter().filter(|probe| holds(black_box(**probe))).count();
    }
    black_box(hits);
    let nanos = begun.elapsed().as_secs_f64() * 1e9;
    let matches = u32::try_from(probes.len() * passes).map_or(f64::MAX, f64::from);
    nanos / matches
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let mut numbers = Numbers(1);
    let list = networks(&mut numbers);
    let probes = probes(&mut numbers, &list);
    let set = Networks::of(list.iter().copied()).expect("10,000 networks");
    let (mut sorted, mut linear) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        sorted.push(measure(&probes, SORTED_PASSES, |address| set.holds(address)));
        linear.push(measure(&probes, LINEAR_PASSES, |address| {
            list.iter().any(|network| network.contains(address))
        }));
    }
    let by_range = |address: IpAddr| set.holds(address);
    let by_scan = |address: IpAddr| list.iter().any(|network| network.contains(address));
    assert!(
        probes.iter().all(|probe| by_range(*probe) == by_scan(*probe)),
        "both find the same"
    );
    let (sorted, linear) = (median(sorted), median(linear));
    println!(
        "{{\"addresses.match.ns\":{sorted:.1},\"addresses.linear.ns\":{linear:.0},\"addresses.match_vs_linear\":{:.5}}}",
        sorted / linear
    );
}
