//! The commands about people, as clap reads them.

use clap::{Args, Subcommand};
use hookgate_people::{AuditActs, MemberName, Role, TokenName};

use super::{ExportArg, Moment, PageArgs};

#[derive(Subcommand)]
pub(crate) enum MemberCommand {
    /// Add a member; reads a password from standard input, or prints a sign-in link
    Add {
        /// Name to sign in with, for example an e-mail address
        name: MemberName,
        /// viewer, operator, admin or owner
        #[arg(long)]
        role: Role,
    },
    /// List members
    List(PageArgs),
    /// Change a member's role
    Role {
        /// Name or ID (mem_…)
        name: String,
        /// viewer, operator, admin or owner
        role: Role,
    },
    /// Remove a member; their sessions and tokens stop working immediately
    Remove {
        /// Name or ID (mem_…)
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token (shown once)
    Create {
        /// Name
        name: TokenName,
        /// viewer, operator, admin or owner
        #[arg(long)]
        role: Role,
        /// Days until it expires
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        expires: Option<u16>,
    },
    /// List tokens
    List(PageArgs),
    /// Revoke a token permanently
    Revoke {
        /// ID (tok_…) or unique name
        token: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List events, newest first
    List {
        #[command(flatten)]
        filter: AuditArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Export all matching events, newest first; the export itself is recorded
    Export {
        /// File format
        #[arg(long, default_value = "csv")]
        format: ExportArg,
        #[command(flatten)]
        filter: AuditArgs,
    },
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Only this event, for example webhook.create, or all events of a family: webhook
    #[arg(long)]
    pub(crate) act: Option<AuditActs>,
    /// Only events about this: a handle, an incident, a member or token ID, or the exact name
    #[arg(long, value_name = "ID|NAME")]
    pub(crate) subject: Option<String>,
    /// Only by this member or token (name or ID, removed ones too), `command-line` or `system`
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) actor: Option<String>,
    /// Only since: how long ago (30s, 5m, 2h, 7d), a day in UTC, or a time with its zone
    #[arg(long, value_name = "TIME", visible_alias = "since")]
    pub(crate) from: Option<Moment>,
    /// Only before; a day is included to its end
    #[arg(long, value_name = "TIME", visible_alias = "until")]
    pub(crate) to: Option<Moment>,
}
