//! Properties of every scheme.

use hookgate_domain::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::signer::{SENDERS, SIGNED_AT, body};
use super::*;

const NOW: Timestamp = Timestamp::from_micros(SIGNED_AT * 1_000_000);

/// Values of headers: bytes, and what looks like a signature.
fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..100),
        "(Basic |bearer |HMAC:)?((t|v0|v1|v1a|sha256)[=,])?[0-9a-fA-F+/=]{0,90}([ ,](v1|t)[=,][0-9a-f]{0,64}){0,12}"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_header_makes_it_panic_or_is_valid(
        at in select((0..SENDERS.len()).collect::<Vec<_>>()),
        value in values(),
        others in vec(values(), 3),
        is_dated: bool,
    ) {
        let sender = &SENDERS[at];
        let mut headers = sender.sign(0, &body());
        for ((name, old), other) in headers.iter_mut().zip([&value].into_iter().chain(&others)) {
            if !is_dated || *name == sender.header {
                old.clone_from(other);
            }
        }
        let secrets = [sender.secret(0).as_bytes().to_vec()];
        prop_assert!(sender.verifier().verify(lookup(&headers), &body(), &secrets, NOW).is_err());
        let _ = sender.verifier().check_head(lookup(&headers), NOW);
    }

    #[test]
    fn a_changed_bit_of_the_body_never_verifies(
        at in select((0..SENDERS.len()).collect::<Vec<_>>()),
        mut body in vec(any::<u8>(), 1..200),
        byte: Index,
        bit in 0..8_u32,
    ) {
        let sender = &SENDERS[at];
        let is_signature = !["bearer", "basic", "token", "gitlab-token"]
            .contains(&sender.verifier().scheme().as_str());
        prop_assume!(is_signature);
        let headers = sender.sign(0, &body);
        let secrets = [sender.secret(0).as_bytes().to_vec()];
        let verify = |body: &[u8]| sender.verifier().verify(lookup(&headers), body, &secrets, NOW).is_ok();
        prop_assert!(verify(&body));
        let byte = byte.index(body.len());
        body[byte] ^= 1_u8 << bit;
        prop_assert!(!verify(&body));
    }

    #[test]
    fn any_text_is_a_verifier_or_refused(text in "(hmac|grafana|token|[a-z-]{0,12})( ?(header|prefix|encoding|algorithm|separator|timestamp|signed|tolerance|id)=?[^ ]{0,12}){0,5}\\PC{0,8}") {
        let _ = text.parse::<Verifier>();
    }

    #[test]
    fn settings_come_back(
        names in vec("[A-Za-z0-9_-]{1,12}", 3),
        prefix in "[a-z0-9=:]{0,8}",
        words in [select(vec!["hex", "base64"]), select(vec!["sha256", "sha512"]), select(vec!["comma", "space"])],
        tolerance in 1..=3600_u32,
        signed in select(vec!["{timestamp}.{body}", "{timestamp}:{body}", "{id}.{timestamp}.{body}"]),
    ) {
        let ([encoding, algorithm, separator], [header, timestamp, id]) = (words, [0, 1, 2].map(|at| &names[at]));
        let text = format!(
            "hmac header={header} timestamp={timestamp} id={id} prefix={prefix} encoding={encoding} \
             algorithm={algorithm} separator={separator} tolerance={tolerance} signed={signed}"
        );
        let verifier: Verifier = text.parse().unwrap();
        prop_assert_eq!(verifier.to_string().parse(), Ok(verifier));
    }
}
