//! Members, tokens and their acts as columns for people.

use hookgate_domain::Timestamp;
use hookgate_people::{AuditEntry, Member, Token};
use hookgate_wire::{AuditEntry as AuditObject, time};

use crate::table::cell;

/// The columns of members.
pub(crate) const MEMBER_HEADER: [&str; 4] = ["ID", "ROLE", "NAME", "PASSWORD"];

/// A member's columns.
pub(crate) fn member_cells(member: &Member) -> [String; 4] {
    let password = if member.password.is_some() {
        "set"
    } else {
        "not set"
    };
    [
        member.id.to_string(),
        member.role.to_string(),
        member.name.to_string(),
        password.to_owned(),
    ]
}

/// The columns of tokens.
pub(crate) const TOKEN_HEADER: [&str; 6] = ["ID", "ROLE", "STATE", "NAME", "LAST USED", "EXPIRES"];

/// A token's columns.
pub(crate) fn token_cells(token: &Token, now: Timestamp) -> [String; 6] {
    let or_never = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), time);
    [
        token.id.to_string(),
        token.role.to_string(),
        token.state(now).as_str().to_owned(),
        token.name.to_string(),
        or_never(token.last_used_at),
        or_never(token.expires_at),
    ]
}

/// The columns of the audit trail.
pub(crate) const AUDIT_HEADER: [&str; 7] = ["ID", "TIME", "EVENT", "BY", "FROM", "SUBJECT", "CHANGE"];

/// The columns of an entry of the audit trail, with its changes in words.
pub(crate) fn audit_cells(entry: &AuditEntry) -> [String; 7] {
    let entry = AuditObject::from(entry);
    let tag = match entry.actor.kind {
        "member" => "",
        "command_line" => " (command line)",
        "token" => " (token)",
        _ => " (system)",
    };
    [
        entry.id.to_string(),
        entry.at,
        entry.act.to_owned(),
        format!("{}{tag}", entry.actor.name),
        cell(entry.from),
        format!("{} {}", entry.subject.id, entry.subject.name),
        entry.change,
    ]
}
