//! Translates a search of the audit trail into a filter: names of members (removed ones too), tokens and command-line
//! users; handles, IDs and names of subjects. A word that matches nobody is an error that lists the possible names,
//! never an empty list.

use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::{IncidentNumber, Timestamp, WebhookHandle};
use hookgate_people::{ActorKind, AuditActs, MemberId, MemberName, Permission, SessionId, TokenId};
use thiserror::Error;

use crate::{
    ActorContext, ActorMatch, AuditFilter, Forbidden, Gate, KnownActor, MAX_KNOWN_ACTORS, PageSize,
    PeopleStore, Store, StoreError, SubjectMatch,
};

/// Maximum number of names in an error, which is one line.
const MAX_OFFERED: usize = 10;
/// Maximum number of subjects of one name whose whole history is shown. Beyond it, only the entries under that name are
/// shown: a store reads its index once for each subject.
const MAX_NAMESAKES: usize = 8;
/// Suffix that lists show behind the name of a command-line user.
const COMMAND_LINE_TAG: &str = " (command line)";

/// A search of the audit trail, in the words of the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// `mem_…` or `tok_…`; `command-line` or `system`; a name, in any case if no other name differs by case alone; a
    /// name with its kind in front, as `token:deploy`.
    pub actor: Option<String>,
    /// `hk_…`, `INC-1`, `mem_…`, `tok_…` or the exact name.
    pub subject: Option<String>,
    /// An act or a family of acts.
    pub acts: Option<AuditActs>,
    /// Acts at this time or later.
    pub from: Option<Timestamp>,
    /// Acts before this time.
    pub to: Option<Timestamp>,
}

/// Errors of a search that can't become a filter.
#[derive(Debug, Error)]
pub enum AuditQueryError {
    /// No actor on the trail has this name.
    #[error("nobody on the audit trail is called “{name}”; there {known}")]
    UnknownActor {
        /// The name.
        name: String,
        /// The known names, in words.
        known: String,
    },
    /// Several actors have this name but for upper and lower case.
    #[error("“{name}” could be {spellings}: write it as it is shown")]
    AmbiguousActor {
        /// The name.
        name: String,
        /// The names that differ by case alone.
        spellings: String,
    },
    /// No subject on the trail has this name.
    #[error(
        "nothing on the audit trail is called “{0}”; use a handle (hk_…), an incident (INC-1), a member (mem_…), \
         a token (tok_…) or the exact name"
    )]
    UnknownSubject(String),
    /// The period ends before it begins.
    #[error("the end is not after the beginning")]
    NoTime,
    /// The actor's role does not have the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A word as an error repeats it. A word that may hold a secret is hidden, because people paste secrets anywhere.
fn shown(text: &str) -> String {
    if may_hold_secret(text.as_bytes()) {
        "(hidden)".to_owned()
    } else {
        text.to_owned()
    }
}

impl<S: Store + PeopleStore> Gate<S> {
    /// The filter for a search.
    ///
    /// # Errors
    /// [`AuditQueryError`]: a word that matches nothing or several names, [`AuditQueryError::Forbidden`] without the
    /// permission to see the trail, or [`AuditQueryError::Store`].
    pub async fn audit_filter(
        &self,
        actor: &ActorContext,
        query: AuditQuery,
    ) -> Result<AuditFilter, AuditQueryError> {
        actor.require(Permission::ManagePeople)?;
        if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
            return Err(AuditQueryError::NoTime);
        }
        let actor = match query.actor.as_deref().map(str::trim) {
            Some(text) => Some(self.actor_match(text).await?),
            None => None,
        };
        let subject = match query.subject.as_deref().map(str::trim) {
            Some(text) => Some(self.subject_match(text).await?),
            None => None,
        };
        Ok(AuditFilter {
            acts: query.acts,
            subject,
            actor,
            from: query.from,
            to: query.to,
            request: None,
        })
    }

    /// The actors on the trail, by kind and name, at most [`MAX_KNOWN_ACTORS`] of a kind.
    ///
    /// # Errors
    /// [`AuditQueryError::Forbidden`] or [`AuditQueryError::Store`].
    pub async fn audit_actors(&self, actor: &ActorContext) -> Result<Vec<KnownActor>, AuditQueryError> {
        actor.require(Permission::ManagePeople)?;
        Ok(self.known_actors().await?)
    }

    async fn known_actors(&self) -> Result<Vec<KnownActor>, StoreError> {
        let mut known = Vec::new();
        for kind in ActorKind::ALL {
            known.append(&mut self.store.audit_actors(kind, MAX_KNOWN_ACTORS).await?);
        }
        Ok(known)
    }

    async fn actor_match(&self, text: &str) -> Result<ActorMatch, AuditQueryError> {
        if text.parse::<MemberId>().is_ok() || text.parse::<TokenId>().is_ok() {
            return Ok(ActorMatch::Id(text.to_owned()));
        }
        if let Ok(kind @ (ActorKind::CommandLine | ActorKind::System)) = text.parse() {
            return Ok(ActorMatch::Kind(kind));
        }
        let (kinds, name) = kind_and_name(text);
        for (kinds, name) in [(Vec::new(), text), (kinds.clone(), name)] {
            let exact = ActorMatch::Named(kinds, name.to_owned());
            if self.is_on_trail(&exact).await? {
                return Ok(exact);
            }
        }
        let known = self.known_actors().await?;
        let folded = name.to_lowercase();
        let alike = known.iter().filter(|actor| {
            (kinds.is_empty() || kinds.contains(&actor.kind)) && actor.name.to_lowercase() == folded
        });
        let mut spellings: Vec<_> = alike.map(|actor| actor.name.clone()).collect();
        spellings.sort_unstable();
        spellings.dedup();
        match spellings.len() {
            0 => {
                // A member who has done nothing yet is a valid search with an empty result.
                if let Ok(member) = name.parse::<MemberName>()
                    && let Some(member) = self.store.member_by_name(&member).await?
                {
                    return Ok(ActorMatch::Id(member.id.to_string()));
                }
                Err(AuditQueryError::UnknownActor {
                    name: shown(name),
                    known: offered(&known),
                })
            }
            1 => Ok(ActorMatch::Named(kinds, spellings.remove(0))),
            _ => Err(AuditQueryError::AmbiguousActor {
                name: name.to_owned(),
                spellings: spellings.join(" or "),
            }),
        }
    }

    async fn is_on_trail(&self, actor: &ActorMatch) -> Result<bool, StoreError> {
        let filter = AuditFilter {
            actor: Some(actor.clone()),
            ..AuditFilter::default()
        };
        Ok(!self
            .store
            .audit_page(&filter, None, PageSize::ONE)
            .await?
            .is_empty())
    }

    /// The subjects that ever had this name, with their entries under earlier and later names too.
    async fn subject_match(&self, text: &str) -> Result<SubjectMatch, AuditQueryError> {
        if let Some(id) = subject_id(text) {
            return Ok(SubjectMatch::Ids(vec![id]));
        }
        let named = SubjectMatch::Named(text.to_owned());
        let filter = AuditFilter {
            subject: Some(named.clone()),
            ..AuditFilter::default()
        };
        let entries = self.store.audit_page(&filter, None, PageSize::MAX).await?;
        if entries.is_empty() {
            return Err(AuditQueryError::UnknownSubject(shown(text)));
        }
        let mut ids: Vec<_> = entries.into_iter().map(|entry| entry.subject.id).collect();
        ids.sort_unstable();
        ids.dedup();
        // A subject without an ID is known by its name alone.
        if ids.len() > MAX_NAMESAKES || ids.iter().any(String::is_empty) {
            return Ok(named);
        }
        Ok(SubjectMatch::Ids(ids))
    }
}

/// Splits the kind from a name: in front of it with a colon, or behind it as lists show it. No kind stands for all.
fn kind_and_name(text: &str) -> (Vec<ActorKind>, &str) {
    if let Some(name) = text.strip_suffix(COMMAND_LINE_TAG) {
        return (vec![ActorKind::CommandLine], name);
    }
    let split = text
        .split_once(':')
        .map(|(kind, name)| (kind.parse(), name.trim()));
    match split {
        Some((Ok(kind), name)) if !name.is_empty() => (vec![kind], name),
        _ => (Vec::new(), text),
    }
}

/// The text as the ID of a subject, in the form that the trail has: incidents in any case, address sets with `@`.
fn subject_id(text: &str) -> Option<String> {
    if let Ok(number) = text.to_ascii_uppercase().parse::<IncidentNumber>() {
        return Some(number.to_string());
    }
    let is_id = text.starts_with('@')
        || text.parse::<WebhookHandle>().is_ok()
        || text.parse::<MemberId>().is_ok()
        || text.parse::<TokenId>().is_ok()
        || text.parse::<SessionId>().is_ok();
    is_id.then(|| text.to_owned())
}

/// Names to choose from, in one line.
fn offered(known: &[KnownActor]) -> String {
    let people = known
        .iter()
        .filter(|actor| matches!(actor.kind, ActorKind::Member | ActorKind::Token));
    let mut names: Vec<_> = people.map(|actor| actor.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(MAX_OFFERED);
    names.truncate(MAX_OFFERED);
    names.extend(["command-line", "system"]);
    let list = names.join(", ");
    if more == 0 {
        format!("are {list}")
    } else {
        format!("are {list} and {more} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_in_front_of_a_name() {
        let all = Vec::new;
        assert_eq!(kind_and_name("ada"), (all(), "ada"));
        assert_eq!(kind_and_name("token:ada"), (vec![ActorKind::Token], "ada"));
        assert_eq!(kind_and_name("token:a:b"), (vec![ActorKind::Token], "a:b"));
        assert_eq!(
            kind_and_name("root (command line)"),
            (vec![ActorKind::CommandLine], "root")
        );
        assert_eq!(
            kind_and_name("command-line:root"),
            (vec![ActorKind::CommandLine], "root")
        );
        for text in ["ops:ada", "token:", ":x"] {
            assert_eq!(kind_and_name(text), (all(), text));
        }
    }

    #[test]
    fn ids_are_told_from_names() {
        assert_eq!(subject_id("inc-7").as_deref(), Some("INC-7"));
        assert_eq!(subject_id("@office").as_deref(), Some("@office"));
        for name in ["db alerts", "hk_", "INC-", "INC-0"] {
            assert_eq!(subject_id(name), None, "{name}");
        }
    }
}
