//! Templates in the manner of Grafana `OnCall`'s, taken as they are.

use super::*;

const MAPPING: &str = r#"
web_title = '{{- payload.get("labels", {}).get("alertname", "No title") -}}'
web_message = """
{%- set labels = payload.labels -%}
{%- set severity_emoji = {"critical": ":fire:"}[labels.severity] | default(":question:") -%}
Severity: {{ labels.severity | default("Unknown") }} {{ severity_emoji }}
{%- for k, v in payload["labels"].items() %}
- {{ k }}: {{ v }}
{%- endfor %}
{%- if "runbook" in payload.annotations %}
Runbook: {{ payload.annotations.runbook }}
{%- endif %}
"""
grouping_id = "{{ payload.labels }}"
resolve_condition = '{{ payload.get("status", "").upper() == "RESOLVED" }}'
acknowledge_condition = '{{ payload.get("state", "").startswith("ack") }}'
source_link = "{{ payload.generatorURL }}"
"#;

#[test]
fn templates_are_taken_as_they_are() {
    let body = |rest: &str| {
        format!(
            r#"{{"labels":{{"alertname":"Disk","severity":"critical"}},"annotations":{{"runbook":"r"}}{rest}}}"#
        )
    };
    let firing = message(
        MAPPING,
        &body(r#","generatorURL":"https://prometheus.example.org/g""#),
    );
    let draft = &firing.changes[0].draft;
    assert_eq!(firing.changes[0].action, ChangeAction::Open);
    assert_eq!((draft.title(), draft.notes()), (Some("Disk"), &[][..]));
    assert_eq!(
        draft.dedup_key(),
        Some(r#"{"alertname":"Disk","severity":"critical"}"#)
    );
    let text = format!("{draft:?}");
    assert!(
        text.contains(r"Severity: critical :fire:\n- alertname: Disk\n- severity: critical\nRunbook: r"),
        "{text}"
    );
    let resolved = message(MAPPING, &body(r#","status":"resolved""#));
    assert_eq!(resolved.changes[0].action, ChangeAction::Resolve);
    let acknowledged = message(MAPPING, &body(r#","state":"acknowledged""#));
    assert_eq!(acknowledged.changes[0].action, ChangeAction::Acknowledge);
}

#[test]
fn filters_of_oncall_are_there() {
    let body = r#"{"s":"disk sda1 is at 97%","t":"2025-11-30T20:40:05+02:00","n":1764535205,"b":"aMOpbGxv","o":{"a":1}}"#;
    for (template, expected) in [
        (r#"{{ s | regex_search("sd[a-z]\\d") }}"#, "true"),
        (
            r#"{{ s | regex_match("sd[a-z]") }}{{ s | regex_match("disk") }}"#,
            "falsetrue",
        ),
        (
            r#"{{ s | regex_replace("(\\w+) (\\w+)", "\\2 \\1!") }}"#,
            "sda1 disk! at is! 97%",
        ),
        ("{{ t | iso8601_to_time | datetimeformat }}", "20:40 / 30-11-2025"),
        (
            "{{ t | datetimeformat('%Y-%m-%d %H:%M:%S %z') }}",
            "2025-11-30 20:40:05 +0200",
        ),
        ("{{ n | datetimeformat('%d.%m.%Y %H:%M') }}", "30.11.2025 20:40"),
        ("{{ b | b64decode }}", "h\u{e9}llo"),
        ("{{ o | json_dumps }}", r#"{"a": 1}"#),
        ("{{ o | tojson_pretty }}", "{\n    \"a\": 1\n}"),
        (
            "{{ s.split(' ')[1].upper() }} {{ ', '.join(['a', 'b']) }} {{ s.replace('disk', 'd').find('s') }}",
            "SDA1 a, b 2",
        ),
        ("{{ [1, 2, 1].count(1) }}{{ 'aab'.count('a') }}", "22"),
    ] {
        assert_eq!(title(template, body).as_deref(), Some(expected), "{template}");
    }
}

#[test]
fn filters_refuse_what_they_can_not_read() {
    let body = r#"{"s":"aaaa","x":{"a":1}}"#;
    for template in [
        "{{ s | regex_search('(') }}",
        "{{ s | regex_search('a{1000}{1000}') }}",
        "{{ s | regex_replace('a', 'b' * 20000) }}",
        "{{ s | b64decode | b64decode }}",
        "{{ s | iso8601_to_time }}",
        "{{ x | datetimeformat }}",
        "{{ 99999999999999 | datetimeformat }}",
        "{{ s | datetimeformat('%') }}",
    ] {
        assert_eq!(title(template, body), None, "{template}");
    }
}
