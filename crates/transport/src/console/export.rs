//! Deliveries as a file: read page by page and sent as they are read, so that a million rows take no memory.

use std::sync::Arc;

use bytes::Bytes;
use hookgate_gate::{DeliveryFilter, Gate, PageSize, Seek, Store};
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderValue};
use tokio::sync::mpsc;

use super::{html, payloads};
use crate::reply::Reply;
use crate::reply_body::ReplyBody;
use crate::wire::Delivery;

/// Pages that wait for a slow reader.
const PAGES_AHEAD: usize = 2;
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
pub(crate) enum Format {
    /// For spreadsheets; without payloads.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// From the word in a query.
    pub(crate) fn read(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("csv") => Some(Self::Csv),
            Some("ndjson") => Some(Self::Ndjson),
            Some(_) => None,
        }
    }
}

/// The deliveries that match, newest first, as a file. Without the permission to see payloads there are none in it.
pub(crate) fn reply<S: Store>(
    gate: Arc<Gate<S>>,
    filter: DeliveryFilter,
    format: Format,
    may_see: bool,
) -> Reply {
    let (sender, pieces) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        if let Err(error) = send(&gate, &filter, format, may_see, &sender).await {
            // The file ends early; its head has gone out already.
            tracing::warn!(%error, "an export broke off");
        }
    });
    let (content_type, name) = match format {
        Format::Csv => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"hookgate-deliveries.csv\"",
        ),
        Format::Ndjson => (
            "application/x-ndjson",
            "attachment; filename=\"hookgate-deliveries.ndjson\"",
        ),
    };
    let mut reply = html::of(StatusCode::OK, content_type, ReplyBody::stream(pieces));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

async fn send<S: Store>(
    gate: &Gate<S>,
    filter: &DeliveryFilter,
    format: Format,
    may_see: bool,
    sender: &mpsc::Sender<Bytes>,
) -> Result<(), hookgate_gate::StoreError> {
    let mut seek = Seek::Newest;
    let mut first = true;
    loop {
        let with_payloads = may_see && format == Format::Ndjson;
        let page = payloads::page(gate.store(), filter, seek, PageSize::MAX, with_payloads).await?;
        let piece = match format {
            Format::Csv => csv(&page.items, first),
            Format::Ndjson => ndjson(&page.items),
        };
        first = false;
        let is_heard = if piece.is_empty() {
            !sender.is_closed()
        } else {
            sender.send(piece.into()).await.is_ok()
        };
        let Some(last) = page.next.filter(|_| is_heard) else {
            return Ok(());
        };
        seek = Seek::Before(last);
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
