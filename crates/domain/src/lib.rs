#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! The root has the names of the usual way; each module has all of its subject.
//!
//! | to | use |
//! |---|---|
//! | make, read and store webhook IDs | [`WebhookId`], [`WebhookIdDigest`], [`WebhookIdHint`] |
//! | find the true client behind proxies | [`TrustedProxies`], [`Source`], [`client_address`] |
//! | match source addresses | [`Allowlist`], [`Networks`], [`address_set`] |
//! | find leaked webhook IDs, and mask every secret | [`webhook_id`], [`leaks`] |
//! | keep invisible characters out of texts | [`invisible`] |
//! | regenerate and revoke | [`Webhook`], [`UrlChange`], [`RetiredUrl`] |
//! | decide | [`judge`], [`Admission`], [`Denial`] |
//! | name a refusal | [`RefusalCode`] |
//! | open, update and resolve incidents | [`IncidentDraft`], [`IncidentChange`], [`Incident`] |
//! | find out how old a URL is | [`rotation`] |
//! | read files, pipes and bodies that people made | [`text`] |

pub mod address_set;
pub mod allowlist;
pub mod base32;
mod base62;
pub mod client_address;
pub mod decision;
pub mod draft;
pub mod idempotency;
pub mod incident;
pub mod invisible;
mod keywords;
pub mod leaks;
pub mod names;
pub mod networks;
pub mod policy;
pub mod refusal;
pub mod request_id;
pub mod rotation;
pub mod secret;
pub mod text;
pub mod time;
pub mod webhook;
pub mod webhook_id;
#[cfg(feature = "serde")]
mod wire;

pub use allowlist::{Allowlist, AllowlistError};
pub use client_address::{Connection, ForwardingHeader, Source, SourceFault, TrustedProxies};
pub use decision::{Admission, Attempt, Denial, judge};
pub use draft::{ChangeAction, IncidentChange, IncidentDraft, IncidentStatus, Severity};
pub use incident::Incident;
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
pub use names::{DeliveryId, IncidentNumber, OrganizationId, WebhookHandle};
pub use networks::Networks;
pub use policy::Policy;
pub use refusal::RefusalCode;
pub use request_id::RequestId;
pub use time::Timestamp;
pub use webhook::{
    KnownUrl, LiveUrl, RetiredUrl, SenderFormat, UrlChange, Webhook, WebhookError, WebhookName, WebhookState,
};
pub use webhook_id::{WebhookId, WebhookIdDigest, WebhookIdError, WebhookIdHint};
