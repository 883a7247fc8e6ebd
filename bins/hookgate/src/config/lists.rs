//! How published lists of addresses are read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hookgate_domain::{Allowed, Allowlist, IpNetwork, Networks};
use hookgate_gate::REFRESH_AFTER;
use hookgate_storage::literal_path;
use hookgate_transport::Fetcher;

use super::Values;
use crate::failure::Failure;

const HOUR: Duration = Duration::from_hours(1);
const CA: &str = "HOOKGATE_ADDRESSES_CA";
const PRIVATE_TARGETS: &str = "HOOKGATE_ADDRESSES_PRIVATE_TARGETS";

/// How published lists of addresses are read.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    /// How long one is used before it is read again.
    pub(crate) refresh_after: Duration,
    /// Certificates of one's own CA, PEM.
    ca: Option<PathBuf>,
    /// What may be called though it is not on the internet.
    private_targets: Vec<IpNetwork>,
}

impl Lists {
    /// Where there is no configuration, the environment alone says it.
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        let private_targets = std::env::var(PRIVATE_TARGETS).unwrap_or_default();
        Ok(Self {
            refresh_after: REFRESH_AFTER,
            ca: std::env::var_os(CA)
                .map(literal_path)
                .transpose()
                .map_err(|error| Failure::usage(format!("{CA}: {error}")))?,
            private_targets: networks(&private_targets)
                .map_err(|error| Failure::usage(format!("{PRIVATE_TARGETS}: {error}")))?,
        })
    }

    /// What reads them.
    pub(crate) fn fetcher(&self) -> Result<Fetcher, Failure> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|error| {
                Failure::usage(format!("addresses.ca: can't read {}: {error}", file.display()))
            })
        };
        let ca = self.ca.as_deref().map(read).transpose()?;
        let private = Networks::of(self.private_targets.iter().copied()).map_err(Failure::usage)?;
        Fetcher::new(ca.as_deref(), private).map_err(Failure::usage)
    }
}

/// Networks separated by commas or spaces; none if there is nothing.
fn networks(text: &str) -> Result<Vec<IpNetwork>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let list: Allowlist = text.parse().map_err(|error| format!("{error}"))?;
    let entries = list.entries().ok_or("any is no network")?.iter();
    entries
        .map(|entry| match entry.allowed {
            Allowed::Network(network) => Ok(network),
            Allowed::Set(_) => Err("address sets can't be named here".to_owned()),
        })
        .collect()
}

impl Values {
    /// How published lists are read.
    pub(super) fn lists(&mut self) -> Lists {
        let hours = |text: &str| match text.parse::<u32>() {
            Ok(hours @ 1..=720) => Ok(HOUR * hours),
            _ => Err("must be 1 to 720 hours"),
        };
        Lists {
            refresh_after: self
                .required("addresses.refresh_hours", hours)
                .unwrap_or(REFRESH_AFTER),
            ca: self.path("addresses.ca"),
            private_targets: self
                .optional("addresses.private_targets", networks)
                .unwrap_or_default(),
        }
    }
}
