//! The preview of an allowlist: each line, and the senders that would and would not pass.

use hookgate_domain::{Allowlist, Webhook};
use hookgate_gate::{PeopleStore, PreviewDays, Store};
use hookgate_pages::{LineReading, Preview, PreviewSender, allowlist_lines};

use super::page_context::PageContext;
use super::webhook_form::permits_any;
use hookgate_request::ApiError;

/// Maximum number of senders in a preview, because a page has a bounded size.
const SENDERS: usize = 50;

/// Previews the allowlist in `text`.
pub(super) async fn preview_of<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
    text: &str,
    days: PreviewDays,
) -> Result<Preview, ApiError> {
    let mut preview = Preview {
        lines: allowlist_lines(text),
        days: days.days(),
        ..Preview::default()
    };
    // Every line is checked, even if another one is invalid.
    let mut misses_set = false;
    for line in &mut preview.lines {
        let names_set = line.text.raw().starts_with('@');
        if let Ok(entry) = line.text.raw().parse::<Allowlist>()
            && names_set
            && context.gate().missing_set(&entry).await?.is_some()
        {
            misses_set = true;
            line.reading = LineReading::Wrong {
                message: "there is no such address set".to_owned(),
            };
        }
    }
    let allowlist = if permits_any(text) {
        Allowlist::any()
    } else {
        match text.parse::<Allowlist>() {
            Ok(allowlist) if !misses_set => context.gate().resolved(&allowlist).await?,
            Ok(_) => return Ok(preview),
            Err(error) => {
                preview.problem = Some(error.to_string()).filter(|_| !preview.has_wrong());
                return Ok(preview);
            }
        }
    };
    let actor = &context.signed_in.actor;
    preview.your_address = actor
        .from
        .map(|own| (own, allowlist.permits(own, context.gate().now())));
    let found = context
        .gate()
        .allowlist_preview(actor, webhook.handle, &allowlist, days)
        .await?;
    preview.senders = found.senders.iter().take(SENDERS).map(preview_sender).collect();
    preview.more = found.all_senders.saturating_sub(preview.senders.len() as u64);
    preview.stopping = found.would_stop.senders;
    preview.stopping_deliveries = found.would_stop.deliveries;
    preview.beyond = found.beyond;
    Ok(preview)
}

fn preview_sender(sender: &hookgate_gate::PreviewSender) -> PreviewSender {
    PreviewSender {
        source: sender.address,
        deliveries: sender.accepted,
        last_seen: sender.last_seen,
        passes_now: sender.passes_now,
        passes_then: sender.passes_then,
    }
}
