//! The evaluation of a mapping with one payload, and its bounds.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use hookgate_domain::draft::{DraftFields, MetadataValue, Note, NoteCode};
use hookgate_domain::{ChangeAction, IncidentChange, IncidentStatus};
use minijinja::Value;
use minijinja::value::ValueKind;

use super::error::MappingError;
use super::fields::{
    ACKNOWLEDGED, DELIVERY_ID, DESCRIPTION, Field, KEY, METADATA, RESOLVED, SERVICE, SEVERITY, SKIP,
    SOURCE_URL, STATUS, TEST, TITLE,
};
use super::view::{LOOKS_PER_TEMPLATE, MAX_TEXT, Scope, Source, cut};
use super::{FUEL_PER_TEMPLATE, Mapping, Preview, metadata_field};
use crate::content::Content;
use crate::error::PayloadError;
use crate::message::{MAX_CHANGES, Message};
use crate::payload::Payload;

/// Fuel of all templates of a delivery that decide what it changes, and of all others. It bounds the time: one fuel takes up to
/// 400 ns.
const FUEL_PER_DELIVERY: u64 = 60_000;
/// Most members and items of a document that these templates look at.
const LOOKS_PER_DELIVERY: usize = 1_000_000;
/// Most bytes of output of these templates for each byte of the payload, and the size of a payload that counts as more.
const OUTPUT_PER_BYTE: usize = 1;
const SMALL_PAYLOAD: usize = 128 * 1024;
/// Most failed templates that are listed.
const MAX_ERRORS: usize = 100;
/// Most parameters of a query that templates see.
const MAX_PARAMETERS: usize = 100;
/// Most bytes of a key: fewer than of a text, so that none is made of a text that was cut.
const MAX_KEY: usize = 4 * 1024;

/// One evaluation.
pub(super) struct Evaluation<'m> {
    mapping: &'m Mapping,
    /// The document; `None` for a form.
    source: Option<Arc<Source>>,
    payload: Value,
    query: Value,
    decisive: Budget,
    ornaments: Budget,
    /// The number of the item.
    item: usize,
    errors: Vec<(usize, MappingError)>,
    is_test: bool,
    is_skipped: bool,
    /// Notes about the content.
    notes: Vec<Note>,
}

/// The rest of the bounds for the templates of a delivery. Those that decide what it changes have a budget of their own, so that no
/// ornament takes the title of another item.
struct Budget {
    fuel: u64,
    looks: usize,
    output: usize,
}

impl<'m> Evaluation<'m> {
    /// Prepares the evaluation of a content, which came in so many bytes.
    pub(super) fn new(
        mapping: &'m Mapping,
        payload: &Payload<'_>,
        content: Content<'static>,
        bytes: usize,
    ) -> Self {
        let notes = content.notes();
        let (source, body) = match content {
            Content::Json(document) => {
                let source = Source::new(document);
                let root = source.root();
                (Some(source), root)
            }
            Content::Form(form) => (None, table(form.iter())),
        };
        let query = form_urlencoded::parse(payload.query.unwrap_or_default().as_bytes()).take(MAX_PARAMETERS);
        let query: Vec<_> = query.collect();
        let budget = |per_byte: usize| Budget {
            fuel: FUEL_PER_DELIVERY,
            looks: LOOKS_PER_DELIVERY,
            output: per_byte * bytes.max(SMALL_PAYLOAD),
        };
        Self {
            mapping,
            source,
            payload: body,
            query: table(query.iter().map(|(name, value)| (&**name, &**value))),
            decisive: budget(OUTPUT_PER_BYTE),
            ornaments: budget(2 * OUTPUT_PER_BYTE),
            item: 0,
            errors: Vec::new(),
            is_test: false,
            is_skipped: false,
            notes,
        }
    }

    /// Evaluates all templates.
    pub(super) fn preview(mut self) -> Preview {
        let message = self.message().map(|mut message| {
            message.notes.append(&mut self.notes);
            message
        });
        Preview {
            message,
            errors: self.errors,
        }
    }

    /// # Errors
    /// There are no items, or too many; an incident would be opened without a title, or changed without a key.
    fn message(&mut self) -> Result<Message, PayloadError> {
        let items = self.items()?;
        let mut changes = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.item = index;
            changes.extend(self.change(item)?);
        }
        self.item = 0;
        let mut message = match (changes.is_empty(), self.is_test, self.is_skipped) {
            (true, true, _) => Message::test(),
            (true, false, true) => Message {
                notes: vec![Note::new("payload", NoteCode::OtherEvent)],
                ..Message::default()
            },
            _ => Message::of(changes),
        };
        let scope = self.scope(self.payload.clone());
        let id = self.text(&DELIVERY_ID, &scope, &mut Vec::new());
        // A longer one is no ID.
        message.delivery_id = id.filter(|id| id.chars().count() <= DELIVERY_ID.most);
        Ok(message)
    }

    /// The items: what the expression gives, or the entries of a list, or the payload itself.
    fn items(&mut self) -> Result<Vec<Value>, PayloadError> {
        let items = self.evaluated_items().map_err(|problem| {
            self.fail("items", problem);
            PayloadError::NOT_THIS_FORMAT
        })?;
        if items.len() > MAX_CHANGES {
            return Err(PayloadError::TooManyAlerts { limit: MAX_CHANGES });
        }
        Ok(items)
    }

    /// The items, and one more than the most if there are more.
    fn evaluated_items(&mut self) -> Result<Vec<Value>, String> {
        self.begin(LOOKS_PER_TEMPLATE);
        let value = match &self.mapping.0.items {
            None => self.payload.clone(),
            Some(expression) => {
                // The fuel of an expression can't be read, so all of it counts.
                self.decisive.fuel = self.decisive.fuel.saturating_sub(FUEL_PER_TEMPLATE);
                let expression = self.mapping.0.environment.compile_expression(expression);
                let scope = self.scope(self.payload.clone());
                let value = expression.and_then(|expression| expression.eval(scope));
                value.map_err(|error| MappingError::of_engine(&error))?
            }
        };
        match value.kind() {
            ValueKind::Map => Ok(vec![value]),
            ValueKind::Seq | ValueKind::Iterable => value
                .try_iter()
                .and_then(|items| items.checked().take(MAX_CHANGES + 1).collect())
                .map_err(|error| MappingError::of_engine(&error)),
            kind => Err(format!("it is no list but {kind}")),
        }
    }

    /// The change of an item; `None` if it is a test message or is skipped.
    fn change(&mut self, item: Value) -> Result<Option<IncidentChange>, PayloadError> {
        let scope = self.scope(item);
        let mut notes = Vec::new();
        if self.condition(&TEST, &scope, &mut notes) {
            self.is_test = true;
            return Ok(None);
        }
        if self.condition(&SKIP, &scope, &mut notes) {
            self.is_skipped = true;
            return Ok(None);
        }
        let action = self.action(&scope, &mut notes);
        let mapping = self.mapping;
        let names = mapping.0.metadata.iter();
        let mut text = |field: &Field| self.text(field, &scope, &mut notes).map(Cow::Owned);
        // The title of a message that a problem is over would be "All is well".
        let is_over = action == ChangeAction::Resolve;
        let fields = DraftFields {
            title: if is_over { None } else { text(&TITLE) },
            dedup_key: text(&KEY),
            severity: if is_over { None } else { text(&SEVERITY) },
            service: text(&SERVICE),
            source_url: text(&SOURCE_URL),
            description: text(&DESCRIPTION),
            metadata: names
                .filter_map(|name| {
                    let text = self.render(&METADATA, &metadata_field(name), &scope, &mut notes)?;
                    Some((name.as_str().into(), MetadataValue::Text(text.into())))
                })
                .collect(),
            status: None,
            notes,
        };
        IncidentChange::check(action, fields).map(Some).map_err(|faults| {
            for fault in &faults {
                let name = if fault.field == KEY.note {
                    KEY.name
                } else {
                    fault.field
                };
                self.fail(name, "nothing is left of it".to_owned());
            }
            faults.into()
        })
    }

    /// The action of an item. An unknown status counts as open, so that no alert is lost.
    fn action(&mut self, scope: &Value, notes: &mut Vec<Note>) -> ChangeAction {
        if self.condition(&RESOLVED, scope, notes) {
            return ChangeAction::Resolve;
        }
        if self.condition(&ACKNOWLEDGED, scope, notes) {
            return ChangeAction::Acknowledge;
        }
        let Some(word) = self.text(&STATUS, scope, notes) else {
            return ChangeAction::Open;
        };
        match word.parse() {
            Ok(IncidentStatus::Resolved) => ChangeAction::Resolve,
            Ok(IncidentStatus::Acknowledged) => ChangeAction::Acknowledge,
            Ok(IncidentStatus::Open) => ChangeAction::Open,
            Err(_) => {
                notes.push(Note::word("status", NoteCode::UnknownWord, &word));
                self.fail(
                    "status",
                    format!("`{}` is no known word, so it counts as open", short(&word)),
                );
                ChangeAction::Open
            }
        }
    }

    /// Evaluates a condition. One that fails does not hold.
    fn condition(&mut self, field: &Field, scope: &Value, notes: &mut Vec<Note>) -> bool {
        let Some(text) = self.text(field, scope, notes) else {
            return false;
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "ok" => true,
            "false" | "0" => false,
            _ => {
                notes.push(Note::new(field.note, NoteCode::WrongType));
                self.fail(
                    field.name,
                    format!("`{}` is neither true nor false", short(&text)),
                );
                false
            }
        }
    }

    fn text(&mut self, field: &Field, scope: &Value, notes: &mut Vec<Note>) -> Option<String> {
        self.render(field, field.name, scope, notes)
    }

    /// Renders a template. A template that fails is left out with a note; `None` if there is none, or nothing is left of the
    /// text.
    fn render(&mut self, field: &Field, name: &str, scope: &Value, notes: &mut Vec<Note>) -> Option<String> {
        let template = self.mapping.0.environment.get_template(name).ok()?;
        let budget = self.budget(field);
        let (fuel, looks) = (budget.fuel, budget.looks.min(LOOKS_PER_TEMPLATE));
        self.begin(looks);
        let mut output = Bounded(Vec::new());
        let rendered = if fuel == 0 || looks == 0 {
            Err("the templates of the delivery do too much work".to_owned())
        } else {
            let rendered = template.render_captured_to(scope.clone(), &mut output);
            let used = match &rendered {
                Ok(captured) => captured
                    .state()
                    .fuel_levels()
                    .map_or(FUEL_PER_TEMPLATE, |(used, _)| used),
                Err(_) => FUEL_PER_TEMPLATE,
            };
            let looks_left = self.looks_left(looks);
            let budget = self.budget(field);
            budget.fuel = fuel.saturating_sub(used);
            budget.looks -= looks - looks_left;
            match rendered {
                Ok(_) if looks_left == 0 => Err("the template does too much work".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(MappingError::of_engine(&error)),
            }
        };
        let text = String::from_utf8_lossy(&output.0);
        let text = cut(&text).trim();
        // A character has at most 4 bytes, and what is longer is cut.
        let kept = text.len().min(4 * field.most);
        let problem = match rendered {
            // Output that ends early is longer than any field.
            Err(problem) if output.0.len() <= MAX_TEXT => problem,
            _ if name == KEY.name && text.len() > MAX_KEY => format!("it has more than {MAX_KEY} bytes"),
            _ if kept > self.budget(field).output => {
                "the templates of the delivery write too much".to_owned()
            }
            _ => {
                self.budget(field).output -= kept;
                return (!text.is_empty()).then(|| text.to_owned());
            }
        };
        self.fail(name, problem);
        notes.push(Note::new(field.note, NoteCode::WrongType));
        None
    }

    fn scope(&self, item: Value) -> Value {
        Value::from_object(Scope {
            payload: self.payload.clone(),
            item,
            query: self.query.clone(),
        })
    }

    /// Begins a template, which may look at so many values of the document.
    fn begin(&self, looks: usize) {
        if let Some(source) = &self.source {
            source.begin(looks);
        }
    }

    /// The number of looks that the template has left, of those it began with.
    fn looks_left(&self, looks: usize) -> usize {
        self.source.as_ref().map_or(looks, |source| source.looks_left())
    }

    fn budget(&mut self, field: &Field) -> &mut Budget {
        if field.is_decisive {
            &mut self.decisive
        } else {
            &mut self.ornaments
        }
    }

    fn fail(&mut self, name: &str, problem: String) {
        if self.errors.len() == MAX_ERRORS {
            return;
        }
        let line = self
            .mapping
            .0
            .templates
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, line)| *line);
        self.errors
            .push((self.item, MappingError::new(name, line, problem)));
    }
}

/// A word as an error quotes it.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

/// Fields with texts. Each text is cut like those of a document.
fn table<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> Value {
    Value::from_pairs(fields.map(|(name, value)| (cut(name), cut(value))))
}

/// Takes the output of a template up to the first write that goes beyond [`MAX_TEXT`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // One byte more than is used tells that the output is longer.
        let room = (MAX_TEXT + 1).saturating_sub(self.0.len());
        if room == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let taken = &bytes[..bytes.len().min(room)];
        self.0.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
