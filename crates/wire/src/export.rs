//! Lists as files: deliveries and the audit trail.

use hookgate_domain::invisible::characters;
use serde::Serialize;
use thiserror::Error;

use super::{Delivery, json_text};

/// A column of a CSV file: its name, and the text of a cell.
pub type Column<R> = (&'static str, fn(&R) -> String);

/// A row of a file: the whole object in NDJSON, its columns in CSV.
pub trait ExportRow: Serialize + Sized + 'static {
    /// The columns of a CSV file. New ones are appended, so that scripts may use the positions.
    const COLUMNS: &'static [Column<Self>];
}

/// CSV leaves payloads out, because they are JSON of any size and shape. NDJSON has them unchanged.
impl ExportRow for Delivery {
    const COLUMNS: &'static [Column<Self>] = DELIVERY_COLUMNS;
}

const DELIVERY_COLUMNS: &[Column<Delivery>] = &[
    ("id", |row| row.id.clone()),
    ("webhook", |row| row.webhook.clone()),
    ("received_at", |row| row.received_at.clone()),
    ("source", |row| row.source.clone()),
    ("user_agent", |row| cell(row.user_agent.as_deref())),
    ("outcome", |row| row.outcome.to_owned()),
    ("code", |row| cell(row.code)),
    ("status", |row| row.status.to_string()),
    ("incident", |row| cell(row.incident.as_deref())),
    ("count", |row| row.count.to_string()),
    ("webhook_name", |row| row.webhook_name.clone()),
    ("would_be_refused", |row| row.would_be_refused.to_string()),
    ("notes", notes),
    ("request_id", |row| cell(row.request_id.as_deref())),
];

/// The cell of an optional value: empty if there is none.
pub(crate) fn cell(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// The codes of the notes, each with its field: `title cut; severity unknown_word`.
fn notes(row: &Delivery) -> String {
    let notes = row.notes.iter();
    let codes: Vec<_> = notes
        .map(|note| format!("{} {}", note.field, note.code))
        .collect();
    codes.join("; ")
}

/// Without this mark, Excel reads a CSV file in a Windows code page.
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// The format of an export file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// CSV for spreadsheets, without payloads.
    Csv,
    /// CSV with the byte-order mark by which Excel recognizes UTF-8.
    Excel,
    /// One whole JSON object a line.
    Ndjson,
}

/// A list could not be written as a file.
#[derive(Debug, Error)]
pub enum ExportError {
    /// CSV can't be written.
    #[error("a row could not be written as CSV")]
    Csv(#[from] csv::Error),
    /// JSON can't be written.
    #[error("a row could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl ExportFormat {
    /// Parses the word of a format. `None` is CSV.
    #[must_use]
    pub fn read(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("csv") => Some(Self::Csv),
            Some("excel") => Some(Self::Excel),
            Some("ndjson") => Some(Self::Ndjson),
            Some(_) => None,
        }
    }

    /// The word of the format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Excel => "excel",
            Self::Ndjson => "ndjson",
        }
    }

    /// `true` if the format has payloads.
    #[must_use]
    pub const fn has_payloads(self) -> bool {
        matches!(self, Self::Ndjson)
    }

    /// The media type of the file.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Excel => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Formats rows as a piece of the file. The first piece begins with the file's header.
    ///
    /// # Errors
    /// [`ExportError`]; the file is incomplete then.
    pub fn piece<R: ExportRow>(self, rows: &[R], is_first: bool) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        if self == Self::Excel && is_first {
            bytes.extend_from_slice(BYTE_ORDER_MARK);
        }
        match self {
            Self::Csv | Self::Excel => csv(&mut bytes, rows, is_first)?,
            Self::Ndjson => ndjson(&mut bytes, rows)?,
        }
        Ok(bytes)
    }
}

fn ndjson(bytes: &mut Vec<u8>, rows: &[impl Serialize]) -> Result<(), serde_json::Error> {
    for row in rows {
        bytes.extend_from_slice(json_text(row)?.as_bytes());
        bytes.push(b'\n');
    }
    Ok(())
}

fn csv<R: ExportRow>(bytes: &mut Vec<u8>, rows: &[R], with_head: bool) -> Result<(), csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(bytes);
    if with_head {
        writer.write_record(R::COLUMNS.iter().map(|(name, _)| name))?;
    }
    for row in rows {
        writer.write_record(R::COLUMNS.iter().map(|(_, cell)| harmless(&cell(row))))?;
    }
    Ok(writer.flush()?)
}

/// Characters that separate cells in other dialects of CSV: spreadsheets in German or French use `;`.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];
/// Characters that begin a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Makes a cell's text safe for spreadsheets: hidden characters become visible, and a character that could begin a
/// formula, at the start or behind a separator, gets an apostrophe in front (OWASP, CSV injection). Scripts that need
/// the exact text read NDJSON.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // Start of a cell that has had only white space so far.
    let mut start = Some(0);
    for (c, is_hidden) in characters(text) {
        if let Some(place) = start
            && FORMULA.contains(&c)
        {
            shown.insert(place, '\'');
        }
        shown.push(if is_hidden { '\u{FFFD}' } else { c });
        if SEPARATORS.contains(&c) {
            start = Some(shown.len());
        } else if !is_hidden && !c.is_whitespace() {
            start = None;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use hookgate_domain::draft::NoteCode;
    use hookgate_domain::invisible::is_invisible;
    use serde_json::Value;

    use super::super::{Note, Payload};
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: "dlv_1".to_owned(),
            webhook: "hk_1".to_owned(),
            webhook_name: "=HYPERLINK(\"x\")".to_owned(),
            received_at: "2026-11-30T04:00:00Z".to_owned(),
            source: "192.0.2.7".to_owned(),
            user_agent: Some("curl/8.5".to_owned()),
            outcome: "accepted",
            code: None,
            status: 201,
            would_be_refused: true,
            incident: Some("INC-1".to_owned()),
            payload: Some(Payload::of(br#"{"title":"Disk full"}"#)),
            notes: vec![Note::from(&hookgate_domain::draft::Note::new(
                "title",
                NoteCode::Cut,
            ))],
            count: 1,
            request_id: Some("req_1".to_owned()),
        }
    }

    fn text(format: ExportFormat, is_first: bool) -> String {
        let piece = format.piece(&[delivery()], is_first).expect("a piece");
        String::from_utf8(piece).expect("UTF-8")
    }

    #[test]
    fn both_forms_have_the_same_facts() {
        let Value::Object(object) = serde_json::to_value(delivery()).expect("JSON") else {
            panic!("an object");
        };
        let mut in_json: Vec<_> = object.keys().map(String::as_str).collect();
        // CSV leaves out only the payload, as docs/console.md says.
        in_json.retain(|name| *name != "payload");
        let mut in_csv: Vec<_> = DELIVERY_COLUMNS.iter().map(|(name, _)| *name).collect();
        in_json.sort_unstable();
        in_csv.sort_unstable();
        assert_eq!(in_json, in_csv);
    }

    #[test]
    fn a_file_has_one_head_and_its_rows() {
        let row = "dlv_1,hk_1,2026-11-30T04:00:00Z,192.0.2.7,curl/8.5,accepted,,201,INC-1,1,\"'=HYPERLINK(\"\"x\"\")\",true,title cut,req_1\r\n";
        assert_eq!(text(ExportFormat::Csv, false), row);
        let whole = text(ExportFormat::Csv, true);
        assert!(
            whole.starts_with("id,webhook,received_at,") && whole.ends_with(row),
            "{whole}"
        );
        assert_eq!(text(ExportFormat::Excel, true), format!("\u{FEFF}{whole}"));
        assert_eq!(text(ExportFormat::Excel, false), row);
        let line = text(ExportFormat::Ndjson, true);
        assert!(
            line.contains(r#""webhook_name":"=HYPERLINK(\"x\")""#) && line.ends_with("}\n"),
            "{line}"
        );
    }

    #[test]
    fn cells_are_no_formulas() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", " =1"] {
            assert!(harmless(text).starts_with('\''), "{text:?}");
        }
        for text in [
            "\t=1",
            "\r=1",
            "\u{feff}=cmd|x",
            "\u{200b}\u{202e}=1",
            "a;=1+1",
            "a; \u{ad}+1;@x",
            "a\n-1",
            ";;=1",
        ] {
            let cell = harmless(text);
            assert!(!cell.contains(is_invisible), "{text:?}");
            for part in cell.split(';') {
                assert!(!part.trim_start().starts_with(FORMULA), "{text:?}: {cell:?}");
            }
        }
        assert_eq!(harmless("\t=1"), "\u{fffd}'=1");
        assert_eq!(harmless("a;=1+1"), "a;'=1+1");
        assert_eq!(harmless("👩\u{200d}🚒;b"), "👩\u{200d}🚒;b");
        assert_eq!(harmless("curl/8.5"), "curl/8.5");
        assert_eq!(harmless("a\u{1b}[2J"), "a\u{fffd}[2J");
    }
}
