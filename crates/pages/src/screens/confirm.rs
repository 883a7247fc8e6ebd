//! Confirmation of acts that can't be undone, with their consequences in numbers.

use askama::Template;
use hookgate_domain::{Timestamp, WebhookHandle};

use super::usage::SourceRow;
use crate::assets;
use crate::render::screen;
use crate::shell::Shell;
use crate::text::UserText;
use crate::when;

/// Recent use of a URL: the senders that stop working when the URL does.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// Accepted deliveries of the last 24 hours.
    pub deliveries_day: u64,
    /// Number of their sources.
    pub senders_day: u64,
    /// Accepted deliveries of the last 7 days.
    pub deliveries_week: u64,
    /// Number of their sources.
    pub senders_week: u64,
    /// Time of the last delivery.
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
    /// The webhook.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: UserText,
    /// The hint of the URL that stops working.
    pub hint: String,
    /// Use of the URL.
    pub impact: Impact,
}

screen!(RegenerateConfirm, "webhooks");

/// `/webhooks/{handle}/revoke`: asks for the webhook's name, sent as `name`.
#[derive(Clone, Debug, Template)]
#[template(path = "revoke.html")]
pub struct RevokeConfirm {
    /// The frame.
    pub shell: Shell,
    /// The webhook.
    pub handle: WebhookHandle,
    /// Name of the webhook; the form asks for it.
    pub name: UserText,
    /// The hint of the URL that stops working.
    pub hint: String,
    /// Use of the URL.
    pub impact: Impact,
    /// The problem of the last try.
    pub problem: Option<UserText>,
}

screen!(RevokeConfirm, "webhooks");

/// Confirmation of any other act that can't be undone: it sends the same form again, with `confirm` set to `yes`.
#[derive(Clone, Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    /// The frame.
    pub shell: Shell,
    /// The question.
    pub title: String,
    /// The consequences, one sentence each.
    pub consequences: Vec<UserText>,
    /// The affected objects, each with the path of its page.
    pub affected: Vec<(String, UserText)>,
    /// Target path of the form.
    pub action: String,
    /// Other fields of the form, as names and values.
    pub fields: Vec<(String, String)>,
    /// Label of the button.
    pub button: String,
    /// Target path of the link that cancels.
    pub back: String,
}

screen!(Confirm, "");
