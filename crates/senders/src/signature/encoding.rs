//! Encodings of signatures and keys in headers and settings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a signature of HMAC-SHA512 and Ed25519, which are the longest.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// The encoding of a signature in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Hexadecimal digits in either case.
    Hex,
    /// Base 64 with padding (RFC 4648, section 4).
    Base64,
}

impl Encoding {
    /// Decodes a text of exactly `length` bytes, at most [`SIGNATURE_BYTES`]. The remaining bytes of the result are zero.
    pub(super) fn decode(self, text: &[u8], length: usize) -> Option<[u8; SIGNATURE_BYTES]> {
        // The decoder of base 64 wants room for the 66 bytes that 88 characters can hold.
        let mut decoded = [0; SIGNATURE_BYTES + 2];
        match self {
            Self::Hex => {
                let (pairs, rest) = text.as_chunks::<2>();
                if pairs.len() != length || !rest.is_empty() {
                    return None;
                }
                for (byte, [high, low]) in decoded.iter_mut().zip(pairs) {
                    *byte = digit(*high)? << 4 | digit(*low)?;
                }
            }
            Self::Base64 => {
                let is_whole = text.len() == length.div_ceil(3) * 4
                    && STANDARD.decode_slice(text, &mut decoded).ok() == Some(length);
                if !is_whole {
                    return None;
                }
            }
        }
        decoded.first_chunk().copied()
    }
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}
