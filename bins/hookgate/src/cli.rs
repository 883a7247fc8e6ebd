//! The command line, as clap reads it. `commands` implements each command.

mod addresses;
mod deliveries;
mod moments;
mod people;
mod reading;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{Allowlist, IncidentNumber, IncidentStatus, SenderFormat, WebhookName};
use hookgate_gate::{PageSize, PreviewDays, UsageRange};
use hookgate_people::MemberName;
use hookgate_storage::literal_path;

use crate::config::StoreUrl;

pub(crate) use addresses::{AddressesCommand, ImportArgs};
pub(crate) use deliveries::{
    DeliveriesArgs, DeliveriesCommand, DeliveryName, ExportArg, FilterArgs, OutcomeArg,
};
pub(crate) use moments::Moment;
pub(crate) use people::{AuditArgs, AuditCommand, MemberCommand, TokenCommand};

/// A self-hosted gate for inbound webhooks.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args)]
pub(crate) struct Options {
    /// Data directory with the embedded database
    #[arg(long, global = true, value_name = "DIR", env = "HOOKGATE_DATA", value_parser = path())]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", env = "HOOKGATE_CONFIG", value_parser = path())]
    pub(crate) config: Option<PathBuf>,
    /// JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// `true` if the data directory comes from an argument, and not from the environment.
    #[arg(skip)]
    pub(crate) is_data_typed: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Try Hookgate: all data in ./hookgate-dev, with its own certificate and a demo webhook
    Dev(DevArgs),
    /// Run the server (needs --config)
    Serve,
    /// Create, change, regenerate and revoke webhooks
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// View accepted and refused deliveries
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// View, acknowledge, resolve and reopen incidents, and add notes
    #[command(subcommand)]
    Incidents(IncidentsCommand),
    /// Add and remove members, and change their roles
    #[command(subcommand)]
    Member(MemberCommand),
    /// Create and revoke tokens of the admin API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print a link that signs in a member once, within 30 minutes; without a name, the first owner
    SignInLink {
        /// Member who signs in with it
        name: Option<MemberName>,
    },
    /// View the audit trail
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Manage address sets: named lists of networks that allowlists share, your own or published by providers
    #[command(subcommand)]
    Addresses(AddressesCommand),
    /// Find problems that silently cost deliveries, with fixes
    Doctor,
    /// Create the store, or upgrade it to this version's schema
    Migrate,
    /// Copy a store to another database
    #[command(subcommand)]
    Db(DbCommand),
    /// Back up the embedded store to a file; the server may be running
    Backup {
        /// Backup file, which must not exist yet; `-` is standard output
        #[arg(value_parser = path())]
        file: PathBuf,
    },
    /// Restore an embedded store from a backup; sessions end, and URLs revoked since then work again
    Restore {
        /// Backup file; `-` is standard input
        #[arg(value_parser = path())]
        file: PathBuf,
        /// Only check that the backup is complete
        #[arg(long)]
        verify: bool,
        /// Retire every URL in the backup; each webhook then needs a new one
        #[arg(long, conflicts_with = "verify")]
        retire_all_urls: bool,
    },
    /// Print a sample, check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Parses a path literally, and refuses one that a shell should have expanded.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(literal_path)
}

#[derive(Args)]
pub(crate) struct DevArgs {
    /// Address of the gate; port 0 uses a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) gate: SocketAddr,
    /// Address of the console; port 0 uses a free port [default: this machine, the gate's port and one]
    #[arg(long, value_name = "ADDR")]
    console: Option<SocketAddr>,
}

impl DevArgs {
    /// Address of the console. Next to a gate on a free port, the console takes a free port too.
    pub(crate) fn console(&self) -> SocketAddr {
        let port = match self.gate.port() {
            0 | u16::MAX => 0,
            port => port + 1,
        };
        self.console.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

#[derive(Subcommand)]
pub(crate) enum DbCommand {
    /// Copy everything into an empty store and compare; an interrupted copy continues. Stop all servers first
    Copy {
        /// Source: sqlite:DIR, postgres://…, or @FILE that contains one of them
        #[arg(long, value_name = "STORE")]
        from: StoreUrl,
        /// Target, written the same way; created if missing
        #[arg(long, value_name = "STORE")]
        to: StoreUrl,
    },
}

#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    /// Create a webhook; its URL is shown once
    Create {
        /// Name
        name: WebhookName,
        /// Format of the payloads
        #[arg(long, value_name = "FORMAT", default_value = "custom", value_parser = readable_format)]
        sender: SenderFormat,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// List webhooks
    List(PageArgs),
    /// Show a webhook
    Show(WebhookArg),
    /// Change a webhook; settings that are not given stay unchanged
    Edit {
        #[command(flatten)]
        webhook: WebhookArg,
        /// New name
        #[arg(long)]
        name: Option<WebhookName>,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Add entries to a webhook's allowlist
    Allow {
        #[command(flatten)]
        webhook: WebhookArg,
        /// Address, network or @address-set, optionally with `until DATE` and `# comment`
        #[arg(value_name = "CIDR", required = true)]
        entries: Vec<Allowlist>,
    },
    /// Give a webhook a new URL (shown once); the old one stops working immediately
    Regenerate(WebhookArg),
    /// Revoke a webhook permanently
    Revoke {
        #[command(flatten)]
        webhook: WebhookArg,
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Show how many deliveries were accepted and refused, and their sources
    Usage {
        #[command(flatten)]
        webhook: WebhookArg,
        /// Time range: 1h, 24h, 7d or 30d
        #[arg(long, default_value = "24h")]
        range: UsageRange,
    },
    /// Show which senders another allowlist would refuse; changes nothing
    Preview {
        #[command(flatten)]
        webhook: WebhookArg,
        /// Entry of that allowlist: an address or network; repeat it or use commas for several
        #[arg(long, value_name = "CIDR", required = true)]
        allow: Vec<Allowlist>,
        /// Days to look back
        #[arg(long, value_name = "7|30", default_value = "7", value_parser = preview_days())]
        days: PreviewDays,
    },
    /// Suggest an allowlist from the senders of the last 30 days; changes nothing
    Suggest(WebhookArg),
    /// Show which webhook a URL belongs to; reads the URL from standard input
    Which,
}

#[derive(Args)]
pub(crate) struct WebhookArg {
    /// Handle (hk_…) or unique name
    #[arg(value_name = "WEBHOOK")]
    pub(crate) webhook: String,
}

#[derive(Args)]
pub(crate) struct PolicyArgs {
    /// Allowed source: an address, network or @address-set, optionally with `until DATE` and `# comment`; repeat it or use commas for several
    #[arg(long, value_name = "CIDR", conflicts_with = "allow_any")]
    pub(crate) allow: Vec<Allowlist>,
    /// Allow every source
    #[arg(long)]
    pub(crate) allow_any: bool,
    /// Refuse other sources (enforce), or accept and mark them (observe)
    #[arg(long, value_name = "enforce|observe")]
    pub(crate) allowlist_mode: Option<AllowlistMode>,
    /// Store payloads
    #[arg(long, value_name = "on|off")]
    pub(crate) payload_logging: Option<Switch>,
    /// Largest payload (bytes)
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_body: Option<u32>,
    /// Rate limit, deliveries per minute; 0 for no limit
    #[arg(long, value_name = "N")]
    pub(crate) per_minute: Option<u32>,
    /// Response above the limit: 429, or 503 for senders that retry only 5xx
    #[arg(long, value_name = "429|503")]
    pub(crate) overload: Option<OverloadStatus>,
    /// Require signed deliveries; the signing secret is shown once
    #[arg(long, value_name = "SCHEME")]
    pub(crate) signature: Option<SignatureScheme>,
    /// Remind to rotate the URL after (days); 0 for never
    #[arg(long, value_name = "DAYS")]
    pub(crate) rotation_days: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverloadStatus {
    #[value(name = "429")]
    TooManyRequests,
    #[value(name = "503")]
    Unavailable,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignatureScheme {
    StandardWebhooks,
    None,
}

#[derive(Args)]
pub(crate) struct PageArgs {
    /// Maximum number of rows, 1 to 200
    #[arg(long, value_name = "N", default_value = "50", value_parser = page_size())]
    pub(crate) limit: PageSize,
    /// Cursor of the next page, from the output of the last one
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum IncidentsCommand {
    /// List incidents, newest first
    List {
        /// Only with this status
        #[arg(long)]
        status: Option<IncidentStatus>,
        /// Only from this webhook: handle or unique name
        #[arg(long, value_name = "WEBHOOK")]
        webhook: Option<String>,
        /// Only opened since: how long ago (30s, 5m, 2h, 7d), a day in UTC, or a time with its zone
        #[arg(long, value_name = "TIME")]
        since: Option<Moment>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show an incident and its timeline
    Show(IncidentArg),
    /// Mark as acknowledged
    Acknowledge(IncidentArg),
    /// Mark as resolved
    Resolve(IncidentArg),
    /// Reopen an incident that was resolved within the last 24 hours
    Reopen(IncidentArg),
    /// Add a note, 1 to 2,000 characters
    Note {
        #[command(flatten)]
        incident: IncidentArg,
        /// Text of the note; `-` reads it from standard input
        #[arg(value_name = "TEXT")]
        text: String,
    },
}

#[derive(Args)]
pub(crate) struct IncidentArg {
    /// Incident, for instance INC-1
    #[arg(value_name = "INCIDENT")]
    pub(crate) number: IncidentNumber,
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a commented sample
    Init,
    /// Check the configuration without starting anything
    Check,
    /// Print the configuration that would be used
    Show {
        /// Show where each value comes from
        #[arg(long)]
        sources: bool,
    },
}

/// Number of rows of a page.
fn page_size() -> impl TypedValueParser<Value = PageSize> {
    let rows = clap::value_parser!(u16).range(1..=PageSize::MAX.rows().into());
    rows.try_map(|rows| PageSize::new(rows).ok_or("out of range"))
}

/// Number of days of a preview; shells complete the values.
fn preview_days() -> impl TypedValueParser<Value = PreviewDays> {
    PossibleValuesParser::new(["7", "30"]).try_map(
        |days| -> Result<PreviewDays, Box<dyn Error + Send + Sync>> {
            Ok(PreviewDays::try_from(days.parse::<u16>()?)?)
        },
    )
}

/// Reads the format of a new webhook. The gate reads no other format than `custom` yet.
fn readable_format(word: &str) -> Result<SenderFormat, &'static str> {
    let format = word.parse().ok().filter(|format| *format == SenderFormat::Custom);
    format.ok_or("not a sender format; known: custom")
}
