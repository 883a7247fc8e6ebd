//! Signatures by the Standard Webhooks scheme: HMAC-SHA256 over `{id}.{timestamp}.{body}`, in three headers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;
use ring::hmac;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Largest distance of a signature's timestamp from now, in either direction (recommended by the scheme).
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// Bytes of a new secret. The scheme allows 24 to 64.
const SECRET_BYTES: usize = 32;
/// Prefix of a secret in text form, by the scheme.
const SECRET_PREFIX: &str = "whsec_";
/// Most signatures of a delivery that are compared. A rotation of the secret needs two.
const MAX_SIGNATURES: usize = 8;
/// Bytes of a signature.
const TAG_BYTES: usize = 32;
/// Characters of a signature in base 64.
const TAG_TEXT: usize = 44;

/// The three headers of a signed delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`: the sender's name for the delivery.
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature`: `v1,` and base 64. Several signatures are separated by spaces.
    pub signature: Option<&'a [u8]>,
}

/// Checks the headers without the body: all three are there, the timestamp is within [`TOLERANCE`], and one signature is
/// well-formed. So a delivery that fails is refused before its body is read.
///
/// # Errors
/// [`SignatureError`]: a header is missing or malformed, or the timestamp is too far from now.
pub fn check_signature_headers(headers: SignatureHeaders<'_>, now: Timestamp) -> Result<(), SignatureError> {
    let claim = Claim::of(headers)?;
    let signed_at = seconds(claim.timestamp).ok_or(SignatureError::Wrong)?;
    if claim.tags().next().is_none() {
        return Err(SignatureError::Wrong);
    }
    let distance = now.since(signed_at).max(signed_at.since(now));
    if distance > TOLERANCE {
        Err(SignatureError::OutOfTime)
    } else {
        Ok(())
    }
}

/// Verifies that one of the signatures was made from this body with this secret. Does not check the time:
/// [`check_signature_headers`] does. The body is hashed once, however many signatures there are.
///
/// # Errors
/// [`SignatureError::Missing`] or [`SignatureError::Wrong`].
pub fn verify_signature(
    secret: &[u8],
    headers: SignatureHeaders<'_>,
    body: &[u8],
) -> Result<(), SignatureError> {
    let claim = Claim::of(headers)?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for part in [claim.id, b".", claim.timestamp, b".", body] {
        context.update(part);
    }
    let tag = context.sign();
    // Each comparison takes constant time.
    if claim
        .tags()
        .any(|claimed| bool::from(claimed.ct_eq(tag.as_ref())))
    {
        Ok(())
    } else {
        Err(SignatureError::Wrong)
    }
}

/// The values of the three headers, all of them present.
struct Claim<'a> {
    id: &'a [u8],
    timestamp: &'a [u8],
    signatures: &'a [u8],
}

impl<'a> Claim<'a> {
    fn of(headers: SignatureHeaders<'a>) -> Result<Self, SignatureError> {
        match (headers.id, headers.timestamp, headers.signature) {
            (Some(id), Some(timestamp), Some(signatures)) => Ok(Self {
                id,
                timestamp,
                signatures,
            }),
            _ => Err(SignatureError::Missing),
        }
    }

    /// The well-formed signatures: `v1,` and the base 64 of 32 bytes.
    fn tags(&self) -> impl Iterator<Item = [u8; TAG_BYTES]> {
        let candidates = self.signatures.split(|byte| *byte == b' ').take(MAX_SIGNATURES);
        candidates.filter_map(|candidate| {
            let text = candidate.strip_prefix(b"v1,")?;
            // The decoder wants room for the 33 bytes that 44 characters can hold.
            let mut decoded = [0; TAG_BYTES + 1];
            let is_whole =
                text.len() == TAG_TEXT && STANDARD.decode_slice(text, &mut decoded).ok() == Some(TAG_BYTES);
            is_whole.then(|| decoded.first_chunk().copied()).flatten()
        })
    }
}

fn seconds(text: &[u8]) -> Option<Timestamp> {
    let plain = text.iter().all(u8::is_ascii_digit);
    let seconds: i64 = str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}

/// The error of checking a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// A header is missing.
    #[error("the delivery is not signed")]
    Missing,
    /// No signature matches this body and secret, or a header is malformed.
    #[error("the signature is wrong")]
    Wrong,
    /// The timestamp is more than [`TOLERANCE`] from now.
    #[error("the timestamp of the signature is more than five minutes from now")]
    OutOfTime,
}

/// A webhook's signing secret. It is shown once and stored encrypted.
pub struct SigningSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl SigningSecret {
    /// Generates a secret from the random bytes that `fill` supplies.
    ///
    /// # Errors
    /// The error of `fill`.
    pub fn generate<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        fill(&mut bytes[..])?;
        Ok(Self(bytes))
    }

    /// The secret in the text form for senders: `whsec_` and base 64.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut encoded = STANDARD.encode(&self.0[..]);
        let text = Zeroizing::new(format!("{SECRET_PREFIX}{encoded}"));
        encoded.zeroize();
        text
    }

    /// The bytes of the HMAC key, to be encrypted and stored.
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
        check_signature_headers(headers, now)?;
        verify_signature(&secret, headers, BODY)
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
    fn what_the_headers_tell_is_refused_without_the_body() {
        let head = |timestamp: &str, signature: &str| {
            let headers = SignatureHeaders {
                id: Some(b"a"),
                timestamp: Some(timestamp.as_bytes()),
                signature: Some(signature.as_bytes()),
            };
            check_signature_headers(headers, NOW)
        };
        let formed = format!("v1,{}", STANDARD.encode([7; TAG_BYTES]));
        assert_eq!(head("1614265330", &formed), Ok(()), "only the body tells");
        assert_eq!(head("1614265330", &format!("v1a,x {formed}")), Ok(()));
        assert_eq!(head("1614265", &formed), Err(SignatureError::OutOfTime));
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
            (
                "1614265330",
                &format!("{} {formed}", "v1, ".repeat(MAX_SIGNATURES)),
            ),
        ] {
            assert_eq!(
                head(timestamp, signature),
                Err(SignatureError::Wrong),
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
        assert_eq!(check_signature_headers(headers, NOW), missing);
        assert_eq!(verify_signature(b"k", headers, BODY), missing);
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
