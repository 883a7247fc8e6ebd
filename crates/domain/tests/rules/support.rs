//! Helpers of several tests: fixed times, IDs from a seed, a webhook.

use std::convert::Infallible;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::{
    Incident, IncidentDraft, IncidentNumber, OrganizationId, Policy, SenderFormat, Timestamp, Webhook,
    WebhookHandle, WebhookId,
};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// Pseudorandom bytes, the same in every run (`SplitMix64`).
pub(crate) struct Bytes(pub(crate) u64);

impl Bytes {
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) fn id(seed: u64) -> WebhookId {
    id_from(&mut Bytes(seed))
}

pub(crate) fn id_from(bytes: &mut Bytes) -> WebhookId {
    let Ok(id) = WebhookId::generate(|buffer| {
        bytes.fill(buffer);
        Ok::<(), Infallible>(())
    });
    id
}

pub(crate) fn webhook(seed: u64) -> Webhook {
    let handle = WebhookHandle::new(NOW, [1; 10]);
    let name = "demo".parse().expect("a name");
    Webhook::new(
        handle,
        OrganizationId::FIRST,
        name,
        SenderFormat::Custom,
        &id(seed),
        NOW,
    )
}

pub(crate) fn policy(allowlist: &str) -> Policy {
    Policy {
        allowlist: allowlist.parse().expect("an allowlist"),
        ..Policy::default()
    }
}

pub(crate) fn draft(fields: DraftFields) -> IncidentDraft {
    let title = fields.title.or_else(|| Some("Disk full".into()));
    IncidentDraft::check(DraftFields { title, ..fields }).expect("a draft")
}

/// Fields of a draft with only a title.
pub(crate) fn titled() -> DraftFields<'static> {
    DraftFields {
        title: Some("Disk full".into()),
        ..DraftFields::default()
    }
}

/// The incident that the fields open, by which a test sees the values of a draft.
pub(crate) fn opened(fields: DraftFields) -> Incident {
    let number = IncidentNumber::new(1).expect("one is a number");
    let webhook = WebhookHandle::new(NOW, [1; 10]);
    Incident::open(number, OrganizationId::FIRST, webhook, draft(fields), NOW).expect("it opens one")
}
