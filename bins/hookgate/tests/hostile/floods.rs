//! Floods of HTTP/2 frames that cost the sender less than the receiver.

use crate::attackers::{Tally, again_and_again};
use crate::frames::{
    END_HEADERS, END_STREAM, Kind, LARGEST, LAST_INDEXED, field, frame, indexed_field, post_block,
};
use crate::stage::{Target, attack};

/// `ENHANCE_YOUR_CALM` of RFC 9113 section 7, as everything below.
const CALM: u32 = 0xb;
/// `COMPRESSION_ERROR`.
const COMPRESSION: u32 = 0x9;

/// Frames written at once.
const BURST: u32 = 200;

/// The number of the `index`th stream of a client.
const fn stream(index: u32) -> u32 {
    1 + 2 * index
}

/// The frames of a burst, from the numbers of its streams.
fn streams(burst: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (burst * BURST..(burst + 1) * BURST)
        .flat_map(|index| frames(stream(index)))
        .collect()
}

/// Floods with copies of one frame.
fn the_same(name: &str, one: &[u8]) -> Tally {
    let burst = one.repeat(BURST as usize);
    attack(name, |target| {
        again_and_again(target, move |peer, _| {
            let burst = burst.clone();
            async move { peer.flood(|_| burst.clone()).await }
        })
    })
}

/// Floods with frames of new streams.
fn new_streams(name: &str, frames: impl Fn(&Target, u32) -> Vec<u8> + Copy + Send + Sync + 'static) -> Tally {
    attack(name, move |target| {
        again_and_again(target, move |peer, target| async move {
            let burst = |number| streams(number, |stream| frames(&target, stream));
            peer.flood(burst).await
        })
    })
}

/// The head of a POST with these flags, followed by copies of one frame.
fn after_a_head(name: &str, flags: u8, more: Vec<u8>) -> Tally {
    attack(name, move |target| {
        again_and_again(target, move |peer, target| {
            let more = more.clone();
            let head = frame(Kind::Headers, flags, 1, &post_block(&target.path));
            async move {
                let burst = |number| if number == 0 { &head } else { &more }.clone();
                peer.flood(burst).await
            }
        })
    })
}

/// CVE-2023-44487.
#[test]
fn rapid_reset() {
    let tally = new_streams("rapid reset", |target, stream| {
        let head = frame(Kind::Headers, END_HEADERS, stream, &post_block(&target.path));
        [head, frame(Kind::Reset, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    tally.was_thrown_out_with(&[CALM]);
}

/// CVE-2025-8671: frames that make the server reset the streams.
#[test]
fn made_you_reset() {
    let tally = new_streams("MadeYouReset", |target, stream| {
        let head = frame(Kind::Headers, END_HEADERS, stream, &post_block(&target.path));
        let too_wide = 0x7fff_ffff_u32.to_be_bytes();
        [head, frame(Kind::WindowUpdate, 0, stream, &too_wide)].concat()
    });
    tally.was_thrown_out_with(&[CALM]);
}

/// CVE-2024-27316 and similar: a header block that never ends.
#[test]
fn continuation() {
    let more = frame(Kind::Continuation, 0, 1, &field("x", &"y".repeat(LARGEST / 2)));
    after_a_head("CONTINUATION flood", 0, more).was_thrown_out_with(&[CALM, COMPRESSION]);
}

/// The same with empty frames.
#[test]
fn empty_continuation() {
    let more = frame(Kind::Continuation, 0, 1, &[]).repeat(BURST as usize);
    after_a_head("empty CONTINUATION flood", 0, more).was_thrown_out_with(&[CALM]);
}

/// CVE-2019-9515.
#[test]
fn settings() {
    let one = frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]);
    the_same("SETTINGS flood", &one).was_thrown_out_with(&[CALM]);
}

/// CVE-2019-9512.
#[test]
fn ping() {
    the_same("PING flood", &frame(Kind::Ping, 0, 0, &[0; 8])).was_thrown_out_with(&[CALM]);
}

/// CVE-2019-9513.
#[test]
fn priority() {
    let one = frame(Kind::Priority, 0, 1, &[0, 0, 0, 3, 7]);
    the_same("PRIORITY flood", &one).was_thrown_out_with(&[CALM]);
}

#[test]
fn window_update() {
    // Wider increments would overflow the window.
    let one = frame(Kind::WindowUpdate, 0, 0, &1_u32.to_be_bytes());
    the_same("WINDOW_UPDATE flood", &one).was_thrown_out_with(&[CALM]);
}

#[test]
fn unknown_frames() {
    let one = frame(Kind::Unknown, 0, 0, &[]);
    the_same("flood of unknown frames", &one).was_thrown_out_with(&[CALM]);
}

/// CVE-2019-9518.
#[test]
fn empty_data() {
    let more = frame(Kind::Data, 0, 1, &[]).repeat(BURST as usize);
    after_a_head("empty DATA flood", END_HEADERS, more).was_thrown_out_with(&[CALM]);
}

/// A header block of kilobytes that decodes to megabytes.
#[test]
fn hpack_bomb() {
    let tally = attack("HPACK bomb", |target| {
        again_and_again(target, |peer, target| async move {
            let flags = END_HEADERS | END_STREAM;
            let fuse = [post_block(&target.path), indexed_field("x", &"y".repeat(4_000))].concat();
            let bomb = [post_block(&target.path), vec![LAST_INDEXED; LARGEST - 200]].concat();
            peer.flood(|number| {
                let block = if number == 0 { &fuse } else { &bomb };
                frame(Kind::Headers, flags, stream(number), block)
            })
            .await
        })
    });
    tally.was_thrown_out_with(&[CALM]);
}

/// A peer that requests and reads no answer, with a window of zero.
#[test]
fn window_stall() {
    let tally = attack("window stall", |target| {
        again_and_again(target, |peer, target| async move {
            let shut = frame(Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 0]);
            let ask = |stream| {
                let flags = END_HEADERS | END_STREAM;
                frame(Kind::Headers, flags, stream, &post_block(&target.path))
            };
            let asked = [shut, streams(0, ask)].concat();
            peer.stall(&target, &asked).await
        })
    });
    assert!(tally.endured > 0, "{tally:?}");
}
