//! Mappings of payloads: whatever the templates and the payload are, the result is bounded and the same each time.

use hookgate_domain::{ChangeAction, SenderFormat};
use hookgate_senders::{MAX_CHANGES, Mapping, Message, Payload, Preview, preset};

const MAX_BYTES: usize = 256 * 1024;
/// Most failed templates that a preview lists.
const MAX_ERRORS: usize = 100;

/// Maps a payload. A zero byte separates the text of the mapping from the payload; without a text, all presets are used.
pub fn mapping(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == 0) else {
        return;
    };
    let (text, body) = (&data[..end], &data[end + 1..]);
    if text.is_empty() {
        for mapping in SenderFormat::ALL.iter().filter_map(|format| preset(*format)) {
            mapped(mapping, body);
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    match Mapping::parse(text) {
        Ok(mapping) => {
            assert_eq!(mapping.text(), text);
            mapped(&mapping, body);
        }
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(
                error.line.is_none_or(|line| (1..=lines).contains(&line)),
                "{error}"
            );
        }
    }
}

fn mapped(mapping: &Mapping, body: &[u8]) {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let payload = Payload::new(body, &headers, MAX_BYTES);
    let preview = mapping.preview(&payload);
    assert_eq!(preview, mapping.preview(&payload), "mapped twice");
    let Preview { message, errors } = preview;
    assert!(errors.len() <= MAX_ERRORS);
    if let Ok(message) = message {
        within_bounds(&message);
    }
}

fn within_bounds(message: &Message) {
    assert!(message.changes.len() <= MAX_CHANGES);
    for change in &message.changes {
        let opens = change.action == ChangeAction::Open;
        assert!(!opens || change.draft.title().is_some());
        assert!(opens || change.draft.dedup_key().is_some());
        assert_eq!(change.draft.resolves(), change.action == ChangeAction::Resolve);
    }
}
