//! Messages of tools: a body that is read changes what its format allows, and its shape makes no difference.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use hookgate_domain::{ChangeAction, SenderFormat};
use hookgate_senders::{
    FormatOptions, Grouping, MAX_CHANGES, Message, Payload, PayloadError, read_message, recognise,
};

/// Most bytes of a body.
const MAX_BYTES: usize = 64 * 1024;
/// The content types that the second byte of the data chooses from.
const TYPES: [&str; 4] = [
    "application/json",
    FORM,
    "multipart/form-data; boundary=b",
    "text/plain",
];
const FORM: &str = "application/x-www-form-urlencoded";

/// Reads a body in a format. The first byte of the data chooses the format, the second the content type and the options.
pub fn message(data: &[u8]) {
    let [format, chosen, body @ ..] = data else {
        return;
    };
    let format = SenderFormat::ALL[usize::from(*format) % SenderFormat::ALL.len()];
    let options = FormatOptions {
        grouping: if chosen & 4 == 0 {
            Grouping::PerAlert
        } else {
            Grouping::PerGroup
        },
        guess_status: chosen & 8 != 0,
        ..FormatOptions::default()
    };
    // The rest of the path is what the body begins with, up to its first line break.
    let (path, body) = match body.iter().position(|byte| *byte == b'\n') {
        Some(end) if chosen & 16 != 0 => (str::from_utf8(&body[..end]).unwrap_or_default(), &body[end + 1..]),
        _ => ("", body),
    };
    let headers = [
        ("content-type", TYPES[usize::from(chosen & 3)]),
        ("x-github-event", EVENTS[usize::from(chosen >> 5)]),
    ];
    let payload = Payload {
        path,
        query: Some(path),
        ..Payload::new(body, &headers, MAX_BYTES)
    };
    let read = read_message(format, &payload, &options);
    assert_eq!(read, read_message(format, &payload, &options), "read twice");
    match read {
        Ok(message) => changes(format, &message),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let _ = recognise(&payload);
}

/// The events of GitHub that the second byte chooses from.
const EVENTS: [&str; 8] = [
    "workflow_run",
    "check_run",
    "workflow_job",
    "deployment_status",
    "status",
    "dependabot_alert",
    "ping",
    "push",
];

fn changes(format: SenderFormat, message: &Message) {
    assert!(message.changes.len() <= MAX_CHANGES);
    for change in &message.changes {
        let opens = change.action == ChangeAction::Open;
        assert!(!opens || change.draft.title().is_some(), "{format}: no title");
        // The format `custom` resolves by the status alone.
        let has_key = change.draft.dedup_key().is_some() || format == SenderFormat::Custom;
        assert!(opens || has_key, "{format}: no incident to change");
        assert_eq!(change.draft.resolves(), change.action == ChangeAction::Resolve);
    }
}

/// A form is read without a panic, and JSON in a field of it like the JSON itself.
pub fn form(data: &[u8]) {
    let _ = read(data, FORM);
    if let Some(json) = json(data) {
        let fields = [("a", "b"), ("payload", json)];
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        assert_eq!(read(body.as_bytes(), FORM), read(data, TYPES[0]));
    }
}

/// A body in parts is read without a panic, and JSON in a part of it like the JSON itself.
pub fn multipart(data: &[u8]) {
    let raw = [b"--b\r\n", data].concat();
    let _ = read(&raw, TYPES[2]);
    if let Some(json) = json(data)
        && !json.contains("\r\n--b")
    {
        let body = format!("--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{json}\r\n--b--\r\n");
        assert_eq!(read(body.as_bytes(), TYPES[2]), read(data, TYPES[0]));
    }
}

/// A compressed body is read like the body itself, and a broken one without a panic.
pub fn gzip(data: &[u8]) {
    let raw = [b"\x1F\x8B\x08\0\0\0\0\0\0\x03", data].concat();
    let _ = read(&raw, TYPES[0]);
    // A body that is compressed twice is read as the inner file, which is no text.
    if data.starts_with(b"\x1F\x8B") {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a vector does not fail.
    let body = encoder.write_all(data).and_then(|()| encoder.finish());
    let body = body.expect("a compressed body");
    for content_type in TYPES {
        assert_eq!(read(&body, content_type), read(data, content_type));
    }
}

/// JSON that is read in a field of a form as it is read as a body: text that begins with a bracket, and has no zeros by which
/// a body is recognised as UTF-16.
fn json(data: &[u8]) -> Option<&str> {
    let text = str::from_utf8(data).ok()?;
    let is_plain = !data[..data.len().min(4)].contains(&0) && data.len() <= MAX_BYTES / 8;
    (text.starts_with(['{', '[']) && is_plain).then_some(text)
}

fn read(body: &[u8], content_type: &str) -> Result<Message, PayloadError> {
    let headers = [("content-type", content_type)];
    let payload = Payload::new(body, &headers, MAX_BYTES);
    read_message(SenderFormat::Alertmanager, &payload, &FormatOptions::default())
}
