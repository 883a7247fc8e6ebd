//! Checks of a page that need no browser. Our own markup is strict (every attribute quoted, every element closed), so a
//! small parser that accepts nothing else finds more than a tolerant one.

use std::collections::BTreeSet;

const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];
/// Maximum size of a page, in bytes.
pub(crate) const MOST_BYTES: usize = 60_000;

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// Indices of the enclosing elements.
    pub(crate) inside: Vec<usize>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Parses a page or fragment, or says at which point it is not strict.
pub(crate) fn read(html: &str) -> Result<Vec<Tag>, String> {
    let (mut tags, mut open): (Vec<Tag>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut rest = html.strip_prefix("<!doctype html>").unwrap_or(html);
    while let Some((text, tail)) = rest.split_once('<') {
        if text.contains('>') {
            return Err(format!("a bare > in {text:?}"));
        }
        if let Some(closing) = tail.strip_prefix('/') {
            let (name, tail) = closing.split_once('>').ok_or("an open end tag")?;
            let last = open.pop().ok_or(format!("</{name}> closes nothing"))?;
            if tags[last].name != name {
                return Err(format!("</{name}> closes <{}>", tags[last].name));
            }
            rest = tail;
            continue;
        }
        let (tag, closed, tail) = read_tag(tail, &open)?;
        if !closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tags.len());
        }
        tags.push(tag);
        rest = tail;
    }
    match open.last() {
        None if rest.contains('>') => Err("a bare > at the end".to_owned()),
        None => Ok(tags),
        Some(last) => Err(format!("<{}> is never closed", tags[*last].name)),
    }
}

fn read_tag<'a>(text: &'a str, open: &[usize]) -> Result<(Tag, bool, &'a str), String> {
    let end = text.find([' ', '>', '/']).ok_or("an open tag")?;
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("a tag named {name:?}"));
    }
    let mut attributes: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start_matches(' ');
        for (mark, closed) in [("/>", true), (">", false)] {
            if let Some(tail) = rest.strip_prefix(mark) {
                let tag = Tag {
                    name: name.to_owned(),
                    attributes,
                    inside: open.to_vec(),
                };
                return Ok((tag, closed, tail));
            }
        }
        let end = rest.find(['=', ' ', '>', '/']).ok_or("an open tag")?;
        let key = &rest[..end];
        if key.is_empty()
            || !key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(format!("an attribute named {key:?} of <{name}>"));
        }
        if attributes.iter().any(|(known, _)| known == key) {
            return Err(format!("{key} twice in <{name}>"));
        }
        rest = &rest[end..];
        let mut value = "";
        if let Some(tail) = rest.strip_prefix("=\"") {
            (value, rest) = tail.split_once('"').ok_or("an open attribute")?;
            if value.contains(['<', '>']) {
                return Err(format!("{key} holds markup: {value:?}"));
            }
        }
        attributes.push((key.to_owned(), value.to_owned()));
    }
}

/// Checks that hold for every page.
pub(crate) fn page(name: &str, html: &str) {
    let tags = read(html).unwrap_or_else(|fault| panic!("{name}: {fault}\n{html}"));
    assert!(html.len() <= MOST_BYTES, "{name} has {} bytes", html.len());
    assert!(html.starts_with("<!doctype html>"), "{name}");
    let named = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
    assert_eq!(named("h1"), 1, "{name} has one heading");
    assert_eq!(named("main"), 1, "{name} has one main part");
    assert_eq!(named("script"), 1, "{name} has our script only");
    for never in ["style", "iframe", "object", "base", "img"] {
        assert_eq!(named(never), 0, "{name} has a {never}");
    }
    attributes(name, &tags);
    headings(name, &tags);
    forms(name, &tags);
    let primary = tags.iter().filter(|tag| {
        tag.get("class")
            .is_some_and(|class| class.split(' ').any(|word| word == "primary"))
    });
    assert!(primary.count() <= 1, "{name} has more than one primary action");
}

fn attributes(name: &str, tags: &[Tag]) {
    let mut ids = BTreeSet::new();
    for tag in tags {
        for (key, value) in &tag.attributes {
            assert!(
                key != "style" && !key.starts_with("on"),
                "{name}: {key} in <{}>",
                tag.name
            );
            if matches!(key.as_str(), "href" | "action" | "formaction" | "src") {
                let fine = ["/", "#", "https://", "http://"]
                    .iter()
                    .any(|start| value.starts_with(start));
                assert!(fine && !value.starts_with("//"), "{name}: {key} is {value}");
            }
            assert!(
                key != "id" || ids.insert(value.as_str()),
                "{name}: the id {value} twice"
            );
        }
        let scrolls = tag.name == "pre" || tag.get("class") == Some("scroll");
        assert!(
            !scrolls || tag.get("tabindex") == Some("0"),
            "{name}: a <{}> scrolls without keyboard",
            tag.name
        );
    }
    for tag in tags {
        for key in ["aria-describedby", "aria-labelledby", "for", "data-copy"] {
            for id in tag.get(key).into_iter().flat_map(|ids| ids.split(' ')) {
                assert!(ids.contains(id), "{name}: {key} names {id}, which is not there");
            }
        }
    }
}

fn headings(name: &str, tags: &[Tag]) {
    let levels = tags.iter().filter_map(|tag| match tag.name.as_str() {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        _ => None,
    });
    let mut last = 0;
    for level in levels {
        assert!(
            level <= last + 1,
            "{name}: a heading is left out before level {level}"
        );
        last = level;
    }
}

fn forms(name: &str, tags: &[Tag]) {
    for (index, form) in tags.iter().enumerate().filter(|(_, tag)| tag.name == "form") {
        let own = || tags.iter().filter(move |tag| tag.inside.contains(&index));
        assert!(form.get("action").is_some(), "{name}: a form goes nowhere");
        match form.get("method") {
            Some("get") => {}
            Some("post") => {
                let tokens =
                    own().filter(|tag| tag.get("name") == Some("csrf") && tag.get("type") == Some("hidden"));
                assert_eq!(tokens.count(), 1, "{name}: a form without its token");
            }
            other => panic!("{name}: a form by {other:?}"),
        }
        assert!(
            own().any(|tag| tag.name == "button"),
            "{name}: a form without a button"
        );
    }
    let labelled: BTreeSet<_> = tags
        .iter()
        .filter(|tag| tag.name == "label")
        .filter_map(|tag| tag.get("for"))
        .collect();
    for field in tags
        .iter()
        .filter(|tag| matches!(tag.name.as_str(), "input" | "select" | "textarea"))
    {
        let hidden = field.get("type") == Some("hidden");
        let label = field.get("id").is_some_and(|id| labelled.contains(id));
        assert!(hidden || label, "{name}: a field without label: {field:?}");
    }
}

#[test]
fn the_reader_takes_nothing_loose() {
    assert!(read("<p class=\"a\">x<br>y</p>").is_ok());
    for loose in [
        "<p>",
        "</p>",
        "<p><b></p></b>",
        "<p a=b></p>",
        "<p a a></p>",
        "a > b",
        "<p>a < b</p>",
    ] {
        assert!(read(loose).is_err(), "{loose}");
    }
}
