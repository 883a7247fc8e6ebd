//! Verifiers in text form.

use super::*;

fn parse(text: &str) -> Result<String, VerifierError> {
    text.parse::<Verifier>().map(|verifier| verifier.to_string())
}

#[test]
fn every_scheme_is_a_text_and_its_names_are_distinct() {
    let mut names = std::collections::HashSet::new();
    for scheme in SignatureScheme::ALL {
        assert_eq!(scheme.as_str().parse(), Ok(Verifier::from(*scheme)));
        assert!(
            names.insert(scheme.as_str()) && names.insert(scheme.label()),
            "{scheme}"
        );
    }
}

#[test]
fn settings_are_written_as_they_are_read() {
    for (text, written) in [
        ("  github ", "github"),
        ("grafana", "grafana"),
        ("grafana timestamp=X-Time", "grafana timestamp=x-time"),
        (
            "grafana timestamp=X-Time header=X-Sig",
            "grafana header=x-sig timestamp=x-time",
        ),
        ("token", "token header=x-webhook-token"),
        ("hmac", "hmac header=x-signature"),
        (
            "hmac encoding=hex algorithm=sha256 signed={body} tolerance=300",
            "hmac header=x-signature",
        ),
        (
            "hmac timestamp=T signed={timestamp}.{body}",
            "hmac header=x-signature timestamp=t",
        ),
        (
            "hmac signed=v0:{timestamp}:{body} timestamp=T",
            "hmac header=x-signature timestamp=t signed=v0:{timestamp}:{body}",
        ),
        (
            "hmac prefix=v1= separator=comma id=X-Id tolerance=10",
            "hmac header=x-signature prefix=v1= separator=comma tolerance=10 id=x-id",
        ),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(written), "{text}");
        assert_eq!(text.parse::<Verifier>(), written.parse(), "{text}");
    }
}

#[test]
fn wrong_settings_are_refused_with_the_rule() {
    for (text, error) in [
        (
            "",
            "not a signature scheme; known: standard-webhooks, standard-webhooks-ed25519, github, gitea, gitlab-token, sentry, stripe, slack, shopify, linear, pagerduty, grafana, discord, hmac, bearer, basic, token",
        ),
        ("github header=X", "not a setting of this scheme; it has: none"),
        (
            "grafana prefix=x",
            "not a setting of this scheme; it has: header, timestamp",
        ),
        ("token secret", "not a setting of this scheme; it has: header"),
        ("hmac header=A header=B", "the setting `header` is there twice"),
        (
            "token header=",
            "the setting `header` must be the name of a header: at most 64 letters, digits, `-` and `_`",
        ),
        (
            "hmac encoding=base32",
            "the setting `encoding` must be `hex` or `base64`",
        ),
        (
            "hmac algorithm=sha1",
            "the setting `algorithm` must be `sha256` or `sha512`",
        ),
        (
            "hmac separator=,",
            "the setting `separator` must be `comma` or `space`",
        ),
        (
            "hmac prefix=v1, separator=comma",
            "the setting `prefix` must be a text without the separator",
        ),
        (
            "hmac prefix=ä",
            "the setting `prefix` must be at most 64 visible ASCII characters",
        ),
        (
            "hmac tolerance=0",
            "the setting `tolerance` must be 1 to 3600 seconds",
        ),
        (
            "hmac tolerance=3601",
            "the setting `tolerance` must be 1 to 3600 seconds",
        ),
        (
            "hmac signed={timestamp}.{body}",
            "the setting `timestamp` must be a header, and `signed` must have `{timestamp}`",
        ),
        (
            "hmac timestamp=T signed={body}",
            "the setting `timestamp` must be a header, and `signed` must have `{timestamp}`",
        ),
        (
            "hmac signed={id}.{body}",
            "the setting `id` must be a header if `signed` has `{id}`",
        ),
    ] {
        let refused = parse(text).map_err(|error| error.to_string());
        assert_eq!(refused, Err(error.to_owned()), "{text}");
    }
    let long = format!("hmac prefix={}", "x".repeat(65));
    assert!(parse(&long).is_err() && parse(&long[..long.len() - 1]).is_ok());
    let long = format!("token header={}", "x".repeat(65));
    assert!(parse(&long).is_err() && parse(&long[..long.len() - 1]).is_ok());
}

#[test]
fn templates_can_be_read_in_one_way_only() {
    let with_all = |template: &str| parse(&format!("hmac timestamp=T id=I signed={template}")).is_ok();
    for template in [
        "{id}.{timestamp}.{body}",
        "{timestamp}{{",
        "x{body}:{id}:{timestamp}y",
    ] {
        assert_eq!(with_all(template), !template.contains("{{"), "{template}");
    }
    for template in [
        "{timestamp}",
        "{timestamp}{body}",
        "{body}{timestamp}",
        "{timestamp}.{body}.{body}",
        "{timestamp}.{timestamp}.{body}",
        "{id}.{id}.{timestamp}.{body}",
        "{timestamp}.{body}.{",
        "{timestamp}.{body}.}",
        "{timestamp}.{body}.{secret}",
        "",
        &format!("{{timestamp}}.{{body}}{}", "x".repeat(83)),
    ] {
        assert!(!with_all(template), "{template}");
    }
    assert!(with_all(&format!("{{timestamp}}.{{body}}{}", "x".repeat(82))));
}
