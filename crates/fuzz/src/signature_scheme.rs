//! Signature schemes and their settings: whatever the settings and headers are, a delivery is valid only if somebody knew
//! the secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;
use hookgate_senders::{SenderSecret, Verifier};

/// A secret that the input contains by intention only.
const SECRET: &str = "user:the secret of the sender";
/// Seconds since 1970.
const NOW: i64 = 1_614_265_330;

/// Reads a text as a verifier and checks a delivery: the text, the signature, the timestamp, the name of the delivery, and the
/// body, separated by line breaks. The text is also read as a secret.
pub fn signature_scheme(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n');
    let [Some(text), Some(signature), Some(timestamp), Some(id), Some(body)] = [(); 5].map(|()| parts.next())
    else {
        return;
    };
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let Ok(verifier) = text.parse::<Verifier>() else {
        return;
    };
    assert_eq!(verifier.to_string().parse(), Ok(verifier.clone()), "{text}");
    for text in [Ok(text), str::from_utf8(signature)].into_iter().flatten() {
        if let Ok(secret) = SenderSecret::read(text, verifier.scheme()) {
            assert!(!secret.as_bytes().is_empty() && secret.as_bytes().len() <= 512);
        }
    }

    let now = Timestamp::from_micros(NOW * 1_000_000);
    let header = |name: &str| {
        Some(if name.contains("time") {
            timestamp
        } else if name.ends_with("id") || name.ends_with("delivery") || name == "idempotency-key" {
            id
        } else {
            signature
        })
    };
    let result = verifier.verify(header, body, &[SECRET.as_bytes()], now);
    if result.is_ok() {
        assert_eq!(verifier.check_head(header, now), Ok(()), "{text}");
        let holds = |text: &str| {
            [signature, id, timestamp]
                .iter()
                .any(|value| contains(value, text.as_bytes()))
        };
        assert!(holds(SECRET) || holds(&STANDARD.encode(SECRET)), "{text}");
    }
    let without = verifier.verify(|_| None, body, &[SECRET.as_bytes()], now);
    assert!(without.is_err(), "{text}");
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
