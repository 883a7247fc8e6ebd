//! Identifiers and keywords in paths, queries and cursors.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use hookgate_domain::address_set::{AddressSetName, Provider, SetFilter};
use hookgate_domain::idempotency::IdempotencyKey;
use hookgate_domain::networks::parse_entry;
use hookgate_domain::{
    DeliveryId, IncidentNumber, IncidentStatus, IpNetwork, RefusalCode, Severity, Timestamp, WebhookHandle,
    WebhookIdHint, WebhookName,
};
use hookgate_people::{AuditAct, MemberId, MemberName, Role, TokenId, TokenName};
use hookgate_wire as wire;

/// Parses an idempotency key, and a value of another kind, which the first byte chooses. Its text form must parse to the same
/// value.
pub fn names(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    if let Ok(key) = IdempotencyKey::parse(bytes) {
        assert_eq!(key.as_str().as_bytes(), bytes);
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let kinds: [fn(&str); 19] = [
        shown_as_written::<WebhookHandle>,
        shown_as_written::<DeliveryId>,
        shown_as_written::<IncidentNumber>,
        shown_as_written::<MemberId>,
        shown_as_written::<TokenId>,
        shown_as_written::<WebhookIdHint>,
        shown_as_written::<AddressSetName>,
        shown_as_written::<RefusalCode>,
        shown_as_written::<AuditAct>,
        shown_as_written::<Role>,
        shown_as_written::<Provider>,
        read_as_shown::<Severity>,
        read_as_shown::<IncidentStatus>,
        read_as_shown::<WebhookName>,
        read_as_shown::<MemberName>,
        read_as_shown::<TokenName>,
        read_as_shown::<SetFilter>,
        time,
        network,
    ];
    kinds[usize::from(*choice) % kinds.len()](text);
}

/// Checks a kind with one spelling for each value: a second spelling would be a second key to the same thing.
fn shown_as_written<T: FromStr + Display>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), text);
    }
}

/// Checks a kind that is normalized when it is parsed. Parsing the text form again must change nothing.
fn read_as_shown<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        let shown = name.to_string();
        assert_eq!(shown.parse::<T>().expect("what is shown can be read"), name);
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
}

fn time(text: &str) {
    if let Some(at) = wire::read_time(text) {
        assert_eq!(wire::read_time(&wire::time(at)), Some(at), "{text}");
    }
    read_as_shown::<Timestamp>(text);
}

fn network(text: &str) {
    if let Ok(network) = parse_entry(text) {
        assert_eq!(parse_entry(&network.to_string()), Ok(network));
        assert_eq!(network.network(), network.ip(), "no bits behind the prefix");
        let lenient = text.parse::<IpNetwork>().expect("a lenient reader reads it too");
        assert!(network.ip() == lenient.ip().to_canonical(), "{text}");
        assert_eq!(parse_entry(&wire::source(network)), Ok(network));
    }
}
