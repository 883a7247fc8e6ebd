//! Finds webhook IDs, tokens, sessions and sign-in links among base-62 digits by their checksum alone, in one pass with
//! a rolling CRC-32. The prefix is not read, so that no spelling of it hides a secret.

use crate::base62::{is_digit, number_of};
use crate::secret::{CHECK_DIGITS, CHECKED_PREFIXES, RANDOM_DIGITS};

/// Digits of a secret after its prefix. They alone are secret.
pub(crate) const DIGITS: usize = RANDOM_DIGITS + CHECK_DIGITS;
/// The largest first digit of a checksum: it has 32 bits, and six digits could hold more.
const MAX_FIRST_CHECK_DIGIT: u8 = b'4';

/// CRC-32 table (RFC 1952): the effect of one byte on the remainder.
const STEP: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let (mut remainder, mut bit) = (byte, 0);
        while bit < 8 {
            remainder = (remainder >> 1) ^ (0xEDB8_8320 * (remainder & 1));
            bit += 1;
        }
        table[byte as usize] = remainder;
        byte += 1;
    }
    table
};

/// The effect of a byte on the remainder once the random digits of an ID have followed it. The remainder is linear, so
/// XOR with this takes the byte out again.
const LEAVE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = shifted(STEP[byte]);
        byte += 1;
    }
    table
};

/// The contribution of each prefix to the remainder after the random digits.
const STARTS: [u32; CHECKED_PREFIXES.len()] = {
    let mut starts = [0; CHECKED_PREFIXES.len()];
    let mut kind = 0;
    while kind < CHECKED_PREFIXES.len() {
        let prefix = CHECKED_PREFIXES[kind].as_bytes();
        let (mut remainder, mut at) = (u32::MAX, 0);
        while at < prefix.len() {
            remainder = step(remainder, prefix[at]);
            at += 1;
        }
        starts[kind] = shifted(remainder);
        kind += 1;
    }
    starts
};

const fn step(remainder: u32, byte: u8) -> u32 {
    STEP[((remainder ^ byte as u32) & 0xFF) as usize] ^ (remainder >> 8)
}

/// The remainder after as many zero bytes as an ID has random digits.
const fn shifted(mut remainder: u32) -> u32 {
    let mut count = 0;
    while count < RANDOM_DIGITS {
        remainder = step(remainder, 0);
        count += 1;
    }
    remainder
}

/// Calls `found` with each position at which the digits of a secret begin.
pub(super) fn search(text: &[u8], mut found: impl FnMut(usize)) {
    let mut start = 0;
    for run in text.split(|byte| !is_digit(*byte)) {
        if run.len() >= DIGITS {
            search_run(run, |at| found(start + at));
        }
        start += run.len() + 1;
    }
}

fn search_run(run: &[u8], mut found: impl FnMut(usize)) {
    let (first, _) = run.split_at(RANDOM_DIGITS);
    let mut remainder = first.iter().fold(0, |remainder, byte| step(remainder, *byte));
    for (at, window) in run.windows(DIGITS).enumerate() {
        let written = &window[RANDOM_DIGITS..];
        if written[0] <= MAX_FIRST_CHECK_DIGIT
            && number_of(written).is_some_and(|number| STARTS.contains(&(remainder ^ !number)))
        {
            found(at);
        }
        remainder = step(remainder, written[0]) ^ LEAVE[usize::from(window[0])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WebhookId;
    use crate::secret::WEBHOOK_ID_PREFIX;

    #[test]
    fn the_checksum_that_rolls_is_that_of_the_id() {
        let mut text = Vec::new();
        let mut expected = Vec::new();
        for seed in 0..200_u8 {
            text.extend((0..seed % 50).map(|at| b"aZ09"[usize::from(at % 4)]));
            expected.push(text.len());
            let mut byte = seed;
            let Ok(id) = WebhookId::generate(|buffer| {
                buffer.fill_with(|| {
                    byte = byte.wrapping_mul(5).wrapping_add(37);
                    byte
                });
                Ok::<(), std::convert::Infallible>(())
            });
            text.extend_from_slice(&id.reveal().as_bytes()[WEBHOOK_ID_PREFIX.len()..]);
        }
        let mut places = Vec::new();
        search(&text, |at| places.push(at));
        assert_eq!(places, expected);
        for byte in &mut text {
            *byte ^= 1;
        }
        search(&text, |at| panic!("a false find at {at}"));
    }
}
