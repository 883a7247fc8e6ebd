//! Providers of published address lists, and filters for a part of a list.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::keywords::keywords;
use crate::leaks::may_hold_secret;

/// Most conditions of one filter.
const MAX_CONDITIONS: usize = 64;
/// Longest field or value in a filter, in bytes.
const MAX_WORD: usize = 100;

/// The publisher of a list of addresses.
///
/// ```
/// use hookgate_domain::address_set::Provider;
///
/// let provider: Provider = "github".parse()?;
/// assert_eq!(provider.url(), Some("https://api.github.com/meta"));
/// # Ok::<(), hookgate_domain::address_set::UnknownProvider>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Any other publisher: a plain list of networks, separated by white space or commas, or a JSON array of them.
    List,
    /// Amazon Web Services: `ip-ranges.json`.
    Aws,
    /// Datadog.
    Datadog,
    /// GitHub: `/meta`.
    Github,
    /// Stripe.
    Stripe,
    /// Grafana Cloud.
    Grafana,
    /// Cloudflare.
    Cloudflare,
}

impl Provider {
    /// URL of the provider's list; `None` for a plain list, which may be anywhere.
    #[must_use]
    pub const fn url(self) -> Option<&'static str> {
        match self {
            Self::List => None,
            Self::Aws => Some("https://ip-ranges.amazonaws.com/ip-ranges.json"),
            Self::Datadog => Some("https://ip-ranges.datadoghq.com/"),
            Self::Github => Some("https://api.github.com/meta"),
            Self::Stripe => Some("https://stripe.com/files/ips/ips_webhooks.json"),
            Self::Grafana => Some("https://grafana.com/api/hosted-alerts/source-ips"),
            Self::Cloudflare => Some("https://api.cloudflare.com/client/v4/ips"),
        }
    }

    /// The fields by which a list can be filtered, each with the value that is used without a filter.
    #[must_use]
    pub const fn filters(self) -> &'static [(&'static str, Option<&'static str>)] {
        match self {
            Self::Aws => &[("service", None), ("region", None)],
            Self::Datadog => &[("section", Some("webhooks"))],
            Self::Github => &[("section", Some("hooks"))],
            Self::List | Self::Stripe | Self::Grafana | Self::Cloudflare => &[],
        }
    }
}

keywords! {
    Provider {
        List = "list",
        Aws = "aws",
        Datadog = "datadog",
        Github = "github",
        Stripe = "stripe",
        Grafana = "grafana",
        Cloudflare = "cloudflare",
    }
    /// The text is no provider.
    UnknownProvider = "must be list, aws, datadog, github, stripe, grafana or cloudflare"
}

/// A filter for a provider's list: for each field, the accepted values.
///
/// ```
/// use hookgate_domain::address_set::{Provider, SetFilter};
///
/// let filter: SetFilter = "service=EC2, service=S3, region=eu-west-1".parse()?;
/// assert!(filter.fits("service", "EC2") && !filter.fits("service", "AMAZON"));
/// assert!(filter.fits("network_border_group", "any"), "nothing is said of it");
/// assert!(filter.check(Provider::Aws).is_ok() && filter.check(Provider::Stripe).is_err());
/// # Ok::<(), hookgate_domain::address_set::SetFilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetFilter(Vec<(String, String)>);

impl SetFilter {
    /// Returns `true` if the filter accepts this value of a field. A field that the filter does not name may have any value.
    #[must_use]
    pub fn fits(&self, field: &str, value: &str) -> bool {
        let mut values = self.values(field).peekable();
        values.peek().is_none() || values.any(|wanted| wanted == value)
    }

    /// The accepted values of a field; none if the filter does not name it.
    pub fn values(&self, field: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(name, _)| name == field)
            .map(|(_, value)| value.as_str())
    }

    /// Checks that the provider's list has all fields of the filter.
    ///
    /// # Errors
    /// [`SetFilterError::Field`] if the list has no such field.
    pub fn check(&self, provider: Provider) -> Result<(), SetFilterError> {
        let known = |name: &str| provider.filters().iter().any(|(field, _)| *field == name);
        if self.0.iter().all(|(name, _)| known(name)) {
            Ok(())
        } else {
            Err(SetFilterError::Field(provider))
        }
    }
}

impl fmt::Display for SetFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{field}={value}")?;
        }
        Ok(())
    }
}

impl FromStr for SetFilter {
    type Err = SetFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !word.is_empty()
                && word.len() <= MAX_WORD
                && word.chars().all(fits)
                && !may_hold_secret(word.as_bytes())
        };
        let mut conditions = Vec::new();
        for condition in text
            .split([',', '\n', ' '])
            .filter(|part| !part.trim().is_empty())
        {
            let (field, value) = condition.trim().split_once('=').ok_or(SetFilterError::Form)?;
            if !is_word(field) || !is_word(value) || conditions.len() >= MAX_CONDITIONS {
                return Err(SetFilterError::Form);
            }
            conditions.push((field.to_owned(), value.to_owned()));
        }
        Ok(Self(conditions))
    }
}

/// The error of reading or checking a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SetFilterError {
    /// The text does not have the form of a filter.
    #[error("must be at most {MAX_CONDITIONS} conditions such as service=EC2, separated by commas")]
    Form,
    /// The provider's list has no such field.
    #[error("{}", match .0.filters() {
        [] => format!("a list of {0} can't be narrowed", .0),
        fields => format!("a list of {0} can be narrowed by {1}", .0, fields.iter().map(|field| field.0).collect::<Vec<_>>().join(" and ")),
    })]
    Field(Provider),
}
