//! Queries of the admin API: an accepted one can be written and parsed again, and the error of a refused one names the
//! parameter.

use hookgate_gate::{PageSize, Seek};
use hookgate_request::InvalidField;
use hookgate_request::filter::{DeliveryQuery, delivery_query};
use hookgate_wire as wire;

/// The parameters of the query, in the order in which [`asked`] writes them.
const PARAMETERS: [&str; 8] = [
    "webhook", "outcome", "code", "source", "from", "to", "limit", "cursor",
];

/// Parses the query of the list of deliveries.
pub fn query(data: &[u8]) {
    let sent: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    match delivery_query(data) {
        Ok(read) => {
            let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
            assert!(names.iter().all(|name| PARAMETERS.contains(name)), "{names:?}");
            assert!(sent.iter().all(|(_, value)| !value.is_empty()));
            assert!((1..=PageSize::MAX.rows()).contains(&read.size.rows()));
            let asked = asked(&read);
            assert_eq!(delivery_query(asked.as_bytes()).ok(), Some(read), "{asked}");
        }
        Err(error) => {
            let invalid = error.field_faults();
            assert!(!invalid.is_empty() || sent.len() > 64, "refused without a word");
            for InvalidField { field, .. } in invalid {
                assert!(sent.iter().any(|(name, _)| name == field), "{field}");
            }
            for problem in invalid.iter().map(InvalidField::problem) {
                assert!(!problem.is_empty() && problem.len() < 1_000, "{problem}");
            }
        }
    }
}

/// Writes a query that means the same.
fn asked(query: &DeliveryQuery) -> String {
    let filter = &query.filter;
    let cursor = match query.seek {
        Seek::Before(id) => Some(id.to_string()),
        Seek::Newest | Seek::After(_) => None,
    };
    let values = [
        filter.webhook.map(|handle| handle.to_string()),
        filter.outcome.map(|outcome| outcome.as_str().to_owned()),
        filter.code.map(|code| code.as_str().to_owned()),
        filter.source.map(wire::source),
        filter.from.map(wire::time),
        filter.to.map(wire::time),
        Some(query.size.rows().to_string()),
        cursor,
    ];
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in PARAMETERS.into_iter().zip(values) {
        if let Some(value) = value {
            text.append_pair(name, &value);
        }
    }
    text.finish()
}
