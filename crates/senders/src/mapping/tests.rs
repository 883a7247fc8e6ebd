//! Mappings: what the check says, what templates make of payloads, and the bounds.

mod bounds;
mod oncall;

use hookgate_domain::ChangeAction;
use hookgate_domain::draft::{FieldError, Note, NoteCode};
use proptest::prelude::*;

use super::*;
use crate::message::{MAX_CHANGES, MessageKind};

const MAX_BYTES: usize = 256 * 1024;
const HEADERS: [(&str, &str); 1] = [("content-type", "application/json")];

/// The preview of a mapping, which must be valid, with a body.
fn preview(mapping: &str, body: &str) -> Preview {
    let mapping = Mapping::parse(mapping).unwrap_or_else(|error| panic!("{error}"));
    mapping.preview(&Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES))
}

/// The message of a mapping with a body, both of which must be valid.
fn message(mapping: &str, body: &str) -> Message {
    preview(mapping, body).message.unwrap()
}

/// A text as TOML. The escapes of JSON are TOML's, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The title that a template makes of a body.
fn title(template: &str, body: &str) -> Option<String> {
    let template = quoted(template);
    let preview = preview(&format!("title = {template}"), body);
    let message = preview.message.ok()?;
    message.changes[0].draft.title().map(str::to_owned)
}

/// The text of the error of a mapping.
fn fault(mapping: &str) -> String {
    Mapping::parse(mapping).unwrap_err().to_string()
}

#[test]
fn a_fault_names_the_field_and_the_line() {
    for (mapping, expected) in [
        ("", "title: it is missing"),
        (
            "title = '{{ a }}'\nseverty = 'high'",
            "line 2: unknown field `severty`",
        ),
        ("title = 7", "line 1: invalid type"),
        ("title = 'a'\ntitle = 'b'", "line 2: duplicate key"),
        ("title = '{{ a'", "line 1: title: syntax error"),
        (
            "\ntitle = '''\n{{ a }}\n{% if %}'''",
            "line 4: title: syntax error",
        ),
        (
            "title = '{{ a | shout }}'",
            "line 1: title: there is no filter `shout`",
        ),
        (
            "title = '{{ time() }}'",
            "line 1: title: there is no function `time`",
        ),
        (
            "title = '{{ debug() }}'",
            "line 1: title: there is no function `debug`",
        ),
        (
            "title = '{{ a.pop(1) }}'",
            "line 1: title: there is no method `pop`",
        ),
        (
            "title = '{{ \"{:>9}\".format(a) }}'",
            "line 1: title: there is no method `format`",
        ),
        (
            "title = '{% if a is fine %}{% endif %}'",
            "line 1: title: there is no test `fine`",
        ),
        (
            "title = '{% include \"/etc/passwd\" %}'",
            "line 1: title: syntax error",
        ),
        ("title = 'a'\nskip = 'a =='", "line 2: skip: syntax error"),
        ("title = 'a'\nitems = 'a['", "line 2: items: syntax error"),
        (
            "title = 'a'\n[metadata]\nb = '{{ c | dd }}'",
            "line 3: metadata.b: there is no filter `dd`",
        ),
    ] {
        assert!(
            fault(mapping).starts_with(expected),
            "{mapping}: {}",
            fault(mapping)
        );
    }
    // A line break that is no line of the mapping.
    assert!(fault(r#"title = "a\n{{ |""#).starts_with("line 1: title: syntax error"));
    let many: Vec<_> = (0..11).map(|n| format!("m{n} = 'a'\n")).collect();
    let expected = "line 13: metadata.m10: an incident has at most 10 of them";
    assert_eq!(
        fault(&format!("title = 'a'\n[metadata]\n{}", many.concat())),
        expected
    );
    let long = "a".repeat(MAX_TEMPLATE + 1);
    assert_eq!(
        fault(&format!("title = '{long}'")),
        "line 1: title: it has more than 16384 bytes"
    );
    assert_eq!(
        fault(&"#".repeat(MAX_MAPPING + 1)),
        "the mapping has more than 65536 bytes"
    );
}

#[test]
fn names_in_texts_comments_and_raw_blocks_are_no_faults() {
    for template in [
        "{{ 'a | shout' }}",
        "{# a | shout #}",
        "{% raw %}{{ a | shout }}{% endraw %}",
        "{{ \"}} | shout {{\" }}",
        "{{ a if (b) else (c) }}{{ not (a) and (b) }}",
        "{{ a.shout }} | shout(1)",
        "{% for a in b %}{{ loop.cycle('x', 'y') }}{% endfor %}",
        "{{ a is not defined }}{{ a is none }}{{ 1 is divisibleby(2) }}",
    ] {
        let text = quoted(template);
        assert_eq!(
            Mapping::parse(&format!("title = {text}")).err(),
            None,
            "{template}"
        );
    }
}

#[test]
fn templates_see_the_payload_and_the_item() {
    let mapping = r#"
        items = "{{ data.alarms }}"
        title = "{{ name }} {{ item.name }} {{ site }} {{ payload.site }} {{ query.env }}"
        key = "{{ id }}"
        delivery_id = "{{ message_id }}"
        [metadata]
        second = "{{ b }}"
        first = "{{ a }}"
    "#;
    let body = r#"{"site":"eu","name":"-","message_id":"m1","data":{"alarms":[{"id":1,"name":"A","a":1.50,"b":true},{"id":2}]}}"#;
    let mapping = Mapping::parse(mapping).unwrap();
    let payload = Payload {
        query: Some("env=prod"),
        ..Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES)
    };
    let message = mapping.preview(&payload).message.unwrap();
    let titles: Vec<_> = message
        .changes
        .iter()
        .map(|change| change.draft.title().unwrap())
        .collect();
    assert_eq!(titles, ["A A eu eu prod", "-  eu eu prod"]);
    assert_eq!(message.delivery_id.as_deref(), Some("m1"));
    assert_eq!(message.changes[1].draft.dedup_key(), Some("2"));
}

#[test]
fn a_list_has_an_item_each() {
    let message = message("title = '{{ item }}'", r#"["a", 2, "c"]"#);
    let titles: Vec<_> = message
        .changes
        .iter()
        .map(|change| change.draft.title().unwrap())
        .collect();
    assert_eq!(titles, ["a", "2", "c"]);
    let numbers: Vec<_> = (0..=MAX_CHANGES).map(|n| n.to_string()).collect();
    let too_many = preview("title = '{{ item }}'", &format!("[{}]", numbers.join(",")));
    assert_eq!(
        too_many.message,
        Err(PayloadError::TooManyAlerts { limit: MAX_CHANGES })
    );
}

#[test]
fn what_is_no_list_is_not_the_format() {
    for (items, body) in [
        ("a", "{}"),
        ("a", r#"{"a":"text"}"#),
        ("a.b", r#"{"a":[1]}"#),
        ("a", r#"{"a":null}"#),
    ] {
        let preview = preview(&format!("title = 'x'\nitems = '{items}'"), body);
        assert_eq!(
            preview.message,
            Err(PayloadError::NOT_THIS_FORMAT),
            "{items} {body}"
        );
        assert_eq!(
            preview.errors[0].1.field.as_deref(),
            Some("items"),
            "{items} {body}"
        );
    }
    assert_eq!(
        preview("title = 'x'", "7").message,
        Err(PayloadError::NOT_THIS_FORMAT)
    );
    assert_eq!(message("title = 'x'\nitems = 'a'", r#"{"a":[]}"#).changes, []);
}

#[test]
fn a_form_is_mapped_like_json() {
    let mapping = Mapping::parse(
        "title = '{{ Name }} {{ payload.Status }}'\nkey = '{{ Name }}'\nstatus = '{{ Status }}'",
    )
    .unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let payload = Payload::new(b"Name=Shop&Status=Down", &headers, MAX_BYTES);
    let message = mapping.preview(&payload).message.unwrap();
    assert_eq!(message.changes[0].draft.title(), Some("Shop Down"));
}

#[test]
fn the_status_decides_the_action() {
    let mapping =
        "title = 't'\nkey = 'k'\nstatus = '{{ status }}'\nresolved = 'over'\nacknowledged = '{{ seen }}'";
    for (body, action) in [
        (r#"{"status":"firing"}"#, ChangeAction::Open),
        (r#"{"status":"Up"}"#, ChangeAction::Resolve),
        (r#"{"status":"acked"}"#, ChangeAction::Acknowledge),
        (r#"{"status":"sideways"}"#, ChangeAction::Open),
        ("{}", ChangeAction::Open),
        (
            r#"{"status":"firing","over":"2025-11-30"}"#,
            ChangeAction::Resolve,
        ),
        (
            r#"{"status":"firing","over":null,"seen":true}"#,
            ChangeAction::Acknowledge,
        ),
        (r#"{"status":"firing","over":[],"seen":"0"}"#, ChangeAction::Open),
    ] {
        assert_eq!(message(mapping, body).changes[0].action, action, "{body}");
    }
    let preview = preview(mapping, r#"{"status":"sideways","seen":"maybe"}"#);
    let texts: Vec<_> = preview
        .errors
        .iter()
        .map(|(_, error)| error.to_string())
        .collect();
    assert_eq!(
        texts,
        [
            "line 5: acknowledged: `maybe` is neither true nor false",
            "line 3: status: `sideways` is no known word, so it counts as open"
        ]
    );
    let notes = [
        Note::new("status", NoteCode::WrongType),
        Note::word("status", NoteCode::UnknownWord, "sideways"),
    ];
    assert_eq!(preview.message.unwrap().changes[0].draft.notes(), notes);
}

#[test]
fn a_template_that_fails_is_left_out_with_a_note() {
    let mapping = "title = 't'\nkey = '{{ a + b }}'\ndescription = '{{ a | int }}'\n[metadata]\nm = '{{ a.b.c | first }}'\nn = '{{ a }}'";
    let preview = preview(mapping, r#"{"a":"x","b":1}"#);
    let fields: Vec<_> = preview
        .errors
        .iter()
        .map(|(item, error)| (*item, error.field.as_deref().unwrap()))
        .collect();
    assert_eq!(fields, [(0, "key"), (0, "description")]);
    let message = preview.message.unwrap();
    let notes = ["dedup_key", "description"].map(|field| Note::new(field, NoteCode::WrongType));
    assert_eq!(message.changes[0].draft.notes(), notes);
    assert_eq!(message.changes[0].draft.title(), Some("t"));
}

#[test]
fn only_a_missing_title_or_key_refuses() {
    let refused = preview("title = '{{ a | int }}'", r#"{"a":"x"}"#);
    let required = |field| Err(PayloadError::Fields(vec![FieldError::required(field)]));
    assert_eq!(refused.message, required("title"));
    assert_eq!(refused.errors[0].1.line, Some(1));
    assert_eq!(
        preview("title = ' {{ a }} '", r#"{"a":null}"#).message,
        required("title")
    );
    let refused = preview("title = '{{ a }}'\nstatus = 'ok'", "{}");
    assert_eq!(refused.message, required("dedup_key"));
    assert_eq!(refused.errors[0].1.field.as_deref(), Some("key"));
    // A resolved alert needs no title.
    let message = message("title = '{{ a }}'\nkey = 'k'\nstatus = 'ok'", "{}");
    assert_eq!(message.changes[0].draft.title(), None);
}

#[test]
fn test_messages_and_other_events_change_nothing() {
    let mapping = "items = 'a'\ntitle = 't'\ntest = 'kind == \"test\"'\nskip = 'kind == \"info\"'";
    let read = |kinds: &str| message(mapping, &format!(r#"{{"a":[{kinds}]}}"#));
    let (test, info, alert) = (r#"{"kind":"test"}"#, r#"{"kind":"info"}"#, r#"{"kind":"alert"}"#);
    assert_eq!(read(test).kind, MessageKind::Test);
    assert_eq!(read(test).notes, [Note::new("payload", NoteCode::TestMessage)]);
    assert_eq!(read(info).notes, [Note::new("payload", NoteCode::OtherEvent)]);
    assert_eq!(read(info).changes, []);
    let all = read(&format!("{test},{info},{alert}"));
    assert_eq!(
        (all.changes.len(), all.notes.len(), all.kind),
        (1, 0, MessageKind::Alerts)
    );
}

#[test]
fn values_are_written_as_they_were_sent() {
    let body = r#"{"n":null,"t":true,"i":-7,"u":18446744073709551615,"big":123456789012345678901234567890,"f":1.5,"s":" a\u00e9\n","o":{"b":[1,"x"]},"l":[]}"#;
    for (template, expected) in [
        ("{{ n }}|", "|"),
        ("{{ t }}", "true"),
        ("{{ i }}", "-7"),
        ("{{ u }}", "18446744073709551615"),
        ("{{ big }}", "123456789012345678901234567890"),
        ("{{ f }}", "1.5"),
        ("{{ f + i }}", "-5.5"),
        ("{{ s }}|", "a\u{e9}\n|"),
        ("{{ o }}", r#"{"b":[1,"x"]}"#),
        (
            "{{ o.b[1] }}{{ o.b[-1] }}{{ o.b | length }}{{ o['b'] | first }}",
            "xx21",
        ),
        ("{{ missing.a.b }}|{{ n.a }}|{{ l | length }}", "||0"),
        (
            "{% for key, value in o | items %}{{ key }}={{ value | join('+') }}{% endfor %}",
            "b=1+x",
        ),
        (
            "{% for key in payload %}{{ key }}{% if not loop.last %},{% endif %}{% endfor %}",
            "n,t,i,u,big,f,s,o,l",
        ),
        (
            "{{ 'i' in payload }}{{ 'z' in payload }}{{ 1 in o.b }}",
            "truefalsetrue",
        ),
        ("{{ o == payload.o }}{{ o == l }}", "truefalse"),
        ("{{ 'yes' if l else 'no' }}{{ 'yes' if o else 'no' }}", "noyes"),
        ("{{ o | tojson }}", r#"{"b": [1, "x"]}"#),
    ] {
        assert_eq!(title(template, body).as_deref(), Some(expected), "{template}");
    }
}

#[test]
fn a_payload_is_no_template() {
    let body = r#"{"a":"{{ 7 * 7 }}{% for i in range(9) %}<b>"}"#;
    assert_eq!(
        title("{{ a }}", body).as_deref(),
        Some("{{ 7 * 7 }}{% for i in range(9) %}<b>")
    );
}

#[test]
fn defects_of_the_json_are_noted() {
    let message = message("title = '{{ a }}'", r#"{"a":"x","a":"y"}"#);
    assert_eq!(message.notes, [Note::new("payload", NoteCode::DuplicateKey)]);
    assert_eq!(message.changes[0].draft.title(), Some("x"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_mapping_makes_a_panic(text in "\\PC{0,80}", template in "(\\{\\{|\\{%|[a-c.|()\\[\\]'\" \\-]|for |if |end|\\}\\}|%\\}|in |is |not |range|loop){0,14}") {
        let _ = Mapping::parse(&text);
        let _ = Mapping::parse(&format!("title = {}", quoted(&template)));
    }
}
