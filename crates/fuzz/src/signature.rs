//! Signature headers: a signature is accepted exactly if it matches the scheme and its timestamp is near.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;
use hookgate_senders::{SignatureError, SignatureHeaders, SignatureScheme, Verifier};
use ring::hmac;

const SECRET: &[u8] = b"the secret of both, 32 bytes ...";
/// Seconds since 1970.
const NOW: i64 = 1_614_265_330;
/// Largest distance of a timestamp from now, in seconds.
const TOLERANCE: u128 = 300;
/// Most signatures that are compared.
const TRIED: usize = 8;

/// Checks a signed delivery: ID, timestamp, signatures and body, separated by line breaks. A signature `!` is replaced by the
/// right one.
pub fn signature(data: &[u8]) {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let [Some(id), Some(timestamp), Some(written), Some(body)] = [(); 4].map(|()| parts.next()) else {
        return;
    };
    let message = [id, b".", timestamp, b".", body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), &message);
    let right = format!("v1,{}", STANDARD.encode(tag)).into_bytes();
    let signatures: Vec<_> = written
        .split(|byte| *byte == b' ')
        .map(|one| if one == b"!" { &right[..] } else { one })
        .collect();
    let is_right = signatures.iter().take(TRIED).any(|one| *one == right);
    let signatures = signatures.join(&b' ');

    let now = Timestamp::from_micros(NOW * 1_000_000);
    let headers = SignatureHeaders {
        id: Some(id),
        timestamp: Some(timestamp),
        signature: Some(&signatures),
    };
    let verifier = Verifier::from(SignatureScheme::StandardWebhooks);
    let check_head = |headers: SignatureHeaders<'_>| verifier.check_head(|name| headers.get(name), now);
    let verify = |secret: &[u8], headers: SignatureHeaders<'_>, body: &[u8]| {
        let result = verifier.verify(|name| headers.get(name), body, &[secret], now);
        result.map(|_| ())
    };
    let expected = match distance(timestamp) {
        Some(distance) if is_right && distance <= TOLERANCE => Ok(()),
        Some(_) if is_right => Err(SignatureError::Expired),
        _ => Err(SignatureError::Invalid),
    };
    let head = check_head(headers);
    if is_right {
        assert_eq!(head, expected);
        assert_eq!(verify(SECRET, headers, body), expected);
    } else {
        // The headers alone pass if one signature is well-formed, even if it is wrong.
        assert!(head != Ok(()) || distance(timestamp).is_some_and(|distance| distance <= TOLERANCE));
        assert!(verify(SECRET, headers, body).is_err());
    }

    let longer = [body, b" "].concat();
    assert!(verify(SECRET, headers, &longer).is_err());
    assert!(verify(&SECRET[1..], headers, body).is_err());
    for headers in [
        SignatureHeaders { id: None, ..headers },
        SignatureHeaders {
            timestamp: None,
            ..headers
        },
        SignatureHeaders {
            signature: None,
            ..headers
        },
    ] {
        let missing = Err(SignatureError::Missing);
        assert_eq!(check_head(headers), missing);
        assert_eq!(verify(SECRET, headers, body), missing);
    }
}

/// Distance of a timestamp from now, in seconds. `None` if it is not a number, or does not fit a [`Timestamp`].
fn distance(timestamp: &[u8]) -> Option<u128> {
    if timestamp.is_empty() || !timestamp.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let most = u128::from(i64::MAX.unsigned_abs()) / 1_000_000;
    let seconds = timestamp.iter().fold(0_u128, |seconds, digit| {
        seconds
            .saturating_mul(10)
            .saturating_add(u128::from(digit - b'0'))
    });
    (seconds <= most).then(|| seconds.abs_diff(u128::from(NOW.unsigned_abs())))
}
