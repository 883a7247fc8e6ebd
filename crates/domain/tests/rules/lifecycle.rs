//! The life of a webhook: in any order of changes, revoked is final and the revision rises.

use std::net::IpAddr;

use std::collections::HashSet;
use std::num::NonZeroU16;
use std::time::Duration;

use hookgate_domain::rotation::{RotationAge, RotationPolicy};
use hookgate_domain::webhook::{Leaver, RetiredBecause, WebhookNameError};
use hookgate_domain::{
    Attempt, Denial, KnownUrl, LiveUrl, Policy, SenderFormat, Timestamp, UrlChange, Webhook, WebhookError,
    WebhookName, WebhookState, judge,
};
use proptest::prelude::*;

use crate::support::{NOW, id, policy, webhook};

#[derive(Clone, Copy, Debug)]
enum Step {
    Regenerate,
    RegenerateWithTheSameId,
    Revoke,
    Edit,
    Expose,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Regenerate),
        1 => Just(Step::RegenerateWithTheSameId),
        1 => Just(Step::Revoke),
        4 => Just(Step::Edit),
        2 => Just(Step::Expose),
    ];
    prop::collection::vec(step, 0..40)
}

/// The change of a step; the seeds are those of the present ID and of the next one.
fn take(
    step: Step,
    webhook: Webhook,
    used: u64,
    now: Timestamp,
) -> Result<(Webhook, Option<UrlChange>), WebhookError> {
    let with_url = |change: UrlChange| (change.webhook.clone(), Some(change));
    match step {
        Step::Regenerate => webhook.regenerate(&id(used + 1), now).map(with_url),
        Step::RegenerateWithTheSameId => webhook.regenerate(&id(used), now).map(with_url),
        Step::Revoke => webhook.revoke(now).map(with_url),
        Step::Edit => {
            let name = webhook.name.clone();
            webhook
                .edit(name, policy("192.0.2.0/24"))
                .map(|webhook| (webhook, None))
        }
        Step::Expose => webhook.expose(now).map(|webhook| (webhook, None)),
    }
}

proptest! {
    #[test]
    fn revoked_is_final_and_the_revision_rises(steps in steps()) {
        let (mut current, mut used, mut dead) = (webhook(0), 0, HashSet::new());
        for (count, step) in (1..).zip(steps) {
            let now = NOW.after(Duration::from_secs(count));
            let before = current.clone();
            let revoked = matches!(before.state, WebhookState::Revoked { .. });
            match take(step, current, used, now) {
                Ok((webhook, change)) => {
                    prop_assert!(!revoked, "{:?} changed a revoked webhook", step);
                    prop_assert!(webhook.revision > before.revision);
                    if let Some(UrlChange { retired, .. }) = change {
                        prop_assert_eq!(retired.digest, id(used).digest());
                        prop_assert_eq!((retired.webhook, retired.at), (webhook.handle, now));
                        prop_assert_eq!(retired.hint, before.state.hint());
                        dead.insert(retired.digest);
                        used += 1;
                    }
                    current = webhook;
                }
                Err(WebhookError::Revoked { .. }) => {
                    prop_assert!(revoked);
                    current = before;
                }
                Err(WebhookError::SameUrl) => {
                    prop_assert!(!revoked && matches!(step, Step::RegenerateWithTheSameId));
                    current = before;
                }
            }
            // No retired URL is the living one, and a revoked webhook has none.
            let live = current.live_url().ok().map(|url| url.digest);
            prop_assert!(live.is_none_or(|digest| !dead.contains(&digest)));
            prop_assert_eq!(live.is_none(), matches!(current.state, WebhookState::Revoked { .. }));
        }
    }
}

#[test]
fn a_revoked_webhook_passes_nothing_even_if_a_store_calls_its_url_live() {
    let revoked = webhook(1).revoke(NOW).unwrap().webhook;
    let attempt = Attempt {
        source: IpAddr::from([192, 0, 2, 7]).into(),
        format: SenderFormat::Custom,
        at: NOW,
    };
    let denial = judge(&KnownUrl::Live(revoked), attempt, || Ok(())).unwrap_err();
    assert_eq!(
        denial,
        Denial::Retired {
            because: RetiredBecause::Revoked,
            at: NOW
        }
    );
}

#[test]
fn every_change_of_a_revoked_webhook_is_refused() {
    let revoked = || webhook(1).revoke(NOW).unwrap().webhook;
    let later = NOW.after(Duration::from_secs(1));
    let refused = WebhookError::Revoked { at: NOW };
    assert_eq!(revoked().regenerate(&id(2), later), Err(refused));
    assert_eq!(revoked().revoke(later), Err(refused));
    assert_eq!(
        revoked().edit("demo".parse().unwrap(), Policy::default()),
        Err(refused)
    );
    assert_eq!(revoked().expose(later), Err(refused));
    assert_eq!(revoked().live_url(), Err(refused));
    assert_eq!(revoked().state.hint(), id(1).hint());
    assert_eq!(revoked().rotation_age(later), RotationAge::NotTracked);
}

#[test]
fn a_tombstone_says_why() {
    assert_eq!(
        webhook(1).revoke(NOW).unwrap().retired.because.as_str(),
        "revoked"
    );
    let change = webhook(1).regenerate(&id(2), NOW).unwrap();
    assert_eq!(change.retired.because.as_str(), "regenerated");
    assert_eq!(
        KnownUrl::Retired(change.retired).webhook(),
        KnownUrl::Live(change.webhook).webhook()
    );
    assert!(WebhookError::SameUrl.to_string().contains("randomness"));
}

#[test]
fn the_first_exposure_is_kept_until_the_url_is_new() {
    let later = NOW.after(Duration::from_mins(1));
    let exposed = webhook(1).expose(NOW).unwrap().expose(later).unwrap();
    assert_eq!(exposed.rotation_age(later), RotationAge::Exposed { since: NOW });
    let fresh = exposed.regenerate(&id(2), later).unwrap().webhook;
    let url = LiveUrl {
        digest: id(2).digest(),
        hint: id(2).hint(),
        issued_at: later,
        exposed_at: None,
    };
    assert_eq!(fresh.live_url(), Ok(&url));
}

#[test]
fn a_url_is_due_on_its_last_day_and_not_before() {
    let policy = RotationPolicy {
        days: NonZeroU16::new(2),
    };
    let hours = |hours: u64| NOW.after(Duration::from_hours(hours));
    for (now, expected) in [
        (
            NOW.before(Duration::from_secs(1)),
            RotationAge::Fresh { days_left: 2 },
        ),
        (hours(23), RotationAge::Fresh { days_left: 2 }),
        (hours(47), RotationAge::Fresh { days_left: 1 }),
        (hours(48), RotationAge::Due { days_over: 0 }),
        (hours(72), RotationAge::Due { days_over: 1 }),
    ] {
        assert_eq!(policy.age(NOW, None, now), expected);
    }
    assert_eq!(
        RotationPolicy { days: None }.age(NOW, None, hours(1)),
        RotationAge::NotTracked
    );
}

#[test]
fn a_name_is_what_people_can_see() {
    use WebhookNameError::{ControlCharacter, Empty, LooksLikeSecret, TooLong};
    for (text, error) in [
        ("", Empty),
        (" \u{3000}\n", Empty),
        (&"x".repeat(101), TooLong),
        ("a\nb", ControlCharacter),
        ("a\u{1B}[31mb", ControlCharacter),
        ("a\0b", ControlCharacter),
        ("a\u{85}b", ControlCharacter),
        ("a\u{202E}b", ControlCharacter),
        ("a\u{2066}b", ControlCharacter),
        ("a\u{2028}b", ControlCharacter),
        ("\u{200B}", ControlCharacter),
        ("\u{FEFF}demo", ControlCharacter),
        ("hk_demo", LooksLikeSecret),
        ("see wh_1234", LooksLikeSecret),
    ] {
        assert_eq!(text.parse::<WebhookName>(), Err(error), "{text:?}");
    }
    for text in [
        "a",
        &"警".repeat(100),
        "Grafana, Berlin",
        "שלום",
        "👩\u{200D}🚒 fire",
        "my hk_ hook",
    ] {
        let name: WebhookName = text.parse().unwrap();
        assert_eq!((name.as_str(), name.to_string()), (text, text.to_owned()));
    }
    assert_eq!(
        format!("[{:>4}]", " a\t".parse::<WebhookName>().unwrap()),
        "[   a]"
    );
}

#[test]
fn a_url_that_a_leaver_knows_is_due_until_it_is_regenerated() {
    let leaver = Leaver {
        name: "mallory".to_owned(),
        since: NOW,
    };
    let known = Webhook {
        leaver: Some(leaver),
        ..webhook(1)
    };
    assert_eq!(known.rotation_age(NOW), RotationAge::KnownToLeaver { since: NOW });
    let exposed = known.clone().expose(NOW).expect("a live one");
    assert_eq!(exposed.rotation_age(NOW), RotationAge::Exposed { since: NOW });
    let fresh = known.clone().regenerate(&id(2), NOW).expect("a live one").webhook;
    assert_eq!(fresh.leaver, None);
    let revoked = known.revoke(NOW).expect("a live one").webhook;
    assert_eq!(revoked.rotation_age(NOW), RotationAge::NotTracked);
}
