//! Parses one address as proxies write it: with port, brackets or zone, or in place of the address `unknown` or an obfuscated
//! identifier (RFC 7239, section 6).

use std::net::{IpAddr, Ipv6Addr};

use super::SourceFault;

/// Most digits of a port.
const PORT_DIGITS: usize = 5;

/// Parses a node of `Forwarded`, in which IPv6 must have brackets.
pub(super) fn node(text: &[u8]) -> Result<IpAddr, SourceFault> {
    read(text, false)
}

/// Parses an element of `X-Forwarded-For`, in which IPv6 may have no brackets.
pub(super) fn bare_node(text: &[u8]) -> Result<IpAddr, SourceFault> {
    read(text, true)
}

/// Returns `true` if no client can have this address: unspecified, multicast or broadcast.
pub(super) fn is_no_client(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_unspecified() || address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unspecified() || address.is_multicast(),
    }
}

fn read(text: &[u8], bare_v6: bool) -> Result<IpAddr, SourceFault> {
    let text = std::str::from_utf8(text).map_err(|_| SourceFault::Malformed)?;
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    if name.eq_ignore_ascii_case("unknown") || (name.len() > 1 && name.starts_with('_')) {
        return Err(SourceFault::Hidden);
    }
    let address = address(text, bare_v6).ok_or(SourceFault::Malformed)?;
    if is_no_client(address) {
        return Err(SourceFault::NoClient);
    }
    Ok(address.to_canonical())
}

fn address(text: &str, bare_v6: bool) -> Option<IpAddr> {
    if let Some(inner) = text.strip_prefix('[') {
        let (inner, port) = inner.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return is_port.then(|| v6(inner)).flatten();
    }
    if bare_v6 && text.bytes().filter(|byte| *byte == b':').count() > 1 {
        return v6(text);
    }
    match text.split_once(':') {
        Some((address, port)) if is_port(port) => address.parse().ok().map(IpAddr::V4),
        Some(_) => None,
        None => text.parse().ok().map(IpAddr::V4),
    }
}

/// Parses an IPv6 address. A zone (RFC 4007) is allowed at a link-local address only, and dropped: it has a meaning on the
/// proxy alone.
fn v6(text: &str) -> Option<IpAddr> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().ok().map(IpAddr::V6);
    };
    let is_zone_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~');
    let address: Ipv6Addr = address.parse().ok()?;
    let fits = !zone.is_empty() && zone.bytes().all(is_zone_byte) && address.is_unicast_link_local();
    fits.then_some(IpAddr::V6(address))
}

/// Returns `true` for a port or an obfuscated port (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let digits = matches!(text.len(), 1..=PORT_DIGITS) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits && text.parse::<u16>().is_ok();
    let hidden = text.strip_prefix('_').is_some_and(|rest| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !rest.is_empty() && rest.bytes().all(fits)
    });
    number || hidden
}
