//! The words and names in the objects, as schemas of the `OpenAPI` document. They are generated from the domain's
//! lists, so that document and program agree.

use hookgate_domain::policy::AllowlistMode as DomainMode;
use hookgate_domain::{RefusalCode as DomainCode, SenderFormat, address_set, draft, incident};
use hookgate_gate::{NoPayload as NoPayloadReason, UsageRange};
use hookgate_people::{
    ActorKind as DomainActorKind, AuditAct as DomainAct, AuditActs as DomainActs, Role as DomainRole,
};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// 26 characters of Crockford base 32, of which the first holds three bits.
const UUID: &str = "[0-7][0-9a-hjkmnp-tv-z]{25}$";
/// Pattern of a text without control characters and without other invisible ones, such as those that change the
/// direction of writing.
const SHOWN: &str =
    r"^[^\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]*$";

/// The kinds of events of a timeline, in the order in which they usually happen.
pub(crate) const TIMELINE_KINDS: [&str; 10] = [
    "opened",
    "updated",
    "severity",
    "title",
    "acknowledged",
    "resolved",
    "resolved_late",
    "reopened",
    "note",
    "changes_not_listed",
];

/// Declares named schemas of the document.
macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)+) => {
        $(
            $(#[$doc])*
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

schemas! {
    /// The handle of a webhook.
    Handle = pattern(format!("^hk_{UUID}"));
    /// The ID of a delivery.
    DeliveryId = pattern("^dlv_[0-7][0-9a-hjkmnp-tv-z]{12}$".to_owned());
    /// The ID of a request.
    RequestId = pattern(format!("^req_{UUID}"));
    /// The reason for which there is no payload.
    NoPayload = words(NoPayloadReason::ALL.map(NoPayloadReason::as_str));
    /// The ID of an incident.
    IncidentId = pattern("^INC-[1-9][0-9]{0,17}$".to_owned());
    /// The ID of a member.
    MemberId = pattern(format!("^mem_{UUID}"));
    /// The ID of a token.
    TokenId = pattern(format!("^tok_{UUID}"));
    /// A name that members choose. It must not contain a secret or look like an ID.
    Name = text().min_length(Some(1)).max_length(Some(100)).pattern(Some(SHOWN));
    /// A note about an incident.
    NoteText = text().min_length(Some(1)).max_length(Some(incident::MAX_NOTE)).pattern(Some(r"\S"));
    /// The role of a member or a token; each includes the ones before.
    Role = words(DomainRole::ALL.map(DomainRole::as_str));
    /// The treatment of deliveries from addresses that the allowlist does not have: they are refused, or accepted and
    /// marked.
    AllowlistMode = words(DomainMode::ALL.iter().map(|mode| mode.as_str()));
    /// The name of an address set.
    SetName = pattern("^[a-z][a-z0-9._-]{0,49}$".to_owned());
    /// The provider of a list of addresses.
    Provider = words(address_set::Provider::ALL.iter().map(|provider| provider.as_str()));
    /// The state of a version.
    VersionState = words(address_set::VersionState::ALL.iter().map(|state| state.as_str()));
    /// The outcome of a delivery.
    Outcome = words(["accepted", "refused"]);
    /// A filter that is either `true` or absent.
    Only = words(["true"]);
    /// The reason for which a delivery was refused.
    RefusalCode = words(DomainCode::ALL.iter().map(|code| code.as_str()));
    /// A change that was made to accept a delivery.
    NoteCode = words(draft::NoteCode::ALL.iter().map(|code| code.as_str()));
    /// The severity of an incident: `SEV0` is worst.
    Severity = words(["SEV0", "SEV1", "SEV2", "SEV3", "SEV4"]);
    /// The status of an incident.
    IncidentStatus = words(["open", "acknowledged", "resolved"]);
    /// The kind of an entry in an incident's timeline.
    TimelineKind = words(TIMELINE_KINDS);
    /// The kind of an actor.
    ActorKind = words(DomainActorKind::ALL.map(DomainActorKind::as_str));
    /// An act.
    AuditAct = words(DomainAct::ALL.iter().map(|act| act.as_str()));
    /// An act, or a family of acts.
    AuditActs = words(DomainActs::families().into_iter().chain(DomainAct::ALL.iter().map(|act| act.as_str())));
    /// The state of a token.
    TokenState = words(["live", "expired", "revoked"]);
    /// The state of a webhook. A revoked one refuses all deliveries.
    WebhookState = words(["active", "revoked"]);
    /// The format of the senders' payloads.
    Sender = words([SenderFormat::Custom.as_str()]);
    /// The health of a webhook: how its senders did in the last 24 hours.
    Health = words(hookgate_gate::Health::WORDS);
    /// The state of a webhook's rotation: `due`, `known_to_leaver` and `exposed` call for a new URL.
    Rotation = words(["not_tracked", "fresh", "due", "known_to_leaver", "exposed"]);
    /// A range of time up to now.
    Range = words(UsageRange::ALL.map(UsageRange::as_str));
    /// The form of an export.
    ExportFormat = words(["csv", "excel", "ndjson"]);
    /// The HTTP status for deliveries above the rate limit.
    Overload = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([429, 503]));
    /// Number of days that a preview looks back.
    PreviewDays = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([7, 30]));
    /// The number of an entry.
    Number = whole().minimum(Some(1)).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    /// An entity tag, or `*`.
    Tag = pattern("^(\"[1-9][0-9]{0,17}\"|\\*)$".to_owned());
    /// The idempotency key of a request: a retry with the same key gets the first result.
    RequestKey = text().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]{1,255}$"));
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn whole() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn pattern(pattern: String) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

fn words(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(words))
}
