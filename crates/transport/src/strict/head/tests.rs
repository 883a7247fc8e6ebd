//! Tests of the check of heads, and the comparison with a general parser behind the same rules.

use std::mem::MaybeUninit;

use proptest::prelude::*;

use super::*;

fn framing_of(fields: &str) -> Result<Framing, RefusalCode> {
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    judge(head.as_bytes()).map(|sound| {
        assert_eq!(sound.length, head.len());
        sound.framing
    })
}

#[test]
fn the_body_follows_from_the_head() {
    assert_eq!(framing_of(""), Ok(Framing::EMPTY));
    assert_eq!(framing_of("Content-Length: 12\r\n"), Ok(Framing::length(12)));
    assert_eq!(framing_of("content-length:0\r\n"), Ok(Framing::EMPTY));
    assert_eq!(
        framing_of("Transfer-Encoding: Chunked\r\n"),
        Ok(Framing::chunked())
    );
}

#[test]
fn a_length_has_an_end() {
    assert!(framing_of(&format!("content-length: {}\r\n", "9".repeat(18))).is_ok());
    assert!(framing_of(&format!("content-length: {}\r\n", "9".repeat(19))).is_err());
}

#[test]
fn the_number_of_fields_is_bounded() {
    let fields = |count: usize| "x: y\r\n".repeat(count - 1);
    assert!(framing_of(&fields(MAX_HEADERS)).is_ok());
    assert_eq!(
        framing_of(&fields(MAX_HEADERS + 1)),
        Err(RefusalCode::HeadersTooLarge)
    );
}

#[test]
fn the_bytes_of_a_target_are_these() {
    let allowed = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?%[]{}|";
    for byte in 0..=u8::MAX {
        assert_eq!(is_target_byte(byte), allowed.contains(&byte), "{byte}");
    }
}

/// The reference: httparse, with the rules for fields and target on its result. `head` ends with its empty line.
fn reference(head: &[u8]) -> Result<Framing, RefusalCode> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut slots) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(RefusalCode::HeadersTooLarge),
        Ok(_) | Err(_) => return Err(RefusalCode::BadRequest),
    }
    reference_framing(&request).ok_or(RefusalCode::BadRequest)
}

fn reference_framing(request: &httparse::Request<'_, '_>) -> Option<Framing> {
    let only = |name: &str| {
        let mut found = request
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        let first = found.next();
        found.next().is_none().then_some(first.map(|header| header.value))
    };
    let (method, target) = (request.method?, request.path?.as_bytes());
    let host = only("host")??;
    let has_upgrade = request
        .headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("upgrade"));
    let sound = !matches!(method, "CONNECT" | REJECTION_METHOD)
        && !has_upgrade
        && authority::is_sound(host)
        && target_is_sound(method.as_bytes(), target, host);
    if !sound {
        return None;
    }
    match (only("content-length")?, only("transfer-encoding")?) {
        (None, None) => Some(Framing::EMPTY),
        (Some(length), None) => body_length(length).map(Framing::length),
        (None, Some(coding)) => {
            (request.version == Some(1) && coding.eq_ignore_ascii_case(b"chunked")).then(Framing::chunked)
        }
        (Some(_), Some(_)) => None,
    }
}

/// The end of the head at the start of `bytes`, as the inspector finds it line by line. `None` if it has no end, or a
/// line ends with a bare `\n`.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_first = length == 0;
        length += line.len();
        if !line.ends_with(b"\r\n") {
            return None;
        }
        if line.len() == 2 && !is_first {
            return Some(length);
        }
    }
    None
}

/// The check agrees with the reference, whatever follows the head.
#[track_caller]
fn agrees(bytes: &[u8]) -> Result<SoundHead, RefusalCode> {
    let found = judge(bytes);
    let shown = bytes.escape_ascii();
    match end(bytes) {
        Some(length) => {
            let framing = reference(&bytes[..length]);
            assert_eq!(
                found,
                framing.map(|framing| SoundHead { length, framing }),
                "{shown}"
            );
            assert_eq!(judge(&bytes[..length]), found, "{shown}");
        }
        None => assert!(found.is_err(), "{shown}"),
    }
    found
}

#[test]
fn every_byte_in_every_place_is_judged_as_by_the_reference() {
    let head =
        b"\r\nPUT /a?b HTTP/1.1\r\nHost: a.b:1\r\nX-y:\t z \r\nContent-Length: 12\r\nupgradE:\r\n\r\nPOST";
    let host = b"GET https://a/ HTTP/1.0\r\nhost:a\r\ntransfer-encoding:chunked\r\n\r\n";
    // Longer than the stretches in which bytes are compared.
    let long = b"GET /abcdefghijklmnop?qrstuvwxyz0123456789 HTTP/1.1\r\nhost:a\r\nx: abcdefghijklmnopqrstuvwxyz0123456789\r\n\r\n";
    for head in [&head[..], &host[..], &long[..]] {
        for place in 0..head.len() {
            for byte in 0..=u8::MAX {
                let mut changed = head.to_vec();
                changed[place] = byte;
                let _ = agrees(&changed);
                changed.insert(place, byte);
                let _ = agrees(&changed);
            }
            let mut shorter = head.to_vec();
            shorter.remove(place);
            let _ = agrees(&shorter);
            let _ = agrees(&head[..place]);
        }
    }
}

#[test]
fn too_many_fields_are_judged_as_by_the_reference() {
    for request in [
        "GET / HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET / a HTTP/1.1",
        "GET /\ta HTTP/1.1",
        "GET  HTTP/1.1",
        "CONNECT / HTTP/1.0",
        "GET /",
        "G@T / HTTP/1.1",
    ] {
        for (count, last) in [
            (63, "a: b"),
            (64, "a: b"),
            (64, "a b"),
            (64, "a: \u{1}"),
            (65, "a b"),
            (70, "\u{1}"),
        ] {
            for first in ["host: a", "upgrade: a", "host: a\r\nhost: a"] {
                let fields = "x: y\r\n".repeat(count - 1);
                let _ = agrees(format!("{request}\r\n{first}\r\n{fields}{last}\r\n\r\n").as_bytes());
            }
        }
    }
    let _ = agrees(b"GET /\xFF HTTP/1.1\r\n\r\n");
    let many = [&b"GET /\xFF HTTP/1.1\r\n"[..], &b"x: y\r\n".repeat(70), b"\r\n"].concat();
    assert_eq!(agrees(&many), Err(RefusalCode::BadRequest));
}

/// Parts that make sound and nearly sound heads.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec![
        "GET", "POST", "OPTIONS", "CONNECT", "REFUSED", "post", "P T", "",
    ]);
    let target = prop::sample::select(vec![
        "/",
        "/a?b=[c]",
        "*",
        "https://a/",
        "HTTPS://A:443",
        "https://b",
        "http://a/",
        "/#",
        "/\\",
        "/\u{e9}",
        "",
    ]);
    let version = prop::sample::select(vec![
        "HTTP/1.1",
        "HTTP/1.0",
        "HTTP/1.2",
        "http/1.1",
        "HTTP/1.1 ",
        "",
    ]);
    let name = prop::sample::select(vec![
        "Host",
        "hOST",
        "Content-Length",
        "Transfer-Encoding",
        "Upgrade",
        "X-Any",
        "\rontent-length",
        "h@st",
        "Host ",
        " a",
        "",
    ]);
    let value = prop::sample::select(vec![
        "a",
        "a:443",
        "[::1]",
        "12",
        "012",
        "+1",
        "1,1",
        "chunked",
        "CHUNKED",
        "gzip, chunked",
        " \t",
        "a\tb",
        "\u{e9}",
        "a\rb",
        "\u{7f}",
        "",
    ]);
    let space = prop::sample::select(vec!["", " ", "\t", "  ", " \t"]);
    let line_end = prop::sample::select(vec![
        "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n",
    ]);
    let field = (
        name,
        prop::sample::select(vec![":", ":", ":", ":", " :", ""]),
        space.clone(),
        value,
        space,
        line_end.clone(),
    );
    let field = field.prop_map(|(name, colon, before, value, after, end)| {
        format!("{name}{colon}{before}{value}{after}{end}")
    });
    let sound = prop::sample::select(vec![
        "host: a\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "accept: */*\r\n",
    ]);
    let field = prop_oneof![3 => sound.prop_map(str::to_owned), 1 => field];
    let request_line = (method, target, version, line_end)
        .prop_map(|(method, target, version, end)| format!("{method} {target} {version}{end}"));
    let request_line = prop_oneof![4 => Just("POST / HTTP/1.1\r\n".to_owned()), 1 => request_line];
    let start = prop::sample::select(vec!["", "", "", "\r\n", "\n", "\r\n\r\n"]);
    (
        start,
        request_line,
        prop::collection::vec(field, 0..6),
        prop::sample::select(vec!["\r\n", "\r\n", "\r\nPOST / HTTP/1.1\r\n\r\n", "\n", ""]),
    )
        .prop_map(|(start, request, fields, end)| {
            [start, &request, &fields.concat(), end].concat().into_bytes()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_check_agrees_with_the_reference(
        mut head in heads(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        for (place, byte) in changes {
            let place = place.index(head.len() + 1);
            head.insert(place, byte);
        }
        let _ = agrees(&head);
    }

    #[test]
    fn the_check_agrees_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = agrees(&bytes);
    }
}
