//! HTTP/2 frames by hand (RFC 9113 section 4.1, RFC 7541), including those that no library would write.

/// The connection preface of a client, with an empty SETTINGS frame.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Bytes of a frame before its payload.
pub(crate) const HEAD: usize = 9;

/// The largest payload that every peer must accept.
pub(crate) const LARGEST: usize = 16_384;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const ACK: u8 = 1;

/// The types of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Data = 0,
    Headers = 1,
    Priority = 2,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
    /// An unknown type, which must be ignored.
    Unknown = 0xbb,
}

/// A frame.
pub(crate) fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind as u8, flags], &stream.to_be_bytes()];
    [&head.concat(), payload].concat()
}

/// The header block of a POST to this path.
pub(crate) fn post_block(path: &str) -> Vec<u8> {
    post_block_to("localhost", path)
}

/// The same for another authority.
pub(crate) fn post_block_to(authority: &str, path: &str) -> Vec<u8> {
    // `:method: POST` and `:scheme: https` are in the static table, and so are the names of `:path` and `:authority`.
    let mut block = vec![0x83, 0x87, 0x04];
    block.extend(text(path));
    block.push(0x01);
    block.extend(text(authority));
    block
}

/// A literal field that is not added to the dynamic table.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0x00], &text(name)[..], &text(value)].concat()
}

/// A field that is added to the receiver's dynamic table.
pub(crate) fn indexed_field(name: &str, value: &str) -> Vec<u8> {
    [&[0x40], &text(name)[..], &text(value)].concat()
}

/// Reference to the last added field, in one byte.
pub(crate) const LAST_INDEXED: u8 = 0x80 | 0x3E;

/// An uncompressed string with its length.
fn text(text: &str) -> Vec<u8> {
    const PREFIX: usize = 0x7f;
    let mut bytes = Vec::new();
    match text.len().checked_sub(PREFIX) {
        None => bytes.push(u8::try_from(text.len()).unwrap()),
        Some(mut rest) => {
            bytes.push(0x7f);
            while rest >= 0x80 {
                bytes.push(0x80 | u8::try_from(rest % 0x80).unwrap());
                rest /= 0x80;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[test]
fn lengths_are_written_as_the_standard_shows() {
    assert_eq!(
        frame(Kind::Ping, ACK, 0, b"12345678"),
        b"\0\0\x08\x06\x01\0\0\0\x0012345678"
    );
    assert_eq!(text("a"), b"\x01a");
    // RFC 7541 appendix C.1.2 has 1337 in five bits; this is the same in seven.
    assert_eq!(text(&"x".repeat(1337))[..3], [0x7f, 0xba, 0x09]);
}
