//! The presets against the kinds of bodies that each must have.

use super::bodies::samples;
use super::*;

/// Tools that never say that a problem is over.
const NEVER_RESOLVE: [SenderFormat; 3] = [
    SenderFormat::Graylog,
    SenderFormat::ElastAlert,
    SenderFormat::OpenObserve,
];

fn presets() -> impl Iterator<Item = SenderFormat> {
    formats().filter(|format| preset(*format).is_some())
}

/// The message of the body with this name, which has no extension.
fn read(format: SenderFormat, kind: &str) -> Message {
    let is_wanted = |name: &str| name.rsplit_once('.').is_some_and(|(name, _)| name == kind);
    let sample = samples(format).iter().find(|sample| is_wanted(&sample.name));
    let sample = sample.unwrap_or_else(|| panic!("{format} has no body {kind}"));
    sample
        .read_as(format, &FormatOptions::default())
        .unwrap_or_else(|error| panic!("{format} {kind}: {error:?}"))
}

fn keys(message: &Message) -> Vec<Option<&str>> {
    message
        .changes
        .iter()
        .map(|change| change.draft.dedup_key())
        .collect()
}

#[test]
fn every_preset_opens_and_resolves_the_same_incident() {
    for format in presets() {
        let firing = read(format, "firing");
        assert_eq!(firing.changes[0].action, ChangeAction::Open, "{format}");
        assert!(firing.changes[0].draft.dedup_key().is_some(), "{format}");
        assert_eq!(firing.changes[0].draft.notes(), [], "{format}");
        if NEVER_RESOLVE.contains(&format) {
            continue;
        }
        let resolved = read(format, "resolved");
        assert_eq!(resolved.changes[0].action, ChangeAction::Resolve, "{format}");
        assert_eq!(keys(&resolved), keys(&firing), "{format}");
        assert_eq!(resolved.changes[0].draft.notes(), [], "{format}");
    }
}

#[test]
fn no_test_message_of_a_preset_opens_an_incident() {
    for format in presets() {
        assert_eq!(read(format, "test").changes, [], "{format}");
    }
}

#[test]
fn every_preset_has_a_hostile_body() {
    for format in presets() {
        assert!(
            samples(format)
                .iter()
                .any(|sample| sample.name.starts_with("hostile.")),
            "{format}"
        );
    }
}

#[test]
fn no_template_of_a_preset_fails_with_bodies_of_its_tool() {
    for format in presets() {
        let mapping = preset(format).unwrap();
        for sample in samples(format)
            .iter()
            .filter(|sample| !sample.name.starts_with("hostile."))
        {
            let errors = mapping.preview(&sample.payload(&sample.body)).errors;
            let unexpected = errors
                .iter()
                .filter(|(_, error)| error.field.as_deref() != Some("title"));
            assert_eq!(unexpected.count(), 0, "{format} {}: {errors:?}", sample.name);
        }
    }
}
