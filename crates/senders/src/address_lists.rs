//! The addresses that senders publish, from the documents in which they publish them. An entry that can't be read refuses the
//! whole document: a list with holes loses deliveries in silence.

use hookgate_domain::{
    EntryError, IpNetwork, Networks, Provider, SetFilter, TextError, misread_pair, parse_entry, read_text,
};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// How much of a wrong entry an error repeats, in characters.
const QUOTED: usize = 50;

/// Reads a published document: the networks of the part that is wanted.
///
/// # Errors
/// [`AddressListError`], which names the entry that is at fault.
pub fn read_address_list(
    provider: Provider,
    filter: &SetFilter,
    document: &[u8],
) -> Result<Networks, AddressListError> {
    let text = &*read_text(document)?;
    let entries = match provider {
        Provider::List => plain(text)?,
        Provider::Aws => aws(json(text)?, filter),
        Provider::Datadog => datadog(&json(text)?, filter)?,
        Provider::Github => github(&json(text)?, filter)?,
        Provider::Stripe => stripe(json(text)?),
        Provider::Grafana => grafana(json(text)?),
        Provider::Cloudflare => cloudflare(json(text)?)?,
    };
    if entries.is_empty() {
        return Err(AddressListError::Empty);
    }
    let networks: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| network(index, entry))
        .collect::<Result<_, _>>()?;
    if let Some(everybody) = networks.iter().find(|network| network.prefix() == 0) {
        return Err(AddressListError::Everybody(*everybody));
    }
    Networks::of(networks).map_err(|_| AddressListError::TooLong)
}

/// Why a document gives no networks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressListError {
    /// Not UTF-8.
    #[error("the document can't be read: {0}")]
    Text(#[from] TextError),
    /// Not of the form that this provider publishes.
    #[error("the document is not what this provider publishes")]
    Form,
    /// It has no such part.
    #[error("the document has no section `{0}`")]
    NoSection(String),
    /// Nothing that is wanted is in it.
    #[error("the document has no network that is wanted")]
    Empty,
    /// More networks than a set may have.
    #[error(
        "the document has more networks than a set may have ({})",
        hookgate_domain::MAX_NETWORKS
    )]
    TooLong,
    /// It would let every address pass, and counts without anybody having looked at it.
    #[error("the document has {0}: no publisher has all addresses")]
    Everybody(IpNetwork),
    /// One entry is no network.
    #[error("entry {position} of the document, `{entry}`: {source}")]
    Entry {
        /// Which one of those that are wanted, counted from 1.
        position: usize,
        /// The entry, cut and escaped.
        entry: String,
        /// What is wrong with it.
        source: EntryError,
    },
}

fn json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, AddressListError> {
    serde_json::from_str(text).map_err(|_| AddressListError::Form)
}

fn network(index: usize, entry: &str) -> Result<IpNetwork, AddressListError> {
    parse_entry(entry).map_err(|source| AddressListError::Entry {
        position: index + 1,
        entry: quoted(entry),
        source,
    })
}

/// Networks separated by commas or space, `#` before a comment; or a JSON array of texts.
fn plain(text: &str) -> Result<Vec<String>, AddressListError> {
    if text.trim_ascii_start().starts_with('[') {
        return json(text);
    }
    let mut entries: Vec<String> = Vec::new();
    let parts = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(|line| line.split(','));
    for part in parts {
        let mut words = part.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            if let Some(next) = words.peek()
                && let Some(source) = misread_pair(word, next)
            {
                return Err(AddressListError::Entry {
                    position: entries.len() + 1,
                    entry: quoted(&format!("{word} {next}")),
                    source,
                });
            }
            entries.push(word.to_owned());
        }
    }
    Ok(entries)
}

/// The entry fit for a message.
fn quoted(entry: &str) -> String {
    entry.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

#[derive(Deserialize)]
struct Aws {
    prefixes: Vec<AwsPrefix>,
    ipv6_prefixes: Vec<AwsPrefix>,
}

#[derive(Deserialize)]
struct AwsPrefix {
    #[serde(alias = "ipv6_prefix")]
    ip_prefix: String,
    region: String,
    service: String,
}

fn aws(document: Aws, filter: &SetFilter) -> Vec<String> {
    let prefixes = document.prefixes.into_iter().chain(document.ipv6_prefixes);
    prefixes
        .filter(|prefix| filter.fits("service", &prefix.service) && filter.fits("region", &prefix.region))
        .map(|prefix| prefix.ip_prefix)
        .collect()
}

/// The sections that are wanted, or the one that is the provider's own choice.
fn sections(provider: Provider, filter: &SetFilter) -> Vec<&str> {
    let wanted: Vec<_> = filter.values("section").collect();
    if wanted.is_empty() {
        provider
            .filters()
            .iter()
            .filter_map(|(_, default)| *default)
            .collect()
    } else {
        wanted
    }
}

fn datadog(
    document: &serde_json::Map<String, Value>,
    filter: &SetFilter,
) -> Result<Vec<String>, AddressListError> {
    #[derive(Deserialize)]
    struct Section {
        #[serde(default)]
        prefixes_ipv4: Vec<String>,
        #[serde(default)]
        prefixes_ipv6: Vec<String>,
    }
    let mut entries = Vec::new();
    for name in sections(Provider::Datadog, filter) {
        let section = document
            .get(name)
            .ok_or_else(|| AddressListError::NoSection(name.to_owned()))?;
        let section = Section::deserialize(section).map_err(|_| AddressListError::Form)?;
        entries.extend(section.prefixes_ipv4);
        entries.extend(section.prefixes_ipv6);
    }
    Ok(entries)
}

fn github(
    document: &serde_json::Map<String, Value>,
    filter: &SetFilter,
) -> Result<Vec<String>, AddressListError> {
    let mut entries = Vec::new();
    for name in sections(Provider::Github, filter) {
        let section = document
            .get(name)
            .ok_or_else(|| AddressListError::NoSection(name.to_owned()))?;
        entries.extend(Vec::<String>::deserialize(section).map_err(|_| AddressListError::Form)?);
    }
    Ok(entries)
}

fn stripe(document: Stripe) -> Vec<String> {
    document.webhooks
}

#[derive(Deserialize)]
struct Stripe {
    #[serde(rename = "WEBHOOKS")]
    webhooks: Vec<String>,
}

/// An array, or an object with one array for each service.
fn grafana(document: Grafana) -> Vec<String> {
    match document {
        Grafana::All(all) => all,
        Grafana::ByService(services) => services.into_values().flatten().collect(),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Grafana {
    All(Vec<String>),
    ByService(std::collections::BTreeMap<String, Vec<String>>),
}

fn cloudflare(document: Cloudflare) -> Result<Vec<String>, AddressListError> {
    if !document.success {
        return Err(AddressListError::Form);
    }
    Ok([document.result.ipv4_cidrs, document.result.ipv6_cidrs].concat())
}

#[derive(Deserialize)]
struct Cloudflare {
    success: bool,
    result: CloudflareCidrs,
}

#[derive(Deserialize)]
struct CloudflareCidrs {
    ipv4_cidrs: Vec<String>,
    ipv6_cidrs: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(provider: Provider, filter: &str, document: &str) -> Result<Vec<String>, AddressListError> {
        let filter = filter.parse().expect("a filter");
        let networks = read_address_list(provider, &filter, document.as_bytes())?;
        Ok(networks.as_slice().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn aws_is_narrowed_by_service_and_region() {
        let document = r#"{"syncToken":"1","createDate":"x","prefixes":[
            {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"AMAZON","network_border_group":"x"},
            {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"S3","network_border_group":"x"},
            {"ip_prefix":"52.94.0.0/22","region":"eu-west-1","service":"EC2","network_border_group":"x"}],
            "ipv6_prefixes":[{"ipv6_prefix":"2a05:d070:e000::/40","region":"eu-west-1","service":"EC2","network_border_group":"x"}]}"#;
        let of = |filter: &str| read(Provider::Aws, filter, document);
        assert_eq!(of("").unwrap().len(), 3, "the same network twice is one");
        assert_eq!(
            of("service=EC2").unwrap(),
            ["52.94.0.0/22", "2a05:d070:e000::/40"]
        );
        assert_eq!(
            of("service=EC2, service=S3, region=ap-northeast-2").unwrap(),
            ["3.5.140.0/22"]
        );
        assert_eq!(of("service=NONE"), Err(AddressListError::Empty));
    }

    #[test]
    fn each_provider_has_its_form() {
        let datadog = r#"{"version":1,"modified":"x","agents":{"prefixes_ipv4":["192.0.2.0/24"],"prefixes_ipv6":[]},
            "webhooks":{"prefixes_ipv4":["198.51.100.0/24"],"prefixes_ipv6":["2001:db8::/64"]}}"#;
        assert_eq!(
            read(Provider::Datadog, "", datadog).unwrap(),
            ["198.51.100.0/24", "2001:db8::/64"]
        );
        assert_eq!(
            read(Provider::Datadog, "section=agents", datadog).unwrap(),
            ["192.0.2.0/24"]
        );
        let none = AddressListError::NoSection("logs".to_owned());
        assert_eq!(read(Provider::Datadog, "section=logs", datadog), Err(none));
        let github = r#"{"verifiable_password_authentication":false,"ssh_keys":["x"],"hooks":["192.30.252.0/22","2606:50c0::/32"],"web":["192.0.2.0/24"]}"#;
        assert_eq!(
            read(Provider::Github, "", github).unwrap(),
            ["192.30.252.0/22", "2606:50c0::/32"]
        );
        assert_eq!(
            read(Provider::Github, "section=ssh_keys", github)
                .unwrap_err()
                .to_string()
                .split(':')
                .next(),
            Some("entry 1 of the document, `x`")
        );
        assert_eq!(
            read(
                Provider::Stripe,
                "",
                r#"{"WEBHOOKS":["3.18.12.63","3.130.192.231"]}"#
            )
            .unwrap()
            .len(),
            2
        );
        assert_eq!(
            read(Provider::Grafana, "", r#"["35.192.0.1"]"#).unwrap(),
            ["35.192.0.1/32"]
        );
        assert_eq!(
            read(
                Provider::Grafana,
                "",
                r#"{"hosted_alerts":["35.192.0.1"],"logs":["35.192.0.2"]}"#
            )
            .unwrap()
            .len(),
            2
        );
        let cloudflare = r#"{"result":{"ipv4_cidrs":["173.245.48.0/20"],"ipv6_cidrs":["2400:cb00::/32"],"etag":"x"},"success":true,"errors":[],"messages":[]}"#;
        assert_eq!(read(Provider::Cloudflare, "", cloudflare).unwrap().len(), 2);
        let failed = cloudflare.replace("true", "false");
        assert_eq!(
            read(Provider::Cloudflare, "", &failed),
            Err(AddressListError::Form)
        );
        let plain = "# ours\n192.0.2.0/24, 198.51.100.7 # the office\n\n2001:db8::/32\n";
        assert_eq!(read(Provider::List, "", plain).unwrap().len(), 3);
        assert_eq!(read(Provider::List, "", r#"["192.0.2.0/24"]"#).unwrap().len(), 1);
    }

    #[test]
    fn a_document_is_the_same_however_an_editor_saves_it() {
        let documents = [
            (Provider::List, "192.0.2.0/24\n198.51.100.7\n"),
            (Provider::List, r#"["192.0.2.0/24"]"#),
            (Provider::Github, r#"{"hooks":["192.30.252.0/22"]}"#),
            (Provider::Stripe, r#"{"WEBHOOKS":["3.18.12.63"]}"#),
        ];
        for (provider, document) in documents {
            let plain = read(provider, "", document).unwrap();
            let crlf = document.replace('\n', "\r\n");
            for saved in [format!("\u{feff}{document}"), format!("\u{feff}{crlf}\r\n")] {
                assert_eq!(read(provider, "", &saved).as_ref(), Ok(&plain), "{saved:?}");
            }
            let utf16: Vec<u8> = std::iter::once(0xfeff)
                .chain(document.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect();
            assert_eq!(
                read_address_list(provider, &SetFilter::default(), &utf16).err(),
                Some(AddressListError::Text(TextError::Utf16))
            );
        }
        let joined = "192.0.2.0/24\n\u{feff}198.51.100.7\n";
        assert_eq!(read(Provider::List, "", joined).unwrap().len(), 2);
    }

    #[test]
    fn a_list_with_a_hole_is_no_list() {
        let error = read(Provider::List, "", "192.0.2.0/24\n10.0.0.1/8\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("entry 2 of the document, `10.0.0.1/8`: the address has bits"),
            "{error}"
        );
        let masked = read(Provider::List, "", "192.0.2.0 255.255.255.0\n").unwrap_err();
        assert!(masked.to_string().contains("write 192.0.2.0/24"), "{masked}");
        assert!(read(Provider::List, "", "192.0.2.7 198.51.100.7\n").is_ok());
        for provider in Provider::ALL {
            for document in ["", "{}", "[]", "null", "<html>", "{\"prefixes\":[]}"] {
                assert!(read(provider, "", document).is_err(), "{provider} {document}");
            }
        }
        assert!(read_address_list(Provider::List, &SetFilter::default(), b"\xff").is_err());
        for everybody in ["0.0.0.0/0", "::/0"] {
            let error = read(Provider::List, "", &format!("192.0.2.0/24 {everybody}")).unwrap_err();
            assert_eq!(error, AddressListError::Everybody(everybody.parse().unwrap()));
        }
    }
}
