//! `hookgate webhook usage` and `hookgate webhook preview`: how a webhook is used, and by whom under another allowlist.

use hookgate_domain::{Allowlist, Webhook};
use hookgate_gate::{
    PageSize, Preview, PreviewDays, PreviewSender, SourceUsage, Store, TopSources, Usage, UsageBucket,
    UsageRange, spikes,
};
use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};

use crate::cli::DaysArg;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

/// Sources that are shown.
const SOURCES: u16 = 20;

/// Prints how many deliveries came, and from where.
pub(crate) async fn usage(
    json: bool,
    place: &Place,
    webhook: &Webhook,
    range: UsageRange,
) -> Result<(), Failure> {
    let (store, now) = (place.gate.store(), place.gate.now());
    let usage = store.usage(Some(webhook.handle), range, now).await?;
    let limit = PageSize::new(SOURCES).unwrap_or_default();
    let top = store.top_sources(webhook.handle, range, limit, now).await?;
    if json {
        let object = usage_object(webhook, range, &usage, &top);
        return Ok(output::line(&object.to_string())?);
    }
    let totals = &usage.totals;
    output::line(&format!(
        "{}  last {range}: {} accepted, {} refused",
        output::visible(webhook.name.as_str()),
        totals.accepted,
        totals.refusals()
    ))?;
    for (code, count) in &totals.refused {
        output::line(&format!("  {count:>8}  {code}"))?;
    }
    let wild = spikes(&usage);
    for (place, bucket) in usage
        .buckets
        .iter()
        .enumerate()
        .filter(|(_, bucket)| bucket.deliveries() > 0)
    {
        let mark = if wild.contains(&place) { "  spike" } else { "" };
        output::line(&format!(
            "{}  {:>8} accepted  {:>8} refused{mark}",
            output::time(bucket.at),
            bucket.accepted,
            bucket.refusals()
        ))?;
    }
    for source in &top.sources {
        let mark = if source.is_new { "  new" } else { "" };
        output::line(&format!(
            "{}  {} accepted  {} refused  first seen {}  last seen {}{mark}",
            source_text(source.source),
            source.accepted,
            source.refused,
            output::time(source.first_seen),
            output::time(source.last_seen),
        ))?;
    }
    Ok(())
}

/// Prints which senders would stop passing.
pub(crate) async fn preview(
    json: bool,
    place: &Place,
    webhook: &Webhook,
    allowlist: &Allowlist,
    days: DaysArg,
) -> Result<(), Failure> {
    let days = match days {
        DaysArg::Week => PreviewDays::Week,
        DaysArg::Month => PreviewDays::Month,
    };
    let preview = place
        .gate
        .allowlist_preview(webhook.handle, allowlist, days)
        .await?;
    let preview = preview.ok_or_else(|| Failure::not_found("no such webhook"))?;
    if json {
        return Ok(output::line(&preview_object(&preview, days).to_string())?);
    }
    output::line(&format!(
        "{} of {} senders of the last {} days would stop passing; {} deliveries of theirs were accepted",
        preview.would_stop.senders,
        preview.all_senders,
        days.days(),
        preview.would_stop.deliveries
    ))?;
    if preview.beyond > 0 {
        output::line(&format!(
            "{} deliveries came from more sources than are told apart",
            preview.beyond
        ))?;
    }
    preview.senders.iter().try_for_each(|sender| {
        output::line(&format!(
            "{}  {} accepted  last seen {}  {}",
            source_text(sender.source),
            sender.accepted,
            output::time(sender.last_seen),
            change(sender),
        ))
    })?;
    Ok(())
}

/// The object that scripts rely on.
fn usage_object(webhook: &Webhook, range: UsageRange, usage: &Usage, top: &TopSources) -> Value {
    let wild = spikes(usage);
    let bucket = |(place, bucket): (usize, &UsageBucket)| {
        json!({
            "at": output::time(bucket.at),
            "accepted": bucket.accepted,
            "refused": codes(&bucket.refused),
            "spike": wild.contains(&place),
        })
    };
    let source = |source: &SourceUsage| {
        json!({
            "source": source_text(source.source),
            "accepted": source.accepted,
            "refused": source.refused,
            "first_seen": output::time(source.first_seen),
            "last_seen": output::time(source.last_seen),
            "new": source.is_new,
        })
    };
    json!({
        "webhook": webhook.handle.to_string(),
        "range": range.as_str(),
        "totals": {"accepted": usage.totals.accepted, "refused": codes(&usage.totals.refused)},
        "buckets": usage.buckets.iter().enumerate().map(bucket).collect::<Vec<_>>(),
        "sources": top.sources.iter().map(source).collect::<Vec<_>>(),
        "other_sources": {"accepted": top.beyond_accepted, "refused": top.beyond_refused},
    })
}

fn preview_object(preview: &Preview, days: PreviewDays) -> Value {
    let sender = |sender: &PreviewSender| {
        json!({
            "source": source_text(sender.source),
            "accepted": sender.accepted,
            "last_seen": output::time(sender.last_seen),
            "passes_now": sender.passes_now,
            "passes_then": sender.passes_then,
        })
    };
    json!({
        "days": days.days(),
        "senders": preview.senders.iter().map(sender).collect::<Vec<_>>(),
        "all_senders": preview.all_senders,
        "would_stop": {"senders": preview.would_stop.senders, "deliveries": preview.would_stop.deliveries},
        "other_sources": preview.beyond,
    })
}

fn codes(refused: &[(hookgate_domain::RefusalCode, u64)]) -> Map<String, Value> {
    let entries = refused
        .iter()
        .map(|(code, count)| (code.to_string(), json!(count)));
    entries.collect()
}

const fn change(sender: &PreviewSender) -> &'static str {
    match (sender.passes_now, sender.passes_then) {
        (true, true) => "passes",
        (true, false) => "WOULD STOP",
        (false, true) => "would pass again",
        (false, false) => "is refused already",
    }
}

/// A single address without its prefix, as people write it.
fn source_text(source: IpNetwork) -> String {
    match source {
        IpNetwork::V4(network) => network.ip().to_string(),
        IpNetwork::V6(network) => network.to_string(),
    }
}
