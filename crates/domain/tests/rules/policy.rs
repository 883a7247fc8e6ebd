//! Bounds of policies, times and idempotency keys.

use std::num::NonZeroU32;
use std::time::Duration;

use hookgate_domain::idempotency::{IdempotencyKey, IdempotencyKeyError, PayloadDigest};
use hookgate_domain::policy::{
    AllowlistMode, DEFAULT_BODY_BYTES, Limits, LimitsError, MAX_BODY_BYTES, Overload, PayloadLogging,
    SealedSecret, UnknownAllowlistMode,
};
use hookgate_domain::rotation::RotationPolicy;
use hookgate_domain::time::TimestampError;
use hookgate_domain::{Allowlist, Policy, Timestamp};
use proptest::prelude::*;

#[test]
fn a_new_policy_permits_everybody_and_keeps_payloads() {
    let policy = Policy::default();
    assert_eq!(policy.allowlist, Allowlist::any());
    assert_eq!(
        (policy.payload_logging, policy.signing_secret),
        (PayloadLogging::On, None)
    );
    assert_eq!(policy.rotation, RotationPolicy::default());
    assert_eq!(
        policy.limits,
        Limits::new(DEFAULT_BODY_BYTES, None, Overload::Refuse).unwrap()
    );
}

#[test]
fn limits_have_bounds() {
    assert_eq!((DEFAULT_BODY_BYTES, MAX_BODY_BYTES), (262_144, 1_048_576));
    for bytes in [0, MAX_BODY_BYTES + 1, u32::MAX] {
        assert_eq!(
            Limits::new(bytes, None, Overload::Refuse),
            Err(LimitsError),
            "{bytes}"
        );
    }
    let rate = NonZeroU32::new(60);
    for bytes in [1, MAX_BODY_BYTES] {
        let limits = Limits::new(bytes, rate, Overload::Postpone).unwrap();
        assert_eq!(
            (limits.body_bytes(), limits.per_minute(), limits.overload()),
            (bytes, rate, Overload::Postpone)
        );
    }
}

#[test]
fn no_debug_text_shows_what_senders_and_owners_keep_to_themselves() {
    let key = IdempotencyKey::parse(b"order-4711").unwrap();
    let sealed = SealedSecret::from_bytes(*b"sealed");
    assert_eq!(format!("{key:?} {sealed:?}"), "IdempotencyKey(…) SealedSecret(…)");
    assert_eq!(sealed.as_bytes(), b"sealed");
}

#[test]
fn an_idempotency_key_is_visible_ascii() {
    let longest = [b'~'; 255];
    for key in [&b"!"[..], b"msg_1:\"x\"", &longest] {
        assert_eq!(IdempotencyKey::parse(key).unwrap().as_str().as_bytes(), key);
    }
    for key in [
        &b""[..],
        b" ",
        b"a b",
        b"a\t",
        b"\x7F",
        b"\0",
        "é".as_bytes(),
        b"\xFF",
        &[b'~'; 256],
    ] {
        assert_eq!(IdempotencyKey::parse(key), Err(IdempotencyKeyError), "{key:?}");
    }
}

#[test]
fn a_payload_digest_is_sha_256() {
    // FIPS 180-4, the example "abc".
    let start = [0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA];
    assert_eq!(PayloadDigest::of(b"abc").as_bytes()[..8], start);
    let digest = PayloadDigest::of(b"{}");
    assert_eq!(PayloadDigest::from_bytes(*digest.as_bytes()), digest);
}

#[test]
fn modes_read_back() {
    for mode in [AllowlistMode::Enforce, AllowlistMode::Observe] {
        assert_eq!(mode.as_str().parse(), Ok(mode));
    }
    assert_eq!(AllowlistMode::Observe.as_str(), "observe");
    assert_eq!("off".parse::<AllowlistMode>(), Err(UnknownAllowlistMode));
}

#[test]
fn a_time_is_written_by_rfc_3339_and_read_as_one_or_as_a_date() {
    let cases = [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (i64::MAX, "9999-12-30T22:00:00.999999999Z"),
        (i64::MIN, "-009999-01-02T01:59:59Z"),
    ];
    for (micros, text) in cases {
        assert_eq!(Timestamp::from_micros(micros).to_string(), text);
    }
    let time = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_micros);
    assert_eq!(time("1970-01-02"), Ok(86_400_000_000));
    assert_eq!(time("1970-01-01T01:00:00+01:00"), Ok(0));
    for text in [
        "",
        "1970",
        "1970-01-01T00:00",
        "1970-01-01 x",
        "1970-02-30",
        "tomorrow",
    ] {
        assert_eq!(time(text), Err(TimestampError), "{text}");
    }
}

proptest! {
    #[test]
    fn time_never_overflows(start: i64, seconds: u64, nanos in 0_u32..1_000_000_000) {
        let (start, span) = (Timestamp::from_micros(start), Duration::new(seconds, nanos));
        prop_assert!(start.after(span) >= start && start.before(span) <= start);
        let passed = start.after(span).since(start);
        prop_assert!(passed <= span);
        prop_assert_eq!(start.since(start.after(span)), Duration::ZERO);
    }

    #[test]
    fn time_goes_forth_and_back(start in -(1_i64 << 60)..1 << 60, micros in 0_u64..1 << 60) {
        let (start, span) = (Timestamp::from_micros(start), Duration::from_micros(micros));
        prop_assert_eq!(start.after(span).since(start), span);
        prop_assert_eq!(start.after(span).before(span), start);
    }
}
