#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! | to | use |
//! |---|---|
//! | make, read and store webhook IDs | [`WebhookId`], [`WebhookIdDigest`], [`WebhookIdHint`] |
//! | find the true client behind proxies | [`TrustedProxies`], [`Source`], [`Trail`] |
//! | match source addresses | [`Allowlist`], [`Networks`] |
//! | find leaked webhook IDs, and mask every secret | [`find_webhook_ids`], [`mask_secrets`], [`with_secrets_masked`] |
//! | keep secrets and invisible characters out of texts | [`may_hold_secret`], [`characters`], [`with_hidden_shown`] |
//! | regenerate and revoke | [`Webhook`], [`UrlChange`], [`RetiredUrl`] |
//! | decide | [`judge`], [`Admission`], [`Denial`] |
//! | name a refusal | [`RefusalCode`] |
//! | open, update and resolve incidents | [`IncidentDraft`], [`Incident`] |
//! | tell how old a URL is | [`RotationPolicy`], [`RotationAge`] |
//! | say who may do what | [`Role`], [`Permission`], [`Actor`] |
//! | sign in, by people and by programs | [`Member`], [`Session`], [`SignInLink`], [`Token`] |
//! | read files, pipes and bodies that people made | [`read_text`], [`read_line`], [`without_mark`] |
//! | keep an audit trail | [`NewAudit`], [`AuditEntry`] |

mod address_set;
mod allowlist;
mod base62;
mod client_address;
mod decision;
mod draft;
mod idempotency;
mod incident;
mod invisible;
mod leaks;
mod names;
mod networks;
mod pem;
mod people;
mod policy;
mod refusal;
mod request_id;
mod rotation;
mod secret;
mod text;
mod time;
mod webhook;
mod webhook_id;
#[cfg(feature = "serde")]
mod wire;

pub use address_set::{
    AddressSet, AddressSetName, AddressSetNameError, BASE_AGE, MAX_SET_NAME_CHARACTERS, NetworkChanges,
    Provider, Reading, STALE_AFTER, SetFilter, SetFilterError, SetOrigin, SetVersion, UnknownProvider,
    UnknownVersionState, VersionState,
};
pub use allowlist::{
    AllowEntry, Allowed, Allowlist, AllowlistError, AllowlistMatch, AllowlistWarning, EntryComment,
    EntryCommentError, MAX_COMMENT_CHARACTERS, MAX_SETS, MAX_TEMPORARY, is_private, network_warnings,
};
pub use client_address::{
    Connection, ForwardingFields, ForwardingHeader, Hop, MAX_HOPS, Source, SourceFault, Trail, TrailError,
    TrustedProxies, UnknownForwardingHeader, Verdict, Witness,
};
pub use decision::{Admission, Attempt, Denial, judge};
pub use draft::{
    DraftFields, FieldError, FieldRule, IncidentDraft, IncidentStatus, MAX_DEDUP_KEY, MAX_DESCRIPTION,
    MAX_METADATA_KEYS, MAX_METADATA_VALUE, MAX_SERVICE, MAX_SOURCE_URL, MAX_TITLE, MetadataValue, NotANumber,
    Note, NoteCode, NumberText, Severity, UnknownNoteCode, UnknownWord,
};
/// The network type of [`Allowlist`] entries, of the `ipnetwork` crate.
///
/// ```
/// use hookgate_domain::{Allowlist, IpNetwork};
///
/// let network: IpNetwork = "192.0.2.0/24".parse()?;
/// assert_eq!(Allowlist::of([network])?.to_string(), "192.0.2.0/24");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(no_inline)]
pub use ipnetwork::IpNetwork;

pub use idempotency::{IDEMPOTENCY_WINDOW, IdempotencyKey, IdempotencyKeyError, PayloadDigest};
pub use incident::{
    Incident, IncidentError, IncidentEvent, IncidentNote, IncidentNoteError, MAX_LISTED_CHANGES, MAX_NOTE,
    REOPEN_WINDOW,
};
pub use invisible::{characters, is_invisible, with_hidden_shown};
pub use leaks::{mask_secrets, may_hold_secret, with_secrets_masked};
pub use names::{DeliveryId, IncidentNumber, NameError, OrganizationId, WebhookHandle};
pub use networks::{
    AddressCount, AddressFamily, AddressRange, CustomerNetwork, EntryError, MAX_NETWORKS, Networks,
    TooManyNetworks, TooWide, address_bytes, customer_networks, misread_pair, network_bounds, parse_entry,
    source_prefix, wider_prefixes,
};
pub use pem::{PemFault, PemKind, check_pem};
pub use people::{
    Actor, ActorKind, ApiToken, ApiTokenDigest, AuditAct, AuditActs, AuditEntry, AuditRequest, AuditSubject,
    LINK_PASSWORD_WINDOW, LinkMaker, MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, Member, MemberError,
    MemberId, MemberName, NewAudit, Password, PasswordError, PasswordHash, PeopleNameError, Permission, Role,
    SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE, SecretError, Session, SessionDigest, SessionId,
    SessionToken, SignInLink, SignInMeans, SignInSecret, SignInSecretDigest, Token, TokenError, TokenId,
    TokenName, TokenState, UnknownActorKind, UnknownAuditAct, UnknownAuditActs, UnknownRole,
};
pub use policy::{
    AllowlistMode, DEFAULT_BODY_BYTES, Limits, LimitsError, MAX_BODY_BYTES, Overload, PayloadLogging, Policy,
    SealedSecret, UnknownAllowlistMode,
};
pub use refusal::{RefusalCode, UnknownRefusalCode};
pub use request_id::RequestId;
pub use rotation::{RotationAge, RotationPolicy};
pub use text::{TextError, read_line, read_text, read_text_bytes, without_mark};
pub use time::{Timestamp, TimestampError};
pub use webhook::{
    KnownUrl, Leaver, LiveUrl, MAX_NAME_CHARACTERS, RetiredBecause, RetiredUrl, SenderFormat,
    UnknownSenderFormat, UrlChange, Webhook, WebhookError, WebhookName, WebhookNameError, WebhookState,
};
pub use webhook_id::{
    WebhookId, WebhookIdDigest, WebhookIdError, WebhookIdHint, WebhookIdHintError, find_webhook_ids,
    holds_webhook_id,
};
