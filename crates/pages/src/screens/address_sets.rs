//! Named sets of addresses: the list with the form for a new one, and the page of one.

use askama::Template;
use hookgate_domain::{AddressSetName, Provider, Timestamp, WebhookHandle};

use super::conflict::{Conflict, ConflictPart};
use super::screen;
use crate::assets;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// Most networks of a change that a page shows.
const SHOWN: usize = 50;
/// Most warnings that a page shows.
const WARNINGS: usize = 10;

/// `/address-sets`.
#[derive(Clone, Debug, Template)]
#[template(path = "address_sets.html")]
pub struct AddressSetList {
    /// The frame.
    pub shell: Shell,
    /// All sets, by name.
    pub rows: Vec<AddressSetFacts>,
    /// The form of a new one.
    pub form: AddressSetForm,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

screen!(AddressSetList, "address-sets");

impl AddressSetList {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn providers(&self) -> [Provider; 7] {
        Provider::ALL
    }
}

/// The form of a new set, as it was sent.
#[derive(Clone, Debug, Default)]
pub struct AddressSetForm {
    /// `name`.
    pub name: String,
    /// `networks`: one a line, for a set of one's own.
    pub networks: String,
    /// `provider`: who publishes it; empty for a set of one's own.
    pub provider: String,
    /// `filter`: which part of what is published.
    pub filter: String,
    /// `url`: where it is published.
    pub url: String,
    /// `document`: the published document itself.
    pub document: String,
}

/// A set, and how it is.
#[derive(Clone, Debug)]
pub struct AddressSetFacts {
    /// What allowlists call it.
    pub name: AddressSetName,
    /// Who publishes it; empty if it is one's own.
    pub provider: String,
    /// Which part of that.
    pub filter: String,
    /// Where it is published.
    pub url: Option<UserText>,
    /// The version that counts.
    pub version: i64,
    /// How many networks it has.
    pub networks: u64,
    /// Since when it counts.
    pub changed_at: Timestamp,
    /// A version that needs approval.
    pub pending: Option<i64>,
    /// When the published list was read last.
    pub read_at: Option<Timestamp>,
    /// Why it could not be read since.
    pub fault: Option<UserText>,
    /// Whether that is too long ago.
    pub stale: bool,
}

impl AddressSetFacts {
    /// How it is: class and words.
    fn state(&self) -> (&'static str, &'static str) {
        if self.pending.is_some() {
            ("warn", "needs approval")
        } else if self.stale {
            ("bad", "stale")
        } else if self.fault.is_some() {
            ("warn", "last good")
        } else {
            ("ok", "current")
        }
    }

    fn is_own(&self) -> bool {
        self.provider.is_empty()
    }
}

/// `/address-sets/{name}`.
#[derive(Clone, Debug, Template)]
#[template(path = "address_set.html")]
pub struct AddressSetDetail {
    /// The frame.
    pub shell: Shell,
    /// The set.
    pub set: AddressSetFacts,
    /// Its networks, one a line: as they are, or as they were typed.
    pub networks: String,
    /// The revision that the form was opened with, sent back as `revision`.
    pub revision: i64,
    /// What somebody else saved in between.
    pub conflict: Option<Conflict>,
    /// The webhooks whose allowlists name it: how many, and the first of them.
    pub uses: (u64, Vec<(WebhookHandle, UserText)>),
    /// Its versions, newest first.
    pub versions: Vec<SetVersionRow>,
    /// What about these networks deserves a second look.
    pub warnings: Vec<String>,
    /// What the version that waits, or one that was typed, would change.
    pub change: Option<SetChange>,
    /// What is wrong with what was typed.
    pub problems: Vec<Problem>,
}

screen!(AddressSetDetail, "address-sets");

impl AddressSetDetail {
    fn shown_warnings(&self) -> impl Iterator<Item = &String> {
        self.warnings.iter().take(WARNINGS)
    }

    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }
}

/// One version of a set.
#[derive(Clone, Debug)]
pub struct SetVersionRow {
    /// Its number.
    pub number: i64,
    /// What became of it.
    pub state: &'static str,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom.
    pub made_by: UserText,
    /// How many networks it has.
    pub networks: u64,
    /// How many were new.
    pub added: u64,
    /// How many went.
    pub removed: u64,
}

/// What other networks of a set would change.
#[derive(Clone, Debug, Default)]
pub struct SetChange {
    /// What would be new.
    pub added: Vec<String>,
    /// What would go.
    pub removed: Vec<String>,
    /// How many days of senders were looked at.
    pub days: u16,
    /// For each webhook: its name, how many senders would stop passing, of how many, and with how many deliveries.
    /// `None` for who may not look ahead.
    pub webhooks: Option<Vec<(UserText, u64, u64, u64)>>,
    /// Deliveries of sources that are not told apart: it is unknown whether these would stop passing.
    pub unknown: u64,
}

impl SetChange {
    fn sentence(&self) -> String {
        let networks = |count: usize| when::count(count as u64, "network");
        let (added, removed) = (networks(self.added.len()), networks(self.removed.len()));
        let Some(webhooks) = &self.webhooks else {
            return format!("{added} added, {removed} removed.");
        };
        let stopping: u64 = webhooks.iter().map(|webhook| webhook.1).sum();
        let days = when::count(u64::from(self.days), "day");
        let whom = if stopping == 0 && self.unknown > 0 {
            format!("No sender from the last {days} that is counted separately would be refused.")
        } else if stopping == 0 {
            format!("No sender from the last {days} would be refused.")
        } else {
            format!(
                "{} from the last {days} would be refused.",
                when::count(stopping, "sender")
            )
        };
        let unknown = match self.unknown {
            0 => String::new(),
            more => format!(
                " Unknown for {} from other sources.",
                when::count(more, "delivery")
            ),
        };
        format!("{added} added, {removed} removed. {whom}{unknown}")
    }

    fn shown_webhooks(&self) -> &[(UserText, u64, u64, u64)] {
        self.webhooks.as_deref().unwrap_or_default()
    }

    fn shown(&self) -> Vec<(&'static str, &str)> {
        let removed = self.removed.iter().map(|network| ("−", network.as_str()));
        let added = self.added.iter().map(|network| ("+", network.as_str()));
        removed.chain(added).take(SHOWN).collect()
    }

    fn unshown(&self) -> usize {
        (self.added.len() + self.removed.len()).saturating_sub(SHOWN)
    }
}
