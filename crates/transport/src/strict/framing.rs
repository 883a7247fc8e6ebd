//! Follows an HTTP/1 request body to its last byte, so that the next head is found exactly where it starts. The chunked
//! grammar is narrow: no extensions, no trailers. The content is never read.

/// Maximum number of digits of a chunk size: 64 bits hold sixteen hexadecimal digits.
const MAX_SIZE_DIGITS: u8 = 16;

/// The rest of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes.
    Length(u64),
    /// Chunks, from this position in their grammar on.
    Chunked(ChunkState),
}

/// A position in the chunked grammar: the element that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkState {
    Size { digits: u8, value: u64 },
    SizeLf { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    LastCr,
    LastLf,
    End,
}

/// The part of a piece of the stream that belongs to the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advance {
    /// Bytes of the body at the start of the piece.
    pub(super) taken: usize,
    /// `true` if the byte behind them breaks the grammar.
    pub(super) broken: bool,
}

impl Framing {
    pub(super) const EMPTY: Self = Self::Length(0);

    pub(super) const fn length(bytes: u64) -> Self {
        Self::Length(bytes)
    }

    pub(super) const fn chunked() -> Self {
        Self::Chunked(ChunkState::START)
    }

    pub(super) const fn is_complete(self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(ChunkState::End))
    }

    /// Consumes the part of `bytes` that belongs to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Advance {
        match self {
            Self::Length(left) => Advance {
                taken: take_data(left, bytes),
                broken: false,
            },
            Self::Chunked(place) => advance_chunks(place, bytes),
        }
    }
}

impl ChunkState {
    const START: Self = Self::Size { digits: 0, value: 0 };

    /// The position after `byte`, for every position but data. `None` if the grammar does not allow `byte` here.
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { digits, value }, b'\r') if digits > 0 => Some(Self::SizeLf { value }),
            (Self::Size { digits, value }, _) if digits < MAX_SIZE_DIGITS => {
                let digit = char::from(byte).to_digit(16)?;
                Some(Self::Size {
                    digits: digits + 1,
                    value: value << 4 | u64::from(digit),
                })
            }
            (Self::SizeLf { value: 0 }, b'\n') => Some(Self::LastCr),
            (Self::SizeLf { value }, b'\n') => Some(Self::Data { left: value }),
            (Self::DataCr, b'\r') => Some(Self::DataLf),
            (Self::DataLf, b'\n') => Some(Self::START),
            // Anything but the empty line here would be a trailer.
            (Self::LastCr, b'\r') => Some(Self::LastLf),
            (Self::LastLf, b'\n') => Some(Self::End),
            _ => None,
        }
    }
}

fn advance_chunks(place: &mut ChunkState, bytes: &[u8]) -> Advance {
    let mut taken = 0;
    while taken < bytes.len() && *place != ChunkState::End {
        if let ChunkState::Data { left } = place {
            taken += take_data(left, &bytes[taken..]);
            if *left == 0 {
                *place = ChunkState::DataCr;
            }
            continue;
        }
        let Some(next) = place.after(bytes[taken]) else {
            return Advance { taken, broken: true };
        };
        *place = next;
        taken += 1;
    }
    Advance { taken, broken: false }
}

fn take_data(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= taken as u64;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of bytes taken, and the state of the body there: complete, unfinished or broken.
    fn run(bytes: &[u8]) -> (usize, &'static str) {
        let mut framing = Framing::chunked();
        let advance = framing.advance(bytes);
        let state = match (advance.broken, framing.is_complete()) {
            (true, _) => "broken",
            (false, true) => "complete",
            (false, false) => "unfinished",
        };
        (advance.taken, state)
    }

    #[test]
    fn sound_chunks_end_where_they_end() {
        assert_eq!(run(b"0\r\n\r\n"), (5, "complete"));
        assert_eq!(run(b"3\r\nabc\r\n0\r\n\r\nPOST /"), (13, "complete"));
        assert_eq!(run(b"00a\r\n0123456789\r\n00\r\n\r\n"), (23, "complete"));
        assert_eq!(run(b"A\r\n01234"), (8, "unfinished"));
        assert_eq!(run(b"ffffffffffffffff\r\nabc"), (21, "unfinished"));
    }

    #[test]
    fn every_other_form_breaks_at_its_first_wrong_byte() {
        let cases: [(&[u8], usize); 18] = [
            (b"\r\n", 0),
            (b"+3\r\nabc\r\n", 0),
            (b"-3\r\nabc\r\n", 0),
            (b" 3\r\nabc\r\n", 0),
            (b"0x3\r\nabc\r\n", 1),
            (b"3 \r\nabc\r\n", 1),
            (b"3;a=b\r\nabc\r\n", 1),
            (b"3\nabc\r\n", 1),
            (b"3\rabc\r\n", 2),
            (b"3\r\nabcd\r\n", 6),
            (b"3\r\nabc\n", 6),
            (b"3\r\nabc\rx", 7),
            (b"3\r\nabc\r\nX\r\n", 8),
            (b"g\r\n", 0),
            (b"00000000000000003\r\nabc", 16),
            (b"0\r\nX-Trailer: 1\r\n\r\n", 3),
            (b"0\r\n\n", 3),
            (b"0\r\n\rX", 4),
        ];
        for (bytes, taken) in cases {
            assert_eq!(run(bytes), (taken, "broken"), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_length_takes_exactly_its_bytes() {
        let mut framing = Framing::length(5);
        assert_eq!(
            framing.advance(b"abc"),
            Advance {
                taken: 3,
                broken: false
            }
        );
        assert!(!framing.is_complete());
        assert_eq!(
            framing.advance(b"defg"),
            Advance {
                taken: 2,
                broken: false
            }
        );
        assert!(framing.is_complete());
    }
}
