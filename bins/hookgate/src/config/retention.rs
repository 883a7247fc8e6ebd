//! Limits of the history.

use std::num::NonZeroU64;
use std::time::Duration;

use hookgate_gate::Retention;

use super::values::{Recorded, Values, parse};

const DAY: Duration = Duration::from_hours(24);
const GIBIBYTE: u64 = 1 << 30;

impl Values {
    /// Reads the ages after which deliveries and payloads are deleted, and the maximum size of the history.
    pub(super) fn retention(&mut self) -> Result<Retention, Recorded> {
        let days = |text: &str| {
            parse::<u16>(text).and_then(|days| {
                if days == 0 {
                    Err("must be 1 or more".to_owned())
                } else {
                    Ok(DAY * days.into())
                }
            })
        };
        let bytes = |text: &str| {
            let gib = parse::<u64>(text)?;
            NonZeroU64::new(gib.saturating_mul(GIBIBYTE)).ok_or_else(|| "must be 1 or more".to_owned())
        };
        let deliveries = self.required("store.keep_days", days);
        let payloads = self.required("store.keep_payload_days", days);
        if let (Ok(deliveries), Ok(payloads)) = (deliveries, payloads)
            && payloads > deliveries
        {
            let whose = self.name_of("store.keep_payload_days");
            self.problems.push(format!(
                "{whose}: is more than store.keep_days, and payloads are deleted with their deliveries: at most {}",
                deliveries.as_secs() / DAY.as_secs()
            ));
        }
        let bytes = self.required("store.keep_gib", bytes);
        Ok(Retention {
            deliveries: deliveries?,
            payloads: payloads?,
            bytes: bytes?,
        })
    }
}
