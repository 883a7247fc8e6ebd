//! The input of networks: from arguments, from a file, or from a published list.

use std::io::Read;
use std::path::Path;

use hookgate_domain::address_set::{Provider, SetFilter};
use hookgate_domain::allowlist::Allowed;
use hookgate_domain::{Allowlist, IpNetwork, Networks};
use hookgate_gate::{DownloadedList, read_address_list};
use hookgate_outbound::{Fetcher, MAX_DOCUMENT};

use crate::failure::Failure;
use crate::progress::Progress;

/// A document from a file, which may be a pipe.
pub(super) fn document(file: &Path) -> Result<DownloadedList, Failure> {
    let failed = |error| Failure::usage(format!("can't read {}: {error}", file.display()));
    let most = MAX_DOCUMENT as u64;
    let mut bytes = Vec::new();
    let open = std::fs::File::open(file).map_err(failed)?;
    open.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_DOCUMENT {
        return Err(Failure::usage(format!(
            "{} is larger than {} MiB",
            file.display(),
            MAX_DOCUMENT / 1024 / 1024
        )));
    }
    Ok(DownloadedList::Document { bytes, etag: None })
}

/// Downloads the published list, with a progress line on a terminal.
pub(super) async fn fetch(fetcher: &Fetcher, url: &str, etag: Option<&str>) -> DownloadedList {
    let progress = Progress::start();
    progress.tell("reading the published list");
    fetcher.get(url, etag).await
}

/// The document itself. `DownloadedList::Unchanged` is an error here: a first download sends no `ETag`.
pub(super) fn read(published: DownloadedList) -> Result<(Vec<u8>, Option<String>), Failure> {
    match published {
        DownloadedList::Document { bytes, etag } => Ok((bytes, etag)),
        DownloadedList::Unchanged => Err(Failure::failed("the server answered 304 to a first download")),
        DownloadedList::Failed(problem) => Err(Failure::failed(problem)),
    }
}

/// The networks of a document.
pub(super) fn parse(provider: Provider, filter: &SetFilter, bytes: &[u8]) -> Result<Networks, Failure> {
    read_address_list(provider, filter, bytes).map_err(Failure::usage)
}

pub(super) fn texts(filters: &[SetFilter]) -> String {
    let texts: Vec<_> = filters.iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// The networks of all `--network` arguments.
pub(super) fn joined(lists: &[Allowlist]) -> Result<Networks, Failure> {
    let none = || Failure::usage("a set contains networks only: not `any`, not other sets");
    let mut networks: Vec<IpNetwork> = Vec::new();
    for list in lists {
        for entry in list.entries().ok_or_else(none)? {
            match entry.allowed {
                Allowed::Network(network) => networks.push(network),
                Allowed::Set(_) => return Err(none()),
            }
        }
    }
    Networks::of(networks).map_err(Failure::usage)
}
