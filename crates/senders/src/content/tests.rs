//! Shapes of bodies: what is read, what is refused, and that all is bounded.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// A limit that only the tests about it reach.
const LIMIT: usize = 64 * 1024;

/// The body as a format reads it: the field `title` of JSON or of a form.
fn title(body: &[u8], content_type: &str) -> Result<Option<String>, PayloadError> {
    let headers = [("Content-Type", content_type)];
    let payload = Payload::new(body, &headers, LIMIT);
    let body = decompressed(&payload)?;
    let content = Content::of(&body, &payload)?;
    Ok(content.text("title").map(Into::into))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn json_is_read_whatever_its_type() {
    for content_type in ["application/json", "text/plain", FORM, "multipart/form-data", ""] {
        let read = title("\u{FEFF} {\"title\":\" Größe \"}".as_bytes(), content_type);
        assert_eq!(read, Ok(Some("Größe".to_owned())), "{content_type}");
    }
}

#[test]
fn forms_are_read_and_the_json_in_them() {
    for (body, expected) in [
        (
            "title=Disk+full%3A+gr%C3%B6%C3%9Fe&type=failure",
            Some("Disk full: größe"),
        ),
        (
            "payload=++%7B%22title%22%3A%22in+the+field%22%7D",
            Some("in the field"),
        ),
        (
            "title=x&data=%7B%22title%22%3A%22in+the+field%22%7D",
            Some("in the field"),
        ),
        ("title=x&data=text", Some("x")),
        ("title=%20&title=second", None),
        ("other=1", None),
    ] {
        assert_eq!(
            title(body.as_bytes(), FORM),
            Ok(expected.map(str::to_owned)),
            "{body}"
        );
    }
    assert_eq!(title(b"payload={\"title\":\"t\"}", ""), Ok(Some("t".to_owned())));
    assert!(matches!(
        title(b"payload={\"title\"", FORM),
        Err(PayloadError::Json(_))
    ));
}

#[test]
fn parts_are_read_without_files() {
    let body = concat!(
        "--x y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\ntitle\r\n",
        "--x y\r\ncontent-disposition: form-data; name=title\r\nContent-Type: text/plain\r\n\r\nGröße\r\n2\r\n",
        "--x y--\r\n",
    );
    let content_type = "multipart/form-data; boundary=\"x y\"";
    assert_eq!(
        title(body.as_bytes(), content_type),
        Ok(Some("Größe\r\n2".to_owned()))
    );
    for end in 0..body.len() - 4 {
        if body.is_char_boundary(end) {
            assert!(title(&body.as_bytes()[..end], content_type).is_err(), "{end}");
        }
    }
    for content_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        "multipart/mixed; boundary=\"x y\"",
    ] {
        let read = title(body.as_bytes(), content_type);
        assert_eq!(read, Err(PayloadError::OtherKind), "{content_type}");
    }
}

#[test]
fn other_kinds_are_refused() {
    for body in ["<?xml version='1.0'?><a/>", "title: yaml", "--", "7up"] {
        assert_eq!(
            title(body.as_bytes(), "application/xml"),
            Err(PayloadError::OtherKind),
            "{body}"
        );
    }
    assert!(matches!(title(b"", "text/plain"), Err(PayloadError::Json(_))));
    assert!(matches!(
        title(b"nothing", "application/problem+json"),
        Err(PayloadError::Json(_))
    ));
}

#[test]
fn compressed_bodies_are_read_up_to_the_limit() {
    assert_eq!(
        title(&gzip(b"{\"title\":\"t\"}"), "application/json"),
        Ok(Some("t".to_owned()))
    );
    assert_eq!(title(&gzip(b"title=t"), FORM), Ok(Some("t".to_owned())));
    let mut fits = b"{\"title\":\"t\"}".to_vec();
    fits.resize(LIMIT, b' ');
    assert_eq!(title(&gzip(&fits), ""), Ok(Some("t".to_owned())));
    let bomb = gzip(&vec![b' '; 100 * LIMIT]);
    assert!(bomb.len() < LIMIT);
    assert_eq!(title(&bomb, ""), Err(PayloadError::TooLarge { limit: LIMIT }));
    let broken = &gzip(b"{\"title\":\"t\"}")[..12];
    assert_eq!(title(broken, ""), Err(PayloadError::OtherKind));
}

#[test]
fn a_form_of_many_fields_is_read_to_its_bound() {
    let body = "a=1&".repeat(form::MAX_FIELDS) + "title=t";
    assert_eq!(title(body.as_bytes(), FORM), Ok(None));
}

proptest! {
    #[test]
    fn no_body_makes_a_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(vec![&b""[..], b"--b\r\n", b"payload=", b"\x1F\x8B\x08\0\0\0\0\0\0\x03", b"{"]),
        content_type in prop::sample::select(vec!["", FORM, "multipart/form-data; boundary=b", "application/json"]),
    ) {
        let body = [start, &body].concat();
        let _ = title(&body, content_type);
    }

    #[test]
    fn a_form_says_what_was_put_into_it(fields in prop::collection::vec((".{0,9}", ".{0,9}"), 0..9)) {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let form = form::parse(body.as_bytes());
        let read: Vec<_> = form.fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        prop_assert_eq!(read, fields);
    }

    #[test]
    fn compressed_text_is_the_text(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let body = gzip(&text);
        let payload = Payload::new(&body, &[("", ""); 0], LIMIT);
        let plain = decompressed(&payload);
        prop_assert_eq!(&*plain.unwrap(), &*text);
    }
}
