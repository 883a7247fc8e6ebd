//! Settings for reading published lists of addresses.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hookgate_domain::allowlist::Allowed;
use hookgate_domain::{Allowlist, IpNetwork, Networks};
use hookgate_outbound::Fetcher;

use super::values::{Recorded, Values};
use crate::file_problem::FileProblem;

const HOUR: Duration = Duration::from_hours(1);
const CA: &str = "addresses.ca";
const PRIVATE_TARGETS: &str = "addresses.private_targets";

/// Settings for reading published lists of addresses.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    /// Time after which a list is read again.
    pub(crate) refresh_after: Duration,
    /// Certificates of one's own CA, PEM.
    ca: Option<PathBuf>,
    /// Networks that may be called although they are not public.
    private_targets: Vec<IpNetwork>,
}

impl Lists {
    /// The client that reads the lists.
    pub(crate) fn fetcher(&self) -> Result<Fetcher, FileProblem> {
        let problem = |file: &Path, error: &dyn Display| {
            FileProblem::of(CA, format!("can't use {}: {error}", file.display()))
        };
        let read = |file: &Path| std::fs::read(file).map_err(|error| problem(file, &error));
        let ca = self.ca.as_deref().map(read).transpose()?;
        let private = Networks::of(self.private_targets.iter().copied())
            .map_err(|error| FileProblem::of(PRIVATE_TARGETS, error.to_string()))?;
        Fetcher::new(ca.as_deref(), private).map_err(|error| match &self.ca {
            Some(file) => problem(file, &error),
            None => FileProblem::of(CA, error.to_string()),
        })
    }
}

/// Parses networks separated by commas or spaces; an empty text has none.
fn networks(text: &str) -> Result<Vec<IpNetwork>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let list: Allowlist = text.parse().map_err(|error| format!("{error}"))?;
    let entries = list.entries().ok_or("any is no network")?.iter();
    let networks: Vec<_> = entries
        .map(|entry| match entry.allowed {
            Allowed::Network(network) => Ok(network),
            Allowed::Set(_) => Err("address sets can't be named here".to_owned()),
        })
        .collect::<Result<_, _>>()?;
    let all = Networks::of(networks.iter().copied()).map_err(|error| error.to_string())?;
    all.check_width()
        .map_err(|error| format!("would let a list lead anywhere: {error}"))?;
    Ok(networks)
}

impl Values {
    /// Reads the settings of published lists.
    pub(super) fn lists(&mut self) -> Result<Lists, Recorded> {
        let hours = |text: &str| match text.parse::<u32>() {
            Ok(hours @ 1..=720) => Ok(HOUR * hours),
            _ => Err("must be 1 to 720 hours"),
        };
        let ca = self.path(CA);
        if let Ok(Some(file)) = &ca {
            self.read_once.push((CA, file.clone()));
        }
        let refresh_after = self.required("addresses.refresh_hours", hours);
        let private_targets = self.optional(PRIVATE_TARGETS, networks);
        Ok(Lists {
            refresh_after: refresh_after?,
            ca: ca?,
            private_targets: private_targets?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_of_ones_own_is_not_everybody() {
        for fine in [
            "",
            "10.0.0.5",
            "127.0.0.1, ::1",
            "10.0.0.0/8 172.16.0.0/12 fc00::/7",
        ] {
            assert!(networks(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "any",
            "@office",
            "0.0.0.0/0",
            "0.0.0.0/1 128.0.0.0/1",
            "::/1, 8000::/1",
        ] {
            assert!(networks(wrong).is_err(), "{wrong}");
        }
    }
}
