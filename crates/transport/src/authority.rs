//! The authority of a request: `Host` in HTTP/1, `:authority` in HTTP/2. Only forms that every parser reads in the same
//! way are valid. The authority is not compared with our own names: webhooks are found by their ID alone.

/// The default port of `https`.
const DEFAULT_PORT: &[u8] = b":443";

/// Maximum number of bytes: the longest name of the DNS, and a port.
const MAX_LENGTH: usize = 255 + ":65535".len();

/// `true` if `text` is a host name, an IPv4 address or a bracketed IPv6 address, with an optional port. User
/// information, percent-encoding, an empty name and an empty port are refused.
pub fn is_sound(text: &[u8]) -> bool {
    let (host, port) = split_port(text);
    let host_is_sound = match host {
        [] => false,
        [b'[', inner @ .., b']'] => {
            !inner.is_empty()
                && inner
                    .iter()
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        name => name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
    };
    text.len() <= MAX_LENGTH && host_is_sound && port.is_none_or(port_is_sound)
}

/// `true` if both name the same server. Letter case and an explicit default port make no difference.
#[must_use]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    without_default_port(one).eq_ignore_ascii_case(without_default_port(other))
}

/// Splits at the colon of the port. Colons in brackets belong to an IPv6 address.
fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let host_end = if text.first() == Some(&b'[') {
        text.iter()
            .position(|byte| *byte == b']')
            .map_or(text.len(), |bracket| bracket + 1)
    } else {
        text.iter().position(|byte| *byte == b':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    (host, (!rest.is_empty()).then_some(rest))
}

/// `true` if `rest`, the text behind the host, is a colon and a port.
fn port_is_sound(rest: &[u8]) -> bool {
    matches!(rest, [b':', digits @ ..] if matches!(digits.len(), 1..=5) && digits.iter().all(u8::is_ascii_digit))
}

fn without_default_port(text: &[u8]) -> &[u8] {
    text.strip_suffix(DEFAULT_PORT).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_names() {
        for text in [
            "localhost",
            "hooks.example.org",
            "hooks.example.org:8443",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8443",
            "[::ffff:10.0.0.1]:443",
            "a_b-c.d",
            "example.org.",
        ] {
            assert!(is_sound(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn names_that_could_be_read_in_two_ways() {
        for text in [
            "",
            ":",
            ":443",
            "a:",
            "a:b",
            "a:123456",
            "a:+80",
            "a:80:80",
            "user@a",
            "a/b",
            "a?b",
            "a#b",
            "a,b",
            "a b",
            "a\tb",
            "a%41",
            "[",
            "]",
            "[]",
            "[::1",
            "[::1]a",
            "[::1]:",
            "[fe80::1%25eth0]",
            "::1",
            "a\\b",
            "h\u{e9}",
            "[a]b:80",
            "\"a\"",
            "https://a",
        ] {
            assert!(!is_sound(text.as_bytes()), "{text}");
        }
        assert!(!is_sound("a".repeat(MAX_LENGTH + 1).as_bytes()));
    }

    #[test]
    fn the_same_server_may_be_written_differently() {
        assert!(is_same(b"Example.ORG", b"example.org"));
        assert!(is_same(b"example.org:443", b"example.org"));
        assert!(is_same(b"[::1]:443", b"[::1]"));
        assert!(!is_same(b"example.org:8443", b"example.org"));
        assert!(!is_same(b"example.org.evil", b"example.org"));
    }
}
