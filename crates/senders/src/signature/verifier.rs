//! Checking a delivery by a signature scheme.

use std::borrow::Cow;

use hookgate_domain::Timestamp;

use super::credential::{CredentialRule, is_secret};
use super::error::SignatureError;
use super::header_name::HeaderName;
use super::presets;
use super::rule::{Claim, SignatureRule};
use super::scheme::SignatureScheme;

/// Maximum number of secrets that are valid at once: a rotation needs two. Each one costs a pass over the body.
pub const MAX_SECRETS: usize = 2;

/// The header by which GitLab, and senders in general, name a delivery.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Checks deliveries by a [`SignatureScheme`] with its settings. Made from a scheme, or from a text that names the scheme
/// and then its settings, `name=value`, separated by spaces. `Display` writes the same text.
///
/// | scheme | settings |
/// |---|---|
/// | `grafana` | `header` and `timestamp`, the names that Grafana is told to send |
/// | `token` | `header`; `X-Webhook-Token` by default |
/// | `hmac` | `header`, `X-Signature` by default; `prefix`, the text before each signature; `encoding`, `hex` or `base64`; `algorithm`, `sha256` or `sha512`; `separator` of several signatures, `comma` or `space`; `timestamp`, a header in seconds since 1970; `signed`, `{body}` or `{timestamp}.{body}` by default; `tolerance` in seconds, 300 by default; `id`, the header with the sender's name for a delivery |
///
/// ```
/// use hookgate_senders::{SignatureScheme, Verifier};
///
/// let verifier: Verifier = "hmac header=X-Sig prefix=sha512= algorithm=sha512".parse()?;
/// assert_eq!(verifier.scheme(), SignatureScheme::Hmac);
/// assert_eq!(verifier.to_string(), "hmac header=x-sig prefix=sha512= algorithm=sha512");
/// assert_eq!("github".parse(), Ok(Verifier::from(SignatureScheme::Github)));
/// # Ok::<(), hookgate_senders::VerifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    pub(super) scheme: SignatureScheme,
    pub(super) check: Check,
}

/// The rules of a verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Rules that differ in the names of their headers. The first one whose signature is there is used.
    Signature(Cow<'static, [SignatureRule]>),
    Credential(CredentialRule),
}

/// The result of a valid signature or credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The position of the secret that matched. While a secret is rotated, it says if the sender has the new one already.
    pub secret: usize,
    /// The sender's name for the delivery.
    pub retry_id: Option<RetryId<'a>>,
}

/// The sender's name for a delivery. A retry has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryId<'a> {
    /// The name. It is not empty.
    pub value: &'a [u8],
    /// `true` if the signature covers the name. If not, whoever recorded the delivery can send it again under another name.
    pub is_signed: bool,
}

impl Verifier {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Checks the headers without the body and the secret, so that a delivery that fails is refused before its body is
    /// read: all are there and well-formed, and the timestamp is near `now`. `header` returns the first value of the header
    /// with this name, which is in lower case.
    ///
    /// # Errors
    /// [`SignatureError`]
    pub fn check_head<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a [u8]>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        match &self.check {
            Check::Signature(rules) => signed(rules, &header, now).map(|_| ()),
            Check::Credential(rule) => rule.credential(&header).map(|_| ()),
        }
    }

    /// Checks everything: the headers, as [`check_head`](Self::check_head) does, and that one of the secrets made the
    /// signature, or is the credential. `secrets` are the bytes of a [`SenderSecret`](crate::SenderSecret) or a
    /// [`SigningSecret`](crate::SigningSecret). The first [`MAX_SECRETS`] are tried, and an empty one never matches.
    ///
    /// # Errors
    /// [`SignatureError`]
    pub fn verify<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a [u8]>,
        body: &[u8],
        secrets: &[impl AsRef<[u8]>],
        now: Timestamp,
    ) -> Result<Verified<'a>, SignatureError> {
        match &self.check {
            Check::Signature(rules) => {
                let (rule, claim) = signed(rules, &header, now)?;
                let secret = position(secrets, |key| rule.matches(&claim, body, key))?;
                rule.check_body(body, now)?;
                Ok(Verified {
                    secret,
                    retry_id: retry_id(claim.id, rule.signs_id()),
                })
            }
            Check::Credential(rule) => {
                let credential = rule.credential(&header)?;
                let secret = position(secrets, |secret| is_secret(&credential, secret))?;
                Ok(Verified {
                    secret,
                    retry_id: retry_id(header(IDEMPOTENCY_KEY), false),
                })
            }
        }
    }
}

impl From<SignatureScheme> for Verifier {
    /// The scheme with its usual settings.
    fn from(scheme: SignatureScheme) -> Self {
        let signature = |rules: &'static [SignatureRule]| Check::Signature(Cow::Borrowed(rules));
        let token = |header| Check::Credential(CredentialRule::Header(HeaderName::known(header)));
        let check = match scheme {
            SignatureScheme::StandardWebhooks => signature(&presets::STANDARD_WEBHOOKS),
            SignatureScheme::StandardWebhooksEd25519 => signature(&presets::STANDARD_WEBHOOKS_ED25519),
            SignatureScheme::Github => signature(&presets::GITHUB),
            SignatureScheme::Gitea => signature(&presets::GITEA),
            SignatureScheme::GitlabToken => token("x-gitlab-token"),
            SignatureScheme::Sentry => signature(&presets::SENTRY),
            SignatureScheme::Stripe => signature(&presets::STRIPE),
            SignatureScheme::Slack => signature(&presets::SLACK),
            SignatureScheme::Shopify => signature(&presets::SHOPIFY),
            SignatureScheme::Linear => signature(&presets::LINEAR),
            SignatureScheme::PagerDuty => signature(&presets::PAGERDUTY),
            SignatureScheme::Grafana => signature(&presets::GRAFANA),
            SignatureScheme::Discord => signature(&presets::DISCORD),
            SignatureScheme::Hmac => signature(&presets::HMAC),
            SignatureScheme::Bearer => Check::Credential(CredentialRule::Bearer),
            SignatureScheme::Basic => Check::Credential(CredentialRule::Basic),
            SignatureScheme::Token => token("x-webhook-token"),
        };
        Self { scheme, check }
    }
}

/// The headers of a signed delivery, with the rule that they follow.
fn signed<'r, 'a>(
    rules: &'r [SignatureRule],
    header: &dyn Fn(&str) -> Option<&'a [u8]>,
    now: Timestamp,
) -> Result<(&'r SignatureRule, Claim<'a>), SignatureError> {
    let mut rules = rules.iter();
    let rule = rules.find(|rule| header(rule.header.as_str()).is_some());
    let rule = rule.ok_or(SignatureError::Missing)?;
    let claim = rule.claim(header)?;
    rule.check_claim(&claim, now)?;
    Ok((rule, claim))
}

/// The position of the secret that matches.
fn position(secrets: &[impl AsRef<[u8]>], matches: impl Fn(&[u8]) -> bool) -> Result<usize, SignatureError> {
    let mut secrets = secrets.iter().take(MAX_SECRETS).map(AsRef::as_ref);
    let position = secrets.position(|secret: &[u8]| !secret.is_empty() && matches(secret));
    position.ok_or(SignatureError::Invalid)
}

fn retry_id(value: Option<&[u8]>, is_signed: bool) -> Option<RetryId<'_>> {
    let value = value.filter(|value| !value.is_empty())?;
    Some(RetryId { value, is_signed })
}
