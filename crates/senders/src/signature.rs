//! Signed deliveries by the Standard Webhooks scheme: HMAC-SHA256 over `{id}.{timestamp}.{body}`, in three headers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;
use ring::hmac;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// How far a signature's timestamp may be from now, either way (the scheme's own advice).
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// Bytes of a new secret; the scheme takes 24 to 64.
const SECRET_BYTES: usize = 32;
/// What a secret in text form starts with, by the scheme.
const SECRET_PREFIX: &str = "whsec_";
/// Most signatures of one delivery that are tried: a rotation needs two.
const MAX_SIGNATURES: usize = 8;

/// The three headers of a signed delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`: the sender's name for the delivery.
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature`: `v1,` and base 64; several of them separated by spaces.
    pub signature: Option<&'a [u8]>,
}

/// Checks that one of the signatures is of this body by this secret, and not too old or too new.
///
/// # Errors
/// Which of the three it is: missing, wrong, or out of time. A wrong one is never told to be out of time.
pub fn verify_signature(
    secret: &[u8],
    headers: SignatureHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let (Some(id), Some(timestamp), Some(signatures)) = (headers.id, headers.timestamp, headers.signature)
    else {
        return Err(SignatureError::Missing);
    };
    let mut message = Vec::with_capacity(id.len() + timestamp.len() + body.len() + 2);
    for part in [id, b".", timestamp, b".", body] {
        message.extend_from_slice(part);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let candidates = signatures.split(|byte| *byte == b' ').take(MAX_SIGNATURES);
    let is_ours = |candidate: &[u8]| {
        let tag = candidate
            .strip_prefix(b"v1,")
            .and_then(|text| STANDARD.decode(text).ok());
        tag.is_some_and(|tag| hmac::verify(&key, &message, &tag).is_ok())
    };
    if !candidates.into_iter().any(is_ours) {
        return Err(SignatureError::Wrong);
    }
    let signed_at = seconds(timestamp).ok_or(SignatureError::Wrong)?;
    let distance = now.since(signed_at).max(signed_at.since(now));
    if distance > TOLERANCE {
        Err(SignatureError::OutOfTime)
    } else {
        Ok(())
    }
}

fn seconds(text: &[u8]) -> Option<Timestamp> {
    let plain = text.iter().all(u8::is_ascii_digit);
    let seconds: i64 = str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// A header is missing.
    #[error("the delivery is not signed")]
    Missing,
    /// No signature is of this body by this secret.
    #[error("the signature is wrong")]
    Wrong,
    /// Rightly signed, at another time.
    #[error("the signature is out of time")]
    OutOfTime,
}

/// The secret that a sender signs with. Shown once, then kept sealed.
pub struct SigningSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl SigningSecret {
    /// Makes a new secret from random bytes that `fill` supplies.
    ///
    /// # Errors
    /// The error of `fill`.
    pub fn generate<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        fill(&mut bytes[..])?;
        Ok(Self(bytes))
    }

    /// The secret as senders are given it: `whsec_` and base 64.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut encoded = STANDARD.encode(&self.0[..]);
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{encoded}"));
        encoded.zeroize();
        text
    }

    /// The bytes to sign with, to be sealed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_614_265_330_000_000);
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn check(id: &str, timestamp: &str, signature: &str, now: Timestamp) -> Result<(), SignatureError> {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let headers = SignatureHeaders {
            id: Some(id.as_bytes()),
            timestamp: Some(timestamp.as_bytes()),
            signature: Some(signature.as_bytes()),
        };
        verify_signature(&secret, headers, BODY, now)
    }

    fn sign(id: &str, timestamp: &str) -> String {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", BODY].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message)))
    }

    #[test]
    fn the_vector_of_the_scheme_holds() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(
            check("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature, NOW),
            Ok(())
        );
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
            Err(SignatureError::OutOfTime)
        );
        assert_eq!(
            check("a", "1614265330", &good, early),
            Err(SignatureError::OutOfTime)
        );
        assert_eq!(check("a", "1614265330", &good, NOW.after(TOLERANCE)), Ok(()));
        assert_eq!(check("b", "1614265330", &good, NOW), Err(SignatureError::Wrong));
        assert_eq!(check("a", "1614265331", &good, NOW), Err(SignatureError::Wrong));
        assert_eq!(
            check("a", "+161", &sign("a", "+161"), NOW),
            Err(SignatureError::Wrong)
        );
        assert_eq!(
            check("a", "1614265330", "v1,%%%", NOW),
            Err(SignatureError::Wrong)
        );
    }

    #[test]
    fn a_missing_header_is_told() {
        let headers = SignatureHeaders {
            id: Some(b"a"),
            ..SignatureHeaders::default()
        };
        assert_eq!(
            verify_signature(b"k", headers, BODY, NOW),
            Err(SignatureError::Missing)
        );
    }

    #[test]
    fn a_new_secret_shows_itself_in_the_form_of_the_scheme() {
        let secret = SigningSecret::generate(|bytes| {
            bytes.fill(1);
            Ok::<(), std::convert::Infallible>(())
        });
        let text = secret.unwrap().reveal();
        assert_eq!(
            STANDARD.decode(&text.as_bytes()[SECRET_PREFIX.len()..]).unwrap(),
            [1; SECRET_BYTES]
        );
    }
}
