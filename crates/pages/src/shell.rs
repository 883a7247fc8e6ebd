//! The frame around every page of a signed-in member, and the small parts that many pages share.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::Timestamp;

use crate::text::UserText;

/// The frame of a page: the signed-in member, the time, and the result of the last act.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Name of the person who is signed in.
    pub user: UserText,
    /// Their role: `owner`, `admin`, `operator` or `viewer`.
    pub role: String,
    /// Name of the organization.
    pub organization: UserText,
    /// The token that every form sends back.
    pub csrf: String,
    /// Idempotency key of the page's forms, sent back too: it identifies a form that is submitted twice.
    pub once: String,
    /// The time of the page; ages are relative to it.
    pub now: Timestamp,
    /// The message about the last act, after its redirect.
    pub flash: Option<Flash>,
}

impl Shell {
    /// `true` if the member may create, regenerate and revoke webhooks, and see people, tokens and the audit trail.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self.role.as_str(), "owner" | "admin")
    }

    /// `true` if the member may act on incidents.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.is_admin() || self.role == "operator"
    }

    /// The hidden fields of every form.
    pub(crate) fn csrf_field(&self) -> CsrfField<'_> {
        CsrfField {
            token: &self.csrf,
            once: &self.once,
        }
    }
}

/// A message about the last act.
#[derive(Clone, Debug)]
pub struct Flash {
    /// The result of the act.
    pub kind: FlashKind,
    /// The result in one sentence.
    pub text: UserText,
}

/// The result of the last act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashKind {
    /// Success; announced politely (`role="status"`).
    Done,
    /// Failure; announced at once (`role="alert"`).
    Failed,
}

/// The hidden fields of a form: the CSRF token, and the key of the page.
#[derive(Clone, Copy)]
pub(crate) struct CsrfField<'a> {
    pub(crate) token: &'a str,
    pub(crate) once: &'a str,
}

impl fmt::Display for CsrfField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in [("csrf", self.token), ("once", self.once)] {
            let value = askama::filters::escape(value, askama::filters::Html).map_err(|_| fmt::Error)?;
            write!(f, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")?;
        }
        Ok(())
    }
}

impl HtmlSafe for CsrfField<'_> {}

/// A sentence for each of these roles, from the lowest role up.
pub(crate) fn role_sentences(roles: &[String]) -> Vec<&'static str> {
    let sentence = |role: &String| match role.as_str() {
        "viewer" => Some("Viewer: read only, no payloads."),
        "operator" => Some("Operator: also handles incidents and reads payloads."),
        "admin" => Some("Admin: also manages webhooks, members and tokens."),
        "owner" => Some("Owner: everything, also other owners."),
        _ => None,
    };
    roles.iter().filter_map(sentence).collect()
}

/// A problem with a field of a form.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Name of the field, as the form sends it; empty for the form as a whole.
    pub field: String,
    /// The problem and its correction, in one sentence.
    pub message: UserText,
}

/// The problem of the named field.
pub(crate) fn problem_of<'a>(problems: &'a [Problem], field: &str) -> Option<&'a Problem> {
    problems.iter().find(|problem| problem.field == field)
}

/// The problems of a form, above it; each links to its field.
#[derive(Template)]
#[template(path = "parts/problems.html")]
pub(crate) struct Problems<'a>(pub(crate) &'a [Problem]);

impl HtmlSafe for Problems<'_> {}

/// Cursors of the neighbouring pages of a list.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Cursor of the page with newer or earlier rows.
    pub newer: Option<String>,
    /// Cursor of the page with older or later rows.
    pub older: Option<String>,
}

/// The links between the pages of a list; `filter` is the list's filter as names and values of a query string.
#[derive(Template)]
#[template(path = "parts/pager.html")]
pub(crate) struct Pager<'a> {
    pub(crate) path: &'a str,
    pub(crate) filter: Vec<(&'a str, &'a str)>,
    pub(crate) paging: &'a Paging,
}

impl Pager<'_> {
    fn href(&self, cursor: &str) -> String {
        let mut pairs = self.filter.clone();
        pairs.push(("cursor", cursor));
        format!("{}{}", self.path, crate::link::query(&pairs))
    }
}

impl HtmlSafe for Pager<'_> {}
