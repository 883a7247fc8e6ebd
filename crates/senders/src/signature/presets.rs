//! The rules of the public schemes. Where a scheme tolerates any age, a replay is found by the name of the delivery only.

use std::borrow::Cow;
use std::time::Duration;

use super::algorithm::Algorithm;
use super::encoding::Encoding;
use super::header_name::HeaderName;
use super::rule::{SignatureRule, TimestampPlace};
use super::template::Template;

/// Tolerance of schemes that state none, and the one that most state.
pub(super) const TOLERANCE: Duration = Duration::from_mins(5);

/// The signed text of Standard Webhooks.
const ID_TIMESTAMP_BODY: Template = Template::known("{id}.{timestamp}.{body}");

/// Standard Webhooks, and Svix, which has the same headers under names of its own.
pub(super) static STANDARD_WEBHOOKS: [SignatureRule; 2] = [
    standard_webhooks("webhook-signature", "webhook-timestamp", "webhook-id"),
    standard_webhooks("svix-signature", "svix-timestamp", "svix-id"),
];

/// The same with Ed25519.
pub(super) static STANDARD_WEBHOOKS_ED25519: [SignatureRule; 2] = [
    standard_webhooks_ed25519("webhook-signature", "webhook-timestamp", "webhook-id"),
    standard_webhooks_ed25519("svix-signature", "svix-timestamp", "svix-id"),
];

pub(super) static GITHUB: [SignatureRule; 1] = [signed_body(
    "x-hub-signature-256",
    "sha256=",
    Some("x-github-delivery"),
)];

/// Forgejo sends this header too.
pub(super) static GITEA: [SignatureRule; 1] =
    [signed_body("x-gitea-signature", "", Some("x-gitea-delivery"))];

/// `Sentry-Hook-Timestamp` is not signed, so it proves nothing.
pub(super) static SENTRY: [SignatureRule; 1] = [signed_body("sentry-hook-signature", "", Some("request-id"))];

pub(super) static STRIPE: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("stripe-signature"),
    prefix: Cow::Borrowed("v1="),
    separator: Some(b','),
    encoding: Encoding::Hex,
    algorithm: Algorithm::HmacSha256,
    signed: Template::known("{timestamp}.{body}"),
    timestamp: TimestampPlace::Item("t="),
    tolerance: TOLERANCE,
    id: None,
}];

pub(super) static SLACK: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("x-slack-signature"),
    prefix: Cow::Borrowed("v0="),
    separator: None,
    encoding: Encoding::Hex,
    algorithm: Algorithm::HmacSha256,
    signed: Template::known("v0:{timestamp}:{body}"),
    timestamp: TimestampPlace::Header(HeaderName::known("x-slack-request-timestamp")),
    tolerance: TOLERANCE,
    id: None,
}];

pub(super) static SHOPIFY: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("x-shopify-hmac-sha256"),
    prefix: Cow::Borrowed(""),
    separator: None,
    encoding: Encoding::Base64,
    algorithm: Algorithm::HmacSha256,
    signed: Template::known("{body}"),
    timestamp: TimestampPlace::Nowhere,
    tolerance: TOLERANCE,
    id: Some(HeaderName::known("x-shopify-webhook-id")),
}];

/// The tolerance is the one of Linear's own client.
pub(super) static LINEAR: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("linear-signature"),
    prefix: Cow::Borrowed(""),
    separator: None,
    encoding: Encoding::Hex,
    algorithm: Algorithm::HmacSha256,
    signed: Template::known("{body}"),
    timestamp: TimestampPlace::LinearBody,
    tolerance: Duration::from_mins(1),
    id: Some(HeaderName::known("linear-delivery")),
}];

/// While a secret is rotated, there are two signatures.
pub(super) static PAGERDUTY: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("x-pagerduty-signature"),
    prefix: Cow::Borrowed("v1="),
    separator: Some(b','),
    encoding: Encoding::Hex,
    algorithm: Algorithm::HmacSha256,
    signed: Template::known("{body}"),
    timestamp: TimestampPlace::Nowhere,
    tolerance: TOLERANCE,
    id: Some(HeaderName::known("x-webhook-id")),
}];

/// The header that Grafana's manual names as the default, and the one that its code uses.
pub(super) static GRAFANA: [SignatureRule; 2] = [
    signed_body("x-grafana-alerting-signature", "", None),
    signed_body("x-grafana-alert-signature", "", None),
];

pub(super) static DISCORD: [SignatureRule; 1] = [SignatureRule {
    header: HeaderName::known("x-signature-ed25519"),
    prefix: Cow::Borrowed(""),
    separator: None,
    encoding: Encoding::Hex,
    algorithm: Algorithm::Ed25519,
    signed: Template::known("{timestamp}{body}"),
    timestamp: TimestampPlace::Header(HeaderName::known("x-signature-timestamp")),
    tolerance: TOLERANCE,
    id: None,
}];

/// HMAC by own settings, which are all optional.
pub(super) static HMAC: [SignatureRule; 1] = [signed_body("x-signature", "", None)];

/// HMAC-SHA256 of the body in hexadecimal digits.
const fn signed_body(header: &'static str, prefix: &'static str, id: Option<&'static str>) -> SignatureRule {
    SignatureRule {
        header: HeaderName::known(header),
        prefix: Cow::Borrowed(prefix),
        separator: None,
        encoding: Encoding::Hex,
        algorithm: Algorithm::HmacSha256,
        signed: Template::known("{body}"),
        timestamp: TimestampPlace::Nowhere,
        tolerance: TOLERANCE,
        id: match id {
            Some(name) => Some(HeaderName::known(name)),
            None => None,
        },
    }
}

const fn standard_webhooks(header: &'static str, timestamp: &'static str, id: &'static str) -> SignatureRule {
    SignatureRule {
        header: HeaderName::known(header),
        prefix: Cow::Borrowed("v1,"),
        separator: Some(b' '),
        encoding: Encoding::Base64,
        algorithm: Algorithm::HmacSha256,
        signed: ID_TIMESTAMP_BODY,
        timestamp: TimestampPlace::Header(HeaderName::known(timestamp)),
        tolerance: TOLERANCE,
        id: Some(HeaderName::known(id)),
    }
}

const fn standard_webhooks_ed25519(
    header: &'static str,
    timestamp: &'static str,
    id: &'static str,
) -> SignatureRule {
    SignatureRule {
        header: HeaderName::known(header),
        prefix: Cow::Borrowed("v1a,"),
        separator: Some(b' '),
        encoding: Encoding::Base64,
        algorithm: Algorithm::Ed25519,
        signed: ID_TIMESTAMP_BODY,
        timestamp: TimestampPlace::Header(HeaderName::known(timestamp)),
        tolerance: TOLERANCE,
        id: Some(HeaderName::known(id)),
    }
}
