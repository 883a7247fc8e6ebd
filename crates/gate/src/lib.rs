//! Hookgate's use cases, and the ports they need. The crate knows neither HTTP nor SQL.
//!
//! - [`Gate::receive`]: receives a delivery, from the request to the incident on disk.
//! - [`Gate::create`], [`Gate::edit`], [`Gate::regenerate`], [`Gate::revoke`]: the life of a webhook.
//! - [`Gate::address_set_create`], [`Gate::address_set_refresh`], [`Gate::address_set_decide`]: named sets of addresses.
//! - [`Gate::incident_act`], [`Gate::incident_timeline`]: actions on an incident, and its timeline.
//! - [`Store::usage`], [`Store::top_sources`], [`Gate::delivery`]: usage, sources and records of deliveries.
//! - [`Gate::allowlist_preview`], [`Gate::address_set_preview`]: the senders that a change would refuse, before it is made.
//! - [`Gate::sign_in`], [`Gate::signed_in`], [`Gate::authenticate`]: authentication of members and tokens.
//! - [`Gate::member_add`], [`Gate::token_create`], [`Gate::audit_page`]: members, tokens and the audit trail.
//! - [`Store`], [`PeopleStore`], [`Clock`], [`Entropy`], [`Seal`], [`Passwords`]: the ports that other crates implement.
//!
//! Each use case of an actor takes an [`ActorContext`]: it carries the role, which is checked, and becomes the entry of
//! the audit trail, in the same transaction as the change.
//!
//! Caches and counts between requests (known URLs, rate limits) only save work. The commit confirms an acceptance, and
//! a fresh read of the store confirms a refusal, so no answer relies on a stale cache.

mod access;
mod address_store;
mod addresses;
mod audit;
mod audit_changes;
mod audit_search;
mod credentials;
mod delivery;
mod devices;
mod failures;
mod gate;
mod health;
mod history;
mod incidents;
mod login_limiter;
mod manage;
mod members;
mod memory_budget;
mod page_bytes;
mod password_queue;
mod payload_faults;
mod payload_parser;
mod people;
mod people_store;
mod ports;
mod preview;
mod rate_limiter;
mod receive;
mod retired_use;
mod search;
mod search_store;
mod shown_once;
mod sign_in;
mod sources;
mod standing;
mod store;
mod suggestion;
mod timeline;
mod tokens;
mod unknown_url_limiter;
mod url_cache;
mod usage;
mod withheld;

pub use access::{Account, Credential};
pub use address_store::{
    AddressStore, KEPT_VERSIONS, MAX_ADDRESS_SETS, NewVersion, SoleSource, VersionChange,
};
pub use addresses::{AddressSetError, Published, REFRESH_AFTER, RefreshOutcome};
pub use audit::{ActorContext, Forbidden, IdempotentReplay};
pub use audit_changes::MAX_CHANGE_BYTES;
pub use audit_search::{AuditQuery, AuditQueryError};
pub use credentials::CredentialError;
pub use delivery::{
    Accepted, AcceptedDelivery, Body, BodyFault, Commit, DeliveryRequest, Details, Effect, HIDDEN,
    Idempotency, MAX_HEADER_BYTES, MAX_REFUSED_PAYLOAD, RateScope, Refusal, RefusalKey, RefusedDelivery,
    RefusedPayload, Reply, RequestHeaders, Touched,
};
pub use devices::DEVICE_LIFE;
pub use gate::Gate;
pub use health::{FAILING_REFUSALS, FailingWebhook, Health, Observation};
pub use history::{
    Answer, CLOCK_MARGIN, DeliveryFilter, DeliveryRecord, DeliverySummary, IncidentFilter, NoPayload,
    Outcome, Page, PageSize, Pruned, Retention, Seek,
};
pub use hookgate_log::{LOG_INTERVAL, LogInterval};
pub use hookgate_senders::{
    AddressListError, JsonFault, JsonLayout, SignatureHeaders, SigningSecret, is_double, lay_out,
    read_address_list,
};
pub use incidents::{Acted, ActedOn, IncidentActError, IncidentAction, IncidentRecord, MAX_EVENTS};
pub use manage::{Issued, ManageError, NewWebhook};
pub use members::{MAX_KNOWN_WEBHOOKS, MemberChange, Removed};
pub use memory_budget::Reservation;
pub use page_bytes::{MAX_PAGE_BYTES, bounded_page, written_bytes};
pub use password_queue::PASSWORDS_AT_ONCE;
pub use people::PeopleError;
pub use people_store::{
    AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, ActorMatch, AuditFilter, FailedSignIns,
    KnownActor, KnownWebhook, KnownWebhooks, MAX_KNOWN_ACTORS, MAX_SESSIONS, PeopleStore, SubjectMatch,
};
pub use ports::{
    Clock, Entropy, EntropyError, Hashing, Passwords, PasswordsError, Ports, Seal, SealError, SealPurpose,
};
pub use preview::{Preview, PreviewDays, PreviewSender, SetPreview, UnknownPreviewDays, WouldStop};
pub use retired_use::RetiredUse;
pub use search::{MAX_SEARCH_CHARACTERS, MAX_SEARCH_MATCHES, SearchError, SearchMatches, SearchTerm};
pub use search_store::{IncidentTitle, SearchStore, WebhookLabel};
pub use shown_once::{SHOWN_ONCE_LIFE, ShownOnce};
pub use sign_in::{Browser, SignInError};
pub use sources::{
    DAY_MICROS, Reasons, SourceDay, SourceReasons, SourceTotal, SourceTotals, SourceUsage, TopSources,
};
pub use standing::{ActorError, check_actor};
pub use store::{
    IncidentCount, MAX_COUNTED_INCIDENTS, MAX_TROUBLED, Store, StoreError, UrlSince, WebhookCounts,
};
pub use suggestion::Suggestion;
pub use timeline::{RunBounds, RunEnds, Timeline, TimelineEntry, TimelineKind};
pub use usage::{
    LastSeen, SPIKE_FLOOR, UnknownUsageRange, Usage, UsageBucket, UsageRange, UsageTotals, WebhookUsage,
    spikes,
};
pub use withheld::{incident_for, is_withheld_from, record_for, summary_for};
