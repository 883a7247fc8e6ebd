//! Query strings of links: the whole state of a list is in its URL. The module knows no paths.

use std::fmt::Write;

/// A query string from names and values, including `?`. Empty values are left out; without values the result is empty.
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
