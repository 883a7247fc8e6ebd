//! Conditions under which a webhook is failing, and those that can't make it fail.

use hookgate_domain::RefusalCode::{
    Internal, InvalidJson, IpNotAllowed, MethodNotAllowed, RateLimited, Unavailable, ValidationError,
    WebhookRevoked,
};
use proptest::prelude::*;

use super::*;

fn judged(accepted: u64, refused: &[(RefusalCode, u64)]) -> Health {
    Health::of(&UsageTotals {
        accepted,
        refused: refused.to_vec(),
    })
}

#[test]
fn nothing_is_quiet_and_what_passes_is_ok() {
    assert_eq!(judged(0, &[]), Health::Quiet);
    assert_eq!(judged(1, &[]), Health::Ok);
    assert_eq!(judged(10, &[(InvalidJson, 9)]), Health::Ok);
    assert_eq!(judged(1, &[(InvalidJson, 2)]), Health::Ok, "two may be a test");
}

#[test]
fn lost_deliveries_are_a_failure() {
    assert_eq!(judged(0, &[(InvalidJson, 1)]), Health::Failing(InvalidJson));
    assert_eq!(judged(3, &[(RateLimited, 3)]), Health::Failing(RateLimited));
    assert_eq!(
        judged(0, &[(InvalidJson, 2), (ValidationError, 5)]),
        Health::Failing(ValidationError)
    );
}

/// Noise: addresses that may not send, URLs that were opened in a browser, old URLs.
#[test]
fn noise_neither_makes_a_webhook_failing_nor_hides_that_it_is() {
    for noise in [IpNotAllowed, MethodNotAllowed, WebhookRevoked] {
        assert_eq!(judged(1, &[(noise, u64::MAX)]), Health::Ok);
        assert_eq!(judged(0, &[(noise, 2)]), Health::Quiet);
        assert_eq!(
            judged(0, &[(noise, 3)]),
            Health::Failing(noise),
            "nothing gets through"
        );
        assert_eq!(
            judged(2, &[(noise, u64::MAX), (ValidationError, 3)]),
            Health::Failing(ValidationError)
        );
        assert_eq!(
            judged(0, &[(noise, u64::MAX), (ValidationError, 1)]),
            Health::Failing(ValidationError)
        );
    }
}

/// Deliveries that were postponed for lack of our own resources.
#[test]
fn a_lack_of_our_own_makes_no_webhook_failing() {
    for ours in [Unavailable, Internal] {
        assert_eq!(judged(0, &[(ours, u64::MAX)]), Health::Quiet);
        assert_eq!(judged(1, &[(ours, u64::MAX)]), Health::Ok);
        assert_eq!(
            judged(0, &[(ours, 9), (InvalidJson, 1)]),
            Health::Failing(InvalidJson)
        );
    }
}

proptest! {
    /// No number overflows, the order of codes has no effect, and more accepted deliveries never make the health worse.
    #[test]
    fn the_rule_is_sound(
        accepted in any::<u64>(),
        more in any::<u64>(),
        counts in proptest::collection::vec(any::<u64>(), RefusalCode::ALL.len()),
    ) {
        let mut refused: Vec<_> = RefusalCode::ALL.iter().copied().zip(counts).collect();
        let health = judged(accepted, &refused);
        refused.reverse();
        prop_assert_eq!(judged(accepted, &refused), health);
        if health == Health::Ok {
            prop_assert_eq!(judged(accepted.saturating_add(more), &refused), Health::Ok);
        }
    }
}
