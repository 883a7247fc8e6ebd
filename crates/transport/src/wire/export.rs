//! Deliveries as a file.

use super::Delivery;

const COLUMNS: [&str; 10] = [
    "id",
    "webhook",
    "received_at",
    "source",
    "user_agent",
    "outcome",
    "code",
    "status",
    "incident",
    "count",
];

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// For spreadsheets; without payloads.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl ExportFormat {
    /// From its word; none is CSV.
    #[must_use]
    pub fn read(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("csv") => Some(Self::Csv),
            Some("ndjson") => Some(Self::Ndjson),
            Some(_) => None,
        }
    }

    /// These deliveries in this form. What a file begins with is in its first piece.
    #[must_use]
    pub fn piece(self, deliveries: &[Delivery], is_first: bool) -> Vec<u8> {
        match self {
            Self::Csv => csv(deliveries, is_first),
            Self::Ndjson => ndjson(deliveries),
        }
    }
}

fn ndjson(rows: &[Delivery]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        if serde_json::to_writer(&mut text, row).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

fn csv(rows: &[Delivery], with_head: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    if with_head {
        let _ = writer.write_record(COLUMNS);
    }
    for row in rows {
        let _ = writer.write_record([
            row.id.as_str(),
            row.webhook.as_str(),
            row.received_at.as_str(),
            row.source.as_str(),
            &harmless(row.user_agent.as_deref().unwrap_or_default()),
            row.outcome,
            row.code.unwrap_or_default(),
            &row.status.to_string(),
            row.incident.as_deref().unwrap_or_default(),
            &row.count.to_string(),
        ]);
    }
    writer.into_inner().unwrap_or_default()
}

/// Text that a spreadsheet takes for text: a formula gets an apostrophe, control characters become visible.
fn harmless(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{shown}")
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert!(harmless(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(harmless("curl/8.5"), "curl/8.5");
        assert_eq!(harmless("a\u{1b}[2J"), "a\u{fffd}[2J");
    }
}
