//! Senders: each signs as the documentation of its scheme says, without a look at the rules.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;

/// Seconds since 1970 at which the deliveries are signed.
pub(super) const SIGNED_AT: i64 = 1_770_000_000;

/// A sender of one scheme.
#[derive(Debug)]
pub(super) struct Sender {
    /// The text form of the verifier.
    pub(super) verifier: &'static str,
    /// The header of the signature or credential.
    pub(super) header: &'static str,
    /// Seconds that the scheme tolerates, if it has a time.
    pub(super) tolerance: Option<i64>,
    /// The separator of several signatures.
    pub(super) separator: Option<&'static str>,
    /// `true` if the signature may be in the other case.
    pub(super) is_any_case: bool,
    /// The header of the name of the delivery, and `true` if it is signed.
    pub(super) id: Option<(&'static str, bool)>,
}

const fn sender(verifier: &'static str, header: &'static str) -> Sender {
    Sender {
        verifier,
        header,
        tolerance: None,
        separator: None,
        is_any_case: false,
        id: None,
    }
}

/// Every scheme, some with several settings.
pub(super) const SENDERS: &[Sender] = &[
    Sender {
        tolerance: Some(300),
        separator: Some(" "),
        id: Some(("webhook-id", true)),
        ..sender("standard-webhooks", "webhook-signature")
    },
    Sender {
        tolerance: Some(300),
        separator: Some(" "),
        id: Some(("svix-id", true)),
        ..sender("standard-webhooks", "svix-signature")
    },
    Sender {
        tolerance: Some(300),
        separator: Some(" "),
        id: Some(("webhook-id", true)),
        ..sender("standard-webhooks-ed25519", "webhook-signature")
    },
    Sender {
        id: Some(("x-github-delivery", false)),
        ..sender("github", "x-hub-signature-256")
    },
    Sender {
        is_any_case: true,
        id: Some(("x-gitea-delivery", false)),
        ..sender("gitea", "x-gitea-signature")
    },
    Sender {
        id: Some(("idempotency-key", false)),
        ..sender("gitlab-token", "x-gitlab-token")
    },
    Sender {
        is_any_case: true,
        id: Some(("request-id", false)),
        ..sender("sentry", "sentry-hook-signature")
    },
    Sender {
        tolerance: Some(300),
        separator: Some(","),
        ..sender("stripe", "stripe-signature")
    },
    Sender {
        tolerance: Some(300),
        ..sender("slack", "x-slack-signature")
    },
    Sender {
        id: Some(("x-shopify-webhook-id", false)),
        ..sender("shopify", "x-shopify-hmac-sha256")
    },
    Sender {
        tolerance: Some(60),
        is_any_case: true,
        id: Some(("linear-delivery", false)),
        ..sender("linear", "linear-signature")
    },
    Sender {
        separator: Some(", "),
        id: Some(("x-webhook-id", false)),
        ..sender("pagerduty", "x-pagerduty-signature")
    },
    Sender {
        is_any_case: true,
        ..sender("grafana", "x-grafana-alerting-signature")
    },
    Sender {
        is_any_case: true,
        ..sender("grafana", "x-grafana-alert-signature")
    },
    Sender {
        is_any_case: true,
        tolerance: Some(300),
        ..sender("grafana header=X-Sig timestamp=X-Time", "x-sig")
    },
    Sender {
        is_any_case: true,
        tolerance: Some(300),
        ..sender("discord", "x-signature-ed25519")
    },
    Sender {
        is_any_case: true,
        ..sender("hmac", "x-signature")
    },
    Sender {
        tolerance: Some(60),
        separator: Some(" "),
        id: Some(("x-name", true)),
        ..sender(
            "hmac header=Authorization prefix=HMAC: encoding=base64 algorithm=sha512 separator=space \
             timestamp=X-Time signed=a{id}:{timestamp}:{body}z tolerance=60 id=X-Name",
            "authorization",
        )
    },
    Sender {
        id: Some(("idempotency-key", false)),
        ..sender("bearer", "authorization")
    },
    Sender {
        id: Some(("idempotency-key", false)),
        ..sender("basic", "authorization")
    },
    Sender {
        id: Some(("idempotency-key", false)),
        ..sender("token", "x-webhook-token")
    },
    Sender {
        id: Some(("idempotency-key", false)),
        ..sender("token header=X-Api-Key", "x-api-key")
    },
];

/// A body of the time of signing.
pub(super) fn body() -> Vec<u8> {
    format!(r#"{{"title":"Disk full on db1 – ü","webhookTimestamp":{SIGNED_AT}000}}"#).into_bytes()
}

impl Sender {
    pub(super) fn verifier(&self) -> Verifier {
        self.verifier
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", self.verifier))
    }

    /// The secret of this number, as people enter it.
    pub(super) fn secret_text(&self, number: u8) -> String {
        let public_key = || ed25519(number).public_key().as_ref().to_vec();
        match self.verifier {
            "standard-webhooks" => format!("whsec_{}", STANDARD.encode([number; 32])),
            "standard-webhooks-ed25519" => format!("whpk_{}", STANDARD.encode(public_key())),
            "discord" => hex(public_key()),
            "basic" => format!("user:password {number}"),
            _ => format!("the secret number {number}"),
        }
    }

    /// The secret of this number.
    pub(super) fn secret(&self, number: u8) -> SenderSecret {
        SenderSecret::read(&self.secret_text(number), self.verifier().scheme()).unwrap()
    }

    /// The headers of a delivery that is signed with the secret of this number.
    pub(super) fn sign(&self, number: u8, body: &[u8]) -> Headers {
        let text = self.secret_text(number);
        let key = text.as_bytes();
        let at = SIGNED_AT.to_string();
        let time = at.as_bytes();
        let dated = |separator: &[u8]| [time, separator, body].concat();
        let standard = [b"dlv-1.", time, b".", body].concat();
        let mut headers = match (self.verifier.split(' ').next().unwrap(), self.header) {
            ("standard-webhooks", name) => {
                let tag = sha256(&[number; 32], &standard);
                let timestamp = if name.starts_with("svix") {
                    "svix-timestamp"
                } else {
                    "webhook-timestamp"
                };
                vec![
                    header(name, format!("v1,{}", STANDARD.encode(tag))),
                    header(timestamp, &at),
                ]
            }
            ("standard-webhooks-ed25519", name) => {
                let tag = ed25519(number).sign(&standard);
                let value = format!("v1a,{}", STANDARD.encode(tag));
                vec![header(name, value), header("webhook-timestamp", &at)]
            }
            ("github", name) => vec![header(name, format!("sha256={}", hex(sha256(key, body))))],
            ("gitea" | "sentry" | "linear", name) => vec![header(name, hex(sha256(key, body)))],
            ("gitlab-token" | "token", name) => vec![header(name, key)],
            ("stripe", name) => {
                let tag = hex(sha256(key, &dated(b".")));
                vec![header(name, format!("t={at},v1={tag}"))]
            }
            ("slack", name) => {
                let tag = sha256(key, &[b"v0:", &dated(b":")[..]].concat());
                vec![
                    header(name, format!("v0={}", hex(tag))),
                    header("x-slack-request-timestamp", &at),
                ]
            }
            ("shopify", name) => vec![header(name, STANDARD.encode(sha256(key, body)))],
            ("pagerduty", name) => vec![header(name, format!("v1={}", hex(sha256(key, body))))],
            ("grafana", "x-sig") => {
                vec![
                    header("x-sig", hex(sha256(key, &dated(b":")))),
                    header("x-time", &at),
                ]
            }
            ("grafana" | "hmac", name) if name != "authorization" => {
                vec![header(name, hex(sha256(key, body)))]
            }
            ("hmac", name) => {
                let message = [b"adlv-1:", &dated(b":")[..], b"z"].concat();
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), &message);
                vec![
                    header(name, format!("HMAC:{}", STANDARD.encode(tag))),
                    header("x-time", &at),
                ]
            }
            ("discord", name) => {
                let tag = ed25519(number).sign(&dated(b""));
                vec![header(name, hex(tag)), header("x-signature-timestamp", &at)]
            }
            ("bearer", name) => vec![header(name, format!("bearer {text}"))],
            ("basic", name) => vec![header(name, format!("Basic {}", STANDARD.encode(key)))],
            other => panic!("{other:?} is no sender"),
        };
        headers.extend(self.id.map(|(name, _)| header(name, "dlv-1")));
        headers
    }
}

fn ed25519(number: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap()
}

fn sha256(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    let bytes = bytes.as_ref().iter();
    bytes
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
