//! One delivery: as a row of any list, as a live row, and as a page.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use hookgate_domain::{
    DeliveryId, ForwardingHeader, IncidentNumber, RefusalCode, RequestId, Timestamp, Trail, WebhookHandle,
    characters, is_private,
};

use super::screen;
use crate::assets;
use crate::explain::{Explanation, PayloadFault, RemedyPage, explain};
use crate::shell::Shell;
use crate::text::UserText;
use crate::when;

/// Characters of a payload that a page shows, of each of its two forms; a page has a bound.
const SHOWN_PAYLOAD: usize = 12_000;

/// What a delivery was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted: it opened an incident.
    Opened,
    /// Accepted: it updated one.
    Updated,
    /// Accepted: it says `resolved`, and there was nothing to resolve.
    Unmatched,
    /// Refused.
    Refused(RefusalCode),
    /// Refused, told as a temporary failure.
    Postponed(RefusalCode),
}

/// A delivery in a list.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/delivery_row.html")]
pub struct DeliveryRow {
    /// Its name.
    pub id: DeliveryId,
    /// The webhook it went to.
    pub webhook: WebhookHandle,
    /// What that is called.
    pub webhook_name: UserText,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came from.
    pub source: IpAddr,
    /// How the sender called itself.
    pub user_agent: Option<UserText>,
    /// What it was answered.
    pub verdict: Verdict,
    /// The status of that answer.
    pub status: u16,
    /// Whether it passed only because its webhook observes.
    pub would_be_refused: bool,
    /// The incident that it opened or updated.
    pub incident: Option<IncidentNumber>,
    /// How many deliveries it stands for.
    pub count: u64,
    /// The name of its request, if it was kept.
    pub request_id: Option<RequestId>,
}

impl HtmlSafe for DeliveryRow {}

impl DeliveryRow {
    /// The row as a fragment, one `<tr>` without line breaks: the data of an event named `delivery` in a live stream.
    #[must_use]
    pub fn render(&self) -> String {
        super::html(self).replace(['\n', '\r'], " ")
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
    /// It is kept.
    Stored {
        /// As it came, what is no UTF-8 replaced.
        raw: UserText,
        /// Laid out, if it is JSON.
        pretty: Option<UserText>,
        /// Its size.
        bytes: u64,
        /// The size of the whole body, if this is only its first part.
        whole: Option<u64>,
    },
    /// It isn't there, for this reason: a sentence.
    Absent(&'static str),
}

/// An answer as it was sent, beside its status.
#[derive(Clone, Debug)]
pub struct ShownAnswer {
    /// Headers that tell something.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: UserText,
}

/// A forwarding header that was ignored, because who sent it is not a trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IgnoredHeader {
    /// Who connected.
    pub peer: IpAddr,
    /// Which header it sent.
    pub header: ForwardingHeader,
}

impl IgnoredHeader {
    /// What happened and what to do, in sentences.
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
    /// Whether headers and payload are withheld from who looks.
    pub withheld: bool,
    /// The request's headers that are kept, those with secrets left out.
    pub headers: Vec<(UserText, UserText)>,
    /// The body.
    pub payload: Payload,
    /// How its source was found, if it was refused for it or would have been.
    pub trail: Option<Trail>,
    /// A forwarding header of it that was ignored.
    pub ignored: Option<IgnoredHeader>,
    /// What was changed about it so that it could be taken, in sentences.
    pub notes: Vec<UserText>,
    /// What exactly was at fault, such as fields of the payload.
    pub faults: Vec<PayloadFault>,
    /// The answer as it was sent; `None` if nobody was there to be answered, or if it was not kept.
    pub answer: Option<ShownAnswer>,
    /// How long each step took.
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

    /// Whether the sender left before its answer, and after how long.
    fn left_after(&self) -> Option<String> {
        let step = self
            .timing
            .first()
            .filter(|_| self.row.code() == Some(RefusalCode::ClientGone))?;
        Some(format!("{:.1} s", step.1.as_secs_f64()))
    }

    /// Why there is no answer to show.
    fn no_answer(&self) -> &'static str {
        if self.row.code() == Some(RefusalCode::ClientGone) {
            "None: the sender had closed the connection."
        } else {
            "Not stored: an older version received this delivery."
        }
    }

    /// How many of those that the record stands for were answered by what the first one was answered.
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

    /// Where its source comes from, in one sentence.
    fn origin(&self) -> Option<String> {
        self.trail.as_ref().map(Trail::sentence)
    }

    /// What to do about a header that was ignored.
    fn proxy_remedy(&self) -> Option<String> {
        self.ignored.as_ref().map(IgnoredHeader::remedy)
    }

    /// Whether it came straight from a private address, with the word of somebody else in a header: a proxy, probably.
    fn is_untrusted_proxy(&self) -> bool {
        is_private(self.row.source) && self.ignored.is_some()
    }

    /// The link that puts its address into the allowlist, for whoever may.
    fn allow(&self) -> Option<String> {
        let known = self.trail.as_ref().is_none_or(|trail| trail.fault().is_none());
        // Whoever allows a proxy that is not trusted allows everybody behind it.
        let known = known && !self.is_untrusted_proxy();
        let add = crate::link::query(&[("add", &self.row.source.to_string())]);
        (known && self.shell.is_admin()).then(|| format!("/webhooks/{}/edit{add}", self.row.webhook))
    }

    /// The link to where it can be dealt with.
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

/// The part of a payload that is shown, and whether there is more.
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
