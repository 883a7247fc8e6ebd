//! The audit trail as a file.

use serde_json::Value;

use super::AuditEntry;
use super::export::{Column, ExportRow, cell};

impl ExportRow for AuditEntry {
    const COLUMNS: &'static [Column<Self>] = &[
        ("id", |entry| entry.id.to_string()),
        ("at", |entry| entry.at.clone()),
        ("actor_kind", |entry| entry.actor.kind.to_owned()),
        ("actor_id", |entry| cell(entry.actor.id.as_deref())),
        ("actor", |entry| entry.actor.name.clone()),
        ("actor_role", |entry| cell(entry.actor.role)),
        ("from", |entry| cell(entry.from.as_deref())),
        ("act", |entry| entry.act.to_owned()),
        ("subject_id", |entry| entry.subject.id.clone()),
        ("subject", |entry| entry.subject.name.clone()),
        ("change", |entry| entry.change.clone()),
        ("before", |entry| json(entry.before.as_ref())),
        ("after", |entry| json(entry.after.as_ref())),
    ];
}

fn json(value: Option<&Value>) -> String {
    value.map_or_else(String::new, Value::to_string)
}

#[cfg(test)]
mod tests {
    use hookgate_domain::{OrganizationId, Timestamp};
    use hookgate_people::{Actor, AuditAct, AuditSubject, NewAudit};

    use super::*;
    use crate::ExportFormat;

    #[test]
    fn names_are_no_formulas_and_changes_are_in_words() {
        let entry = NewAudit {
            organization: OrganizationId::FIRST,
            at: Timestamp::from_micros(0),
            actor: Actor::CommandLine {
                user: "=cmd|'/c calc'!A1".to_owned(),
            },
            session: None,
            from: None,
            act: AuditAct::MemberRole,
            subject: AuditSubject::new("mem_1", "@SUM(A1)"),
            before: Some(r#"{"role":"viewer"}"#.to_owned()),
            after: Some(r#"{"role":"admin"}"#.to_owned()),
            request: None,
        }
        .numbered(7);
        let entries = [AuditEntry::from(&entry)];
        let piece = ExportFormat::Csv.piece(&entries, true).expect("a piece");
        let text = String::from_utf8(piece).expect("text");
        let row = text.lines().nth(1).expect("a row");
        assert!(text.starts_with("id,at,actor_kind,"), "{text}");
        assert!(row.contains("'=cmd|'/c calc'!A1"), "{row}");
        assert!(row.contains("'@SUM(A1)"), "{row}");
        assert!(row.contains("role: viewer → admin"), "{row}");
        let lines = ExportFormat::Ndjson.piece(&entries, true).expect("a piece");
        let object: Value = serde_json::from_slice(&lines).expect("one object");
        assert_eq!(object["after"]["role"], "admin");
    }
}
