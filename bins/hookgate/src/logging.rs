//! Logs: JSON lines, or text on a terminal. Below `warn` only Hookgate's own events are logged, because a library's log of a
//! request may contain its path, which holds a secret.

use std::io::IsTerminal;

use hookgate_gate::LogInterval;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Limits the log lines of panics, since somebody may cause them repeatedly.
static FAULTS: LogInterval = LogInterval::new();

/// Our own crates, by the start of their module paths.
const OWN: &str = "hookgate";

/// Starts logging to standard error. A second call does nothing.
pub(crate) fn start(level: LevelFilter) {
    let filter = Targets::new()
        .with_target(OWN, level)
        .with_default(LevelFilter::OFF);
    let to_terminal = std::io::stderr().is_terminal();
    let colour = to_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let layer = if to_terminal {
        fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(colour)
            .with_target(false)
            .boxed()
    } else {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .boxed()
    };
    // An error means that logging is already initialised.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}

/// Makes a panic report only its location: its message may contain a part of a request.
pub(crate) fn withhold_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        if let Some(left_out) = FAULTS.line() {
            let place = panic.location().map(tracing::field::display);
            tracing::error!(place, left_out, "a fault of ours");
        }
    }));
}
