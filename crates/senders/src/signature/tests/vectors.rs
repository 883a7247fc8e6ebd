//! The test vectors that senders publish with their own clients, and those of the standards.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookgate_domain::Timestamp;

use super::*;

/// A published delivery.
struct Vector {
    verifier: &'static str,
    /// The key, or the text of a secret.
    secret: Vec<u8>,
    headers: Headers,
    body: &'static [u8],
    /// Seconds since 1970.
    at: i64,
}

impl Vector {
    fn check(self) {
        let verifier: Verifier = self.verifier.parse().unwrap();
        let now = Timestamp::from_micros(self.at * 1_000_000);
        let result = verifier.verify(lookup(&self.headers), self.body, &[&self.secret], now);
        assert_eq!(result.map(|verified| verified.secret), Ok(0), "{verifier}");
        let changed = [self.body, b" "].concat();
        let result = verifier.verify(lookup(&self.headers), &changed, &[&self.secret], now);
        assert_eq!(result, Err(SignatureError::Invalid), "{verifier}");
    }
}

fn key_of(text: &str, scheme: SignatureScheme) -> Vec<u8> {
    SenderSecret::read(text, scheme).unwrap().as_bytes().to_vec()
}

/// The libraries of Standard Webhooks, and Svix's server under its own names.
#[test]
fn standard_webhooks() {
    for [id, timestamp, signature] in [
        ["webhook-id", "webhook-timestamp", "webhook-signature"],
        ["svix-id", "svix-timestamp", "svix-signature"],
    ] {
        let vector = |verifier, secret, value: &str| Vector {
            verifier,
            secret,
            headers: vec![
                header(id, "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                header(timestamp, "1614265330"),
                header(signature, value),
            ],
            body: br#"{"test": 2432232314}"#,
            at: 1_614_265_330,
        };
        vector(
            "standard-webhooks",
            key_of(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                SignatureScheme::StandardWebhooks,
            ),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        )
        .check();
        // The second half of the key pair in the vector is its public key.
        let pair = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let public = format!("whpk_{}", STANDARD.encode(&STANDARD.decode(pair).unwrap()[32..]));
        vector(
            "standard-webhooks-ed25519",
            key_of(&public, SignatureScheme::StandardWebhooksEd25519),
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        )
        .check();
    }
}

/// GitHub's documentation of validating deliveries.
#[test]
fn github() {
    Vector {
        verifier: "github",
        secret: key_of("It's a Secret to Everybody", SignatureScheme::Github),
        headers: vec![header(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
        body: b"Hello, World!",
        at: 0,
    }
    .check();
}

/// Stripe's client for .NET.
#[test]
fn stripe() {
    Vector {
        verifier: "stripe",
        secret: key_of("webhook_secret", SignatureScheme::Stripe),
        headers: vec![header(
            "stripe-signature",
            "t=1533204620,v1=f0bdba6d4eacbd8ad8a3bbadd7248e633ec1477f7899c124c51b39405fa36613,\
             v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef",
        )],
        body: include_bytes!("stripe_event.json"),
        at: 1_533_204_620,
    }
    .check();
}

/// Slack's client for Python, and its documentation.
#[test]
fn slack() {
    Vector {
        verifier: "slack",
        secret: key_of("8f742231b10e8888abcd99yyyzzz85a5", SignatureScheme::Slack),
        headers: vec![
            header("x-slack-request-timestamp", "1531420618"),
            header("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ],
        body: b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibI\
                GlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        at: 1_531_420_618,
    }
    .check();
}

/// PagerDuty's client for Go.
#[test]
fn pagerduty() {
    Vector {
        verifier: "pagerduty",
        secret: key_of(
            "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK",
            SignatureScheme::PagerDuty,
        ),
        headers: vec![header(
            "x-pagerduty-signature",
            "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd",
        )],
        body: include_bytes!("pagerduty_event.json"),
        at: 0,
    }
    .check();
}

/// Shopify publishes none: this one is from the tests of SQLPage.
#[test]
fn shopify() {
    Vector {
        verifier: "shopify",
        secret: key_of("test-webhook-secret", SignatureScheme::Shopify),
        headers: vec![header(
            "x-shopify-hmac-sha256",
            "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw=",
        )],
        body: br#"{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}"#,
        at: 0,
    }
    .check();
}

/// RFC 4231, test case 2.
#[test]
fn hmac() {
    for (verifier, tag) in [
        (
            "hmac",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "hmac algorithm=sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        Vector {
            verifier,
            secret: b"Jefe".to_vec(),
            headers: vec![header("x-signature", tag)],
            body: b"what do ya want for nothing?",
            at: 0,
        }
        .check();
    }
}
