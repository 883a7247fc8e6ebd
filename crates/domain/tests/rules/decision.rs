//! The order of the checks in the decision: state, format, allowlist, rate. The rate limiter is asked only if all
//! others pass.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::allowlist::AllowlistMatch;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::refusal::UnknownRefusalCode;
use hookgate_domain::webhook::RetiredBecause;
use hookgate_domain::{
    Admission, Attempt, Connection, Denial, ForwardingHeader, KnownUrl, Networks, RefusalCode, SenderFormat,
    SourceFault, TrustedProxies, Webhook, judge,
};
use proptest::prelude::*;

use crate::support::{NOW, id, policy, webhook};

const WAIT: Duration = Duration::from_secs(7);

fn limited() -> Webhook {
    Webhook {
        policy: policy("192.0.2.0/24, 2001:db8::/32"),
        ..webhook(1)
    }
}

fn from(source: &str) -> Attempt {
    Attempt {
        source: source.parse::<IpAddr>().expect("an address").into(),
        format: SenderFormat::Custom,
        at: NOW,
    }
}

/// The decision, and the number of calls of the rate limiter.
fn judged(url: &KnownUrl, attempt: Attempt, rate: Result<(), Duration>) -> (Result<Admission, Denial>, u32) {
    let asked = Cell::new(0);
    let judged = judge(url, attempt, || {
        asked.set(asked.get() + 1);
        rate
    });
    (judged, asked.get())
}

#[test]
fn a_dead_url_is_refused_before_anything_else() {
    let regenerated = limited().regenerate(&id(2), NOW).unwrap().retired;
    let revoked = limited().revoke(NOW).unwrap().retired;
    for (retired, because) in [
        (regenerated, RetiredBecause::Regenerated),
        (revoked, RetiredBecause::Revoked),
    ] {
        for source in ["192.0.2.7", "203.0.113.9"] {
            let (judged, asked) = judged(&KnownUrl::Retired(retired), from(source), Err(WAIT));
            assert_eq!((judged, asked), (Err(Denial::Retired { because, at: NOW }), 0));
        }
    }
}

#[test]
fn a_foreign_address_is_refused_before_the_rate() {
    let (judged, asked) = judged(&KnownUrl::Live(limited()), from("203.0.113.9"), Err(WAIT));
    let denial = judged.unwrap_err();
    assert_eq!(
        denial,
        Denial::NotAllowed {
            address: "203.0.113.9".parse().unwrap(),
            entries: 2
        }
    );
    assert_eq!(
        (denial.code(), denial.is_final(), asked),
        (RefusalCode::IpNotAllowed, false, 0)
    );
}

#[test]
fn the_rate_is_asked_once_and_last() {
    let url = KnownUrl::Live(limited());
    let (judged_fast, asked) = judged(&url, from("192.0.2.7"), Err(WAIT));
    assert_eq!(
        (judged_fast, asked),
        (Err(Denial::TooFast { retry_after: WAIT }), 1)
    );
    let (judged, asked) = judged(&url, from("192.0.2.7"), Ok(()));
    assert_eq!((judged.is_ok(), asked), (true, 1));
}

#[test]
fn a_mapped_address_is_judged_and_named_as_ipv4() {
    let (judged, _) = judged(&KnownUrl::Live(limited()), from("::ffff:192.0.2.7"), Ok(()));
    let rule = AllowlistMatch::Network("192.0.2.0/24".parse().unwrap());
    let admission = judged.unwrap();
    assert_eq!(
        admission,
        Admission {
            source: "192.0.2.7".parse().unwrap(),
            rule,
            waived: None,
        }
    );
    assert_eq!(
        admission.to_string(),
        "192.0.2.7 is in 192.0.2.0/24 of the allowlist"
    );
}

#[test]
fn a_webhook_without_an_allowlist_says_so() {
    let (judged, _) = judged(&KnownUrl::Live(webhook(1)), from("203.0.113.9"), Ok(()));
    assert_eq!(
        judged.unwrap().to_string(),
        "203.0.113.9 is allowed: every address is"
    );
}

#[test]
fn an_address_of_a_set_passes_by_the_set() {
    let mut webhook = webhook(1);
    let office = Arc::new(Networks::of(["198.51.100.0/24".parse().unwrap()]).unwrap());
    webhook.policy.allowlist = policy("@office").allowlist.resolve(|_| Some(Arc::clone(&office)));
    let (judged, _) = judged(&KnownUrl::Live(webhook), from("198.51.100.9"), Ok(()));
    assert_eq!(
        judged.unwrap().to_string(),
        "198.51.100.9 is in 198.51.100.0/24 of the address set office"
    );
}

#[test]
fn every_denial_has_its_code_and_sentence() {
    let retired = Denial::Retired {
        because: RetiredBecause::Regenerated,
        at: NOW,
    };
    let other = Denial::OtherFormat {
        format: SenderFormat::Custom,
    };
    let foreign = Denial::NotAllowed {
        address: "192.0.2.7".parse().unwrap(),
        entries: 0,
    };
    let fast = Denial::TooFast { retry_after: WAIT };
    for (denial, code, last, sentence) in [
        (
            retired,
            RefusalCode::WebhookRevoked,
            true,
            "the URL no longer works: regenerated",
        ),
        (
            other,
            RefusalCode::WebhookNotFound,
            false,
            "the webhook accepts the format custom",
        ),
        (
            foreign,
            RefusalCode::IpNotAllowed,
            false,
            "192.0.2.7 is in no entry of the allowlist (entries: 0)",
        ),
        (
            fast,
            RefusalCode::RateLimited,
            false,
            "the webhook's rate limit is reached",
        ),
    ] {
        assert_eq!(
            (denial.code(), denial.is_final(), denial.to_string().as_str()),
            (code, last, sentence)
        );
    }
}

proptest! {
    #[test]
    fn what_passes_is_in_the_allowlist(source: IpAddr, mapped: bool) {
        let source = match source {
            IpAddr::V4(address) if mapped => address.to_ipv6_mapped().into(),
            other => other,
        };
        let attempt = Attempt { source: source.into(), format: SenderFormat::Custom, at: NOW };
        let (judged, asked) = judged(&KnownUrl::Live(limited()), attempt, Ok(()));
        prop_assert_eq!(judged.is_ok(), limited().policy.allowlist.permits(source, NOW));
        prop_assert_eq!(asked, u32::from(judged.is_ok()));
    }
}

#[test]
fn refusal_codes_read_back_and_are_all_different() {
    let mut seen = std::collections::HashSet::new();
    for code in RefusalCode::ALL {
        assert_eq!(code.as_str().parse(), Ok(*code));
        assert_eq!(code.to_string(), code.as_str());
        assert!(
            code.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        );
        assert!(!code.message().is_empty() && seen.insert(code.as_str()) && seen.insert(code.message()));
    }
    assert_eq!(RefusalCode::ALL.len(), 21);
    assert_eq!(RefusalCode::WebhookRevoked.message(), "Webhook has been revoked");
    assert_eq!(format!("[{:>9}]", RefusalCode::Internal), "[ INTERNAL]");
    for text in ["", "webhook_revoked", "WEBHOOK_REVOKED ", "REVOKED"] {
        assert_eq!(text.parse::<RefusalCode>(), Err(UnknownRefusalCode), "{text}");
    }
}

#[test]
fn a_source_that_is_not_known_is_refused_unless_the_webhook_observes() {
    let proxies = TrustedProxies {
        networks: Networks::of(["10.0.0.0/8".parse().unwrap()]).unwrap(),
        header: Some(ForwardingHeader::XForwardedFor),
    };
    let lines = [(ForwardingHeader::XForwardedFor, &b"nobody"[..])];
    let source = proxies.client(Connection::from_peer(IpAddr::from([10, 0, 0, 2])), &lines[..]);
    let attempt = Attempt {
        source,
        ..from("192.0.2.7")
    };
    let denied = Denial::SourceUnknown {
        fault: SourceFault::Malformed,
    };
    for webhook in [webhook(1), limited()] {
        let (refused, asked) = judged(&KnownUrl::Live(webhook), attempt, Ok(()));
        assert_eq!((refused, asked), (Err(denied), 0));
    }
    assert_eq!(denied.code(), RefusalCode::SourceUnknown);
    let (passed, asked) = judged(&KnownUrl::Live(observing()), attempt, Ok(()));
    let passed = passed.unwrap();
    assert_eq!(
        (passed.source, passed.waived, asked),
        (IpAddr::from([10, 0, 0, 2]), Some(denied), 1)
    );
}

#[test]
fn a_proxy_that_names_nobody_passes_no_allowlist_by_its_own_address() {
    let proxies = TrustedProxies {
        networks: Networks::of(["192.0.2.0/24".parse().unwrap()]).unwrap(),
        header: Some(ForwardingHeader::XForwardedFor),
    };
    let peer: IpAddr = "192.0.2.7".parse().unwrap();
    let lines: [(ForwardingHeader, &[u8]); 0] = [];
    let attempt = Attempt {
        source: proxies.client(Connection::from_peer(peer), &lines[..]),
        ..from("192.0.2.7")
    };
    let limited = KnownUrl::Live(limited());
    assert!(
        judged(&limited, from("192.0.2.7"), Ok(())).0.is_ok(),
        "the list has its address"
    );
    let denied = Denial::SourceUnknown {
        fault: SourceFault::Missing,
    };
    assert_eq!(judged(&limited, attempt, Ok(())), (Err(denied), 0));
    let (passed, _) = judged(&KnownUrl::Live(webhook(1)), attempt, Ok(()));
    assert_eq!(passed.unwrap().source, peer, "every address may pass");
}

fn observing() -> Webhook {
    let mut observing = limited();
    observing.policy.allowlist_mode = AllowlistMode::Observe;
    observing
}

#[test]
fn a_webhook_that_observes_marks_what_it_would_refuse_and_refuses_nothing_for_its_address() {
    let url = KnownUrl::Live(observing());
    let (foreign, _) = judged(&url, from("203.0.113.9"), Ok(()));
    let foreign = foreign.unwrap();
    assert_eq!(
        foreign.waived.map(|denial| denial.code()),
        Some(RefusalCode::IpNotAllowed)
    );
    assert_eq!(
        foreign.to_string(),
        "203.0.113.9 is in no entry of the allowlist (entries: 2); accepted because the webhook only observes"
    );
    let (listed, _) = judged(&url, from("192.0.2.7"), Ok(()));
    assert_eq!(listed.unwrap().waived, None);
    let (fast, _) = judged(&url, from("203.0.113.9"), Err(WAIT));
    assert_eq!(
        fast,
        Err(Denial::TooFast { retry_after: WAIT }),
        "other rules hold"
    );
    let revoked = KnownUrl::Live(observing().revoke(NOW).unwrap().webhook);
    assert!(judged(&revoked, from("192.0.2.7"), Ok(())).0.is_err());
}
