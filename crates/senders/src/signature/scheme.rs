//! The signature schemes by name.

use std::fmt;

/// A way in which senders prove that they know a webhook's secret: a signature of the body, or the secret itself in a
/// header. [`Verifier`](crate::Verifier) checks it.
///
/// ```
/// use hookgate_senders::SignatureScheme;
///
/// assert_eq!(SignatureScheme::PagerDuty.to_string(), "pagerduty");
/// assert_eq!(SignatureScheme::PagerDuty.label(), "PagerDuty");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// Standard Webhooks, with the headers `webhook-*` or `svix-*`: HMAC-SHA256. GitLab's signing tokens are the same.
    StandardWebhooks,
    /// Standard Webhooks with Ed25519 and the sender's public key, `whpk_…`.
    StandardWebhooksEd25519,
    /// GitHub: `X-Hub-Signature-256`.
    Github,
    /// Gitea and Forgejo: `X-Gitea-Signature`.
    Gitea,
    /// GitLab's secret token: `X-Gitlab-Token`. It is no signature.
    GitlabToken,
    /// Sentry: `Sentry-Hook-Signature`.
    Sentry,
    /// Stripe: `Stripe-Signature`.
    Stripe,
    /// Slack: `X-Slack-Signature`.
    Slack,
    /// Shopify: `X-Shopify-Hmac-SHA256`.
    Shopify,
    /// Linear: `Linear-Signature`.
    Linear,
    /// Webhooks of PagerDuty, version 3: `X-PagerDuty-Signature`.
    PagerDuty,
    /// Grafana: `X-Grafana-Alerting-Signature`, or another header that both sides set.
    Grafana,
    /// Discord: `X-Signature-Ed25519` and the application's public key.
    Discord,
    /// HMAC by own settings.
    Hmac,
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`; the secret is `user:password`.
    Basic,
    /// The secret in a header of its own.
    Token,
}

impl SignatureScheme {
    /// Every scheme.
    pub const ALL: &'static [Self] = &[
        Self::StandardWebhooks,
        Self::StandardWebhooksEd25519,
        Self::Github,
        Self::Gitea,
        Self::GitlabToken,
        Self::Sentry,
        Self::Stripe,
        Self::Slack,
        Self::Shopify,
        Self::Linear,
        Self::PagerDuty,
        Self::Grafana,
        Self::Discord,
        Self::Hmac,
        Self::Bearer,
        Self::Basic,
        Self::Token,
    ];

    /// The name for programs. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.names().0
    }

    /// The name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.names().1
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::StandardWebhooks => ("standard-webhooks", "Standard Webhooks"),
            Self::StandardWebhooksEd25519 => ("standard-webhooks-ed25519", "Standard Webhooks (Ed25519)"),
            Self::Github => ("github", "GitHub"),
            Self::Gitea => ("gitea", "Gitea and Forgejo"),
            Self::GitlabToken => ("gitlab-token", "GitLab secret token"),
            Self::Sentry => ("sentry", "Sentry"),
            Self::Stripe => ("stripe", "Stripe"),
            Self::Slack => ("slack", "Slack"),
            Self::Shopify => ("shopify", "Shopify"),
            Self::Linear => ("linear", "Linear"),
            Self::PagerDuty => ("pagerduty", "PagerDuty"),
            Self::Grafana => ("grafana", "Grafana"),
            Self::Discord => ("discord", "Discord"),
            Self::Hmac => ("hmac", "HMAC"),
            Self::Bearer => ("bearer", "Bearer token"),
            Self::Basic => ("basic", "User name and password"),
            Self::Token => ("token", "Token in a header"),
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
