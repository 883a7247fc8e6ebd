//! Standard Webhooks in detail.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;
use ring::hmac;

use super::*;

const TOLERANCE: Duration = Duration::from_mins(5);
/// Bytes of a signature.
const TAG_BYTES: usize = 32;
const NOW: Timestamp = Timestamp::from_micros(1_614_265_330_000_000);
const BODY: &[u8] = br#"{"test": 2432232314}"#;

fn verifier() -> Verifier {
    Verifier::from(SignatureScheme::StandardWebhooks)
}

fn check(id: &str, timestamp: &str, signature: &str, now: Timestamp) -> Result<(), SignatureError> {
    let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let headers = SignatureHeaders {
        id: Some(id.as_bytes()),
        timestamp: Some(timestamp.as_bytes()),
        signature: Some(signature.as_bytes()),
    };
    let verified = verifier().verify(|name| headers.get(name), BODY, &[secret], now)?;
    let retry_id = RetryId {
        value: id.as_bytes(),
        is_signed: true,
    };
    assert_eq!(
        verified,
        Verified {
            secret: 0,
            retry_id: Some(retry_id)
        }
    );
    Ok(())
}

fn sign(id: &str, timestamp: &str) -> String {
    let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", BODY].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message)))
}

#[test]
fn one_of_several_signatures_is_enough() {
    let signatures = format!("v1a,AAAA v1,AAAA {}", sign("a", "1614265330"));
    assert_eq!(check("a", "1614265330", &signatures, NOW), Ok(()));
}

#[test]
fn wrong_and_late_signatures_are_told_apart() {
    let good = sign("a", "1614265330");
    let late = NOW.after(TOLERANCE + Duration::from_secs(1));
    let early = NOW.before(TOLERANCE + Duration::from_secs(1));
    assert_eq!(
        check("a", "1614265330", &good, late),
        Err(SignatureError::Expired)
    );
    assert_eq!(
        check("a", "1614265330", &good, early),
        Err(SignatureError::Expired)
    );
    assert_eq!(check("a", "1614265330", &good, NOW.after(TOLERANCE)), Ok(()));
    assert_eq!(check("b", "1614265330", &good, NOW), Err(SignatureError::Invalid));
    assert_eq!(check("a", "1614265331", &good, NOW), Err(SignatureError::Invalid));
    assert_eq!(
        check("a", "+161", &sign("a", "+161"), NOW),
        Err(SignatureError::Invalid)
    );
    assert_eq!(
        check("a", "1614265330", "v1,%%%", NOW),
        Err(SignatureError::Invalid)
    );
}

#[test]
fn what_the_headers_tell_is_refused_without_the_body() {
    let head = |timestamp: &str, signature: &str| {
        let headers = SignatureHeaders {
            id: Some(b"a"),
            timestamp: Some(timestamp.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        verifier().check_head(|name| headers.get(name), NOW)
    };
    let formed = format!("v1,{}", STANDARD.encode([7; TAG_BYTES]));
    assert_eq!(head("1614265330", &formed), Ok(()), "only the body tells");
    assert_eq!(head("1614265330", &format!("v1a,x {formed}")), Ok(()));
    assert_eq!(head("1614265", &formed), Err(SignatureError::Expired));
    let short = format!("v1,{}", STANDARD.encode([7; TAG_BYTES - 1]));
    for (timestamp, signature) in [
        ("soon", formed.as_str()),
        ("", &formed),
        ("-1614265330", &formed),
        ("99999999999999999999", &formed),
        ("1614265330", ""),
        ("1614265330", "v1,"),
        ("1614265330", "v1,%%%"),
        ("1614265330", &short),
        ("1614265330", &formed[3..]),
        ("1614265330", &format!("{} {formed}", "v1, ".repeat(8))),
    ] {
        assert_eq!(
            head(timestamp, signature),
            Err(SignatureError::Invalid),
            "{timestamp} {signature}"
        );
    }
}

#[test]
fn a_missing_header_is_told() {
    let headers = SignatureHeaders {
        id: Some(b"a"),
        ..SignatureHeaders::default()
    };
    let missing = Err(SignatureError::Missing);
    assert_eq!(verifier().check_head(|name| headers.get(name), NOW), missing);
    let verified = verifier().verify(|name| headers.get(name), BODY, &[b"k"], NOW);
    assert_eq!(verified, Err(SignatureError::Missing));
}
