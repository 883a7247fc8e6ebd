//! Address sets: the list, with the form of a new set, and the page of one set.

use askama::Template;
use hookgate_domain::address_set::{AddressSetName, Provider};
use hookgate_domain::{Timestamp, WebhookHandle};

use super::conflict::{Conflict, ConflictPart};
use crate::assets;
use crate::render::screen;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::UserText;
use crate::when;

/// Maximum number of networks of a change that a page shows.
const SHOWN: usize = 50;
/// Maximum number of warnings that a page shows.
const WARNINGS: usize = 10;

/// `/address-sets`.
#[derive(Clone, Debug, Template)]
#[template(path = "address_sets.html")]
pub struct AddressSetList {
    /// The frame.
    pub shell: Shell,
    /// All sets, by name.
    pub rows: Vec<AddressSetFacts>,
    /// The form of a new set.
    pub form: AddressSetForm,
    /// Problems of the form.
    pub problems: Vec<Problem>,
}

screen!(AddressSetList, "address-sets");

impl AddressSetList {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn providers(&self) -> &'static [Provider] {
        Provider::ALL
    }
}

/// The form of a new set, as it was sent.
#[derive(Clone, Debug, Default)]
pub struct AddressSetForm {
    /// `name`.
    pub name: String,
    /// `networks`: one per line, for a set of one's own.
    pub networks: String,
    /// `provider`: the publisher; empty for a set of one's own.
    pub provider: String,
    /// `filter`: the part of the published list.
    pub filter: String,
    /// `url`: the address of the published list.
    pub url: String,
    /// `document`: the published document itself.
    pub document: String,
}

/// A set and its state.
#[derive(Clone, Debug)]
pub struct AddressSetFacts {
    /// Name of the set in allowlists.
    pub name: AddressSetName,
    /// The publisher; empty for a set of one's own.
    pub provider: String,
    /// The part of the published list.
    pub filter: String,
    /// The address of the published list.
    pub url: Option<UserText>,
    /// The current version.
    pub version: i64,
    /// Number of networks of the set.
    pub networks: u64,
    /// Time since which the current version is in effect.
    pub changed_at: Timestamp,
    /// A version that needs approval.
    pub pending: Option<i64>,
    /// Time of the last successful read of the published list.
    pub read_at: Option<Timestamp>,
    /// Error of the last try, if it failed.
    pub fault: Option<UserText>,
    /// `true` if the last successful read is too long ago.
    pub stale: bool,
}

impl AddressSetFacts {
    /// The state of the set: class and words.
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
    /// The networks, one per line: as stored, or as typed.
    pub networks: String,
    /// The revision that was current when the form was opened, sent back as `revision`.
    pub revision: i64,
    /// A change that another member saved in between.
    pub conflict: Option<Conflict>,
    /// The webhooks whose allowlists name the set: their number, and the first of them.
    pub uses: (u64, Vec<(WebhookHandle, UserText)>),
    /// Its versions, newest first.
    pub versions: Vec<SetVersionRow>,
    /// Warnings about these networks.
    pub warnings: Vec<String>,
    /// The effect of the pending version, or of the typed networks.
    pub change: Option<SetChange>,
    /// Problems of the input.
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
    /// State of the version.
    pub state: &'static str,
    /// Time of creation.
    pub made_at: Timestamp,
    /// The member or program that created the version.
    pub made_by: UserText,
    /// Number of networks of the version.
    pub networks: u64,
    /// Number of added networks.
    pub added: u64,
    /// Number of removed networks.
    pub removed: u64,
}

/// The effect of new networks of a set.
#[derive(Clone, Debug, Default)]
pub struct SetChange {
    /// Networks that would be added.
    pub added: Vec<String>,
    /// Networks that would be removed.
    pub removed: Vec<String>,
    /// Number of days of history that the preview covers.
    pub days: u16,
    /// For each webhook: its name, the number of senders that would stop passing, the number of its senders, and the number
    /// of deliveries of those that would stop. `None` for members who may not see previews.
    pub webhooks: Option<Vec<(UserText, u64, u64, u64)>>,
    /// Deliveries from sources that are not counted separately: it is unknown whether they would stop passing.
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

    /// The webhooks of the preview; none if there is no preview.
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
