//! Properties of charts: they are small, well-formed, and panic for no numbers.

use proptest::collection::vec;
use proptest::prelude::*;

use std::time::Duration;

use hookgate_domain::{RefusalCode, Timestamp};

use super::*;

/// Includes the times of 96 bars for the script, which shows them in the reader's zone.
const MOST_BYTES: usize = 19_000;

fn series(buckets: Vec<Bucket>) -> Series {
    Series {
        start: Timestamp::from_micros(1_795_000_000_000_000),
        step: Duration::from_mins(15),
        buckets,
    }
}

fn bucket(accepted: u64, refused: &[(RefusalCode, u64)]) -> Bucket {
    Bucket {
        accepted,
        refused: refused.to_vec(),
        is_spike: false,
    }
}

/// Tags are balanced, and every attribute holds a number or a word.
fn well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    for part in svg.split('<').skip(1) {
        let Some((tag, _)) = part.split_once('>') else {
            return false;
        };
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.is_empty() && !svg.contains("NaN") && !svg.contains("inf\"")
}

#[test]
fn a_full_chart_is_within_its_budget() {
    let full = bucket(
        123_456,
        &[
            (RefusalCode::IpNotAllowed, 23_456),
            (RefusalCode::RateLimited, 12_345),
            (RefusalCode::InvalidJson, 3_456),
        ],
    );
    let chart = Chart::of(series(vec![full; 96]));
    assert_eq!(chart.layers.len(), 4);
    let svg = chart.svg("c");
    assert!(svg.as_str().len() <= MOST_BYTES, "{} bytes", svg.as_str().len());
}

#[test]
fn the_two_most_frequent_refusals_have_names() {
    let chart = Chart::of(series(vec![bucket(
        1,
        &[
            (RefusalCode::BadRequest, 1),
            (RefusalCode::IpNotAllowed, 9),
            (RefusalCode::InvalidJson, 5),
        ],
    )]));
    let names: Vec<_> = chart.legend("c").into_iter().map(|(_, _, name)| name).collect();
    assert_eq!(names, ["accepted", "IP_NOT_ALLOWED", "INVALID_JSON", "other"]);
    assert_eq!(chart.rows()[0].counts, [1, 9, 5, 1]);
}

#[test]
fn a_spike_is_marked_in_picture_and_table() {
    let mut buckets = vec![bucket(3, &[]); 20];
    buckets[7].is_spike = true;
    let chart = Chart::of(series(buckets));
    assert_eq!(chart.svg("c").as_str().matches("class=\"spike\"").count(), 1);
    assert_eq!(chart.rows().iter().filter(|row| row.spike).count(), 1);
    assert!(chart.summary().ends_with(", 1 spike"));
}

#[test]
fn axis_and_words_have_the_day_and_a_time_for_the_script() {
    let svg = Chart::of(series(vec![bucket(3, &[]); 12])).svg("c").to_string();
    assert!(
        svg.contains(" data-time=\"29916666\">18 Nov 11:06</text>"),
        "{svg}"
    );
    assert!(
        svg.contains("<title data-time=\"29916666\">18 Nov 11:06: 3 accepted"),
        "{svg}"
    );
}

#[test]
fn an_empty_series_is_a_chart_too() {
    let chart = Chart::of(series(Vec::new()));
    assert!(well_formed(chart.svg("c").as_str()));
    assert!(chart.rows().is_empty());
}

proptest! {
    #[test]
    fn any_numbers_give_a_small_well_formed_picture(
        buckets in vec((any::<u64>(), vec((0..RefusalCode::ALL.len(), any::<u64>()), 0..5)), 0..120),
        id in any::<String>(),
    ) {
        let buckets = buckets.into_iter().map(|(accepted, refused)| Bucket {
            accepted,
            refused: refused.into_iter().map(|(code, count)| (RefusalCode::ALL[code], count)).collect(),
            is_spike: accepted % 5 == 0,
        });
        let svg = Chart::of(series(buckets.collect())).svg(&id);
        prop_assert!(well_formed(svg.as_str()), "{svg}");
        prop_assert!(svg.as_str().len() < 2 * MOST_BYTES);
    }

    #[test]
    fn any_hours_give_a_small_well_formed_line(hours in vec(any::<(u64, u64)>(), 0..50)) {
        let svg = sparkline(&hours);
        prop_assert!(well_formed(svg.as_str()) && svg.as_str().len() < 1_500, "{svg}");
    }
}
