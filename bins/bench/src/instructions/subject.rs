//! The kinds of requests that are counted.

use crate::generator::Generator;
use crate::load::h2load_requests;
use crate::systems::{Running, System, Wanted};
use xtask::process::Outcome;

/// Requests of the smaller load; the other one has twice as many. So the store copies its log several times in each,
/// and one time more or less makes no difference.
const REQUESTS: u16 = 5120;
/// Requests of which the cost is the difference between the two loads.
pub(super) const COUNTED: f64 = REQUESTS as f64;
/// Requests that fill caches and pools.
const FIRST_REQUESTS: u16 = 1280;
/// Connections that send at once.
const AT_ONCE: u16 = 32;
/// Connections to unknown URLs, each from an address of its own: a gate answers another status to an address after 200
/// of these requests.
const FLOOD_CONNECTIONS: u16 = 256;
/// Longest time of a load. Under valgrind a request takes some milliseconds.
const LONGEST: &str = "600";

/// A load of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// It is not counted.
    First,
    Single,
    Double,
}

impl Load {
    const fn requests(self) -> u16 {
        match self {
            Self::First => FIRST_REQUESTS,
            Self::Single => REQUESTS,
            Self::Double => 2 * REQUESTS,
        }
    }
}

/// A kind of request to a system.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) system: System,
    pub(super) wanted: Wanted,
    is_http2: bool,
}

pub(super) const SUBJECTS: [Subject; 8] = [
    Subject::http1("echo", System::Echo, Wanted::Accepted),
    DELIVERY,
    Subject::http2("echo.http2", System::Echo),
    Subject::http2("delivery.http2", System::Sqlite),
    Subject::http1("refusal.unknown", System::Sqlite, Wanted::Unknown),
    Subject::http1("refusal.revoked", System::Sqlite, Wanted::Revoked),
    Subject::http1("refusal.allowlist", System::Sqlite, Wanted::NotAllowed),
    Subject::http1("delivery.postgres", System::Postgres, Wanted::Accepted),
];
pub(super) const DELIVERY: Subject = Subject::http1("delivery", System::Sqlite, Wanted::Accepted);

impl Subject {
    const fn http1(name: &'static str, system: System, wanted: Wanted) -> Self {
        Self {
            name,
            system,
            wanted,
            is_http2: false,
        }
    }

    const fn http2(name: &'static str, system: System) -> Self {
        Self {
            name,
            system,
            wanted: Wanted::Accepted,
            is_http2: true,
        }
    }

    /// Sends a load.
    pub(super) fn send(&self, running: &Running, load: Load) -> Outcome<()> {
        let requests = load.requests();
        if self.is_http2 {
            return h2load_requests(&running.target.url()?, AT_ONCE, requests);
        }
        let connections = match self.wanted {
            Wanted::Unknown => FLOOD_CONNECTIONS,
            _ => AT_ONCE,
        };
        let [each, connections, at_once] =
            [requests / connections, connections, AT_ONCE].map(|number| number.to_string());
        let mut shape = vec![
            "--connections",
            &connections,
            "--at-once",
            &at_once,
            "--most-each",
            &each,
            "--seconds",
            LONGEST,
        ];
        if matches!(self.wanted, Wanted::Unknown | Wanted::NotAllowed) {
            shape.push("--own-addresses");
        }
        Generator::start("closed", &running.target, &shape)?.send()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_send_whole_loads() {
        for load in [Load::First, Load::Single, Load::Double] {
            assert_eq!(load.requests() % AT_ONCE, 0, "{load:?}");
            assert_eq!(load.requests() % FLOOD_CONNECTIONS, 0, "{load:?}");
        }
    }
}
