//! Rows of `webhooks` and `retired_urls`.

#![expect(clippy::ref_option_ref, reason = "diesel's derive writes such types")]

use std::num::{NonZeroU16, NonZeroU32};

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use hookgate_domain::policy::{Limits, Overload, PayloadLogging, SealedSecret};
use hookgate_domain::rotation::RotationPolicy;
use hookgate_domain::webhook::{Leaver, RetiredBecause};
use hookgate_domain::{
    Allowlist, LiveUrl, OrganizationId, Policy, RetiredUrl, Timestamp, Webhook, WebhookIdDigest, WebhookName,
    WebhookState,
};

use crate::query_error::CorruptRow;
use crate::rows::read_handle;
use crate::schema::{retired_urls, webhooks};

const ACTIVE: &str = "active";
pub(crate) const REVOKED: &str = "revoked";
const REFUSE: &str = "refuse";
const POSTPONE: &str = "postpone";
const ON: &str = "on";
const OFF: &str = "off";

/// A webhook as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct WebhookRow {
    organization: i64,
    handle: String,
    name: String,
    format: String,
    state: String,
    digest: Option<Vec<u8>>,
    hint: String,
    issued_at: Option<i64>,
    exposed_at: Option<i64>,
    revoked_at: Option<i64>,
    allowlist: String,
    body_bytes: i64,
    per_minute: Option<i64>,
    overload: String,
    payload_logging: String,
    signing_secret: Option<Vec<u8>>,
    rotation_days: Option<i64>,
    revision: i64,
    created_at: i64,
    allowlist_mode: String,
    leaver: Option<String>,
    leaver_at: Option<i64>,
    mode_changed_at: Option<i64>,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = CorruptRow;

    fn try_from(row: WebhookRow) -> Result<Self, CorruptRow> {
        Ok(Self {
            handle: read_handle(&row.handle)?,
            organization: OrganizationId::new(row.organization).ok_or_else(|| row.corrupt("organization"))?,
            name: WebhookName::from_stored(&row.name).ok_or_else(|| row.corrupt("name"))?,
            format: row.format.parse().map_err(|_| row.corrupt("format"))?,
            state: row.state()?,
            revision: row.revision,
            created_at: Timestamp::from_micros(row.created_at),
            mode_changed_at: row.mode_changed_at.map(Timestamp::from_micros),
            leaver: row.leaver.clone().zip(row.leaver_at).map(|(name, at)| Leaver {
                name,
                since: Timestamp::from_micros(at),
            }),
            policy: row.policy()?,
        })
    }
}

impl WebhookRow {
    fn state(&self) -> Result<WebhookState, CorruptRow> {
        let hint = self.hint.parse().map_err(|_| self.corrupt("hint"))?;
        match self.state.as_str() {
            ACTIVE => Ok(WebhookState::Active(LiveUrl {
                digest: read_digest(self.digest.as_deref()).ok_or_else(|| self.corrupt("digest"))?,
                hint,
                issued_at: Timestamp::from_micros(self.issued_at.ok_or_else(|| self.corrupt("issued_at"))?),
                exposed_at: self.exposed_at.map(Timestamp::from_micros),
            })),
            REVOKED => {
                let at = self.revoked_at.ok_or_else(|| self.corrupt("revoked_at"))?;
                Ok(WebhookState::Revoked {
                    hint,
                    at: Timestamp::from_micros(at),
                })
            }
            _ => Err(self.corrupt("state")),
        }
    }

    fn policy(self) -> Result<Policy, CorruptRow> {
        let days = self
            .rotation_days
            .map(|days| narrow::<u16>(days).and_then(NonZeroU16::new));
        Ok(Policy {
            allowlist: Allowlist::from_stored(&self.allowlist).map_err(|_| self.corrupt("allowlist"))?,
            allowlist_mode: self
                .allowlist_mode
                .parse()
                .map_err(|_| self.corrupt("allowlist_mode"))?,
            limits: self.limits()?,
            payload_logging: match self.payload_logging.as_str() {
                ON => PayloadLogging::On,
                OFF => PayloadLogging::Off,
                _ => return Err(self.corrupt("payload_logging")),
            },
            rotation: RotationPolicy {
                days: days
                    .map(|days| days.ok_or_else(|| self.corrupt("rotation_days")))
                    .transpose()?,
            },
            signing_secret: self.signing_secret.map(SealedSecret::from_bytes),
        })
    }

    fn limits(&self) -> Result<Limits, CorruptRow> {
        let body_bytes = narrow(self.body_bytes).ok_or_else(|| self.corrupt("body_bytes"))?;
        let per_minute = self
            .per_minute
            .map(|most| narrow::<u32>(most).and_then(NonZeroU32::new));
        let per_minute = per_minute
            .map(|most| most.ok_or_else(|| self.corrupt("per_minute")))
            .transpose()?;
        let overload = match self.overload.as_str() {
            REFUSE => Overload::Refuse,
            POSTPONE => Overload::Postpone,
            _ => return Err(self.corrupt("overload")),
        };
        Limits::new(body_bytes, per_minute, overload).map_err(|_| self.corrupt("body_bytes"))
    }

    fn corrupt(&self, column: &'static str) -> CorruptRow {
        CorruptRow::at("webhooks", &self.handle, column)
    }
}

/// A webhook to write.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct WebhookFields<'a> {
    organization: i64,
    handle: String,
    name: &'a str,
    format: &'static str,
    state: &'static str,
    digest: Option<&'a [u8]>,
    hint: String,
    issued_at: Option<i64>,
    exposed_at: Option<i64>,
    revoked_at: Option<i64>,
    allowlist: String,
    body_bytes: i64,
    per_minute: Option<i64>,
    overload: &'static str,
    payload_logging: &'static str,
    signing_secret: Option<&'a [u8]>,
    rotation_days: Option<i64>,
    revision: i64,
    created_at: i64,
    allowlist_mode: &'static str,
    mode_changed_at: Option<i64>,
}

impl<'a> From<&'a Webhook> for WebhookFields<'a> {
    fn from(webhook: &'a Webhook) -> Self {
        let policy = &webhook.policy;
        let (state, url, revoked_at) = match &webhook.state {
            WebhookState::Active(url) => (ACTIVE, Some(url), None),
            WebhookState::Revoked { at, .. } => (REVOKED, None, Some(at.as_micros())),
        };
        Self {
            organization: webhook.organization.get(),
            handle: webhook.handle.to_string(),
            name: webhook.name.as_str(),
            format: webhook.format.as_str(),
            state,
            digest: url.map(|url| url.digest.as_bytes().as_slice()),
            hint: webhook.state.hint().to_string(),
            issued_at: url.map(|url| url.issued_at.as_micros()),
            exposed_at: url.and_then(|url| url.exposed_at).map(Timestamp::as_micros),
            revoked_at,
            allowlist: policy.allowlist.to_string(),
            body_bytes: policy.limits.body_bytes().into(),
            per_minute: policy.limits.per_minute().map(|most| most.get().into()),
            overload: match policy.limits.overload() {
                Overload::Refuse => REFUSE,
                Overload::Postpone => POSTPONE,
            },
            payload_logging: match policy.payload_logging {
                PayloadLogging::On => ON,
                PayloadLogging::Off => OFF,
            },
            signing_secret: policy.signing_secret.as_ref().map(SealedSecret::as_bytes),
            rotation_days: policy.rotation.days.map(|days| days.get().into()),
            revision: webhook.revision,
            created_at: webhook.created_at.as_micros(),
            allowlist_mode: policy.allowlist_mode.as_str(),
            mode_changed_at: webhook.mode_changed_at.map(Timestamp::as_micros),
        }
    }
}

/// A tombstone as it is read, without its digest, which the caller knows.
#[derive(Queryable, Selectable)]
#[diesel(table_name = retired_urls, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct RetiredRow {
    hint: String,
    because: String,
    at: i64,
}

impl RetiredRow {
    /// The tombstone with this digest, of the webhook with this handle.
    pub(crate) fn read(self, digest: WebhookIdDigest, handle: &str) -> Result<RetiredUrl, CorruptRow> {
        let corrupt = |column| move || CorruptRow::at("retired_urls", handle, column);
        let because = match self.because.as_str() {
            word if word == RetiredBecause::Regenerated.as_str() => RetiredBecause::Regenerated,
            word if word == RetiredBecause::Revoked.as_str() => RetiredBecause::Revoked,
            _ => return Err(corrupt("because")()),
        };
        Ok(RetiredUrl {
            digest,
            hint: self.hint.parse().ok().ok_or_else(corrupt("hint"))?,
            webhook: read_handle(handle)?,
            because,
            at: Timestamp::from_micros(self.at),
        })
    }
}

fn read_digest(bytes: Option<&[u8]>) -> Option<WebhookIdDigest> {
    Some(WebhookIdDigest::from_bytes(bytes?.try_into().ok()?))
}

/// A number in the narrower type that it was stored from.
fn narrow<T: TryFrom<i64>>(number: i64) -> Option<T> {
    T::try_from(number).ok()
}
