//! Hookgate's use cases, and the ports they need. It knows neither HTTP nor SQL.
//!
//! - [`Gate::receive`]: the way of a delivery, from a request to an incident on disk.
//! - [`Gate::create`], [`Gate::edit`], [`Gate::regenerate`], [`Gate::revoke`]: the life of a webhook.
//! - [`Store::usage`], [`Store::top_sources`], [`Gate::allowlist_preview`]: what people are shown about deliveries.
//! - [`Store`], [`Clock`], [`Entropy`], [`Seal`]: what somebody else has to supply.
//!
//! What is remembered between requests (known URLs, rate limits) only saves work: whatever passes is confirmed by the
//! commit, and whatever does not is confirmed by a fresh look, so a stale memory is never the reason of an answer.

mod delivery;
mod directory;
mod floor;
mod gate;
mod history;
mod manage;
mod ports;
mod receive;
mod sources;
mod store;
mod usage;

pub use delivery::{
    Accepted, AcceptedDelivery, Body, BodyFault, Commit, DeliveryRequest, Details, Effect, Idempotency,
    MAX_HEADER_BYTES, RateScope, Refusal, RefusedDelivery, Reply, RequestHeaders, holds_webhook_id,
};
pub use gate::Gate;
pub use history::{
    Answer, CLOCK_MARGIN, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentFilter, Outcome, Page,
    PageSize, Pruned, Retention, Seek,
};
pub use hookgate_senders::{JsonFault, SignatureHeaders, SigningSecret};
pub use manage::{Issued, ManageError, NewWebhook};
pub use ports::{Clock, Entropy, EntropyError, Ports, Seal, SealError};
pub use sources::{
    DAY_MICROS, Preview, PreviewDays, PreviewSender, SourceDay, SourceTotal, SourceTotals, SourceUsage,
    TopSources, WouldStop, site,
};
pub use store::{IncidentAction, Store, StoreError};
pub use usage::{
    LastSeen, SPIKE_FLOOR, UnknownUsageRange, Usage, UsageBucket, UsageRange, UsageTotals, WebhookUsage,
    spikes,
};
