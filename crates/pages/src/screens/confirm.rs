//! What is asked before something can't be undone, with its consequences in numbers.

use askama::Template;
use hookgate_domain::{Timestamp, WebhookHandle};

use super::screen;
use super::usage::SourceRow;
use crate::assets;
use crate::shell::Shell;
use crate::text::UserText;
use crate::when;

/// Who uses a URL: what breaks when it dies.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// Accepted deliveries of the last 24 hours.
    pub deliveries_day: u64,
    /// How many sources they came from.
    pub senders_day: u64,
    /// Accepted deliveries of the last 7 days.
    pub deliveries_week: u64,
    /// How many sources they came from.
    pub senders_week: u64,
    /// When the last delivery came.
    pub last_seen: Option<Timestamp>,
    /// The most active sources of the last 7 days.
    pub sources: Vec<SourceRow>,
}

impl Impact {
    fn sentence(&self) -> String {
        if self.deliveries_week == 0 {
            return "No deliveries were accepted in the last 7 days.".to_owned();
        }
        format!(
            "{} from {} in the last 24 hours, {} from {} in the last 7 days.",
            when::count(self.deliveries_day, "delivery"),
            when::count(self.senders_day, "sender"),
            when::count(self.deliveries_week, "delivery"),
            when::count(self.senders_week, "sender")
        )
    }
}

/// `/webhooks/{handle}/regenerate`.
#[derive(Clone, Debug, Template)]
#[template(path = "regenerate.html")]
pub struct RegenerateConfirm {
    /// The frame.
    pub shell: Shell,
    /// Which webhook.
    pub handle: WebhookHandle,
    /// What it is called.
    pub name: UserText,
    /// The first characters of the secret that dies.
    pub hint: String,
    /// Who uses it.
    pub impact: Impact,
}

screen!(RegenerateConfirm, "webhooks");

/// `/webhooks/{handle}/revoke`: asks for the webhook's name, sent as `name`.
#[derive(Clone, Debug, Template)]
#[template(path = "revoke.html")]
pub struct RevokeConfirm {
    /// The frame.
    pub shell: Shell,
    /// Which webhook.
    pub handle: WebhookHandle,
    /// What it is called, and what must be typed.
    pub name: UserText,
    /// The first characters of the secret that dies.
    pub hint: String,
    /// Who uses it.
    pub impact: Impact,
    /// Why the last try was not taken.
    pub problem: Option<UserText>,
}

screen!(RevokeConfirm, "webhooks");

/// A question before any other act that can't be undone: the same form again, with `confirm` set to `yes`.
#[derive(Clone, Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    /// The frame.
    pub shell: Shell,
    /// The question.
    pub title: String,
    /// What happens, one sentence each.
    pub consequences: Vec<UserText>,
    /// What it concerns, each with the path of its page.
    pub affected: Vec<(String, UserText)>,
    /// Where the form goes.
    pub action: String,
    /// What the form sends besides, as names and values.
    pub fields: Vec<(String, String)>,
    /// What the button says.
    pub button: String,
    /// Where to go instead.
    pub back: String,
}

screen!(Confirm, "");
