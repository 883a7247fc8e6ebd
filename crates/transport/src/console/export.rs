//! Deliveries as a file: read page by page and sent as they are read, so that a million rows take no memory.

use std::error::Error as _;
use std::sync::Arc;

use bytes::Bytes;
use hookgate_gate::{DeliveryFilter, Gate, PageSize, Seek, Store};
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderValue};
use tokio::sync::mpsc;

use super::html;
use crate::payloads::delivery_page;
use crate::reply::Reply;
use crate::reply_body::ReplyBody;
use crate::wire::ExportFormat;

/// Pages that wait for a slow reader.
const PAGES_AHEAD: usize = 2;
/// The deliveries that match, newest first, as a file. Without the permission to see payloads there are none in it.
pub(crate) fn reply<S: Store>(
    gate: Arc<Gate<S>>,
    filter: DeliveryFilter,
    format: ExportFormat,
    may_see: bool,
) -> Reply {
    let (sender, pieces) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        if let Err(error) = send(&gate, &filter, format, may_see, &sender).await {
            // The file ends early; its head has gone out already.
            tracing::warn!(%error, source = error.source().map(tracing::field::display), "an export broke off");
        }
    });
    let (content_type, name) = match format {
        ExportFormat::Csv => (
            "text/csv; charset=utf-8",
            "attachment; filename=\"hookgate-deliveries.csv\"",
        ),
        ExportFormat::Ndjson => (
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
    format: ExportFormat,
    may_see: bool,
    sender: &mpsc::Sender<Bytes>,
) -> Result<(), hookgate_gate::StoreError> {
    let mut seek = Seek::Newest;
    let mut first = true;
    loop {
        let with_payloads = may_see && format == ExportFormat::Ndjson;
        let page = delivery_page(gate.store(), filter, seek, PageSize::MAX, with_payloads).await?;
        let piece = format.piece(&page.items, first);
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
