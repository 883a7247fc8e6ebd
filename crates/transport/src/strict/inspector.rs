//! Decides which bytes of an HTTP/1 stream may pass to hyper: complete heads that [`head::judge`] accepts, and bodies
//! up to their end. It does no I/O, and the result does not depend on how the stream is cut into pieces.

use hookgate_domain::RefusalCode;
use memchr::memchr;

use super::framing::Framing;
use super::head::{self, SoundHead};

/// Maximum size of a head: request line and fields together. Known senders stay under 4 KiB.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// The result of an inspection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Number of bytes that may pass. Behind them is an incomplete head, or the bytes that `rejection` is about.
    pub(super) passed: usize,
    /// The reason to stop; no later byte may pass.
    pub(super) rejection: Option<Rejection>,
}

/// The reason for which a stream is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// A head was refused with this code.
    Head(RefusalCode),
    /// The chunks of a body are malformed.
    Body,
}

/// The position in the stream. After a stop, `inspect` must not be called again.
#[derive(Debug)]
pub(super) struct Inspector {
    body: Framing,
    /// Start of the current line, within the current head.
    line: usize,
    /// Position up to which the head was searched for a line end, so that a head in tiny pieces is not searched again
    /// and again.
    searched: usize,
}

impl Inspector {
    pub(super) const fn new() -> Self {
        Self {
            body: Framing::EMPTY,
            line: 0,
            searched: 0,
        }
    }

    /// `true` if bytes of a body are still to arrive.
    pub(super) const fn owes_body(&self) -> bool {
        !self.body.is_complete()
    }

    /// Length of the complete lines of the current head, without a line that was refused.
    pub(super) const fn whole_lines(&self) -> usize {
        self.line
    }

    /// Inspects `bytes`, which start with the bytes that did not pass the last time.
    pub(super) fn inspect(&mut self, bytes: &[u8]) -> Outcome {
        let mut passed = 0;
        while passed < bytes.len() {
            let rest = &bytes[passed..];
            if self.owes_body() {
                let advance = self.body.advance(rest);
                passed += advance.taken;
                if advance.broken {
                    return Outcome {
                        passed,
                        rejection: Some(Rejection::Body),
                    };
                }
                continue;
            }
            match self.head(rest) {
                Ok(Some(length)) => passed += length,
                Ok(None) => break,
                Err(code) => {
                    return Outcome {
                        passed,
                        rejection: Some(Rejection::Head(code)),
                    };
                }
            }
        }
        Outcome {
            passed,
            rejection: None,
        }
    }

    /// The length of the head at the start of `bytes` once it is complete and accepted. `None` while it is incomplete.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, RefusalCode> {
        let window = &bytes[..bytes.len().min(MAX_HEAD)];
        // Nearly every head arrives whole and may pass, so it is read once. The search by lines is for all others: heads
        // in pieces, and those whose refusal needs a code.
        if self.searched == 0
            && let Ok(head) = head::judge(window)
        {
            return Ok(Some(self.pass(head)));
        }
        while let Some(offset) = memchr(b'\n', &window[self.searched..]) {
            let end = self.searched + offset;
            let line = &window[self.line..end];
            if line.last() != Some(&b'\r') {
                return Err(RefusalCode::BadRequest);
            }
            let is_first = self.line == 0;
            self.line = end + 1;
            self.searched = end + 1;
            // RFC 9112 section 2.2 asks servers to ignore one empty line before the request line.
            if line.len() == 1 && !is_first {
                return head::judge(&window[..=end]).map(|head| Some(self.pass(head)));
            }
        }
        self.searched = window.len();
        if bytes.len() > MAX_HEAD {
            Err(RefusalCode::HeadersTooLarge)
        } else {
            Ok(None)
        }
    }

    /// Lets a head pass. Returns its length.
    const fn pass(&mut self, head: SoundHead) -> usize {
        self.body = head.framing;
        self.line = 0;
        self.searched = 0;
        head.length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Inspects the stream piece by piece, as the guard does: bytes that did not pass are inspected again.
    fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<Rejection>) {
        let (mut inspector, mut held, mut out) = (Inspector::new(), Vec::new(), Vec::new());
        for piece in pieces {
            held.extend_from_slice(piece);
            let outcome = inspector.inspect(&held);
            out.extend(held.drain(..outcome.passed));
            if outcome.rejection.is_some() {
                return (out, outcome.rejection);
            }
        }
        (out, None)
    }

    const GOOD: &[u8] = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    const CHUNKED: &[u8] =
        b"POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

    #[test]
    fn pipelined_requests_pass_whole() {
        let stream = [GOOD, CHUNKED, GOOD].concat();
        assert_eq!(run([&stream[..]]), (stream.clone(), None));
    }

    #[test]
    fn nothing_passes_from_a_refused_head_on() {
        let stream = [GOOD, b"GET / HTTP/1.1\r\n\r\n", GOOD].concat();
        assert_eq!(
            run([&stream[..]]),
            (GOOD.to_vec(), Some(Rejection::Head(RefusalCode::BadRequest)))
        );
    }

    #[test]
    fn a_head_is_bounded_to_the_byte() {
        let head = |size: usize| {
            let frame = b"GET / HTTP/1.1\r\nhost: a\r\nx: \r\n\r\n".len();
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
                "y".repeat(size - frame)
            )
            .into_bytes()
        };
        assert_eq!(run([&head(MAX_HEAD)[..]]).1, None);
        let over = Some(Rejection::Head(RefusalCode::HeadersTooLarge));
        assert_eq!(run([&head(MAX_HEAD + 1)[..]]).1, over);
        assert_eq!(run([&b"x".repeat(MAX_HEAD + 1)[..]]).1, over);
        assert_eq!(run([&b"x".repeat(MAX_HEAD)[..]]).1, None);
    }

    #[test]
    fn one_empty_line_in_front_is_overlooked_and_a_second_is_not() {
        assert_eq!(run([&[b"\r\n", GOOD].concat()[..]]).1, None);
        let twice = [b"\r\n\r\n", GOOD].concat();
        assert_eq!(
            run([&twice[..]]),
            (Vec::new(), Some(Rejection::Head(RefusalCode::BadRequest)))
        );
    }

    /// Nearly valid streams: valid requests with some bytes changed.
    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let part = prop::sample::select(vec![
            GOOD,
            CHUNKED,
            b"\r\n",
            b"GET / HTTP/1.0\r\nhost: a\r\n\r\n",
            b"5\r\nhello\r\n",
            b"host: b\r\n",
        ]);
        let change = (
            any::<prop::sample::Index>(),
            prop::sample::select(b"\r\n\0 :;0a\x7f".to_vec()),
        );
        (
            prop::collection::vec(part, 1..5),
            prop::collection::vec(change, 0..3),
        )
            .prop_map(|(parts, changes)| {
                let mut stream = parts.concat();
                for (at, byte) in changes {
                    let at = at.index(stream.len());
                    stream[at] = byte;
                }
                stream
            })
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(stream in streams(), cuts in prop::collection::vec(1_usize..40, 1..400)) {
            let mut pieces = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            let whole = run([&stream[..]]);
            prop_assert_eq!(run(pieces), whole.clone());
            prop_assert_eq!(run(stream.chunks(1)), whole);
        }
    }
}
