//! Hookgate's use cases, and the ports they need. The crate knows neither HTTP nor SQL.
//!
//! - [`Gate::receive`]: receives a delivery, from the request to the incident on disk.
//! - [`Gate::create`], [`Gate::edit`], [`Gate::regenerate`], [`Gate::revoke`]: the life of a webhook.
//! - [`Gate::address_set_create`], [`Gate::address_set_refresh`], [`Gate::address_set_decide`]: named sets of
//!   addresses.
//! - [`Gate::incident_act`], [`Gate::incident_timeline`]: actions on an incident, and its timeline.
//! - [`Store::usage`], [`Store::top_sources`], [`Gate::delivery`]: usage, sources and records of deliveries.
//! - [`Gate::allowlist_preview`], [`Gate::address_set_preview`]: the senders that a change would refuse, before it is
//!   made.
//! - [`Gate::sign_in`], [`Gate::signed_in`], [`Gate::authenticate`]: authentication of members and tokens.
//! - [`Gate::member_add`], [`Gate::token_create`], [`Gate::audit_page`]: members, tokens and the audit trail.
//! - [`Store`], [`PeopleStore`], [`Clock`], [`Entropy`], [`Seal`], [`Passwords`]: the ports that other crates
//!   implement.
//!
//! Each use case of an actor takes an [`ActorContext`]: it carries the role, which is checked, and becomes the entry of
//! the audit trail, in the same transaction as the change.
//!
//! Caches and counts between requests (known URLs, rate limits) only save work. The commit confirms an acceptance, and
//! a fresh read of the store confirms a refusal, so no answer relies on a stale cache.

mod address_sets;
mod deliveries;
mod gate;
mod history;
mod people;
mod ports;
mod rate_limiter;
mod webhooks;

pub use address_sets::{AddressSetError, DownloadedList, REFRESH_AFTER, RefreshOutcome};
pub use deliveries::delivery::{
    Accepted, AcceptedDelivery, Body, BodyFault, Commit, DeliveryRequest, Details, Effect, HIDDEN,
    Idempotency, MAX_HEADER_BYTES, MAX_REFUSED_PAYLOAD, RateScope, Refusal, RefusalKey, RefusedDelivery,
    RefusedPayload, Reply, RequestHeaders, Touched, TouchedIncidents,
};
pub use deliveries::memory_budget::Reservation;
pub use gate::Gate;
pub use history::incidents::{Acted, ActedOn, IncidentActError, IncidentAction, IncidentRecord, MAX_EVENTS};
pub use history::page::{MAX_PAGE_BYTES, Page, PageSize, Seek, bounded_page, written_bytes};
pub use history::records::{
    Answer, CLOCK_MARGIN, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentFilter, NoPayload, Outcome,
};
pub use history::retention::{Pruned, Retention};
pub use history::search::{MAX_SEARCH_MATCHES, SearchError, SearchMatches};
pub use history::sources::{
    DAY_MICROS, Reasons, SourceDay, SourceReasons, SourceTotal, SourceTotals, SourceUsage, TopSources,
};
pub use history::timeline::{RunBounds, RunEnds, Timeline, TimelineEntry, TimelineKind};
pub use history::usage::{
    LastSeen, SPIKE_FLOOR, UnknownUsageRange, Usage, UsageBucket, UsageRange, UsageTotals, WebhookUsage,
    spikes,
};
pub use history::withheld::{incident_for, is_withheld_from, record_for, summary_for};
pub use hookgate_log::{LOG_INTERVAL, LogInterval};
pub use hookgate_people::{
    AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, Account, ActorError, ActorMatch,
    AuditFilter, Credential, FailedSignIns, KnownActor, KnownWebhook, KnownWebhooks, SubjectMatch,
    check_actor,
};
pub use hookgate_senders::{
    AddressListError, JsonFault, JsonLayout, SignatureHeaders, SigningSecret, is_double, lay_out,
    read_address_list,
};
pub use people::audit::{ActorContext, Forbidden, IdempotentReplay};
pub use people::audit_changes::MAX_CHANGE_BYTES;
pub use people::audit_search::{AuditQuery, AuditQueryError};
pub use people::credentials::CredentialError;
pub use people::devices::DEVICE_LIFE;
pub use people::error::PeopleError;
pub use people::members::{MAX_KNOWN_WEBHOOKS, MemberChange, Removed};
pub use people::password_queue::PASSWORDS_AT_ONCE;
pub use people::shown_once::{SHOWN_ONCE_LIFE, ShownOnce};
pub use people::sign_in::{Browser, SignInError};
pub use ports::address_store::{
    AddressStore, KEPT_VERSIONS, MAX_ADDRESS_SETS, NewVersion, SoleSource, VersionChange,
};
pub use ports::people_store::{MAX_KNOWN_ACTORS, MAX_SESSIONS, PeopleStore};
pub use ports::search_store::{IncidentTitle, SearchStore, WebhookLabel};
pub use ports::store::{
    IncidentCount, MAX_COUNTED_INCIDENTS, MAX_FAILING_WEBHOOKS, Store, StoreError, StoreFuture, UrlSince,
    WebhookCounts,
};
pub use ports::{
    Clock, Entropy, EntropyError, Hashing, Passwords, PasswordsError, Ports, Seal, SealError, SealPurpose,
};
pub use webhooks::health::{FAILING_REFUSALS, FailingWebhook, Health, Observation};
pub use webhooks::manage::{Issued, ManageError, NewWebhook};
pub use webhooks::preview::{Preview, PreviewDays, PreviewSender, SetPreview, UnknownPreviewDays, WouldStop};
pub use webhooks::retired_use::RetiredUse;
pub use webhooks::suggestion::Suggestion;
