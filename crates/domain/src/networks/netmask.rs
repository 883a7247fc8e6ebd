//! Netmasks, which a list does not accept because a netmask looks like an address. They are recognized so that the error can
//! offer the CIDR notation that was probably meant.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::entry::EntryError;

/// The error for two words with only space between them that together form one entry: an address with its netmask, as
/// in `192.0.2.0 255.255.255.0`. Each word alone would be a valid address.
///
/// ```
/// use hookgate_domain::networks::{EntryError, misread_pair};
///
/// let error = misread_pair("192.0.2.0", "255.255.255.0").ok_or("no error")?;
/// assert!(error.to_string().contains("write 192.0.2.0/24"), "{error}");
/// assert_eq!(misread_pair("192.0.2.1", "192.0.2.2"), None);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn misread_pair(word: &str, next: &str) -> Option<EntryError> {
    let address: IpAddr = word.parse().ok()?;
    let mask: IpAddr = next.parse().ok()?;
    let prefix = prefix_of_mask(mask)?;
    if address.is_ipv4() != mask.is_ipv4() {
        return None;
    }
    let network = IpNetwork::new(address, prefix).ok()?;
    let network = IpNetwork::new(network.network(), prefix).ok()?;
    Some(EntryError::AddressAndMask { network })
}

/// The prefix length of a netmask, or of a wildcard mask as routers have it (0.0.0.255).
fn prefix_of_mask(mask: IpAddr) -> Option<u8> {
    let (bits, value) = match mask {
        IpAddr::V4(mask) => (32, u128::from(mask.to_bits()) << 96),
        IpAddr::V6(mask) => (128, mask.to_bits()),
    };
    let used = u128::MAX << (128 - bits);
    let of_netmask = |value: u128| {
        let ones = value.leading_ones().min(bits);
        let expected = u128::MAX.checked_shl(128 - ones).unwrap_or(0);
        (value == expected).then_some(ones)
    };
    // All zeros is the mask of everything in one notation and of one address in the other.
    let prefix = of_netmask(value).or_else(|| of_netmask(!value & used))?;
    u8::try_from(prefix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_recognized_in_both_notations() {
        let read = |word, next| misread_pair(word, next).map(|error| error.to_string());
        for (word, next, network) in [
            ("192.0.2.0", "255.255.255.0", "192.0.2.0/24"),
            ("127.0.0.0", "255.0.0.0", "127.0.0.0/8"),
            ("192.0.2.77", "255.255.255.0", "192.0.2.0/24"),
            ("192.0.2.0", "0.0.0.255", "192.0.2.0/24"),
            ("192.0.2.7", "255.255.255.255", "192.0.2.7"),
            ("10.0.0.0", "0.0.0.0", "0.0.0.0/0"),
            ("2001:db8::", "ffff:ffff::", "2001:db8::/32"),
        ] {
            let message = read(word, next).expect(word);
            assert!(
                message.contains(&format!("write {network} ")),
                "{word} {next}: {message}"
            );
        }
        for (word, next) in [
            ("192.0.2.0", "198.51.100.0"),
            ("192.0.2.0", "2001:db8::"),
            ("192.0.2.0/24", "255.255.255.0"),
            ("192.0.2.0", "255.0.255.0"),
            ("@office", "255.255.255.0"),
        ] {
            assert_eq!(read(word, next), None, "{word} {next}");
        }
    }
}
