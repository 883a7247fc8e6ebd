//! Buckets and spikes.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const NONE: [usize; 0] = [];

fn usage(counts: &[u64]) -> Usage {
    let bucket = |(place, accepted): (usize, &u64)| UsageBucket {
        at: NOW.after(MINUTE * u32::try_from(place).unwrap()),
        totals: UsageTotals {
            accepted: *accepted,
            refused: Vec::new(),
        },
    };
    Usage {
        buckets: counts.iter().enumerate().map(bucket).collect(),
        totals: UsageTotals::default(),
    }
}

#[test]
fn a_range_has_all_its_buckets_and_the_last_is_now() {
    for range in UsageRange::ALL {
        let empty = Usage::of(range, NOW, []);
        assert_eq!(empty.buckets.len(), range.buckets());
        let last = empty.buckets.last().unwrap().at;
        assert!(last <= NOW && NOW < last.after(range.width()), "{range}");
        assert_eq!(range.as_str().parse(), Ok(range));
        let end = last.after(range.width());
        let counts = [(range.start(NOW), 1), (NOW, 2), (end, 4)];
        let before = range.start(NOW).before(Duration::from_micros(1));
        let counts = counts.into_iter().chain([(before, 8)]);
        let filled = Usage::of(range, NOW, counts.map(|(at, count)| (at, None, count)));
        assert_eq!(filled.totals.accepted, 3, "{range}");
        assert_eq!(
            (
                filled.buckets[0].totals.accepted,
                filled.buckets.last().unwrap().totals.accepted
            ),
            (1, 2)
        );
    }
    assert_eq!("2h".parse::<UsageRange>(), Err(UnknownUsageRange));
}

#[test]
fn codes_are_told_apart_and_most_come_first() {
    let (json, source) = (RefusalCode::InvalidJson, RefusalCode::IpNotAllowed);
    let counts = [
        (NOW, Some(source), 1),
        (NOW, Some(json), 2),
        (NOW, None, 5),
        (NOW, Some(source), 2),
    ];
    let filled = Usage::of(UsageRange::Day, NOW, counts);
    assert_eq!(filled.totals.refused, [(source, 3), (json, 2)]);
    let last = &filled.buckets.last().unwrap().totals;
    assert_eq!(
        (last.refusals(), last.deliveries(), filled.totals.refusals()),
        (5, 10, 5)
    );
}

#[test]
fn what_stands_out() {
    assert_eq!(spikes(&usage(&[])), NONE);
    assert_eq!(spikes(&usage(&[0, 10, 0])), NONE);
    assert_eq!(spikes(&usage(&[0, 11, 0])), [1], "nothing else was there");
    assert_eq!(spikes(&usage(&[5, 5, 15, 5])), NONE);
    assert_eq!(spikes(&usage(&[5, 5, 16, 5])), [2]);
    assert_eq!(
        spikes(&usage(&[100, 110, 900, 90, 1_000, 105])),
        [2, 4],
        "two don't hide each other"
    );
    assert_eq!(spikes(&usage(&[100, 100])), NONE);
}

proptest! {
    /// A plain implementation of the rule finds the same spikes.
    #[test]
    fn the_rule_is_that_of_its_words(counts in prop::collection::vec(prop_oneof![Just(0), 0..40_u64, 0..2_000_u64], 0..40)) {
        let plain: Vec<_> = (0..counts.len()).filter(|place| {
            let mut others: Vec<_> = counts.iter().enumerate().filter(|(other, count)| other != place && **count > 0).map(|(_, count)| *count).collect();
            others.sort_unstable();
            let median = others.get(others.len() / 2).copied().unwrap_or(0);
            counts[*place] > SPIKE_FLOOR.max(3 * median)
        }).collect();
        prop_assert_eq!(spikes(&usage(&counts)), plain);
    }

    /// Empty buckets and the order change nothing, a higher spike stays a spike, and most buckets are never spikes.
    #[test]
    fn it_is_robust(counts in prop::collection::vec(0..500_u64, 1..40), more in 0..500_u64, empty in 0..20_usize) {
        let found = spikes(&usage(&counts));
        let mut silent = counts.clone();
        silent.extend(vec![0; empty]);
        prop_assert_eq!(&spikes(&usage(&silent)), &found);
        let backwards: Vec<_> = counts.iter().rev().copied().collect();
        let mut mirrored: Vec<_> = spikes(&usage(&backwards)).into_iter().map(|place| counts.len() - 1 - place).collect();
        mirrored.reverse();
        prop_assert_eq!(&mirrored, &found);
        let busy = counts.iter().filter(|count| **count > 0).count();
        prop_assert!(busy < 3 || found.len() <= busy / 2);
        if let Some(first) = found.first() {
            let mut raised = counts.clone();
            raised[*first] += more;
            prop_assert!(spikes(&usage(&raised)).contains(first));
        }
    }
}
