//! Export of deliveries as a file. Rows are sent as they are read, so that neither a million rows nor large payloads
//! need much memory.

use std::error::Error as _;
use std::sync::Arc;

use hookgate_gate::{
    DeliveryFilter, Gate, LogInterval, PageSize, PeopleError, PeopleStore, Seek, Store, StoreError,
    is_withheld_from,
};
use hookgate_people::Role;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use thiserror::Error;

use super::html;
use super::streams::{Ended, Recipient, STORE_TIMEOUT, finish, retry_while_unavailable, while_permitted};
use crate::payloads::with_payload;
use hookgate_request::{ApiError, Limits};
use hookgate_transport::Reply;
use hookgate_transport::{PIECE_BYTES, Pieces, ReplyBody};
use hookgate_wire::{Delivery, ExportError, ExportFormat};

/// Log interval for exports that break off.
static BROKEN_OFF: LogInterval = LogInterval::new();

/// Answers with the matching deliveries, newest first, as a file. Payloads are included only in formats that have
/// them, and only for a role that may see payloads.
pub(crate) fn reply<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    limits: &Limits,
    recipient: Recipient,
    filter: DeliveryFilter,
    format: ExportFormat,
) -> Result<Reply, ApiError> {
    let name = match format {
        ExportFormat::Csv | ExportFormat::Excel => "attachment; filename=\"hookgate-deliveries.csv\"",
        ExportFormat::Ndjson => "attachment; filename=\"hookgate-deliveries.ndjson\"",
    };
    let (source, role) = (Arc::clone(gate), recipient.role);
    file(gate, limits, recipient, format, name, async move |pieces| {
        send(&source, role, &filter, format, &pieces).await
    })
}

/// Answers with a file that `work` sends in pieces. `disposition` names the file. It is cut off as soon as its
/// recipient is no longer permitted.
pub(super) fn file<S, W, F>(
    gate: &Arc<Gate<S>>,
    limits: &Limits,
    recipient: Recipient,
    format: ExportFormat,
    disposition: &'static str,
    work: W,
) -> Result<Reply, ApiError>
where
    S: Store + PeopleStore,
    W: FnOnce(Arc<Pieces>) -> F,
    F: Future<Output = Result<(), Broken>> + Send + 'static,
{
    let (pieces, body) = ReplyBody::stream();
    let pieces = Arc::new(pieces);
    let slot = limits.export(recipient.account, &pieces)?;
    let mut reply = html::stream(format.content_type(), body);
    let work = work(Arc::clone(&pieces));
    let gate = Arc::clone(gate);
    tokio::spawn(async move {
        let _slot = slot;
        let done = tokio::select! {
            done = while_permitted(&gate, &recipient, STORE_TIMEOUT, work) => done,
            // This also ends a wait for the store, so that the slot is free immediately.
            () = pieces.abandoned() => Ok(Ok(())),
        };
        match done.map_err(Broken::from).flatten() {
            Ok(()) => finish(&gate, &recipient, &pieces).await,
            // The response head has been sent already, so the client sees a body that is cut off.
            Err(error) => {
                if matches!(error, Broken::NotPermitted) {
                    pieces.cut();
                }
                if let Some(left_out) = BROKEN_OFF.line() {
                    let source = error.source().map(tracing::field::display);
                    tracing::warn!(%error, source, left_out, "an export broke off");
                }
            }
        }
    });
    let disposition = HeaderValue::from_static(disposition);
    reply.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    Ok(reply)
}

/// Errors that break off an export.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Form(#[from] ExportError),
    #[error("its session or token has ended, or its role was lowered")]
    NotPermitted,
}

impl From<Ended> for Broken {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::NotPermitted => Self::NotPermitted,
            Ended::Unknown(error) => Self::Store(error),
        }
    }
}

async fn send<S: Store>(
    gate: &Gate<S>,
    role: Role,
    filter: &DeliveryFilter,
    format: ExportFormat,
    pieces: &Pieces,
) -> Result<(), Broken> {
    let with_payloads = !is_withheld_from(role) && format.has_payloads();
    let mut seek = Seek::Newest;
    let mut piece = Vec::new();
    let mut first = true;
    loop {
        let page = retry_while_unavailable(STORE_TIMEOUT, || {
            gate.delivery_page(role, filter, seek, PageSize::MAX)
        })
        .await?;
        // The header is sent even if there are no rows.
        if first {
            piece.extend(format.piece::<Delivery>(&[], true)?);
            first = false;
        }
        for summary in &page.items {
            let row = if with_payloads {
                retry_while_unavailable(STORE_TIMEOUT, || with_payload(gate.store(), summary)).await?
            } else {
                Delivery::from(summary)
            };
            piece.extend(format.piece(&[row], false)?);
            if piece.len() >= PIECE_BYTES && !pieces.send(std::mem::take(&mut piece).into()).await {
                return Ok(());
            }
        }
        let is_heard = if piece.is_empty() {
            !pieces.is_abandoned()
        } else {
            pieces.send(std::mem::take(&mut piece).into()).await
        };
        let Some(last) = page.next.filter(|_| is_heard) else {
            return Ok(());
        };
        seek = Seek::Before(last);
    }
}
