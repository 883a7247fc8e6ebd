//! Networks as a command is given them: by arguments, from a file, from where they are published.

use std::path::Path;

use hookgate_domain::{Allowed, Allowlist, IpNetwork, Networks, Provider, SetFilter};
use hookgate_gate::{Published, read_address_list};
use hookgate_transport::{Fetcher, MAX_DOCUMENT};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// A document from a file, with a bar on a terminal while it is read.
pub(super) fn document(file: &Path) -> Result<Published, Failure> {
    let failed = |error| Failure::usage(format!("can't read {}: {error}", file.display()));
    let open = std::fs::File::open(file).map_err(failed)?;
    let size = open.metadata().map_err(failed)?.len();
    if size > MAX_DOCUMENT as u64 {
        return Err(Failure::usage(format!(
            "{} is larger than {} MiB",
            file.display(),
            MAX_DOCUMENT / 1024 / 1024
        )));
    }
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("reading {wide_bar} {bytes} of {total_bytes}") {
        bar.set_style(style);
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut bar.wrap_read(open), &mut bytes).map_err(failed)?;
    bar.finish_and_clear();
    Ok(Published::Document { bytes, etag: None })
}

/// What is published, with a sign of life on a terminal meanwhile.
pub(super) async fn fetch(fetcher: &Fetcher, url: &str, etag: Option<&str>) -> Published {
    let bar = ProgressBar::new_spinner();
    bar.set_message(format!("reading {url}"));
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let published = fetcher.get(url, etag).await;
    bar.finish_and_clear();
    published
}

pub(super) fn read(published: Published) -> Result<(Vec<u8>, Option<String>), Failure> {
    match published {
        Published::Document { bytes, etag } => Ok((bytes, etag)),
        Published::Unchanged => Ok((Vec::new(), None)),
        Published::Failed(problem) => Err(Failure::failed(problem)),
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

/// The networks of all that `--network` named.
pub(super) fn joined(lists: &[Allowlist]) -> Result<Networks, Failure> {
    let none = || Failure::usage("a set holds networks: neither `any` nor other sets");
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
