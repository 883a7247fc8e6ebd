//! One measurement of one system, and its figures.

use std::fmt;

use super::cases::Case;
use super::figures::Figures;
use super::load::Sent;
use super::systems::{Cpu, Running};
use xtask::process::Outcome;

/// The result of one measurement.
#[derive(Debug)]
pub(crate) struct Measured {
    sent: Sent,
    /// CPU microseconds of server and database per answer.
    cpu_us: Option<f64>,
    database_cpu_us: Option<f64>,
    /// Memory of the server, without its database.
    idle_mib: f64,
    resident_mib: f64,
    peak_mib: f64,
    bytes_per_delivery: Option<f64>,
}

/// Sends to the system for `seconds`, and stops it.
pub(crate) fn measure(case: Case, mut running: Running, seconds: u32) -> Outcome<Measured> {
    let idle_mib = running.process.resident_mib()?;
    let is_stored = case.tells_memory();
    let bytes = if is_stored { running.store.bytes()? } else { 0.0 };
    if case != Case::Unknown {
        // The first requests fill caches and pools. Unknown IDs use none of these.
        case.send(&running, 1, || {})?;
    }
    let mut before = None;
    let sent = case.send(&running, seconds, || before = Some(running.cpu()))?;
    let (before, after) = (before.ok_or("it never began")?, running.cpu());
    let each = |cpu: fn(&Cpu) -> f64| (cpu(&after) - cpu(&before)) * 1e6 / sent.answers;
    let tells_cpu = case.tells_cpu();
    Ok(Measured {
        sent,
        cpu_us: tells_cpu.then(|| each(|cpu| cpu.all)),
        database_cpu_us: (tells_cpu && running.store.processes().is_some()).then(|| each(|cpu| cpu.database)),
        idle_mib,
        resident_mib: running.process.resident_mib()?,
        peak_mib: running.process.peak_mib()?,
        bytes_per_delivery: if is_stored {
            running.store.bytes_per_delivery(bytes, &mut running.process)?
        } else {
            None
        },
    })
}

impl Measured {
    /// Answers a second.
    pub(crate) const fn rate(&self) -> f64 {
        self.sent.rate
    }

    /// Adds the figures under the name `system.case`.
    pub(crate) fn report(&self, case: &str, figures: &mut Figures) {
        let latency = self.sent.latency.as_ref();
        let reported = [
            ("rate", Some(self.sent.rate)),
            ("cpu_us", self.cpu_us),
            ("database_cpu_us", self.database_cpu_us),
            ("p50_ms", latency.map(|latency| latency.p50)),
            ("p99_ms", latency.map(|latency| latency.p99)),
            ("p999_ms", latency.map(|latency| latency.p999)),
            ("resident_mib", Some(self.resident_mib)),
            ("bytes_per_delivery", self.bytes_per_delivery),
        ];
        for (figure, value) in reported {
            if let Some(value) = value {
                figures.add(format!("{case}.{figure}"), value);
            }
        }
    }

    /// Adds the memory of the system in the same run.
    pub(crate) fn report_memory(&self, system: &str, figures: &mut Figures) {
        figures.add(format!("{system}.memory.idle_mib"), self.idle_mib);
        figures.add(format!("{system}.memory.load_mib"), self.peak_mib);
    }

    /// Adds the ratios to the echo of the same round.
    pub(crate) fn compare(&self, echo: &Self, case: &str, figures: &mut Figures) {
        figures.add(format!("{case}.rate_vs_echo"), self.sent.rate / echo.sent.rate);
        if let (Some(ours), Some(echo)) = (self.cpu_us, echo.cpu_us) {
            figures.add(format!("{case}.cpu_vs_echo"), ours / echo);
        }
        if let (Some(ours), Some(echo)) = (self.sent.latency, echo.sent.latency) {
            figures.add(format!("{case}.p99_vs_echo"), ours.p99 / echo.p99);
            figures.add(format!("{case}.p50_over_echo_ms"), ours.p50 - echo.p50);
            figures.add(format!("{case}.p99_over_echo_ms"), ours.p99 - echo.p99);
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/s", self.sent.rate)?;
        if let Some(cpu_us) = self.cpu_us {
            write!(f, " at {cpu_us:.1} us CPU")?;
        }
        if let Some(latency) = &self.sent.latency {
            write!(f, ", p50 {:.2} ms, p99 {:.2} ms", latency.p50, latency.p99)?;
        }
        Ok(())
    }
}
