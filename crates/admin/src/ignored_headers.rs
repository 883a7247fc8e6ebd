//! Forwarding headers that were ignored because their sender is not a trusted proxy: the usual reason why an
//! allowlist sees a proxy instead of the senders behind it.

use std::net::IpAddr;

use hookgate_domain::ForwardingHeader;
use hookgate_domain::networks::is_private;
use hookgate_gate::{DeliveryRecord, DeliverySummary, PeopleStore, Store, StoreError};
use hookgate_pages::IgnoredHeader;

use crate::console::Console;

/// Maximum number of sources of a webhook whose newest record is checked: proxies are few, and each check costs a
/// query.
const MAX_SOURCES: usize = 3;

/// Headers in which proxies forward the client's address.
const HEADERS: [ForwardingHeader; 2] = [ForwardingHeader::XForwardedFor, ForwardingHeader::Forwarded];

impl<S: Store + PeopleStore> Console<S> {
    /// The ignored forwarding header of a delivery, if there is one.
    ///
    /// A record has a trail only if its source was refused, or would have been. Other records have only their
    /// headers; for these, only a source with a private address that the gate does not trust yet is reported.
    pub(super) fn ignored_header(&self, record: &DeliveryRecord) -> Option<IgnoredHeader> {
        let peer = record.summary.source;
        let header = match &record.trail {
            Some(trail) => trail.untrusted(),
            None if self.is_trusted(peer) || !is_private(peer) => None,
            None => HEADERS.into_iter().find(|header| {
                let mut values = record
                    .headers
                    .iter()
                    .filter(|(name, _)| name == header.as_str())
                    .map(|(_, value)| value);
                // A header from a trusted sender contains the client's address.
                values
                    .next()
                    .is_some_and(|first| !names(first, peer) && !values.any(|value| names(value, peer)))
            }),
        };
        header.map(|header| IgnoredHeader { peer, header })
    }

    /// An ignored forwarding header among these deliveries, from a source that is still not trusted.
    pub(super) async fn recent_ignored_header(
        &self,
        recent: &[DeliverySummary],
    ) -> Result<Option<IgnoredHeader>, StoreError> {
        let mut sources: Vec<&DeliverySummary> = Vec::new();
        for record in recent {
            let is_worth_it = is_private(record.source) && !self.is_trusted(record.source);
            if is_worth_it && sources.iter().all(|known| known.source != record.source) {
                sources.push(record);
            }
        }
        for summary in sources.into_iter().take(MAX_SOURCES) {
            let record = self.gate.store().delivery_by_id(summary.id).await?;
            let ignored = record.and_then(|record| self.ignored_header(&record));
            if ignored.is_some() {
                return Ok(ignored);
            }
        }
        Ok(None)
    }

    /// Returns `true` if the gate trusts the address as a proxy, or has the address itself from a PROXY header.
    /// Without [`GateProxies`](crate::console::GateProxies), nothing is reported.
    fn is_trusted(&self, address: IpAddr) -> bool {
        self.gate_proxies
            .as_ref()
            .is_none_or(|gate| gate.proxy_protocol || gate.proxies.trust(address))
    }
}

/// Returns `true` if a forwarding header contains the address.
fn names(value: &str, address: IpAddr) -> bool {
    value
        .split([',', ';', '=', '"', '[', ']', ' '])
        .filter_map(|word| word.parse::<IpAddr>().ok())
        .any(|named| named.to_canonical() == address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_addresses() {
        let address = IpAddr::from([10, 0, 0, 2]);
        for value in [
            "10.0.0.2",
            "192.0.2.1, 10.0.0.2",
            "for=192.0.2.1, for=\"10.0.0.2\";proto=https",
            "::ffff:10.0.0.2",
        ] {
            assert!(names(value, address), "{value}");
        }
        for value in ["", "192.0.2.1", "10.0.0.20", "unknown"] {
            assert!(!names(value, address), "{value}");
        }
    }
}
