//! Text output for people: lists as columns under a header, and single objects as names beside values. Scripts use `--json`.

use std::borrow::Cow;

use hookgate_domain::invisible::with_hidden_shown;
use serde_json::Value;

/// Separator of columns.
const GAP: &str = "  ";
/// Keys that are shown first: those that identify an object.
const FIRST: [&str; 7] = ["id", "handle", "name", "title", "state", "status", "severity"];

/// A list with a header row. Every cell is escaped for terminals.
pub(crate) struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// An empty one.
    pub(crate) const fn new(header: [&'static str; N]) -> Self {
        Self {
            header,
            rows: Vec::new(),
        }
    }

    /// Makes a row for each of these.
    pub(crate) fn of<T>(
        header: [&'static str; N],
        items: impl IntoIterator<Item = T>,
        cells: impl Fn(T) -> [String; N],
    ) -> Self {
        let mut table = Self::new(header);
        table
            .rows
            .extend(items.into_iter().map(|item| escaped(cells(item))));
        table
    }

    /// `true` if there are no rows.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The header and the rows, in columns as wide as their widest cell.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(self.header[column].len())
        });
        let header = row_line(&self.header.map(str::to_owned), &widths);
        let rows = self.rows.iter().map(|row| row_line(row, &widths));
        std::iter::once(header).chain(rows).collect()
    }
}

/// The cell of an optional value: empty if there is none.
pub(crate) fn cell(value: Option<String>) -> String {
    value.unwrap_or_default()
}

/// One row of an endless list, in columns of these widths.
pub(crate) fn endless_line<const N: usize>(cells: [String; N], widths: &[usize; N]) -> String {
    row_line(&escaped(cells), widths)
}

fn escaped<const N: usize>(cells: [String; N]) -> [String; N] {
    cells.map(|cell| match with_hidden_shown(&cell) {
        Cow::Borrowed("") => "-".to_owned(),
        shown => shown.into_owned(),
    })
}

fn row_line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line.push_str(cell);
        let missing = width.saturating_sub(cell.chars().count());
        line.extend(std::iter::repeat_n(' ', missing));
        line.push_str(GAP);
    }
    line.truncate(line.trim_end().len());
    line
}

/// Names and values, one pair per line. The further lines of a value are indented below it; other characters that a terminal
/// could act on are escaped.
pub(crate) fn details<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let fields: Vec<_> = fields.into_iter().collect();
    let width = fields
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for (name, value) in &fields {
        let mut name = *name;
        for line in value.trim_end_matches(['\r', '\n']).split('\n') {
            let line = with_hidden_shown(line.strip_suffix('\r').unwrap_or(line)).into_owned();
            let shown = if line.is_empty() { "-" } else { &line };
            let text = if name.is_empty() { &line } else { shown };
            lines.push(format!("{name:<width$}{GAP}{text}").trim_end().to_owned());
            name = "";
        }
    }
    lines
}

/// The fields of a `wire` object, as input of [`details`].
pub(crate) fn fields(object: &Value) -> Vec<(&str, String)> {
    let all = || object.as_object().into_iter().flatten();
    let first = FIRST.iter().filter_map(|key| Some((*key, object.get(*key)?)));
    let others = all()
        .map(|(key, value)| (key.as_str(), value))
        .filter(|(key, _)| !FIRST.contains(key));
    first
        .chain(others)
        .map(|(key, value)| (key, text_of(value)))
        .collect()
}

/// A `wire` value in words: texts as they are, lists of texts one per line, and JSON for nested values.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            texts.join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_and_escaped() {
        let rows = [["a", "1"], ["long\nname", ""]];
        let table = Table::of(["NAME", "N"], rows, |row| row.map(str::to_owned));
        assert_eq!(
            table.lines(),
            [
                format!("{:13}  N", "NAME"),
                format!("{:13}  1", "a"),
                r"long\u{a}name  -".to_owned(),
            ]
        );
        assert!(!table.is_empty());
    }

    #[test]
    fn details_show_real_line_breaks_and_nothing_else_that_a_terminal_acts_on() {
        let object = json!({"description": "one\r\ntwo\u{1b}[2J\n\nid  x\n", "id": "INC-1", "list": ["a", "b"], "none": null});
        assert_eq!(
            details(fields(&object)),
            [
                "id           INC-1",
                "description  one",
                r"             two\u{1b}[2J",
                "",
                "             id  x",
                "list         a",
                "             b",
                "none         -",
            ]
        );
    }
}
