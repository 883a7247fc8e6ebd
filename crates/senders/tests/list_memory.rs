//! Bounds the memory that reading a published list takes, whatever a publisher sends. The counting allocator is global, so
//! this test is a program of its own.

use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_senders::read_address_list;

/// Bytes of the largest document.
const DOCUMENT: usize = 4 * 1024 * 1024;
/// Most bytes that reading may allocate at a time: the networks of a full set, twice, with their hash table.
const MOST: u64 = 4 * 1024 * 1024;

/// A document of [`DOCUMENT`] bytes: `item` repeated between `start` and `end`.
fn document(start: &str, item: &str, end: &str) -> String {
    let count = (DOCUMENT - start.len() - end.len()) / item.len();
    format!("{start}{}{end}", item.repeat(count))
}

#[test]
fn no_document_takes_much_memory() {
    let documents = [
        (Provider::List, "", document("", "1\n", "")),
        (Provider::List, "", document("x", ",1", "")),
        (Provider::List, "", document("", "192.0.2.1\n", "")),
        (Provider::List, "", document("", "# \n", "192.0.2.1")),
        (Provider::List, "", document("", "x", "")),
        (Provider::List, "", document("[", "\"1\",", "\"1\"]")),
        (Provider::List, "", document("[\"::1\"", ",\"::1\"", "]")),
        (Provider::List, "", document("[", "[", "")),
        (Provider::List, "", document("[\"", "\\u0031", "\"]")),
        (Provider::Grafana, "", document("[", "1,", "1]")),
        (Provider::Grafana, "", document("{", "\"\":[],", "\"\":[]}")),
        (
            Provider::Github,
            "",
            document("{\"x\":[0", ",0", "],\"hooks\":[\"192.0.2.1\"]}"),
        ),
        (
            Provider::Github,
            "",
            document("{\"x\":[{}", ",{}", "],\"hooks\":[\"192.0.2.1\"]}"),
        ),
        (
            Provider::Github,
            "",
            document("{", "\"x\":0,", "\"hooks\":[\"192.0.2.1\"]}"),
        ),
        (
            Provider::Datadog,
            "",
            document("{\"webhooks\":{\"x\":[0", ",0", "]}}"),
        ),
        (
            Provider::Stripe,
            "",
            document("{\"WEBHOOKS\":[\"::1\"", ",\"::1\"", "]}"),
        ),
        (
            Provider::Cloudflare,
            "",
            document("{\"success\":true,\"result\":{\"x\":[0", ",0", "]}}"),
        ),
        (
            Provider::Aws,
            "service=EC2",
            document(
                "{\"ipv6_prefixes\":[],\"prefixes\":[",
                "{\"ip_prefix\":\"1\",\"region\":\"\",\"service\":\"\"},",
                "{\"ip_prefix\":\"1\",\"region\":\"\",\"service\":\"\"}]}",
            ),
        ),
        (
            Provider::Aws,
            "",
            document("{\"x\":[0", ",0", "],\"prefixes\":[],\"ipv6_prefixes\":[]}"),
        ),
    ];
    for (provider, filter, document) in documents {
        let filter: SetFilter = filter.parse().expect("a filter");
        let taken = allocation_counter::measure(|| {
            // Other tests check the result.
            let _ = std::hint::black_box(read_address_list(provider, &filter, document.as_bytes()));
        });
        let beginning = &document[..60];
        // `serde_json` copies a string with escapes once.
        assert!(taken.bytes_max <= MOST, "{provider} {beginning}: {taken:?}");
        assert!(taken.count_total <= 2_000, "{provider} {beginning}: {taken:?}");
    }
}

/// Reading more networks than a set may have takes no more memory than a full set, in both formats.
#[test]
fn a_full_set_takes_what_its_networks_take() {
    let addresses =
        (0..17_000_u32).map(|number| std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string());
    let list = addresses.collect::<Vec<_>>();
    for document in [list.join("\n"), format!("[\"{}\"]", list.join("\",\""))] {
        let taken = allocation_counter::measure(|| {
            let read = read_address_list(Provider::List, &SetFilter::default(), document.as_bytes());
            assert!(read.is_err(), "more than a set may have");
        });
        assert!(taken.bytes_max <= MOST, "{taken:?}");
    }
}
