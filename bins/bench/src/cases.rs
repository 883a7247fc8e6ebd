//! The cases of the benchmark: a kind of load, and the systems that get it in turns.

use clap::ValueEnum;

use super::generator::Generator;
use super::load::{Sent, h2load, wrk};
use super::systems::{Running, System, Wanted};
use xtask::process::Outcome;

/// Connections of `keepalive`.
const CONNECTIONS: u32 = 64;
/// Connections of the flood of unknown IDs, each from an address of its own, and requests of each. After 200 a gate
/// refuses an address without a lookup, which would be another answer.
const FLOOD: [&str; 7] = [
    "--connections",
    "2000",
    "--at-once",
    "64",
    "--most-each",
    "190",
    "--own-addresses",
];

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// HTTP/1.1, 64 connections that stay open
    Keepalive,
    /// The same with 16 connections, by the benchmark's own generator
    #[value(name = "keepalive-16")]
    Keepalive16,
    /// The same with 256 connections, by the benchmark's own generator
    #[value(name = "keepalive-256")]
    Keepalive256,
    /// The same with 1,024 connections, by the benchmark's own generator, which opens them before it measures
    #[value(name = "keepalive-1024")]
    Keepalive1024,
    /// HTTP/2, 16 connections with 4 streams each
    Http2,
    /// A new connection with a full handshake for each request
    Connect,
    /// A new connection with a resumed handshake for each request
    Resumed,
    /// One connection, the next request after the answer
    Single,
    /// 300 requests a second, however late earlier answers are
    Fixed,
    /// IDs of the right form that don't exist
    Unknown,
    /// The URL of a revoked webhook
    Revoked,
    /// An address that is not in the allowlist
    Allowlist,
    /// 2,000 idle connections
    Idle,
    /// From the start of the server to the first delivery
    Start,
}

impl Case {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keepalive => "keepalive",
            Self::Keepalive16 => "keepalive_16",
            Self::Keepalive256 => "keepalive_256",
            Self::Keepalive1024 => "keepalive_1024",
            Self::Http2 => "http2",
            Self::Connect => "connect",
            Self::Resumed => "resumed",
            Self::Single => "single",
            Self::Fixed => "fixed",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Allowlist => "allowlist",
            Self::Idle => "idle",
            Self::Start => "start",
        }
    }

    /// The systems of the case. The echo is first, because the others are compared with it.
    pub(crate) const fn systems(self) -> &'static [System] {
        match self {
            Self::Keepalive16 | Self::Keepalive1024 => &[System::Echo, System::Sqlite],
            // Senders that wait for an fsync leave the core idle, unless there are many.
            Self::Keepalive256 => &[System::Echo, System::Sqlite, System::Unsynced],
            Self::Unknown | Self::Revoked | Self::Allowlist => {
                &[System::Echo, System::Sqlite, System::Postgres]
            }
            _ => &[System::Echo, System::Sqlite, System::Postgres, System::Nginx],
        }
    }

    pub(crate) const fn wanted(self) -> Wanted {
        match self {
            Self::Unknown => Wanted::Unknown,
            Self::Revoked => Wanted::Revoked,
            Self::Allowlist => Wanted::NotAllowed,
            _ => Wanted::Accepted,
        }
    }

    /// `true` if the CPU of a request can be measured. The kernel counts hundredths of a second, and 300 requests a
    /// second use few.
    pub(crate) const fn tells_cpu(self) -> bool {
        !matches!(self, Self::Fixed)
    }

    /// `true` for the case that also measures memory and the size of the store.
    pub(crate) const fn tells_memory(self) -> bool {
        matches!(self, Self::Keepalive)
    }

    /// Opens connections, calls `begun`, and then sends for `seconds`.
    pub(crate) fn send(self, running: &Running, seconds: u32, begun: impl FnOnce()) -> Outcome<Sent> {
        let duration = ["--seconds", &seconds.to_string()];
        let (load, shape): (&str, &[&str]) = match self {
            Self::Keepalive => {
                begun();
                return wrk(&running.target.url()?, seconds, CONNECTIONS);
            }
            Self::Http2 => {
                begun();
                return h2load(&running.target.url()?, seconds);
            }
            Self::Connect => ("connect", &["--workers", "16"]),
            Self::Resumed => ("connect", &["--workers", "16", "--resume"]),
            Self::Single => ("closed", &["--connections", "1"]),
            Self::Fixed => ("fixed", &["--rate", "300", "--connections", "64"]),
            Self::Unknown => ("closed", &FLOOD),
            Self::Allowlist => ("closed", &["--connections", "64", "--own-addresses"]),
            Self::Keepalive16 => ("closed", &["--connections", "16"]),
            Self::Keepalive256 => ("closed", &["--connections", "256"]),
            Self::Keepalive1024 => ("closed", &["--connections", "1024"]),
            Self::Revoked | Self::Idle | Self::Start => ("closed", &["--connections", "64"]),
        };
        let generator = Generator::start(load, &running.target, &[shape, &duration].concat())?;
        begun();
        generator.send()
    }
}
