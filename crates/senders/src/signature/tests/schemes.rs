//! Each scheme against its attacks.

use std::time::Duration;

use hookgate_domain::Timestamp;

use super::signer::{SENDERS, SIGNED_AT, Sender, body};
use super::*;

const NOW: Timestamp = Timestamp::from_micros(SIGNED_AT * 1_000_000);

/// Checks a delivery against the secrets 0 and 1.
fn verify(sender: &Sender, headers: &Headers, now: Timestamp) -> Result<usize, SignatureError> {
    let secrets = [sender.secret(0), sender.secret(1)];
    let secrets = secrets.each_ref().map(SenderSecret::as_bytes);
    let verified = sender.verifier().verify(lookup(headers), &body(), &secrets, now);
    verified.map(|verified| verified.secret)
}

/// The delivery with another value of the signature header.
fn with_value(sender: &Sender, headers: &Headers, value: impl AsRef<[u8]>) -> Headers {
    let mut headers = headers.clone();
    for (name, old) in &mut headers {
        if *name == sender.header {
            *old = value.as_ref().to_vec();
        }
    }
    headers
}

fn value(sender: &Sender, headers: &Headers) -> Vec<u8> {
    lookup(headers)(sender.header).unwrap().to_vec()
}

#[test]
fn every_scheme_is_here() {
    for scheme in SignatureScheme::ALL {
        let is_here = |sender: &Sender| sender.verifier().scheme() == *scheme;
        assert!(SENDERS.iter().any(is_here), "{scheme}");
    }
}

#[test]
fn what_the_sender_signed_is_valid_and_the_secret_is_known() {
    for sender in SENDERS {
        for number in [0, 1] {
            let headers = sender.sign(number, &body());
            assert_eq!(
                sender.verifier().check_head(lookup(&headers), NOW),
                Ok(()),
                "{sender:?}"
            );
            assert_eq!(
                verify(sender, &headers, NOW),
                Ok(usize::from(number)),
                "{sender:?}"
            );
        }
    }
}

#[test]
fn a_forged_signature_is_refused() {
    for sender in SENDERS {
        let forged = sender.sign(2, &body());
        assert_eq!(
            verify(sender, &forged, NOW),
            Err(SignatureError::Invalid),
            "{sender:?}"
        );
        let none: [&[u8]; 0] = [];
        let verified = sender.verifier().verify(lookup(&forged), &body(), &none, NOW);
        assert_eq!(verified, Err(SignatureError::Invalid), "{sender:?}");
    }
}

#[test]
fn an_empty_secret_never_matches() {
    let tag = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    let headers = vec![header("x-signature", tag), header("authorization", "Bearer ")];
    let verify = |scheme, secret: &str| Verifier::from(scheme).verify(lookup(&headers), b"", &[secret], NOW);
    // The tag is HMAC-SHA256 of nothing with an empty key, which HMAC takes for a key of zeros.
    assert!(verify(SignatureScheme::Hmac, "\0").is_ok());
    assert_eq!(verify(SignatureScheme::Hmac, ""), Err(SignatureError::Invalid));
    assert_eq!(verify(SignatureScheme::Bearer, ""), Err(SignatureError::Invalid));
}

#[test]
fn a_third_secret_is_not_tried() {
    for sender in SENDERS {
        let headers = sender.sign(2, &body());
        let secrets = [0, 1, 2].map(|number| sender.secret(number));
        let secrets = secrets.each_ref().map(SenderSecret::as_bytes);
        let verified = sender.verifier().verify(lookup(&headers), &body(), &secrets, NOW);
        assert_eq!(verified, Err(SignatureError::Invalid), "{sender:?}");
    }
}

#[test]
fn a_stripped_header_is_missing() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        for (stripped, _) in &headers {
            let mut rest = headers.clone();
            rest.retain(|(name, _)| name != stripped);
            let is_needed = sender
                .id
                .is_none_or(|(id, is_signed)| id != *stripped || is_signed);
            let expected = if is_needed {
                Err(SignatureError::Missing)
            } else {
                Ok(0)
            };
            assert_eq!(
                verify(sender, &rest, NOW),
                expected,
                "{sender:?} without {stripped}"
            );
            let head = sender.verifier().check_head(lookup(&rest), NOW);
            assert_eq!(head, expected.map(|_| ()), "{sender:?} without {stripped}");
        }
    }
}

#[test]
fn a_late_replay_is_expired() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        for tolerance in [60, 300] {
            let seconds = Duration::from_secs(tolerance);
            let beyond = seconds + Duration::from_secs(1);
            let is_tolerated = |limit: i64| limit.unsigned_abs() >= tolerance;
            let inside = sender.tolerance.is_none_or(is_tolerated);
            let outside = sender
                .tolerance
                .is_none_or(|limit| limit.unsigned_abs() > tolerance);
            for (now, is_valid) in [
                (NOW.after(seconds), inside),
                (NOW.before(seconds), inside),
                (NOW.after(beyond), outside),
                (NOW.before(beyond), outside),
            ] {
                let expected = if is_valid {
                    Ok(0)
                } else {
                    Err(SignatureError::Expired)
                };
                assert_eq!(verify(sender, &headers, now), expected, "{sender:?} at {now:?}");
            }
        }
    }
}

#[test]
fn another_timestamp_or_name_is_not_signed() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        for (index, (name, _)) in headers.iter().enumerate().skip(1) {
            let mut other = headers.clone();
            let is_id = sender.id.is_some_and(|(id, _)| id == *name);
            other[index].1 = if is_id {
                b"dlv-2".to_vec()
            } else {
                (SIGNED_AT + 1).to_string().into_bytes()
            };
            let is_free = sender.id == Some((name, false));
            let expected = if is_free {
                Ok(0)
            } else {
                Err(SignatureError::Invalid)
            };
            assert_eq!(
                verify(sender, &other, NOW),
                expected,
                "{sender:?} with another {name}"
            );
        }
    }
}

#[test]
fn a_thousand_signatures_are_bounded() {
    for sender in SENDERS {
        let right = sender.sign(0, &body());
        let forged = value(sender, &sender.sign(2, &body()));
        let separator = sender.separator.unwrap_or(",").as_bytes();
        let mut many = vec![forged; 1_000];
        many.push(value(sender, &right));
        let last = with_value(sender, &right, many.join(separator));
        assert_eq!(
            verify(sender, &last, NOW),
            Err(SignatureError::Invalid),
            "{sender:?}"
        );
        many.rotate_right(1);
        let first = with_value(sender, &right, many.join(separator));
        let expected = if sender.separator.is_some() {
            Ok(0)
        } else {
            Err(SignatureError::Invalid)
        };
        assert_eq!(verify(sender, &first, NOW), expected, "{sender:?}");
    }
}

#[test]
fn the_last_signature_that_is_read_is_the_eighth_and_the_second_of_ed25519() {
    for (name, last) in [
        ("standard-webhooks", 8),
        ("pagerduty", 8),
        ("standard-webhooks-ed25519", 2),
    ] {
        let sender = SENDERS.iter().find(|sender| sender.verifier == name).unwrap();
        let right = sender.sign(0, &body());
        let forged = value(sender, &sender.sign(2, &body()));
        for (before, expected) in [(last - 1, Ok(0)), (last, Err(SignatureError::Invalid))] {
            let mut offered = vec![forged.clone(); before];
            offered.push(value(sender, &right));
            let separator = sender.separator.unwrap_or_default().as_bytes();
            let headers = with_value(sender, &right, offered.join(separator));
            assert_eq!(verify(sender, &headers, NOW), expected, "{name} after {before}");
        }
    }
}

#[test]
fn one_of_two_signatures_is_enough_where_the_scheme_has_several() {
    for sender in SENDERS {
        let right = sender.sign(1, &body());
        let two = [value(sender, &sender.sign(2, &body())), value(sender, &right)];
        let separator = sender.separator.unwrap_or(",").as_bytes();
        let headers = with_value(sender, &right, two.join(separator));
        let expected = if sender.separator.is_some() {
            Ok(1)
        } else {
            Err(SignatureError::Invalid)
        };
        assert_eq!(verify(sender, &headers, NOW), expected, "{sender:?}");
    }
}

#[test]
fn malformed_signatures_are_invalid() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        let right = value(sender, &headers);
        let mut malformed: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b" ".to_vec(),
            b",, , ,".to_vec(),
            b"\xff\xfe\x80".to_vec(),
            "ä".repeat(64).into_bytes(),
            [&right[..], b"\xff"].concat(),
            [b"\xff", &right[..]].concat(),
        ];
        malformed.extend((1..right.len()).map(|end| right[..end].to_vec()));
        for value in malformed {
            let headers = with_value(sender, &headers, &value);
            let text = String::from_utf8_lossy(&value);
            assert_eq!(
                verify(sender, &headers, NOW),
                Err(SignatureError::Invalid),
                "{sender:?} {text}"
            );
        }
    }
}

#[test]
fn the_case_of_hexadecimal_digits_does_not_count_and_any_other_does() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        let swap = |byte: u8| {
            if byte.is_ascii_lowercase() {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            }
        };
        let swapped: Vec<u8> = value(sender, &headers).into_iter().map(swap).collect();
        let expected = if sender.is_any_case {
            Ok(0)
        } else {
            Err(SignatureError::Invalid)
        };
        assert_eq!(
            verify(sender, &with_value(sender, &headers, swapped), NOW),
            expected,
            "{sender:?}"
        );
    }
}

#[test]
fn malformed_timestamps_are_invalid() {
    for sender in SENDERS.iter().filter(|sender| sender.tolerance.is_some()) {
        let headers = sender.sign(0, &body());
        let timestamps = headers.iter().filter(|(name, _)| name.contains("time"));
        for (timestamp, _) in timestamps {
            for value in [
                "",
                "soon",
                "-1",
                "+1770000000",
                "1770000000.0",
                "99999999999999999999",
                "\u{661}",
            ] {
                let mut headers = headers.clone();
                headers.retain(|(name, _)| name != timestamp);
                headers.push(header(timestamp, value));
                let head = sender.verifier().check_head(lookup(&headers), NOW);
                assert_eq!(head, Err(SignatureError::Invalid), "{sender:?} {value}");
            }
        }
    }
    let stripe = Verifier::from(SignatureScheme::Stripe);
    let tag = "0".repeat(64);
    for value in [
        format!("v1={tag}"),
        format!("t=,v1={tag}"),
        format!("t=x,v1={tag}"),
    ] {
        let headers = vec![header("stripe-signature", value)];
        assert_eq!(
            stripe.check_head(lookup(&headers), NOW),
            Err(SignatureError::Invalid)
        );
    }
}

#[test]
fn a_body_of_linear_without_a_time_is_as_linear_signed_it() {
    let sender = SENDERS.iter().find(|sender| sender.verifier == "linear").unwrap();
    for (body, expected) in [
        ("{}", Ok(())),
        ("no JSON", Ok(())),
        (r#"{"webhookTimestamp":null}"#, Ok(())),
        (r#"{"webhookTimestamp":0}"#, Err(SignatureError::Expired)),
        (
            r#"{"webhookTimestamp":-9223372036854}"#,
            Err(SignatureError::Expired),
        ),
    ] {
        let headers = sender.sign(0, body.as_bytes());
        let secrets = [sender.secret(0).as_bytes().to_vec()];
        let verified = sender
            .verifier()
            .verify(lookup(&headers), body.as_bytes(), &secrets, NOW);
        assert_eq!(verified.map(|_| ()), expected, "{body}");
    }
}

#[test]
fn the_name_of_a_delivery_is_known_and_whether_it_is_signed() {
    for sender in SENDERS {
        let headers = sender.sign(0, &body());
        let secrets = [sender.secret(0).as_bytes().to_vec()];
        let verified = sender.verifier().verify(lookup(&headers), &body(), &secrets, NOW);
        let expected = sender.id.map(|(_, is_signed)| RetryId {
            value: b"dlv-1",
            is_signed,
        });
        assert_eq!(verified.unwrap().retry_id, expected, "{sender:?}");
    }
}

#[test]
fn a_credential_of_another_kind_is_invalid() {
    for (scheme, value) in [
        (SignatureScheme::Bearer, "Basic dXNlcjpwYXNzd29yZA=="),
        (SignatureScheme::Bearer, "Bearer"),
        (SignatureScheme::Bearer, "Bearer "),
        (SignatureScheme::Bearer, "Bearersecret"),
        (SignatureScheme::Basic, "Bearer secret"),
        (SignatureScheme::Basic, "Basic ="),
        (SignatureScheme::Basic, "Basic dXNlcjpwYXNzd29yZA"),
    ] {
        let headers = vec![header("authorization", value)];
        let head = Verifier::from(scheme).check_head(lookup(&headers), NOW);
        assert_eq!(head, Err(SignatureError::Invalid), "{scheme} {value}");
    }
}
