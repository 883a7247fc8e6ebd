//! The people and programs that administer Hookgate: members, roles, ways to sign in, and the audit trail of their acts.
//!
//! Pure, as `hookgate-domain` is: time and randomness are arguments. It is a crate of its own because a server that
//! embeds the gate's rules has accounts of its own.
//!
//! | to | use |
//! |---|---|
//! | say who may do what | [`Role`], [`Permission`], [`Actor`] |
//! | sign in, by people and by programs | [`Member`], [`Session`], [`SignInLink`], [`Token`] |
//! | keep an audit trail | [`NewAudit`], [`AuditEntry`] |

mod actor_check;
mod audit;
mod audit_filter;
mod audit_kinds;
mod ids;
mod known_webhooks;
mod link;
mod member;
mod name;
mod password;
mod role;
mod secrets;
mod session;
mod token;

pub use actor_check::{ActorError, check_actor};
pub use audit::{
    AUDIT_DAYS, AUDIT_FAILED_DAYS, AUDIT_FAILED_ROWS, AUDIT_ROWS, Actor, AuditAct, AuditEntry, AuditRequest,
    AuditSubject, NewAudit, UnknownAuditAct,
};
pub use audit_filter::{ActorMatch, AuditFilter, KnownActor, SubjectMatch};
pub use audit_kinds::{ActorKind, AuditActs, UnknownActorKind, UnknownAuditActs};
pub use ids::{IdError, MemberId, SessionId, TokenId};
pub use known_webhooks::{KnownWebhook, KnownWebhooks};
pub use link::{LinkMaker, SIGN_IN_LINK_LIFE, SignInLink};
pub use member::{Member, MemberError};
pub use name::{MemberName, PeopleNameError, TokenName};
pub use password::{MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, Password, PasswordError, PasswordHash};
pub use role::{Permission, Role, UnknownRole};
pub use secrets::{
    ApiToken, ApiTokenDigest, Credential, SessionDigest, SessionToken, SignInSecret, SignInSecretDigest,
};
pub use session::{FailedSignIns, LINK_PASSWORD_WINDOW, SESSION_IDLE, SESSION_LIFE, Session, SignInMeans};
pub use token::{Account, Token, TokenError, TokenState};
