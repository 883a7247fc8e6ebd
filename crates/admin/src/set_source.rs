//! Contents of new address sets, parsed from JSON or from a form into the types of the domain, and downloads of
//! published lists.

use hookgate_domain::Networks;
use hookgate_domain::address_set::{Provider, SetFilter, SetOrigin};
use hookgate_domain::networks::parse_entry;
use hookgate_gate::{DownloadedList, Gate, Store};

use hookgate_outbound::{Fetcher, check_list_url};
use hookgate_request::ApiError;

/// Origin and networks of a new address set.
pub(crate) struct SetSource {
    pub(crate) origin: SetOrigin,
    pub(crate) networks: Networks,
    pub(crate) etag: Option<String>,
}

impl SetSource {
    /// Own networks.
    pub(crate) fn own(entries: &[String]) -> Result<Self, ApiError> {
        Ok(Self {
            origin: SetOrigin::Own,
            networks: networks_of(entries)?,
            etag: None,
        })
    }
}

/// Reads a published list: from `document`, or downloaded from its URL.
pub(crate) async fn published<S: Store>(
    gate: &Gate<S>,
    fetcher: &Fetcher,
    provider: Provider,
    filter: SetFilter,
    url: Option<&str>,
    document: Option<&str>,
) -> Result<SetSource, ApiError> {
    filter
        .check(provider)
        .map_err(|error| ApiError::field("filter", "form", error.to_string()))?;
    let read_list = async |field: &str, bytes: Vec<u8>| {
        gate.address_list_read(provider, filter.clone(), bytes)
            .await
            .map_err(|error| ApiError::field(field, "form", error.to_string()))
    };
    if let Some(document) = document {
        let networks = read_list("document", document.into()).await?;
        let origin = SetOrigin::Published {
            provider,
            filter,
            url: None,
        };
        return Ok(SetSource {
            origin,
            networks,
            etag: None,
        });
    }
    let url = url
        .or(provider.url())
        .ok_or_else(|| ApiError::field("url", "required", "a plain list needs a URL"))?;
    check_list_url(url).map_err(|problem| ApiError::field("url", "form", problem))?;
    let unreachable = |problem: &str| ApiError::field("url", "reachable", problem);
    let (bytes, etag) = match fetcher.get(url, None).await {
        DownloadedList::Document { bytes, etag } => (bytes, etag),
        DownloadedList::Unchanged => return Err(unreachable("the server answered 304 to a first download")),
        DownloadedList::Failed(problem) => return Err(unreachable(&problem)),
    };
    let networks = read_list("url", bytes).await?;
    Ok(SetSource {
        origin: SetOrigin::Published {
            provider,
            filter,
            url: Some(url.into()),
        },
        networks,
        etag,
    })
}

/// Parses networks as strictly as those of an allowlist. At least one is needed.
pub(crate) fn networks_of(entries: &[String]) -> Result<Networks, ApiError> {
    let fault = |problem: String| ApiError::field("networks", "form", problem);
    let networks: Vec<_> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            parse_entry(entry.trim()).map_err(|error| fault(format!("entry {}: {error}", index + 1)))
        })
        .collect::<Result<_, _>>()?;
    let networks = Networks::of(networks).map_err(|error| fault(error.to_string()))?;
    if networks.as_slice().is_empty() {
        return Err(fault("at least one network is needed".to_owned()));
    }
    Ok(networks)
}
