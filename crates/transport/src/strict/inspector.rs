//! Decides byte by byte how far an HTTP/1 stream may go to hyper: whole heads that passed the judge, and bodies up to
//! their end. It does no I/O, and how the stream is cut into pieces makes no difference to it.

use hookgate_domain::RefusalCode;
use memchr::memchr;

use super::framing::Framing;
use super::head;

/// Request line and fields together. Known senders stay under 4 KiB.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// What may pass of the bytes shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// So many bytes may pass. What follows them is the start of a head that isn't complete, or what `stop` is about.
    pub(super) passed: usize,
    /// Nothing may ever pass after those.
    pub(super) stop: Option<Rejection>,
}

/// Why the stream ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    /// A head is refused with this code.
    Head(RefusalCode),
    /// The chunks of a body are malformed.
    Body,
}

/// The place in the stream. After a stop it must not be asked again.
#[derive(Debug)]
pub(super) struct Inspector {
    body: Framing,
    /// The start of the line that is being looked for the end of, within the current head.
    line: usize,
    /// How far this line was searched, so that a head that comes in crumbs isn't searched again and again.
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

    /// Whether bytes of a body are still to come.
    pub(super) const fn owes_body(&self) -> bool {
        !self.body.is_complete()
    }

    /// How many bytes of the current head are whole lines: of a refused one, up to the line that was too much.
    pub(super) const fn whole_lines(&self) -> usize {
        self.line
    }

    /// `bytes` start with what was left over the last time.
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
                        stop: Some(Rejection::Body),
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
                        stop: Some(Rejection::Head(code)),
                    };
                }
            }
        }
        Outcome { passed, stop: None }
    }

    /// The length of the head at the start of `bytes`, once it is complete and has passed.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, RefusalCode> {
        let window = &bytes[..bytes.len().min(MAX_HEAD)];
        while let Some(offset) = memchr(b'\n', &window[self.searched..]) {
            let end = self.searched + offset;
            let line = &window[self.line..end];
            if line.last() != Some(&b'\r') {
                return Err(RefusalCode::BadRequest);
            }
            let is_first = self.line == 0;
            self.line = end + 1;
            self.searched = end + 1;
            // RFC 9112 section 2.2 asks servers to overlook one empty line before the request line.
            if line.len() == 1 && !is_first {
                return self.complete(&window[..=end]).map(Some);
            }
        }
        self.searched = window.len();
        if bytes.len() > MAX_HEAD {
            Err(RefusalCode::HeadersTooLarge)
        } else {
            Ok(None)
        }
    }

    fn complete(&mut self, head: &[u8]) -> Result<usize, RefusalCode> {
        self.body = head::judge(head)?;
        self.line = 0;
        self.searched = 0;
        Ok(head.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Shows the stream piece by piece, as the guard does: what didn't pass is shown again.
    fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<Rejection>) {
        let (mut inspector, mut held, mut out) = (Inspector::new(), Vec::new(), Vec::new());
        for piece in pieces {
            held.extend_from_slice(piece);
            let outcome = inspector.inspect(&held);
            out.extend(held.drain(..outcome.passed));
            if outcome.stop.is_some() {
                return (out, outcome.stop);
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

    /// Streams that are nearly right: sound requests with some bytes changed.
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
