//! The words and names that the objects hold, as schemas of the `OpenAPI` document. The domain's own lists make them, so
//! the document never knows another word than the program.

use hookgate_domain::{
    AuditAct as DomainAct, AuditActs as DomainActs, RefusalCode as DomainCode, Role as DomainRole,
};
use hookgate_gate::{NoPayload as NoPayloadReason, UsageRange};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// 26 characters of base 32 (Crockford), of which the first holds three bits.
const UUID: &str = "[0-7][0-9a-hjkmnp-tv-z]{25}$";
/// A text with something to see in it and without control characters, among them those that turn text around.
const SHOWN: &str =
    r"^[^\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]*$";

/// Declares a schema of the document by what it is.
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
    /// Why a payload is not there.
    NoPayload = words(NoPayloadReason::ALL.map(NoPayloadReason::as_str));
    /// The ID of an incident.
    IncidentId = pattern("^INC-[1-9][0-9]{0,17}$".to_owned());
    /// The ID of a member.
    MemberId = pattern(format!("^mem_{UUID}"));
    /// The ID of a token.
    TokenId = pattern(format!("^tok_{UUID}"));
    /// A name that people give. It must not hold a secret, nor be taken for an ID.
    Name = text().min_length(Some(1)).max_length(Some(100)).pattern(Some(SHOWN));
    /// A note about an incident.
    NoteText = text().min_length(Some(1)).max_length(Some(hookgate_domain::MAX_NOTE)).pattern(Some(r"\S"));
    /// What a member or a token may do; each includes the ones before.
    Role = words(DomainRole::ALL.map(DomainRole::as_str));
    /// What becomes of deliveries from elsewhere than the allowlist says.
    AllowlistMode = words(["enforce", "observe"]);
    /// The name of an address set.
    SetName = pattern("^[a-z][a-z0-9._-]{0,49}$".to_owned());
    /// Who publishes a list of addresses.
    Provider = words(hookgate_domain::Provider::ALL.map(hookgate_domain::Provider::as_str));
    /// What became of a version.
    VersionState = words(["active", "pending", "replaced", "rejected"]);
    /// How it was answered.
    Outcome = words(["accepted", "refused"]);
    /// A filter that is there or not.
    Only = words(["true"]);
    /// Why a delivery did not pass.
    RefusalCode = words(DomainCode::ALL.iter().map(|code| code.as_str()));
    /// What was changed about a delivery.
    NoteCode = words(hookgate_domain::NoteCode::ALL.iter().map(|code| code.as_str()));
    /// How bad it is: `SEV0` is worst.
    Severity = words(["SEV0", "SEV1", "SEV2", "SEV3", "SEV4"]);
    /// Where an incident stands.
    IncidentStatus = words(["open", "acknowledged", "resolved"]);
    /// What happened to an incident.
    TimelineKind = words(super::timeline::KINDS);
    /// What acts.
    ActorKind = words(["member", "token", "command_line", "system"]);
    /// What was done.
    AuditAct = words(DomainAct::ALL.iter().map(|act| act.as_str()));
    /// An act, or a family of acts.
    AuditActs = words(DomainActs::families().into_iter().chain(DomainAct::ALL.iter().map(|act| act.as_str())));
    /// Whether a token works.
    TokenState = words(["live", "expired", "revoked"]);
    /// Whether a webhook takes deliveries.
    WebhookState = words(["active", "revoked"]);
    /// What senders send.
    Sender = words(["custom"]);
    /// Whether the senders of a webhook got through in the last 24 hours.
    Health = words(hookgate_gate::Health::WORDS);
    /// Whether a new URL is due.
    Rotation = words(["not_tracked", "fresh", "due", "known_to_leaver", "exposed"]);
    /// A stretch of time.
    Range = words(UsageRange::ALL.map(UsageRange::as_str));
    /// The form of an export.
    ExportFormat = words(["csv", "excel", "ndjson"]);
    /// The status of what is over the rate limit.
    Overload = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([429, 503]));
    /// How many days a preview looks back.
    PreviewDays = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([7, 30]));
    /// The number of an entry.
    Number = whole().minimum(Some(1)).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    /// An entity tag, or `*`.
    Tag = pattern("^(\"[1-9][0-9]{0,17}\"|\\*)$".to_owned());
    /// The name of a request: another one with the same is the same.
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
