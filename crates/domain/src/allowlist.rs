//! The IP allowlist of a webhook: which source addresses may use its URL.
//!
//! A list is either *any address* or a set of entries: networks, and sets of addresses by their names. What a set holds is
//! not part of a list; [`Allowlist::resolve`] puts it in, and until then such an entry lets nobody pass.

mod allow_entry;
mod text;
mod warnings;

use std::net::IpAddr;
use std::sync::Arc;

use ipnetwork::IpNetwork;

use crate::{AddressSetName, MAX_NETWORKS, Networks, Timestamp};
pub use allow_entry::{AllowEntry, Allowed, EntryComment, EntryCommentError, MAX_COMMENT_CHARACTERS};
pub use text::AllowlistError;
pub use warnings::{AllowlistWarning, is_private, network_warnings};

/// Most entries with an end: they are looked through one by one, after all others.
pub const MAX_TEMPORARY: usize = 256;

/// Most sets of one list.
pub const MAX_SETS: usize = 16;

/// Which source addresses may use a webhook.
///
/// The text form has entries separated by commas, spaces or newlines; `any` stands for every address, `@name` for the
/// addresses of a set. On a line, `until` and a time end its entries then (a date includes its day, in UTC), and what follows a `#` is their comment. Parsing
/// is strict: see [`parse_entry`](crate::parse_entry). IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 address it
/// maps, in the list and in the address that is matched; so an IPv6 network lets no IPv4 address pass, not even `::/0`.
///
/// Equality is that of the lists as they were given, not of the addresses that they permit.
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

/// The entries as they were given, and sorted by how they are matched.
#[derive(Debug)]
struct Entries {
    given: Box<[AllowEntry]>,
    networks: Networks,
    temporary: Box<[(IpNetwork, Timestamp)]>,
    sets: Box<[SetEntry]>,
}

/// A set of a list, with its networks once they are known.
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
    /// The list that permits every address. It has to be asked for: an empty text is an error.
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

    /// The list of these networks, repetitions dropped. Host bits are cleared and mapped IPv6 becomes IPv4.
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

    /// The list of these entries. Of those that allow the same, the last one counts and stands where the first one did.
    ///
    /// ```
    /// use hookgate_domain::{AllowEntry, Allowed, Allowlist};
    ///
    /// let office = AllowEntry { comment: Some("office".parse()?), ..AllowEntry::of(Allowed::Set("office".parse()?)) };
    /// assert_eq!(Allowlist::of_entries([office])?.to_string(), "@office # office");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AllowlistError::Empty`] without an entry; [`AllowlistError::TooLong`], [`AllowlistError::TooManyTemporary`] and
    /// [`AllowlistError::TooManySets`] over [`MAX_NETWORKS`], [`MAX_TEMPORARY`] and [`MAX_SETS`] of them.
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

    /// The same list with what its sets hold. A set that is not known lets nobody pass.
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

    /// The same list, but for one of its sets: that holds these networks.
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

    /// Whether the address may pass at this time. Allocates nothing and takes time logarithmic in the length of the list.
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

    /// The rule that lets the address pass at this time, if any: the widest entry that stays and holds it, or else one
    /// that ends, or else a set.
    ///
    /// ```
    /// use hookgate_domain::{Allowlist, AllowlistMatch, Timestamp};
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

    /// The entries in the order in which they were given; `None` if every address may pass.
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

    /// All networks that may pass at this time, as far as its sets are known.
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

    /// The sets that it names.
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

/// What an allowlist says to an address.
///
/// ```
/// use hookgate_domain::{Allowlist, AllowlistMatch, Timestamp};
///
/// let now = Timestamp::from_micros(0);
/// assert_eq!(Allowlist::any().find("192.0.2.7".parse()?, now), AllowlistMatch::Any);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum AllowlistMatch {
    /// The webhook takes deliveries from every address.
    Any,
    /// This entry holds the address.
    Network(IpNetwork),
    /// A set of the list holds the address.
    Set {
        /// The set.
        set: AddressSetName,
        /// Its network.
        network: IpNetwork,
    },
    /// No entry holds the address.
    None,
}
