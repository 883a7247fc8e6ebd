//! The closed sets by which the audit trail is filtered: kinds of actors and families of acts. No I/O, no names of
//! people.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::AuditAct;

/// The kind of an [`Actor`](crate::Actor).
///
/// ```
/// use hookgate_people::ActorKind;
///
/// assert_eq!(ActorKind::CommandLine.as_str(), "command_line");
/// assert_eq!("Command-line".parse(), Ok(ActorKind::CommandLine));
/// assert!("root".parse::<ActorKind>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActorKind {
    /// A member, signed in.
    Member,
    /// A program with an API token.
    Token,
    /// The command line of the server's machine.
    CommandLine,
    /// Hookgate itself.
    System,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Member, Self::Token, Self::CommandLine, Self::System];

    /// The word for the kind, as stores and scripts have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Token => "token",
            Self::CommandLine => "command_line",
            Self::System => "system",
        }
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ActorKind {
    type Err = UnknownActorKind;

    /// Reads the word in any case; `-` and a space stand for `_`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.replace(['-', ' '], "_").to_ascii_lowercase();
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or(UnknownActorKind)
    }
}

/// The text is no kind of actor.
///
/// ```
/// use hookgate_people::{ActorKind, UnknownActorKind};
///
/// assert_eq!("people".parse::<ActorKind>(), Err(UnknownActorKind));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a kind of actor (member, token, command-line or system)")]
pub struct UnknownActorKind;

/// One act, or all acts of a family: `webhook.revoke`, or `webhook` for all acts on webhooks.
///
/// ```
/// use hookgate_people::{AuditAct, AuditActs};
///
/// let webhooks: AuditActs = "webhook".parse()?;
/// assert!(webhooks.as_slice().contains(&AuditAct::WebhookRevoke));
/// assert!(webhooks.as_slice().iter().all(|act| act.family() == "webhook"));
/// assert_eq!(AuditActs::from(AuditAct::MemberRole).to_string(), "member.role");
/// assert_eq!(webhooks.to_string(), "webhook");
/// # Ok::<(), hookgate_people::UnknownAuditActs>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditActs {
    acts: Vec<AuditAct>,
    is_family: bool,
}

impl AuditActs {
    /// Every family, each once, in the order of the acts.
    ///
    /// ```
    /// assert!(hookgate_people::AuditActs::families().contains(&"address_set"));
    /// ```
    #[must_use]
    pub fn families() -> Vec<&'static str> {
        let mut families = Vec::new();
        for act in AuditAct::ALL {
            if !families.contains(&act.family()) {
                families.push(act.family());
            }
        }
        families
    }

    /// The acts, at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[AuditAct] {
        &self.acts
    }
}

impl From<AuditAct> for AuditActs {
    fn from(act: AuditAct) -> Self {
        Self {
            acts: vec![act],
            is_family: false,
        }
    }
}

impl fmt::Display for AuditActs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.acts.first();
        let word = first.map_or("", |act| {
            if self.is_family {
                act.family()
            } else {
                act.as_str()
            }
        });
        f.pad(word)
    }
}

impl FromStr for AuditActs {
    type Err = UnknownAuditActs;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(act) = text.parse::<AuditAct>() {
            return Ok(act.into());
        }
        let all = AuditAct::ALL.iter().copied();
        let acts: Vec<_> = all.filter(|act| act.family() == text).collect();
        if acts.is_empty() {
            return Err(UnknownAuditActs);
        }
        Ok(Self {
            acts,
            is_family: true,
        })
    }
}

/// The text is neither an act nor a family of acts. Its message names the families.
///
/// ```
/// use hookgate_people::{AuditActs, UnknownAuditActs};
///
/// assert_eq!("webhook.sing".parse::<AuditActs>(), Err(UnknownAuditActs));
/// assert!(UnknownAuditActs.to_string().contains("webhook, address_set, incident"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not an act of the audit trail: use a family ({}) or one act of it, such as webhook.revoke",
    AuditActs::families().join(", ")
)]
pub struct UnknownAuditActs;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_belongs_to_one_family() {
        let mut counted = 0;
        for family in AuditActs::families() {
            let acts: AuditActs = family.parse().expect("a family");
            assert_eq!(acts.to_string(), family);
            counted += acts.as_slice().len();
        }
        assert_eq!(counted, AuditAct::ALL.len());
    }

    #[test]
    fn what_is_no_act_is_refused_with_what_is_taken() {
        for text in ["", "web", "webhook.", "WEBHOOK", "webhook.*"] {
            let error = text.parse::<AuditActs>().expect_err(text);
            assert!(error.to_string().contains("session, sign_in_link"), "{error}");
        }
    }
}
