//! Crockford's base 32 and UUIDv7: the form of all public names.

use std::fmt;

use crate::Timestamp;

/// Crockford's base 32 in lower case: no letter that can be confused with a digit, and text order is number order.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The number of a UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds and 74 random bits. A time before 1970 counts
/// as 1970.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::base32::uuid_v7;
///
/// let earlier = uuid_v7(Timestamp::from_micros(0), [0xFF; 10]);
/// assert!(earlier < uuid_v7(Timestamp::from_micros(1_000), [0; 10]));
/// ```
#[must_use]
pub fn uuid_v7(created_at: Timestamp, random: [u8; 10]) -> u128 {
    let millis = u128::from(created_at.as_micros().max(0).unsigned_abs() / 1_000) & 0xFFFF_FFFF_FFFF;
    let mut tail = [0; 16];
    tail[6..].copy_from_slice(&random);
    let random = u128::from_be_bytes(tail);
    let (version, variant) = (0x7_u128 << 76, 0b10_u128 << 62);
    let cleared = random & !(0xF << 76) & !(0b11 << 62);
    millis << 80 | cleared | version | variant
}

/// Writes the prefix and the number in base 32, `LENGTH` characters in all.
///
/// # Errors
/// The formatter's own.
pub fn write_name<const LENGTH: usize>(
    f: &mut fmt::Formatter<'_>,
    prefix: &str,
    number: u128,
) -> fmt::Result {
    let name = name_text::<LENGTH>(prefix, number);
    f.pad(str::from_utf8(&name).map_err(|_| fmt::Error)?)
}

/// The prefix and the number in base 32, `LENGTH` characters in all.
pub(crate) fn name_text<const LENGTH: usize>(prefix: &str, mut number: u128) -> [u8; LENGTH] {
    let mut name = [0; LENGTH];
    let (start, digits) = name.split_at_mut(prefix.len());
    start.copy_from_slice(prefix.as_bytes());
    for digit in digits.iter_mut().rev() {
        *digit = BASE32[(number % 32) as usize];
        number /= 32;
    }
    name
}

/// Reads a number of `DIGITS` digits of base 32.
///
/// ```
/// use hookgate_domain::base32::read_base32;
///
/// assert_eq!(read_base32::<2>("1a"), Some(42));
/// assert_eq!(read_base32::<2>("1A"), None);
/// ```
#[must_use]
pub fn read_base32<const DIGITS: usize>(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u128, |number, byte| {
        let digit = BASE32.iter().position(|known| *known == byte)?;
        number.checked_mul(32)?.checked_add(digit as u128)
    })
}
