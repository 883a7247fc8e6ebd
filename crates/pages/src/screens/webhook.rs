//! The page of one webhook.

use askama::Template;
use hookgate_domain::{AllowlistMode, RefusalCode, RotationAge, Timestamp, WebhookHandle};

use super::delivery::DeliveryRow;
use super::screen;
use super::usage::{Range, SourceRow};
use super::webhooks::rotation_badge;
use crate::assets;
use crate::chart::Chart;
use crate::shell::Shell;
use crate::text::UserText;
use crate::when::{self, Given};

/// `/webhooks/{handle}`.
#[derive(Clone, Debug, Template)]
#[template(path = "webhook.html")]
pub struct WebhookDetail {
    /// The frame.
    pub shell: Shell,
    /// What the webhook is.
    pub webhook: WebhookFacts,
    /// Which stretch of time is shown.
    pub range: Range,
    /// Deliveries over that time.
    pub chart: Chart,
    /// The most active sources of that time.
    pub sources: Vec<SourceRow>,
    /// The newest deliveries, newest first.
    pub recent: Vec<DeliveryRow>,
}

screen!(WebhookDetail, "webhooks");

/// What a webhook is and how it is set.
#[derive(Clone, Debug)]
pub struct WebhookFacts {
    /// Its public name.
    pub handle: WebhookHandle,
    /// What people call it.
    pub name: UserText,
    /// What its senders speak.
    pub format: String,
    /// The first characters of its URL's secret.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its URL was made.
    pub issued_at: Timestamp,
    /// Where that stands against its rotation policy.
    pub rotation: RotationAge,
    /// A removed member who knows the URL or the signing secret.
    pub leaver: Option<UserText>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it, as far as that is on record.
    pub revoked_by: Option<UserText>,
    /// The entries of its allowlist; empty permits every address.
    pub networks: Vec<String>,
    /// What becomes of deliveries from elsewhere.
    pub allowlist_mode: AllowlistMode,
    /// The largest payload, in bytes.
    pub body_bytes: u32,
    /// The most deliveries a minute.
    pub per_minute: Option<u32>,
    /// Whether deliveries over that limit are answered 503 instead of 429.
    pub postpones: bool,
    /// Whether payloads are kept.
    pub payload_logging: bool,
    /// Whether deliveries must be signed.
    pub signed: bool,
    /// After how many days a new URL is due.
    pub rotation_days: Option<u16>,
}

/// Most networks of an allowlist that the summary shows.
const SHOWN_NETWORKS: usize = 8;

impl WebhookFacts {
    fn badge(&self, now: impl Given<Timestamp>) -> Option<(&'static str, String)> {
        let age = when::days(self.issued_at, now);
        rotation_badge(self.rotation, self.revoked_at.is_some(), age)
    }

    fn age(&self, now: impl Given<Timestamp>) -> String {
        when::count(when::days(self.issued_at, now), "day")
    }

    fn observes(&self) -> bool {
        self.allowlist_mode == AllowlistMode::Observe
    }

    fn shown_networks(&self) -> String {
        let shown = self.networks.iter().take(SHOWN_NETWORKS).map(String::as_str);
        let mut text = shown.collect::<Vec<_>>().join(", ");
        if let Some(more) = self
            .networks
            .len()
            .checked_sub(SHOWN_NETWORKS)
            .filter(|more| *more > 0)
        {
            text.push_str(" and ");
            text.push_str(&more.to_string());
            text.push_str(" more");
        }
        text
    }
}

/// How the webhook does, in one sentence, and what could be done about it.
struct Health {
    class: &'static str,
    sentence: String,
    action: Option<(String, &'static str)>,
}

impl WebhookDetail {
    fn health(&self) -> Health {
        let say = |class, sentence, action| Health {
            class,
            sentence,
            action,
        };
        let path = self.path();
        if self.webhook.revoked_at.is_some() {
            return say(
                "dim",
                "This webhook is revoked: every delivery is refused with 410.".to_owned(),
                None,
            );
        }
        if let RotationAge::Exposed { .. } = self.webhook.rotation {
            let text = "The URL was sent over plain HTTP and must be taken as known to others.".to_owned();
            return say("bad", text, Some((format!("{path}/regenerate"), "Regenerate it")));
        }
        if let Some(leaver) = &self.webhook.leaver {
            let text = format!(
                "{} was removed and had been shown this URL or its signing secret.",
                leaver.plain()
            );
            return say(
                "warn",
                text,
                Some((format!("{path}/regenerate"), "Regenerate it")),
            );
        }
        let refused = self.sources.iter().filter(|source| source.refused > 0);
        if let Some(worst) = refused.max_by_key(|source| source.refused) {
            let count = when::count(worst.refused, "refusal");
            if worst.refused_as == Some(RefusalCode::IpNotAllowed) {
                let text = format!("{count} from {}, which is not in the allowlist.", worst.source);
                let edit = format!("{path}/edit{}", crate::link::query(&[("add", &worst.source)]));
                return say("warn", text, Some((edit, "Add it?")));
            }
            let code = worst.refused_as.map_or("several reasons", RefusalCode::as_str);
            let logs = crate::link::query(&[
                ("webhook", &self.webhook.handle.to_string()),
                ("outcome", "refused"),
                ("source", &worst.source),
            ]);
            let text = format!("{count} from {}: {code}.", worst.source);
            return say("warn", text, Some((format!("/logs{logs}"), "Look at them")));
        }
        if self.recent.is_empty() {
            let text = "No delivery yet. Send one with the snippets you were given with the URL.".to_owned();
            return say("dim", text, None);
        }
        if self.sources.is_empty() {
            return say("dim", format!("Quiet in the {}.", self.range.words()), None);
        }
        say(
            "ok",
            format!("Everything passed in the {}.", self.range.words()),
            None,
        )
    }

    fn path(&self) -> String {
        format!("/webhooks/{}", self.webhook.handle)
    }

    fn body_limit(&self) -> u64 {
        u64::from(self.webhook.body_bytes)
    }

    fn unknown_sources(&self) -> usize {
        self.sources.iter().filter(|source| source.unknown).count()
    }
}
