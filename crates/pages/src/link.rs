//! Query strings of links: the whole state of a list is in its URL. The module knows no paths.

use form_urlencoded::Serializer;

/// A query string from names and values, including `?`. Empty values are left out; without values the result is empty.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs = pairs.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if pairs.peek().is_none() {
        return String::new();
    }
    Serializer::for_suffix("?".to_owned(), 1)
        .extend_pairs(pairs)
        .finish()
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
