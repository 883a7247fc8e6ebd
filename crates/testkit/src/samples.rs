//! Sample webhooks, deliveries and refusals. A test sets only the fields that it is about.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hookgate_domain::client_address::Trail;
use hookgate_domain::draft::{DraftFields, FieldError};
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::{
    ChangeAction, IncidentChange, IncidentDraft, OrganizationId, Policy, RefusalCode, RequestId,
    SenderFormat, Timestamp, Webhook, WebhookHandle, WebhookId, WebhookName, WebhookState,
};
use hookgate_gate::{
    AcceptedDelivery, ActorContext, DeliveryFilter, DeliveryRequest, Entropy, EntropyError, Idempotency,
    NewWebhook, NoPayload, Ports, RefusedDelivery, RequestHeaders, SignatureHeaders,
};
use hookgate_people::{
    ApiTokenDigest, AuditAct, AuditSubject, Member, MemberId, NewAudit, Role, Session, SessionDigest,
    SessionId, SignInMeans, Token, TokenId,
};

use crate::{ClearSeal, FastPasswords, FixedClock, SeededEntropy};

/// Start of all tests: 14 November 2023, 22:13:20 UTC.
pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// Source of the sample deliveries.
pub const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// The time `seconds` after [`START`].
#[must_use]
pub const fn second(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + seconds * 1_000_000)
}

/// The webhook ID of this seed.
///
/// # Errors
/// None: this entropy never fails.
pub fn webhook_id(seed: u64) -> Result<WebhookId, EntropyError> {
    let entropy = SeededEntropy::new(seed.wrapping_mul(0x1_0000_0001));
    WebhookId::generate(|buffer| entropy.fill(buffer))
}

/// A new webhook, created `seed` seconds after the start, with the ID of the seed and the name `webhook N`.
///
/// # Panics
/// Never, unless the rules for names change.
#[must_use]
pub fn webhook(seed: u16) -> Webhook {
    let now = second(seed.into());
    let mut random = [0; 10];
    random[8..].copy_from_slice(&seed.to_be_bytes());
    let id = webhook_id(seed.into());
    Webhook {
        handle: WebhookHandle::new(now, random),
        organization: OrganizationId::FIRST,
        name: name(&format!("webhook {seed}")),
        format: SenderFormat::Custom,
        state: WebhookState::issued(&id.expect("seeded entropy has bytes without end"), now),
        policy: Policy::default(),
        revision: 1,
        created_at: now,
        mode_changed_at: None,
        leaver: None,
    }
}

/// A webhook name.
///
/// # Panics
/// If the text is no name.
#[must_use]
pub fn name(text: &str) -> WebhookName {
    text.parse().expect("a name that the rules take")
}

/// A draft from these fields; the title has a default.
///
/// # Errors
/// The faulty fields.
pub fn draft(fields: DraftFields) -> Result<IncidentDraft, Vec<FieldError>> {
    IncidentDraft::check(DraftFields {
        title: fields.title.or_else(|| Some("Disk full".into())),
        ..fields
    })
}

/// A delivery for this webhook and revision, without keys.
///
/// # Panics
/// Never, unless the rules for drafts change.
#[must_use]
pub fn delivery(webhook: &Webhook) -> AcceptedDelivery {
    AcceptedDelivery {
        webhook: webhook.handle,
        revision: webhook.revision,
        received_at: START,
        request_id: request_id(1),
        source: SOURCE,
        observed: None,
        user_agent: Some("alerts/1.0".into()),
        headers: Some(r#"[["accept","*/*"]]"#.into()),
        took: Duration::from_micros(250),
        payload: Some(br#"{"title":"Disk full"}"#.to_vec().into()),
        is_custom: true,
        changes: vec![
            draft(DraftFields::default())
                .expect("a draft that the rules take")
                .into(),
        ],
        notes: Vec::new(),
        idempotency: None,
    }
}

/// A delivery of the format `custom` with this draft.
#[must_use]
pub fn drafted(webhook: &Webhook, mut draft: IncidentDraft) -> AcceptedDelivery {
    AcceptedDelivery {
        notes: draft.take_notes(),
        changes: vec![draft.into()],
        ..delivery(webhook)
    }
}

/// A change of the incident with this dedup key by a tool.
///
/// # Panics
/// If the rules refuse the key.
#[must_use]
pub fn change(action: ChangeAction, key: &str) -> IncidentChange {
    let fields = DraftFields {
        title: (action == ChangeAction::Open).then(|| format!("Problem {key}").into()),
        dedup_key: Some(key.into()),
        ..DraftFields::default()
    };
    IncidentChange::check(action, fields).expect("a change that the rules take")
}

/// A delivery of a tool with these changes.
#[must_use]
pub fn changing(webhook: &Webhook, changes: impl IntoIterator<Item = IncidentChange>) -> AcceptedDelivery {
    AcceptedDelivery {
        is_custom: false,
        changes: changes.into_iter().collect(),
        ..delivery(webhook)
    }
}

/// A delivery with a dedup key and a status.
///
/// # Panics
/// If the rules refuse them.
#[must_use]
pub fn deduplicated(webhook: &Webhook, key: &str, status: &str) -> AcceptedDelivery {
    let fields = DraftFields {
        dedup_key: Some(key.into()),
        status: Some(status.into()),
        ..DraftFields::default()
    };
    drafted(webhook, draft(fields).expect("a draft that the rules take"))
}

/// A delivery with an idempotency key for this payload.
///
/// # Panics
/// If the rules refuse the key.
#[must_use]
pub fn keyed(webhook: &Webhook, key: &str, payload: &[u8]) -> AcceptedDelivery {
    let key = IdempotencyKey::parse(key.as_bytes()).expect("a key that the rules take");
    let plain = PayloadDigest::of(payload);
    let idempotency = Some(Idempotency {
        key,
        payload: PayloadDigest::of(plain.as_bytes()),
        plain,
    });
    AcceptedDelivery {
        payload: Some(payload.to_vec().into()),
        idempotency,
        ..delivery(webhook)
    }
}

/// The ID of the request with this number, at the start.
#[must_use]
pub fn request_id(number: u32) -> RequestId {
    RequestId::new(START, 1, number)
}

/// The filter for one network.
///
/// # Panics
/// If the text is no network.
#[must_use]
pub fn sources_in(network: &str) -> DeliveryFilter {
    let network = network.parse().expect("a network");
    DeliveryFilter {
        source: Some(network),
        ..DeliveryFilter::default()
    }
}

/// A refusal by the allowlist.
#[must_use]
pub fn refusal(webhook: &Webhook) -> RefusedDelivery {
    RefusedDelivery {
        webhook: webhook.handle,
        received_at: START,
        request_id: Some(request_id(1)),
        source: SOURCE,
        trail: None,
        user_agent: None,
        headers: None,
        took: Duration::ZERO,
        payload: None,
        no_payload: Some(NoPayload::Unread),
        code: RefusalCode::IpNotAllowed,
        postponed: false,
        details: None,
        retry_after: None,
    }
}

/// The actor in tests: a person on the command line.
#[must_use]
pub fn actor_context() -> ActorContext {
    ActorContext::command_line("tester")
}

/// An entry of the audit trail for a change that the test does not check.
#[must_use]
pub fn audit() -> NewAudit {
    audit_of(AuditAct::WebhookEdit, "subject", START)
}

/// An entry of the audit trail for this act, subject ID and time.
#[must_use]
pub fn audit_of(act: AuditAct, subject: &str, at: Timestamp) -> NewAudit {
    actor_context().note(act, AuditSubject::new(subject, "a subject"), at)
}

/// A member with this role and the name `Member N`, added `seed` seconds after the start, without a password.
///
/// # Panics
/// Never, unless the rules for names change.
#[must_use]
pub fn member(seed: u8, role: Role) -> Member {
    let created_at = second(seed.into());
    Member {
        id: MemberId::new(created_at, [seed; 10]),
        organization: OrganizationId::FIRST,
        name: format!("Member {seed}")
            .parse()
            .expect("a name that the rules take"),
        role,
        password: None,
        created_at,
    }
}

/// A session of this member that began `seed` seconds after the start.
#[must_use]
pub fn session(member: &Member, seed: u8) -> Session {
    let created_at = second(seed.into());
    Session {
        id: SessionId::new(created_at, [seed; 10]),
        digest: SessionDigest::from_bytes([seed; 32]),
        member: member.id,
        means: SignInMeans::Password,
        created_at,
        last_seen_at: created_at,
        source: SOURCE,
        user_agent: Some("browser/1".into()),
        made_by: None,
    }
}

/// A token of this member, or without an owner, made `seed` seconds after the start, with the name `token N`.
///
/// # Panics
/// Never, unless the rules for names change.
#[must_use]
pub fn token(owner: Option<&Member>, seed: u8) -> Token {
    let created_at = second(seed.into());
    Token {
        id: TokenId::new(created_at, [seed; 10]),
        organization: OrganizationId::FIRST,
        digest: ApiTokenDigest::from_bytes([seed; 32]),
        name: format!("token {seed}")
            .parse()
            .expect("a name that the rules take"),
        role: Role::Operator,
        owner: owner.map(|owner| owner.id),
        created_by: "tester".into(),
        created_at,
        expires_at: Some(second(1_000)),
        last_used_at: None,
        revoked_at: None,
        made_by: None,
        root: None,
    }
}

/// The ports of a gate, with a fixed time and the same entropy in every run.
#[must_use]
pub fn ports() -> Ports {
    Ports {
        clock: Box::new(FixedClock::at(START)),
        entropy: Box::new(SeededEntropy::new(7)),
        seal: Box::new(ClearSeal),
        passwords: Box::new(FastPasswords),
    }
}

/// The input for creating a webhook with this policy and without signatures.
#[must_use]
pub fn new_webhook(name: &str, policy: Policy) -> NewWebhook {
    NewWebhook {
        name: self::name(name),
        format: SenderFormat::Custom,
        policy,
        signed: false,
    }
}

/// A delivery request to the URL with this ID.
#[must_use]
pub fn request(webhook_id: &str) -> DeliveryRequest<'_> {
    DeliveryRequest {
        format: "custom",
        webhook_id,
        request_id: request_id(1),
        source: SOURCE.into(),
        user_agent: None,
        declared_json: true,
        compressed: false,
        idempotency_key: None,
        has_repeated_key: false,
        signature: SignatureHeaders::default(),
        headers: &NoHeaders,
    }
}

/// The headers of a request without any.
struct NoHeaders;

impl RequestHeaders for NoHeaders {
    fn recorded(&self) -> Option<String> {
        None
    }

    fn joined(&self, _name: &str) -> Vec<u8> {
        Vec::new()
    }

    fn trail(&self) -> Trail {
        Trail::default()
    }

    fn bytes(&self) -> usize {
        0
    }
}
