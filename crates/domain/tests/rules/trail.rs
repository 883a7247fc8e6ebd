//! The words for headers and witnesses, and invalid texts of a trail.

use hookgate_domain::ForwardingHeader;
use hookgate_domain::client_address::{MAX_HOPS, Trail, TrailError, UnknownForwardingHeader, Witness};

#[test]
fn headers_and_witnesses_have_words() {
    for header in [ForwardingHeader::XForwardedFor, ForwardingHeader::Forwarded] {
        assert_eq!(header.as_str().parse(), Ok(header));
    }
    let other_case = "X-Forwarded-For".parse::<ForwardingHeader>();
    assert_eq!(other_case, Err(UnknownForwardingHeader));
    let witnesses = [
        (Witness::Connection, "the connection"),
        (Witness::ProxyProtocol, "the PROXY header"),
        (Witness::Header(ForwardingHeader::Forwarded), "Forwarded"),
    ];
    for (witness, words) in witnesses {
        assert_eq!(witness.to_string(), words);
    }
}

#[test]
fn a_trail_that_was_not_noted_says_so_and_another_text_is_none() {
    assert_eq!(Trail::default().sentence(), "the source was not recorded");
    for text in [
        "",
        "connection",
        "nobody untrusted",
        "connection 192.0.2.7 friend",
        "connection 192.0.2 client",
        "connection lost",
    ] {
        assert_eq!(text.parse::<Trail>(), Err(TrailError), "{text}");
    }
}

#[test]
fn a_trail_has_as_many_steps_as_a_walk_can_note() {
    let steps = |number| ["connection 192.0.2.7 client"].repeat(number).join("; ");
    let most = MAX_HOPS + 8;
    assert!(steps(most).parse::<Trail>().is_ok());
    for number in [most + 1, most + 2] {
        assert_eq!(steps(number).parse::<Trail>(), Err(TrailError), "{number}");
    }
}
