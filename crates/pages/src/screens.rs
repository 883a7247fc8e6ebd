//! One view model per screen. Each file has the structs of one topic; the template of the same name has the markup.

mod account;
mod address_sets;
mod allowlist;
mod audit;
mod confirm;
mod conflict;
mod delivery;
mod error;
mod form;
mod incidents;
mod issued;
mod logs;
mod members;
mod observed;
mod search;
mod sign_in;
mod tokens;
mod usage;
mod webhook;
mod webhook_facts;
mod webhooks;

pub use account::{Account, FailedSignIns, SessionRow};
pub use address_sets::{
    AddressSetDetail, AddressSetFacts, AddressSetForm, AddressSetList, SetChange, SetVersionRow,
};
pub use allowlist::{AllowlistLine, LineReading, Preview, PreviewSender, allowlist_lines};
pub use audit::{AuditActor, AuditFilter, AuditRow, AuditTrail};
pub use confirm::{Confirm, Impact, RegenerateConfirm, RevokeConfirm};
pub use conflict::{Conflict, ConflictRow};
pub use delivery::{DeliveryDetail, DeliveryRow, IgnoredHeader, Payload, ShownAnswer, Verdict};
pub use error::{ErrorPage, ErrorScreen};
pub use form::{EditWebhook, NewWebhook, WebhookForm};
pub use incidents::{IncidentDetail, IncidentList, IncidentRow, NoteForm, TimelineEntry};
pub use issued::{Issue, Issued};
pub use logs::{LogFilter, Logs};
pub use members::{MemberRow, Members, SignInLinkMade};
pub use observed::Observed;
pub use search::{SearchResults, SearchedWebhook};
pub use sign_in::{KeptForm, SignIn, SignInLink};
pub use tokens::{TokenMade, TokenRow, Tokens};
pub use usage::{Range, SourceRow};
pub use webhook::{Failing, RetiredUrlUse, WebhookDetail};
pub use webhook_facts::WebhookFacts;
pub use webhooks::{WebhookFilter, WebhookList, WebhookRow};
