//! The IP allowlist of a webhook: the source addresses that may use its URL.
//!
//! A list is either *any address* or a list of entries: networks, and names of address sets. The networks of an address set
//! are not part of the list. [`Allowlist::resolve`] fills them in; until then such an entry matches no address.

mod allow_entry;
mod text;
mod warnings;

use std::net::IpAddr;
use std::sync::Arc;

use ipnetwork::IpNetwork;

use crate::address_set::AddressSetName;
use crate::networks::MAX_NETWORKS;
use crate::{Networks, Timestamp};
pub use allow_entry::{AllowEntry, Allowed, EntryComment, EntryCommentError, MAX_COMMENT_CHARACTERS};
pub use text::AllowlistError;

/// Most networks with an end date in a list. They are searched one by one, after the permanent networks.
pub const MAX_TEMPORARY: usize = 256;

/// Most address sets in a list.
pub const MAX_SETS: usize = 16;

/// The source addresses that may use a webhook.
///
/// The text form has entries separated by commas, spaces or newlines; `any` stands for every address, `@name` for an address
/// set. `until` and a time set the end of all entries on the line (a date includes its day, in UTC), and the text behind `#`
/// is their comment. Parsing is strict: see [`parse_entry`](crate::networks::parse_entry). IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2)
/// is read as the IPv4 address that it maps, in the list and in the address that is matched. So an IPv6 network matches no
/// IPv4 address, not even `::/0`.
///
/// Two lists are equal if they have the same entries in the same order, whatever addresses these permit.
///
/// ```
/// use hookgate_domain::{Allowlist, Timestamp};
///
/// let now = Timestamp::from_micros(0);
/// let list: Allowlist = "192.0.2.7, 198.51.100.0/24\n2001:db8::/32".parse()?;
/// assert!(list.permits("198.51.100.200".parse()?, now));
/// assert!(list.permits("::ffff:192.0.2.7".parse()?, now));
/// assert!(!list.permits("203.0.113.9".parse()?, now));
/// assert_eq!(list.to_string(), "192.0.2.7, 198.51.100.0/24, 2001:db8::/32");
///
/// let list: Allowlist = "192.0.2.0/24 # the office\n203.0.113.9 until 1970-01-01 # while it moves".parse()?;
/// assert!(list.permits("203.0.113.9".parse()?, now));
/// assert!(!list.permits("203.0.113.9".parse()?, Timestamp::from_micros(86_400_000_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Allowlist(List);

#[derive(Clone, Debug)]
enum List {
    Any,
    Entries(Arc<Entries>),
}

/// The entries in the given order, and the same sorted by kind for matching.
#[derive(Debug)]
struct Entries {
    given: Box<[AllowEntry]>,
    networks: Networks,
    temporary: Box<[(IpNetwork, Timestamp)]>,
    sets: Box<[SetEntry]>,
}

/// An address set of a list, with its networks once they are resolved.
#[derive(Clone, Debug)]
struct SetEntry {
    name: AddressSetName,
    until: Option<Timestamp>,
    networks: Option<Arc<Networks>>,
}

impl PartialEq for Allowlist {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl Eq for Allowlist {}

impl Allowlist {
    /// The list that permits every address. Its text form is `any`; an empty text is an error.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, Timestamp};
    ///
    /// assert!(Allowlist::any().permits("203.0.113.9".parse()?, Timestamp::from_micros(0)));
    /// assert!("".parse::<Allowlist>().is_err());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub const fn any() -> Self {
        Self(List::Any)
    }

    /// Makes a list of networks. Repetitions are dropped, host bits are cleared and IPv4-mapped IPv6 becomes IPv4.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, Timestamp};
    ///
    /// let list = Allowlist::of(["10.0.0.0/8".parse()?])?;
    /// assert!(list.permits("10.1.2.3".parse()?, Timestamp::from_micros(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::of_entries`].
    pub fn of(networks: impl IntoIterator<Item = IpNetwork>) -> Result<Self, AllowlistError> {
        Self::of_entries(
            networks
                .into_iter()
                .map(|network| AllowEntry::of(Allowed::Network(network))),
        )
    }

    /// Makes a list of entries. Of several entries for the same network or address set, the last one is kept, at the position
    /// of the first.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    /// use hookgate_domain::allowlist::{AllowEntry, Allowed};
    ///
    /// let office = AllowEntry { comment: Some("office".parse()?), ..AllowEntry::of(Allowed::Set("office".parse()?)) };
    /// assert_eq!(Allowlist::of_entries([office])?.to_string(), "@office # office");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AllowlistError::Empty`] without an entry; [`AllowlistError::TooLong`], [`AllowlistError::TooManyTemporary`] and
    /// [`AllowlistError::TooManySets`] above [`MAX_NETWORKS`], [`MAX_TEMPORARY`] and [`MAX_SETS`].
    pub fn of_entries(entries: impl IntoIterator<Item = AllowEntry>) -> Result<Self, AllowlistError> {
        let mut given: Vec<AllowEntry> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for mut entry in entries {
            if let Allowed::Network(network) = &mut entry.allowed {
                *network = crate::networks::canonical(*network);
            }
            match places.entry(entry.allowed.clone()) {
                std::collections::hash_map::Entry::Occupied(place) => given[*place.get()] = entry,
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(given.len());
                    given.push(entry);
                }
            }
            if given.len() > MAX_NETWORKS {
                return Err(AllowlistError::TooLong);
            }
        }
        Entries::sort(given).map(|entries| Self(List::Entries(Arc::new(entries))))
    }

    /// The same list with the networks of its address sets. An unknown set matches no address.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hookgate_domain::{Allowlist, Networks, Timestamp};
    ///
    /// let (address, now) = ("192.0.2.7".parse()?, Timestamp::from_micros(0));
    /// let list: Allowlist = "@office".parse()?;
    /// assert!(!list.permits(address, now));
    /// let office = Arc::new(Networks::of(["192.0.2.0/24".parse()?])?);
    /// assert!(list.resolve(|_| Some(Arc::clone(&office))).permits(address, now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn resolve(&self, networks: impl Fn(&AddressSetName) -> Option<Arc<Networks>>) -> Self {
        let List::Entries(entries) = &self.0 else {
            return self.clone();
        };
        if entries.sets.is_empty() {
            return self.clone();
        }
        let sets = entries.sets.iter().map(|set| SetEntry {
            networks: networks(&set.name),
            ..set.clone()
        });
        Self(List::Entries(Arc::new(Entries {
            given: entries.given.clone(),
            networks: entries.networks.clone(),
            temporary: entries.temporary.clone(),
            sets: sets.collect(),
        })))
    }

    /// The same list with other networks for one of its address sets.
    #[must_use]
    pub fn with_set(&self, name: &AddressSetName, networks: &Arc<Networks>) -> Self {
        let List::Entries(entries) = &self.0 else {
            return self.clone();
        };
        let known = |of: &AddressSetName| {
            let set = entries.sets.iter().find(|set| set.name == *of);
            set.and_then(|set| set.networks.clone())
        };
        self.resolve(|of| {
            if of == name {
                Some(Arc::clone(networks))
            } else {
                known(of)
            }
        })
    }

    /// Returns `true` if the address may pass at this time. Allocates nothing. Permanent networks are found by binary search,
    /// the at most [`MAX_TEMPORARY`] networks with an end date and [`MAX_SETS`] address sets one after the other.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, Timestamp};
    ///
    /// let (list, now): (Allowlist, _) = ("192.0.2.0/24".parse()?, Timestamp::from_micros(0));
    /// assert!(list.permits("192.0.2.255".parse()?, now));
    /// assert!(!list.permits("192.0.3.0".parse()?, now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn permits(&self, address: IpAddr, now: Timestamp) -> bool {
        !matches!(self.find(address, now), AllowlistMatch::None)
    }

    /// The rule that lets the address pass at this time, if any: the widest permanent network that contains it, or else a
    /// network with an end date, or else an address set.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, Timestamp};
    /// use hookgate_domain::allowlist::AllowlistMatch;
    ///
    /// let (list, now): (Allowlist, _) = ("10.0.0.0/8 10.1.0.0/16".parse()?, Timestamp::from_micros(0));
    /// assert_eq!(list.find("10.1.2.3".parse()?, now), AllowlistMatch::Network("10.0.0.0/8".parse()?));
    /// assert_eq!(list.find("192.0.2.1".parse()?, now), AllowlistMatch::None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(&self, address: IpAddr, now: Timestamp) -> AllowlistMatch {
        let List::Entries(entries) = &self.0 else {
            return AllowlistMatch::Any;
        };
        let address = address.to_canonical();
        if let Some(network) = entries.networks.find(address) {
            return AllowlistMatch::Network(network);
        }
        let temporary = entries.temporary.iter();
        if let Some((network, _)) = temporary
            .into_iter()
            .find(|(network, until)| now < *until && network.contains(address))
        {
            return AllowlistMatch::Network(*network);
        }
        for set in &entries.sets {
            let lasts = set.until.is_none_or(|until| now < until);
            if let Some(network) = set
                .networks
                .as_ref()
                .filter(|_| lasts)
                .and_then(|set| set.find(address))
            {
                let set = set.name.clone();
                return AllowlistMatch::Set { set, network };
            }
        }
        AllowlistMatch::None
    }

    /// The entries in the given order; `None` if every address may pass.
    ///
    /// ```
    /// use hookgate_domain::Allowlist;
    ///
    /// let list: Allowlist = "10.1.0.0/16 @office 10.1.0.0/16".parse()?;
    /// assert_eq!(list.entries().map(<[_]>::len), Some(2));
    /// assert_eq!(Allowlist::any().entries(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn entries(&self) -> Option<&[AllowEntry]> {
        match &self.0 {
            List::Any => None,
            List::Entries(entries) => Some(&entries.given),
        }
    }

    /// All networks that may pass at this time, with those of resolved address sets. Empty for *any address*.
    pub(crate) fn permitted(&self, now: Timestamp) -> Vec<IpNetwork> {
        let List::Entries(entries) = &self.0 else {
            return Vec::new();
        };
        let lasting = entries.temporary.iter().filter(|(_, until)| now < *until);
        let sets = entries.sets.iter();
        let sets = sets.filter(|set| set.until.is_none_or(|until| now < until));
        let of_sets = sets.filter_map(|set| set.networks.as_deref());
        let mut all = entries.networks.as_slice().to_vec();
        all.extend(lasting.map(|(network, _)| *network));
        all.extend(of_sets.flat_map(|networks| networks.as_slice().iter().copied()));
        all
    }

    /// The address sets that the list uses.
    pub fn sets(&self) -> impl Iterator<Item = &AddressSetName> {
        let sets: &[SetEntry] = match &self.0 {
            List::Any => &[],
            List::Entries(entries) => &entries.sets,
        };
        sets.iter().map(|set| &set.name)
    }
}

impl Entries {
    fn sort(given: Vec<AllowEntry>) -> Result<Self, AllowlistError> {
        let (mut networks, mut temporary, mut sets) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &given {
            match (&entry.allowed, entry.until) {
                (Allowed::Network(network), None) => networks.push(*network),
                (Allowed::Network(network), Some(until)) => temporary.push((*network, until)),
                (Allowed::Set(name), until) => sets.push(SetEntry {
                    name: name.clone(),
                    until,
                    networks: None,
                }),
            }
        }
        match (given.is_empty(), temporary.len(), sets.len()) {
            (true, ..) => Err(AllowlistError::Empty),
            (_, MAX_TEMPORARY.., _) if temporary.len() > MAX_TEMPORARY => {
                Err(AllowlistError::TooManyTemporary)
            }
            (.., MAX_SETS..) if sets.len() > MAX_SETS => Err(AllowlistError::TooManySets),
            _ => Ok(Self {
                given: given.into(),
                networks: Networks::of(networks).map_err(|_| AllowlistError::TooLong)?,
                temporary: temporary.into(),
                sets: sets.into(),
            }),
        }
    }
}

/// The result of matching an address against an allowlist.
///
/// ```
/// use hookgate_domain::{Allowlist, Timestamp};
/// use hookgate_domain::allowlist::AllowlistMatch;
///
/// let now = Timestamp::from_micros(0);
/// assert_eq!(Allowlist::any().find("192.0.2.7".parse()?, now), AllowlistMatch::Any);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum AllowlistMatch {
    /// The list permits every address.
    Any,
    /// This network of the list contains the address.
    Network(IpNetwork),
    /// An address set of the list contains the address.
    Set {
        /// The address set.
        set: AddressSetName,
        /// The network of the set.
        network: IpNetwork,
    },
    /// No entry contains the address.
    None,
}
