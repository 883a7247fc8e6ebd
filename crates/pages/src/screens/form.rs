//! The form of a webhook: new and edited.

use askama::Template;
use hookgate_domain::WebhookHandle;

use super::allowlist::{Preview, allowlist_lines};
use super::conflict::{Conflict, ConflictPart};
use crate::assets;
use crate::render::screen;
use crate::shell::{Problem, Problems, Shell, problem_of};
use crate::text::UserText;

/// The fields of a webhook as they were typed; each is named as the form sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookForm {
    /// `name`.
    pub name: String,
    /// `allowlist`: one entry a line; empty permits every address.
    pub allowlist: String,
    /// `observe`: a checkbox, `on` or `off`: whether the allowlist only marks what it would refuse.
    pub observe: bool,
    /// `payload_logging`: a checkbox, `on` or `off`.
    pub payload_logging: bool,
    /// `signed`: a checkbox, `on` or `off`; asked for in the new form only.
    pub signed: bool,
    /// `body_bytes`: the largest payload.
    pub body_bytes: String,
    /// `per_minute`: the most deliveries a minute; empty for no limit.
    pub per_minute: String,
    /// `overload`: `refuse` (429) or `postpone` (503).
    pub overload: String,
    /// `rotation_days`: after how many days a new URL is due; empty for never.
    pub rotation_days: String,
}

impl Default for WebhookForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            allowlist: String::new(),
            observe: false,
            payload_logging: true,
            signed: false,
            body_bytes: hookgate_domain::policy::DEFAULT_BODY_BYTES.to_string(),
            per_minute: String::new(),
            overload: "refuse".to_owned(),
            rotation_days: "90".to_owned(),
        }
    }
}

/// `/webhooks/new`.
#[derive(Clone, Debug, Template)]
#[template(path = "new_webhook.html")]
pub struct NewWebhook {
    /// The frame.
    pub shell: Shell,
    /// The fields.
    pub form: WebhookForm,
    /// Problems of the fields.
    pub problems: Vec<Problem>,
}

screen!(NewWebhook, "webhooks");

impl NewWebhook {
    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }

    /// The reading of the allowlist, after a try that failed.
    fn read(&self) -> Option<Preview> {
        let lines = allowlist_lines(&self.form.allowlist);
        let wrong = lines.iter().any(|line| line.reading.is_wrong());
        wrong.then(|| Preview {
            lines,
            ..Preview::default()
        })
    }
}

/// `/webhooks/{handle}/edit`; also the answer to `/webhooks/{handle}/preview` without the script.
#[derive(Clone, Debug, Template)]
#[template(path = "edit_webhook.html")]
pub struct EditWebhook {
    /// The frame.
    pub shell: Shell,
    /// The webhook.
    pub handle: WebhookHandle,
    /// Current name of the webhook.
    pub name: UserText,
    /// The revision that was current when the form was opened, sent back as `revision`, so that a change in between is not
    /// overwritten.
    pub revision: i64,
    /// A change that another member saved in between.
    pub conflict: Option<Conflict>,
    /// The fields.
    pub form: WebhookForm,
    /// Problems of the fields.
    pub problems: Vec<Problem>,
    /// Preview of the allowlist, if requested.
    pub preview: Option<Preview>,
}

screen!(EditWebhook, "webhooks");

impl EditWebhook {
    fn looks_far(&self) -> bool {
        self.preview.as_ref().is_some_and(|preview| preview.days > 7)
    }

    fn problem(&self, field: &str) -> Option<&Problem> {
        problem_of(&self.problems, field)
    }
}
