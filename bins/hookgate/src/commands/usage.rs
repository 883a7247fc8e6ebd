//! `hookgate webhook usage` and `hookgate webhook preview`: the use of a webhook, and its senders under another allowlist.

use hookgate_domain::invisible::with_hidden_shown;
use hookgate_domain::{Allowlist, Webhook};
use hookgate_gate::{
    ManageError, PageSize, PreviewDays, PreviewSender, SourceUsage, Store, UsageRange, spikes,
};
use hookgate_wire::{self as wire, counted};

use crate::app::{App, command_line_actor};
use crate::failure::Failure;
use crate::output;

/// Maximum number of sources in the output.
const SOURCES: PageSize = PageSize::new(20).unwrap();

/// Prints the number of deliveries, and their sources.
pub(crate) async fn usage(
    json: bool,
    app: &App,
    webhook: &Webhook,
    range: UsageRange,
) -> Result<(), Failure> {
    let (store, now) = (app.gate.store(), app.gate.now());
    let usage = store.usage(Some(webhook.handle), range, now).await?;
    let top = store.top_sources(webhook.handle, range, SOURCES, now).await?;
    if json {
        let object = output::object(&wire::Usage::new(webhook, range, &usage, &top))?;
        return Ok(output::line(&output::json(&object)?)?);
    }
    let totals = &usage.totals;
    output::line(&format!(
        "{}  last {range}: {} accepted, {} refused",
        with_hidden_shown(webhook.name.as_str()),
        totals.accepted,
        totals.refusals()
    ))?;
    for (code, count) in &totals.refused {
        output::line(&format!("  {count:>8}  {code}"))?;
    }
    let wild = spikes(&usage);
    for (index, bucket) in usage
        .buckets
        .iter()
        .enumerate()
        .filter(|(_, bucket)| bucket.totals.deliveries() > 0)
    {
        let mark = if wild.contains(&index) { "  spike" } else { "" };
        output::line(&format!(
            "{}  {:>8} accepted  {:>8} refused{mark}",
            wire::time(bucket.at),
            bucket.totals.accepted,
            bucket.totals.refusals()
        ))?;
    }
    for source in &top.sources {
        let mark = if source.is_new { "  new" } else { "" };
        output::line(&format!(
            "{}  {} accepted{}  {} refused{}  first seen {}  last seen {}{mark}",
            wire::source(source.source),
            source.accepted,
            observed(source),
            source.refused,
            reasons(source),
            wire::time(source.first_seen),
            wire::time(source.last_seen),
        ))?;
    }
    Ok(())
}

/// Number of deliveries of a source that passed only because the webhook observes; empty if there are none.
fn observed(source: &SourceUsage) -> String {
    match source.reasons.would_be_refused {
        0 => String::new(),
        count => format!(" ({count} would be refused)"),
    }
}

/// Refused deliveries of a source by code; empty if there are none.
fn reasons(source: &SourceUsage) -> String {
    let codes = source.reasons.codes.iter();
    let codes: Vec<_> = codes.map(|(code, count)| format!("{count} {code}")).collect();
    if codes.is_empty() {
        String::new()
    } else {
        format!(" ({})", codes.join(", "))
    }
}

/// Prints an allowlist that covers the senders.
pub(crate) async fn suggest(json: bool, app: &App, webhook: &Webhook) -> Result<(), Failure> {
    let suggestion = app
        .gate
        .allowlist_suggestion(&command_line_actor(), webhook.handle)
        .await?;
    if json {
        let object = output::object(&wire::Suggestion::from(&suggestion))?;
        return Ok(output::line(&output::json(&object)?)?);
    }
    // The width is a comment, so that the lines are a valid list.
    suggestion
        .entries
        .iter()
        .zip(&suggestion.addresses)
        .try_for_each(|(entry, addresses)| {
            output::line(&format!("{entry}  # {}", wire::width(*addresses)))
        })?;
    if suggestion.beyond > 0 {
        output::line(&format!(
            "# not covered: {}, from too many sources",
            counted(suggestion.beyond, "more delivery")
        ))?;
    }
    Ok(())
}

/// Prints the senders that would stop passing.
pub(crate) async fn preview(
    json: bool,
    app: &App,
    webhook: &Webhook,
    allowlist: &Allowlist,
    days: PreviewDays,
) -> Result<(), Failure> {
    if let Some(missing) = app.gate.missing_set(allowlist).await? {
        return Err(ManageError::UnknownSet(missing).into());
    }
    let preview = app
        .gate
        .allowlist_preview(&command_line_actor(), webhook.handle, allowlist, days)
        .await?;
    let now = app.gate.now();
    if json {
        let resolved = app.gate.resolved(allowlist).await?;
        let preview = wire::Preview::new(&preview, days).warned(&resolved, None, now);
        let object = output::object(&preview)?;
        return Ok(output::line(&output::json(&object)?)?);
    }
    for warning in allowlist.warnings(None, now) {
        output::line(&format!("warning: {warning}"))?;
    }
    output::line(&format!(
        "{} of {} from the last {} would be refused ({})",
        preview.would_stop.senders,
        counted(preview.all_senders, "sender"),
        counted(days.days(), "day"),
        counted(preview.would_stop.deliveries, "delivery")
    ))?;
    if preview.beyond > 0 {
        output::line(&format!(
            "unknown: whether the senders of {} would be refused; their sources are not counted separately",
            counted(preview.beyond, "more delivery")
        ))?;
    }
    preview.senders.iter().try_for_each(|sender| {
        output::line(&format!(
            "{}  {} accepted  last seen {}  {}",
            sender.address,
            sender.accepted,
            wire::time(sender.last_seen),
            change(sender),
        ))
    })?;
    Ok(())
}

const fn change(sender: &PreviewSender) -> &'static str {
    match (sender.passes_now, sender.passes_then) {
        (true, true) => "passes",
        (true, false) => "WOULD STOP",
        (false, true) => "would be allowed again",
        (false, false) => "already refused",
    }
}
