//! Folding: a flood of new problems opens a bounded number of incidents, and one more that counts the rest.

use std::sync::LazyLock;
use std::time::Duration;

use crate::draft::DraftFields;
use crate::{IncidentDraft, Severity, Timestamp};

/// Most incidents that deliveries of tools open within a minute for one webhook. Further new problems are folded into
/// one incident.
pub const MAX_NEW_INCIDENTS: i64 = 100;
/// Dedup key of the incident that counts folded problems. No sender has this key, because texts of senders are trimmed.
pub const FOLDING_KEY: &str = " folded";

/// Length of the period within which new incidents are counted.
const PERIOD: Duration = Duration::from_mins(1);

/// The incidents that deliveries of tools opened for one webhook within a minute of the clock.
///
/// ```
/// use hookgate_domain::Timestamp;
/// use hookgate_domain::incident::{MAX_NEW_INCIDENTS, NewIncidents};
///
/// let now = Timestamp::from_micros(0);
/// let mut new = NewIncidents::default().at(now);
/// for _ in 0..MAX_NEW_INCIDENTS {
///     assert!(new.take());
/// }
/// assert!(!new.take());
/// let later = now.after(std::time::Duration::from_mins(1));
/// assert!(new.at(later).take());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewIncidents {
    /// The minute, counted from the epoch.
    pub minute: i64,
    /// Number of incidents.
    pub opened: i64,
}

impl NewIncidents {
    /// The count for a delivery at this time: the same one within its minute, else a new one. A delivery of the minute
    /// before was overtaken by others, and counts with them. An earlier one means that the clock was set back.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let period = i64::try_from(PERIOD.as_micros()).unwrap_or(i64::MAX);
        let minute = now.as_micros().div_euclid(period);
        if minute == self.minute || minute.saturating_add(1) == self.minute {
            self
        } else {
            Self { minute, opened: 0 }
        }
    }

    /// Counts one more. Returns `false` if there are too many already.
    pub const fn take(&mut self) -> bool {
        let fits = self.opened < MAX_NEW_INCIDENTS;
        if fits {
            self.opened += 1;
        }
        fits
    }
}

/// The new problems of one delivery that are folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Number of problems.
    pub count: i64,
    /// The highest severity among them.
    pub severity: Severity,
}

impl Folded {
    /// Adds a problem.
    pub fn add(&mut self, draft: &IncidentDraft) {
        let severity = draft.severity.unwrap_or_default();
        let is_first = self.count == 0;
        self.severity = if is_first {
            severity
        } else {
            self.severity.min(severity)
        };
        self.count += 1;
    }
}

/// The draft of the incident that counts folded problems.
#[must_use]
pub fn folding_draft() -> &'static IncidentDraft {
    static DRAFT: LazyLock<IncidentDraft> = LazyLock::new(|| {
        let fields = DraftFields {
            title: Some(format!("More than {MAX_NEW_INCIDENTS} new incidents within a minute").into()),
            description: Some(
                "Further new problems of this webhook are counted here and have no incidents of their own. The \
                 deliveries of this incident have the details."
                    .into(),
            ),
            ..DraftFields::default()
        };
        IncidentDraft::with_key(fields, FOLDING_KEY)
    });
    &DRAFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Incident, IncidentNumber, OrganizationId, WebhookHandle};

    fn at(minute: i64, second: i64) -> Timestamp {
        Timestamp::from_micros((minute * 60 + second) * 1_000_000)
    }

    #[test]
    fn each_minute_opens_so_many() {
        let mut new = NewIncidents::default().at(at(7, 59));
        assert!((0..MAX_NEW_INCIDENTS).all(|_| new.take()));
        for (minute, second) in [(7, 0), (6, 59)] {
            assert!(!new.at(at(minute, second)).take(), "{minute}:{second}");
        }
        for (minute, second) in [(8, 0), (5, 59), (-7, 0)] {
            assert!(new.at(at(minute, second)).take(), "{minute}:{second}");
        }
    }

    #[test]
    fn no_sender_has_the_key() {
        assert_ne!(FOLDING_KEY.trim(), FOLDING_KEY);
        let draft = folding_draft();
        assert_eq!(draft.dedup_key(), Some(FOLDING_KEY));
        assert!(draft.notes().is_empty() && draft.opening().is_some());
        let sent = IncidentDraft::check(DraftFields {
            title: Some("t".into()),
            dedup_key: Some(FOLDING_KEY.into()),
            ..DraftFields::default()
        });
        assert_ne!(sent.unwrap().dedup_key(), Some(FOLDING_KEY));
    }

    #[test]
    fn an_incident_counts_what_is_folded_into_it() {
        let folded = |count, severity| Folded { count, severity };
        let webhook = WebhookHandle::new(at(0, 0), [1; 10]);
        let number = IncidentNumber::new(1).unwrap();
        let draft = folding_draft().clone();
        let opened = Incident::open(number, OrganizationId::FIRST, webhook, draft, at(0, 0)).unwrap();
        let (incident, events) = opened.fold(folded(3, Severity::Sev3), true, at(0, 0));
        assert_eq!(
            (incident.folded(), incident.severity, incident.occurrences),
            (3, Severity::Sev3, 1)
        );
        assert!(events.is_empty());
        let (incident, events) = incident.fold(folded(1, Severity::Sev0), false, at(0, 1));
        assert_eq!(
            (incident.folded(), incident.severity, incident.occurrences),
            (4, Severity::Sev0, 2)
        );
        assert_eq!(events.len(), 1);
        let (incident, events) = incident.fold(folded(1, Severity::Sev4), false, at(0, 2));
        assert_eq!((incident.folded(), incident.severity), (5, Severity::Sev0));
        assert!(events.is_empty());
    }
}
