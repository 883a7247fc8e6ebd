//! The algorithms of signatures.

use ring::hmac;
use ring::signature::{ED25519, UnparsedPublicKey};
use subtle::ConstantTimeEq;

use super::encoding::SIGNATURE_BYTES;

/// Maximum number of Ed25519 signatures of a delivery that are verified for a key, because each one hashes the whole body.
/// A rotation of the key needs two.
const MAX_ED25519_SIGNATURES: usize = 2;

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    HmacSha256,
    HmacSha512,
    Ed25519,
}

impl Algorithm {
    /// The length of a signature.
    pub(super) const fn signature_bytes(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::HmacSha512 | Self::Ed25519 => SIGNATURE_BYTES,
        }
    }

    /// `true` if one of the offered signatures was made from this message with this key, or with the private key of this
    /// public key. HMAC hashes the message once, however many signatures are offered, and each comparison takes constant
    /// time.
    pub(super) fn matches<'m>(
        self,
        key: &[u8],
        message: impl Iterator<Item = &'m [u8]>,
        mut offered: impl Iterator<Item = [u8; SIGNATURE_BYTES]>,
    ) -> bool {
        let algorithm = match self {
            Self::HmacSha256 => hmac::HMAC_SHA256,
            Self::HmacSha512 => hmac::HMAC_SHA512,
            Self::Ed25519 => {
                // The algorithm reads the message twice, so that its parts have to be joined.
                let message = message.collect::<Vec<_>>().concat();
                let key = UnparsedPublicKey::new(&ED25519, key);
                return offered
                    .take(MAX_ED25519_SIGNATURES)
                    .any(|signature| key.verify(&message, &signature).is_ok());
            }
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        for part in message {
            context.update(part);
        }
        let tag = context.sign();
        let tag = tag.as_ref();
        offered.any(|signature| bool::from(signature[..tag.len()].ct_eq(tag)))
    }
}
