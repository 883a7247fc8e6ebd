//! Export of the audit trail as a file. Pages are sent as they are read, so that the export needs little memory.

use std::sync::Arc;

use hookgate_gate::{ActorContext, AuditFilter, AuditQuery, Gate, PageSize, PeopleError, PeopleStore, Store};

use super::export::{Broken, file};
use super::streams::{Recipient, STORE_TIMEOUT, retry_while_unavailable};
use hookgate_request::filter::AuditNames;
use hookgate_request::{ApiError, Fields, Limits};
use hookgate_transport::Reply;
use hookgate_transport::{PIECE_BYTES, Pieces};
use hookgate_wire::{AuditEntry, ExportFormat};

/// Answers with the matching entries, newest first, as a file. Records the export in the audit trail first.
pub(crate) async fn reply<S: Store + PeopleStore>(
    gate: &Arc<Gate<S>>,
    actor: &ActorContext,
    query: &Fields<'_>,
    asked: AuditQuery,
    names: &AuditNames,
    limits: &Limits,
    recipient: Recipient,
) -> Result<Reply, ApiError> {
    let format = ExportFormat::read(query.get("format"))
        .ok_or_else(|| ApiError::field("format", "one_of", "csv, excel, ndjson"))?;
    let filter = gate.audit_filter(actor, asked).await;
    let filter = filter.map_err(|error| names.fault(error))?;
    gate.audit_export(actor, format.as_str(), names.asked(query))
        .await?;
    let name = match format {
        ExportFormat::Csv | ExportFormat::Excel => "attachment; filename=\"hookgate-audit.csv\"",
        ExportFormat::Ndjson => "attachment; filename=\"hookgate-audit.ndjson\"",
    };
    let (source, actor) = (Arc::clone(gate), actor.clone());
    file(gate, limits, recipient, format, name, async move |pieces| {
        send(&source, &actor, &filter, format, &pieces).await
    })
}

async fn send<S: Store + PeopleStore>(
    gate: &Gate<S>,
    actor: &ActorContext,
    filter: &AuditFilter,
    format: ExportFormat,
    pieces: &Pieces,
) -> Result<(), Broken> {
    let (mut before, mut is_first) = (None, true);
    loop {
        let page = retry_while_unavailable(STORE_TIMEOUT, async || {
            match gate.audit_page(actor, filter, before, PageSize::MAX).await {
                Err(PeopleError::Store(error)) => Err(error),
                answer => Ok(answer),
            }
        })
        .await??;
        let mut piece = Vec::new();
        // The header is sent even if there are no entries.
        if is_first {
            piece.extend(format.piece::<AuditEntry>(&[], true)?);
            is_first = false;
        }
        for entry in &page.items {
            piece.extend(format.piece(&[AuditEntry::from(entry)], false)?);
            if piece.len() >= PIECE_BYTES && !pieces.send(std::mem::take(&mut piece).into()).await {
                return Ok(());
            }
        }
        if !piece.is_empty() && !pieces.send(piece.into()).await {
            return Ok(());
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
}
