//! The commands about address sets, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hookgate_domain::{AddressSetName, Allowlist, Provider, SetFilter};
use hookgate_gate::PreviewDays;

use super::preview_days;

#[derive(Subcommand)]
pub(crate) enum AddressesCommand {
    /// List address sets
    List,
    /// Show a set with its networks, and its versions
    Show {
        /// Name of the set
        name: AddressSetName,
        /// Number of another version than the one that counts
        #[arg(long, value_name = "N")]
        number: Option<i64>,
    },
    /// Make a set of one's own; allowlists name it as @NAME
    Create {
        /// What allowlists will call it
        name: AddressSetName,
        /// Address or network; several by repeating or by commas
        #[arg(long = "network", value_name = "CIDR", required = true)]
        networks: Vec<Allowlist>,
    },
    /// Give a set of one's own other networks; they count at once
    Edit {
        /// Name of the set
        name: AddressSetName,
        /// All of its networks: address or network; several by repeating or by commas
        #[arg(long = "network", value_name = "CIDR", required = true)]
        networks: Vec<Allowlist>,
    },
    /// Take up a published list: as a new set, or for a set that was imported before
    Import(ImportArgs),
    /// Read published lists again: this one, or all
    Refresh {
        /// Name of the set
        name: Option<AddressSetName>,
    },
    /// Show what refreshing or importing would change, and who would stop passing; nothing is changed
    Diff {
        /// Name of the set
        name: AddressSetName,
        /// A published document to compare with; otherwise the version that waits, or what is published now
        #[arg(long, value_name = "FILE", value_parser = super::path())]
        file: Option<PathBuf>,
        /// Days of senders to look back
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
    /// Remove a set that no allowlist names
    Remove {
        /// Name of the set
        name: AddressSetName,
    },
}

#[derive(Args)]
pub(crate) struct ImportArgs {
    /// What allowlists call the set
    pub(crate) name: AddressSetName,
    /// Who publishes it: list, aws, datadog, github, stripe, grafana or cloudflare; for a set that exists, its own
    #[arg(long)]
    pub(crate) provider: Option<Provider>,
    /// Which part of it, such as service=EC2; several by repeating or by commas
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) filter: Vec<SetFilter>,
    /// A published document; it is not read from anywhere then
    #[arg(long, value_name = "FILE", conflicts_with = "url", value_parser = super::path())]
    pub(crate) file: Option<PathBuf>,
    /// Where it is published, if not where the provider usually does
    #[arg(long)]
    pub(crate) url: Option<String>,
}
