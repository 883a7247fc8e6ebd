//! Query strings of links: all state of a list is in its URL. It knows no path.

use std::fmt::Write;

/// A query string from names and values, `?` included; empty values are left out, and nothing gives an empty text.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    query.push(char::from(byte));
                }
                // Writing to a String doesn't fail.
                _ => {
                    let _ = write!(query, "%{byte:02X}");
                }
            }
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_empty_ones_left_out() {
        assert_eq!(query(&[("a", ""), ("b", "")]), "");
        assert_eq!(
            query(&[("source", "10.0.0.0/8"), ("code", ""), ("q", "a&b=\"ü")]),
            "?source=10.0.0.0%2F8&q=a%26b%3D%22%C3%BC"
        );
    }
}
