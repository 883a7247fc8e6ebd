//! Base 62 for webhook IDs: a double click selects the whole text, and no digit needs escaping in a URL.

/// The digits, in the order of their values.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digit of a random byte by rejection sampling. Returns `None` for the eight values from 248, the largest multiple of 62
/// in a byte: these would make some digits likelier than others.
pub(crate) const fn digit_of_random_byte(byte: u8) -> Option<u8> {
    if byte < 248 {
        Some(ALPHABET[(byte % 62) as usize])
    } else {
        None
    }
}

/// Returns `true` if the byte is a digit of base 62.
pub(crate) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The six digits of a 32-bit number, most significant first, padded with `0` (62^6 is larger than 2^32).
pub(crate) fn six_digits(mut number: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    digits
}

/// The number that six digits stand for. `None` if these are not six digits, or if the number exceeds 32 bits.
pub(crate) fn number_of(digits: &[u8]) -> Option<u32> {
    let digits: [u8; 6] = digits.try_into().ok()?;
    let number = digits.into_iter().try_fold(0_u64, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        Some(number * 62 + u64::from(value))
    })?;
    number.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_fits_six_digits() {
        assert_eq!(&six_digits(0), b"000000");
        assert_eq!(&six_digits(61), b"00000z");
        assert_eq!(&six_digits(u32::MAX), b"4gfFC3");
        for number in [0, 9, 10, 35, 36, 61, 62, u32::MAX] {
            assert_eq!(number_of(&six_digits(number)), Some(number));
        }
        for wrong in [&b"4gfFC4"[..], b"zzzzzz", b"0000_0", b"00000"] {
            assert_eq!(number_of(wrong), None);
        }
    }

    #[test]
    fn every_digit_is_equally_likely() {
        let mut seen = [0_u8; 256];
        for byte in 0..=u8::MAX {
            if let Some(digit) = digit_of_random_byte(byte) {
                seen[usize::from(digit)] += 1;
            }
        }
        assert!(ALPHABET.iter().all(|digit| seen[usize::from(*digit)] == 4));
    }
}
