//! Bodies that are compressed with gzip (RFC 1952).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::error::PayloadError;
use crate::payload::Payload;

/// The first bytes of a gzip file.
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The body, decompressed if it is gzip by its content, whatever its `Content-Encoding`. No text begins with those bytes.
///
/// # Errors
/// [`PayloadError::TooLarge`] beyond the payload's limit; [`PayloadError::OtherKind`] if the file is broken.
pub(crate) fn decompressed<'a>(payload: &Payload<'a>) -> Result<Cow<'a, [u8]>, PayloadError> {
    // Offsets in a document have 32 bits.
    let limit = payload.max_bytes.min(u32::MAX as usize - 1);
    let body = if payload.body.starts_with(&MAGIC) {
        let mut plain = Vec::new();
        let most = u64::try_from(limit).map_or(u64::MAX, |limit| limit + 1);
        let read = MultiGzDecoder::new(payload.body)
            .take(most)
            .read_to_end(&mut plain);
        read.map_err(|_| PayloadError::OtherKind)?;
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(payload.body)
    };
    if body.len() > limit {
        return Err(PayloadError::TooLarge { limit });
    }
    Ok(body)
}
