//! The bounds: templates and payloads that try to take time and memory.

use super::*;

/// Templates that would never end, or would write or hold much.
pub(super) const BOMBS: [&str; 25] = [
    "{% for a in range(1000000000) %}x{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
    "{{ 'x' * 1000000000 }}",
    "{{ 'x' * n * n * n }}",
    "{{ [1] * 1000000000 }}",
    "{{ ([payload] * 9999) | tojson }}",
    "{{ range(1000000000) | list | length }}",
    "{{ range(1000000000) | join('x') }}",
    "{{ 'x' | indent(1000000000) }}{{ 'a\\nb' | indent(1000000000) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%.1000000000f' | format(1.5) }}",
    "{{ s | replace('', s) | replace('', s) }}",
    "{{ s.replace('', s).replace('', s) }}",
    "{{ s.join(s.join(s.join(['a', 'b', 'c']))) }}",
    "{{ [s, s, s, s, s, s] | join(s) | upper | lower }}{{ s ~ s ~ s ~ s ~ s ~ s ~ s ~ s }}",
    "{% set ns = namespace(x='x') %}{% for a in range(99999) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[]) %}{% for a in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x={}) %}{% for a in range(99999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x == ns.x }}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% for a in list %}{% for b in list %}{{ a }}{{ b }}{% endfor %}{% endfor %}",
    "{{ list | sort | unique | reverse | list | groupby('a') | map('length') | sum }}",
    "{% for a in range(9999) %}{{ s | regex_search('(a*)*(b|c)*$') }}{% endfor %}",
    "{% for a in range(9999) %}{{ payload[s] }}{{ s[5900] }}{{ s == s }}{% endfor %}",
    "{% for a in range(99) %}{{ payload | string | length }}{% endfor %}",
    "{{ payload | string | length }}{{ payload | pprint }}{{ payload | tojson(9999) }}",
];

/// A body with a long text, a long list and a wide object.
pub(super) fn body() -> String {
    let list: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let wide: Vec<_> = (0..5_000).map(|n| format!("\"k{n}\":0")).collect();
    let text = "ab".repeat(20_000);
    format!(
        r#"{{"n":1000,"s":"{text}","list":[{}],"wide":{{{}}}}}"#,
        list.join(","),
        wide.join(",")
    )
}

/// Evaluates the template as title and as metadata of 1,000 items.
fn mapping(template: &str) -> Mapping {
    let template = quoted(template);
    let mapping = format!(
        "items = 'list[:1000]'\ntitle = 't'\ndescription = {template}\n[metadata]\na = {template}\nb = {template}"
    );
    Mapping::parse(&mapping).unwrap_or_else(|error| panic!("{template}: {error}"))
}

#[test]
fn no_template_takes_more_than_its_fuel() {
    let body = body();
    for template in BOMBS {
        let preview = mapping(template).preview(&Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES));
        let message = preview
            .message
            .unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(message.changes.len(), 1_000, "{template}");
        assert!(preview.errors.len() <= 100, "{template}");
    }
}

#[test]
fn the_fuel_of_a_delivery_is_shared() {
    let body = body();
    let template = "{% for a in range(300) %}{{ loop.index }}{% endfor %}";
    let preview = mapping(template).preview(&Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES));
    let (item, error) = &preview.errors[0];
    let text = error.to_string();
    assert!(
        text.ends_with("the templates of the delivery do too much work"),
        "{text}"
    );
    assert!((5..100).contains(item), "{item}");
    // Ornaments take no title from the items behind them.
    assert_eq!(preview.message.unwrap().changes.len(), 1_000);
    let titles = Mapping::parse(&format!("items = 'list[:1000]'\ntitle = {}", quoted(template))).unwrap();
    let preview = titles.preview(&Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES));
    let required = vec![FieldError::required("title")];
    assert_eq!(preview.message, Err(PayloadError::Fields(required)));
}

#[test]
fn a_template_that_looks_at_much_takes_no_items_away() {
    let body = body();
    for template in [
        "{{ payload.list | length }}",
        "{% for a in range(99) %}{{ payload.wide.x }}{% endfor %}",
        "{% for a in range(99) %}{{ payload | string | first }}{% endfor %}",
    ] {
        let mapping = format!(
            "items = 'list[:1000]'\ntitle = '{{{{ item }}}}'\ndescription = {}",
            quoted(template)
        );
        let preview = preview(&mapping, &body);
        assert!(preview.errors.len() > 10, "{template}");
        let message = preview.message.unwrap();
        let last = message.changes.last().unwrap();
        assert_eq!(
            (message.changes.len(), last.draft.title()),
            (1_000, Some("999")),
            "{template}"
        );
    }
}

#[test]
fn the_output_of_a_delivery_is_bounded() {
    let body = body();
    let preview = mapping("{{ s }}").preview(&Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES));
    let text = preview.errors[0].1.to_string();
    assert!(
        text.ends_with("the templates of the delivery write too much"),
        "{text}"
    );
    assert_eq!(preview.message.unwrap().changes.len(), 1_000);
}

#[test]
fn a_long_output_is_cut_but_a_key_is_not() {
    let body = format!(r#"{{"s":"{}"}}"#, "é".repeat(15_000));
    let mapping = "title = '{{ s }}'\ndescription = '{{ s }}{{ s }}'\nkey = '{{ s }}'";
    let preview = preview(mapping, &body);
    assert_eq!(preview.errors.len(), 1);
    assert_eq!(
        preview.errors[0].1.to_string(),
        "line 3: key: it has more than 4096 bytes"
    );
    let message = preview.message.unwrap();
    let draft = &message.changes[0].draft;
    assert_eq!(draft.title().unwrap().chars().count(), 500);
    let notes = [
        Note::new("dedup_key", NoteCode::WrongType),
        Note::limit("title", NoteCode::Cut, 500),
        Note::limit("description", NoteCode::Cut, 5_000),
    ];
    assert_eq!(draft.notes(), notes);
}

#[test]
fn deep_templates_are_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("not ", ""), ("-", ""), ("{'a':", "}")] {
        let template = format!("{{{{ {}1{} }}}}", open.repeat(2_000), close.repeat(2_000));
        let _ = Mapping::parse(&format!("title = {}", quoted(&template)));
    }
    let template = format!("{}x{}", "{% if 1 %}".repeat(700), "{% endif %}".repeat(700));
    assert!(fault(&format!("title = '{template}'")).contains("recursion"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Templates of pieces that belong together, and bodies of any values.
    #[test]
    fn no_template_makes_a_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..6), body in json()) {
        let template = quoted(&pieces.concat());
        let Ok(mapping) = Mapping::parse(&format!("title = {template}\nkey = {template}\nskip = {template}\nstatus = {template}")) else {
            return Ok(());
        };
        let body = body.to_string();
        let payload = Payload::new(body.as_bytes(), &HEADERS, MAX_BYTES);
        let preview = mapping.preview(&payload);
        prop_assert_eq!(&preview, &mapping.preview(&payload));
    }
}

const PIECES: &[&str] = &[
    "{{ a }}",
    "{{ a.b.c }}",
    "{{ item | tojson }}",
    "{{ a | length }}",
    "{{ a[0] }}",
    "{{ a['a'] }}",
    "{{ a + b }}",
    "{{ a ~ b }}",
    "{{ a * b }}",
    "{{ a < b }}",
    "{{ a == b }}",
    "{{ a in b }}",
    "{% for x in a %}{{ x }}{% endfor %}",
    "{% if a %}true{% endif %}",
    "{{ a | sort }}",
    "{{ a | first | last }}",
    "{{ a.get('a', b) }}",
    "{{ a | join(b) }}",
    "{{ a | regex_search(b) }}",
    "{{ a | datetimeformat(b) }}",
    "{{ a | regex_replace(b, a) }}",
    "{{ a[::-1] }}",
    "{{ a | replace(b, a) }}",
    "{{ a | int }}",
    "{{ a // b }}",
    "{{ a ** b }}",
    "{{ a % b }}",
    "{{ -a }}",
    "{{ b | b64decode }}",
    "{{ a | groupby('a') }}",
    "{{ a | batch(b) }}",
    "{{ a | format(b) }}",
    "{{ b | format(a) }}",
    "text",
];

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
        "(%[0-9]{0,6}[dsf]|a\\{[0-9]{1,4}\\}|\\(|2025-11-30T00:00:00Z)".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map("[a-d]", inner, 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    });
    (value.clone(), value).prop_map(|(a, b)| serde_json::json!({"a": a, "b": b}))
}
