//! The commands about address sets, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hookgate_domain::Allowlist;
use hookgate_domain::address_set::{AddressSetName, Provider, SetFilter};
use hookgate_gate::PreviewDays;

use super::preview_days;

#[derive(Subcommand)]
pub(crate) enum AddressesCommand {
    /// List address sets
    List,
    /// Show a set with its networks and versions
    Show {
        /// Name of the set
        name: AddressSetName,
        /// Number of a version other than the active one
        #[arg(long, value_name = "N")]
        number: Option<i64>,
    },
    /// Create a set of your own; allowlists use it as @NAME
    Create {
        /// Name that allowlists use
        name: AddressSetName,
        /// Address or network; repeat it or use commas for several
        #[arg(long = "network", value_name = "CIDR", required = true)]
        networks: Vec<Allowlist>,
    },
    /// Replace the networks of your own set; takes effect immediately
    Edit {
        /// Name of the set
        name: AddressSetName,
        /// All of its networks: address or network; repeat it or use commas for several
        #[arg(long = "network", value_name = "CIDR", required = true)]
        networks: Vec<Allowlist>,
    },
    /// Import a published list as a new set, or update an imported set
    Import(ImportArgs),
    /// Download published lists again: this one, or all
    Refresh {
        /// Name of the set
        name: Option<AddressSetName>,
    },
    /// Show what refreshing or importing would change, and which senders would be refused; changes nothing
    Diff {
        /// Name of the set
        name: AddressSetName,
        /// Document to compare with; default: the pending version, or what is published now
        #[arg(long, value_name = "FILE", value_parser = super::path())]
        file: Option<PathBuf>,
        /// Days to look back for senders
        #[arg(long, value_name = "7|30", default_value = "7", value_parser = preview_days())]
        days: PreviewDays,
    },
    /// Approve the pending version
    Approve {
        /// Name of the set
        name: AddressSetName,
    },
    /// Reject the pending version
    Reject {
        /// Name of the set
        name: AddressSetName,
    },
    /// Remove a set that no allowlist uses
    Remove {
        /// Name of the set
        name: AddressSetName,
    },
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// Name that allowlists use
    pub(crate) name: AddressSetName,
    /// Provider: list, aws, datadog, github, stripe, grafana or cloudflare; default for an existing set: its own
    #[arg(long)]
    pub(crate) provider: Option<Provider>,
    /// Filter, such as service=EC2; repeat it or use commas for several
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) filter: Vec<SetFilter>,
    /// Read the document from this file; no download
    #[arg(long, value_name = "FILE", conflicts_with = "url", value_parser = super::path())]
    pub(crate) file: Option<PathBuf>,
    /// URL of the list, if not the provider's default
    #[arg(long)]
    pub(crate) url: Option<String>,
}
