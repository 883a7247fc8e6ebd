//! Warnings about an allowlist.

use std::net::IpAddr;

use super::{Allowed, Allowlist};
use crate::Timestamp;
use crate::networks::{NetworkWarning, of_network, with_those_of_all};

impl Allowlist {
    /// Computes the warnings about the list, for a member at the address `own`. Networks of address sets count only in the
    /// warnings about all networks together.
    #[must_use]
    pub fn warnings(&self, own: Option<IpAddr>, now: Timestamp) -> Vec<NetworkWarning> {
        let entries = self.entries().into_iter().flatten();
        let networks = entries.filter_map(|entry| match entry.allowed {
            Allowed::Network(network) => Some(network),
            Allowed::Set(_) => None,
        });
        let mut warnings = with_those_of_all(networks.filter_map(of_network).collect(), &self.permitted(now));
        warnings.extend(
            own.map(|own| own.to_canonical())
                .filter(|own| !self.permits(*own, now))
                .map(NetworkWarning::OwnAddress),
        );
        warnings
    }
}
