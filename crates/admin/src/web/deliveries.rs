//! `/logs`, `/deliveries/{id}` and the live views: accepted and refused deliveries.

use hookgate_domain::{DeliveryId, RefusalCode, Timestamp, WebhookHandle, WebhookState};
use hookgate_gate::{
    DeliveryFilter, DeliveryRecord, DeliverySummary, JsonLayout, NoPayload, Page, PageSize, PeopleStore,
    Seek, Store, is_withheld_from, lay_out,
};
use hookgate_pages::{DeliveryDetail, LogFilter, Logs, Paging, Payload, PayloadFault, ShownAnswer, UserText};

use super::answers::{page, problems};
use super::models::delivery_row;
use super::page_context::PageContext;
use super::payload_faults;
use crate::export;
use crate::live as stream;
use crate::live::Start;
use hookgate_ingest::SentAnswer;
use hookgate_request::{ApiError, ErrorCode, filter, path_id};
use hookgate_transport::Reply;
use hookgate_wire::ExportFormat;

/// Parameters of the filter.
pub(super) const FILTER: [&str; 8] = [
    "webhook",
    "outcome",
    "code",
    "would_be_refused",
    "source",
    "from",
    "to",
    "request_id",
];

/// Shows the deliveries of all webhooks, filtered.
pub(super) async fn logs<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&[&FILTER[..], &["cursor"]].concat())?;
    let text = |name| query.text(name).to_owned();
    let shown = LogFilter {
        webhook: text("webhook"),
        outcome: text("outcome"),
        code: text("code"),
        would_be_refused: text("would_be_refused"),
        source: text("source"),
        from: text("from"),
        to: text("to"),
        request_id: text("request_id"),
    };
    let webhooks = context.gate().store().webhook_labels(None, PageSize::MAX).await?;
    let mut model = Logs {
        shell: context.shell(),
        webhooks: webhooks
            .iter()
            .map(|webhook| (webhook.handle, webhook.name.as_str().into()))
            .collect(),
        filter: shown,
        problems: Vec::new(),
        rows: Vec::new(),
        paging: Paging::default(),
    };
    match filter::deliveries(&query) {
        Ok(filter) => {
            let (rows, paging) = rows(context, &filter, query.get("cursor")).await?;
            model.rows = rows.iter().map(delivery_row).collect();
            model.paging = paging;
        }
        Err(fault) => model.problems = problems(fault)?,
    }
    page(model.render())
}

/// Reads a page of the list: the rows before the cursor or, if the cursor begins with `newer.`, after it.
async fn rows<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    filter: &DeliveryFilter,
    cursor: Option<&str>,
) -> Result<(Vec<DeliverySummary>, Paging), ApiError> {
    let id = |text: &str| {
        let id = text.parse::<DeliveryId>();
        id.map_err(|_| ApiError::field("cursor", "form", "not a valid cursor"))
    };
    let (seek, is_first) = match cursor {
        None => (Seek::Newest, true),
        Some(text) => match text.strip_prefix("newer.") {
            Some(text) => (Seek::After(Some(id(text)?)), false),
            None => (Seek::Before(id(text)?), false),
        },
    };
    let size = PageSize::default();
    let (gate, role) = (context.gate(), context.signed_in.member.role);
    let newer = |id: DeliveryId| format!("newer.{id}");
    let Page {
        items: mut rows,
        next,
    } = gate.delivery_page(role, filter, seek, size).await?;
    if let (Seek::After(Some(from)), Some(next)) = (seek, next) {
        rows.reverse();
        let older = rows.last().map_or(from, |row| row.id);
        let paging = Paging {
            newer: Some(newer(next)),
            older: Some(older.to_string()),
        };
        return Ok((rows, paging));
    }
    if matches!(seek, Seek::After(_)) {
        // No newer page is left, so the newest page is read, which is filled up with older rows.
        let Page { items, next } = gate.delivery_page(role, filter, Seek::Newest, size).await?;
        let older = next.map(|id| id.to_string());
        return Ok((items, Paging { newer: None, older }));
    }
    let newest = rows.first().map(|row| row.id).or(next).filter(|_| !is_first);
    let paging = Paging {
        newer: newest.map(newer),
        older: next.map(|id| id.to_string()),
    };
    Ok((rows, paging))
}

/// Shows one delivery.
pub(super) async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &str,
) -> Result<Reply, ApiError> {
    let id: DeliveryId = path_id(id)?;
    let record = context.gate().delivery(&context.signed_in.actor, id).await?;
    let record = record.ok_or(ErrorCode::NotFound)?;
    page(
        DeliveryDetail {
            shell: context.shell(),
            row: delivery_row(&record.summary),
            incidents: record.incident_numbers().collect(),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect(),
            withheld: is_withheld_from(context.signed_in.member.role),
            payload: payload(&record),
            trail: record.trail.clone(),
            ignored: context.console.ignored_header(&record),
            notes: record
                .summary
                .notes
                .iter()
                .map(|note| note.sentence().into())
                .collect(),
            faults: faults(context, &record).await?,
            answer: SentAnswer::of(&record).map(|answer| shown_answer(&record, &answer)),
            timing: record
                .summary
                .took
                .map(|took| ("Time from request headers to storage", took))
                .into_iter()
                .collect(),
        }
        .render(),
    )
}

fn payload(record: &DeliveryRecord) -> Payload {
    let Some(bytes) = record.payload.as_deref() else {
        return Payload::Absent(match record.why_no_payload() {
            Some(NoPayload::Hidden) => "Viewers do not see payloads.",
            Some(NoPayload::Off) => "Not stored: this webhook's payload logging was off.",
            Some(NoPayload::Unread) if record.summary.answer.code() == Some(RefusalCode::ClientGone) => {
                "Not stored: the connection ended before the body arrived."
            }
            Some(NoPayload::Unread) => "Not stored: the delivery was refused before its body was read.",
            Some(NoPayload::Unsigned) => "Not stored: the delivery failed its signature check.",
            Some(NoPayload::Flood) => "Not stored: this webhook refused more than 1 MiB within a minute.",
            Some(NoPayload::Space) => {
                "No longer stored: the store was full, and this webhook used the most space."
            }
            Some(NoPayload::Expired) | None => {
                "No longer stored: payloads are deleted after their retention time."
            }
        });
    };
    Payload::Stored {
        raw: UserText::from(String::from_utf8_lossy(bytes)),
        pretty: lay_out(bytes, JsonLayout::Indented).map(Into::into),
        bytes: bytes.len() as u64,
        whole: record.payload_bytes,
    }
}

/// The answer as it was sent, with `Retry-After` and `X-Request-Id`.
fn shown_answer(record: &DeliveryRecord, answer: &SentAnswer) -> ShownAnswer {
    let wait = answer
        .retry_after
        .map(|seconds| ("Retry-After", seconds.to_string()));
    let id = record
        .summary
        .request_id
        .map(|id| ("X-Request-Id", id.to_string()));
    ShownAnswer {
        headers: wait.into_iter().chain(id).collect(),
        body: String::from_utf8_lossy(&answer.body).into(),
    }
}

/// The error details that the sender received. For records of older versions, which have none, the payload is
/// validated again.
async fn faults<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    record: &DeliveryRecord,
) -> Result<Vec<PayloadFault>, ApiError> {
    let kept = record.details.as_deref().map(serde_json::from_str);
    let kept = kept.transpose().unwrap_or_else(|error| {
        tracing::warn!(%error, "the recorded details of a refusal can't be read");
        None
    });
    let details = match kept {
        Some(details) => details,
        None => match context.gate().payload_faults(record).await? {
            Some(details) => details.to_json(),
            None => return Ok(Vec::new()),
        },
    };
    Ok(payload_faults::read(&details, record.payload.as_deref()))
}

/// Creation time of the webhook's current URL.
async fn issued_at<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: WebhookHandle,
) -> Result<Option<Timestamp>, ApiError> {
    let webhook = context.gate().store().webhook_by_handle(webhook).await?;
    Ok(webhook.and_then(|webhook| match webhook.state {
        WebhookState::Active(url) => Some(url.issued_at),
        WebhookState::Revoked { .. } => None,
    }))
}

/// Streams new rows, of one webhook or of all, that match the filter.
pub(super) async fn live<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: Option<&str>,
) -> Result<Reply, ApiError> {
    let query = context.fields(&[&FILTER[..], &["after", "since"]].concat())?;
    let mut filter = filter::deliveries(&query)?;
    if let Some(handle) = handle {
        filter.webhook = Some(path_id::<WebhookHandle>(handle)?);
    }
    let last = context.last_event.as_deref().or(query.get("after"));
    if let ("issued", Some(webhook)) = (query.text("since"), filter.webhook) {
        filter.from = issued_at(context, webhook).await?;
    }
    let start = match last.and_then(|text| text.parse().ok()) {
        Some(last) => Start::After(last),
        None if query.get("since") == Some("issued") => Start::First,
        None => Start::now(context.gate()).await?,
    };
    let source = stream::Source {
        gate: &context.console.gate,
        feed: &context.console.feed,
        limits: &context.console.limits,
        shutdown: &context.console.shutdown,
    };
    let show = |record: &DeliverySummary| delivery_row(record).render();
    stream::reply(&source, context.signed_in.recipient(), filter, start, show)
}

/// Exports the list as a file.
pub(super) fn export<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&[&FILTER[..], &["format"]].concat())?;
    let format = ExportFormat::read(query.get("format"))
        .ok_or_else(|| ApiError::field("format", "one_of", "csv, excel, ndjson"))?;
    let filter = filter::deliveries(&query)?;
    export::reply(
        &context.console.gate,
        &context.console.limits,
        context.signed_in.recipient(),
        filter,
        format,
    )
}

#[cfg(test)]
mod tests;
