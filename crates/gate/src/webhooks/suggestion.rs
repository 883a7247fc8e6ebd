//! The allowlist that covers a webhook's recent senders: address sets that hold several of them, and addresses for the
//! rest, merged into networks where many are neighbours.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::address_set::AddressSetName;
use hookgate_domain::allowlist::{AllowEntry, Allowed};
use hookgate_domain::{IpNetwork, Networks, Timestamp, WebhookHandle};
use hookgate_people::Permission;

use crate::{ActorContext, Gate, ManageError, SourceTotal, SourceTotals, Store};

/// Time over which senders are read.
const SUGGESTION_SPAN: Duration = Duration::from_hours(24 * 30);
/// Number of senders in one set from which the set is suggested instead of them: a single one may be there by chance.
const SET_SENDERS: usize = 2;
/// Number of neighbours from which their network is suggested.
const NEIGHBOURS: usize = 4;
const NEIGHBOURHOOD_V4: u8 = 24;
const NEIGHBOURHOOD_V6: u8 = 64;
/// Maximum number of entries: more senders than this have no list in common.
const MAX_ENTRIES: usize = 200;

/// A suggested allowlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// Entries of the allowlist, those with most deliveries first.
    pub entries: Vec<AllowEntry>,
    /// The number of addresses that each entry permits, in the same order; for a set, those that it holds now. Larger
    /// numbers are cut to the maximum of the type.
    pub addresses: Vec<u128>,
    /// Number of senders that it is made from.
    pub senders: u64,
    /// Accepted deliveries that it does not cover: of sources that are not counted separately, or of senders beyond the maximum
    /// number of entries.
    pub beyond: u64,
}

impl Suggestion {
    /// The entries that permit these senders, most deliveries first, up to the maximum number of entries.
    #[must_use]
    pub fn of(totals: &SourceTotals, sets: &[(AddressSetName, Arc<Networks>)]) -> Self {
        let mut left: Vec<&SourceTotal> = totals.sources.iter().collect();
        let mut entries: Vec<(u64, Allowed, u128)> = Vec::new();
        for (name, networks) in sets {
            let (held, others): (Vec<_>, Vec<_>) =
                left.iter().partition(|total| networks.holds(total.address));
            if held.len() >= SET_SENDERS {
                let widths = networks.as_slice().iter().copied().map(width);
                let addresses = widths.fold(0, u128::saturating_add);
                entries.push((deliveries(&held), Allowed::Set(name.clone()), addresses));
                left = others;
            }
        }
        let mut neighbourhoods = BTreeMap::<IpNetwork, Vec<&SourceTotal>>::new();
        for total in left {
            neighbourhoods
                .entry(neighbourhood(total.address))
                .or_default()
                .push(total);
        }
        for (network, totals) in neighbourhoods {
            if totals.len() >= NEIGHBOURS {
                entries.push((deliveries(&totals), Allowed::Network(network), width(network)));
            } else {
                let single =
                    |total: &&SourceTotal| (total.accepted, Allowed::Network(total.address.into()), 1);
                entries.extend(totals.iter().map(single));
            }
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.0));
        let left_out = entries.iter().skip(MAX_ENTRIES).map(|entry| entry.0);
        let beyond = left_out.fold(totals.beyond_accepted, u64::saturating_add);
        entries.truncate(MAX_ENTRIES);
        Self {
            addresses: entries.iter().map(|entry| entry.2).collect(),
            entries: entries.into_iter().map(|entry| AllowEntry::of(entry.1)).collect(),
            senders: totals.sources.len() as u64,
            beyond,
        }
    }
}

/// The number of addresses of a network.
fn width(network: IpNetwork) -> u128 {
    let bits = if network.is_ipv4() { 32 } else { 128 };
    1_u128
        .checked_shl(bits - u32::from(network.prefix()))
        .unwrap_or(u128::MAX)
}

fn deliveries(totals: &[&SourceTotal]) -> u64 {
    totals
        .iter()
        .map(|total| total.accepted)
        .fold(0, u64::saturating_add)
}

fn neighbourhood(address: IpAddr) -> IpNetwork {
    let prefix = if address.is_ipv4() {
        NEIGHBOURHOOD_V4
    } else {
        NEIGHBOURHOOD_V6
    };
    let network = IpNetwork::new(address, prefix).map(|network| network.network());
    let start = network.unwrap_or(address);
    IpNetwork::new(start, prefix).unwrap_or_else(|_| address.into())
}

impl<S: Store> Gate<S> {
    /// The allowlist that covers the senders of the last 30 days.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::NotFound`] or [`ManageError::Store`].
    pub async fn allowlist_suggestion(
        &self,
        actor: &ActorContext,
        webhook: WebhookHandle,
    ) -> Result<Suggestion, ManageError> {
        actor.require(Permission::ManageWebhooks)?;
        self.webhook(webhook).await?;
        let since: Timestamp = self.now().before(SUGGESTION_SPAN);
        let totals = self.store.accepted_sources(webhook, since).await?;
        let mut sets = Vec::new();
        for set in self.store.address_sets().await? {
            let networks = self.store.address_set_networks(&set.name, set.version).await?;
            sets.extend(networks.map(|networks| (set.name, networks)));
        }
        // The narrowest set first: a wide one is more likely to hold a sender by chance.
        sets.sort_by_key(|(_, networks)| networks.as_slice().len());
        Ok(Suggestion::of(&totals, &sets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(addresses: &[(&str, u64)]) -> SourceTotals {
        let total = |(address, accepted): &(&str, u64)| SourceTotal {
            address: address.parse().unwrap(),
            accepted: *accepted,
            refused: 0,
            last_seen: Timestamp::from_micros(0),
        };
        SourceTotals {
            sources: addresses.iter().map(total).collect(),
            ..SourceTotals::default()
        }
    }

    fn texts(suggestion: &Suggestion) -> Vec<String> {
        suggestion.entries.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn senders_become_sets_networks_and_addresses() {
        let github = Networks::of(["192.30.252.0/22".parse().unwrap()]).unwrap();
        let sets = [("github".parse().unwrap(), Arc::new(github))];
        let seen = totals(&[
            ("192.30.252.1", 10),
            ("192.30.253.1", 5),
            ("203.0.113.1", 1),
            ("203.0.113.2", 1),
            ("203.0.113.3", 1),
            ("203.0.113.4", 1),
            ("198.51.100.7", 20),
            ("2001:db8::7", 2),
        ]);
        let suggestion = Suggestion::of(&seen, &sets);
        assert_eq!(
            texts(&suggestion),
            ["198.51.100.7", "@github", "203.0.113.0/24", "2001:db8::7"]
        );
        assert_eq!(suggestion.addresses, [1, 1_024, 256, 1]);
        assert_eq!(suggestion.senders, 8);
        assert_eq!(
            texts(&Suggestion::of(&totals(&[("192.30.252.1", 1)]), &sets)),
            ["192.30.252.1"]
        );
        assert!(Suggestion::of(&SourceTotals::default(), &sets).entries.is_empty());
    }

    #[test]
    fn networks_are_as_wide_as_their_prefix_says() {
        let width = |text: &str| width(text.parse().unwrap());
        assert_eq!((width("192.0.2.1/32"), width("192.0.2.0/24")), (1, 256));
        assert_eq!((width("0.0.0.0/0"), width("2001:db8::/64")), (1 << 32, 1 << 64));
        assert_eq!(width("::/0"), u128::MAX);
    }

    #[test]
    fn senders_that_are_left_out_are_told_of() {
        let strangers: Vec<_> = (0..=MAX_ENTRIES)
            .map(|index| format!("198.{}.{}.1", index / 256, index % 256))
            .collect();
        let seen: Vec<_> = strangers.iter().map(|address| (address.as_str(), 3)).collect();
        let suggestion = Suggestion::of(&totals(&seen), &[]);
        assert_eq!((suggestion.entries.len(), suggestion.beyond), (MAX_ENTRIES, 3));
    }
}
