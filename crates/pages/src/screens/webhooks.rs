//! The list of webhooks.

use askama::Template;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{Timestamp, WebhookHandle};

use crate::assets;
use crate::chart::{Svg, sparkline};
use crate::render::screen;
use crate::shell::{Pager, Paging, Shell};
use crate::text::UserText;
use crate::when::{self, Given};

/// Age of a URL, in days, above which the list remarks on it, whatever the rotation policy is.
const OLD: u64 = 90;

/// `/webhooks`: all webhooks of the organization.
#[derive(Clone, Debug, Template)]
#[template(path = "webhooks.html")]
pub struct WebhookList {
    /// The frame.
    pub shell: Shell,
    /// The filter of the list.
    pub filter: WebhookFilter,
    /// The rows of this page.
    pub rows: Vec<WebhookRow>,
    /// The neighbouring pages.
    pub paging: Paging,
    /// The one private address that all traffic of the last hour came from.
    pub proxy: Option<std::net::IpAddr>,
}

screen!(WebhookList, "webhooks");

/// The filter of the list of webhooks, as in the query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookFilter {
    /// `q`: part of the name.
    pub name: String,
    /// `state`: `active`, `revoked` or empty.
    pub state: String,
}

/// One webhook in the list.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// Its public name.
    pub handle: WebhookHandle,
    /// Name of the webhook.
    pub name: UserText,
    /// `true` if the webhook is revoked.
    pub revoked: bool,
    /// `true` if the webhook is failing.
    pub failing: bool,
    /// The hint of its URL.
    pub hint: String,
    /// Time at which the current URL was issued.
    pub issued_at: Timestamp,
    /// State of that URL under the rotation policy.
    pub rotation: RotationAge,
    /// Time of the last delivery.
    pub last_seen: Option<Timestamp>,
    /// Accepted and refused deliveries by the hour, oldest first, 24 of them.
    pub hours: Vec<(u64, u64)>,
    /// `true` if only the sources of an allowlist may send.
    pub has_allowlist: bool,
}

impl WebhookList {
    fn is_narrowed(&self) -> bool {
        self.filter != WebhookFilter::default()
    }

    fn pager(&self) -> Pager<'_> {
        let filter = [("q", self.filter.name.as_str()), ("state", &self.filter.state)];
        Pager {
            path: "/webhooks",
            filter: filter.to_vec(),
            paging: &self.paging,
        }
    }
}

impl WebhookRow {
    fn spark(&self) -> Svg {
        sparkline(&self.hours)
    }

    fn age(&self, now: impl Given<Timestamp>) -> String {
        when::count(when::days(self.issued_at, now), "day")
    }

    /// The badge beside the age: its class and its words.
    fn badge(&self, now: impl Given<Timestamp>) -> Option<(&'static str, String)> {
        let age = when::days(self.issued_at, now);
        rotation_badge(self.rotation, self.revoked, age)
    }

    fn refused_share(&self) -> String {
        let sum = |pick: fn(&(u64, u64)) -> u64| self.hours.iter().map(pick).fold(0, u64::saturating_add);
        let refused = sum(|hour| hour.1);
        share(refused, refused.saturating_add(sum(|hour| hour.0)))
    }
}

/// The rotation badge of a URL: class and words. `age` is in days.
pub(super) fn rotation_badge(
    rotation: RotationAge,
    revoked: bool,
    age: u64,
) -> Option<(&'static str, String)> {
    match rotation {
        _ if revoked => None,
        RotationAge::KnownToLeaver { .. } => Some(("warn", "URL known to a former member".to_owned())),
        RotationAge::Exposed { .. } => Some(("bad", "URL exposed".to_owned())),
        RotationAge::Due { days_over: 0 } => Some(("warn", "rotation due".to_owned())),
        RotationAge::Due { days_over } => Some((
            "warn",
            format!("rotation overdue by {}", when::count(days_over, "day")),
        )),
        _ if age > OLD => Some(("dim", format!("over {OLD} days"))),
        RotationAge::Fresh { .. } | RotationAge::NotTracked => None,
    }
}

/// A share in whole percent; `–` of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    let whole = u128::from(whole);
    match (u128::from(part) * 100).checked_div(whole) {
        None => "–".to_owned(),
        Some(0) if part > 0 => "<1 %".to_owned(),
        Some(percent) => format!("{percent} %"),
    }
}
