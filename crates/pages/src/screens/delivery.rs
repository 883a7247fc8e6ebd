//! One delivery: as a row of any list, as a live row, and as a page.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::client_address::Trail;
use hookgate_domain::invisible::characters;
use hookgate_domain::networks::is_private;
use hookgate_domain::{
    DeliveryId, ForwardingHeader, IncidentNumber, RefusalCode, RequestId, Timestamp, WebhookHandle,
};

use crate::assets;
use crate::explain::{Explanation, PayloadFault, RemedyPage, explain};
use crate::render::{self, RenderError, screen};
use crate::shell::Shell;
use crate::text::UserText;
use crate::when;

/// Maximum size of a shown payload, in bytes of HTML, for each of its two forms; a page has a size limit.
const SHOWN_PAYLOAD: usize = 12_000;

/// The answer to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted: it opened an incident.
    Opened,
    /// Accepted: it updated an incident.
    Updated,
    /// Accepted: its status is `resolved`, and no incident matched.
    Unmatched,
    /// Refused.
    Refused(RefusalCode),
    /// Refused, with the status of a temporary failure.
    Postponed(RefusalCode),
}

/// A delivery in a list.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/delivery_row.html")]
pub struct DeliveryRow {
    /// ID of the delivery.
    pub id: DeliveryId,
    /// The webhook of the delivery.
    pub webhook: WebhookHandle,
    /// Name of that webhook.
    pub webhook_name: UserText,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Source address.
    pub source: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<UserText>,
    /// The answer.
    pub verdict: Verdict,
    /// The status of the answer.
    pub status: u16,
    /// `true` if the delivery passed only because its webhook observes.
    pub would_be_refused: bool,
    /// The first incident that it opened or updated.
    pub incident: Option<IncidentNumber>,
    /// Number of deliveries that the record counts.
    pub count: u64,
    /// The request ID, if it was stored.
    pub request_id: Option<RequestId>,
}

impl HtmlSafe for DeliveryRow {}

impl DeliveryRow {
    /// The row as a fragment, one `<tr>` without line breaks: the data of an event named `delivery` in a live stream.
    ///
    /// # Errors
    /// The template fails.
    pub fn render(&self) -> Result<String, RenderError> {
        Ok(render::html(self)?.replace(['\n', '\r'], " "))
    }

    /// The refusal code, if refused.
    #[must_use]
    pub const fn code(&self) -> Option<RefusalCode> {
        match self.verdict {
            Verdict::Opened | Verdict::Updated | Verdict::Unmatched => None,
            Verdict::Refused(code) | Verdict::Postponed(code) => Some(code),
        }
    }

    fn class(&self) -> &'static str {
        match (self.code(), self.would_be_refused) {
            (Some(_), _) => "bad",
            (None, true) => "warn",
            (None, false) => "ok",
        }
    }

    fn word(&self) -> &'static str {
        match (self.code(), self.would_be_refused) {
            (Some(_), _) => "refused",
            (None, true) => "observed",
            (None, false) => "accepted",
        }
    }

    /// The outcome in words, for the live region.
    fn say(&self) -> String {
        match self.code() {
            None if self.would_be_refused => "accepted, but its address would be refused".to_owned(),
            None if self.verdict == Verdict::Unmatched => "accepted, nothing to resolve".to_owned(),
            None => "accepted".to_owned(),
            Some(code) => format!("refused, {code}. {}", explain(code).why),
        }
    }
}

/// The body of a delivery.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The payload was stored.
    Stored {
        /// The bytes as text, with invalid UTF-8 replaced.
        raw: UserText,
        /// The payload with indentation, if it is JSON.
        pretty: Option<UserText>,
        /// Size in bytes.
        bytes: u64,
        /// Size of the whole body, if only its first part was stored.
        whole: Option<u64>,
    },
    /// There is no payload to show; a sentence gives the reason.
    Absent(&'static str),
}

/// The answer as it was sent, without its status.
#[derive(Clone, Debug)]
pub struct ShownAnswer {
    /// Headers that matter to the reader.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: UserText,
}

/// A forwarding header that was ignored, because its sender is not a trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IgnoredHeader {
    /// Address of the peer that connected.
    pub peer: IpAddr,
    /// The header that the peer sent.
    pub header: ForwardingHeader,
}

impl IgnoredHeader {
    /// The event and its remedy, in sentences.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { peer, header } = self;
        format!(
            "{peer} connected directly. Its {} header was ignored because {peer} is not a trusted proxy. {}",
            header.name(),
            self.remedy()
        )
    }

    fn remedy(&self) -> String {
        format!(
            "If {0} is a proxy of yours, add {0} to gate.trusted_proxies and set gate.forwarded to {1:?}; until then \
             allowlists see {0} instead of the senders behind it. If it is a sender, nothing has to be done.",
            self.peer,
            self.header.as_str()
        )
    }
}

/// `/deliveries/{id}`.
#[derive(Clone, Debug, Template)]
#[template(path = "delivery.html")]
pub struct DeliveryDetail {
    /// The frame.
    pub shell: Shell,
    /// The delivery.
    pub row: DeliveryRow,
    /// All incidents that it opened or updated.
    pub incidents: Vec<IncidentNumber>,
    /// `true` if headers and payload are withheld from the reader.
    pub withheld: bool,
    /// The stored request headers, without those that hold secrets.
    pub headers: Vec<(UserText, UserText)>,
    /// The body.
    pub payload: Payload,
    /// The steps by which the source address was found, if the delivery was refused for its source or would have been.
    pub trail: Option<Trail>,
    /// A forwarding header of the delivery that was ignored.
    pub ignored: Option<IgnoredHeader>,
    /// Changes to the payload that made it acceptable, in sentences.
    pub notes: Vec<UserText>,
    /// The exact faults, such as fields of the payload.
    pub faults: Vec<PayloadFault>,
    /// The answer as it was sent; `None` if the sender had gone, or if it was not stored.
    pub answer: Option<ShownAnswer>,
    /// Duration of each step.
    pub timing: Vec<(&'static str, Duration)>,
}

screen!(DeliveryDetail, "logs");

impl DeliveryDetail {
    fn explanation(&self) -> Option<Explanation> {
        let explanation = self.row.code().map(explain)?;
        let remedy = self.faults.iter().find_map(PayloadFault::remedy);
        Some(Explanation {
            remedy: remedy.unwrap_or(explanation.remedy),
            ..explanation
        })
    }

    /// Number of its incidents, if there are several.
    fn several_incidents(&self) -> Option<String> {
        (self.incidents.len() > 1).then(|| when::counted(self.incidents.len(), "incident"))
    }

    /// Time after which the sender left, if it left before its answer.
    fn left_after(&self) -> Option<String> {
        let step = self
            .timing
            .first()
            .filter(|_| self.row.code() == Some(RefusalCode::ClientGone))?;
        Some(format!("{:.1} s", step.1.as_secs_f64()))
    }

    /// The reason for a missing answer.
    fn no_answer(&self) -> &'static str {
        if self.row.code() == Some(RefusalCode::ClientGone) {
            "None: the sender had closed the connection."
        } else {
            "Not stored: an older version received this delivery."
        }
    }

    /// Number of further deliveries that the record counts, with their answer.
    fn repeats(&self) -> Option<String> {
        let others = self.row.count.checked_sub(1).filter(|others| *others > 0)?;
        let answered = if self.row.code().is_some() {
            "These got the same response, each with its own request ID"
        } else {
            "These got 200 with the same body, each with its own request ID"
        };
        Some(format!(
            "{answered}: {}.",
            when::count(
                others,
                if self.row.code().is_some() {
                    "more refusal"
                } else {
                    "retry"
                }
            )
        ))
    }

    /// Origin of the source address, in one sentence.
    fn origin(&self) -> Option<String> {
        self.trail.as_ref().map(Trail::sentence)
    }

    /// The remedy for an ignored header.
    fn proxy_remedy(&self) -> Option<String> {
        self.ignored.as_ref().map(IgnoredHeader::remedy)
    }

    /// `true` if the delivery came directly from a private address with a forwarding header: probably from a proxy.
    fn is_untrusted_proxy(&self) -> bool {
        is_private(self.row.source) && self.ignored.is_some()
    }

    /// The link that adds the source address to the allowlist, for members who may edit it.
    fn allow(&self) -> Option<String> {
        let known = self.trail.as_ref().is_none_or(|trail| trail.fault().is_none());
        // An allowlist with an untrusted proxy permits every client behind that proxy.
        let known = known && !self.is_untrusted_proxy();
        let add = crate::link::query(&[("add", &self.row.source.to_string())]);
        (known && self.shell.is_admin()).then(|| format!("/webhooks/{}/edit{add}", self.row.webhook))
    }

    /// The link to the page with the remedy.
    fn place(&self, explanation: &Explanation) -> Option<(String, &'static str)> {
        let path = format!("/webhooks/{}", self.row.webhook);
        let place = explanation.place.filter(|_| self.shell.is_admin())?;
        Some(match place {
            RemedyPage::Edit => match self.allow() {
                Some(allow) if self.row.code() == Some(RefusalCode::IpNotAllowed) => {
                    (allow, "Allow this address")
                }
                _ => (format!("{path}/edit"), "Edit the webhook"),
            },
            RemedyPage::Regenerate => (format!("{path}/regenerate"), "Regenerate the URL"),
        })
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn part(&self, text: &UserText) -> (UserText, bool) {
        shown(text)
    }

    fn timings(&self) -> Vec<(&'static str, String)> {
        let micros =
            |step: &(&'static str, Duration)| (step.0, format!("{:.2} ms", step.1.as_secs_f64() * 1_000.0));
        self.timing.iter().map(micros).collect()
    }
}

/// The part of a payload that is shown, and `true` if it is cut.
fn shown(text: &UserText) -> (UserText, bool) {
    let mut budget = SHOWN_PAYLOAD;
    let mut next = 0;
    let end = characters(text.raw()).find_map(|(c, is_hidden)| {
        let at = next;
        next += c.len_utf8();
        let width = if is_hidden && c != '\n' {
            20
        } else {
            c.len_utf8() + usize::from("<>&\"'".contains(c)) * 4
        };
        match budget.checked_sub(width) {
            Some(left) => {
                budget = left;
                None
            }
            None => Some(at),
        }
    });
    match end {
        Some(end) => (UserText::from(&text.raw()[..end]), true),
        None => (text.clone(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_payload_is_cut_for_the_page() {
        for c in ["x", "\u{202E}", "\"", "🚒"] {
            let (text, cut) = shown(&UserText::from(c.repeat(100_000)));
            assert!(cut && text.block().to_string().len() <= SHOWN_PAYLOAD + 40);
        }
        assert!(!shown(&UserText::from("{}")).1);
    }
}
