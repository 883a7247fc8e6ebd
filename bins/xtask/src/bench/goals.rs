//! The goals that releases are held to: what was measured, the bar that blocks a release, and the aim beyond it. All are
//! ratios to what ran in the same rounds, or what a machine of any speed can reach.

use std::io::Write;

use super::figures::Figures;
use crate::process::Outcome;

/// Which side of its bar a figure has to be on.
#[derive(Clone, Copy, Debug)]
enum Side {
    AtMost,
    AtLeast,
}

use Side::{AtLeast, AtMost};

/// A goal: its number, what it is about, the figure that decides, and on which side of bar and aim that has to be.
struct Goal(u8, &'static str, &'static str, Side, f64, f64);

const GOALS: [Goal; 22] = [
    Goal(
        1,
        "durable deliveries, rate vs echo",
        "sqlite.keepalive.rate_vs_echo",
        AtLeast,
        0.33,
        0.45,
    ),
    Goal(
        2,
        "durable deliveries, CPU vs echo",
        "sqlite.keepalive.cpu_vs_echo",
        AtMost,
        3.0,
        2.2,
    ),
    Goal(
        3,
        "the same over HTTP/2",
        "sqlite.http2.cpu_vs_echo",
        AtMost,
        4.0,
        3.0,
    ),
    Goal(
        4,
        "rate with fsync vs without any",
        "sqlite.keepalive.rate_vs_unsynced",
        AtLeast,
        0.95,
        1.0,
    ),
    Goal(
        5,
        "refusal of an unknown ID, CPU vs echo",
        "sqlite.unknown.cpu_vs_echo",
        AtMost,
        1.3,
        1.1,
    ),
    Goal(
        5,
        "refusal of a revoked URL, CPU vs echo",
        "sqlite.revoked.cpu_vs_echo",
        AtMost,
        1.3,
        1.1,
    ),
    Goal(
        6,
        "refusal by allowlist, CPU vs echo",
        "sqlite.allowlist.cpu_vs_echo",
        AtMost,
        3.0,
        2.2,
    ),
    Goal(
        7,
        "new connections, rate vs echo",
        "sqlite.connect.rate_vs_echo",
        AtLeast,
        0.7,
        0.8,
    ),
    Goal(
        8,
        "p50 at 300/s over echo, in fsyncs",
        "sqlite.fixed.p50_over_echo_fsyncs",
        AtMost,
        4.5,
        2.5,
    ),
    Goal(
        9,
        "p99 at 300/s over echo, ms",
        "sqlite.fixed.p99_over_echo_ms",
        AtMost,
        4.0,
        1.0,
    ),
    Goal(
        10,
        "p99 at saturation vs echo",
        "sqlite.keepalive.p99_vs_echo",
        AtMost,
        2.5,
        1.5,
    ),
    Goal(
        11,
        "resident memory idle, MiB",
        "sqlite.memory.idle_mib",
        AtMost,
        15.0,
        10.0,
    ),
    Goal(
        11,
        "resident memory at most under load, MiB",
        "sqlite.memory.load_mib",
        AtMost,
        64.0,
        32.0,
    ),
    Goal(
        12,
        "an idle connection, KiB",
        "sqlite.memory.per_idle_connection_kib",
        AtMost,
        24.0,
        17.0,
    ),
    Goal(
        13,
        "start to first delivery, full store, ms",
        "growth.start.first_delivery_ms",
        AtMost,
        100.0,
        25.0,
    ),
    Goal(
        14,
        "CPU with many webhooks and networks vs few",
        "growth.webhooks.cpu_ratio",
        AtMost,
        1.1,
        1.03,
    ),
    Goal(
        15,
        "match against 10,000 networks, ns",
        "addresses.match.ns",
        AtMost,
        50.0,
        20.0,
    ),
    Goal(
        16,
        "last page of a long history, p99, ms",
        "growth.history.page_p99_ms",
        AtMost,
        1.0,
        0.2,
    ),
    Goal(
        17,
        "rate with a long history vs none",
        "growth.history.rate_ratio",
        AtLeast,
        0.6,
        0.85,
    ),
    Goal(
        18,
        "p99 while pruning vs quiet",
        "growth.prune.p99_ratio",
        AtMost,
        2.0,
        1.2,
    ),
    Goal(
        19,
        "PostgreSQL, rate vs echo",
        "postgres.keepalive.rate_vs_echo",
        AtLeast,
        0.15,
        0.25,
    ),
    Goal(
        20,
        "database CPU in batches vs one by one",
        "postgres.batching.database_cpu_ratio",
        AtMost,
        0.3,
        0.15,
    ),
];

/// Adds what is made of several cases.
pub(crate) fn derive(figures: &mut Figures) {
    let quotient = |above: &str, below: &str| Some(figures.median(above)? / figures.median(below)?);
    let p50_ms_per_us = quotient("sqlite.fixed.p50_over_echo_ms", "disk.fdatasync_us");
    let database = quotient(
        "postgres.keepalive.database_cpu_us",
        "postgres.single.database_cpu_us",
    );
    if let Some(ratio) = p50_ms_per_us {
        figures.add("sqlite.fixed.p50_over_echo_fsyncs", ratio * 1000.0);
    }
    if let Some(ratio) = database {
        figures.add("postgres.batching.database_cpu_ratio", ratio);
    }
}

/// A line for each goal.
pub(crate) fn print(figures: &Figures, out: &mut impl Write) -> Outcome<()> {
    writeln!(
        out,
        "\n{:>4} {:<44} {:>9} {:>9} {:>10}",
        "goal", "", "bar", "aim", "measured"
    )?;
    for Goal(number, what, figure, side, bar, aim) in &GOALS {
        let sign = match side {
            AtMost => "<=",
            AtLeast => ">=",
        };
        let (measured, verdict) = match figures.median(figure) {
            Some(value) => (format!("{value:.2}"), side.verdict(value, *bar, *aim)),
            None => ("-".to_owned(), "not measured in this run"),
        };
        let (bar, aim) = (format!("{sign} {bar}"), format!("{sign} {aim}"));
        writeln!(
            out,
            "{number:>4} {what:<44} {bar:>9} {aim:>9} {measured:>10}  {verdict}"
        )?;
    }
    Ok(())
}

impl Side {
    fn verdict(self, value: f64, bar: f64, aim: f64) -> &'static str {
        let reaches = |goal: f64| match self {
            AtMost => value <= goal,
            AtLeast => value >= goal,
        };
        if reaches(aim) {
            "met aim"
        } else if reaches(bar) {
            "met bar"
        } else {
            "missed"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_knows_its_side() {
        assert_eq!(AtMost.verdict(2.2, 3.0, 2.2), "met aim");
        assert_eq!(AtMost.verdict(2.9, 3.0, 2.2), "met bar");
        assert_eq!(AtMost.verdict(3.1, 3.0, 2.2), "missed");
        assert_eq!(AtLeast.verdict(0.3, 0.33, 0.45), "missed");
        assert_eq!(AtLeast.verdict(0.5, 0.33, 0.45), "met aim");
        assert_eq!(AtLeast.verdict(f64::NAN, 0.33, 0.45), "missed");
    }

    #[test]
    fn every_aim_is_beyond_its_bar() {
        for Goal(number, _, _, side, bar, aim) in &GOALS {
            assert_eq!(side.verdict(*aim, *bar, *aim), "met aim", "{number}");
            assert_eq!(side.verdict(*bar, *bar, *aim), "met bar", "{number}");
        }
    }

    #[test]
    fn what_is_made_of_several_cases_needs_all_of_them() {
        let mut figures = Figures::default();
        figures.add("sqlite.fixed.p50_over_echo_ms", 0.3);
        derive(&mut figures);
        assert_eq!(figures.median("sqlite.fixed.p50_over_echo_fsyncs"), None);
        figures.add("disk.fdatasync_us", 100.0);
        derive(&mut figures);
        let fsyncs = figures.median("sqlite.fixed.p50_over_echo_fsyncs").unwrap();
        assert!((fsyncs - 3.0).abs() < 1e-9);
        let mut printed = Vec::new();
        print(&figures, &mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("3.00  met bar"), "{printed}");
    }
}
