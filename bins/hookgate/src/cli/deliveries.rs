//! The commands about deliveries, as clap reads them.

use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use hookgate_domain::names::NameError;
use hookgate_domain::{DeliveryId, RefusalCode, RequestId, Timestamp};
use hookgate_wire as wire;
use ipnetwork::IpNetwork;

use super::{Moment, PageArgs};

#[derive(Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// List deliveries, newest first
    List(DeliveriesArgs),
    /// Export deliveries, newest first
    Export {
        /// CSV, CSV for Excel, or one JSON object per line with the payloads
        #[arg(long, default_value = "csv")]
        format: ExportArg,
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Show one delivery
    Show {
        /// Delivery ID (dlv_…), or the X-Request-Id of its response (req_…)
        id: DeliveryName,
    },
}

/// Names a delivery on the command line: by its own ID or by its request ID.
#[derive(Clone, Copy)]
pub(crate) enum DeliveryName {
    /// By its own ID.
    Delivery(DeliveryId),
    /// By its request ID.
    Request(RequestId),
}

impl FromStr for DeliveryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("req_") {
            text.parse().map(Self::Request)
        } else {
            text.parse().map(Self::Delivery)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportArg {
    Csv,
    /// CSV with the byte-order mark by which Excel knows UTF-8
    Excel,
    Ndjson,
}

#[derive(Args)]
pub(crate) struct DeliveriesArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Keep printing new deliveries
    #[arg(long, conflicts_with = "cursor")]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

#[derive(Args)]
pub(crate) struct FilterArgs {
    /// Only from this webhook: handle or unique name
    #[arg(long, value_name = "WEBHOOK")]
    pub(crate) webhook: Option<String>,
    /// Only with this outcome
    #[arg(long)]
    pub(crate) outcome: Option<OutcomeArg>,
    /// Only refused with this code
    #[arg(long)]
    pub(crate) code: Option<RefusalCode>,
    /// Only accepted in observe mode: an enforced allowlist would refuse it
    #[arg(long)]
    pub(crate) would_be_refused: bool,
    /// Only from this address or network
    #[arg(long, value_name = "CIDR", value_parser = hookgate_domain::networks::parse_entry)]
    pub(crate) source: Option<IpNetwork>,
    /// Only received since: how long ago (30s, 5m, 2h, 7d), a day in UTC, or a time with its zone
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    pub(crate) since: Option<Moment>,
    /// Only received until; a day is included to its end
    #[arg(long, value_name = "TIME", conflicts_with = "to")]
    pub(crate) until: Option<Moment>,
    /// Only received at this time or later, by RFC 3339, for instance 2026-01-31T12:00:00Z; without an offset it is UTC
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) from: Option<Timestamp>,
    /// Only received before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) to: Option<Timestamp>,
    /// Only the one whose response had this X-Request-Id
    #[arg(long, value_name = "REQUEST")]
    pub(crate) request: Option<RequestId>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomeArg {
    Accepted,
    Refused,
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    wire::read_time(text).ok_or("not a time by RFC 3339, such as 2026-11-24T03:30:00Z")
}
