//! Deliveries as a file: read page by page and sent as they are read, so that a million rows take no memory.

use std::error::Error as _;
use std::sync::Arc;

use hookgate_gate::{DeliveryFilter, Gate, PageSize, PeopleError, Seek, Store, StoreError};
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use thiserror::Error;

use super::html;
use crate::payloads::delivery_page;
use crate::reply::Reply;
use crate::reply_body::{Pieces, ReplyBody};
use crate::wire::{ExportError, ExportFormat};

/// The deliveries that match, newest first, as a file. Without the permission to see payloads there are none in it.
pub(crate) fn reply<S: Store>(
    gate: Arc<Gate<S>>,
    filter: DeliveryFilter,
    format: ExportFormat,
    may_see: bool,
) -> Reply {
    let name = match format {
        ExportFormat::Csv | ExportFormat::Excel => "attachment; filename=\"hookgate-deliveries.csv\"",
        ExportFormat::Ndjson => "attachment; filename=\"hookgate-deliveries.ndjson\"",
    };
    file(format, name, async move |pieces| {
        send(&gate, &filter, format, may_see, &pieces)
            .await
            .map(|()| pieces)
    })
}

/// A file that `work` sends piece by piece, under the name in `disposition`. `work` gives the pieces back when all are sent.
pub(super) fn file<W, F>(format: ExportFormat, disposition: &'static str, work: W) -> Reply
where
    W: FnOnce(Pieces) -> F,
    F: Future<Output = Result<Pieces, Broken>> + Send + 'static,
{
    let (pieces, body) = ReplyBody::stream();
    let mut reply = html::stream(format.content_type(), body);
    let work = work(pieces);
    tokio::spawn(async move {
        match work.await {
            Ok(pieces) => pieces.finish().await,
            // The head has gone out already; the client sees the body cut off.
            Err(error) => {
                tracing::warn!(%error, source = error.source().map(tracing::field::display), "an export broke off");
            }
        }
    });
    let disposition = HeaderValue::from_static(disposition);
    reply.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    reply
}

/// Why an export broke off.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Form(#[from] ExportError),
}

async fn send<S: Store>(
    gate: &Gate<S>,
    filter: &DeliveryFilter,
    format: ExportFormat,
    may_see: bool,
    pieces: &Pieces,
) -> Result<(), Broken> {
    let mut seek = Seek::Newest;
    let mut first = true;
    loop {
        let with_payloads = may_see && format.has_payloads();
        let page = delivery_page(gate.store(), filter, seek, PageSize::MAX, with_payloads).await?;
        let piece = format.piece(&page.items, first)?;
        first = false;
        let is_heard = if piece.is_empty() {
            !pieces.is_abandoned()
        } else {
            pieces.send(piece.into()).await
        };
        let Some(last) = page.next.filter(|_| is_heard) else {
            return Ok(());
        };
        seek = Seek::Before(last);
    }
}
