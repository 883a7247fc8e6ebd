//! The resources of a process over time.

use std::fs;
use std::time::Duration;

const KIB_PER_MIB: f64 = 1024.0;
const SECONDS_PER_HOUR: f64 = 3600.0;

/// Samples one process.
pub(crate) struct Sampler {
    process: u32,
    /// Seconds since the first sample, and MiB of resident memory.
    resident: Vec<(f64, f64)>,
    descriptors: Vec<usize>,
}

/// The trend of the resources after the warm-up.
#[derive(Debug)]
pub(crate) struct Trend {
    /// MiB of resident memory on average.
    pub(crate) resident_mib: f64,
    /// The slope of the regression line through all samples.
    pub(crate) mib_an_hour: f64,
    /// Minimum and maximum number of open descriptors; only root may count those of a process that is not dumpable.
    pub(crate) descriptors: Option<(usize, usize)>,
}

impl Sampler {
    pub(crate) fn of(process: u32) -> Self {
        Self {
            process,
            resident: Vec::new(),
            descriptors: Vec::new(),
        }
    }

    /// Takes a sample, `later` after the last one.
    pub(crate) fn look(&mut self, later: Duration) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        let at = self
            .resident
            .last()
            .map_or(0.0, |(at, _)| at + later.as_secs_f64());
        self.resident.push((at, kib / KIB_PER_MIB));
        if let Ok(open) = fs::read_dir(format!("/proc/{}/fd", self.process)) {
            self.descriptors.push(open.count());
        }
    }

    /// The trend of the second half, because the first half fills caches.
    pub(crate) fn second_half(&self) -> Trend {
        let warm = &self.resident[self.resident.len() / 2..];
        let descriptors = &self.descriptors[self.descriptors.len() / 2..];
        Trend {
            resident_mib: warm.iter().map(|(_, mib)| mib).sum::<f64>() / count(warm),
            mib_an_hour: slope(warm) * SECONDS_PER_HOUR,
            descriptors: descriptors
                .iter()
                .min()
                .copied()
                .zip(descriptors.iter().max().copied()),
        }
    }
}

/// The slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let middle = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count(points);
    let (x, y) = (middle(|point| point.0), middle(|point| point.1));
    let both: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    both / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

fn count(points: &[(f64, f64)]) -> f64 {
    f64::from(u32::try_from(points.len()).unwrap())
}

#[test]
fn a_leak_has_a_slope_and_noise_has_none() {
    let leak: Vec<_> = (0..100)
        .map(|second| {
            (
                f64::from(second),
                50.0 + f64::from(second) / SECONDS_PER_HOUR * 20.0,
            )
        })
        .collect();
    assert!((slope(&leak) * SECONDS_PER_HOUR - 20.0).abs() < 0.001);
    let noise: Vec<_> = (0..100)
        .map(|second| (f64::from(second), 50.0 + f64::from(second % 2)))
        .collect();
    assert!(slope(&noise).abs() < 0.001);
}
