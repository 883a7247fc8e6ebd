//! Bounds the memory that a mapping takes, whatever its templates and the payload. The counting allocator is global, so this
//! test is a program of its own.

use hookgate_senders::{Mapping, Payload};

/// Most bytes that a mapping may allocate at a time for each byte of a body, and the size of a body that counts as more.
const MOST_PER_BYTE: usize = 16;
const SMALL_BODY: usize = 128 * 1024;
const MAX_BYTES: usize = 1024 * 1024;

const TEMPLATES: [&str; 19] = [
    "{{ s }}",
    "{{ list }}",
    "{{ payload | tojson }}",
    "{{ payload | string | upper | lower }}",
    "{{ 'x' * 10000000 }}",
    "{{ [s, s, s, s, s, s, s] | join(s) }}",
    "{{ list | list | length }}",
    "{{ list | map('string') | list | sort | unique | list }}",
    "{{ payload | items | list }}",
    "{% set ns = namespace(x=s) %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for a in list %}{% set ns.x = ns.x + [a, s] %}{% endfor %}",
    "{% set ns = namespace(x=[]) %}{% for a in list %}{% set ns.x = [ns.x, payload.s] %}{% endfor %}",
    "{{ s.split('a') | length }}{{ s.splitlines() }}{{ s | list | length }}",
    "{{ s | replace('a', s) }}{{ s.replace('a', s) }}",
    "{{ s | regex_replace('a', s) }}",
    "{{ ', '.join(list) }}{{ s.join(list) }}",
    "{% for a in list %}{{ a }}{{ payload.s }}{% endfor %}",
    "{{ range(99999) | list }}",
    "{{ '%99999999d' | format(1) }}",
];

fn bodies(bytes: usize) -> Vec<String> {
    let fill = |start: &str, item: &str, end: &str| {
        let count = (bytes - start.len() - end.len()) / item.len();
        format!("{start}{}{end}", item.repeat(count))
    };
    vec![
        fill("[0", ",0", "]"),
        fill("[{}", ",{}", "]"),
        fill(r#"{"s":"ab","list":[0"#, ",0", "]}"),
        fill(r#"{"s":"ab","list":[[]"#, ",[]", "]}"),
        fill(r#"{"list":["ab"],"s":""#, "ab", r#""}"#),
        fill(r#"{"list":[1],"s":""#, r"\n", r#""}"#),
        fill(r#"{"":0"#, r#","":0"#, "}"),
        fill(r#"{"\n":0"#, r#","\n":0"#, "}"),
    ]
}

#[test]
fn no_mapping_takes_much_memory() {
    let headers = [("content-type", "application/json")];
    for template in TEMPLATES {
        for items in ["payload", "(list or payload)[:1000]"] {
            let text = format!(
                "items = '{items}'\ntitle = '''x{template}'''\ndescription = '''{template}'''\nkey = '''{template}'''\n[metadata]\na = '''{template}'''"
            );
            let mapping = Mapping::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            for bytes in [SMALL_BODY / 16, SMALL_BODY + 100] {
                for body in bodies(bytes) {
                    let payload = Payload::new(body.as_bytes(), &headers, MAX_BYTES);
                    let measured = allocation_counter::measure(|| drop(mapping.preview(&payload)));
                    let most = u64::try_from(MOST_PER_BYTE * body.len().max(SMALL_BODY)).unwrap();
                    assert!(
                        measured.bytes_max <= most,
                        "{} of {most} for {template} with {items} and {} bytes of {}",
                        measured.bytes_max,
                        body.len(),
                        &body[..30]
                    );
                }
            }
        }
    }
}
