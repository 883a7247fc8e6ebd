//! Filters for entries of the audit trail, by actor, subject, act and time.

use hookgate_domain::Timestamp;
use hookgate_domain::idempotency::IdempotencyKey;

use crate::{Actor, ActorKind, AuditActs, AuditSubject};

/// A filter for entries of the audit trail; the default matches all. An entry matches if every field does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Entries with these acts.
    pub acts: Option<AuditActs>,
    /// Entries about this subject.
    pub subject: Option<SubjectMatch>,
    /// Entries by this actor.
    pub actor: Option<ActorMatch>,
    /// Entries of this time or later. A store may miss entries that the clock put out of order by minutes.
    pub from: Option<Timestamp>,
    /// Entries before this time.
    pub to: Option<Timestamp>,
    /// Entries of the request with this idempotency key.
    pub request: Option<IdempotencyKey>,
}

/// The actors of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorMatch {
    /// The member or token with this ID, under any name.
    Id(String),
    /// All actors of this kind.
    Kind(ActorKind),
    /// The actors of these kinds that had exactly this name when they acted; empty is any kind.
    Named(Vec<ActorKind>, String),
}

impl ActorMatch {
    /// `true` if the actor matches.
    #[must_use]
    pub fn holds(&self, actor: &Actor) -> bool {
        match self {
            Self::Id(id) => actor.id().as_ref() == Some(id),
            Self::Kind(kind) => actor.kind() == kind.as_str(),
            Self::Named(kinds, name) => {
                actor.name() == name
                    && (kinds.is_empty() || kinds.iter().any(|kind| kind.as_str() == actor.kind()))
            }
        }
    }
}

/// The subjects of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectMatch {
    /// The subjects with one of these IDs, under any name.
    Ids(Vec<String>),
    /// The subjects that had exactly this name at the time of the act.
    Named(String),
}

impl SubjectMatch {
    /// `true` if the subject matches.
    #[must_use]
    pub fn holds(&self, subject: &AuditSubject) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&subject.id),
            Self::Named(name) => subject.name == *name,
        }
    }
}

/// An actor on the audit trail, by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownActor {
    /// Kind of the actor.
    pub kind: ActorKind,
    /// Name of the actor when it acted.
    pub name: String,
}
