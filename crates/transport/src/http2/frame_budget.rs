//! Limits HTTP/2 frames that belong to no request: SETTINGS, PING, PRIORITY, `RST_STREAM`, `WINDOW_UPDATE` and unknown
//! types. The h2 crate bounds the memory that each of them takes, but not their number, and each costs the server more
//! than its sender. The budget reads frame headers only: their length, type and flags.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::connection_activity::ConnectionActivity;

/// Initial and largest budget of a connection. Handling these frames costs about as much as the handshake, so a flood
/// over new connections is no worse than a flood of handshakes.
const ALLOWANCE: u32 = 1_000;

/// Frames added for each request: a priority, window updates, a ping. Common clients send two.
const FOR_REQUEST: u32 = 10;

/// Bytes of answers for which one frame is added. A client sends window updates for the stream and for the connection,
/// mostly after 16 KiB or more each. This covers exports of gigabytes, and it does not cover a flood of pings by its
/// own answers.
const WRITTEN_FOR_FRAME: usize = 1024;

/// Frames added for each second: the answers to our own pings, also while a stream lasts for hours.
const FOR_SECOND: u32 = 1;

/// Length of the client's connection preface (RFC 9113 section 3.4). The h2 crate checks its content.
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// Bytes of a frame header: length (3), type (1), flags (1) and stream (4) (RFC 9113 section 4.1).
const FRAME_HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// The flag of the frame that ends a request's head.
const END_HEADERS: u8 = 4;

/// Wraps the byte stream of one HTTP/2 connection. Reading fails once the peer has exceeded its frame budget.
#[derive(Debug)]
pub(crate) struct FrameBudget<T> {
    inner: T,
    activity: Arc<ConnectionActivity>,
    frames: Frames,
    /// Time up to which the frames of [`FOR_SECOND`] have been added.
    allowed_for: Instant,
    /// Bytes written for which no frame has been added yet.
    written: usize,
}

impl<T> FrameBudget<T> {
    pub(crate) fn new(inner: T, activity: Arc<ConnectionActivity>) -> Self {
        Self {
            inner,
            activity,
            frames: Frames::new(),
            allowed_for: Instant::now(),
            written: 0,
        }
    }

    fn wrote(&mut self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.written += bytes;
            let frames = self.written / WRITTEN_FOR_FRAME;
            self.written %= WRITTEN_FOR_FRAME;
            self.frames.allow(u32::try_from(frames).unwrap_or(u32::MAX));
        }
    }

    fn count_frames(&mut self, bytes: &[u8]) -> io::Result<()> {
        let seconds = self.allowed_for.elapsed().as_secs();
        if seconds > 0 {
            self.allowed_for += Duration::from_secs(seconds);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.frames.allow(seconds.saturating_mul(FOR_SECOND));
        }
        let counted = self.frames.count_frames(bytes);
        self.activity.set_receiving_head(self.frames.is_in_head());
        counted.ok_or_else(|| io::Error::other("too many frames beside requests"))
    }
}

/// The position in the stream, and the rest of the budget.
#[derive(Debug)]
struct Frames {
    /// Bytes to skip before the next frame header.
    skip: usize,
    head: [u8; FRAME_HEAD],
    /// Bytes of the frame header that have been read.
    seen: usize,
    /// `true` if the current frame is part of a request's head (HEADERS or CONTINUATION).
    is_of_head: bool,
    /// `true` if the current frame has the flag [`END_HEADERS`].
    ends_head: bool,
    allowance: u32,
}

impl Frames {
    const fn new() -> Self {
        Self {
            skip: PREFACE,
            head: [0; FRAME_HEAD],
            seen: 0,
            is_of_head: false,
            ends_head: false,
            allowance: ALLOWANCE,
        }
    }

    /// Reads on in the stream. `None` if the budget is exhausted.
    fn count_frames(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let (now, later) = bytes.split_at(bytes.len().min(FRAME_HEAD - self.seen));
            self.head[self.seen..][..now.len()].copy_from_slice(now);
            self.seen += now.len();
            bytes = later;
            if self.seen == FRAME_HEAD {
                self.seen = 0;
                self.count()?;
            }
        }
        Some(())
    }

    /// Counts the frame whose header is complete.
    fn count(&mut self) -> Option<()> {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.is_of_head = matches!(kind, HEADERS | CONTINUATION);
        self.ends_head = flags & END_HEADERS != 0;
        match kind {
            HEADERS => self.allow(FOR_REQUEST),
            // The h2 crate bounds these.
            DATA | CONTINUATION => {}
            _ => self.allowance = self.allowance.checked_sub(1)?,
        }
        Some(())
    }

    /// `true` while a frame header or the head of a request is incomplete.
    const fn is_in_head(&self) -> bool {
        self.seen > 0 || (self.is_of_head && (self.skip > 0 || !self.ends_head))
    }

    /// Adds `frames` to the budget, up to [`ALLOWANCE`].
    fn allow(&mut self, frames: u32) {
        self.allowance = self.allowance.saturating_add(frames).min(ALLOWANCE);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for FrameBudget<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let budget = self.get_mut();
        let start = out.filled().len();
        ready!(Pin::new(&mut budget.inner).poll_read(cx, out))?;
        Poll::Ready(budget.count_frames(&out.filled()[start..]))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for FrameBudget<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let budget = self.get_mut();
        let result = Pin::new(&mut budget.inner).poll_write(cx, bytes);
        budget.wrote(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let budget = self.get_mut();
        let result = Pin::new(&mut budget.inner).poll_write_vectored(cx, slices);
        budget.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::connection_activity::{Activity, IDLE_TIMEOUT};

    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn budget() -> FrameBudget<()> {
        FrameBudget::new((), Arc::new(ConnectionActivity::start(IDLE_TIMEOUT)))
    }

    /// A head in several pieces and an incomplete frame count as arriving from their first byte.
    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_in_pieces_is_told() {
        let mut budget = budget();
        let mut tell = |bytes: &[u8]| {
            assert!(budget.count_frames(bytes).is_ok());
            budget.activity.activity()
        };
        assert_eq!(tell(&[PING; PREFACE]), Activity::Idle);
        assert_eq!(tell(&frame(SETTINGS, 0)), Activity::Idle);
        let headers = frame(HEADERS, 50);
        for (piece, expected) in [
            (&headers[..1], Activity::ReceivingHead),
            (&headers[1..20], Activity::ReceivingHead),
            (&headers[20..], Activity::ReceivingHead),
        ] {
            assert_eq!(tell(piece), expected);
        }
        let mut last = frame(CONTINUATION, 50);
        last[4] = END_HEADERS;
        assert_eq!(tell(&last[..40]), Activity::ReceivingHead);
        assert_eq!(tell(&last[40..]), Activity::Idle);
    }

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).expect("small").to_be_bytes();
        let head = [length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        // The payload looks like frame headers.
        [&head[..], &vec![PING; payload]].concat()
    }

    fn count_frames(frames: &[Vec<u8>], piece: usize) -> bool {
        let mut follower = Frames::new();
        let stream = [vec![PING; PREFACE], frames.concat()].concat();
        stream
            .chunks(piece)
            .all(|bytes| follower.count_frames(bytes).is_some())
    }

    #[test]
    fn frames_beside_requests_are_bounded_however_they_are_cut() {
        let allowed = vec![frame(PING, 8); ALLOWANCE as usize];
        let over = [&allowed[..], &[frame(0xbb, 0)]].concat();
        for piece in [1, 7, 4_096, usize::MAX] {
            assert!(count_frames(&allowed, piece));
            assert!(!count_frames(&over, piece));
        }
    }

    #[test]
    fn requests_bring_their_own() {
        let request = [
            vec![frame(HEADERS, 50), frame(CONTINUATION, 300), frame(DATA, 70_000)],
            vec![frame(PING, 8); FOR_REQUEST as usize],
        ];
        let requests = vec![request.concat(); 2 * ALLOWANCE as usize / FOR_REQUEST as usize].concat();
        assert!(count_frames(&requests, 10_000));
        // Requests save up no frames beyond the initial budget.
        let requests = vec![frame(HEADERS, 50); 1_000];
        let flood = vec![frame(PING, 8); ALLOWANCE as usize + 1];
        assert!(!count_frames(&[requests, flood].concat(), 10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_answer_has_room_to_be_asked_for() {
        let mut budget = budget();
        assert!(budget.count_frames(&[PING; PREFACE]).is_ok());
        for _ in 0..2 * ALLOWANCE {
            budget.wrote(&Poll::Ready(Ok(2 * WRITTEN_FOR_FRAME)));
            assert!(budget.count_frames(&frame(WINDOW_UPDATE, 4).repeat(2)).is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_to_pings_are_never_too_many() {
        let mut budget = budget();
        assert!(budget.count_frames(&[PING; PREFACE]).is_ok());
        for _ in 0..3 * ALLOWANCE {
            advance(Duration::from_secs(20)).await;
            assert!(budget.count_frames(&frame(PING, 8)).is_ok());
        }
        let at_once = frame(PING, 8).repeat(ALLOWANCE as usize + 1);
        assert!(budget.count_frames(&at_once).is_err());
    }
}
