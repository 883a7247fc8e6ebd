//! The kinds of requests that are counted.

use crate::generator::Generator;
use crate::load::h2load_requests;
use crate::systems::{Running, System, Wanted};
use xtask::process::Outcome;

/// Connections of each load.
const CONNECTIONS: u16 = 32;
/// Requests of each connection in the smaller load; the other one has twice as many. The store copies its log several
/// times in each, so that one time more or less makes no difference.
const REQUESTS: u16 = 160;
/// The same for unknown URLs. A gate answers another status to an address after 200 of these requests.
const FLOOD_REQUESTS: u16 = 40;
/// The part of the smaller load that fills caches and pools before.
const FIRST_PART: u16 = 4;
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

    /// `true` if the writing thread stores each request.
    pub(super) fn is_stored(&self) -> bool {
        self.system != System::Echo && self.wanted == Wanted::Accepted
    }

    /// Requests of which the cost is the difference between the two loads.
    pub(super) fn counted(&self) -> f64 {
        f64::from(CONNECTIONS * self.requests_each())
    }

    /// Requests of each connection in the smaller load.
    const fn requests_each(&self) -> u16 {
        match self.wanted {
            Wanted::Unknown => FLOOD_REQUESTS,
            _ => REQUESTS,
        }
    }

    /// Sends a load.
    pub(super) fn send(&self, running: &Running, load: Load) -> Outcome<()> {
        let each = match load {
            Load::First => self.requests_each() / FIRST_PART,
            Load::Single => self.requests_each(),
            Load::Double => 2 * self.requests_each(),
        };
        if self.is_http2 {
            return h2load_requests(&running.target.url()?, CONNECTIONS, CONNECTIONS * each);
        }
        let [connections, each] = [CONNECTIONS, each].map(|number| number.to_string());
        let mut shape = vec![
            "--connections",
            &connections,
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
