//! Mappings: templates that turn any JSON or form into changes of incidents. The templates are Jinja's, so that those of
//! Grafana `OnCall` can be taken as they are.
//!
//! A template reaches no file, network, clock or environment. Work, memory and output are bounded, whatever the template and
//! the payload.

mod check;
mod definition;
mod error;
mod evaluation;
mod fields;
mod filters;
mod view;

use std::fmt;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{Environment, Output, State, UndefinedBehavior, Value, escape_formatter};

use crate::content::{Content, decompressed};
use crate::error::PayloadError;
use crate::message::Message;
use crate::payload::Payload;
use definition::{Definition, Field, first_line, line_of};
pub use error::MappingError;
use evaluation::Evaluation;
use hookgate_domain::draft::MAX_METADATA_KEYS;

/// Most bytes of a mapping.
pub const MAX_MAPPING: usize = 64 * 1024;
/// Most bytes of one template.
pub const MAX_TEMPLATE: usize = 16 * 1024;
/// Fuel of one template: an instruction costs one, and so do 64 bytes. It bounds the memory that a template takes.
const FUEL_PER_TEMPLATE: u64 = 4_096;
/// Deepest nesting of loops and blocks.
const MAX_NESTING: usize = 48;

/// A checked mapping.
///
/// ```
/// use hookgate_domain::ChangeAction;
/// use hookgate_senders::{FormatOptions, Mapping, Payload};
///
/// let mapping = Mapping::parse(
///     r#"
///     items = "alarms"
///     title = "{{ name }} on {{ payload.site }}"
///     key = "{{ id }}"
///     status = "{{ state }}"
///     "#,
/// )?;
/// let body = br#"{"site": "example.org", "alarms": [{"id": 7, "name": "Fire", "state": "down"}]}"#;
/// let headers = [("content-type", "application/json")];
/// let preview = mapping.preview(&Payload::new(body, &headers, 256 * 1024));
/// let change = &preview.message?.changes[0];
/// assert_eq!(change.action, ChangeAction::Open);
/// assert_eq!(change.draft.title(), Some("Fire on example.org"));
/// assert_eq!(change.draft.dedup_key(), Some("7"));
///
/// let error = Mapping::parse("title = '{{ name | shout }}'").unwrap_err();
/// assert_eq!(error.to_string(), "line 1: title: there is no filter `shout`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Mapping(Arc<Compiled>);

/// The parts of a mapping.
struct Compiled {
    /// The text that it was parsed from.
    text: String,
    /// The expression that gives the items.
    items: Option<String>,
    /// The templates by their names in the environment, each with the line on which it begins.
    templates: Vec<(String, usize)>,
    /// The names of the metadata.
    metadata: Vec<String>,
    environment: Environment<'static>,
}

/// The result of a mapping with a payload, for people who write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The message, as a delivery of the payload would give it.
    pub message: Result<Message, PayloadError>,
    /// The templates that failed, each with the number of its item from 0. A field that failed is left out, and only a missing
    /// title refuses a delivery. At most 100 are listed.
    pub errors: Vec<(usize, MappingError)>,
}

impl Mapping {
    /// Parses and checks a mapping: TOML with a template for each field.
    ///
    /// | field | gives |
    /// |---|---|
    /// | `items` | an expression for the list of items; without it, the payload, or each entry if it is a list |
    /// | `title` | the title of the incident, which is required to open one |
    /// | `key` | the key of the problem |
    /// | `status` | a word such as `firing` or `ok`; without it, the incident is open |
    /// | `resolved`, `acknowledged` | conditions that count more than `status` |
    /// | `skip`, `test` | conditions of events that are about no problem, and of test messages |
    /// | `severity`, `description`, `service`, `source_url` | fields of the incident |
    /// | `metadata` | a table of further values |
    /// | `delivery_id` | the sender's ID of the delivery, which is the same for a retry |
    ///
    /// A condition is an expression, or a template that writes `true`. A change that resolves an incident leaves its title and
    /// severity as they are: those of a message that a problem is over are about nothing.
    ///
    /// # Errors
    /// [`MappingError`] with the field and the line.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > MAX_MAPPING {
            return Err(MappingError {
                field: None,
                line: None,
                problem: format!("the mapping has more than {MAX_MAPPING} bytes"),
            });
        }
        let definition = Definition::parse(text)?;
        let mut builder = Builder {
            text,
            templates: Vec::new(),
            environment: environment(),
        };
        let items = definition
            .items()
            .map(|field| builder.expression(field))
            .transpose()?;
        for (name, field) in definition.templates() {
            builder.template(name, field, field.get_ref())?;
        }
        for (name, field) in definition.conditions() {
            builder.template(name, field, &condition(field.get_ref()))?;
        }
        let metadata = definition.metadata();
        if let Some((name, field)) = metadata.get(MAX_METADATA_KEYS) {
            let problem = format!("an incident has at most {MAX_METADATA_KEYS} of them");
            return Err(MappingError::new(
                &metadata_field(name),
                Some(first_line(text, field)),
                problem,
            ));
        }
        for (name, field) in &metadata {
            builder.template(&metadata_field(name), field, field.get_ref())?;
        }
        let is_there = |wanted: &str| builder.templates.iter().any(|(name, _)| name == wanted);
        if !is_there("title") {
            return Err(MappingError::new("title", None, "it is missing".to_owned()));
        }
        Ok(Self(Arc::new(Compiled {
            text: text.to_owned(),
            items,
            metadata: metadata.iter().map(|(name, _)| (*name).to_owned()).collect(),
            templates: builder.templates,
            environment: builder.environment,
        })))
    }

    /// The text that the mapping was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Maps a payload like a delivery, and lists the templates that failed.
    #[must_use]
    pub fn preview(&self, payload: &Payload<'_>) -> Preview {
        let content = decompressed(payload)
            .and_then(|body| Ok((body.len(), Content::of(&body, payload)?.into_owned())));
        match content {
            Ok((bytes, content)) => Evaluation::new(self, payload, content, bytes).preview(),
            Err(error) => Preview {
                message: Err(error),
                errors: Vec::new(),
            },
        }
    }

    /// Maps the content of a payload, which has so many bytes.
    pub(crate) fn read(
        &self,
        payload: &Payload<'_>,
        content: Content<'_>,
        bytes: usize,
    ) -> Result<Message, PayloadError> {
        Evaluation::new(self, payload, content.into_owned(), bytes)
            .preview()
            .message
    }
}

/// Collects the templates of a mapping.
struct Builder<'t> {
    text: &'t str,
    templates: Vec<(String, usize)>,
    environment: Environment<'static>,
}

impl Builder<'_> {
    /// Compiles a template and checks the names in it.
    fn template(&mut self, name: &str, field: &Field, template: &str) -> Result<(), MappingError> {
        let line = first_line(self.text, field);
        if template.len() > MAX_TEMPLATE {
            return Err(MappingError::new(
                name,
                Some(line),
                format!("it has more than {MAX_TEMPLATE} bytes"),
            ));
        }
        let compiled = self
            .environment
            .add_template_owned(name.to_owned(), template.to_owned());
        compiled.map_err(|error| {
            let line = line_of(self.text, field, error.line().unwrap_or(1));
            MappingError::new(name, Some(line), MappingError::of_engine(&error))
        })?;
        if let Some(problem) = check::unknown_name(&self.environment, template) {
            return Err(MappingError::new(name, Some(line), problem));
        }
        self.templates.push((name.to_owned(), line));
        Ok(())
    }

    /// Checks the expression of the items. People write it with or without braces.
    fn expression(&mut self, field: &Field) -> Result<String, MappingError> {
        let text = field.get_ref().trim();
        let bare = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        let text = bare.unwrap_or(text).trim();
        self.template("items", field, &format!("{{{{ {text} }}}}"))?;
        let compiled = self
            .environment
            .compile_expression_owned(text.to_owned())
            .map(drop);
        let line = first_line(self.text, field);
        match compiled {
            Ok(()) => Ok(text.to_owned()),
            Err(error) => Err(MappingError::new(
                "items",
                Some(line),
                MappingError::of_engine(&error),
            )),
        }
    }
}

/// The name of the template of a metadata entry.
fn metadata_field(name: &str) -> String {
    format!("metadata.{name}")
}

/// The template of a condition. A text without marks is an expression.
fn condition(text: &str) -> String {
    if text.contains("{{") || text.contains("{%") {
        text.to_owned()
    } else {
        format!("{{% if {text} %}}true{{% endif %}}")
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL_PER_TEMPLATE));
    environment.set_recursion_limit(MAX_NESTING);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // As JSON writes them, and `null` means the same as a missing member.
    environment.set_formatter(|out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value| {
        match value.kind() {
            ValueKind::None => Ok(()),
            ValueKind::Bool => Ok(out.write_str(if value.is_true() { "true" } else { "false" })?),
            _ => escape_formatter(out, state, value),
        }
    });
    filters::add(&mut environment);
    environment
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Mapping {}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapping").field(&self.0.text).finish()
    }
}

#[cfg(test)]
mod tests;
