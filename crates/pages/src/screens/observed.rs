//! The effect of enforcing an allowlist that only observes.

use hookgate_domain::Timestamp;

use crate::when;

/// Effect of enforcing an allowlist on the senders since it began to observe.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// Time since which the allowlist only observes.
    pub since: Timestamp,
    /// Start of the counts: the same time, or later.
    pub counted_from: Timestamp,
    /// Number of senders.
    pub senders: u64,
    /// Number of senders that would be refused.
    pub refused_senders: u64,
    /// Number of deliveries.
    pub deliveries: u64,
    /// Number of deliveries that would have been refused.
    pub refused_deliveries: u64,
    /// Deliveries from sources that are not counted separately.
    pub beyond: u64,
}

impl Observed {
    /// Duration of observing, and the senders that would be refused, in one or two sentences: `Observing for 3 days: of 12
    /// senders, 5 would be refused (57 of 120 deliveries).`
    #[must_use]
    pub fn sentence(&self, now: Timestamp) -> String {
        let span = |at| when::span(now.since(at).as_secs());
        let lately = if self.counted_from > self.since {
            format!(" in the last {}", span(self.counted_from))
        } else {
            String::new()
        };
        let refused = match self.refused_senders {
            0 => "none".to_owned(),
            refused => when::grouped(refused),
        };
        let whom = match self.senders {
            0 => format!("no sender{lately} to evaluate the allowlist by."),
            senders => format!(
                "of {}{lately}, {refused} would be refused ({} of {}).",
                when::count(senders, "sender"),
                when::grouped(self.refused_deliveries),
                when::count(self.deliveries, "delivery"),
            ),
        };
        let beyond = match self.beyond {
            0 => String::new(),
            beyond => format!(
                " {} came from sources that are not counted one by one.",
                when::count(beyond, "more delivery")
            ),
        };
        format!("Observing for {}: {whom}{beyond}", span(self.since))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    #[test]
    fn observing_is_told_by_time_and_number() {
        let days = |days: u64| NOW.before(Duration::from_hours(24 * days));
        let seen = Observed {
            since: days(3),
            counted_from: days(3),
            senders: 12,
            refused_senders: 5,
            deliveries: 120,
            refused_deliveries: 57,
            beyond: 0,
        };
        let text = "Observing for 3 days: of 12 senders, 5 would be refused (57 of 120 deliveries).";
        assert_eq!(seen.sentence(NOW), text);
        let long = Observed {
            since: days(200),
            counted_from: days(30),
            refused_senders: 0,
            refused_deliveries: 0,
            beyond: 1,
            ..seen
        };
        assert_eq!(
            long.sentence(NOW),
            "Observing for 200 days: of 12 senders in the last 30 days, none would be refused (0 of 120 deliveries). \
             1 more delivery came from sources that are not counted one by one."
        );
        let unused = Observed { senders: 0, ..seen };
        assert_eq!(
            unused.sentence(NOW),
            "Observing for 3 days: no sender to evaluate the allowlist by."
        );
    }
}
