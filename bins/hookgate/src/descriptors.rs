//! File descriptors: every connection takes one, and so does every file of the store. The soft limit, 1,024 on most systems,
//! is raised to the hard one. If that is low, the listeners take fewer connections, so that the store always has enough.

use hookgate_transport::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything except the listeners' connections: files of the store or sessions of its server (under 60),
/// downloads of published lists, ports, logs, certificates, the configuration, and a connection that waits for a permit.
const RESERVED: u64 = 128;

/// Connections of the console: people, their tools, and monitoring. Separate from those of the gate.
const CONSOLE_CONNECTIONS: u32 = 1_024;

/// Connections of the port that refuses plain HTTP.
const PLAIN_CONNECTIONS: u32 = 512;

/// The share of the remaining descriptors that each of these two gets if descriptors are scarce, as a divisor.
const SMALL_PART: u64 = 8;

/// Maximum number of connections of each listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// The limit on descriptors; `None` if there is none.
    pub(crate) descriptors: Option<u64>,
    pub(crate) gate: u32,
    pub(crate) plain: u32,
    pub(crate) console: u32,
}

/// Raises the soft limit to the hard one. Returns the limit in effect; `None` if there is none.
pub(crate) fn raise_limit() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        ..before
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
    getrlimit(Resource::Nofile).current
}

impl ConnectionLimits {
    /// The limits under this limit on descriptors.
    pub(crate) fn within(descriptors: Option<u64>) -> Self {
        let Some(limit) = descriptors else {
            return Self {
                descriptors,
                gate: MAX_CONNECTIONS,
                plain: PLAIN_CONNECTIONS,
                console: CONSOLE_CONNECTIONS,
            };
        };
        // If the limit is very low, connections get half of it.
        let left = limit - RESERVED.min(limit / 2);
        let [console, plain] =
            [CONSOLE_CONNECTIONS, PLAIN_CONNECTIONS].map(|most| at_most(left / SMALL_PART, most));
        Self {
            descriptors,
            gate: at_most(left - u64::from(console) - u64::from(plain), MAX_CONNECTIONS),
            plain,
            console,
        }
    }

    /// The warning about reduced limits, with a remedy; `None` if they are as documented.
    pub(crate) fn warning(self) -> Option<String> {
        let limit = self.descriptors?;
        let full = Self::within(None);
        if (self.gate, self.console) == (full.gate, full.console) {
            return None;
        }
        Some(format!(
            "the server may have {limit} files open, so the gate takes {} connections instead of {} and the console {} \
             instead of {}: set LimitNOFILE=65536 in its unit, or raise the hard limit (`ulimit -Hn`)",
            self.gate, full.gate, self.console, full.console
        ))
    }
}

fn at_most(count: u64, most: u32) -> u32 {
    u32::try_from(count).map_or(most, |count| count.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_under_the_limit_with_room_for_the_store() {
        for limit in [0, 1, 16, 64, 256, 1_024, 4_096, 10_000, 20_000, 65_536, 1 << 40] {
            let it = ConnectionLimits::within(Some(limit));
            let taken = u64::from(it.gate) + u64::from(it.plain) + u64::from(it.console);
            assert!(taken + RESERVED.min(limit / 2) <= limit, "{it:?}");
            assert_eq!(it.warning().is_some(), limit < 10_000, "{it:?}");
        }
        let usual = ConnectionLimits::within(Some(1_024));
        assert_eq!((usual.gate, usual.plain, usual.console), (672, 112, 112));
        assert_eq!(ConnectionLimits::within(None).warning(), None);
        let warning = usual.warning().unwrap();
        assert!(
            warning.contains("1024 files") && warning.contains("672 connections"),
            "{warning}"
        );
    }
}
