//! The JSON formats of the providers, as streaming `serde` visitors. Unwanted members are skipped and each entry is parsed as
//! it is read, so that only the networks take memory.

use std::borrow::Cow;
use std::fmt;

use hookgate_domain::address_set::{Provider, SetFilter};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::AddressListError;
use super::wanted::Wanted;

/// Reads the provider's document and adds the networks that match the filter to `wanted`.
pub(super) fn read(
    provider: Provider,
    filter: &SetFilter,
    text: &str,
    wanted: &mut Wanted,
) -> Result<(), AddressListError> {
    let read = match provider {
        Provider::List => whole(text, Entries(wanted)),
        Provider::Grafana => whole(text, ListOrServices(wanted)),
        Provider::Aws => members(text, &["prefixes", "ipv6_prefixes"], Prefixes { wanted, filter }),
        Provider::Cloudflare => members(text, &["success", "result"], Cloudflare(wanted)),
        Provider::Datadog => sections(text, &names(provider, filter), Datadog(wanted)),
        Provider::Github => sections(text, &names(provider, filter), List(wanted)),
        Provider::Stripe => members(text, &["WEBHOOKS"], List(wanted)),
    };
    match wanted.fault.take() {
        Some(fault) => Err(fault),
        None => read,
    }
}

/// Deserializes the whole text. Anything behind the document is an error.
fn whole<'de>(text: &'de str, document: impl DeserializeSeed<'de>) -> Result<(), AddressListError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = document
        .deserialize(&mut deserializer)
        .and_then(|_| deserializer.end());
    read.map_err(|_| AddressListError::Form)
}

/// Reads an object that must have all of these members. A missing one is an error of the format.
fn members(text: &str, names: &[&str], member: impl Member) -> Result<(), AddressListError> {
    sections(text, names, member).map_err(|error| match error {
        AddressListError::NoSection(_) => AddressListError::Form,
        error => error,
    })
}

/// Reads an object that must have all of these sections. A missing one is named in the error, because the filter chose it.
fn sections(text: &str, names: &[&str], member: impl Member) -> Result<(), AddressListError> {
    let mut found = Found::new(names);
    let object = Object {
        found: &mut found,
        member,
    };
    whole(text, object)?;
    match found.missing() {
        Some(name) => Err(AddressListError::NoSection(name.to_owned())),
        None => Ok(()),
    }
}

/// The sections that the filter names, or else the provider's default section.
fn names(provider: Provider, filter: &SetFilter) -> Vec<&str> {
    let wanted: Vec<_> = filter.values("section").collect();
    if !wanted.is_empty() {
        return wanted;
    }
    let filters = provider.filters().iter();
    filters.filter_map(|(_, default)| *default).collect()
}

/// The wanted members of an object. A flag at each says whether it was found.
struct Found<'n>(Vec<(&'n str, bool)>);

impl<'n> Found<'n> {
    fn new(names: &[&'n str]) -> Self {
        Self(names.iter().map(|name| (*name, false)).collect())
    }

    /// Marks a member as found. Returns `false` if it is not wanted, and an error if it is there twice: readers differ in
    /// which of the two counts.
    fn note<E: Error>(&mut self, name: &str) -> Result<bool, E> {
        match self.0.iter_mut().find(|(wanted, _)| *wanted == name) {
            None => Ok(false),
            Some((_, true)) => Err(E::custom("a member is given twice")),
            Some((_, found)) => {
                *found = true;
                Ok(true)
            }
        }
    }

    fn missing(&self) -> Option<&'n str> {
        self.0.iter().find(|(_, found)| !found).map(|(name, _)| *name)
    }
}

/// A reader of wanted members.
trait Member {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Visits an object: passes wanted members on and skips the others.
struct Object<'f, 'n, M> {
    found: &'f mut Found<'n>,
    member: M,
}

/// The name of a member. It is copied only if it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, M: Member> DeserializeSeed<'de> for Object<'_, '_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, M: Member> Visitor<'de> for Object<'_, '_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            if self.found.note(&name)? {
                self.member.read(&name, &mut map)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Visits an array of entries.
struct Entries<'w>(&'w mut Wanted);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Entry(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// Visits one entry.
struct Entry<'w>(&'w mut Wanted);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Entry<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, entry: &str) -> Result<(), E> {
        self.0.take_or_note(entry)
    }
}

impl Wanted {
    /// Takes the next entry. Keeps its error in `fault`, because an error of `serde` can only carry a text.
    fn take_or_note<E: Error>(&mut self, entry: &str) -> Result<(), E> {
        self.take(entry).map_err(|fault| {
            self.fault = Some(fault);
            E::custom("an entry is at fault")
        })
    }
}

/// Reads a member that is an array of entries: Stripe's only one, and the sections of GitHub's document.
struct List<'w>(&'w mut Wanted);

impl Member for List<'_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, _name: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(Entries(self.0))
    }
}

/// Reads a section of Datadog's document. One of the address families may be missing.
struct Datadog<'w>(&'w mut Wanted);

impl Member for Datadog<'_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, _name: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value_seed(Object {
            found: &mut Found::new(&["prefixes_ipv4", "prefixes_ipv6"]),
            member: List(self.0),
        })
    }
}

/// Reads Cloudflare's API response. It must report success and have both address families.
struct Cloudflare<'w>(&'w mut Wanted);

impl Member for Cloudflare<'_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let is_whole = if name == "success" {
            map.next_value::<bool>()?
        } else {
            let mut found = Found::new(&["ipv4_cidrs", "ipv6_cidrs"]);
            map.next_value_seed(Object {
                found: &mut found,
                member: List(self.0),
            })?;
            found.missing().is_none()
        };
        if is_whole {
            Ok(())
        } else {
            Err(A::Error::custom("it has failed, or a family is missing"))
        }
    }
}

/// Visits an array of AWS prefixes and takes those that match the filter.
struct Prefixes<'w> {
    wanted: &'w mut Wanted,
    filter: &'w SetFilter,
}

#[derive(Deserialize)]
struct Prefix<'a> {
    #[serde(rename = "ip_prefix", alias = "ipv6_prefix", borrow)]
    network: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
}

impl Member for Prefixes<'_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, _name: &str, map: &mut A) -> Result<(), A::Error> {
        let Self { wanted, filter } = self;
        map.next_value_seed(Prefixes { wanted, filter })
    }
}

impl<'de> DeserializeSeed<'de> for Prefixes<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Prefixes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of prefixes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(prefix) = list.next_element::<Prefix<'de>>()? {
            let fits = |part, value: &str| self.filter.fits(part, value);
            if fits("service", &prefix.service) && fits("region", &prefix.region) {
                self.wanted.take_or_note(&prefix.network)?;
            }
        }
        Ok(())
    }
}

/// Visits Grafana's document: an array of entries, or an object with one such array for each service.
struct ListOrServices<'w>(&'w mut Wanted);

impl<'de> DeserializeSeed<'de> for ListOrServices<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListOrServices<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array, or an object of arrays")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Entries(self.0).visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Entries(&mut *self.0))?;
        }
        Ok(())
    }
}
