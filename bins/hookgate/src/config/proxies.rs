//! The proxies in front of a listener, as configured.

use std::str::FromStr;

use hookgate_domain::address_set::AddressSetName;
use hookgate_domain::networks::parse_entry;
use hookgate_domain::{ForwardingHeader, IpNetwork, Networks};

use super::values::{Recorded, Values};

/// This machine.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];
/// Networks that are not public (RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291).
const PRIVATE: [&str; 7] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
];

/// The proxies in front of a listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrontSettings {
    /// The trusted networks.
    pub(crate) trusted: Vec<IpNetwork>,
    /// The trusted address sets, whatever they contain.
    pub(crate) sets: Vec<AddressSetName>,
    /// The forwarding header that is used.
    pub(crate) header: Option<ForwardingHeader>,
    /// `true` if connections of trusted proxies begin with a PROXY protocol header.
    pub(crate) proxy_protocol: bool,
}

/// A list of proxies.
#[derive(Default)]
struct Trusted {
    networks: Vec<IpNetwork>,
    sets: Vec<AddressSetName>,
}

/// Checks that the trusted networks together are not too wide for a site's own proxies, and returns them.
///
/// # Errors
/// A sentence.
pub(crate) fn check_trust(networks: impl IntoIterator<Item = IpNetwork>) -> Result<Networks, String> {
    let networks = Networks::of(networks).map_err(|error| error.to_string())?;
    match networks.check_width() {
        Ok(()) => Ok(networks),
        Err(error) => Err(format!("would let strangers choose their address: {error}")),
    }
}

impl FromStr for Trusted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut trusted = Self::default();
        let names = text.split([',', ' ', '\n']).filter(|name| !name.is_empty());
        for name in names {
            if let Some(set) = name.strip_prefix('@') {
                trusted
                    .sets
                    .push(set.parse().map_err(|error| format!("`{name}`: {error}"))?);
                continue;
            }
            let networks: &[&str] = match name {
                "loopback" => &LOOPBACK,
                "private" => &PRIVATE,
                other => &[other],
            };
            for network in networks {
                let parsed = parse_entry(network).map_err(|error| {
                    format!("`{name}` is neither loopback, private, an @address-set nor a network: {error}")
                })?;
                trusted.networks.push(parsed);
            }
        }
        check_trust(trusted.networks.iter().copied())?;
        Ok(trusted)
    }
}

/// The forwarding header, or `none`.
struct Header(Option<ForwardingHeader>);

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self(None)),
            text => text
                .parse()
                .map(|header| Self(Some(header)))
                .map_err(|_| "must be none, x-forwarded-for or forwarded"),
        }
    }
}

impl Values {
    /// Reads the proxies in front of the listener of this section.
    pub(super) fn front(&mut self, section: &str) -> Result<FrontSettings, Recorded> {
        let key = |name: &str| format!("{section}.{name}");
        let trusted = self.optional(&key("trusted_proxies"), str::parse::<Trusted>);
        let header = self.required(&key("forwarded"), str::parse::<Header>);
        let proxy_protocol = self.required(&key("proxy_protocol"), |text| {
            text.parse::<bool>().map_err(|_| "must be true or false")
        });
        let trusted = trusted?.unwrap_or_default();
        let front = FrontSettings {
            trusted: trusted.networks,
            sets: trusted.sets,
            header: header?.0,
            proxy_protocol: proxy_protocol?,
        };
        let is_believed = front.header.is_some() || front.proxy_protocol;
        let is_trusting = !front.trusted.is_empty() || !front.sets.is_empty();
        if is_believed && !is_trusting {
            return Err(self.problem(format!(
                "{section}.trusted_proxies: is missing; without it forwarding headers are ignored"
            )));
        }
        if !is_believed && is_trusting {
            return Err(self.problem(format!(
                "{section}.trusted_proxies: needs {section}.forwarded or {section}.proxy_protocol"
            )));
        }
        Ok(front)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_networks_are_trusted() {
        let trusted = "loopback, private 192.0.2.7\n2001:db8::/32 @cloudflare"
            .parse::<Trusted>()
            .unwrap();
        assert_eq!(trusted.networks.len(), LOOPBACK.len() + PRIVATE.len() + 2);
        assert_eq!(trusted.sets, ["cloudflare".parse().unwrap()]);
        for wrong in [
            "cloudflare",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "::/0",
            "2",
            "@",
            "@A",
            "0.0.0.0/1 128.0.0.0/1",
            "::/1, 8000::/1",
            "loopback private 0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 192.0.0.0/2",
        ] {
            assert!(wrong.parse::<Trusted>().is_err(), "{wrong}");
        }
    }
}
