//! What commands print about people: the objects that scripts rely on, and lines for people.

use hookgate_domain::{AuditEntry, Member, Role, Timestamp, Token};
use serde_json::{Value, json};

use crate::output::{time, visible};

/// A member, as scripts see it.
pub(crate) fn member(member: &Member) -> Value {
    json!({
        "id": member.id.to_string(),
        "name": member.name.as_str(),
        "role": member.role.as_str(),
        "has_password": member.password.is_some(),
        "created_at": time(member.created_at),
    })
}

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

/// A token, as scripts see it. The secret is not in it: that is shown once, where it is made.
pub(crate) fn token(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id.to_string(),
        "name": token.name.as_str(),
        "role": token.role.as_str(),
        "state": token.state(now).as_str(),
        "owner": token.owner.map(|owner| owner.to_string()),
        "created_by": token.created_by,
        "created_at": time(token.created_at),
        "expires_at": token.expires_at.map(time),
        "last_used_at": token.last_used_at.map(time),
        "revoked_at": token.revoked_at.map(time),
    })
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

/// An entry of the audit trail, as scripts see it.
pub(crate) fn audit_entry(entry: &AuditEntry) -> Value {
    let id = entry.actor.id();
    let role = id.as_ref().map(|_| entry.actor.role()).map(Role::as_str);
    json!({
        "id": entry.id,
        "at": time(entry.at),
        "actor": {"kind": entry.actor.kind(), "id": id, "name": entry.actor.name(), "role": role},
        "from": entry.from.map(|address| address.to_string()),
        "act": entry.act.as_str(),
        "subject": {"id": entry.subject.id, "name": entry.subject.name},
        "before": entry.before.as_deref().map(parsed),
        "after": entry.after.as_deref().map(parsed),
    })
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

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
