//! The trail of administrative acts.

use std::net::IpAddr;

use askama::Template;
use hookgate_domain::Timestamp;
use hookgate_people::{Actor, AuditAct, AuditActs, AuditEntry};

use crate::assets;
use crate::audit_words::{AuditChange, audit_changes};
use crate::render::screen;
use crate::shell::{Pager, Paging, Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// Maximum number of changes in a row; a disclosure has the others.
const SHOWN_CHANGES: usize = 3;
/// Maximum number of characters of a value in a row.
const SHOWN_CHARACTERS: usize = 80;

/// `/audit`.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditTrail {
    /// The frame.
    pub shell: Shell,
    /// The filter of the list.
    pub filter: AuditFilter,
    /// The actors of the filter's choice.
    pub actors: Vec<AuditActor>,
    /// Problems of the filter; the list is then empty.
    pub problems: Vec<Problem>,
    /// The rows of this page, newest first.
    pub rows: Vec<AuditRow>,
    /// The neighbouring pages.
    pub paging: Paging,
}

screen!(AuditTrail, "audit");

/// The filter of the trail: each field as in the query string, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// `who`: a name, an ID, `command-line` or `system`.
    pub who: String,
    /// `what`: an act or a family of acts.
    pub what: String,
    /// `about`: a handle, an ID or a name.
    pub about: String,
    /// `from`: the earliest time.
    pub from: String,
    /// `to`: the end of the time range, exclusive.
    pub to: String,
}

impl AuditFilter {
    fn pairs(&self) -> [(&str, &str); 5] {
        [
            ("who", &self.who),
            ("what", &self.what),
            ("about", &self.about),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }
}

/// A choice of *Who* in the filter.
#[derive(Clone, Debug)]
pub struct AuditActor {
    /// Value of `who` in the query string.
    pub value: String,
    /// Label of the choice.
    pub label: UserText,
}

/// One act.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Time of the act.
    pub at: Timestamp,
    /// Name of the actor.
    pub who: UserText,
    /// Kind of actor, unless it is a member.
    pub kind: Option<&'static str>,
    /// Source address of the actor.
    pub source: Option<IpAddr>,
    /// The act.
    pub what: AuditAct,
    /// To what.
    pub object: Option<UserText>,
    /// The page of the object, if it has one.
    pub link: Option<String>,
    /// The changes.
    pub changes: Vec<AuditChange>,
}

impl From<&AuditEntry> for AuditRow {
    fn from(entry: &AuditEntry) -> Self {
        let subject = match (entry.subject.name.as_str(), entry.subject.id.as_str()) {
            ("", "") => None,
            ("", id) => Some(id.into()),
            // A session has no name; its means of sign-in takes the place of one.
            (name, _) => Some(name.into()),
        };
        Self {
            at: entry.at,
            who: entry.actor.name().into(),
            kind: actor_tag(&entry.actor),
            source: entry.from,
            what: entry.act,
            object: subject,
            link: page_of(&entry.subject.id),
            changes: audit_changes(entry.before.as_deref(), entry.after.as_deref()),
        }
    }
}

/// The tag beside the name of an actor that is not a member.
fn actor_tag(actor: &Actor) -> Option<&'static str> {
    match actor {
        Actor::Member { .. } => None,
        Actor::Token { .. } => Some("token"),
        Actor::CommandLine { .. } => Some("command line"),
        Actor::System => Some("system"),
    }
}

/// The page of an object, found by the form of its ID.
fn page_of(id: &str) -> Option<String> {
    if id.starts_with("hk_") {
        Some(format!("/webhooks/{id}"))
    } else if id.starts_with("INC-") {
        Some(format!("/incidents/{id}"))
    } else if id.starts_with("mem_") {
        Some(format!("/members#{id}"))
    } else if id.starts_with("tok_") {
        Some("/tokens".to_owned())
    } else {
        id.strip_prefix('@').map(|name| format!("/address-sets/{name}"))
    }
}

impl AuditRow {
    fn shown(&self) -> impl Iterator<Item = ShownChange<'_>> {
        self.changes.iter().take(SHOWN_CHANGES).map(ShownChange::from)
    }

    fn all(&self) -> impl Iterator<Item = ShownChange<'_>> {
        self.changes.iter().map(ShownChange::from)
    }

    /// `true` if the row shows only a part of its changes.
    fn is_cut(&self) -> bool {
        let long = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.chars().count() > SHOWN_CHARACTERS)
        };
        self.changes.len() > SHOWN_CHANGES
            || self
                .changes
                .iter()
                .any(|change| long(&change.before) || long(&change.after))
    }
}

/// A change with its values as safe text.
struct ShownChange<'a> {
    what: &'a str,
    before: Option<UserText>,
    after: Option<UserText>,
}

impl<'a> From<&'a AuditChange> for ShownChange<'a> {
    fn from(change: &'a AuditChange) -> Self {
        Self {
            what: &change.what,
            before: change.before.as_deref().map(Into::into),
            after: change.after.as_deref().map(Into::into),
        }
    }
}

impl AuditTrail {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    fn is_narrowed(&self) -> bool {
        self.filter != AuditFilter::default()
    }

    /// The filter's own value if it is none of the choices: an ID from a link, or a name in another case.
    fn other_actor(&self) -> Option<UserText> {
        let who = self.filter.who.as_str();
        let is_offered = self.actors.iter().any(|actor| actor.value == who);
        (!who.is_empty() && !is_offered).then(|| who.into())
    }

    /// Families of acts, each with its acts.
    fn families() -> Vec<(&'static str, Vec<AuditAct>)> {
        let acts = |family: &str| -> Vec<_> {
            let all = AuditAct::ALL.iter().copied();
            all.filter(|act| act.family() == family).collect()
        };
        let families = AuditActs::families().into_iter();
        families.map(|family| (family, acts(family))).collect()
    }

    fn export(&self, format: &str) -> String {
        let mut pairs = self.filter.pairs().to_vec();
        pairs.push(("format", format));
        format!("/audit/export{}", crate::link::query(&pairs))
    }

    fn pager(&self) -> Pager<'_> {
        Pager {
            path: "/audit",
            filter: self.filter.pairs().to_vec(),
            paging: &self.paging,
        }
    }
}
