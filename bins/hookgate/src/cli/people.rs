//! The commands about people, as clap reads them.

use clap::Subcommand;
use hookgate_domain::{AuditAct, MemberName, Role, TokenName};

use super::PageArgs;

#[derive(Subcommand)]
pub(crate) enum MemberCommand {
    /// Add a member; a password may come on standard input, otherwise a sign-in link is printed
    Add {
        /// What the member signs in as, for instance an e-mail address
        name: MemberName,
        /// viewer, operator, admin or owner
        #[arg(long)]
        role: Role,
    },
    /// List members
    List(PageArgs),
    /// Give a member another role
    Role {
        /// Name or ID (mem_…)
        name: String,
        /// viewer, operator, admin or owner
        role: Role,
    },
    /// Remove a member; its sessions and tokens are dead at once
    Remove {
        /// Name or ID (mem_…)
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is shown this once
    Create {
        /// What people call it
        name: TokenName,
        /// viewer, operator, admin or owner
        #[arg(long)]
        role: Role,
        /// Days after which it stops working
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        expires: Option<u16>,
    },
    /// List tokens
    List(PageArgs),
    /// Kill a token for good
    Revoke {
        /// ID (tok_…) or unique name
        token: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List what was done, newest first
    List {
        /// Only this act, for instance webhook.create
        #[arg(long)]
        act: Option<AuditAct>,
        /// Only what was done to this: a handle, an incident, a member or token ID
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
}
