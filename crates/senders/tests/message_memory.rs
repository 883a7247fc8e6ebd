//! Bounds the memory that reading a message takes, whatever a sender sends. The counting allocator is global, so this test is a
//! program of its own.

use std::fs;
use std::path::{Path, PathBuf};

use hookgate_domain::SenderFormat;
use hookgate_senders::{FormatOptions, Grouping, MAX_CHANGES, Payload, read_message};
use serde_json::Value;

/// Bytes of the largest body.
const BODY: usize = 256 * 1024;
/// Most bytes that reading may allocate at a time for each byte of a body.
const MOST_PER_BYTE: usize = 16;
/// Bytes that a body is counted as at least: the changes of a small one have a size of their own.
const SMALL_BODY: usize = 32 * 1024;

/// A body of about [`BODY`] bytes: `item` repeated between `start` and `end`.
fn body(start: &str, item: &str, end: &str) -> Vec<u8> {
    let count = (BODY - start.len() - end.len()) / item.len();
    format!("{start}{}{end}", item.repeat(count)).into()
}

/// Checks that no format takes more memory for this body than its size allows.
fn check(format: SenderFormat, body: &[u8], content_type: &str, path: &str) {
    let headers = [("content-type", content_type), ("x-github-event", "workflow_run")];
    for grouping in [Grouping::PerAlert, Grouping::PerGroup] {
        let options = FormatOptions {
            grouping,
            guess_status: true,
            ..FormatOptions::default()
        };
        let payload = Payload {
            path,
            ..Payload::new(body, &headers, BODY)
        };
        let taken = allocation_counter::measure(|| drop(read_message(format, &payload, &options)));
        let most = MOST_PER_BYTE * (body.len() + path.len()).max(SMALL_BODY);
        let beginning = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert!(
            taken.bytes_max <= u64::try_from(most).expect("a size"),
            "{format}: {} bytes for {} of {beginning}",
            taken.bytes_max,
            body.len()
        );
    }
}

#[test]
fn no_body_takes_much_memory() {
    let item = "{\"specversion\":\"1\",\"id\":1,\"source\":1,\"type\":1}";
    let alerts = ["{\"labels\":{\"a\":0}}"; MAX_CHANGES].join(",");
    let bodies = [
        body("[0", ",0", "]"),
        body("[{}", ",{}", "]"),
        body("{\"\":0", ",\"\":0", "}"),
        body("{\"\\n\":0", ",\"\\n\":0", "}"),
        body("{\"alerts\":[{}", ",{}", "]}"),
        body(
            "{\"status\":\"firing\",\"alerts\":[0",
            ",{\"labels\":{\"a\":0}}",
            "]}",
        ),
        format!("{{\"status\":\"firing\",\"groupKey\":1,\"alerts\":[{alerts}]}}").into(),
        body(
            "{\"status\":\"firing\",\"groupKey\":\"k\",\"alerts\":[{\"labels\":{\"\":0",
            ",\"\":0",
            "}}]}",
        ),
        body(
            "{\"status\":\"firing\",\"groupKey\":\"k\",\"alerts\":[{\"labels\":{\"a\":\"",
            "\\n",
            "\"}}]}",
        ),
        body("{\"text\":\"", "x ", "\"}"),
        body("{\"text\":\"t\",\"blocks\":[{}", ",{}", "]}"),
        body("{\"text\":\"t\",\"attachments\":[{\"fields\":[0", ",0", "]}]}"),
        body(
            "{\"event_action\":\"trigger\",\"payload\":{\"summary\":\"s\",\"custom_details\":{\"\":0",
            ",\"\":0",
            "}}}",
        ),
        body("{\"Type\":\"Notification\",\"Message\":\"[0", ",0", "]\"}"),
        body(&format!("[{item}"), &format!(",{item}"), "]"),
        body("payload=[0", ",0", "]"),
        body("payload=%5B0", "%2C0", "%5D"),
        body("a", "&a", ""),
    ];
    for format in SenderFormat::ALL {
        for body in &bodies {
            check(*format, body, "application/x-www-form-urlencoded", "");
        }
        let parts = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
        check(
            *format,
            &body("", parts, "--b--"),
            "multipart/form-data; boundary=b",
            "",
        );
        check(
            *format,
            b"",
            "",
            &body("v2/alerts/", "%61", "/close")
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>(),
        );
    }
}

/// Bodies of real shapes, with each of their lists and objects filled up to the largest body.
#[test]
fn no_sample_that_grows_takes_much_memory() {
    let bodies = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bodies");
    for format in SenderFormat::ALL {
        for path in files(&bodies.join(format.as_str())) {
            let text = fs::read(&path).expect("a file");
            let Ok(sample) = serde_json::from_slice::<Value>(&text) else {
                continue;
            };
            let mut at = 0;
            loop {
                let mut grown = sample.clone();
                if !grow(&mut grown, &mut at.clone(), text.len()) {
                    break;
                }
                check(*format, grown.to_string().as_bytes(), "application/json", "");
                at += 1;
            }
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("a file").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect()
}

/// Fills the list or object with this number, in the order of the text. `false` if there are not as many.
fn grow(value: &mut Value, number: &mut usize, size: usize) -> bool {
    if !value.is_array() && !value.is_object() {
        return false;
    }
    if *number == 0 {
        let rest = BODY - size.min(BODY);
        match value {
            Value::Array(items) => {
                let first = items.first().cloned().unwrap_or_default();
                let count = rest / (first.to_string().len() + 1);
                items.extend(std::iter::repeat_n(first, count));
            }
            Value::Object(map) => {
                let names = (0..rest / 8).map(|index| (format!("{index:x}"), Value::from(0)));
                map.extend(names);
            }
            _ => {}
        }
        return true;
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| grow(item, number, size)),
        Value::Object(map) => map.values_mut().any(|item| grow(item, number, size)),
        _ => false,
    }
}
