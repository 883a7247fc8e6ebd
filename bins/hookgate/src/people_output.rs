//! Lines about members, tokens and their acts, for people.

use hookgate_domain::{AuditEntry, Member, Timestamp, Token};
use hookgate_transport::wire::time;

use crate::output::visible;

/// A member in one line for people.
pub(crate) fn member_line(member: &Member) -> String {
    let password = if member.password.is_some() {
        ""
    } else {
        "  no password yet"
    };
    format!(
        "{}  {:<8}  {}{password}",
        member.id,
        member.role,
        visible(member.name.as_str())
    )
}

/// A token in one line for people.
pub(crate) fn token_line(token: &Token, now: Timestamp) -> String {
    let used = token
        .last_used_at
        .map_or_else(|| "never used".to_owned(), |at| format!("used {}", time(at)));
    let expires = token
        .expires_at
        .map_or_else(String::new, |at| format!("  expires {}", time(at)));
    format!(
        "{}  {:<8}  {:<7}  {}  {used}{expires}",
        token.id,
        token.role,
        token.state(now).as_str(),
        visible(token.name.as_str())
    )
}

/// An entry of the audit trail in one line for people.
pub(crate) fn audit_line(entry: &AuditEntry) -> String {
    let from = entry
        .from
        .map_or_else(String::new, |address| format!(" from {address}"));
    let change = match (&entry.before, &entry.after) {
        (None, None) => String::new(),
        (before, after) => format!(
            "  {} -> {}",
            visible(before.as_deref().unwrap_or("-")),
            visible(after.as_deref().unwrap_or("-"))
        ),
    };
    format!(
        "{}  {}  {} {}{from}  {} {}{change}",
        time(entry.at),
        entry.act,
        entry.actor.kind(),
        visible(entry.actor.name()),
        visible(&entry.subject.id),
        visible(&entry.subject.name),
    )
}
