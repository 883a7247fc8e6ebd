//! A JSON document as the templates see it. Values are made when a template asks for them, and each look is counted, because
//! the engine's fuel doesn't know how large a document is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookgate_domain::draft::MAX_DESCRIPTION;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind};

use crate::json::{Document, Value as Json};

/// Most characters of a text that a template sees, or writes: more than the longest field has. The engine doesn't count the
/// time to find a character by its index.
const MAX_CHARACTERS: usize = MAX_DESCRIPTION + 1_000;
/// Most bytes of such a text.
pub(super) const MAX_TEXT: usize = 4 * MAX_CHARACTERS;
/// Most bytes of texts that are made for one template. They are in memory until it ends.
const TEXTS_PER_TEMPLATE: usize = 128 * 1024;
/// Most members and items of a document that one template looks at. Looking at one takes some 10 ns.
pub(super) const LOOKS_PER_TEMPLATE: usize = 200_000;
/// Bytes that are copied or compared in the time of one look.
const BYTES_PER_LOOK: usize = 32;
/// Looks that a key costs if keys of the document have escapes: each is decoded to compare it.
const LOOKS_PER_DECODED_KEY: usize = 8;

/// A document, with what the template that is evaluated may still look at.
#[derive(Debug)]
pub(super) struct Source {
    document: Document<'static>,
    looks: AtomicUsize,
    texts: AtomicUsize,
}

impl Source {
    pub(super) fn new(document: Document<'static>) -> Arc<Self> {
        Arc::new(Self {
            document,
            looks: AtomicUsize::new(LOOKS_PER_TEMPLATE),
            texts: AtomicUsize::new(TEXTS_PER_TEMPLATE),
        })
    }

    /// The value of the whole document.
    pub(super) fn root(self: &Arc<Self>) -> Value {
        self.value(0)
    }

    /// Begins a template, which may look at so many values.
    pub(super) fn begin(&self, looks: usize) {
        self.looks.store(looks, Ordering::Relaxed);
        self.texts.store(TEXTS_PER_TEMPLATE, Ordering::Relaxed);
    }

    /// The number of looks that the template has left.
    pub(super) fn looks_left(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    /// Takes `count` looks from those that are left; `None` if they are not.
    fn look(&self, count: usize) -> Option<()> {
        take(&self.looks, count)
    }

    /// The value of a node. Without looks left it is an error, which the engine raises.
    fn value(self: &Arc<Self>, node: usize) -> Value {
        let value = self.document.value(node);
        if value.is_object() || value.is_array() {
            let source = Arc::clone(self);
            return Value::from_object(Node { source, node });
        }
        if value.is_null() {
            return Value::from(());
        }
        let Some(text) = value.string() else {
            return scalar(value);
        };
        let length = cut(&text).len();
        let is_paid = self.look(text.len() / BYTES_PER_LOOK).is_some() && take(&self.texts, length).is_some();
        if is_paid {
            Value::from(cut(&text))
        } else {
            exhausted()
        }
    }
}

fn take(left: &AtomicUsize, count: usize) -> Option<()> {
    let rest = left.load(Ordering::Relaxed).checked_sub(count);
    left.store(rest.unwrap_or(0), Ordering::Relaxed);
    rest.map(drop)
}

/// The first [`MAX_CHARACTERS`] of a text, or all of it.
pub(super) fn cut(text: &str) -> &str {
    if text.len() <= MAX_CHARACTERS {
        return text;
    }
    let end = text.char_indices().nth(MAX_CHARACTERS);
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// A number or word. A whole number of more than 64 bits stays a text, so that IDs keep their digits.
fn scalar(value: Json<'_>) -> Value {
    let text = value.text().unwrap_or_default();
    match &*text {
        "true" => Value::from(true),
        "false" => Value::from(false),
        number => number
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| number.parse::<u64>().map(Value::from))
            .ok()
            .or_else(|| {
                let is_whole = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                (!is_whole).then(|| number.parse::<f64>().ok())?.map(Value::from)
            })
            .unwrap_or_else(|| Value::from(cut(number))),
    }
}

fn exhausted() -> Value {
    Value::from(Error::from(ErrorKind::OutOfFuel))
}

/// An array or object of a document.
pub(super) struct Node {
    source: Arc<Source>,
    node: usize,
}

impl Node {
    fn json(&self) -> Json<'_> {
        self.source.document.value(self.node)
    }

    /// Looks a member up.
    fn member(&self, name: &str) -> Option<Value> {
        let source = &self.source;
        let each = if source.document.has_escaped_key() {
            LOOKS_PER_DECODED_KEY
        } else {
            1
        };
        let each = each + name.len() / BYTES_PER_LOOK;
        let most = source.looks_left() / each;
        let (found, looked_at) = self.json().get_within(name, most);
        if source.look(looked_at * each).is_none() || looked_at == most {
            return Some(exhausted());
        }
        found.and_then(Json::index).map(|node| source.value(node))
    }

    /// Looks an item of an array up.
    fn item(&self, index: usize) -> Option<Value> {
        self.nodes().nth(index).map(|node| match node {
            Some(node) => self.source.value(node),
            None => exhausted(),
        })
    }

    /// The nodes of the items of an array, or of the keys of an object. `None` ends them if no looks are left.
    fn nodes(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        let source = Arc::clone(&self.source);
        let (mut at, mut end) = self.json().nodes();
        // The value behind a key is no node of its own here.
        let is_object = usize::from(self.json().is_object());
        std::iter::from_fn(move || {
            let node = (at < end).then_some(at)?;
            if source.look(1).is_none() {
                end = at;
                return Some(None);
            }
            at = source.document.next(node + is_object);
            Some(Some(node))
        })
    }
}

impl Object for Node {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.json().is_object() {
            ObjectRepr::Map
        } else {
            ObjectRepr::Seq
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str() {
            Some(name) => self.get_value_by_str(name),
            None if self.json().is_array() => self.item(key.as_usize()?),
            None => None,
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.json().is_object().then(|| self.member(key))?
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let Some(count) = self.enumerator_len() else {
            return Enumerator::Iter(Box::new(std::iter::once(exhausted())));
        };
        let source = Arc::clone(&self.source);
        let values = self
            .nodes()
            .map(move |node| node.map_or_else(exhausted, |node| source.value(node)));
        Enumerator::Iter(Box::new(Counted { values, left: count }))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        let mut count = 0;
        for node in self.nodes() {
            node?;
            count += 1;
        }
        Some(count)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        let (first, end) = self.json().nodes();
        first < end
    }

    /// Writes compact JSON. Without looks left it writes nothing, because the engine panics on an
    /// error here.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, end) = self.json().nodes();
        if self.source.look(end - first).is_none() {
            return Ok(());
        }
        let mut text = String::new();
        self.json().write(&mut text);
        f.write_str(cut(&text))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// Values of which the number is known, as `loop.length` and the filter `length` need it.
struct Counted<I> {
    values: I,
    left: usize,
}

impl<I: Iterator<Item = Value>> Iterator for Counted<I> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let value = self.values.next()?;
        self.left = self.left.saturating_sub(1);
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The variables of a template: `payload` is the whole payload, `item` one entry of its list, `query` the parameters of the
/// URL. Other names are members of the item, or else of the payload.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) payload: Value,
    pub(super) item: Value,
    pub(super) query: Value,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let member = |value: &Value| value.get_attr(key).ok().filter(|value| !value.is_undefined());
        match key {
            "payload" => Some(self.payload.clone()),
            "item" => Some(self.item.clone()),
            "query" => Some(self.query.clone()),
            _ => member(&self.item).or_else(|| member(&self.payload)),
        }
    }
}
